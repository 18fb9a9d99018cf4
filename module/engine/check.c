// SPDX-License-Identifier: GPL-2.0
#include "check.h"

#include "block.h"
#include "kv_layout.h"
#include "math.h"

static const struct llm_form *const reference = &llm_form_portable;

/* Whole blocks, a vector's length, and lengths that leave every kind of rest. */
static const u32 block_lengths[] = { 32, 64, 96, 256, 512 };
static const u32 lengths[] = { 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 64, 100, 352 };

/* splitmix64, https://prng.di.unimi.it/splitmix64.c */
static u64 random_bits(struct llm_check *check)
{
	u64 z = check->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* Between -4 and 4. */
static float random_float(struct llm_check *check)
{
	return (float)(s32)(random_bits(check) & 0xffffff) * 0x1p-21f - 4.0f;
}

static void random_floats(struct llm_check *check, void *memory, u32 n)
{
	float *x = memory;
	u32 i;

	for (i = 0; i < n; i++)
		x[i] = random_float(check);
}

static void random_halves(struct llm_check *check, void *memory, u32 n)
{
	u16 *x = memory;
	u32 i;

	for (i = 0; i < n; i++)
		x[i] = llm_f32_to_f16(random_float(check));
}

/*
 * Blocks of any bits, but with scales and minima that are numbers of ordinary
 * size: each type keeps them in binary16 at the places given here.
 */
static void random_blocks(struct llm_check *check, u32 type, void *memory, u32 n)
{
	static const struct {
		u32 type;
		u32 places[2];
	} scales[] = {
		{ LLM_TENSOR_Q4_0, { 0, 0 } },	 { LLM_TENSOR_Q4_1, { 0, 2 } },
		{ LLM_TENSOR_Q5_0, { 0, 0 } },	 { LLM_TENSOR_Q5_1, { 0, 2 } },
		{ LLM_TENSOR_Q8_0, { 0, 0 } },	 { LLM_TENSOR_Q2_K, { 80, 82 } },
		{ LLM_TENSOR_Q3_K, { 108, 108 } }, { LLM_TENSOR_Q4_K, { 0, 2 } },
		{ LLM_TENSOR_Q5_K, { 0, 2 } },	 { LLM_TENSOR_Q6_K, { 208, 208 } },
		{ LLM_TENSOR_IQ4_NL, { 0, 0 } }, { LLM_TENSOR_IQ4_XS, { 0, 0 } },
	};
	const struct llm_type *facts = llm_type_find(type);
	u32 b, i, j;
	u16 scale;
	u8 *block;

	for (b = 0; b < n / facts->block; b++) {
		block = (u8 *)memory + b * facts->bytes;
		for (i = 0; i < facts->bytes; i++)
			block[i] = (u8)random_bits(check);
		for (i = 0; i < ARRAY_SIZE(scales); i++) {
			for (j = 0; j < 2 && scales[i].type == type; j++) {
				scale = llm_f32_to_f16(random_float(check));
				memcpy(block + scales[i].places[j], &scale, sizeof(scale));
			}
		}
		if (type == LLM_TENSOR_MXFP4)
			block[0] = 120 + block[0] % 12;
	}
}

static int differ(const struct llm_check *check, const char *what, u32 length, u32 at)
{
	return llm_refuse(check->error, -EINVAL, "form %s: %s of length %u differs at %u",
			  check->form->name, what, length, at);
}

static float magnitude(float x)
{
	return x < 0 ? -x : x;
}

static float max_float(float a, float b)
{
	return a > b ? a : b;
}

static bool is_close(float a, float b, float bound)
{
	return magnitude(a - b) <= bound;
}

/* The largest sum of magnitudes that a product of @columns can have here. */
static float product_bound(u32 columns, float most)
{
	return 2e-6f * (float)columns * most;
}

typedef void (*matmul)(const struct llm_matmul *m);

/* The largest difference, as a share of the largest result. */
static bool are_close(const float *a, const float *b, u32 n)
{
	float most = 0, difference = 0;
	u32 i;

	for (i = 0; i < n; i++) {
		most = max_float(most, magnitude(b[i]));
		difference = max_float(difference, magnitude(a[i] - b[i]));
	}
	return difference <= 1e-5f * most;
}

static void fill_product(struct llm_check *check, struct llm_matmul *m, u32 columns)
{
	m->w = check->weights;
	m->x = check->input;
	m->columns = columns;
	m->rows = LLM_CHECK_ROWS;
	m->outputs = LLM_CHECK_ROWS;
	m->y_stride = LLM_CHECK_ROWS;
}

static int compare_products(struct llm_check *check, struct llm_matmul *m)
{
	const char *what = llm_type_find(m->type)->name;
	matmul ours = check->form->matmul[m->type];
	matmul theirs = reference->matmul[m->type];
	const float *a = (const float *)check->results[0];
	const float *b = (const float *)check->results[1];
	const float *alone = (const float *)check->results[2];
	u32 i;

	m->y = (float *)check->results[0];
	ours(m);
	m->y = (float *)check->results[1];
	theirs(m);
	m->y = (float *)check->results[2];
	m->rows = 1;
	for (i = 0; i < LLM_CHECK_ROWS; i++) {
		ours(m);
		m->x += m->x_stride;
		m->y += m->y_stride;
	}
	if (!are_close(a, b, LLM_CHECK_ROWS * LLM_CHECK_ROWS))
		return differ(check, what, m->columns, 0);
	for (i = 0; i < LLM_CHECK_ROWS * LLM_CHECK_ROWS; i++)
		if (llm_float_bits(a[i]) != llm_float_bits(alone[i]))
			return differ(check, "a row among others", m->columns, i);
	return 0;
}

/* Weights of any of the types without blocks. */
static void random_numbers(struct llm_check *check, u32 type, void *memory, u32 n)
{
	u32 i;

	switch (type) {
	case LLM_TENSOR_F32:
		random_floats(check, memory, n);
		break;
	case LLM_TENSOR_F16:
		random_halves(check, memory, n);
		break;
	default:
		for (i = 0; i < n; i++)
			((u16 *)memory)[i] = llm_float_bits(random_float(check)) >> 16;
		break;
	}
}

static void fill_numbers(struct llm_check *check, struct llm_matmul *m, u32 rows, u32 n)
{
	m->w_stride = (u64)n * llm_type_find(m->type)->bytes;
	m->x_stride = (u64)n * sizeof(float);
	random_numbers(check, m->type, check->weights, rows * n);
	random_floats(check, check->results[0], LLM_CHECK_ROWS * n);
	llm_input_round(reference, llm_type_find(m->type)->input, check->input,
			(const float *)check->results[0], LLM_CHECK_ROWS * n);
	fill_product(check, m, n);
}

static const u32 number_types[] = { LLM_TENSOR_F32, LLM_TENSOR_F16, LLM_TENSOR_BF16 };

static int check_matmul_numbers(struct llm_check *check, u32 n)
{
	int err = 0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(number_types) && !err; i++) {
		struct llm_matmul m = { .type = number_types[i] };

		fill_numbers(check, &m, LLM_CHECK_ROWS, n);
		err = compare_products(check, &m);
	}
	return err;
}

