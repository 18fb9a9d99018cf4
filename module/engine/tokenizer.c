// SPDX-License-Identifier: GPL-2.0
#include "tokenizer.h"

#include "bpe.h"
#include "greedy.h"
#include "spm.h"
#include "unigram.h"
#include "wordpiece.h"

/*
 * Tokens that have a text of their own are found first and cut the text into
 * fragments: users' tokens always, the others where they are asked for. The
 * fragments between them are for the kind of the tokenizer: the others are zero.
 */
struct llm_tokenizer {
	const struct llm_image *image;
	struct llm_spm spm;
	struct llm_bpe bpe;
	struct llm_wordpiece wordpiece;
	struct llm_greedy greedy;
	struct llm_unigram unigram;
	struct llm_matcher user;
	struct llm_matcher special;
	u8 bytes[256];
};

static int tokenizer_init(struct llm_tokenizer *tokenizer, const struct llm_image *image,
			  struct llm_error *error)
{
	const u32 user = 1U << LLM_TOKEN_USER;
	const u32 special = user | 1U << LLM_TOKEN_CONTROL | 1U << LLM_TOKEN_UNKNOWN;
	u32 i;
	int err;

	tokenizer->image = image;
	for (i = 0; i < ARRAY_SIZE(tokenizer->bytes); i++)
		tokenizer->bytes[i] = i;
	switch (image->tokenizer.kind) {
	case LLM_TOKENIZER_BPE:
		err = llm_bpe_init(&tokenizer->bpe, image, error);
		break;
	case LLM_TOKENIZER_WORDPIECE:
		err = llm_wordpiece_init(&tokenizer->wordpiece, image, error);
		break;
	case LLM_TOKENIZER_GREEDY:
		err = llm_greedy_init(&tokenizer->greedy, image, error);
		break;
	case LLM_TOKENIZER_UNIGRAM:
		err = llm_unigram_init(&tokenizer->unigram, image, error);
		break;
	default:
		err = llm_spm_init(&tokenizer->spm, image, error);
	}
	if (!err)
		err = llm_matcher_init(&tokenizer->user, image, user, error);
	if (!err)
		err = llm_matcher_init(&tokenizer->special, image, special, error);
	return err;
}

int llm_tokenizer_create(struct llm_tokenizer **created, const struct llm_image *image,
			 struct llm_error *error)
{
	struct llm_tokenizer *tokenizer = llm_alloc(sizeof(*tokenizer));
	int err;

	if (!tokenizer)
		return llm_refuse(error, -ENOMEM, "out of memory for a tokenizer");
	err = tokenizer_init(tokenizer, image, error);
	if (err)
		llm_tokenizer_destroy(tokenizer);
	else
		*created = tokenizer;
	return err;
}

void llm_tokenizer_destroy(struct llm_tokenizer *tokenizer)
{
	if (!tokenizer)
		return;
	llm_matcher_destroy(&tokenizer->special);
	llm_matcher_destroy(&tokenizer->user);
	llm_unigram_destroy(&tokenizer->unigram);
	llm_greedy_destroy(&tokenizer->greedy);
	llm_wordpiece_destroy(&tokenizer->wordpiece);
	llm_bpe_destroy(&tokenizer->bpe);
	llm_spm_destroy(&tokenizer->spm);
	llm_free(tokenizer);
}

u64 llm_tokenizer_memory(const struct llm_tokenizer *tokenizer)
{
	u64 memory = sizeof(*tokenizer) + llm_index_memory(&tokenizer->user.index) +
		     llm_index_memory(&tokenizer->special.index);

	switch (tokenizer->image->tokenizer.kind) {
	case LLM_TOKENIZER_BPE:
		return memory + llm_bpe_memory(&tokenizer->bpe);
	case LLM_TOKENIZER_WORDPIECE:
		return memory + llm_trie_memory(&tokenizer->wordpiece.trie);
	case LLM_TOKENIZER_GREEDY:
		return memory + llm_trie_memory(&tokenizer->greedy.trie);
	case LLM_TOKENIZER_UNIGRAM:
		return memory + llm_unigram_memory(&tokenizer->unigram);
	default:
		return memory + llm_index_memory(&tokenizer->spm.index);
	}
}

u32 llm_tokenizer_most(const struct llm_tokenizer *tokenizer, u32 length)
{
	/* What begins a text, what begins a second one, and what ends it. */
	const u32 around = 3;

	switch (tokenizer->image->tokenizer.kind) {
	case LLM_TOKENIZER_BPE:
		return around + LLM_BPE_MOST_TOKENS * length;
	case LLM_TOKENIZER_WORDPIECE:
		return around + LLM_WORDPIECE_MOST_TOKENS * length;
	case LLM_TOKENIZER_GREEDY:
		return around + length;
	case LLM_TOKENIZER_UNIGRAM:
		return around + llm_unigram_most(&tokenizer->unigram, length);
	default:
		/*
		 * Each byte is one at worst; a space before the text, and one after each token
		 * that was cut out of it, which takes a byte; a space that is taken apart is
		 * three, and a byte before it is why.
		 */
		return around + 1 + 2 * length;
	}
}

static int tokenize_fragment(const struct llm_tokenizer *tokenizer, const u8 *text, u32 length,
			     bool space_before, struct llm_token_list *list)
{
	switch (tokenizer->image->tokenizer.kind) {
	case LLM_TOKENIZER_BPE:
		return llm_bpe_tokenize(&tokenizer->bpe, text, length, list);
	case LLM_TOKENIZER_WORDPIECE:
		return llm_wordpiece_tokenize(&tokenizer->wordpiece, text, length, list);
	case LLM_TOKENIZER_GREEDY:
		llm_greedy_tokenize(&tokenizer->greedy, text, length, list);
		return 0;
	case LLM_TOKENIZER_UNIGRAM:
		return llm_unigram_tokenize(&tokenizer->unigram, text, length, space_before, list);
	default:
		return llm_spm_tokenize(&tokenizer->spm, text, length, space_before, list);
	}
}

