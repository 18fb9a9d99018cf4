/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_SPM_H
#define LLM_ENGINE_SPM_H

#include "vocab.h"

/** LLM_SPM_JOINED - bits of struct llm_spm.joined. */
#define LLM_SPM_JOINED	(1U << 18)

/**
 * struct llm_spm - SentencePiece byte-pair merging with byte fallback
 *	(arXiv:1808.06226)
 * @index: tokens that merging can make
 * @bytes: token of each byte, or LLM_IMAGE_NONE
 * @unknown: token for a character with a byte that has no token
 * @joined: bits of two characters that follow each other within a token, by their hash.
 *	Between others nothing is ever merged, in most vocabularies before the space of a
 *	word. Other pairs that have the same bit are merged, or not, in vain
 */
struct llm_spm {
	struct llm_index index;
	u32 bytes[256];
	u32 unknown;
	u64 joined[LLM_SPM_JOINED / 64];
};

/**
 * llm_spm_init() - prepares a vocabulary
 * @spm: filled
 * @image: opened image; outlives @spm
 * @error: gets the reason for a refusal
 *
 * Return: 0, -EINVAL where the vocabulary can't express every text, -ENOMEM.
 */
int llm_spm_init(struct llm_spm *spm, const struct llm_image *image, struct llm_error *error);

/**
 * llm_spm_destroy() - frees its memory
 * @spm: initialised or zeroed
 */
void llm_spm_destroy(struct llm_spm *spm);

/**
 * llm_spm_tokenize() - text to tokens
 * @spm: vocabulary
 * @text: any bytes
 * @length: how many, at least 1
 * @space_before: whether it is read as if a space stood before it
 * @list: gets the tokens
 *
 * As llama.cpp's llm_tokenizer_spm: the text is cut into characters; of all
 * neighbours that together are a token those with the highest rank are merged,
 * the leftmost first, until none are left; what is no token then becomes one
 * token for each byte. U+2581 counts as a space.
 *
 * May sleep. Time grows as length * log(length); memory is the text and some tens of kB, but
 * 23 times what is decided of from more than a few kB away. Return: 0 or -ENOMEM.
 */
int llm_spm_tokenize(const struct llm_spm *spm, const u8 *text, u32 length, bool space_before,
		     struct llm_token_list *list);

#endif /* LLM_ENGINE_SPM_H */
