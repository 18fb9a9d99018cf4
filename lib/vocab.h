/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all kinds of vocabularies need: see compile.h. */
#ifndef LLMCTL_VOCAB_H
#define LLMCTL_VOCAB_H

#include "compile.h"

/** VOCAB_MAX_TEXT - bytes the text of a token can have. */
#define VOCAB_MAX_TEXT	1024

/**
 * struct vocab - the arrays of a vocabulary
 * @tokens: texts
 * @scores: numbers, or NULL
 * @types: kinds of tokens, or NULL where all are normal
 * @count: tokens, 1..COMPILE_MAX_VOCAB
 */
struct vocab {
	const struct gguf_key *tokens;
	const struct gguf_key *scores;
	const struct gguf_key *types;
	__u32 count;
};

/**
 * struct vocab_defaults - what holds where no key says otherwise
 * @eos_key: key of @eos
 * @bos: token that begins a text, or LLM_IMAGE_NONE
 * @eos: token that ends a text, or LLM_IMAGE_NONE
 * @unknown: token for what can't be expressed, or LLM_IMAGE_NONE
 * @flags: LLM_TOKENIZER_ADD_BOS, _ADD_EOS, _ADD_SEP, _SPACE_PREFIX and _MERGE_SPACES
 */
struct vocab_defaults {
	const char *eos_key;
	__u32 bos;
	__u32 eos;
	__u32 unknown;
	__u32 flags;
};

/**
 * vocab_open() - finds the arrays
 * @c: compilation
 * @vocab: filled
 * @needs_scores: whether scores and types must be there
 */
void vocab_open(struct compile *c, struct vocab *vocab, bool needs_scores);

/**
 * vocab_kind() - what a token is
 * @c: compilation
 * @vocab: its vocabulary
 * @token: its number
 * @text: its text as the file has it
 * @length: bytes of it
 *
 * Some tokens are known by their texts, whatever the file says they are: those
 * llama.cpp knows. The byte of one that is LLM_TOKEN_BYTE is its rank.
 *
 * Return: the token but for where its text is.
 */
struct llm_image_token vocab_kind(struct compile *c, const struct vocab *vocab, __u32 token,
				  const char *text, __u64 length);

/**
 * vocab_plain() - a text with spaces where U+2581 stands for them
 * @to: where it goes, @length bytes
 * @text: text
 * @length: bytes
 *
 * Return: bytes of it.
 */
__u64 vocab_plain(char *to, const char *text, __u64 length);

/**
 * vocab_add() - adds a token to the image
 * @c: compilation
 * @token: what vocab_kind() returned
 * @text: its text as it is to be found and shown
 * @length: bytes of it
 */
void vocab_add(struct compile *c, const struct llm_image_token *token, const char *text,
	       __u64 length);

/**
 * vocab_add_all() - opens a vocabulary without scores and adds its tokens to the image
 * @c: compilation
 * @read: makes the text that is to be found, at most as long, of one of a normal
 *	token as the file has it; returns its bytes
 */
void vocab_add_all(struct compile *c, __u64 (*read)(char *to, const char *text, __u64 length));

/**
 * vocab_finish() - fills the rest when all tokens are added: size, tokens with a
 *	role, flags
 * @c: compilation
 * @kind: enum llm_tokenizer_kind
 * @defaults: what holds where no key says otherwise
 */
void vocab_finish(struct compile *c, __u32 kind, const struct vocab_defaults *defaults);

#endif /* LLMCTL_VOCAB_H */
