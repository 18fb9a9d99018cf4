// SPDX-License-Identifier: GPL-2.0
/*
 * The hot loops in plain C: the reference for all other forms, and what runs
 * where none of them can.
 */
#include "block.h"
#include "kv_layout.h"
#include "math.h"

static bool usable(void)
{
	return true;
}

static void matmul_f32(const struct llm_matmul *m)
{
	const float *w, *x;
	u32 o, r, c;
	float sum;

	for (o = 0; o < m->outputs; o++) {
		w = (const float *)(m->w + o * m->w_stride);
		for (r = 0; r < m->rows; r++) {
			x = (const float *)(m->x + r * m->x_stride);
			sum = 0;
			for (c = 0; c < m->columns; c++)
				sum += w[c] * x[c];
			llm_matmul_store(m, r, o, sum);
		}
	}
}

static void matmul_f16(const struct llm_matmul *m)
{
	const float *x;
	const u16 *w;
	u32 o, r, c;
	float sum;

	for (o = 0; o < m->outputs; o++) {
		w = (const u16 *)(m->w + o * m->w_stride);
		for (r = 0; r < m->rows; r++) {
			x = (const float *)(m->x + r * m->x_stride);
			sum = 0;
			for (c = 0; c < m->columns; c++)
				sum += llm_f16_to_f32(w[c]) * x[c];
			llm_matmul_store(m, r, o, sum);
		}
	}
}

static void matmul_bf16(const struct llm_matmul *m)
{
	const float *x;
	const u16 *w;
	u32 o, r, c;
	float sum;

	for (o = 0; o < m->outputs; o++) {
		w = (const u16 *)(m->w + o * m->w_stride);
		for (r = 0; r < m->rows; r++) {
			x = (const float *)(m->x + r * m->x_stride);
			sum = 0;
			for (c = 0; c < m->columns; c++)
				sum += llm_bf16_to_f32(w[c]) * x[c];
			llm_matmul_store(m, r, o, sum);
		}
	}
}

/* Where @input has the sum of a block, the minimum is one for all of it. */
static float dot_numbers(const struct llm_numbers *w, const struct llm_block_x8 *x, u32 input)
{
	s32 products[2] = { 0, 0 };
	float sum = 0;
	u32 i;

	for (i = 0; i < LLM_BLOCK; i++)
		products[i / 16] += w->values[i] * x->values[i];
	for (i = 0; i < 2; i++) {
		sum += w->scales[i] * (float)products[i];
		if (input != LLM_INPUT_Q8_1)
			sum -= w->minima[i] * (float)x->sums[i];
	}
	sum *= llm_float(x->scale_bits);
	return input == LLM_INPUT_Q8_1 ? sum - w->minima[0] * llm_float(x->sum_bits) : sum;
}

/* Input rows that share the work of taking weights out of their blocks. */
#define ROWS 8

static void matmul_output(const struct llm_matmul *m, u32 o, u32 first, u32 rows)
{
	const struct llm_type *type = llm_type_find(m->type);
	const struct llm_block_x8 *x;
	float sums[ROWS] = { 0 };
	struct llm_numbers w;
	u32 at, r;

	for (at = 0; at < m->columns; at += LLM_BLOCK) {
		llm_block_take(&w, m->type, m->w + o * m->w_stride + at / type->block * type->bytes,
			       at % type->block / LLM_BLOCK);
		for (r = 0; r < rows; r++) {
			x = (const void *)(m->x + (first + r) * m->x_stride);
			sums[r] += dot_numbers(&w, &x[at / LLM_BLOCK], type->input);
		}
	}
	for (r = 0; r < rows; r++)
		llm_matmul_store(m, first + r, o, sums[r]);
}

static void matmul_blocks(const struct llm_matmul *m)
{
	u32 o, r;

	for (o = 0; o < m->outputs; o++)
		for (r = 0; r < m->rows; r += ROWS)
			matmul_output(m, o, r, min_t(u32, ROWS, m->rows - r));
}

static float largest_magnitude(const float *x, u32 n)
{
	float most = 0, magnitude;
	u32 i;

	for (i = 0; i < n; i++) {
		magnitude = x[i] < 0 ? -x[i] : x[i];
		most = magnitude > most ? magnitude : most;
	}
	return most;
}

