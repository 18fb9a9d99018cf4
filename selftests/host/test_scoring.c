// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "scoring.h"
#include "tap.h"

#define MAX_VOCAB 50000

static void score(struct llm_scoring *scoring, const float *logits, u32 count, u32 token,
		  u32 best_count)
{
	llm_scoring_begin(scoring, logits, count, token, best_count);
	while (!llm_scoring_advance(scoring))
		;
}

static u64 next_random(u64 *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

/* To multiples of @step, for equal ones. */
static void fill(float *logits, u32 count, float step, u64 seed)
{
	for (u32 i = 0; i < count; i++)
		logits[i] = (float)((s32)(next_random(&seed) % 4000) - 2000) / 100;
	for (u32 i = 0; step && i < count; i++)
		logits[i] = floorf(logits[i] / step) * step;
}

static double log_sum(const float *logits, u32 count)
{
	double sum = 0;

	for (u32 i = 0; i < count; i++)
		sum += exp(logits[i]);
	/* cppcheck-suppress invalidFunctionArg */
	return log(sum);
}

/* To one unit of Q16.16: half is rounding, the rest that of float32. */
static bool is_near(s32 logprob, double wanted)
{
	return fabs(logprob - wanted * 65536) <= 1;
}

static void check_best(const struct llm_scoring *scoring, const float *logits, u32 count,
		       double sum)
{
	bool *taken = calloc(count, sizeof(*taken));

	for (u32 i = 0; i < scoring->best_count; i++) {
		u32 best = 0;

		while (taken[best])
			best++;
		for (u32 j = best + 1; j < count; j++)
			if (!taken[j] && logits[j] > logits[best])
				best = j;
		taken[best] = true;
		tap_check(scoring->best[i].token == best);
		tap_check(is_near(scoring->best[i].logprob, logits[best] - sum));
	}
	free(taken);
}

static void scores_agree_with_binary64(void)
{
	static const u32 counts[] = { 1, 2, 63, 64, 300, 2048, 8192, 8193, MAX_VOCAB };
	static const u32 wanted[] = { 0, 1, 5, LLM_SCORING_ALTERNATIVES };
	float *logits = malloc(MAX_VOCAB * sizeof(*logits));
	struct llm_scoring scoring;

	for (u32 i = 0; i < ARRAY_SIZE(counts) * ARRAY_SIZE(wanted) * 2; i++) {
		u32 count = counts[i / 2 % ARRAY_SIZE(counts)];
		u32 best_count = min(wanted[i / 2 / ARRAY_SIZE(counts)], count);
		u32 token = i * 7919 % count;
		double sum;

		fill(logits, count, i % 2 ? 0 : 0.5f, i);
		sum = log_sum(logits, count);
		score(&scoring, logits, count, token, best_count);
		tap_check(scoring.result.token == token);
		tap_check(is_near(scoring.result.logprob, logits[token] - sum));
		check_best(&scoring, logits, count, sum);
	}
	free(logits);
}

static void probabilities_are_at_most_one(void)
{
	const float logits[] = { 80, -20, -20 };
	struct llm_scoring scoring;

	score(&scoring, logits, 3, 0, 3);
	tap_check(scoring.result.logprob == 0 && scoring.best[0].logprob == 0);
	tap_check(scoring.best[1].logprob == -100 * 65536);
	score(&scoring, logits, 1, 0, 1);
	tap_check(scoring.result.logprob == 0);
}

static void small_probabilities_are_cut_off(void)
{
	const float logits[] = { 0, -32767, -32769, -3e38f };
	struct llm_scoring scoring;

	score(&scoring, logits, 4, 1, 4);
	tap_check(scoring.result.logprob == -32767 * 65536);
	tap_check(scoring.best[2].token == 2 && scoring.best[2].logprob == S32_MIN);
	tap_check(scoring.best[3].token == 3 && scoring.best[3].logprob == S32_MIN);
}

static void strange_logits_do_no_harm(void)
{
	static const float values[] = { NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 0 };
	struct llm_scoring scoring;
	float logits[3];

	for (u32 i = 0; i < 6 * 6 * 6; i++) {
		logits[0] = values[i % 6];
		logits[1] = values[i / 6 % 6];
		logits[2] = values[i / 36];
		score(&scoring, logits, 3, i % 3, 3);
		tap_check(scoring.result.token == i % 3 && scoring.result.logprob <= 0);
		tap_check(!isnan(logits[i % 3]) || scoring.result.logprob == S32_MIN);
		for (u32 j = 0; j < 3; j++) {
			u32 token = scoring.best[j].token;

			tap_check(token < 3 && scoring.best[j].logprob <= 0);
			tap_check(!isnan(logits[token]) || scoring.best[j].logprob == S32_MIN);
			tap_check(!j || scoring.best[j].logprob <= scoring.best[j - 1].logprob);
		}
		tap_check((1 << scoring.best[0].token | 1 << scoring.best[1].token |
			   1 << scoring.best[2].token) == 7);
	}
	logits[0] = INFINITY;
	logits[1] = INFINITY;
	logits[2] = 1;
	score(&scoring, logits, 3, 1, 3);
	tap_check(is_near(scoring.result.logprob, log(0.5)));
	tap_check(scoring.best[0].token == 0 && scoring.best[2].logprob == S32_MIN);
	logits[0] = NAN;
	logits[1] = 1;
	logits[2] = 1;
	score(&scoring, logits, 3, 2, 2);
	tap_check(is_near(scoring.result.logprob, log(0.5)));
	tap_check(scoring.best[0].token == 1 && scoring.best[1].token == 2);
}

static void the_work_is_cut_into_parts(void)
{
	float *logits = malloc(MAX_VOCAB * sizeof(*logits));
	struct llm_scoring scoring;
	u32 parts = 0;

	for (u32 i = 0; i < MAX_VOCAB; i++)
		logits[i] = i / (float)MAX_VOCAB;
	llm_scoring_begin(&scoring, logits, MAX_VOCAB, 0, LLM_SCORING_ALTERNATIVES);
	while (!llm_scoring_advance(&scoring))
		parts++;
	/* Every one of these rising logits goes before 63 others. */
	tap_check(parts > MAX_VOCAB / 8192 * 4 * 63);
	free(logits);
}

static const struct tap_test tests[] = {
	{ "log-probabilities agree with binary64", scores_agree_with_binary64 },
	{ "probabilities are at most one", probabilities_are_at_most_one },
	{ "small probabilities are cut off", small_probabilities_are_cut_off },
	{ "logits that are no numbers do no harm", strange_logits_do_no_harm },
	{ "the work is cut into parts", the_work_is_cut_into_parts },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
