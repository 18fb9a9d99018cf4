// SPDX-License-Identifier: GPL-2.0
/*
 * Learning a vocabulary: the most frequent pair of adjacent symbols becomes one,
 * over and over. Pairs do not cross from letters to digits to anything else, nor
 * from one word to the next; a space belongs to what follows it.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"
#include "vocab.h"

#define RARE 5	/* a character seen less often stays bytes */

/**
 * struct words - the distinct words of a text
 * @p: their text, one after another
 * @at: where each begins in @p, size_t; one more marks the end
 * @times: how often each occurs, long
 * @slots: hash table, numbers of words + 1, 0 where empty
 * @mask: its length - 1
 * @n: how many words
 */
struct words {
	struct buf p;
	struct buf at;
	struct buf times;
	size_t *slots;
	size_t mask;
	size_t n;
};

/**
 * struct pair - two adjacent symbols
 * @left: symbol + 1; 0 in an empty slot
 * @right: symbol
 * @times: how often
 */
struct pair {
	int left;
	int right;
	long times;
};

/**
 * struct learner - the state of the learning
 * @symbols: text of each symbol, char *: characters, then merges
 * @n: how many
 * @ids: symbols of all words, one after another; -1 ends a word, -2 is gone
 * @len: length of @ids
 * @weight: how often the word at each place of @ids occurs
 * @pairs: hash table of the pairs
 * @mask: its length - 1
 * @used: its used slots
 */
struct learner {
	struct buf symbols;
	int n;
	int *ids;
	size_t len;
	long *weight;
	struct pair *pairs;
	size_t mask;
	size_t used;
};

static size_t hash(const void *p, size_t n)
{
	const unsigned char *u = p;
	uint64_t h = 0xcbf29ce484222325;	/* FNV-1a */

	for (size_t i = 0; i < n; i++)
		h = (h ^ u[i]) * 0x100000001b3;
	return h ^ h >> 32;
}

static const char *word_at(const struct words *w, size_t i, size_t *n)
{
	const size_t *at = (const size_t *)w->at.p;

	*n = at[i + 1] - at[i];
	return w->p.p + at[i];
}

static void words_grow(struct words *w)
{
	size_t len = w->mask ? 2 * (w->mask + 1) : 1024;

	free(w->slots);
	w->slots = xalloc(len, sizeof(*w->slots));
	w->mask = len - 1;
	for (size_t i = 0; i < w->n; i++) {
		size_t n, h;
		const char *p = word_at(w, i, &n);

		for (h = hash(p, n) & w->mask; w->slots[h]; h = (h + 1) & w->mask)
			;
		w->slots[h] = i + 1;
	}
}

static void words_add(struct words *w, const char *p, size_t n)
{
	size_t h, m, end;
	long once = 1;

	if (2 * w->n >= w->mask)
		words_grow(w);
	for (h = hash(p, n) & w->mask; w->slots[h]; h = (h + 1) & w->mask) {
		const char *q = word_at(w, w->slots[h] - 1, &m);

		if (m == n && !memcmp(p, q, n)) {
			((long *)w->times.p)[w->slots[h] - 1]++;
			return;
		}
	}
	w->slots[h] = ++w->n;
	buf_add(&w->p, p, n);
	end = w->p.len;
	buf_add(&w->at, &end, sizeof(end));
	buf_add(&w->times, &once, sizeof(once));
}

static int class_of(char c)
{
	unsigned char u = c;

	return isalpha(u) || u >= 0x80 || u == '\'' ? 0 : isdigit(u) ? 1 : 2;
}

/* Cuts a word where the class of its characters changes. */
static void split_word(void *ctx, const char *p, size_t n)
{
	size_t from = 0, skip = 0;

	if (n >= VOCAB_SPACE_LEN && !memcmp(p, VOCAB_SPACE, VOCAB_SPACE_LEN))
		skip = VOCAB_SPACE_LEN;
	for (size_t i = skip + 1; i <= n; i++) {
		if (i == n || class_of(p[i]) != class_of(p[i - 1])) {
			words_add(ctx, p + from, i - from);
			from = i;
		}
	}
	if (n == skip)
		words_add(ctx, p, n);
}

