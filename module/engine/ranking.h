/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_RANKING_H
#define LLM_ENGINE_RANKING_H

#include "tokenizer.h"

/** LLM_RANKING_MOST - bytes that go around a query and a document at most. */
#define LLM_RANKING_MOST	(3 * LLM_RANKING_PIECE)

/**
 * llm_ranking_tokenize() - a query and a document to tokens
 * @tokenizer: tokenizer
 * @ranking: what goes around them
 * @texts: query and document, together at most 2^28 - LLM_RANKING_MOST bytes
 * @tokens: where they go
 * @room: tokens that fit there
 * @count: how many there are, also where they did not fit
 *
 * Return: as llm_tokenize() does.
 */
int llm_ranking_tokenize(const struct llm_tokenizer *tokenizer,
			 const struct llm_image_ranking *ranking,
			 const struct llm_text_part *texts, u32 *tokens, u32 room, u32 *count);

#endif /* LLM_ENGINE_RANKING_H */
