// SPDX-License-Identifier: GPL-2.0
#include "math.h"
#include "scoring.h"

/* Logits that one call looks at; an exponential, or a place moved, costs as much as four. */
#define BUDGET		8192
#define MOVE_COST	4
#define EXP_COST	4

#define NOTHING		(-__builtin_inff())
#define LARGEST		__FLT_MAX__

/* Finite, or NOTHING for a token that has no probability. */
static float clean_logit(const struct llm_scoring *scoring, u32 token)
{
	const float *logits = scoring->logits;

	if (!(logits[token] > NOTHING))
		return NOTHING;
	return logits[token] < LARGEST ? logits[token] : LARGEST;
}

/* Returns places moved. Later tokens are higher, so they go behind equal ones. */
static u32 insert_best(struct llm_scoring *scoring, u32 token, float logit)
{
	u32 at = scoring->best_found;
	u32 moved = 0;

	if (at < scoring->best_count)
		scoring->best_found++;
	else
		at--;
	for (; at > 0 && logit > scoring->best_logits[at - 1]; at--, moved++) {
		scoring->best_logits[at] = scoring->best_logits[at - 1];
		scoring->best[at].token = scoring->best[at - 1].token;
	}
	scoring->best_logits[at] = logit;
	scoring->best[at].token = token;
	return moved;
}

static bool is_among_best(const struct llm_scoring *scoring, float logit)
{
	if (scoring->best_found < scoring->best_count)
		return true;
	return scoring->best_count && logit > scoring->best_logits[scoring->best_count - 1];
}

static void scan(struct llm_scoring *scoring)
{
	s32 budget = BUDGET;
	float logit;

	if (!scoring->at)
		scoring->maximum = NOTHING;
	for (; scoring->at < scoring->vocab_size && budget > 0; scoring->at++, budget--) {
		logit = clean_logit(scoring, scoring->at);
		if (logit > scoring->maximum)
			scoring->maximum = logit;
		if (is_among_best(scoring, logit))
			budget -= MOVE_COST * insert_best(scoring, scoring->at, logit);
	}
	if (scoring->at < scoring->vocab_size)
		return;
	scoring->scanned = true;
	scoring->at = 0;
	scoring->sum = 0;
}

static void add_up(struct llm_scoring *scoring)
{
	u32 end = min(scoring->vocab_size, scoring->at + BUDGET / EXP_COST);
	float logit;

	for (; scoring->at < end; scoring->at++) {
		logit = clean_logit(scoring, scoring->at);
		if (logit > NOTHING)
			scoring->sum += llm_expf(logit - scoring->maximum);
	}
}

static s32 logprob(const struct llm_scoring *scoring, float logit, double log_sum)
{
	double fixed;

	if (!(logit > NOTHING))
		return S32_MIN;
	fixed = ((double)logit - scoring->maximum - log_sum) * 65536 - 0.5;
	if (fixed <= S32_MIN)
		return S32_MIN;
	return fixed < 0 ? (s32)fixed : 0;
}

static void finish(struct llm_scoring *scoring)
{
	/* Where no token has a probability the logarithm is not looked at. */
	double log_sum = scoring->sum > 0 ? llm_log(scoring->sum) : 0;
	u32 i;

	scoring->result.token = scoring->token;
	scoring->result.logprob = logprob(scoring, clean_logit(scoring, scoring->token), log_sum);
	for (i = 0; i < scoring->best_count; i++)
		scoring->best[i].logprob = logprob(scoring, scoring->best_logits[i], log_sum);
}

bool llm_scoring_advance(struct llm_scoring *scoring)
{
	if (!scoring->scanned) {
		scan(scoring);
		return false;
	}
	add_up(scoring);
	if (scoring->at < scoring->vocab_size)
		return false;
	finish(scoring);
	return true;
}
