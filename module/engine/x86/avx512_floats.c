// SPDX-License-Identifier: GPL-2.0
/*
 * Products of F32, F16 and BF16 in groups for AVX-512. The order of every sum is
 * that of the columns.
 */
#include "avx512_groups.h"

/* Outputs of one row at a time: sums to have in flight. */
#define AT_ONCE (LLM_GROUPS_AT_ONCE * LLM_GROUP)

/* A column of a group. */
typedef __m512 (*load)(const u8 *column);

static __always_inline __m512 load_f32(const u8 *column)
{
	return _mm512_loadu_ps(column);
}

static __always_inline __m512 load_f16(const u8 *column)
{
	return load_scales(column);
}

static __always_inline __m512 load_bf16(const u8 *column)
{
	__m512i wide = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)column));

	return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}

/* One group, @rows rows. */
static __always_inline void group_rows(const struct llm_matmul *m, u32 o, u32 r, const u32 rows,
				       load load_column, const u32 bytes)
{
	const u8 *column = m->w + o * m->w_stride;
	const float *x[ROWS];
	__m512 sums[ROWS], w;
	u32 i, c;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++) {
		x[i] = (const float *)(m->x + (r + i) * m->x_stride);
		sums[i] = _mm512_setzero_ps();
	}
	for (c = 0; c < m->columns; c++, column += LLM_GROUP * bytes) {
		w = load_column(column);
		if (!r)
			fetch_ahead(column, LLM_GROUP * bytes, rows, LLM_BLOCK * bytes);
#pragma GCC unroll 8
		for (i = 0; i < rows; i++)
			sums[i] = _mm512_fmadd_ps(w, _mm512_set1_ps(x[i][c]), sums[i]);
	}
#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		store_group(m, r + i, o, sums[i]);
}

/* Several groups, one row. */
static __always_inline void groups_row(const struct llm_matmul *m, u32 o, u32 r,
				       load load_column, const u32 bytes)
{
	const float *x = (const float *)(m->x + r * m->x_stride);
	const u8 *column[LLM_GROUPS_AT_ONCE];
	__m512 sums[LLM_GROUPS_AT_ONCE], one;
	u32 i, c;

#pragma GCC unroll 8
	for (i = 0; i < LLM_GROUPS_AT_ONCE; i++) {
		column[i] = m->w + (o + i * LLM_GROUP) * m->w_stride;
		sums[i] = _mm512_setzero_ps();
	}
	for (c = 0; c < m->columns; c++) {
		one = _mm512_set1_ps(x[c]);
#pragma GCC unroll 8
		for (i = 0; i < LLM_GROUPS_AT_ONCE; i++)
			sums[i] = _mm512_fmadd_ps(load_column(column[i] + c * LLM_GROUP * bytes),
						  one, sums[i]);
	}
#pragma GCC unroll 8
	for (i = 0; i < LLM_GROUPS_AT_ONCE; i++)
		store_group(m, r, o + i * LLM_GROUP, sums[i]);
}

#define DEFINE_FLOATS(type, number)							\
static noinline void type##_8(const struct llm_matmul *m, u32 o, u32 r)			\
{											\
	group_rows(m, o, r, 8, load_##type, sizeof(number));				\
}											\
											\
static noinline void type##_4(const struct llm_matmul *m, u32 o, u32 r)			\
{											\
	group_rows(m, o, r, 4, load_##type, sizeof(number));				\
}											\
											\
static noinline void type##_2(const struct llm_matmul *m, u32 o, u32 r)			\
{											\
	group_rows(m, o, r, 2, load_##type, sizeof(number));				\
}											\
											\
static noinline void type##_1(const struct llm_matmul *m, u32 o, u32 r)			\
{											\
	group_rows(m, o, r, 1, load_##type, sizeof(number));				\
}											\
											\
static noinline void type##_groups(const struct llm_matmul *m, u32 o, u32 r)		\
{											\
	groups_row(m, o, r, load_##type, sizeof(number));				\
}											\
											\
void llm_avx512_groups_##type(const struct llm_matmul *m)				\
{											\
	u32 o, r;									\
											\
	for (r = 0; r + 8 <= m->rows; r += 8)						\
		for (o = 0; o < m->outputs; o += LLM_GROUP)				\
			type##_8(m, o, r);						\
	for (; r + 4 <= m->rows; r += 4)						\
		for (o = 0; o < m->outputs; o += LLM_GROUP)				\
			type##_4(m, o, r);						\
	for (; r + 2 <= m->rows; r += 2)						\
		for (o = 0; o < m->outputs; o += LLM_GROUP)				\
			type##_2(m, o, r);						\
	if (r == m->rows)								\
		return;									\
	for (o = 0; o + AT_ONCE <= m->outputs; o += AT_ONCE)				\
		type##_groups(m, o, r);							\
	for (; o < m->outputs; o += LLM_GROUP)						\
		type##_1(m, o, r);							\
}

DEFINE_FLOATS(f32, float)
DEFINE_FLOATS(f16, u16)
DEFINE_FLOATS(bf16, u16)
