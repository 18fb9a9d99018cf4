/* SPDX-License-Identifier: GPL-2.0 */
/* Tokens on disk and the order in which training sees them. */
#ifndef TRAIN_DATA_H
#define TRAIN_DATA_H

#include "vocab.h"

/**
 * struct tokens - a text as tokens: each document between VOCAB_BEGIN and VOCAB_END
 * @ids: tokens
 * @n: how many
 * @bytes: length of the text of the documents
 */
struct tokens {
	uint16_t *ids;
	size_t n;
	size_t bytes;
};

/**
 * tokens_new - encode a text
 * @v: vocabulary
 * @path: file of clean text
 *
 * Return: its tokens.
 */
struct tokens tokens_new(const struct vocab *v, const char *path);

/**
 * tokens_free - give them back
 * @t: tokens
 */
void tokens_free(struct tokens *t);

/**
 * tokens_windows - how many windows of @context tokens and their targets fit
 * @t: tokens
 * @context: tokens in a window
 *
 * Return: the number of windows of an epoch.
 */
size_t tokens_windows(const struct tokens *t, int context);

/**
 * tokens_sequence - one training sequence
 * @t: tokens, at least one window
 * @seed: of the run
 * @context: tokens in it
 * @number: how many the run has seen before it, over all processes
 * @ids: gets the tokens
 * @targets: gets the token after each
 *
 * Every epoch sees every window once, in an order and from a first token of its
 * own; both follow from the seed and the number alone.
 */
void tokens_sequence(const struct tokens *t, uint64_t seed, int context, uint64_t number,
		     int32_t *ids, int32_t *targets);

#endif
