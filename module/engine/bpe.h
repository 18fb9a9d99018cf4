/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_BPE_H
#define LLM_ENGINE_BPE_H

#include "split.h"
#include "utf8.h"
#include "vocab.h"

/**
 * struct llm_merge_entry - one place of a hash table
 * @tag: half of the hash of a pair
 * @merge: number of its merge, or LLM_IMAGE_NONE in a free place
 */
struct llm_merge_entry {
	u32 tag;
	u32 merge;
};

/**
 * struct llm_bpe - byte-pair merging of bytes by a list of merges (GPT-2;
 *	arXiv:1508.07909)
 * @image: where the merges are
 * @index: normal tokens
 * @split: makes the pieces that are merged
 * @entries: finds merges by their pairs; @mask + 1 places, a power of two, at
 *	most three quarters of them taken
 * @mask: see @entries
 * @symbols: symbol of each byte
 */
struct llm_bpe {
	const struct llm_image *image;
	struct llm_index index;
	struct llm_split split;
	struct llm_merge_entry *entries;
	u32 mask;
	u32 symbols[256];
};

/**
 * llm_bpe_init() - prepares a vocabulary
 * @bpe: zeroed; filled
 * @image: opened image; outlives @bpe
 * @error: gets the reason for a refusal
 *
 * Return: 0, -EINVAL for merges whose hashes collide, -ENOMEM.
 */
int llm_bpe_init(struct llm_bpe *bpe, const struct llm_image *image, struct llm_error *error);

/**
 * llm_bpe_destroy() - frees its memory
 * @bpe: initialised or zeroed
 */
void llm_bpe_destroy(struct llm_bpe *bpe);

/**
 * llm_bpe_memory() - bytes it takes
 * @bpe: vocabulary
 */
u64 llm_bpe_memory(const struct llm_bpe *bpe);

/** LLM_BPE_MOST_TOKENS - tokens a byte of text can become. */
#define LLM_BPE_MOST_TOKENS	LLM_UTF8_GROWTH

/**
 * llm_bpe_tokenize() - text to tokens
 * @bpe: vocabulary
 * @text: any bytes
 * @length: how many, at least 1
 * @list: gets the tokens
 *
 * As llama.cpp's llm_tokenizer_bpe: what is not UTF-8 is read as U+FFFD, the text
 * is split into pieces, and within each, which is bytes at first, the neighbours
 * whose merge has the lowest number are merged, the leftmost first, until there
 * are none. What then has no token is nothing, but for bytes that have.
 *
 * May sleep. Time grows as length * log(length of the longest piece). Return: 0
 * or -ENOMEM.
 */
int llm_bpe_tokenize(const struct llm_bpe *bpe, const u8 *text, u32 length,
		     struct llm_token_list *list);

#endif /* LLM_ENGINE_BPE_H */
