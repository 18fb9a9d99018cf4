// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "choice.h"
#include "sampler.h"
#include "tap.h"

#define ONE		65536
#define MAX_VOCAB	160000
/* Rounding in float32 may move the border between two choices, of all weight, so far. */
#define BORDER		0.000001

static struct llm_sampler *create(u32 vocab_size)
{
	struct llm_sampler *sampler;

	if (llm_sampler_create(&sampler, vocab_size))
		abort();
	return sampler;
}

/* Parameters that leave all tokens as they are. */
static struct llm_sampling_params plain(void)
{
	struct llm_sampling_params params;

	llm_sampling_defaults(&params);
	params.temperature = ONE;
	params.top_k = 0;
	params.top_p = ONE;
	params.min_p = 0;
	return params;
}

static u32 choose_from(struct llm_sampler *sampler, float *logits)
{
	llm_sampler_begin(sampler, logits);
	while (!llm_sampler_advance(sampler))
		;
	return llm_sampler_token(sampler);
}

/* Leaves the logits alone. */
static u32 choose(struct llm_sampler *sampler, const float *logits, u32 count)
{
	float *copy = malloc(count * sizeof(*copy));
	u32 token;

	memcpy(copy, logits, count * sizeof(*copy));
	token = choose_from(sampler, copy);
	free(copy);
	return token;
}

