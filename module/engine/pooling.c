// SPDX-License-Identifier: GPL-2.0
#include "pooling.h"

/* Numbers that one call looks at. */
#define BUDGET	8192

/*
 * A row is added to the sums, or is the vector itself; when the vector is there,
 * its length is found and it is stored.
 */
enum { STAGE_ADD, STAGE_LENGTH, STAGE_STORE };

static const float *vector_of(const struct llm_pooling *pooling)
{
	return pooling->kind == LLM_POOLING_MEAN ? pooling->sums : pooling->row;
}

static void add(struct llm_pooling *pooling, u32 end)
{
	const float *row = pooling->row;
	float *sums = pooling->sums;

	for (; pooling->at < end; pooling->at++)
		sums[pooling->at] += row[pooling->at];
}

/* A mean has the direction of its sum. */
static void measure(struct llm_pooling *pooling, u32 end)
{
	const float *x = vector_of(pooling);

	if (!pooling->at)
		pooling->squares = 0;
	for (; pooling->at < end; pooling->at++)
		pooling->squares += (double)x[pooling->at] * x[pooling->at];
}

/* Nearest, and 0 for what is not a number. */
static s32 to_fixed(double x)
{
	if (!(x > S32_MIN))
		return x < 0 ? S32_MIN : 0;
	if (!(x < S32_MAX))
		return S32_MAX;
	return (s32)(x < 0 ? x - 0.5 : x + 0.5);
}

static double scale_of(const struct llm_pooling *pooling)
{
	if (pooling->kind == LLM_POOLING_RANK)
		return 65536;
	/* Neither zero nor infinite nor not a number; squares of float32 fit. */
	if (!(pooling->squares > 0 && pooling->squares < 1e300))
		return 0;
	return 1073741824 / __builtin_sqrt(pooling->squares);
}

static void store(struct llm_pooling *pooling, u32 end)
{
	const float *x = vector_of(pooling);
	double scale = scale_of(pooling);

	for (; pooling->at < end; pooling->at++)
		pooling->vectors[pooling->at] = to_fixed(scale ? x[pooling->at] * scale : 0);
}

static void next_stage(struct llm_pooling *pooling)
{
	pooling->at = 0;
	pooling->stage++;
}

bool llm_pooling_advance(struct llm_pooling *pooling)
{
	bool add_up = pooling->kind == LLM_POOLING_MEAN;
	u32 end;

	if (pooling->stage == STAGE_ADD && !add_up)
		pooling->stage = STAGE_LENGTH;
	end = min(pooling->width, pooling->at + BUDGET);
	if (pooling->stage == STAGE_ADD)
		add(pooling, end);
	else if (pooling->stage == STAGE_LENGTH)
		measure(pooling, end);
	else
		store(pooling, end);
	if (pooling->at < pooling->width)
		return false;
	next_stage(pooling);
	if (add_up && !pooling->last)
		return true;
	if (pooling->stage <= STAGE_STORE)
		return false;
	pooling->vectors += pooling->width;
	return true;
}