/*
 * As llama.cpp does: a space is read before a fragment that comes first or
 * after a token that was cut out.
 */
static int tokenize_marked(const struct llm_tokenizer *tokenizer, const u8 *text, u32 length,
			   const u32 *owners, bool space_before, struct llm_token_list *list)
{
	bool space_prefix = tokenizer->image->tokenizer.flags & LLM_TOKENIZER_SPACE_PREFIX;
	u32 at = 0;
	u32 end;
	int err;

	while (at < length) {
		if (owners[at] == LLM_MATCHER_STRIPPED) {
			at++;
			continue;
		}
		if (owners[at] != LLM_IMAGE_NONE) {
			llm_token_list_add(list, owners[at]);
			at += tokenizer->image->vocab[owners[at]].length;
			space_before = space_prefix;
			continue;
		}
		for (end = at + 1; end < length && owners[end] == LLM_IMAGE_NONE;)
			end++;
		err = tokenize_fragment(tokenizer, text + at, end - at, space_before, list);
		if (err)
			return err;
		at = end;
	}
	return 0;
}

static int tokenize_text(const struct llm_tokenizer *tokenizer, const u8 *text, u32 length,
			 const u8 *plain, u32 flags, struct llm_token_list *list)
{
	const struct llm_matcher *matcher =
		flags & LLM_TEXT_SPECIAL ? &tokenizer->special : &tokenizer->user;
	bool space_before = flags & (LLM_TEXT_BEGIN | LLM_TEXT_SECOND | LLM_TEXT_SPACE) &&
			    tokenizer->image->tokenizer.flags & LLM_TOKENIZER_SPACE_PREFIX;
	u64 size = (u64)length * sizeof(u32);
	u32 *owners;
	int err;

	if (!llm_matcher_possible(matcher, text, length))
		return tokenize_fragment(tokenizer, text, length, space_before, list);
	owners = llm_alloc(size);
	if (!owners)
		return -ENOMEM;
	llm_matcher_mark(matcher, text, length, plain, owners);
	err = tokenize_marked(tokenizer, text, length, owners, space_before, list);
	llm_free_private(owners, size);
	return err;
}

static int tokenize(const struct llm_tokenizer *tokenizer, const u8 *text, u32 length,
		    const u8 *plain, u32 flags, u32 *tokens, u32 room, u32 *count)
{
	const struct llm_image_tokenizer *model = &tokenizer->image->tokenizer;
	struct llm_token_list list = { .tokens = tokens, .room = room };
	int err = 0;

	if (flags & LLM_TEXT_BEGIN && model->flags & LLM_TOKENIZER_ADD_BOS)
		llm_token_list_add(&list, model->bos);
	if (flags & LLM_TEXT_SECOND && model->flags & LLM_TOKENIZER_ADD_SEP)
		llm_token_list_add(&list, model->eos);
	if (length)
		err = tokenize_text(tokenizer, text, length, plain, flags, &list);
	if (flags & LLM_TEXT_END && model->flags & LLM_TOKENIZER_ADD_EOS)
		llm_token_list_add(&list, model->eos);
	*count = list.count;
	if (err)
		return err;
	return list.count > room ? -ENOSPC : 0;
}

int llm_tokenize(const struct llm_tokenizer *tokenizer, const u8 *text, u32 length, u32 flags,
		 u32 *tokens, u32 room, u32 *count)
{
	return tokenize(tokenizer, text, length, NULL, flags, tokens, room, count);
}

int llm_tokenize_parts(const struct llm_tokenizer *tokenizer, const struct llm_text_part *parts,
		       u32 part_count, u32 flags, u32 *tokens, u32 room, u32 *count)
{
	u32 length = 0;
	u32 at = 0;
	u8 *text, *plain;
	u32 i;
	int err;

	for (i = 0; i < part_count; i++)
		length += parts[i].length;
	text = llm_alloc(2 * (u64)length + 1);
	if (!text)
		return -ENOMEM;
	plain = text + length;
	for (i = 0; i < part_count; i++) {
		memcpy(text + at, parts[i].text, parts[i].length);
		memset(plain + at, !(parts[i].flags & LLM_TEXT_SPECIAL), parts[i].length);
		at += parts[i].length;
	}
	err = tokenize(tokenizer, text, length, plain, flags | LLM_TEXT_SPECIAL, tokens, room,
		       count);
	llm_free_private(text, 2 * (u64)length + 1);
	return err;
}

const u8 *llm_token_text(const struct llm_tokenizer *tokenizer, u32 token, u32 flags,
			 u32 *length)
{
	const struct llm_image_token *t = &tokenizer->image->vocab[token];

	*length = 0;
	switch (t->kind) {
	case LLM_TOKEN_BYTE:
		*length = 1;
		return &tokenizer->bytes[t->rank];
	case LLM_TOKEN_NORMAL:
	case LLM_TOKEN_USER:
		*length = t->length;
		break;
	case LLM_TOKEN_CONTROL:
	case LLM_TOKEN_UNKNOWN:
		if (flags & LLM_TEXT_SPECIAL)
			*length = t->length;
		break;
	}
	return tokenizer->image->strings + t->offset;
}

bool llm_token_ends(const struct llm_tokenizer *tokenizer, u32 token)
{
	return tokenizer->image->vocab[token].flags & LLM_TOKEN_ENDS;
}
