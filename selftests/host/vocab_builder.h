/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VOCAB_BUILDER_H
#define VOCAB_BUILDER_H

#include "tokenizer.h"

/** VOCAB_BUILDER_TOKENS - tokens a built vocabulary can have. */
#define VOCAB_BUILDER_TOKENS	8192
/** VOCAB_BUILDER_BYTES - bytes their texts can have together. */
#define VOCAB_BUILDER_BYTES	1048576

/** VOCAB_BUILDER_END - ends a list of tokens. */
#define VOCAB_BUILDER_END	0xfffffffeU

/**
 * struct vocab_builder - an opened image that has a vocabulary and nothing else
 * @image: what a tokenizer is made from
 * @vocab: tokens
 * @strings: texts
 */
struct vocab_builder {
	struct llm_image image;
	struct llm_image_token vocab[VOCAB_BUILDER_TOKENS];
	u8 strings[VOCAB_BUILDER_BYTES];
};

/**
 * vocab_builder_new() - an empty vocabulary
 * @flags: LLM_TOKENIZER_*
 *
 * It has no bos, eos or unknown token. Return: for free().
 */
struct vocab_builder *vocab_builder_new(u32 flags);

/**
 * vocab_builder_add() - adds a token
 * @builder: vocabulary
 * @kind: enum llm_token_kind
 * @rank: rank, or byte
 * @text: NUL-terminated text
 *
 * Return: the token.
 */
u32 vocab_builder_add(struct vocab_builder *builder, u8 kind, s32 rank, const char *text);

/**
 * vocab_builder_add_bytes() - adds a token for each byte
 * @builder: vocabulary
 *
 * Return: the token of byte 0; the others follow in order.
 */
u32 vocab_builder_add_bytes(struct vocab_builder *builder);

/**
 * vocab_builder_tokenizer() - the tokenizer of a vocabulary that must be a good one
 * @builder: vocabulary; outlives it
 *
 * Return: for llm_tokenizer_destroy().
 */
struct llm_tokenizer *vocab_builder_tokenizer(const struct vocab_builder *builder);

/**
 * vocab_builder_gives() - checks which tokens a text becomes
 * @tokenizer: tokenizer
 * @text: NUL-terminated text
 * @flags: LLM_TEXT_*
 *
 * What follows are the tokens, then VOCAB_BUILDER_END.
 *
 * Return: whether it becomes these; says what it became where not.
 */
bool vocab_builder_gives(const struct llm_tokenizer *tokenizer, const char *text, u32 flags, ...);

#endif /* VOCAB_BUILDER_H */
