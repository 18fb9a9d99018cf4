// SPDX-License-Identifier: GPL-2.0
/* See data.h. */
#include <stdlib.h>

#include "data.h"
#include "nn/nn.h"
#include "text.h"

struct tokens tokens_new(const struct vocab *v, const char *path)
{
	const uint16_t begin = VOCAB_BEGIN, end = VOCAB_END;
	struct buf text = file_read(path), out = { 0 };
	struct tokens t = { 0 };
	size_t at = 0, n;
	const char *doc;

	while ((doc = text_document(&text, &at, &n))) {
		buf_add(&out, &begin, sizeof(begin));
		vocab_encode(v, doc, n, &out);
		buf_add(&out, &end, sizeof(end));
		t.bytes += n;
	}
	t.ids = (uint16_t *)out.p;
	t.n = out.len / sizeof(*t.ids);
	free(text.p);
	return t;
}

void tokens_free(struct tokens *t)
{
	free(t->ids);
}

size_t tokens_windows(const struct tokens *t, int context)
{
	size_t windows = t->n ? (t->n - 1) / context : 0;

	/* One window is given up for room to shift the others in. */
	return windows > 1 ? windows - 1 : windows;
}

/* Place of i in a permutation of 0..n-1: a Feistel network, walked until inside. */
static uint64_t permuted(uint64_t seed, uint64_t i, uint64_t n)
{
	int half = 1;
	uint64_t mask;

	while (half < 31 && ((uint64_t)1 << 2 * half) < n)
		half++;
	mask = ((uint64_t)1 << half) - 1;
	do {
		for (int round = 0; round < 4; round++) {
			uint64_t left = i >> half, right = i & mask;

			i = right << half | ((left ^ nn_random(seed + round, right)) & mask);
		}
	} while (i >= n);
	return i;
}

void tokens_sequence(const struct tokens *t, uint64_t seed, int context, uint64_t number,
		     int32_t *ids, int32_t *targets)
{
	uint64_t windows = tokens_windows(t, context), epoch = number / windows;
	uint64_t stream = nn_random(seed, epoch);
	uint64_t slack = t->n - 1 - windows * context;
	size_t at = nn_random(stream, 0) % (slack + 1) +
		    permuted(stream, number % windows, windows) * context;

	for (int i = 0; i < context; i++) {
		ids[i] = t->ids[at + i];
		targets[i] = t->ids[at + i + 1];
	}
}