/* Input rows as the portable form quantises them. */
static void fill_blocks(struct llm_check *check, struct llm_matmul *m, u32 rows, u32 n)
{
	const struct llm_type *type = llm_type_find(m->type);
	float *x = (float *)check->results[0];
	u32 r;

	m->w_stride = n / type->block * type->bytes;
	m->x_stride = n / LLM_BLOCK * sizeof(struct llm_block_x8);
	random_blocks(check, m->type, check->weights, rows * n);
	for (r = 0; r < LLM_CHECK_ROWS; r++) {
		random_floats(check, x, n);
		reference->quantize[type->input]((void *)(check->input + r * m->x_stride), x, n);
	}
	fill_product(check, m, n);
}

/* All types whose blocks divide @n. */
static int check_matmul_blocks(struct llm_check *check, u32 n)
{
	const struct llm_type *type;
	u32 t;
	int err;

	for (t = 0; t < LLM_TENSOR_TYPES; t++) {
		struct llm_matmul m = { .type = t };

		type = llm_type_find(t);
		if (!type || type->block == 1 || n % type->block)
			continue;
		fill_blocks(check, &m, LLM_CHECK_ROWS, n);
		err = compare_products(check, &m);
		if (err)
			return err;
	}
	return 0;
}

/* Rows side by side, and one by one again. */
static int check_grouping(struct llm_check *check, u32 n, u32 type, u32 rows)
{
	const struct llm_type *facts = llm_type_find(type);
	u32 blocks = n / facts->block, r, b;
	u32 row_bytes = blocks * facts->bytes;
	const u8 *row = check->weights, *group;
	u8 block[256];

	for (r = 0; r < rows; r += LLM_GROUP)
		llm_group_rows(check->groups + r * row_bytes, check->weights + r * row_bytes,
			       type, n);
	for (r = 0; r < rows; r++) {
		group = check->groups + r / LLM_GROUP * LLM_GROUP * row_bytes;
		for (b = 0; b < blocks; b++, row += facts->bytes) {
			llm_group_take(block, group + b * LLM_GROUP * facts->bytes, type,
				       r % LLM_GROUP);
			if (memcmp(block, row, facts->bytes))
				return differ(check, "a row out of a group", n, type);
		}
	}
	return 0;
}