static struct pair *pair_slot(struct learner *l, int left, int right)
{
	int key[2] = { left, right };
	size_t h = hash(key, sizeof(key)) & l->mask;

	while (l->pairs[h].left && (l->pairs[h].left != left + 1 || l->pairs[h].right != right))
		h = (h + 1) & l->mask;
	return &l->pairs[h];
}

static void pair_add(struct learner *l, int left, int right, long times)
{
	struct pair *p;

	if (2 * l->used >= l->mask) {
		struct pair *old = l->pairs;
		size_t len = l->mask ? l->mask + 1 : 0;

		l->mask = (len ? 2 * len : 4096) - 1;
		l->pairs = xalloc(l->mask + 1, sizeof(*l->pairs));
		for (size_t i = 0; i < len; i++)
			if (old[i].left)
				*pair_slot(l, old[i].left - 1, old[i].right) = old[i];
		free(old);
	}
	p = pair_slot(l, left, right);
	if (!p->left) {
		p->left = left + 1;
		p->right = right;
		l->used++;
	}
	p->times += times;
}

/* The place of the next symbol of the word, or of what ends it. */
static size_t next(const struct learner *l, size_t i)
{
	do {
		i++;
	} while (l->ids[i] == -2);
	return i;
}

static void count_pairs(struct learner *l)
{
	for (size_t i = 0; i + 1 < l->len; i++)
		if (l->ids[i] >= 0 && l->ids[i + 1] >= 0)
			pair_add(l, l->ids[i], l->ids[i + 1], l->weight[i]);
}

static struct pair best_pair(const struct learner *l)
{
	struct pair best = { 0 };

	for (size_t i = 0; i <= l->mask; i++) {
		const struct pair *p = &l->pairs[i];

		if (!p->left || p->times < best.times)
			continue;
		if (p->times == best.times &&
		    (p->left > best.left || (p->left == best.left && p->right > best.right)))
			continue;
		best = *p;
	}
	return best;
}

/* Joins a pair wherever it is and keeps the counts of its neighbours right. */
static void join(struct learner *l, int left, int right, int joined)
{
	size_t before = 0;
	bool has_before = false;

	for (size_t i = 0; i < l->len; i++) {
		size_t j, k;

		if (l->ids[i] == -2)
			continue;
		j = l->ids[i] == left ? next(l, i) : i;
		if (j == i || l->ids[j] != right) {
			has_before = l->ids[i] >= 0;
			before = i;
			continue;
		}
		k = next(l, j);
		if (has_before) {
			pair_add(l, l->ids[before], left, -l->weight[i]);
			pair_add(l, l->ids[before], joined, l->weight[i]);
		}
		if (l->ids[k] >= 0) {
			pair_add(l, right, l->ids[k], -l->weight[i]);
			pair_add(l, joined, l->ids[k], l->weight[i]);
		}
		pair_add(l, left, right, -l->weight[i]);
		l->ids[i] = joined;
		l->ids[j] = -2;
		has_before = true;
		before = i;
	}
}

struct character {
	char text[5];
	long times;
};

static int by_times(const void *a, const void *b)
{
	const struct character *x = a, *y = b;

	if (x->times != y->times)
		return x->times < y->times ? 1 : -1;
	return strcmp(x->text, y->text);
}

/* The characters that become symbols, most frequent first. */
static struct buf find_characters(const struct words *w)
{
	struct buf found = { 0 };
	struct character *c;
	size_t n, kept = 0;

	for (size_t i = 0; i < w->n; i++) {
		const char *p = word_at(w, i, &n);
		int len;

		for (size_t j = 0; j < n; j += len) {
			size_t k, have = found.len / sizeof(*c);

			len = utf8_len(p + j, n - j);
			if (p[j] == '\n')
				continue;
			c = (struct character *)found.p;
			for (k = 0; k < have; k++)
				if (!strncmp(c[k].text, p + j, len) && !c[k].text[len])
					break;
			if (k == have) {
				struct character fresh = { { 0 }, 0 };

				memcpy(fresh.text, p + j, len);
				buf_add(&found, &fresh, sizeof(fresh));
				c = (struct character *)found.p;
			}
			c[k].times += ((long *)w->times.p)[i];
		}
	}
	c = (struct character *)found.p;
	n = found.len / sizeof(*c);
	if (n)
		qsort(c, n, sizeof(*c), by_times);
	while (kept < n && c[kept].times >= RARE)
		kept++;
	found.len = kept * sizeof(*c);
	return found;
}