/* A number so large that its last bit is worth 1. */
#define ROUNDER 12582912.0f

static s8 quantize_value(float x)
{
	x = x > -127.0f ? x : -127.0f;
	x = x < 127.0f ? x : 127.0f;
	return (s8)((x + ROUNDER) - ROUNDER);
}

static void quantize_block(struct llm_block_x8 *y, const float *x, float inverse)
{
	u32 i;

	y->sums[0] = 0;
	y->sums[1] = 0;
	for (i = 0; i < LLM_BLOCK; i++) {
		y->values[i] = quantize_value(x[i] * inverse);
		y->sums[i / 16] += y->values[i];
	}
	y->offset = -128 * (y->sums[0] + y->sums[1]);
	y->sum_bits = 0;
}

static void quantize_q8_0(struct llm_block_x8 *y, const float *x, u32 n)
{
	float most;
	u32 b;

	for (b = 0; b < n / LLM_BLOCK; b++, x += LLM_BLOCK) {
		most = largest_magnitude(x, LLM_BLOCK);
		quantize_block(&y[b], x, most > 0 ? 127.0f / most : 0);
		y[b].scale_bits = llm_float_bits(llm_round_to_f16(most / 127.0f));
	}
}

static void quantize_q8_1(struct llm_block_x8 *y, const float *x, u32 n)
{
	float scale;
	u32 b;

	quantize_q8_0(y, x, n);
	for (b = 0; b < n / LLM_BLOCK; b++) {
		scale = largest_magnitude(x + b * LLM_BLOCK, LLM_BLOCK) / 127.0f;
		y[b].sum_bits = llm_float_bits(llm_round_to_f16(scale * (float)(y[b].sums[0] +
									    y[b].sums[1])));
	}
}

static void quantize_q8_k(struct llm_block_x8 *y, const float *x, u32 n)
{
	float most, inverse;
	u32 at, b;

	for (at = 0; at < n; at += LLM_BLOCK_K) {
		most = largest_magnitude(x + at, LLM_BLOCK_K);
		inverse = most > 0 ? 127.0f / most : 0;
		for (b = at / LLM_BLOCK; b < (at + LLM_BLOCK_K) / LLM_BLOCK; b++) {
			quantize_block(&y[b], x + b * LLM_BLOCK, inverse);
			y[b].scale_bits = llm_float_bits(most > 0 ? 1 / inverse : 0);
		}
		llm_sum_both(&y[at / LLM_BLOCK]);
	}
}

static float sum(const float *x, u32 n)
{
	double sum = 0;
	u32 i;

	for (i = 0; i < n; i++)
		sum += (double)x[i];
	return (float)sum;
}

static float sum_squares_from(const float *x, float middle, u32 n)
{
	double sum = 0;
	u32 i;

	for (i = 0; i < n; i++)
		sum += (double)((x[i] - middle) * (x[i] - middle));
	return (float)sum;
}

static float sum_squares(const float *x, u32 n)
{
	return sum_squares_from(x, 0, n);
}

static void f32_to_f16(u16 *y, const float *x, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		y[i] = llm_f32_to_f16(x[i]);
}

static void round_to_f16(float *y, const float *x, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		y[i] = llm_round_to_f16(x[i]);
}

static void round_to_bf16(float *y, const float *x, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		y[i] = llm_round_to_bf16(x[i]);
}

static float number_at(const void *numbers, u32 at, u32 type)
{
	if (type == LLM_TENSOR_F32)
		return ((const float *)numbers)[at];
	return llm_f16_to_f32(((const u16 *)numbers)[at]);
}

static float dot_key_q8_0(const struct llm_kv_q8_0 *key, const struct llm_block_x8 *query,
			  u32 position)
{
	s32 product = query->offset;
	u32 i;

	for (i = 0; i < LLM_BLOCK; i++)
		product += key->keys[i / 4][position][i % 4] * query->values[i];
	return llm_f16_to_f32(key->scales[position]) * llm_float(query->scale_bits) *
	       (float)product;
}

