// SPDX-License-Identifier: GPL-2.0
/*
 * A vocabulary with the structure of a trained one: special tokens, bytes, letters,
 * and tokens that two earlier ones make together, in the order of merging.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

#define MAX_TEXT	24
/* What SentencePiece writes for a space, U+2581. */
#define SPACE		"\xe2\x96\x81"

enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, BYTE = 6 };

/* Parts of common words first, so that text becomes more than letters. */
static const char *const common[] = {
	SPACE "t", SPACE "a", "he", "in", "re", "on", SPACE "the", "er", SPACE "s", "at", SPACE "w",
	SPACE "o", "en", SPACE "c", "it", "is", "an", "or", "es", SPACE "b", "ed", SPACE "f", "ing",
	SPACE "p", "ou", SPACE "an", "al", "ar", SPACE "to", SPACE "m", SPACE "of", SPACE "in",
	SPACE "d", SPACE "h", SPACE "and", "ic", "as", "le", SPACE "th", "ion", "om", "ll", "ent",
	SPACE "n", SPACE "l", "st", SPACE "re", "ve", "ro", "ly",
};

/**
 * struct vocab - a vocabulary as it grows
 * @texts: of the tokens
 * @scores: order of merging
 * @kinds: kinds of tokens
 * @count: tokens
 * @places: one more than the number of a token, or 0, at the hash of its text or
 *	after it
 * @mask: places less one; at most half of them are taken
 */
struct vocab {
	char **texts;
	float *scores;
	int32_t *kinds;
	uint32_t count;
	uint32_t *places;
	uint32_t mask;
};

/* The place of a text, or the free one where it would go. */
static uint32_t *place_of(const struct vocab *v, const char *text)
{
	uint32_t at = 2166136261U;
	const char *c;

	/* FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/ */
	for (c = text; *c; c++)
		at = (at ^ (uint8_t)*c) * 16777619U;
	for (at &= v->mask; v->places[at]; at = (at + 1) & v->mask)
		if (!strcmp(v->texts[v->places[at] - 1], text))
			break;
	return &v->places[at];
}

static void add(struct vocab *v, const char *text, int32_t kind, float score)
{
	*place_of(v, text) = v->count + 1;
	v->texts[v->count] = must(strdup(text));
	v->kinds[v->count] = kind;
	v->scores[v->count++] = score;
}

static void add_letters(struct vocab *v)
{
	char text[8];
	int c;

	add(v, SPACE, NORMAL, 0);
	for (c = '!'; c <= '~'; c++) {
		snprintf(text, sizeof(text), "%c", c);
		add(v, text, NORMAL, 0);
	}
}

/* The rest, of any two earlier ones. */
static void add_pairs(struct vocab *v, uint32_t first, uint32_t count, uint64_t random)
{
	char text[2 * MAX_TEXT];
	uint32_t a, b;

	while (v->count < count) {
		a = first + random_bits(&random) % (v->count - first);
		b = first + random_bits(&random) % (v->count - first);
		snprintf(text, sizeof(text), "%s%s", v->texts[a], v->texts[b]);
		if (strlen(text) <= MAX_TEXT && !*place_of(v, text))
			add(v, text, NORMAL, -(float)(v->count - first));
	}
}

void vocab_add(struct gguf *g, const struct sizes *s)
{
	struct vocab v = {
		.texts = must(calloc(s->vocab, sizeof(*v.texts))),
		.scores = must(calloc(s->vocab, sizeof(*v.scores))),
		.kinds = must(calloc(s->vocab, sizeof(*v.kinds))),
	};
	uint32_t first, i;
	char text[8];

	for (v.mask = 1; v.mask < 2 * s->vocab; v.mask = 2 * v.mask + 1)
		;
	v.places = must(calloc(v.mask + 1, sizeof(*v.places)));

	add(&v, "<unk>", UNKNOWN, 0);
	add(&v, "<s>", CONTROL, 0);
	add(&v, "</s>", CONTROL, 0);
	for (i = 0; i < 256; i++) {
		snprintf(text, sizeof(text), "<0x%02X>", i);
		add(&v, text, BYTE, 0);
	}
	first = v.count;
	if (s->vocab < first + 95 + ARRAY_SIZE(common))
		die("a vocabulary has at least %zu tokens", first + 95 + ARRAY_SIZE(common));
	add_letters(&v);
	for (i = 0; i < ARRAY_SIZE(common); i++)
		if (!*place_of(&v, common[i]))
			add(&v, common[i], NORMAL, -(float)(v.count - first));
	add_pairs(&v, first, s->vocab, s->seed);
	gguf_string(g, "tokenizer.ggml.model", "llama");
	gguf_string(g, "tokenizer.ggml.pre", "default");
	gguf_strings(g, "tokenizer.ggml.tokens", v.texts, v.count);
	gguf_numbers_f32(g, "tokenizer.ggml.scores", v.scores, v.count);
	gguf_numbers_i32(g, "tokenizer.ggml.token_type", v.kinds, v.count);
	gguf_u32(g, "tokenizer.ggml.bos_token_id", 1);
	gguf_u32(g, "tokenizer.ggml.eos_token_id", 2);
	gguf_u32(g, "tokenizer.ggml.unknown_token_id", 0);
	gguf_bool(g, "tokenizer.ggml.add_bos_token", true);
	for (i = 0; i < v.count; i++)
		free(v.texts[i]);
	free(v.texts);
	free(v.scores);
	free(v.kinds);
	free(v.places);
}