static int symbol_of(const struct buf *characters, const char *p, int len)
{
	const struct character *c = (const struct character *)characters->p;

	for (size_t k = 0; k < characters->len / sizeof(*c); k++)
		if (!strncmp(c[k].text, p, len) && !c[k].text[len])
			return k;
	return -1;
}

static void learner_init(struct learner *l, const struct words *w, const struct buf *characters)
{
	size_t room = w->p.len + w->n + 1, n;

	memset(l, 0, sizeof(*l));
	l->ids = xalloc(room, sizeof(*l->ids));
	l->weight = xalloc(room, sizeof(*l->weight));
	for (size_t k = 0; k < characters->len / sizeof(struct character); k++) {
		const char *text = ((const struct character *)characters->p)[k].text;
		char *copy = strcpy(xalloc(5, 1), text);

		buf_add(&l->symbols, &copy, sizeof(copy));
		l->n++;
	}
	for (size_t i = 0; i < w->n; i++) {
		const char *p = word_at(w, i, &n);
		int len;

		/* A character that stays bytes ends a word, as far as pairs go. */
		for (size_t j = 0; j < n; j += len) {
			len = utf8_len(p + j, n - j);
			l->weight[l->len] = ((long *)w->times.p)[i];
			l->ids[l->len++] = symbol_of(characters, p + j, len);
		}
		l->ids[l->len++] = -1;
	}
	l->ids[l->len] = -1;
	count_pairs(l);
}

static void add_symbol(struct learner *l, const struct pair *pair)
{
	char **s = (char **)l->symbols.p;
	size_t n = strlen(s[pair->left - 1]) + strlen(s[pair->right]) + 1;
	char *text = xalloc(n, 1);

	snprintf(text, n, "%s%s", s[pair->left - 1], s[pair->right]);
	buf_add(&l->symbols, &text, sizeof(text));
	l->n++;
}

/* Merges first, in their order, then the characters. */
static struct vocab make_vocab(const struct learner *l, int characters)
{
	char **pieces = xalloc(l->n, sizeof(*pieces));
	float *scores = xalloc(l->n, sizeof(*scores));
	struct vocab v;

	for (int i = 0; i < l->n; i++) {
		pieces[i] = ((char **)l->symbols.p)[(i + characters) % l->n];
		scores[i] = -i;
	}
	v = vocab_new(pieces, scores, l->n);
	free(pieces);
	free(scores);
	return v;
}

struct vocab vocab_train(const struct buf *text, int count)
{
	struct words w = { 0 };
	struct buf characters;
	struct learner l;
	struct vocab v;
	size_t at = 0, n, zero = 0;
	const char *doc;
	int alphabet;

	buf_add(&w.at, &zero, sizeof(zero));
	while ((doc = text_document(text, &at, &n)))
		vocab_words(doc, n, split_word, &w);
	characters = find_characters(&w);
	learner_init(&l, &w, &characters);
	alphabet = l.n;
	if (VOCAB_PIECES + alphabet > count)
		die("--vocab %d is too small: the text has %d characters, so give at least %d",
		    count, alphabet, VOCAB_PIECES + alphabet);
	while (VOCAB_PIECES + l.n < count) {
		struct pair best = best_pair(&l);

		if (best.times < 2)
			die("--vocab %d is larger than this text allows: it gives at most %d",
			    count, VOCAB_PIECES + l.n);
		add_symbol(&l, &best);
		join(&l, best.left - 1, best.right, l.n - 1);
	}
	v = make_vocab(&l, alphabet);
	free(l.symbols.p);
	free(l.ids);
	free(l.weight);
	free(l.pairs);
	free(characters.p);
	free(w.p.p);
	free(w.at.p);
	free(w.times.p);
	free(w.slots);
	return v;
}
