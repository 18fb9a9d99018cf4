// SPDX-License-Identifier: GPL-2.0
/*
 * The hot loops for AVX-512 with VNNI. What gains nothing from the wider
 * registers is shared with the AVX2 form.
 */
#include "../form.h"
#include "../math.h"
#include "avx2.h"
#include "avx512.h"
#include "intrinsics.h"

/* Input rows that share one pass over a group of weight rows. */
#define ROWS 8

/* A group's weights in registers: eight times four columns of sixteen rows. */
struct weights {
	__m512i columns[LLM_BLOCK / 4];
	__m512 scales;
};

static __always_inline struct weights load_group_q8_0(const struct llm_group_q8_0 *group)
{
	struct weights w;
	u32 i;

	w.scales = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)group->scales));
#pragma GCC unroll 8
	for (i = 0; i < LLM_BLOCK / 4; i++)
		w.columns[i] = _mm512_loadu_si512(group->values[i]);
	return w;
}

static __always_inline struct weights load_group_q4_0(const struct llm_group_q4_0 *group)
{
	const __m512i low = _mm512_set1_epi8(15);
	struct weights w;
	__m512i two;
	u32 i;

	w.scales = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)group->scales));
#pragma GCC unroll 4
	for (i = 0; i < LLM_BLOCK / 8; i++) {
		two = _mm512_loadu_si512(group->values[i]);
		w.columns[i] = _mm512_and_si512(two, low);
		w.columns[i + LLM_BLOCK / 8] = _mm512_and_si512(_mm512_srli_epi16(two, 4), low);
	}
	return w;
}

static __always_inline struct weights load_group(const void *groups, u32 block, const u32 type)
{
	if (type == LLM_TENSOR_Q4_0)
		return load_group_q4_0((const struct llm_group_q4_0 *)groups + block);
	return load_group_q8_0((const struct llm_group_q8_0 *)groups + block);
}

/*
 * Sixteen products of a block. The weights have 128 added, or 8 with Q4_0, since
 * vpdpbusd needs them without a sign; the sum starts from what that adds too much.
 */
static __always_inline __m512 add_block(__m512 sum, const struct weights *w,
					const struct llm_block_x8 *x, const u32 type)
{
	s32 offset = type == LLM_TENSOR_Q4_0 ? x->offset / 16 : x->offset;
	__m512i products = _mm512_set1_epi32(offset);
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < LLM_BLOCK / 4; i++)
		products = _mm512_dpbusd_epi32(products, w->columns[i],
					       _mm512_set1_epi32(((const s32 *)x->values)[i]));
	return _mm512_fmadd_ps(_mm512_cvtepi32_ps(products),
			       _mm512_mul_ps(w->scales, _mm512_set1_ps(llm_float(x->scale_bits))),
			       sum);
}

static __always_inline void store_group(const struct llm_matmul *m, u32 row, u32 output,
					__m512 sum)
{
	if (m->bias)
		sum = _mm512_add_ps(sum, _mm512_loadu_ps(m->bias + output));
	if (m->residual)
		sum = _mm512_add_ps(sum, _mm512_loadu_ps(m->residual + row * m->residual_stride +
							 output));
	_mm512_storeu_ps(m->y + row * m->y_stride + output, sum);
}

static __always_inline void group_rows(const struct llm_matmul *m, u32 o, u32 r, const u32 rows,
				       const u32 type)
{
	const void *groups = m->w + o * m->w_stride;
	const struct llm_block_x8 *x[ROWS];
	__m512 sums[ROWS];
	struct weights w;
	u32 i, b;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++) {
		x[i] = (const void *)(m->x + (r + i) * m->x_stride);
		sums[i] = _mm512_setzero_ps();
	}
	for (b = 0; b < m->columns / LLM_BLOCK; b++) {
		w = load_group(groups, b, type);
#pragma GCC unroll 8
		for (i = 0; i < rows; i++)
			sums[i] = add_block(sums[i], &w, &x[i][b], type);
	}
#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		store_group(m, r + i, o, sums[i]);
}

/* Each in a frame of its own: one for all would be too large for a kernel stack. */
#define DEFINE_MATMUL_GROUPS(name, type)						\
static noinline void group_all_rows_##name(const struct llm_matmul *m, u32 o, u32 r)	\
{											\
	group_rows(m, o, r, ROWS, type);						\
}											\
											\
static noinline void group_two_rows_##name(const struct llm_matmul *m, u32 o, u32 r)	\
{											\
	group_rows(m, o, r, 2, type);							\
}											\
											\
static noinline void group_one_row_##name(const struct llm_matmul *m, u32 o, u32 r)	\
{											\
	group_rows(m, o, r, 1, type);							\
}											\
											\
