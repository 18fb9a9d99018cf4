/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_TOKENIZER_H
#define LLM_ENGINE_TOKENIZER_H

#include "image.h"

struct llm_tokenizer;

/** LLM_TEXT_SPECIAL - control tokens are recognised in, or shown as, text. */
#define LLM_TEXT_SPECIAL	(1U << 0)
/**
 * LLM_TEXT_BEGIN - the text begins a conversation: BOS and space prefix as the
 * model says. Without it the text goes on where another ended: neither is added
 * at its start, but a space is still read after a token that was found whole,
 * such as a control token, as llama.cpp does.
 */
#define LLM_TEXT_BEGIN		(1U << 1)
/** LLM_TEXT_SECOND - the second of two texts: separator and space prefix as the model says. */
#define LLM_TEXT_SECOND		(1U << 2)
/** LLM_TEXT_END - nothing follows: EOS as the model says. */
#define LLM_TEXT_END		(1U << 3)
/** LLM_TEXT_SPACE - the text begins here, but with the space prefix alone. */
#define LLM_TEXT_SPACE		(1U << 4)

/**
 * struct llm_text_part - a part of a text that is made of several
 * @text: any bytes
 * @length: how many
 * @flags: LLM_TEXT_SPECIAL, or 0: no control token is recognised in this part, nor
 *	across one of its ends
 */
struct llm_text_part {
	const u8 *text;
	u32 length;
	u32 flags;
};

/**
 * llm_tokenizer_verify() - checks the tokenizer, the vocabulary and their tables
 * @image: image of which the strings are there, and the model is checked
 * @error: gets the reason for a refusal
 *
 * Return: 0, -EINVAL, or -EOPNOTSUPP for what this version does not know.
 */
int llm_tokenizer_verify(const struct llm_image *image, struct llm_error *error);

/**
 * llm_tokenizer_create() - indexes a vocabulary
 * @created: where the result goes
 * @image: opened image; outlives the tokenizer
 * @error: gets the reason for a refusal
 *
 * Return: 0, -EINVAL where the vocabulary can't express every text, -ENOMEM.
 */
int llm_tokenizer_create(struct llm_tokenizer **created, const struct llm_image *image,
			 struct llm_error *error);

/**
 * llm_tokenizer_destroy() - frees it
 * @tokenizer: the tokenizer, or NULL
 */
void llm_tokenizer_destroy(struct llm_tokenizer *tokenizer);

/**
 * llm_tokenizer_memory() - bytes it takes
 * @tokenizer: the tokenizer
 */
u64 llm_tokenizer_memory(const struct llm_tokenizer *tokenizer);

/**
 * llm_tokenize() - text to tokens
 * @tokenizer: tokenizer
 * @text: any bytes
 * @length: bytes
 * @flags: LLM_TEXT_*
 * @tokens: where they go
 * @room: tokens that fit there
 * @count: how many there are, also where they did not fit
 *
 * What is not UTF-8 becomes byte tokens, for kinds of tokenizers that have them,
 * or is read as U+FFFD. For LLM_TOKENIZER_SPM and _UNIGRAM U+2581 counts as a space
 * outside of tokens found whole.
 *
 * Time and memory grow as length * log(length) at most. May sleep, allocates
 * and frees. Integer work only. Return: 0, -ENOSPC where @room is too small,
 * -ENOMEM.
 */
int llm_tokenize(const struct llm_tokenizer *tokenizer, const u8 *text, u32 length, u32 flags,
		 u32 *tokens, u32 room, u32 *count);

/**
 * llm_tokenizer_most() - tokens that a text can have at most
 * @tokenizer: tokenizer
 * @length: bytes of the text, at most 2^28
 *
 * Return: the bound, for any text and any flags.
 */
u32 llm_tokenizer_most(const struct llm_tokenizer *tokenizer, u32 length);

/**
 * llm_tokenize_parts() - the same for a text that is made of several
 * @tokenizer: tokenizer
 * @parts: what follows one upon the other; together at most 2^28 bytes
 * @part_count: how many
 * @flags: LLM_TEXT_BEGIN, LLM_TEXT_SPACE or 0
 * @tokens: where they go
 * @room: tokens that fit there
 * @count: how many there are, also where they did not fit
 *
 * But for control tokens, where one part ends and another begins makes no
 * difference.
 *
 * Return: as llm_tokenize() does.
 */
int llm_tokenize_parts(const struct llm_tokenizer *tokenizer, const struct llm_text_part *parts,
		       u32 part_count, u32 flags, u32 *tokens, u32 room, u32 *count);

/**
 * llm_token_text() - the bytes a token stands for
 * @tokenizer: tokenizer
 * @token: below vocab_size
 * @flags: LLM_TEXT_SPECIAL: control tokens have a text; without it, none
 * @length: bytes there are
 *
 * Return: the bytes, which live as long as the tokenizer.
 */
const u8 *llm_token_text(const struct llm_tokenizer *tokenizer, u32 token, u32 flags,
			 u32 *length);

/**
 * llm_token_ends() - whether a generation that makes this token is over
 * @tokenizer: tokenizer
 * @token: below vocab_size
 */
bool llm_token_ends(const struct llm_tokenizer *tokenizer, u32 token);

#endif /* LLM_ENGINE_TOKENIZER_H */
