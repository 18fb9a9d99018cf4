/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What sampler.c, integer work only, and choice.c, floating point, share.
 */
#ifndef LLM_ENGINE_CHOICE_H
#define LLM_ENGINE_CHOICE_H

#include "sampler.h"

/** LLM_MAX_CANDIDATES - up to this many likeliest tokens are kept sorted. */
#define LLM_MAX_CANDIDATES	1024
/** LLM_CHOICE_BINS - bins of one level of a selection. */
#define LLM_CHOICE_BINS		2048

/**
 * enum llm_choice_phase - how far a choice is
 * @LLM_CHOICE_PREPARE: biases and penalties are applied
 * @LLM_CHOICE_GREEDY: the likeliest token is looked for
 * @LLM_CHOICE_COLLECT: the top-k likeliest are looked for, in a heap
 * @LLM_CHOICE_ORDER: these are sorted
 * @LLM_CHOICE_DRAW: of these one is chosen
 * @LLM_CHOICE_MAXIMUM: without such a small top-k: the likeliest is looked for
 * @LLM_CHOICE_SELECT: the logit of the last of top-k or top-p is looked for
 * @LLM_CHOICE_CUT: those after it are removed
 * @LLM_CHOICE_WEIGH: min-p and temperature are applied
 * @LLM_CHOICE_PICK: one is chosen
 * @LLM_CHOICE_DONE: it is made
 */
enum llm_choice_phase {
	LLM_CHOICE_PREPARE,
	LLM_CHOICE_GREEDY,
	LLM_CHOICE_COLLECT,
	LLM_CHOICE_ORDER,
	LLM_CHOICE_DRAW,
	LLM_CHOICE_MAXIMUM,
	LLM_CHOICE_SELECT,
	LLM_CHOICE_CUT,
	LLM_CHOICE_WEIGH,
	LLM_CHOICE_PICK,
	LLM_CHOICE_DONE,
};

/**
 * struct llm_candidate - a token that may be chosen
 * @logit: its logit, finite
 * @token: token
 */
struct llm_candidate {
	float logit;
	u32 token;
};

/**
 * struct llm_choice_select - looks for the last of the likeliest tokens that
 *	together have a weight: a radix selection over the bits of their logits
 * @weighted: whether a token weighs its probability times a constant, for
 *	top-p, and not 1, for top-k
 * @level: bits 31..21, 20..10 or 9..0 of the keys are being told apart
 * @prefix: bits of the key looked for that are known, then the whole key
 * @wanted: weight they shall have together
 * @before: weight of those known to be likelier
 * @bins: weight of those with each value of the bits of the level
 */
struct llm_choice_select {
	bool weighted;
	u32 level;
	u32 prefix;
	double wanted;
	double before;
	double bins[LLM_CHOICE_BINS];
};

/**
 * struct llm_sampler - parameters, tokens seen, and a choice under way
 * @vocab_size: logits there are
 * @params: parameters
 * @random: state of the random numbers
 * @seen: the last tokens seen, a ring
 * @seen_count: tokens seen; the last is at place (@seen_count - 1) modulo the
 *	size of the ring
 * @occurrences: for each token, how often it is among the last params.last_n
 * @phase: enum llm_choice_phase
 * @at: logits that the phase is through with
 * @logits: the row
 * @draw: random number of this choice, 53 bits
 * @token: the likeliest found so far, then the choice
 * @maximum: logit of the likeliest
 * @sum: of weights
 * @select: selection under way
 * @candidates: the likeliest found so far
 * @candidate_count: how many
 * @unordered: how many of these are still in the heap
 */
struct llm_sampler {
	u32 vocab_size;
	struct llm_sampling_params params;
	u64 random;
	u32 seen[LLM_MAX_LAST_N];
	u64 seen_count;
	u16 *occurrences;

	enum llm_choice_phase phase;
	u32 at;
	float *logits;
	u64 draw;
	u32 token;
	float maximum;
	double sum;
	struct llm_choice_select select;
	struct llm_candidate candidates[LLM_MAX_CANDIDATES];
	u32 candidate_count;
	u32 unordered;
};

/** LLM_OCCURRENCES_DONE - marks llm_sampler.occurrences while penalties are applied. */
#define LLM_OCCURRENCES_DONE	0x8000

/**
 * llm_sampler_seen() - a token seen not long ago
 * @sampler: sampler
 * @back: 0 for the last, below LLM_MAX_LAST_N and the tokens seen
 */
static inline u32 llm_sampler_seen(const struct llm_sampler *sampler, u32 back)
{
	return sampler->seen[(sampler->seen_count - 1 - back) % LLM_MAX_LAST_N];
}

/**
 * llm_sampler_window() - tokens that the penalties look at
 * @sampler: sampler
 */
static inline u32 llm_sampler_window(const struct llm_sampler *sampler)
{
	return min_t(u64, sampler->params.last_n, sampler->seen_count);
}

#endif /* LLM_ENGINE_CHOICE_H */
