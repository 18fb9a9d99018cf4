/* SPDX-License-Identifier: GPL-2.0 */
/* What all kinds of random vocabularies are made of. */
#ifndef RANDOM_VOCAB_H
#define RANDOM_VOCAB_H

#include "random.h"

/** SPACE - what SentencePiece writes for a space, U+2581. */
#define SPACE		"\xe2\x96\x81"
/** VOCAB_MAX_TEXT - bytes that the text of a token that is made of others can have. */
#define VOCAB_MAX_TEXT	24

/** enum token_kind - kinds of tokens; numbers are those of GGUF */
enum token_kind { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, USER = 4, UNUSED = 5, BYTE = 6 };

/**
 * struct vocab - a vocabulary as it grows
 * @texts: of the tokens
 * @scores: scores
 * @kinds: enum token_kind
 * @count: tokens
 * @room: tokens there will be
 * @places: one more than the number of a token, or 0, at the hash of its text or
 *	after it
 * @mask: places less one; at most half of them are taken
 */
struct vocab {
	char **texts;
	float *scores;
	int32_t *kinds;
	uint32_t count;
	uint32_t room;
	uint32_t *places;
	uint32_t mask;
};

/** vocab_new() - an empty vocabulary that will have so many tokens. */
struct vocab vocab_new(uint32_t room);

/** vocab_put() - adds a token; ends the program where there is no room. */
void vocab_put(struct vocab *v, const char *text, enum token_kind kind, float score);

/** vocab_put_new() - adds a normal token if no token has its text and there is room. */
bool vocab_put_new(struct vocab *v, const char *text, float score);

/** vocab_find() - the token with a text, or @v->count. */
uint32_t vocab_find(const struct vocab *v, const char *text);

/** vocab_common() - parts of common words, the commonest first; NULL after the last. */
const char *vocab_common(size_t i);

/**
 * vocab_letter() - letters, signs and emoji of many scripts, ASCII first
 * @i: from 0
 * @text: set to its UTF-8, NUL-terminated
 *
 * Return: false after the last.
 */
bool vocab_letter(uint32_t i, char text[5]);

/**
 * vocab_choose() - an earlier token, the earliest the likeliest
 * @v: vocabulary
 * @first: the first that may be chosen
 * @random: state of the random numbers
 */
uint32_t vocab_choose(const struct vocab *v, uint32_t first, uint64_t *random);

/** vocab_write() - adds the keys that all kinds have, and frees what was added. */
void vocab_write(struct vocab *v, struct gguf *g, const char *model, const char *pre);

/** vocab_spm() - a SentencePiece vocabulary of byte pairs. */
void vocab_spm(struct gguf *g, const struct sizes *s);

/** vocab_unigram() - a SentencePiece vocabulary of likelihoods, with a charsmap. */
void vocab_unigram(struct gguf *g, const struct sizes *s);

/** vocab_bpe() - a byte-level vocabulary of merges. */
void vocab_bpe(struct gguf *g, const struct sizes *s);

/** vocab_wordpiece() - a vocabulary of words and their parts. */
void vocab_wordpiece(struct gguf *g, const struct sizes *s);

/** vocab_rwkv() - a vocabulary of bytes and what they make. */
void vocab_rwkv(struct gguf *g, const struct sizes *s);

/** charsmap_add() - adds SentencePiece's key of replacements: some that its own has. */
void charsmap_add(struct gguf *g);

#endif /* RANDOM_VOCAB_H */
