/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_SCORING_H
#define LLM_ENGINE_SCORING_H

#include "platform.h"

/** LLM_SCORING_ALTERNATIVES - likeliest tokens that can be asked for at most. */
#define LLM_SCORING_ALTERNATIVES 64

/**
 * struct llm_scored - a token and how likely it is
 * @token: token
 * @logprob: Q16.16, natural logarithm of its probability, rounded to nearest,
 *	at most 0; S32_MIN where it is less than that says, or the logit is not a
 *	number
 */
struct llm_scored {
	u32 token;
	s32 logprob;
};

/**
 * struct llm_scoring - log-probabilities from one row of logits, made in bounded
 *	parts
 * @logits: the row, not changed
 * @vocab_size: numbers there
 * @token: the token asked about
 * @best_count: likeliest tokens wanted
 * @result: of @token
 * @best: the likeliest, likeliest first, lower token first where equal
 *
 * The other fields are the work's own. Memory of one of these is all it needs.
 */
struct llm_scoring {
	const void *logits;
	u32 vocab_size;
	u32 token;
	u32 best_count;
	struct llm_scored result;
	struct llm_scored best[LLM_SCORING_ALTERNATIVES];
	/* private: */
	u32 at;
	bool scanned;
	u32 best_found;
	float maximum;
	double sum;
	float best_logits[LLM_SCORING_ALTERNATIVES];
};

/**
 * llm_scoring_begin() - starts one row
 * @scoring: where the work is kept
 * @logits: vocab_size float32 numbers
 * @vocab_size: numbers there
 * @token: token asked about, below @vocab_size
 * @best_count: 0..LLM_SCORING_ALTERNATIVES, not above @vocab_size
 *
 * Integer work only, so not in scoring.c, which is built for floating point.
 */
static inline void llm_scoring_begin(struct llm_scoring *scoring, const void *logits,
				     u32 vocab_size, u32 token, u32 best_count)
{
	scoring->logits = logits;
	scoring->vocab_size = vocab_size;
	scoring->token = token;
	scoring->best_count = best_count;
	scoring->at = 0;
	scoring->scanned = false;
	scoring->best_found = 0;
}

/**
 * llm_scoring_advance() - does a bounded part of the work, some 20 microseconds
 * @scoring: work
 *
 * Uses the floating-point unit. Return: whether @result and @best are there.
 */
bool llm_scoring_advance(struct llm_scoring *scoring);

#endif /* LLM_ENGINE_SCORING_H */
