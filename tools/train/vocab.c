// SPDX-License-Identifier: GPL-2.0
/* See vocab.h. Reading and writing text with a vocabulary; bpe.c learns one. */
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "vocab.h"

static size_t hash(const char *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325;	/* FNV-1a */

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 0x100000001b3;
	return h ^ h >> 32;
}

int vocab_find(const struct vocab *v, const char *p, size_t n)
{
	size_t i = hash(p, n) & v->mask;

	while (v->slots[i] >= 0) {
		const char *q = v->piece[v->slots[i]];

		if (!strncmp(p, q, n) && !q[n])
			return v->slots[i];
		i = (i + 1) & v->mask;
	}
	return -1;
}

/* Fills the hash table. */
static void vocab_index(struct vocab *v)
{
	v->mask = 1;
	while (v->mask < 2 * (size_t)v->count)
		v->mask *= 2;
	v->slots = xalloc(v->mask, sizeof(*v->slots));
	for (size_t i = 0; i < v->mask; i++)
		v->slots[i] = -1;
	v->mask--;
	for (int t = VOCAB_PIECES; t < v->count; t++) {
		size_t i = hash(v->piece[t], strlen(v->piece[t])) & v->mask;

		while (v->slots[i] >= 0)
			i = (i + 1) & v->mask;
		v->slots[i] = t;
	}
}

struct vocab vocab_new(char **pieces, const float *scores, int n)
{
	static const char *const fixed[] = { "<unk>", "<s>", "</s>" };
	struct vocab v = { .count = VOCAB_PIECES + n };

	v.piece = xalloc(v.count, sizeof(*v.piece));
	v.score = xalloc(v.count, sizeof(*v.score));
	for (int t = 0; t < VOCAB_PIECES; t++) {
		v.piece[t] = xalloc(8, 1);
		if (t < VOCAB_BYTES)
			strcpy(v.piece[t], fixed[t]);
		else
			snprintf(v.piece[t], 8, "<0x%02X>", t - VOCAB_BYTES);
	}
	for (int i = 0; i < n; i++) {
		v.piece[VOCAB_PIECES + i] = pieces[i];
		v.score[VOCAB_PIECES + i] = scores[i];
	}
	vocab_index(&v);
	return v;
}

void vocab_free(struct vocab *v)
{
	for (int t = 0; t < v->count; t++)
		free(v->piece[t]);
	free(v->piece);
	free(v->score);
	free(v->slots);
}

void vocab_save(const struct vocab *v, FILE *f)
{
	for (int t = VOCAB_PIECES; t < v->count; t++)
		fprintf(f, "%.9g %s\n", v->score[t], v->piece[t]);
}

struct vocab vocab_load(const char *path)
{
	struct buf b = file_read(path);
	struct buf pieces = { 0 }, scores = { 0 };
	struct vocab v;

	for (char *p = b.p, *end; *p; p = end + 1) {
		char *text, *piece;
		float score = strtof(p, &text);

		end = strchr(p, '\n');
		if (!end || text == p || *text != ' ' || end == text + 1)
			die("%s is not a vocabulary; make it with llm-train vocab", path);
		*end = 0;
		piece = strcpy(xalloc(end - text, 1), text + 1);
		buf_add(&pieces, &piece, sizeof(piece));
		buf_add(&scores, &score, sizeof(score));
	}
	v = vocab_new((char **)pieces.p, (float *)scores.p, scores.len / sizeof(float));
	free(pieces.p);
	free(scores.p);
	free(b.p);
	return v;
}

/* Joins pairs of one word; no piece reaches into the next word. */
static void encode_word(const struct vocab *v, const char *p, size_t n, struct buf *out)
{
	size_t *start = xalloc(n + 1, sizeof(*start));
	size_t count = 0;

	for (size_t i = 0; i < n; i += utf8_len(p + i, n - i))
		start[count++] = i;
	start[count] = n;
	for (;;) {
		int best = -1;
		size_t at = 0;

		for (size_t i = 0; i + 1 < count; i++) {
			int t = vocab_find(v, p + start[i], start[i + 2] - start[i]);

			if (t >= 0 && (best < 0 || v->score[t] > v->score[best])) {
				best = t;
				at = i;
			}
		}
		if (best < 0)
			break;
		count--;
		for (size_t i = at + 1; i <= count; i++)
			start[i] = start[i + 1];
	}
	for (size_t i = 0; i < count; i++) {
		int t = vocab_find(v, p + start[i], start[i + 1] - start[i]);
		uint16_t token = t;

		if (t >= 0) {
			buf_add(out, &token, sizeof(token));
			continue;
		}
		for (size_t j = start[i]; j < start[i + 1]; j++) {
			token = VOCAB_BYTES + (unsigned char)p[j];
			buf_add(out, &token, sizeof(token));
		}
	}
	free(start);
}

void vocab_words(const char *p, size_t n, void (*word)(void *ctx, const char *p, size_t n),
		 void *ctx)
{
	struct buf w = { 0 };

	buf_add(&w, VOCAB_SPACE, VOCAB_SPACE_LEN);
	for (size_t i = 0; i < n; i++) {
		bool space = p[i] == ' ', line = p[i] == '\n';

		if ((space || line) && w.len) {
			word(ctx, w.p, w.len);
			w.len = 0;
		}
		if (space) {
			buf_add(&w, VOCAB_SPACE, VOCAB_SPACE_LEN);
		} else {
			int len = utf8_len(p + i, n - i);

			buf_add(&w, p + i, len);
			i += len - 1;
		}
		if (line) {
			word(ctx, w.p, w.len);
			w.len = 0;
		}
	}
	if (w.len)
		word(ctx, w.p, w.len);
	free(w.p);
}

struct encoding {
	const struct vocab *v;
	struct buf *out;
};

static void each_word(void *ctx, const char *p, size_t n)
{
	struct encoding *e = ctx;

	encode_word(e->v, p, n, e->out);
}

void vocab_encode(const struct vocab *v, const char *p, size_t n, struct buf *out)
{
	struct encoding e = { v, out };

	vocab_words(p, n, each_word, &e);
}

void vocab_print(const struct vocab *v, int token, FILE *f)
{
	const char *p = v->piece[token];

	if (token >= VOCAB_BYTES && token < VOCAB_PIECES) {
		fputc(token - VOCAB_BYTES, f);
		return;
	}
	if (token < VOCAB_BYTES)
		return;
	for (; *p; p++) {
		if (!strncmp(p, VOCAB_SPACE, VOCAB_SPACE_LEN)) {
			fputc(' ', f);
			p += VOCAB_SPACE_LEN - 1;
		} else {
			fputc(*p, f);
		}
	}
}
