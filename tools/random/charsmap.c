// SPDX-License-Identifier: GPL-2.0
/*
 * SentencePiece's precompiled charsmap: a double array as darts-clone packs it, then the
 * texts. Each node has 256 units of its own, of which the one of a byte, plus the node's
 * first, is the next node's; the first one of all is what comes before the root.
 */
#include <stdlib.h>
#include <string.h>

#include "vocab.h"

#define BLOCK		256U
#define HAS_VALUE	(1U << 8)
#define VALUE		(1U << 31)

/* A few of each kind of what NFKC and SentencePiece's own rules replace. */
static const struct {
	const char *from;
	const char *to;
} replacements[] = {
	{ "\t", " " }, { "\n", " " }, { "\r", " " }, { "\u00a0", " " }, { "\u3000", " " },
	{ "\u2003", " " }, { "\u200b", "" }, { "\u00ad", "" }, { "\x01", "" },
	{ "\uff21", "A" }, { "\uff22", "B" }, { "\uff41", "a" }, { "\uff01", "!" },
	{ "\uff1f", "?" }, { "\ufb01", "fi" }, { "\ufb02", "fl" }, { "\ufb03", "ffi" },
	{ "\u00bd", "1\u20442" }, { "\u2026", "..." }, { "\u2122", "TM" }, { "\u33a5", "m3" },
	{ "e\u0301", "\u00e9" }, { "a\u0300", "\u00e0" }, { "\u0438\u0306", "\u0439" },
	{ "\u1100\u1161", "\uac00" }, { "\u1100\u1161\u11a8", "\uac01" }, { "\uff76", "\u30ab" },
	{ "\uff76\uff9e", "\u30ac" }, { "\u0958", "\u0915\u093c" }, { "\u0e33", "\u0e4d\u0e32" },
	{ "\u2581", SPACE }, { "\u00b4", " \u0301" },
	{ "\ufdfa", "\u0635\u0644\u0649 \u0627\u0644\u0644\u0647 \u0639\u0644\u064a\u0647 "
	  "\u0648\u0633\u0644\u0645" },
};

/**
 * struct charsmap - a charsmap as it grows
 * @units: double array
 * @count: units
 * @texts: what is read instead
 * @length: bytes
 */
struct charsmap {
	uint32_t *units;
	uint32_t count;
	char *texts;
	uint32_t length;
};

static uint32_t new_node(struct charsmap *m)
{
	uint32_t first = m->count;

	m->count += BLOCK;
	m->units = must(realloc(m->units, m->count * sizeof(*m->units)));
	memset(m->units + first, 0, BLOCK * sizeof(*m->units));
	return first;
}

/* Where a unit leads to is its place, without carry, and its offset. */
static uint32_t offset_to(uint32_t from, uint32_t to)
{
	return (from ^ to) << 10;
}

static void add(struct charsmap *m, const char *from, const char *to)
{
	uint32_t node = BLOCK, at = 0, next;
	size_t size = strlen(to) + 1;

	for (; *from; from++, node = next) {
		at = node ^ (uint8_t)*from;
		if (m->units[at]) {
			next = at ^ m->units[at] >> 10;
			continue;
		}
		next = new_node(m);
		m->units[at] = offset_to(at, next) | (uint8_t)*from;
	}
	m->units[at] |= HAS_VALUE;
	m->units[node] = VALUE | m->length;
	m->texts = must(realloc(m->texts, m->length + size));
	memcpy(m->texts + m->length, to, size);
	m->length += size;
}

void charsmap_add(struct gguf *g)
{
	struct charsmap m = { 0 };
	uint32_t bytes, size;
	uint8_t *all;
	size_t i;

	new_node(&m);
	m.units[0] = offset_to(0, new_node(&m));
	for (i = 0; i < ARRAY_SIZE(replacements); i++)
		add(&m, replacements[i].from, replacements[i].to);
	bytes = m.count * sizeof(*m.units);
	size = sizeof(bytes) + bytes + m.length;
	all = must(malloc(size));
	memcpy(all, &bytes, sizeof(bytes));
	memcpy(all + sizeof(bytes), m.units, bytes);
	memcpy(all + sizeof(bytes) + bytes, m.texts, m.length);
	gguf_bytes(g, "tokenizer.ggml.precompiled_charsmap", all, size);
	free(all);
	free(m.texts);
	free(m.units);
}