static void matmul_groups_##name(const struct llm_matmul *m)				\
{											\
	u32 o, r;									\
											\
	for (o = 0; o < m->outputs; o += LLM_GROUP) {					\
		for (r = 0; r + ROWS <= m->rows; r += ROWS)				\
			group_all_rows_##name(m, o, r);					\
		for (; r + 2 <= m->rows; r += 2)					\
			group_two_rows_##name(m, o, r);					\
		if (r < m->rows)							\
			group_one_row_##name(m, o, r);					\
	}										\
}

DEFINE_MATMUL_GROUPS(q8_0, LLM_TENSOR_Q8_0)
DEFINE_MATMUL_GROUPS(q4_0, LLM_TENSOR_Q4_0)

/* Sixteen lanes, one sum, then lanes together, then what is left. */
static __always_inline void dot_f16(const struct llm_matmul *m, u32 o, u32 r, const u32 rows)
{
	const u16 *w = (const u16 *)(m->w + o * m->w_stride);
	const float *x[ROWS];
	__m512 sums[ROWS], wide;
	u32 i, c, rest;
	float sum;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++) {
		x[i] = (const float *)(m->x + (r + i) * m->x_stride);
		sums[i] = _mm512_setzero_ps();
	}
	for (c = 0; c + 16 <= m->columns; c += 16) {
		wide = _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(w + c)));
#pragma GCC unroll 8
		for (i = 0; i < rows; i++)
			sums[i] = _mm512_fmadd_ps(wide, _mm512_loadu_ps(x[i] + c), sums[i]);
	}
	for (i = 0; i < rows; i++) {
		sum = _mm512_reduce_add_ps(sums[i]);
		for (rest = c; rest < m->columns; rest++)
			sum += _cvtsh_ss(w[rest]) * x[i][rest];
		llm_matmul_store(m, r + i, o, sum);
	}
}

static void matmul_f16(const struct llm_matmul *m)
{
	u32 o, r;

	for (o = 0; o < m->outputs; o++) {
		for (r = 0; r + ROWS <= m->rows; r += ROWS)
			dot_f16(m, o, r, ROWS);
		for (; r < m->rows; r++)
			dot_f16(m, o, r, 1);
	}
}

const struct llm_form llm_form_avx512 = {
	.name = "avx512",
	.usable = llm_cpu_has_avx512,
	.macs_per_us = 40000,
	.float_macs_per_us = 16000,
	.matmul = {
		[LLM_TENSOR_F32] = llm_avx2_matmul_f32,
		[LLM_TENSOR_F16] = matmul_f16,
		[LLM_TENSOR_BF16] = llm_avx2_matmul_bf16,
		[LLM_TENSOR_Q8_0] = llm_avx2_matmul_q8_0,
		[LLM_TENSOR_Q4_0] = llm_avx2_matmul_q4_0,
		[LLM_TENSOR_Q4_1] = llm_avx2_matmul_q4_1,
		[LLM_TENSOR_Q5_0] = llm_avx2_matmul_q5_0,
		[LLM_TENSOR_Q5_1] = llm_avx2_matmul_q5_1,
		[LLM_TENSOR_Q2_K] = llm_avx2_matmul_q2_k,
		[LLM_TENSOR_Q3_K] = llm_avx2_matmul_q3_k,
		[LLM_TENSOR_Q4_K] = llm_avx2_matmul_q4_k,
		[LLM_TENSOR_Q5_K] = llm_avx2_matmul_q5_k,
		[LLM_TENSOR_Q6_K] = llm_avx2_matmul_q6_k,
		[LLM_TENSOR_IQ4_NL] = llm_avx2_matmul_iq4_nl,
		[LLM_TENSOR_IQ4_XS] = llm_avx2_matmul_iq4_xs,
		[LLM_TENSOR_MXFP4] = llm_avx2_matmul_mxfp4,
	},
	.matmul_groups = {
		[LLM_TENSOR_Q4_0] = matmul_groups_q4_0,
		[LLM_TENSOR_Q8_0] = matmul_groups_q8_0,
	},
	.quantize = {
		[LLM_INPUT_Q8_0] = llm_avx2_quantize_q8_0,
		[LLM_INPUT_Q8_1] = llm_avx2_quantize_q8_1,
		[LLM_INPUT_Q8_K] = llm_avx2_quantize_q8_k,
	},
	.sum = llm_avx2_sum,
	.sum_squares = llm_avx2_sum_squares,
	.sum_squares_from = llm_avx2_sum_squares_from,
	.f32_to_f16 = llm_avx2_f32_to_f16,
	.attend_f16 = llm_avx512_attend_f16,
	.activate = {
		[LLM_ACT_NONE] = llm_avx2_activate_none,
		[LLM_ACT_SILU] = llm_avx2_activate_silu,
		[LLM_ACT_GELU] = llm_avx2_activate_gelu,
		[LLM_ACT_TANH] = llm_avx2_activate_tanh,
	},
};
