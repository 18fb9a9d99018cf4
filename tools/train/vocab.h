/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vocabulary as SentencePiece's byte-pair models have it: token 0 is unknown, 1
 * begins a document, 2 ends it, 3 to 258 are the bytes, the rest are pieces of
 * text in which a space is U+2581. Pieces from merges come first, and the score
 * falls with each; single characters follow. Text is read with a space put before
 * it, cut into characters, and the adjacent pair with the highest score is joined
 * until none is in the vocabulary; characters that are not fall back to bytes.
 */
#ifndef TRAIN_VOCAB_H
#define TRAIN_VOCAB_H

#include "util.h"

enum {
	VOCAB_UNKNOWN,
	VOCAB_BEGIN,
	VOCAB_END,
	VOCAB_BYTES,
	VOCAB_PIECES = VOCAB_BYTES + 256,
};

#define VOCAB_SPACE "\xe2\x96\x81"	/* U+2581 */
#define VOCAB_SPACE_LEN 3

/**
 * struct vocab - the tokens
 * @count: how many
 * @piece: text of each, zero-terminated
 * @score: score of each
 * @slots: hash table of the pieces, token numbers, -1 where empty
 * @mask: length of @slots - 1
 */
struct vocab {
	int count;
	char **piece;
	float *score;
	int *slots;
	size_t mask;
};

/**
 * vocab_train - learn pieces by byte-pair encoding (Sennrich et al. 2016)
 * @text: clean text to learn from
 * @count: tokens wanted; dies when the text does not have so many
 *
 * Of pairs equally frequent the first in the order of token numbers is joined.
 *
 * Return: the vocabulary.
 */
struct vocab vocab_train(const struct buf *text, int count);

/**
 * vocab_new - a vocabulary of given pieces
 * @pieces: text of each, distinct; the vocabulary frees them
 * @scores: score of each
 * @n: how many, besides the fixed tokens
 *
 * Return: the vocabulary.
 */
struct vocab vocab_new(char **pieces, const float *scores, int n);

/**
 * vocab_words - cut text where no piece reaches across: before spaces, around line feeds
 * @p: text, UTF-8
 * @n: its length in bytes
 * @word: called with each word, spaces replaced by U+2581, one put before the text
 * @ctx: handed to @word
 */
void vocab_words(const char *p, size_t n, void (*word)(void *ctx, const char *p, size_t n),
		 void *ctx);

/**
 * vocab_free - give it back
 * @v: vocabulary
 */
void vocab_free(struct vocab *v);

/**
 * vocab_find - the token of a piece
 * @v: vocabulary
 * @p: piece
 * @n: its length
 *
 * Return: a token not below VOCAB_PIECES, or -1.
 */
int vocab_find(const struct vocab *v, const char *p, size_t n);

/**
 * vocab_save - write it as text, a line "score piece" for each
 * @v: vocabulary
 * @f: open file
 */
void vocab_save(const struct vocab *v, FILE *f);

/**
 * vocab_load - the opposite
 * @path: file; dies when it is not a vocabulary
 *
 * Return: the vocabulary.
 */
struct vocab vocab_load(const char *path);

/**
 * vocab_encode - text to tokens
 * @v: vocabulary
 * @p: text, UTF-8
 * @n: its length in bytes
 * @out: gets the tokens, as uint16_t
 */
void vocab_encode(const struct vocab *v, const char *p, size_t n, struct buf *out);

/**
 * vocab_print - the text of a token
 * @v: vocabulary
 * @token: token
 * @f: open file
 */
void vocab_print(const struct vocab *v, int token, FILE *f);

#endif