/* SplitMix64 */
static u64 next_random(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static double next_draw(u64 *state)
{
	return (double)(next_random(state) >> 11) / (1ULL << 53);
}

/* Bell-shaped, about +-@spread; to multiples of @step, for equal ones, unless 0. */
static void fill(float *logits, u32 count, float spread, float step, u64 seed)
{
	for (u32 i = 0; i < count; i++) {
		double sum = -6;

		for (u32 j = 0; j < 12; j++)
			sum += next_draw(&seed);
		logits[i] = step ? (float)(floor(sum * spread / step) * step) : (float)sum * spread;
	}
}

static void defaults_are_those_documented(void)
{
	struct llm_sampling_params params;

	llm_sampling_defaults(&params);
	tap_check(params.temperature == lround(0.8 * ONE) && params.top_k == 40);
	tap_check(params.top_p == lround(0.95 * ONE) && params.min_p == lround(0.05 * ONE));
	tap_check(params.repeat == ONE && !params.presence && !params.frequency);
	tap_check(params.last_n == 64 && !params.seed && !params.bias_count);
}

static void greedy_takes_the_likeliest(void)
{
	const float logits[] = { -2, 3, 1, 3, -INFINITY };
	const float negative[] = { -0.0f, 0.0f, -1 };
	struct llm_sampler *sampler = create(ARRAY_SIZE(logits));
	struct llm_sampling_params params = plain();

	params.temperature = 0;
	llm_sampler_setup(sampler, &params);
	tap_check(choose(sampler, logits, ARRAY_SIZE(logits)) == 1);
	llm_sampler_destroy(sampler);
	sampler = create(ARRAY_SIZE(negative));
	llm_sampler_setup(sampler, &params);
	tap_check(choose(sampler, negative, ARRAY_SIZE(negative)) == 0);
	llm_sampler_destroy(sampler);
}

/* The last of many, so that every part of the work is looked at. */
static void greedy_looks_at_all(void)
{
	float *logits = calloc(MAX_VOCAB, sizeof(*logits));
	struct llm_sampler *sampler = create(MAX_VOCAB);
	struct llm_sampling_params params = plain();
	static const u32 places[] = { 0, 1, 8191, 8192, 8193, 8199, 8203, 16384, MAX_VOCAB - 1 };

	params.temperature = 0;
	llm_sampler_setup(sampler, &params);
	for (u32 i = 0; i < ARRAY_SIZE(places); i++) {
		logits[places[i]] = 1;
		tap_check(choose(sampler, logits, MAX_VOCAB) == places[i]);
		logits[places[i]] = 0;
	}
	llm_sampler_destroy(sampler);
	free(logits);
}

static void biases_are_added(void)
{
	const struct llm_sampling_bias biases[] = {
		{ 0, 2 * ONE }, { 1, -100 * ONE }, { 2, -ONE / 2 }, { 0, ONE }, { 3, 100 * ONE },
	};
	float logits[] = { 1, 9, 1, -200, 1 };
	struct llm_sampler *sampler = create(ARRAY_SIZE(logits));
	struct llm_sampling_params params = plain();

	params.temperature = 0;
	params.biases = biases;
	params.bias_count = ARRAY_SIZE(biases);
	llm_sampler_setup(sampler, &params);
	tap_check(choose_from(sampler, logits) == 0);
	tap_check(logits[0] == 4 && logits[1] == -INFINITY && logits[2] == 0.5f);
	tap_check(logits[3] == -100 && logits[4] == 1);
	llm_sampler_destroy(sampler);
}

static void penalties_follow_their_formulas(void)
{
	float logits[] = { 3, -3, 0, 3, 5 };
	struct llm_sampler *sampler = create(ARRAY_SIZE(logits));
	struct llm_sampling_params params = plain();
	static const u32 seen[] = { 0, 1, 0, 2, 0, 1 };

	params.temperature = 0;
	params.repeat = ONE * 3 / 2;
	params.presence = ONE / 4;
	params.frequency = ONE / 2;
	llm_sampler_setup(sampler, &params);
	for (u32 i = 0; i < ARRAY_SIZE(seen); i++)
		llm_sampler_see(sampler, seen[i]);
	tap_check(choose_from(sampler, logits) == 4);
	tap_check(logits[0] == 3 / 1.5f - 3 * 0.5f - 0.25f);
	tap_check(logits[1] == -3 * 1.5f - 2 * 0.5f - 0.25f);
	tap_check(logits[2] == 0 - 0.5f - 0.25f);
	tap_check(logits[3] == 3 && logits[4] == 5);
	/* The same again: the work of the first time has left nothing behind. */
	logits[0] = 3;
	choose_from(sampler, logits);
	tap_check(logits[0] == 3 / 1.5f - 3 * 0.5f - 0.25f);
	llm_sampler_destroy(sampler);
}

/* Which of the tokens 0..count-1 a presence penalty of 1 lowered, as bits. */
static u64 penalized(struct llm_sampler *sampler, u32 count)
{
	float logits[64] = { 0 };
	u64 bits = 0;

	choose_from(sampler, logits);
	for (u32 i = 0; i < count; i++)
		if (logits[i] < 0)
			bits |= 1ULL << i;
	return bits;
}

/* Occurrences are counted anew where parameters change. */
static void new_parameters_count_anew(void)
{
	float logits[3] = { 0 };
	struct llm_sampler *sampler = create(ARRAY_SIZE(logits));
	struct llm_sampling_params params = plain();

	params.temperature = 0;
	params.frequency = ONE;
	llm_sampler_setup(sampler, &params);
	for (u32 i = 0; i < 6; i++)
		llm_sampler_see(sampler, i / 3);
	params.last_n = 4;
	llm_sampler_setup(sampler, &params);
	choose_from(sampler, logits);
	tap_check(logits[0] == -1 && logits[1] == -3 && logits[2] == 0);
	llm_sampler_see(sampler, 2);
	choose_from(sampler, logits);
	tap_check(logits[0] == -1 && logits[1] == -6 && logits[2] == -1);
	/* One of several falls out of sight. */
	llm_sampler_see(sampler, 2);
	choose_from(sampler, logits);
	tap_check(logits[0] == -1 && logits[1] == -8 && logits[2] == -3);
	llm_sampler_destroy(sampler);
}

static void penalties_look_back_last_n_tokens(void)
{
	struct llm_sampler *sampler = create(64);
	struct llm_sampling_params params = plain();

	params.temperature = 0;
	params.presence = ONE;
	params.last_n = 3;
	llm_sampler_setup(sampler, &params);
	tap_check(penalized(sampler, 64) == 0);
	for (u32 i = 0; i < 5; i++)
		llm_sampler_see(sampler, i);
	tap_check(penalized(sampler, 64) == 0x1c);
	params.last_n = 0;
	llm_sampler_setup(sampler, &params);
	tap_check(penalized(sampler, 64) == 0);
	llm_sampler_see(sampler, 5);
	params.last_n = 4;
	llm_sampler_setup(sampler, &params);
	tap_check(penalized(sampler, 64) == 0x3c);
	params.last_n = 64;
	llm_sampler_setup(sampler, &params);
	tap_check(penalized(sampler, 64) == 0x3f);
	/* More than are remembered: 7, then 4096 others. */
	params.last_n = LLM_MAX_LAST_N;
	llm_sampler_setup(sampler, &params);
	llm_sampler_see(sampler, 7);
	for (u32 i = 0; i < LLM_MAX_LAST_N - 1; i++)
		llm_sampler_see(sampler, 8);
	tap_check(penalized(sampler, 64) == 0x180);
	llm_sampler_see(sampler, 8);
	tap_check(penalized(sampler, 64) == 0x100);
	llm_sampler_destroy(sampler);
}

struct option {
	double logit;
	double weight;
	u32 token;
};

static int by_logit(const void *a, const void *b)
{
	const struct option *x = a;
	const struct option *y = b;

	if (x->logit != y->logit)
		return x->logit < y->logit ? 1 : -1;
	return x->token < y->token ? -1 : 1;
}

static int by_token(const void *a, const void *b)
{
	return ((const struct option *)a)->token < ((const struct option *)b)->token ? -1 : 1;
}

/* What is left of @logits, by definition; returns how many. */
static u32 keep(const struct llm_sampling_params *params, const float *logits, u32 count,
		struct option *options)
{
	double total = 0, sum = 0;
	u32 kept;

	for (u32 i = 0; i < count; i++)
		options[i] = (struct option) {
			.logit = isnan(logits[i]) ? -INFINITY : logits[i],
			.token = i,
		};
	qsort(options, count, sizeof(*options), by_logit);
	kept = params->top_k ? min(params->top_k, count) : count;
	for (u32 i = 0; i < kept; i++)
		total += exp(options[i].logit - options[0].logit);
	if (params->top_p < ONE) {
		for (u32 i = 0; i < kept; i++) {
			sum += exp(options[i].logit - options[0].logit);
			if (sum >= params->top_p / (double)ONE * total)
				kept = i + 1;
		}
	}
	if (params->min_p)
		while (kept > 1 && options[kept - 1].logit <
		       options[0].logit + log(params->min_p / (double)ONE))
			kept--;
	for (u32 i = 0; i < kept; i++)
		options[i].weight = exp((options[i].logit - options[0].logit) * ONE /
					params->temperature);
	return kept;
}

/* Whether each of @draws choices is the one that the random number falls on. */
static bool agrees(struct llm_sampling_params *params, const float *logits, u32 count, u32 draws)
{
	struct option *options = malloc(count * sizeof(*options));
	u32 kept = keep(params, logits, count, options);
	struct llm_sampler *sampler = create(count);
	u64 state = params->seed;
	double total = 0;
	bool same = true;

	if ((params->top_k ? min(params->top_k, count) : count) > LLM_MAX_CANDIDATES)
		qsort(options, kept, sizeof(*options), by_token);
	for (u32 i = 0; i < kept; i++)
		total += options[i].weight;
	llm_sampler_setup(sampler, params);
	for (u32 draw = 0; draw < draws; draw++) {
		double target = next_draw(&state) * total;
		u32 token = choose(sampler, logits, count);
		double low = 0;
		u32 i = 0;

		for (; i < kept && options[i].token != token; i++)
			low += options[i].weight;
		if (i == kept || target < low - BORDER * total ||
		    target > low + options[i].weight + BORDER * total) {
			printf("# draw %u of %u kept: token %u is %s\n", draw, kept, token,
			       i == kept ? "not kept" : "not the one drawn");
			same = false;
		}
	}
	llm_sampler_destroy(sampler);
	free(options);
	return same;
}

static const u32 sizes[] = { 1, 2, 100, 1024, 1025, 8191, 8192, 8193, 40000 };

static void for_all_sizes(struct llm_sampling_params *params)
{
	float *logits = malloc(MAX_VOCAB * sizeof(*logits));

	for (u32 i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (u32 equal = 0; equal < 2; equal++) {
			fill(logits, sizes[i], 3, equal ? 0.5f : 0, i);
			params->seed = 1000 * i + equal;
			if (!tap_check(agrees(params, logits, sizes[i], 20)))
				printf("# of %u logits, with%s equal ones\n", sizes[i],
				       equal ? "" : "out");
		}
	}
	free(logits);
}

static void temperature_agrees_with_its_definition(void)
{
	static const s32 values[] = { 1, ONE / 10, ONE, 3 * ONE, 100 * ONE };
	struct llm_sampling_params params = plain();

	for (u32 i = 0; i < ARRAY_SIZE(values); i++) {
		params.temperature = values[i];
		for_all_sizes(&params);
	}
}

static void top_k_agrees_with_its_definition(void)
{
	static const u32 values[] = { 1, 2, 40, 1000, 1024, 1025, 5000, 0xffffffff };
	struct llm_sampling_params params = plain();

	for (u32 i = 0; i < ARRAY_SIZE(values); i++) {
		params.top_k = values[i];
		for_all_sizes(&params);
	}
}

static void top_p_agrees_with_its_definition(void)
{
	static const s32 values[] = { 0, 1, ONE / 10, ONE / 2, ONE * 19 / 20, ONE - 1, ONE };
	struct llm_sampling_params params = plain();

	for (u32 i = 0; i < ARRAY_SIZE(values); i++) {
		params.top_p = values[i];
		for_all_sizes(&params);
	}
}

static void min_p_agrees_with_its_definition(void)
{
	static const s32 values[] = { 1, ONE / 20, ONE / 2, ONE };
	struct llm_sampling_params params = plain();

	for (u32 i = 0; i < ARRAY_SIZE(values); i++) {
		params.min_p = values[i];
		for_all_sizes(&params);
	}
}

static void all_together_agree_with_their_definitions(void)
{
	static const u32 top_k[] = { 0, 50, 3000 };
	struct llm_sampling_params params = plain();

	for (u32 i = 0; i < ARRAY_SIZE(top_k); i++) {
		params.top_k = top_k[i];
		params.top_p = ONE * 9 / 10;
		params.min_p = ONE / 30;
		params.temperature = ONE * 2;
		for_all_sizes(&params);
		params.temperature = ONE / 2;
		params.top_p = ONE / 2;
		for_all_sizes(&params);
	}
}

/* Flat, so that a cut falls among equals everywhere. */
static void equal_logits_are_cut_by_token(void)
{
	struct llm_sampling_params params = plain();
	float *logits = calloc(20000, sizeof(*logits));
	struct llm_sampler *sampler = create(20000);

	params.top_k = 3000;
	params.top_p = ONE / 2;
	llm_sampler_setup(sampler, &params);
	for (u32 i = 0; i < 200; i++)
		tap_check(choose(sampler, logits, 20000) < 1500);
	params.top_k = 10;
	llm_sampler_setup(sampler, &params);
	for (u32 i = 0; i < 200; i++)
		tap_check(choose(sampler, logits, 20000) < 5);
	llm_sampler_destroy(sampler);
	free(logits);
}

static void fewer_tokens_than_top_k_are_all_kept(void)
{
	struct llm_sampling_params params = plain();
	float *logits = malloc(12000 * sizeof(*logits));

	fill(logits, 9000, 1, 0, 3);
	for (u32 i = 9000; i < 12000; i++)
		logits[i] = i % 2 ? NAN : -INFINITY;
	params.top_k = 10000;
	params.temperature = 100 * ONE;
	tap_check(agrees(&params, logits, 12000, 300));
	params.top_p = ONE * 9 / 10;
	tap_check(agrees(&params, logits, 12000, 300));
	/* All in one bin of the first level. */
	for (u32 i = 0; i < 9000; i++)
		logits[i] = 1 + i * 7919 % 9000 / 90000.0f;
	params.top_p = ONE;
	tap_check(agrees(&params, logits, 12000, 300));
	free(logits);
}

/* Pearson's test: 7 degrees of freedom, 0.1% beyond 24.3. */
static void choices_have_their_probabilities(void)
{
	const float logits[] = { 0, 1, 2, -1, 0.5f, 1.5f, -2, 0 };
	const u32 draws = 100000;
	struct llm_sampling_params params = plain();
	struct llm_sampler *sampler = create(ARRAY_SIZE(logits));
	u32 counts[ARRAY_SIZE(logits)] = { 0 };
	double total = 0, distance = 0;

	llm_sampler_setup(sampler, &params);
	for (u32 i = 0; i < draws; i++)
		counts[choose(sampler, logits, ARRAY_SIZE(logits))]++;
	for (u32 i = 0; i < ARRAY_SIZE(logits); i++)
		total += exp(logits[i]);
	for (u32 i = 0; i < ARRAY_SIZE(logits); i++) {
		double wanted = draws * exp(logits[i]) / total;

		distance += (counts[i] - wanted) * (counts[i] - wanted) / wanted;
	}
	tap_check(distance < 24.3);
	llm_sampler_destroy(sampler);
}

static void sequence(struct llm_sampler *sampler, u64 seed, u32 *tokens)
{
	struct llm_sampling_params params = plain();
	float logits[50];

	fill(logits, 50, 1, 0, 9);
	params.seed = seed;
	llm_sampler_setup(sampler, &params);
	for (u32 i = 0; i < 100; i++)
		tokens[i] = choose(sampler, logits, 50);
}

static void seeds_decide(void)
{
	struct llm_sampler *sampler = create(50);
	struct llm_sampler *other = create(50);
	u32 a[100], b[100];

	sequence(sampler, 5, a);
	sequence(sampler, 5, b);
	tap_check(!memcmp(a, b, sizeof(a)));
	sequence(other, 5, b);
	tap_check(!memcmp(a, b, sizeof(a)));
	sequence(other, 6, b);
	tap_check(memcmp(a, b, sizeof(a)));
	sequence(other, 5ULL << 32, b);
	tap_check(memcmp(a, b, sizeof(a)));
	llm_sampler_destroy(other);
	llm_sampler_destroy(sampler);
}

struct strange_case {
	float first;
	float others;
	bool first_chosen;
};

/* Whatever the logits are, the choice is a token; the likelier one where there is one. */
static void strange_logits_do_no_harm(void)
{
	static const struct strange_case cases[] = {
		{ NAN, NAN, false }, { -INFINITY, -INFINITY, false }, { 0, NAN, true },
		{ 0, -INFINITY, true }, { INFINITY, 0, true }, { INFINITY, NAN, true },
		{ INFINITY, INFINITY, false }, { 3e38f, -3e38f, true }, { -3e38f, NAN, true },
	};
	static const u32 counts[] = { 1, 2, 1000, 20000 };
	static const s32 temperatures[] = { 0, 1, ONE, 100 * ONE };
	float *logits = malloc(20000 * sizeof(*logits));
	struct llm_sampling_params params = plain();

	for (u32 i = 0; i < ARRAY_SIZE(cases) * ARRAY_SIZE(counts); i++) {
		const struct strange_case *c = &cases[i / ARRAY_SIZE(counts)];
		u32 count = counts[i % ARRAY_SIZE(counts)];
		struct llm_sampler *sampler = create(count);

		for (u32 j = 0; j < ARRAY_SIZE(temperatures) * 2; j++) {
			u32 token;

			for (u32 k = 0; k < count; k++)
				logits[k] = k == count / 2 ? c->first : c->others;
			params.temperature = temperatures[j / 2];
			params.top_p = j % 2 ? ONE : ONE / 2;
			params.min_p = j % 2 ? ONE / 2 : 0;
			llm_sampler_setup(sampler, &params);
			token = choose_from(sampler, logits);
			tap_check(token < count);
			tap_check(!c->first_chosen || token == count / 2);
		}
		llm_sampler_destroy(sampler);
	}
	free(logits);
}

static void forbidden_tokens_are_never_chosen(void)
{
	struct llm_sampling_bias bias = { .bias = -100 * ONE };
	static const u32 counts[] = { 20, 3000 };
	float *logits = calloc(3000, sizeof(*logits));
	struct llm_sampling_params params = plain();

	params.biases = &bias;
	params.bias_count = 1;
	for (u32 i = 0; i < ARRAY_SIZE(counts); i++) {
		struct llm_sampler *sampler = create(counts[i]);

		bias.token = counts[i] - 1;
		logits[bias.token] = 5;
		llm_sampler_setup(sampler, &params);
		for (u32 j = 0; j < 500; j++)
			tap_check(choose(sampler, logits, counts[i]) != bias.token);
		llm_sampler_destroy(sampler);
		logits[bias.token] = 0;
	}
	free(logits);
}

/* Rising logits put every one of them in the heap, the most work there is. */
static void the_work_is_cut_into_parts(void)
{
	float *logits = malloc(MAX_VOCAB * sizeof(*logits));
	struct llm_sampler *sampler = create(MAX_VOCAB);
	struct llm_sampling_params params = plain();
	u32 parts = 0;

	for (u32 i = 0; i < MAX_VOCAB; i++)
		logits[i] = i / (float)MAX_VOCAB;
	params.top_k = 1000;
	llm_sampler_setup(sampler, &params);
	llm_sampler_begin(sampler, logits);
	while (!llm_sampler_advance(sampler))
		parts++;
	tap_check(parts > MAX_VOCAB / 8192 * 16);
	tap_check(llm_sampler_token(sampler) >= MAX_VOCAB - 1000);
	llm_sampler_destroy(sampler);
	free(logits);
}

static const struct tap_test tests[] = {
	{ "defaults are those documented", defaults_are_those_documented },
	{ "temperature 0 takes the likeliest, of equals the lowest", greedy_takes_the_likeliest },
	{ "temperature 0 looks at every token", greedy_looks_at_all },
	{ "biases are added", biases_are_added },
	{ "penalties follow their formulas", penalties_follow_their_formulas },
	{ "new parameters count occurrences anew", new_parameters_count_anew },
	{ "penalties look back last_n tokens", penalties_look_back_last_n_tokens },
	{ "temperature agrees with its definition", temperature_agrees_with_its_definition },
	{ "top-k agrees with its definition", top_k_agrees_with_its_definition },
	{ "top-p agrees with its definition", top_p_agrees_with_its_definition },
	{ "min-p agrees with its definition", min_p_agrees_with_its_definition },
	{ "all together agree with their definitions",
	  all_together_agree_with_their_definitions },
	{ "of equal logits the lower tokens are kept", equal_logits_are_cut_by_token },
	{ "fewer tokens than top-k are all kept", fewer_tokens_than_top_k_are_all_kept },
	{ "choices have their probabilities", choices_have_their_probabilities },
	{ "the seed decides", seeds_decide },
	{ "logits that are no numbers do no harm", strange_logits_do_no_harm },
	{ "forbidden tokens are never chosen", forbidden_tokens_are_never_chosen },
	{ "the work is cut into parts", the_work_is_cut_into_parts },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