/* Products of weights and rows that are there. */
static int compare_groups(struct llm_check *check, struct llm_matmul *m, u32 outputs)
{
	matmul product = check->form->matmul_groups[m->type];
	u32 results = LLM_CHECK_ROWS * outputs;
	u32 i;
	int err = check_grouping(check, m->columns, m->type, outputs);

	if (err || !product)
		return err;
	m->outputs = outputs;
	m->y_stride = outputs;
	m->y = (float *)check->results[1];
	reference->matmul[m->type](m);
	m->w = check->groups;
	m->y = (float *)check->results[0];
	product(m);
	if (!are_close((float *)check->results[0], (float *)check->results[1], results))
		return differ(check, "matmul_groups", m->columns, m->type);
	m->outputs = LLM_GROUP;
	for (m->rows = 1, i = 0; i < LLM_CHECK_ROWS; i++) {
		m->w = check->groups;
		m->y = (float *)check->results[2] + i * m->y_stride;
		for (; m->w < check->groups + outputs * m->w_stride;
		     m->w += LLM_GROUP * m->w_stride, m->y += LLM_GROUP)
			product(m);
		m->x += m->x_stride;
	}
	if (memcmp(check->results[0], check->results[2], results * sizeof(float)))
		return differ(check, "a row of groups among others", m->columns, m->type);
	return 0;
}

static int check_groups(struct llm_check *check, u32 n)
{
	const struct llm_type *type;
	int err = 0;
	u32 t;

	for (t = 0; t < LLM_TENSOR_TYPES && !err; t++) {
		struct llm_matmul m = { .type = t };

		type = llm_type_find(t);
		if (!llm_group_exists(t) || type->block == 1 || n % type->block)
			continue;
		fill_blocks(check, &m, LLM_GROUP, n);
		err = compare_groups(check, &m, LLM_GROUP);
	}
	return err;
}

static int check_groups_of_numbers(struct llm_check *check, u32 n)
{
	int err = 0;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(number_types) && !err; i++) {
		struct llm_matmul m = { .type = number_types[i] };

		fill_numbers(check, &m, LLM_CHECK_GROUPED, n);
		err = compare_groups(check, &m, LLM_CHECK_GROUPED);
	}
	return err;
}

static int check_bias_and_residual(struct llm_check *check, u32 n)
{
	struct llm_matmul m = { .type = LLM_TENSOR_F32, .w_stride = n * 4, .x_stride = n * 4 };

	random_floats(check, check->weights, LLM_CHECK_ROWS * n);
	random_floats(check, check->input, LLM_CHECK_ROWS * n);
	fill_product(check, &m, n);
	m.rows = 1;
	m.outputs = 1;
	m.y = (float *)check->results[0];
	check->form->matmul[m.type](&m);
	/* The first weight serves as bias, the first input as residual. */
	m.bias = (const float *)m.w;
	m.residual = (const float *)m.x;
	m.y = (float *)check->results[1];
	check->form->matmul[m.type](&m);
	if (*m.y != *(float *)check->results[0] + *m.bias + *m.residual)
		return differ(check, "bias and residual", n, 0);
	return 0;
}

static int check_quantize(struct llm_check *check, u32 n)
{
	u32 bytes = n / LLM_BLOCK * sizeof(struct llm_block_x8);
	const float *x = (const float *)check->input;
	u32 input;

	random_floats(check, check->input, n);
	for (input = LLM_INPUT_Q8_0; input < LLM_INPUTS; input++) {
		if (input == LLM_INPUT_Q8_K && n % LLM_BLOCK_K)
			continue;
		check->form->quantize[input]((void *)check->results[0], x, n);
		reference->quantize[input]((void *)check->results[1], x, n);
		if (memcmp(check->results[0], check->results[1], bytes))
			return differ(check, "quantize", n, input);
	}
	return 0;
}

