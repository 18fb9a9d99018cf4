/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_GREEDY_H
#define LLM_ENGINE_GREEDY_H

#include "trie.h"
#include "vocab.h"

/**
 * struct llm_greedy - the longest tokens that a text consists of, from left to
 *	right (RWKV)
 * @trie: normal tokens
 * @unknown: token of a byte that no token begins with
 */
struct llm_greedy {
	struct llm_trie trie;
	u32 unknown;
};

/**
 * llm_greedy_init() - prepares a vocabulary
 * @greedy: zeroed; filled
 * @image: opened image; outlives @greedy
 * @error: gets the reason for a refusal
 *
 * Return: 0, -EINVAL where the vocabulary can't express every text, or as
 * llm_trie_init() does.
 */
int llm_greedy_init(struct llm_greedy *greedy, const struct llm_image *image,
		    struct llm_error *error);

/**
 * llm_greedy_destroy() - frees its memory
 * @greedy: initialised or zeroed
 */
void llm_greedy_destroy(struct llm_greedy *greedy);

/**
 * llm_greedy_tokenize() - text to tokens
 * @greedy: vocabulary
 * @text: any bytes
 * @length: how many, at least 1
 * @list: gets the tokens, one a byte at most
 *
 * As llama.cpp's llm_tokenizer_rwkv. May sleep. Time grows as length times the
 * length of the longest token.
 */
void llm_greedy_tokenize(const struct llm_greedy *greedy, const u8 *text, u32 length,
			 struct llm_token_list *list);

#endif /* LLM_ENGINE_GREEDY_H */
