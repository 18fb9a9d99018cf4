/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_UNIGRAM_H
#define LLM_ENGINE_UNIGRAM_H

#include "trie.h"
#include "vocab.h"

/**
 * llm_unigram_verify() - proves that replacements are within bounds
 * @image: image of which the strings are there
 * @error: gets the reason for a refusal
 *
 * Return: 0 or -EINVAL.
 */
int llm_unigram_verify(const struct llm_image *image, struct llm_error *error);

/**
 * struct llm_unigram - the likeliest tokens that a text consists of, by the sum of
 *	their logarithms of probability (SentencePiece; arXiv:1804.10959)
 * @image: where the scores and the replacements are
 * @tokens: normal, users' and unused tokens
 * @replacements: numbers of replacements by what they replace
 * @growth: characters that a byte of text can become
 * @sums: power of two, above the bytes of any token or character
 */
struct llm_unigram {
	const struct llm_image *image;
	struct llm_trie tokens;
	struct llm_trie replacements;
	u32 growth;
	u32 sums;
};

/**
 * llm_unigram_init() - prepares a vocabulary
 * @unigram: zeroed; filled
 * @image: opened image; outlives @unigram
 * @error: gets the reason for a refusal
 *
 * Return: 0, or as llm_trie_init() does.
 */
int llm_unigram_init(struct llm_unigram *unigram, const struct llm_image *image,
		     struct llm_error *error);

/**
 * llm_unigram_destroy() - frees its memory
 * @unigram: initialised or zeroed
 */
void llm_unigram_destroy(struct llm_unigram *unigram);

/**
 * llm_unigram_memory() - bytes it takes
 * @unigram: vocabulary
 */
u64 llm_unigram_memory(const struct llm_unigram *unigram);

/**
 * llm_unigram_most() - tokens that a text can become at most
 * @unigram: vocabulary
 * @length: bytes of the text, at most 2^28
 */
u32 llm_unigram_most(const struct llm_unigram *unigram, u32 length);

/**
 * llm_unigram_tokenize() - text to tokens
 * @unigram: vocabulary
 * @text: any bytes
 * @length: how many, at least 1
 * @space_before: whether it is read as if a space stood before its first word
 * @list: gets the tokens
 *
 * As llama.cpp's llm_tokenizer_ugm: replacements are made, then of all ways to
 * cut the text into tokens the one is taken whose scores have the highest sum
 * (Viterbi's algorithm), where a character without a token counts as unknown;
 * unknown characters in a row are one token. Sums are of whole numbers, so they
 * are exact.
 *
 * May sleep. Time grows as length times the length of the longest token; memory is the
 * text as it is read and, where tokens cross each place of it, four times that. Return:
 * 0 or -ENOMEM.
 */
int llm_unigram_tokenize(const struct llm_unigram *unigram, const u8 *text, u32 length,
			 bool space_before, struct llm_token_list *list);

#endif /* LLM_ENGINE_UNIGRAM_H */
