// SPDX-License-Identifier: GPL-2.0
/* Keys and values kept in each number format, against attention to what they were. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LLM_FLOAT
#include "kv_layout.h"
#include "tap.h"

#define COLUMNS		96
#define POSITIONS	LLM_PAGE_POSITIONS
#define SCALE		0.2f

/* A page of one head, and what went into it. */
struct fixture {
	float keys[POSITIONS][COLUMNS];
	float values[POSITIONS][COLUMNS];
	float query[COLUMNS];
	u8 kept_keys[POSITIONS * COLUMNS * 4] __attribute__((aligned(64)));
	u8 kept_values[POSITIONS * COLUMNS * 4] __attribute__((aligned(64)));
	u8 rounded[COLUMNS * 4] __attribute__((aligned(64)));
};

/* Roughly normal, from -3 to 3. */
static float any_number(void)
{
	return (float)(rand() % 1000 + rand() % 1000 + rand() % 1000) / 500 - 3;
}

static void fill(struct fixture *f, const struct llm_form *form, u32 type)
{
	u32 i, d;

	for (i = 0; i < POSITIONS; i++) {
		for (d = 0; d < COLUMNS; d++) {
			f->keys[i][d] = any_number();
			f->values[i][d] = any_number();
		}
		llm_kv_store_key(form, type, f->kept_keys, i, f->keys[i], COLUMNS);
		llm_kv_store_value(form, type, f->kept_values, i, f->values[i], COLUMNS);
	}
	for (d = 0; d < COLUMNS; d++)
		f->query[d] = any_number();
	llm_kv_round_query(form, type, f->rounded, f->query, COLUMNS);
}

/* softmax(scale q k) v of what went in, in double precision. */
static void attend_exactly(const struct fixture *f, double *result)
{
	double sum = 0, score, weight;
	u32 i, d;

	for (d = 0; d < COLUMNS; d++)
		result[d] = 0;
	for (i = 0; i < POSITIONS; i++) {
		for (score = 0, d = 0; d < COLUMNS; d++)
			score += f->query[d] * f->keys[i][d];
		weight = exp(score * SCALE);
		sum += weight;
		for (d = 0; d < COLUMNS; d++)
			result[d] += weight * f->values[i][d];
	}
	for (d = 0; d < COLUMNS; d++)
		result[d] /= sum;
}

/* The largest difference from that; values are up to 3. */
static double difference(const struct fixture *f, const struct llm_form *form, u32 type)
{
	float result[COLUMNS] = { 0 }, maximum = -3e38f, sum = 0;
	struct llm_attend_page page = {
		.keys = f->kept_keys,
		.values = f->kept_values,
		.next_keys = f->kept_keys,
		.next_values = f->kept_values,
		.value_stride = COLUMNS,
		.key = COLUMNS,
		.value = COLUMNS,
		.scale = SCALE,
	};
	struct llm_attend_query query = {
		.query = f->rounded,
		.result = result,
		.maximum = &maximum,
		.sum = &sum,
		.to = POSITIONS,
	};
	double exact[COLUMNS], most = 0;
	u32 d;

	form->attend[type](&page, &query, 1);
	attend_exactly(f, exact);
	for (d = 0; d < COLUMNS; d++)
		most = fmax(most, fabs(result[d] / sum - exact[d]));
	return most;
}

static void check(u32 type, double bound)
{
	static struct fixture f;
	const struct llm_form *form;
	double most;

	for (u32 i = 0; (form = llm_form_at(i)); i++) {
		if (!form->usable())
			continue;
		most = 0;
		for (u32 seed = 0; seed < 16; seed++) {
			srand(seed);
			fill(&f, form, type);
			most = fmax(most, difference(&f, form, type));
		}
		printf("# %s: %g\n", form->name, most);
		tap_check(most < bound);
	}
}

static void unrounded(void)
{
	check(LLM_TENSOR_F32, 1e-5);
}

static void in_halves(void)
{
	check(LLM_TENSOR_F16, 5e-3);
}

static void in_blocks(void)
{
	check(LLM_TENSOR_Q8_0, 0.1);
}

static const struct tap_test tests[] = {
	{ "attention to keys and values in F32 is exact", unrounded },
	{ "attention to keys and values in F16 is near it", in_halves },
	{ "attention to keys and values in Q8_0 is not far from it", in_blocks },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