static float dot_key(const struct llm_attend_page *page, const void *query, u32 position, u32 type)
{
	float s = 0;
	u32 d;

	if (type == LLM_TENSOR_Q8_0) {
		for (d = 0; d < page->key / LLM_BLOCK; d++)
			s += dot_key_q8_0((const struct llm_kv_q8_0 *)page->keys + d,
					  (const struct llm_block_x8 *)query + d, position);
		return s;
	}
	for (d = 0; d < page->key; d++)
		s += ((const float *)query)[d] *
		     number_at(page->keys, d * LLM_PAGE_POSITIONS + position, type);
	return s;
}

/* Column @d of the value of a position. */
static float value_at(const struct llm_attend_page *page, u32 position, u32 d, u32 type)
{
	const struct llm_kv_q8_0 *block;

	if (type != LLM_TENSOR_Q8_0)
		return number_at(page->values, position * page->value_stride + d, type);
	block = (const struct llm_kv_q8_0 *)page->values + d / LLM_BLOCK;
	return llm_f16_to_f32(block->scales[position]) *
	       (float)block->values[position][d % LLM_BLOCK];
}

static float score(const struct llm_attend_page *page, const void *query, u32 position, u32 type)
{
	float s = dot_key(page, query, position, type);

	s *= page->scale;
	if (page->cap != 0)
		s = page->cap * llm_tanh(s / page->cap);
	return s;
}

static void attend_query(const struct llm_attend_page *page, const struct llm_attend_query *q,
			 u32 type)
{
	float weights[LLM_PAGE_POSITIONS];
	float maximum = *q->maximum;
	float shrink;
	u32 i, d;

	for (i = q->from; i < q->to; i++) {
		weights[i] = score(page, q->query, i, type);
		maximum = weights[i] > maximum ? weights[i] : maximum;
	}
	shrink = llm_expf(*q->maximum - maximum);
	*q->maximum = maximum;
	*q->sum *= shrink;
	for (d = 0; d < page->value; d++)
		q->result[d] *= shrink;
	for (i = q->from; i < q->to; i++) {
		weights[i] = llm_expf(weights[i] - maximum);
		*q->sum += weights[i];
		for (d = 0; d < page->value; d++)
			q->result[d] += weights[i] * value_at(page, i, d, type);
	}
}

/* Attention to a page whose slot has one number format. */
#define DEFINE_ATTEND(name, type)							\
static void name(const struct llm_attend_page *page,					\
		 const struct llm_attend_query *queries, u32 count)			\
{											\
	u32 i;										\
											\
	for (i = 0; i < count; i++)							\
		attend_query(page, &queries[i], type);					\
}

DEFINE_ATTEND(attend_f32, LLM_TENSOR_F32)
DEFINE_ATTEND(attend_f16, LLM_TENSOR_F16)
DEFINE_ATTEND(attend_q8_0, LLM_TENSOR_Q8_0)

static void scan(const struct llm_scan *s)
{
	float input, sum;
	u32 i, j;

	for (i = 0; i < s->channels; i++) {
		float *state = s->state + i * s->states;
		const float *a = s->a + i * s->states;

		input = s->t[i] * s->x[i];
		sum = 0;
		for (j = 0; j < s->states; j++) {
			state[j] = state[j] * llm_expf(s->t[i] * a[j]) + input * s->b[j];
			sum += state[j] * s->c[j];
		}
		s->y[i] = s->d ? sum + s->d[i] * s->x[i] : sum;
	}
}

static void wkv(const struct llm_wkv *w)
{
	float removed, sum;
	u32 i, j;

	for (i = 0; i < w->n; i++) {
		float *state = w->state + i * w->n;

		removed = 0;
		for (j = 0; j < w->n; j++)
			removed += state[j] * w->read[j];
		sum = 0;
		for (j = 0; j < w->n; j++) {
			state[j] = state[j] * w->decay[j] + w->v[i] * w->k[j] -
				   removed * w->write[j];
			sum += state[j] * w->r[j];
		}
		w->y[i] = sum;
	}
}

