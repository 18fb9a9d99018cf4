// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"

/* What SentencePiece writes for a space, U+2581. */
#define SPACE_MARK "\xe2\x96\x81"
#define MAX_TEXT 1024
#define MAX_STRINGS (64U << 20)

/* Texts of tokens that end a reply where no key says so; those llama.cpp knows. */
static const char *const ending_texts[] = {
	"<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<|flush|>",
	"<|calls|>", "<end_of_turn>", "<|endoftext|>", "</s>", "<|eom_id|>", "<EOT>",
	"_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>", "<end_of_utterance>", "<eos>",
};

/* Keys of tokens that end a reply; those llama.cpp takes for it. */
static const char *const ending_keys[] = {
	"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
	"tokenizer.ggml.eom_token_id", "tokenizer.ggml.fim_pad_token_id",
	"tokenizer.ggml.fim_rep_token_id", "tokenizer.ggml.fim_sep_token_id",
};

/**
 * struct spm - the arrays of a vocabulary
 * @tokens: texts
 * @scores: order of merging
 * @types: kinds of tokens
 * @ranked: all scores, sorted
 * @ranked_count: those that differ, at the start of @ranked
 */
struct spm {
	const struct gguf_key *tokens;
	const struct gguf_key *scores;
	const struct gguf_key *types;
	double *ranked;
	__u32 ranked_count;
};

static const struct gguf_key *need_array(struct compile *c, const char *name,
					 enum gguf_kind element)
{
	const struct gguf_key *key = NULL;
	int found;

	if (c->code)
		return NULL;
	found = gguf_get_array(c->gguf, name, element, &key, c->error);
	if (found < 0)
		c->code = found;
	else if (!found)
		compile_fail(c, EINVAL, "key '%s' is missing", name);
	return key;
}

static void find_arrays(struct compile *c, struct spm *spm)
{
	spm->tokens = need_array(c, "tokenizer.ggml.tokens", GGUF_STRING);
	spm->scores = need_array(c, "tokenizer.ggml.scores", GGUF_F32);
	spm->types = need_array(c, "tokenizer.ggml.token_type", GGUF_I32);
	if (c->code)
		return;
	if (!spm->tokens->count || spm->tokens->count > COMPILE_MAX_VOCAB)
		compile_fail(c, EINVAL, "a vocabulary of %llu tokens; 1 to %u are supported",
			     spm->tokens->count, COMPILE_MAX_VOCAB);
	else if (spm->scores->count != spm->tokens->count ||
		 spm->types->count != spm->tokens->count)
		compile_fail(c, EINVAL, "tokens, their scores and their types are not as many");
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Only the order of scores matters: they become whole numbers. */
static void rank_scores(struct compile *c, struct spm *spm)
{
	__u32 i;

	spm->ranked = calloc(spm->tokens->count, sizeof(*spm->ranked));
	if (!spm->ranked) {
		compile_fail(c, ENOMEM, "not enough memory");
		return;
	}
	for (i = 0; i < spm->tokens->count; i++) {
		spm->ranked[i] = gguf_array_number(c->gguf, spm->scores, i);
		if (isnan(spm->ranked[i])) {
			compile_fail(c, EINVAL, "token %u has a score that is not a number", i);
			return;
		}
	}
	qsort(spm->ranked, spm->tokens->count, sizeof(*spm->ranked), by_value);
	spm->ranked_count = 1;
	for (i = 1; i < spm->tokens->count; i++)
		if (spm->ranked[i] != spm->ranked[spm->ranked_count - 1])
			spm->ranked[spm->ranked_count++] = spm->ranked[i];
}

static __u32 rank_of(const struct spm *spm, double score)
{
	const double *found = bsearch(&score, spm->ranked, spm->ranked_count,
				      sizeof(*spm->ranked), by_value);

	return found - spm->ranked;
}

/* The value of a byte token's text, "<0xNN>", or -1. */
static int byte_value(const char *text, __u64 length)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *high, *low;

	if (length != 6 || memcmp(text, "<0x", 3) || text[5] != '>' || !text[3] || !text[4])
		return -1;
	high = strchr(digits, text[3]);
	low = strchr(digits, text[4]);
	if (!high || !low)
		return -1;
	return (high - digits) * 16 + (low - digits);
}

static bool ends_by_text(const char *text, __u64 length)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ending_texts); i++)
		if (length == strlen(ending_texts[i]) && !memcmp(text, ending_texts[i], length))
			return true;
	return false;
}

static __u64 replace_marks(char *to, const char *text, __u64 length)
{
	__u64 i = 0, used = 0;

	while (i < length) {
		if (length - i >= 3 && !memcmp(text + i, SPACE_MARK, 3)) {
			to[used++] = ' ';
			i += 3;
		} else {
			to[used++] = text[i++];
		}
	}
	return used;
}