static int check_sums(struct llm_check *check, u32 n)
{
	const float *x = (const float *)check->input;

	random_floats(check, check->input, n);
	if (!is_close(check->form->sum(x, n), reference->sum(x, n), product_bound(n, 4)))
		return differ(check, "sum", n, 0);
	if (!is_close(check->form->sum_squares(x, n), reference->sum_squares(x, n),
		      product_bound(n, 16)))
		return differ(check, "sum_squares", n, 0);
	if (!is_close(check->form->sum_squares_from(x, 1, n), reference->sum_squares_from(x, 1, n),
		      product_bound(n, 25)))
		return differ(check, "sum_squares_from", n, 0);
	return 0;
}

/* All of what can be left out is in one of these, and left out in another. */
static int check_normals(struct llm_check *check, u32 n)
{
	float *found = (float *)check->results[0], *wanted = (float *)check->results[1];
	const float *x = (const float *)check->input;
	struct llm_normal normal = { .x = x, .middle = 0.25f, .scale = 1.75f, .n = n };
	u32 i;

	random_floats(check, check->input, 4 * n);
	for (i = 0; i < 8; i++) {
		normal.weight = i & 1 ? x + n : NULL;
		normal.bias = i & 2 ? x + 2 * n : NULL;
		normal.residual = i & 4 ? x + 3 * n : NULL;
		normal.y = found;
		check->form->normalize(&normal);
		normal.y = wanted;
		reference->normalize(&normal);
		if (memcmp(found, wanted, n * sizeof(*found)))
			return differ(check, "normalize", n, i);
	}
	return 0;
}

static int check_rotations(struct llm_check *check, u32 n)
{
	float *found = (float *)check->results[0], *wanted = (float *)check->results[1];
	const float *angles = (const float *)check->input;
	u32 i;

	for (i = 0; i < LLM_PAIRINGS; i++) {
		random_floats(check, check->input, n);
		random_floats(check, found, n);
		memcpy(wanted, found, n * sizeof(*found));
		check->form->rotate[i](found, angles, n / 2 * 2);
		reference->rotate[i](wanted, angles, n / 2 * 2);
		if (memcmp(found, wanted, n * sizeof(*found)))
			return differ(check, "rotate", n, i);
	}
	return 0;
}

/* Numbers of every size that binary16 tells apart, and beyond. */
static int check_rounding(struct llm_check *check, u32 n)
{
	const u16 *a = (const u16 *)check->results[0];
	const u16 *b = (const u16 *)check->results[1];
	float *rounded = (float *)check->results[2];
	float *x = (float *)check->input;
	u32 i;

	for (i = 0; i < n; i++)
		x[i] = random_float(check) * llm_float((102 + i % 44) << 23);
	check->form->f32_to_f16((u16 *)a, x, n);
	reference->f32_to_f16((u16 *)b, x, n);
	for (i = 0; i < n; i++)
		if (a[i] != b[i])
			return differ(check, "f32_to_f16", n, i);
	check->form->round_to_f16(rounded, x, n);
	for (i = 0; i < n; i++)
		if (rounded[i] != llm_f16_to_f32(b[i]))
			return differ(check, "round_to_f16", n, i);
	check->form->round_to_bf16(rounded, x, n);
	for (i = 0; i < n; i++)
		if (rounded[i] != llm_round_to_bf16(x[i]))
			return differ(check, "round_to_bf16", n, i);
	return 0;
}

/* Keys, values and queries of a page of a number format: queries are after each other. */
static void fill_page(struct llm_check *check, u32 type, u32 n)
{
	float *row = (float *)check->results[0];
	u64 bytes = llm_kv_query_bytes(type, n);
	u32 i;

	for (i = 0; i < LLM_PAGE_POSITIONS; i++) {
		random_floats(check, row, n);
		llm_kv_store_key(reference, type, check->keys, i, row, n);
		random_floats(check, row, n);
		llm_kv_store_value(reference, type, check->values, i, row, n);
	}
	for (i = 0; i < LLM_ATTEND_QUERIES; i++) {
		random_floats(check, row, n);
		llm_kv_round_query(reference, type, check->input + i * bytes, row, n);
	}
}

