// SPDX-License-Identifier: GPL-2.0
#include "fold.h"
#include "split.h"
#include "tokenizer.h"
#include "unigram.h"

#define MAX_TEXT	1024

/* What each kind has: the others must not have it. */
struct kind {
	u32 flags;
	bool split;
	bool merges;
	bool fold;
	bool unknown;
	bool replacements;
};

#define FLAGS	(LLM_TOKENIZER_ADD_BOS | LLM_TOKENIZER_ADD_EOS | LLM_TOKENIZER_ADD_SEP)

static const struct kind kinds[] = {
	[LLM_TOKENIZER_SPM] = { .flags = FLAGS | LLM_TOKENIZER_SPACE_PREFIX },
	[LLM_TOKENIZER_BPE] = {
		.flags = FLAGS | LLM_TOKENIZER_WHOLE_PIECES, .split = true, .merges = true,
	},
	[LLM_TOKENIZER_WORDPIECE] = { .flags = FLAGS, .fold = true, .unknown = true },
	[LLM_TOKENIZER_GREEDY] = { .flags = FLAGS },
	[LLM_TOKENIZER_UNIGRAM] = {
		.flags = FLAGS | LLM_TOKENIZER_SPACE_PREFIX | LLM_TOKENIZER_MERGE_SPACES,
		.unknown = true, .replacements = true,
	},
};

static bool is_token_or_none(const struct llm_image *image, u32 token)
{
	return token < image->model.vocab_size || token == LLM_IMAGE_NONE;
}

static int verify_numbers(const struct llm_image *image, struct llm_error *error)
{
	const struct llm_image_tokenizer *t = &image->tokenizer;
	u32 i;

	if (!t->kind || t->kind >= ARRAY_SIZE(kinds))
		return llm_refuse(error, -EOPNOTSUPP, "tokenizer: kind %u is not known", t->kind);
	if (t->flags & ~kinds[t->kind].flags)
		return llm_refuse(error, -EOPNOTSUPP,
				  "tokenizer: flags %#x are not known for kind %u",
				  t->flags & ~kinds[t->kind].flags, t->kind);
	for (i = 0; i < ARRAY_SIZE(t->reserved); i++)
		if (t->reserved[i])
			return llm_refuse(error, -EINVAL,
					  "tokenizer: reserved fields are not zero");
	if (!is_token_or_none(image, t->bos) || !is_token_or_none(image, t->eos) ||
	    !is_token_or_none(image, t->unknown))
		return llm_refuse(error, -EINVAL,
				  "tokenizer: bos %u, eos %u or unknown %u is not a token", t->bos,
				  t->eos, t->unknown);
	if ((t->flags & LLM_TOKENIZER_ADD_BOS && t->bos == LLM_IMAGE_NONE) ||
	    (t->flags & (LLM_TOKENIZER_ADD_EOS | LLM_TOKENIZER_ADD_SEP) &&
	     t->eos == LLM_IMAGE_NONE))
		return llm_refuse(error, -EINVAL, "tokenizer: adds a token that it has not");
	if (kinds[t->kind].unknown && t->unknown == LLM_IMAGE_NONE)
		return llm_refuse(error, -EINVAL, "tokenizer: kind %u needs an unknown token",
				  t->kind);
	return 0;
}

static int verify_presence(u32 kind, const char *section, bool wanted, u64 size,
			   struct llm_error *error)
{
	if (wanted && !size)
		return llm_refuse(error, -EINVAL, "tokenizer: kind %u needs section %s", kind,
				  section);
	if (!wanted && size)
		return llm_refuse(error, -EINVAL, "tokenizer: kind %u does not use section %s",
				  kind, section);
	return 0;
}

static int verify_tables(const struct llm_image *image, struct llm_error *error)
{
	u32 kind = image->tokenizer.kind;
	int err;

	err = verify_presence(kind, "split", kinds[kind].split, image->split_length, error);
	if (!err)
		err = verify_presence(kind, "fold", kinds[kind].fold, image->fold_length, error);
	/* There may be none. */
	if (!err && !kinds[kind].merges)
		err = verify_presence(kind, "merges", false, image->merge_count, error);
	if (!err && !kinds[kind].replacements)
		err = verify_presence(kind, "replacements", false, image->replacement_count,
				      error);
	if (!err && kinds[kind].replacements)
		err = llm_unigram_verify(image, error);
	if (!err && kinds[kind].split)
		err = llm_split_verify(image->split, image->split_length, error);
	if (!err && kinds[kind].fold)
		err = llm_fold_verify(image->fold, image->fold_length, error);
	return err;
}

static int verify_token(const struct llm_image *image, u32 i, struct llm_error *error)
{
	const struct llm_image_token *t = &image->vocab[i];

	if (t->kind < LLM_TOKEN_NORMAL || t->kind > LLM_TOKEN_BYTE)
		return llm_refuse(error, -EOPNOTSUPP, "token %u: kind %u is not known", i,
				  t->kind);
	if (t->flags & ~(LLM_TOKEN_ENDS | LLM_TOKEN_STRIPS))
		return llm_refuse(error, -EOPNOTSUPP, "token %u: flags %#x are not known", i,
				  t->flags);
	if (t->length > MAX_TEXT || (u64)t->offset + t->length > image->strings_length)
		return llm_refuse(error, -EINVAL,
				  "token %u: text of %u bytes at %u is not within the strings", i,
				  t->length, t->offset);
	if (t->kind == LLM_TOKEN_BYTE && (t->rank < 0 || t->rank > 255))
		return llm_refuse(error, -EINVAL, "token %u: %d is not a byte", i, t->rank);
	return 0;
}

int llm_tokenizer_verify(const struct llm_image *image, struct llm_error *error)
{
	int err;
	u32 i;

	err = verify_numbers(image, error);
	if (!err)
		err = verify_tables(image, error);
	for (i = 0; i < image->model.vocab_size && !err; i++)
		err = verify_token(image, i, error);
	return err;
}
