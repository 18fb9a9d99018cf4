// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <math.h>

#include "charsmap.h"
#include "vocab.h"

/* What a character without a token costs more than the least likely token. */
#define UNKNOWN_PENALTY 10.0F

/**
 * struct scale - how scores become whole numbers
 * @factor: what they are multiplied by, a power of two
 * @unknown: score of a character without a token
 */
struct scale {
	double factor;
	double unknown;
};

/*
 * Only which sum of scores is higher matters, so they become the largest whole numbers
 * that fit: exact, but for those a hundred times smaller than the largest.
 */
static void find_scale(struct compile *c, const struct vocab *vocab, struct scale *scale)
{
	double least = INFINITY, most = 0;
	int exponent;
	__u32 i;

	for (i = 0; i < vocab->count; i++) {
		double score = gguf_array_number(c->gguf, vocab->scores, i);
		double type = gguf_array_number(c->gguf, vocab->types, i);

		if (!isfinite(score)) {
			compile_fail(c, EINVAL, "token %u has a score that is not a number", i);
			return;
		}
		if (type == LLM_TOKEN_NORMAL || type == LLM_TOKEN_UNUSED)
			most = fmax(most, fabs(score));
		if (type == LLM_TOKEN_NORMAL)
			least = fmin(least, score);
	}
	if (isinf(least)) {
		compile_fail(c, EINVAL, "the vocabulary has no normal token");
		return;
	}
	scale->unknown = (float)least - UNKNOWN_PENALTY;
	frexp(fmax(most, fabs(scale->unknown)), &exponent);
	scale->factor = ldexp(1, 31 - exponent);
}

static void add_token(struct compile *c, const struct vocab *vocab, const struct scale *scale,
		      __u32 index, const char *text, __u64 length)
{
	struct llm_image_token token = vocab_kind(c, vocab, index, text, length);
	char plain[VOCAB_MAX_TEXT];

	if (c->code)
		return;
	if (token.kind == LLM_TOKEN_NORMAL || token.kind == LLM_TOKEN_UNUSED)
		token.rank = lrint(scale->factor *
				   gguf_array_number(c->gguf, vocab->scores, index));
	/* Other kinds are found in the text as they are written. */
	if (token.kind == LLM_TOKEN_NORMAL || token.kind == LLM_TOKEN_UNUSED) {
		length = vocab_plain(plain, text, length);
		text = plain;
	}
	vocab_add(c, &token, text, length);
}

static void add_charsmap(struct compile *c)
{
	const struct gguf_key *key = gguf_key_find(c->gguf, "tokenizer.ggml.precompiled_charsmap");

	if (!key || c->code)
		return;
	if (key->kind != GGUF_ARRAY || (key->element != GGUF_U8 && key->element != GGUF_I8))
		compile_fail(c, EINVAL, "key '%s' is not an array of bytes", key->name);
	else
		compile_charsmap(c, c->gguf->bytes + key->offset, key->count);
}

void compile_vocab_unigram(struct compile *c)
{
	/* llama.cpp's for T5, from which it has the name. */
	const struct vocab_defaults defaults = {
		.eos_key = "tokenizer.ggml.eos_token_id", .bos = LLM_IMAGE_NONE, .eos = 1,
		.unknown = 2, .flags = LLM_TOKENIZER_ADD_EOS,
	};
	struct scale scale = { 0 };
	struct vocab vocab = { 0 };
	__u64 cursor, length;
	__u32 i;

	vocab_open(c, &vocab, true);
	if (!c->code)
		find_scale(c, &vocab, &scale);
	cursor = c->code ? 0 : vocab.tokens->offset;
	for (i = 0; i < vocab.count && !c->code; i++) {
		const char *text = gguf_array_string(c->gguf, &cursor, &length);

		add_token(c, &vocab, &scale, i, text, length);
	}
	add_charsmap(c);
	vocab_finish(c, LLM_TOKENIZER_UNIGRAM, &defaults);
	if (c->code)
		return;
	if (c->writer.tokenizer.unknown == LLM_IMAGE_NONE)
		compile_fail(c, EINVAL, "the vocabulary has no unknown token");
	else
		image_token(&c->writer, c->writer.tokenizer.unknown)->rank =
			lrint(scale.factor * scale.unknown);
}