/* Queries that see different parts of a page, as the first rows of @results. */
static void attend(struct llm_check *check, const struct llm_form *form, u32 type, u32 n,
		   float cap, u32 together, float *results)
{
	static const u32 seen[LLM_ATTEND_QUERIES][2] = {
		{ 0, 1 }, { 0, 32 }, { 5, 30 }, { 3, 17 },
		{ 3, 19 }, { 3, 20 }, { 4, 32 }, { 31, 32 }
	};
	struct llm_attend_page page = {
		.keys = check->keys,
		.values = check->values,
		.next_keys = check->keys,
		.next_values = check->values,
		.value_stride = n,
		.key = n,
		.value = n,
		.scale = 1.0f / 16,
		.cap = cap,
	};
	struct llm_attend_query queries[LLM_ATTEND_QUERIES];
	u32 i;

	for (i = 0; i < LLM_ATTEND_QUERIES; i++) {
		float *result = results + i * (n + 2);

		memcpy(result, (const float *)check->weights + i * (n + 2),
		       (n + 2) * sizeof(*result));
		/* A sum that results of this size can have. */
		result[n + 1] = 5.0f + result[n + 1];
		queries[i] = (struct llm_attend_query){
			.query = check->input + i * llm_kv_query_bytes(type, n),
			.result = result,
			.maximum = &result[n],
			.sum = &result[n + 1],
			.from = seen[i][0],
			.to = seen[i][1],
		};
	}
	for (i = 0; i < LLM_ATTEND_QUERIES; i += together)
		form->attend[type](&page, queries + i, min(together, LLM_ATTEND_QUERIES - i));
}

static int check_attention_of(struct llm_check *check, u32 type, u32 n)
{
	float *a = (float *)check->results[0], *b = (float *)check->results[1];
	float *alone = (float *)check->results[2];
	u32 all = LLM_ATTEND_QUERIES * (n + 2), i;
	u32 together;
	float cap;

	fill_page(check, type, n);
	random_floats(check, check->weights, all);
	for (cap = 0; cap <= 3; cap += 3) {
		attend(check, check->form, type, n, cap, LLM_ATTEND_QUERIES, a);
		attend(check, reference, type, n, cap, 1, b);
		for (i = 0; i < all; i++)
			if (!is_close(a[i], b[i], (product_bound(n, 1) + 2e-5f) *
						  magnitude(b[i / (n + 2) * (n + 2) + n + 1])))
				return differ(check, "attend", n, type);
		for (together = 1; together < LLM_ATTEND_QUERIES; together++) {
			attend(check, check->form, type, n, cap, together, alone);
			if (memcmp(a, alone, all * sizeof(*a)))
				return differ(check, "attend of fewer", n, type);
		}
	}
	return 0;
}

/* All number formats of slots whose blocks divide @n. */
static int check_attention(struct llm_check *check, u32 n)
{
	u32 type;
	int err;

	for (type = 0; type < LLM_TENSOR_TYPES; type++) {
		if (!llm_kv_is_known(type) || n % llm_type_find(type)->block)
			continue;
		err = check_attention_of(check, type, n);
		if (err)
			return err;
	}
	return 0;
}

/* States and results: @results as one form leaves them, in channels of @n numbers. */
static void scan(struct llm_check *check, const struct llm_form *form, u32 n, u32 together,
		 float *results)
{
	const float *input = (const float *)check->input;
	const float *weights = (const float *)check->weights;
	struct llm_scan s = {
		.state = results, .a = weights, .b = input, .c = input + n, .t = input + 2 * n,
		.x = input + 2 * n + LLM_CHECK_ROWS, .d = input, .y = results + LLM_CHECK_ROWS * n,
		.states = n, .channels = together,
	};
	u32 i;

	memcpy(results, weights + LLM_CHECK_ROWS * n, LLM_CHECK_ROWS * n * sizeof(*results));
	for (i = 0; i < LLM_CHECK_ROWS; i += together) {
		form->scan(&s);
		s.state += together * n;
		s.a += together * n;
		s.t += together;
		s.x += together;
		s.d += together;
		s.y += together;
	}
}

