/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_POOLING_H
#define LLM_ENGINE_POOLING_H

#include "platform.h"
#include "plan.h"

/**
 * struct llm_pooling - makes the vectors of a text of the embeddings of its tokens
 * @kind: enum llm_pooling_kind, but LLM_POOLING_DEFAULT
 * @width: numbers of an embedding
 * @sums: @width numbers, float32, where @kind is LLM_POOLING_MEAN; zeroed
 * @vectors: where vectors go, @width numbers each
 *
 * Vectors have length 1 and are Q1.30 fixed point, the value times 2^30, or all
 * zero where they had no direction. Those of LLM_POOLING_RANK are scores instead:
 * Q16.16, the least or greatest there is where a score is beyond it.
 */
struct llm_pooling {
	enum llm_pooling_kind kind;
	u32 width;
	void *sums;
	s32 *vectors;
	/* private: */
	const void *row;
	bool last;
	u32 stage;
	u32 at;
	double squares;
};

/**
 * llm_pooling_wants() - whether the embedding of a token is needed
 * @kind: enum llm_pooling_kind
 * @whole_texts: llm_plan.whole_texts
 * @index: of the token in its text
 * @count: tokens of the text
 */
static inline bool llm_pooling_wants(enum llm_pooling_kind kind, bool whole_texts, u32 index,
				     u32 count)
{
	bool first = kind == LLM_POOLING_CLS || (kind == LLM_POOLING_RANK && whole_texts);

	if (kind == LLM_POOLING_NONE || kind == LLM_POOLING_MEAN)
		return true;
	return index == (first ? 0 : count - 1);
}

/**
 * llm_pooling_begin() - starts on the next embedding that is wanted
 * @pooling: pooling
 * @row: embedding, @width float32 numbers, in the order of the tokens
 * @last: whether it is the last one
 *
 * Integer work only, so not in pooling.c, which is built for floating point.
 */
static inline void llm_pooling_begin(struct llm_pooling *pooling, const void *row, bool last)
{
	pooling->row = row;
	pooling->last = last;
	pooling->stage = 0;
	pooling->at = 0;
}

/**
 * llm_pooling_advance() - does a bounded part of the work, some 20 microseconds
 * @pooling: work
 *
 * Uses the floating-point unit. Return: whether the embedding is done with; then
 * where a vector was finished @vectors points behind it.
 */
bool llm_pooling_advance(struct llm_pooling *pooling);

#endif /* LLM_ENGINE_POOLING_H */