static void add_token(struct compile *c, const struct spm *spm, __u32 index,
		      const char *text, __u64 length)
{
	double type = gguf_array_number(c->gguf, spm->types, index);
	struct llm_image_token token = {
		.rank = rank_of(spm, gguf_array_number(c->gguf, spm->scores, index)),
	};
	char plain[MAX_TEXT];

	if (type < 0 || type > LLM_TOKEN_BYTE) {
		compile_fail(c, EOPNOTSUPP, "token %u is of type %g, which is not known", index,
			     type);
		return;
	}
	if (length > MAX_TEXT) {
		compile_fail(c, EINVAL, "token %u is longer than %u bytes", index, MAX_TEXT);
		return;
	}
	token.kind = type ? type : LLM_TOKEN_NORMAL;
	if (token.kind == LLM_TOKEN_BYTE) {
		token.rank = byte_value(text, length);
		if (token.rank < 0) {
			compile_fail(c, EINVAL, "token %u is a byte, but its text is not <0xNN>",
				     index);
			return;
		}
		length = 0;
	} else if (ends_by_text(text, length)) {
		token.kind = LLM_TOKEN_CONTROL;
		token.flags = LLM_TOKEN_ENDS;
	}
	/* Other kinds are found in the text as they are written. */
	if (token.kind == LLM_TOKEN_NORMAL) {
		length = replace_marks(plain, text, length);
		text = plain;
	}
	image_add_token(&c->writer, &token, text, length);
	if (c->writer.strings.length > MAX_STRINGS)
		compile_fail(c, EINVAL, "the tokens' texts are longer than %u MiB",
			     MAX_STRINGS >> 20);
	if (c->writer.out_of_memory)
		compile_fail(c, ENOMEM, "not enough memory");
}

static void add_tokens(struct compile *c, const struct spm *spm)
{
	__u64 cursor = spm->tokens->offset;
	__u32 i;

	for (i = 0; i < spm->tokens->count && !c->code; i++) {
		__u64 length;
		const char *text = gguf_array_string(c->gguf, &cursor, &length);

		add_token(c, spm, i, text, length);
	}
}

/* A token that a key names; where none does, @missing, if there is one. */
static __u32 token_id(struct compile *c, const char *name, __u32 missing, __u32 count)
{
	__u64 id = missing;
	int found;

	if (c->code)
		return LLM_IMAGE_NONE;
	found = gguf_get_uint(c->gguf, name, &id, c->error);
	if (found < 0)
		c->code = found;
	else if (found && id >= count)
		compile_fail(c, EINVAL, "key '%s': there is no token %llu", name,
			     id);
	return c->code || id >= count ? LLM_IMAGE_NONE : id;
}

static void set_flag(struct compile *c, const char *name, bool missing, __u32 flag)
{
	bool value = missing;
	int found;

	if (c->code)
		return;
	found = gguf_get_bool(c->gguf, name, &value, c->error);
	if (found < 0)
		c->code = found;
	else if (value)
		c->writer.tokenizer.flags |= flag;
}

/* The defaults are llama.cpp's for SentencePiece. */
static void fill_tokenizer(struct compile *c, __u32 count)
{
	struct llm_image_tokenizer *tokenizer = &c->writer.tokenizer;
	__u32 id;
	size_t i;

	tokenizer->kind = LLM_TOKENIZER_SPM;
	tokenizer->unknown = token_id(c, "tokenizer.ggml.unknown_token_id", 0, count);
	tokenizer->bos = token_id(c, "tokenizer.ggml.bos_token_id", 1, count);
	tokenizer->eos = token_id(c, "tokenizer.ggml.eos_token_id", 2, count);
	set_flag(c, "tokenizer.ggml.add_bos_token", true, LLM_TOKENIZER_ADD_BOS);
	set_flag(c, "tokenizer.ggml.add_eos_token", false, LLM_TOKENIZER_ADD_EOS);
	set_flag(c, "tokenizer.ggml.add_space_prefix", true, LLM_TOKENIZER_SPACE_PREFIX);
	if (tokenizer->bos == LLM_IMAGE_NONE)
		tokenizer->flags &= ~LLM_TOKENIZER_ADD_BOS;
	if (tokenizer->eos == LLM_IMAGE_NONE)
		tokenizer->flags &= ~LLM_TOKENIZER_ADD_EOS;
	for (i = 0; i < ARRAY_SIZE(ending_keys); i++) {
		id = token_id(c, ending_keys[i], LLM_IMAGE_NONE, count);
		if (id != LLM_IMAGE_NONE)
			image_token(&c->writer, id)->flags |= LLM_TOKEN_ENDS;
	}
	if (tokenizer->eos != LLM_IMAGE_NONE)
		image_token(&c->writer, tokenizer->eos)->flags |= LLM_TOKEN_ENDS;
}

void compile_vocab_spm(struct compile *c)
{
	struct spm spm = { 0 };

	find_arrays(c, &spm);
	if (!c->code)
		rank_scores(c, &spm);
	if (!c->code)
		add_tokens(c, &spm);
	if (!c->code) {
		c->writer.model.vocab_size = spm.tokens->count;
		fill_tokenizer(c, spm.tokens->count);
	}
	free(spm.ranked);
}
