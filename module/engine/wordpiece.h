/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_WORDPIECE_H
#define LLM_ENGINE_WORDPIECE_H

#include "fold.h"
#include "trie.h"
#include "utf8.h"
#include "vocab.h"

/**
 * struct llm_wordpiece - the longest tokens that words consist of, from left to
 *	right (BERT; arXiv:1609.08144)
 * @trie: normal tokens; those that begin a word begin with a space
 * @fold: what becomes of characters, and where words end
 * @unknown: token of words that do not consist of tokens
 */
struct llm_wordpiece {
	struct llm_trie trie;
	struct llm_fold fold;
	u32 unknown;
};

/**
 * llm_wordpiece_init() - prepares a vocabulary
 * @wordpiece: zeroed; filled
 * @image: opened image; outlives @wordpiece
 * @error: gets the reason for a refusal
 *
 * Return: 0, or as llm_trie_init() does.
 */
int llm_wordpiece_init(struct llm_wordpiece *wordpiece, const struct llm_image *image,
		       struct llm_error *error);

/**
 * llm_wordpiece_destroy() - frees its memory
 * @wordpiece: initialised or zeroed
 */
void llm_wordpiece_destroy(struct llm_wordpiece *wordpiece);

/**
 * LLM_WORDPIECE_MOST_TOKENS - tokens a byte of text can become: a character of
 *	as many bytes as there can be, and the space before its word
 */
#define LLM_WORDPIECE_MOST_TOKENS	(LLM_UTF8_MOST + 1)

/**
 * llm_wordpiece_tokenize() - text to tokens
 * @wordpiece: vocabulary
 * @text: any bytes
 * @length: how many, at least 1
 * @list: gets the tokens
 *
 * As llama.cpp's llm_tokenizer_wpm: the text is folded and cut into words; a word
 * becomes, with a space before it, the longest token it begins with, then the
 * longest that the rest begins with, and so on, or one unknown token.
 *
 * May sleep. Time grows as length times the length of the longest token. Return:
 * 0 or -ENOMEM.
 */
int llm_wordpiece_tokenize(const struct llm_wordpiece *wordpiece, const u8 *text, u32 length,
			   struct llm_token_list *list);

#endif /* LLM_ENGINE_WORDPIECE_H */
