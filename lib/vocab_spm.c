// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "vocab.h"

/**
 * struct ranking - the order of scores
 * @scores: all scores that differ, sorted
 * @count: how many
 */
struct ranking {
	double *scores;
	__u32 count;
};

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Only the order of scores matters: they become whole numbers. */
static void rank_scores(struct compile *c, const struct vocab *vocab, struct ranking *ranking)
{
	__u32 i;

	ranking->scores = calloc(vocab->count, sizeof(*ranking->scores));
	if (!ranking->scores) {
		compile_fail(c, ENOMEM, "not enough memory");
		return;
	}
	for (i = 0; i < vocab->count; i++) {
		ranking->scores[i] = gguf_array_number(c->gguf, vocab->scores, i);
		if (isnan(ranking->scores[i])) {
			compile_fail(c, EINVAL, "token %u has a score that is not a number", i);
			return;
		}
	}
	qsort(ranking->scores, vocab->count, sizeof(*ranking->scores), by_value);
	ranking->count = 1;
	for (i = 1; i < vocab->count; i++)
		if (ranking->scores[i] != ranking->scores[ranking->count - 1])
			ranking->scores[ranking->count++] = ranking->scores[i];
}

static __u32 rank_of(const struct ranking *ranking, double score)
{
	const double *found = bsearch(&score, ranking->scores, ranking->count,
				      sizeof(*ranking->scores), by_value);

	return found - ranking->scores;
}

static void add_token(struct compile *c, const struct vocab *vocab,
		      const struct ranking *ranking, __u32 index, const char *text, __u64 length)
{
	struct llm_image_token token = vocab_kind(c, vocab, index, text, length);
	char plain[VOCAB_MAX_TEXT];

	if (c->code)
		return;
	if (token.kind != LLM_TOKEN_BYTE)
		token.rank = rank_of(ranking, gguf_array_number(c->gguf, vocab->scores, index));
	/* Other kinds are found in the text as they are written. */
	if (token.kind == LLM_TOKEN_NORMAL) {
		length = vocab_plain(plain, text, length);
		text = plain;
	}
	vocab_add(c, &token, text, length);
}

void compile_vocab_spm(struct compile *c)
{
	/* llama.cpp's for SentencePiece. */
	const struct vocab_defaults defaults = {
		.eos_key = "tokenizer.ggml.eos_token_id", .bos = 1, .eos = 2, .unknown = 0,
		.flags = LLM_TOKENIZER_ADD_BOS | LLM_TOKENIZER_SPACE_PREFIX,
	};
	struct ranking ranking = { 0 };
	struct vocab vocab = { 0 };
	__u64 cursor, length;
	__u32 i;

	vocab_open(c, &vocab, true);
	if (!c->code)
		rank_scores(c, &vocab, &ranking);
	cursor = c->code ? 0 : vocab.tokens->offset;
	for (i = 0; i < vocab.count && !c->code; i++) {
		const char *text = gguf_array_string(c->gguf, &cursor, &length);

		add_token(c, &vocab, &ranking, i, text, length);
	}
	vocab_finish(c, LLM_TOKENIZER_SPM, &defaults);
	free(ranking.scores);
}
