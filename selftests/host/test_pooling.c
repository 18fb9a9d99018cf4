// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pooling.h"
#include "tap.h"

#define MAX_WIDTH	20000
#define ROWS		5
#define ONE		1073741824.0

static float rows[ROWS][MAX_WIDTH];
static float sums[MAX_WIDTH];
static s32 vectors[ROWS * MAX_WIDTH + 1];

static void fill(u32 width, u32 seed)
{
	for (u32 r = 0; r < ROWS; r++)
		for (u32 i = 0; i < width; i++)
			rows[r][i] = sinf((float)(i * 7 + r * 1001 + seed));
}

/* Pools the rows that are wanted; returns the calls it took. */
static u32 pool(enum llm_pooling_kind kind, u32 width, u32 count, u32 *made)
{
	struct llm_pooling pooling = {
		.kind = kind, .width = width, .sums = sums, .vectors = vectors,
	};
	u32 calls = 0, last = 0;

	memset(sums, 0, sizeof(sums));
	memset(vectors, 0x55, sizeof(vectors));
	for (u32 i = 0; i < count; i++)
		if (llm_pooling_wants(kind, false, i, count))
			last = i;
	for (u32 i = 0; i < count; i++) {
		if (!llm_pooling_wants(kind, false, i, count))
			continue;
		llm_pooling_begin(&pooling, rows[i], i == last);
		do
			calls++;
		while (!llm_pooling_advance(&pooling));
	}
	*made = pooling.vectors - vectors;
	return calls;
}

static void check_vector(const s32 *vector, const double *wanted, u32 width)
{
	double length = 0;

	for (u32 i = 0; i < width; i++)
		length += wanted[i] * wanted[i];
	length = sqrt(length);
	for (u32 i = 0; i < width; i++)
		tap_check(fabs(vector[i] - wanted[i] / length * ONE) < 300);
}

static void check_row(const s32 *vector, u32 row, u32 width)
{
	double *wanted = calloc(width, sizeof(*wanted));

	for (u32 i = 0; i < width; i++)
		wanted[i] = rows[row][i];
	check_vector(vector, wanted, width);
	free(wanted);
}

static void vectors_agree_with_binary64(void)
{
	static const u32 widths[] = { 1, 2, 3, 64, 384, 8192, 8193, MAX_WIDTH };
	double *mean = calloc(MAX_WIDTH, sizeof(*mean));
	u32 made;

	for (u32 w = 0; w < ARRAY_SIZE(widths); w++) {
		u32 width = widths[w];

		fill(width, w + 1);
		pool(LLM_POOLING_CLS, width, ROWS, &made);
		tap_check(made == width);
		check_row(vectors, 0, width);
		pool(LLM_POOLING_LAST, width, ROWS, &made);
		tap_check(made == width && vectors[width] == 0x55555555);
		check_row(vectors, ROWS - 1, width);
		pool(LLM_POOLING_NONE, width, ROWS, &made);
		tap_check(made == ROWS * width);
		for (u32 r = 0; r < ROWS; r++)
			check_row(vectors + r * width, r, width);
		for (u32 i = 0; i < width; i++) {
			mean[i] = 0;
			for (u32 r = 0; r < ROWS; r++)
				mean[i] += rows[r][i];
		}
		pool(LLM_POOLING_MEAN, width, ROWS, &made);
		tap_check(made == width);
		check_vector(vectors, mean, width);
	}
	free(mean);
}

static void scores_are_not_normalised(void)
{
	u32 made;

	rows[1][0] = 1.5f;
	rows[1][1] = -3;
	rows[1][2] = 1e30f;
	rows[1][3] = -1e30f;
	pool(LLM_POOLING_RANK, 4, 2, &made);
	tap_check(made == 4 && vectors[0] == 98304 && vectors[1] == -196608);
	tap_check(vectors[2] == S32_MAX && vectors[3] == S32_MIN);
	/* Where texts are seen whole, the first token knows. */
	tap_check(llm_pooling_wants(LLM_POOLING_RANK, true, 0, 2));
	tap_check(!llm_pooling_wants(LLM_POOLING_RANK, true, 1, 2));
}

static void strange_numbers_do_no_harm(void)
{
	static const float values[] = { NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 0, 1e-38f };
	u32 made;

	for (u32 i = 0; i < 7 * 7 * 7; i++) {
		rows[0][0] = values[i % 7];
		rows[0][1] = values[i / 7 % 7];
		rows[0][2] = values[i / 49];
		pool(LLM_POOLING_CLS, 3, 1, &made);
		for (u32 j = 0; j < 3; j++) {
			bool finite = isfinite(rows[0][0] + 0 * rows[0][1] + 0 * rows[0][2]);

			tap_check(vectors[j] >= -ONE && vectors[j] <= ONE);
			tap_check(finite || vectors[j] == 0);
		}
		pool(LLM_POOLING_RANK, 3, 1, &made);
		tap_check(!isnan(rows[0][1]) || vectors[1] == 0);
	}
	rows[0][0] = 3e38f;
	rows[0][1] = 0;
	pool(LLM_POOLING_CLS, 2, 1, &made);
	tap_check(vectors[0] == ONE && vectors[1] == 0);
}

static void the_work_is_cut_into_parts(void)
{
	u32 made;

	fill(MAX_WIDTH, 1);
	/* Three parts of a row, to measure and to store. */
	tap_check(pool(LLM_POOLING_CLS, MAX_WIDTH, ROWS, &made) == 6);
	tap_check(pool(LLM_POOLING_MEAN, MAX_WIDTH, ROWS, &made) == 3 * ROWS + 6);
}

static const struct tap_test tests[] = {
	{ "vectors agree with binary64", vectors_agree_with_binary64 },
	{ "scores are not normalised", scores_are_not_normalised },
	{ "numbers that are none do no harm", strange_numbers_do_no_harm },
	{ "the work is cut into parts", the_work_is_cut_into_parts },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