/* Time steps and exponents of ordinary size: what stays of a state is less than it. */
static int check_scan(struct llm_check *check, u32 n)
{
	float *a = (float *)check->results[0], *b = (float *)check->results[1];
	float *alone = (float *)check->results[2];
	float *weights = (float *)check->weights, *input = (float *)check->input;
	u32 all = LLM_CHECK_ROWS * (n + 1), i;

	if (2 * n > LLM_CHECK_COLUMNS)
		return 0;
	random_floats(check, weights, 2 * LLM_CHECK_ROWS * n);
	random_floats(check, input, 2 * (n + LLM_CHECK_ROWS));
	for (i = 0; i < LLM_CHECK_ROWS * n; i++)
		weights[i] = -magnitude(weights[i]);
	for (i = 0; i < LLM_CHECK_ROWS; i++)
		input[2 * n + i] = magnitude(input[2 * n + i]) / 4;
	scan(check, check->form, n, LLM_CHECK_ROWS, a);
	scan(check, reference, n, LLM_CHECK_ROWS, b);
	scan(check, check->form, n, 1, alone);
	if (!are_close(a, b, all))
		return differ(check, "scan", n, 0);
	if (memcmp(a, alone, all * sizeof(*a)))
		return differ(check, "a channel among others", n, 0);
	return 0;
}

static void wkv(struct llm_check *check, const struct llm_form *form, u32 n, float *results)
{
	const float *input = (const float *)check->input;
	const struct llm_wkv w = {
		.state = results, .r = input, .decay = input + n, .k = input + 2 * n,
		.v = input + 3 * n, .read = input + 4 * n, .write = input + 5 * n,
		.y = results + n * n, .n = n,
	};

	memcpy(results, check->weights, n * n * sizeof(*results));
	form->wkv(&w);
}

static int check_wkv(struct llm_check *check, u32 n)
{
	const float *a = (const float *)check->results[0], *b = (const float *)check->results[1];

	if (n * (n + 1) > LLM_CHECK_ROWS * LLM_CHECK_COLUMNS)
		return 0;
	random_floats(check, check->weights, n * n);
	random_floats(check, check->input, 6 * n);
	wkv(check, check->form, n, (float *)a);
	wkv(check, reference, n, (float *)b);
	if (!are_close(a, b, n * n + n))
		return differ(check, "wkv", n, 0);
	return 0;
}

/* What activations may differ by: in binary16 a unit in the last place. */
static float activation_bound(u32 activation)
{
	return activation == LLM_ACT_GELU_F16 ? 0x1p-10f : 2e-6f;
}

/* Each activation, multiplied and in place; near zero tanh() is right absolutely. */
static int check_activate(struct llm_check *check, u32 n)
{
	float *a = (float *)check->results[0], *b = (float *)check->results[1];
	const float *x = (const float *)check->input;
	const float *u = (const float *)check->weights;
	u32 f, i;

	random_floats(check, check->input, n);
	random_floats(check, check->weights, n);
	for (f = 0; f < LLM_ACTIVATIONS; f++) {
		check->form->activate[f](a, x, u, n);
		reference->activate[f](b, x, u, n);
		for (i = 0; i < n; i++)
			if (!is_close(a[i], b[i],
				      activation_bound(f) * max_float(magnitude(b[i]), 1)))
				return differ(check, "activate with a factor", n, i);
		memcpy(a, x, n * sizeof(*a));
		check->form->activate[f](a, a, NULL, n);
		reference->activate[f](b, x, NULL, n);
		for (i = 0; i < n; i++)
			if (!is_close(a[i], b[i],
				      activation_bound(f) * max_float(magnitude(b[i]), 0.1f)))
				return differ(check, "activate", n, i);
	}
	return 0;
}

int llm_check_form(struct llm_check *check)
{
	static int (*const any_length[])(struct llm_check *check, u32 n) = {
		check_matmul_numbers, check_groups_of_numbers, check_bias_and_residual, check_sums,
		check_normals, check_rotations, check_rounding, check_attention, check_scan,
		check_wkv, check_activate,
	};
	static int (*const whole_blocks[])(struct llm_check *check, u32 n) = {
		check_matmul_blocks, check_groups, check_quantize,
	};
	u32 i, j;
	int err;

	for (i = 0; i < ARRAY_SIZE(any_length); i++) {
		for (j = 0; j < ARRAY_SIZE(lengths); j++) {
			err = any_length[i](check, lengths[j]);
			if (err)
				return err;
		}
	}
	for (i = 0; i < ARRAY_SIZE(whole_blocks); i++) {
		for (j = 0; j < ARRAY_SIZE(block_lengths); j++) {
			err = whole_blocks[i](check, block_lengths[j]);
			if (err)
				return err;
		}
	}
	return 0;
}
