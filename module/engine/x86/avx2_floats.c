// SPDX-License-Identifier: GPL-2.0
/*
 * Products of F32, F16 and BF16 in groups for AVX2. The order of every sum is that
 * of the columns.
 */
#include "avx2.h"

/* Input rows that share one pass over a group. */
#define ROWS 4
#include "avx2_groups.h"

/* Numbers of both halves of a group. */
struct group {
	__m256 low;
	__m256 high;
};

/* Outputs of one row at a time: sums to have in flight. */
#define AT_ONCE (LLM_GROUPS_AT_ONCE * LLM_GROUP)

/* A column of a group. */
typedef struct group (*load)(const u8 *column);

static __always_inline struct group load_f32(const u8 *column)
{
	const float *numbers = (const float *)column;

	return (struct group){ _mm256_loadu_ps(numbers), _mm256_loadu_ps(numbers + HALF) };
}

static __always_inline struct group load_f16(const u8 *column)
{
	return (struct group){ load_scales(column), load_scales(column + HALF * sizeof(u16)) };
}

static __always_inline __m256 widen_bf16(const u8 *numbers)
{
	__m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)numbers));

	return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

static __always_inline struct group load_bf16(const u8 *column)
{
	return (struct group){ widen_bf16(column), widen_bf16(column + HALF * sizeof(u16)) };
}

static __always_inline void clear(struct group *sums, const u32 count)
{
	u32 i;

#pragma GCC unroll 4
	for (i = 0; i < count; i++) {
		sums[i].low = _mm256_setzero_ps();
		sums[i].high = _mm256_setzero_ps();
	}
}

static __always_inline void add_column(struct group *sum, struct group w, __m256 x)
{
	sum->low = _mm256_fmadd_ps(w.low, x, sum->low);
	sum->high = _mm256_fmadd_ps(w.high, x, sum->high);
}

static __always_inline void store_group(const struct llm_matmul *m, u32 row, u32 output,
					const struct group *sum)
{
	store_half(m, row, output, sum->low);
	store_half(m, row, output + HALF, sum->high);
}

/* One group, @rows rows. */
static __always_inline void group_rows(const struct llm_matmul *m, u32 o, u32 r, const u32 rows,
				       load load_column, const u32 bytes)
{
	const u8 *column = m->w + o * m->w_stride;
	struct group sums[ROWS], w;
	const float *x[ROWS];
	u32 i, c;

#pragma GCC unroll 4
	for (i = 0; i < rows; i++)
		x[i] = (const float *)(m->x + (r + i) * m->x_stride);
	clear(sums, rows);
	for (c = 0; c < m->columns; c++, column += LLM_GROUP * bytes) {
		w = load_column(column);
#pragma GCC unroll 4
		for (i = 0; i < rows; i++)
			add_column(&sums[i], w, _mm256_set1_ps(x[i][c]));
	}
#pragma GCC unroll 4
	for (i = 0; i < rows; i++)
		store_group(m, r + i, o, &sums[i]);
}

/* Several groups, one row. */
static __always_inline void groups_row(const struct llm_matmul *m, u32 o, u32 r,
				       load load_column, const u32 bytes)
{
	const float *x = (const float *)(m->x + r * m->x_stride);
	struct group sums[LLM_GROUPS_AT_ONCE];
	const u8 *column[LLM_GROUPS_AT_ONCE];
	__m256 one;
	u32 i, c;

#pragma GCC unroll 4
	for (i = 0; i < LLM_GROUPS_AT_ONCE; i++)
		column[i] = m->w + (o + i * LLM_GROUP) * m->w_stride;
	clear(sums, LLM_GROUPS_AT_ONCE);
	for (c = 0; c < m->columns; c++) {
		one = _mm256_set1_ps(x[c]);
#pragma GCC unroll 4
		for (i = 0; i < LLM_GROUPS_AT_ONCE; i++)
			add_column(&sums[i], load_column(column[i] + c * LLM_GROUP * bytes), one);
	}
#pragma GCC unroll 4
	for (i = 0; i < LLM_GROUPS_AT_ONCE; i++)
		store_group(m, r, o + i * LLM_GROUP, &sums[i]);
}

#define DEFINE_FLOATS(type, number)							\
static noinline void type##_rows(const struct llm_matmul *m, u32 o, u32 r)		\
{											\
	group_rows(m, o, r, ROWS, load_##type, sizeof(number));				\
}											\
											\
static noinline void type##_one_row(const struct llm_matmul *m, u32 o, u32 r)		\
{											\
	group_rows(m, o, r, 1, load_##type, sizeof(number));				\
}											\
											\
static noinline void type##_groups_row(const struct llm_matmul *m, u32 o, u32 r)	\
{											\
	groups_row(m, o, r, load_##type, sizeof(number));				\
}											\
											\
void llm_avx2_groups_##type(const struct llm_matmul *m)					\
{											\
	u32 o, r;									\
											\
	for (r = 0; r + ROWS <= m->rows; r += ROWS)					\
		for (o = 0; o < m->outputs; o += LLM_GROUP)				\
			type##_rows(m, o, r);						\
	for (; r < m->rows; r++) {							\
		for (o = 0; o + AT_ONCE <= m->outputs; o += AT_ONCE)			\
			type##_groups_row(m, o, r);					\
		for (; o < m->outputs; o += LLM_GROUP)					\
			type##_one_row(m, o, r);					\
	}										\
}

DEFINE_FLOATS(f32, float)
DEFINE_FLOATS(f16, u16)
DEFINE_FLOATS(bf16, u16)
