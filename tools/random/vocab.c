// SPDX-License-Identifier: GPL-2.0
/* What all kinds of random vocabularies are made of. */
#include <stdlib.h>
#include <string.h>

#include "vocab.h"

/* Words that text is full of, first, so that it becomes more than letters. */
static const char *const common[] = {
	SPACE "t", SPACE "a", "he", "in", "re", "on", SPACE "the", "er", SPACE "s", "at", SPACE "w",
	SPACE "o", "en", SPACE "c", "it", "is", "an", "or", "es", SPACE "b", "ed", SPACE "f", "ing",
	SPACE "p", "ou", SPACE "an", "al", "ar", SPACE "to", SPACE "m", SPACE "of", SPACE "in",
	SPACE "d", SPACE "h", SPACE "and", "ic", "as", "le", SPACE "th", "ion", "om", "ll", "ent",
	SPACE "n", SPACE "l", "st", SPACE "re", "ve", "ro", "ly", NULL,
};

/* Some of each script; the first is ASCII. */
static const struct {
	uint32_t first;
	uint32_t last;
} scripts[] = {
	{ '!', '~' }, { 0xa1, 0x17f }, { 0x391, 0x3c9 }, { 0x410, 0x44f }, { 0x5d0, 0x5ea },
	{ 0x621, 0x64a }, { 0x905, 0x94d }, { 0xe01, 0xe2e }, { 0x10d0, 0x10f0 },
	{ 0x3041, 0x3093 }, { 0x30a1, 0x30f6 }, { 0x4e00, 0x4eff }, { 0xac00, 0xac7f },
	{ 0x2010, 0x2026 }, { 0x1f600, 0x1f640 },
};

struct vocab vocab_new(uint32_t room)
{
	struct vocab v = {
		.texts = must(calloc(room, sizeof(*v.texts))),
		.scores = must(calloc(room, sizeof(*v.scores))),
		.kinds = must(calloc(room, sizeof(*v.kinds))),
		.room = room,
	};

	for (v.mask = 1; v.mask < 2 * room; v.mask = 2 * v.mask + 1)
		;
	v.places = must(calloc(v.mask + 1, sizeof(*v.places)));
	return v;
}

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

void vocab_put(struct vocab *v, const char *text, enum token_kind kind, float score)
{
	if (v->count == v->room)
		die("a vocabulary of this kind has more than %u tokens", v->room);
	*place_of(v, text) = v->count + 1;
	v->texts[v->count] = must(strdup(text));
	v->kinds[v->count] = kind;
	v->scores[v->count++] = score;
}

bool vocab_put_new(struct vocab *v, const char *text, float score)
{
	if (v->count == v->room || *place_of(v, text))
		return false;
	vocab_put(v, text, NORMAL, score);
	return true;
}

uint32_t vocab_find(const struct vocab *v, const char *text)
{
	uint32_t place = *place_of(v, text);

	return place ? place - 1 : v->count;
}

const char *vocab_common(size_t i)
{
	return common[i];
}

bool vocab_letter(uint32_t i, char text[5])
{
	uint32_t size, point;
	size_t script;

	for (script = 0; i > scripts[script].last - scripts[script].first; script++) {
		i -= scripts[script].last - scripts[script].first + 1;
		if (script + 1 == ARRAY_SIZE(scripts))
			return false;
	}
	point = scripts[script].first + i;
	size = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	text[size] = '\0';
	for (i = size - 1; i > 0; i--) {
		text[i] = 0x80 | (point & 0x3f);
		point >>= 6;
	}
	text[0] = size == 1 ? point : (0xf00 >> size & 0xff) | point;
	return true;
}

uint32_t vocab_choose(const struct vocab *v, uint32_t first, uint64_t *random)
{
	uint64_t count = v->count - first;
	uint64_t a = random_bits(random) % count, b = random_bits(random) % count;

	return first + (a < b ? a : b);
}

void vocab_write(struct vocab *v, struct gguf *g, const char *model, const char *pre)
{
	uint32_t i;

	gguf_string(g, "tokenizer.ggml.model", model);
	gguf_string(g, "tokenizer.ggml.pre", pre);
	gguf_strings(g, "tokenizer.ggml.tokens", v->texts, v->count);
	gguf_numbers_f32(g, "tokenizer.ggml.scores", v->scores, v->count);
	gguf_numbers_i32(g, "tokenizer.ggml.token_type", v->kinds, v->count);
	for (i = 0; i < v->count; i++)
		free(v->texts[i]);
	free(v->texts);
	free(v->scores);
	free(v->kinds);
	free(v->places);
}

void vocab_add(struct gguf *g, const struct sizes *s)
{
	static const struct {
		const char *name;
		void (*add)(struct gguf *g, const struct sizes *s);
	} kinds[] = {
		{ "spm", vocab_spm }, { "unigram", vocab_unigram }, { "bpe", vocab_bpe },
		{ "wordpiece", vocab_wordpiece }, { "rwkv", vocab_rwkv },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!strcmp(s->tokenizer, kinds[i].name)) {
			kinds[i].add(g, s);
			return;
		}
	}
	die("-V %s: not one of spm, unigram, bpe, wordpiece and rwkv", s->tokenizer);
}