/* One enum llm_activation for @n numbers, from the function for one. */
#define DEFINE_ACTIVATE(name, function)							\
static void name(float *y, const float *x, const float *u, u32 n)			\
{											\
	u32 i;										\
											\
	for (i = 0; i < n; i++)								\
		y[i] = u ? function(x[i]) * u[i] : function(x[i]);			\
}

#define ITSELF(x) (x)

DEFINE_ACTIVATE(activate_none, ITSELF)
DEFINE_ACTIVATE(activate_silu, llm_silu)
DEFINE_ACTIVATE(activate_gelu, llm_gelu)
DEFINE_ACTIVATE(activate_tanh, llm_tanh)
DEFINE_ACTIVATE(activate_sigmoid, llm_sigmoid)
DEFINE_ACTIVATE(activate_relu2, llm_relu2)
DEFINE_ACTIVATE(activate_gelu_f16, llm_gelu_f16)

static void normalize(const struct llm_normal *normal)
{
	u32 i;

	for (i = 0; i < normal->n; i++)
		llm_normal_store(normal, i);
}

static void rotate_adjacent(float *head, const float *angles, u32 columns)
{
	u32 i;

	for (i = 0; i < columns; i += 2)
		llm_rotate_pair(&head[i], &head[i + 1], &angles[i]);
}

static void rotate_halves(float *head, const float *angles, u32 columns)
{
	u32 half = columns / 2;
	u32 i;

	for (i = 0; i < half; i++)
		llm_rotate_pair(&head[i], &head[half + i], &angles[2 * i]);
}

const struct llm_form llm_form_portable = {
	.name = "portable",
	.usable = usable,
	.macs_per_us = 1000,
	.group_macs_per_us = 1000,
	.float_macs_per_us = 1000,
	.matmul = {
		[LLM_TENSOR_F32] = matmul_f32,
		[LLM_TENSOR_F16] = matmul_f16,
		[LLM_TENSOR_BF16] = matmul_bf16,
		[LLM_TENSOR_Q4_0] = matmul_blocks,
		[LLM_TENSOR_Q4_1] = matmul_blocks,
		[LLM_TENSOR_Q5_0] = matmul_blocks,
		[LLM_TENSOR_Q5_1] = matmul_blocks,
		[LLM_TENSOR_Q8_0] = matmul_blocks,
		[LLM_TENSOR_Q2_K] = matmul_blocks,
		[LLM_TENSOR_Q3_K] = matmul_blocks,
		[LLM_TENSOR_Q4_K] = matmul_blocks,
		[LLM_TENSOR_Q5_K] = matmul_blocks,
		[LLM_TENSOR_Q6_K] = matmul_blocks,
		[LLM_TENSOR_IQ4_NL] = matmul_blocks,
		[LLM_TENSOR_IQ4_XS] = matmul_blocks,
		[LLM_TENSOR_MXFP4] = matmul_blocks,
	},
	.quantize = {
		[LLM_INPUT_Q8_0] = quantize_q8_0,
		[LLM_INPUT_Q8_1] = quantize_q8_1,
		[LLM_INPUT_Q8_K] = quantize_q8_k,
	},
	.sum = sum,
	.sum_squares = sum_squares,
	.sum_squares_from = sum_squares_from,
	.normalize = normalize,
	.rotate = {
		[LLM_PAIRING_ADJACENT] = rotate_adjacent,
		[LLM_PAIRING_HALVES] = rotate_halves,
	},
	.f32_to_f16 = f32_to_f16,
	.round_to_f16 = round_to_f16,
	.round_to_bf16 = round_to_bf16,
	.attend = {
		[LLM_TENSOR_F32] = attend_f32,
		[LLM_TENSOR_F16] = attend_f16,
		[LLM_TENSOR_Q8_0] = attend_q8_0,
	},
	.scan = scan,
	.wkv = wkv,
	.activate = {
		[LLM_ACT_NONE] = activate_none,
		[LLM_ACT_SILU] = activate_silu,
		[LLM_ACT_GELU] = activate_gelu,
		[LLM_ACT_TANH] = activate_tanh,
		[LLM_ACT_SIGMOID] = activate_sigmoid,
		[LLM_ACT_RELU2] = activate_relu2,
		[LLM_ACT_GELU_F16] = activate_gelu_f16,
	},
};
