/* SPDX-License-Identifier: GPL-2.0 */
#ifndef VOCAB_BUILDER_H
#define VOCAB_BUILDER_H

#include "image.h"

/** VOCAB_BUILDER_TOKENS - tokens a built vocabulary can have. */
#define VOCAB_BUILDER_TOKENS	8192
/** VOCAB_BUILDER_BYTES - bytes their texts can have together. */
#define VOCAB_BUILDER_BYTES	1048576

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

#endif /* VOCAB_BUILDER_H */
