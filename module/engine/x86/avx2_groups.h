/* SPDX-License-Identifier: GPL-2.0 */
/* What the products of weights in groups share: half a group's outputs at a time. */
#ifndef LLM_ENGINE_AVX2_GROUPS_H
#define LLM_ENGINE_AVX2_GROUPS_H

#include "../block.h"
#include "../math.h"
#include "avx2.h"
#include "intrinsics.h"

/* Input rows that share one pass over a group of weight rows. */
#define ROWS 4
/* Outputs at a time. */
#define HALF (LLM_GROUP / 2)

/* Where @member of the blocks of a group begins. */
#define GROUP_OFFSET(type, member) (LLM_GROUP * offsetof(type, member))

/*
 * Four columns of half a group, number @i of the LLM_BLOCK / 4 fours of part @part.
 * @group is where the first of those rows has its first four bytes.
 */
typedef __m256i (*take)(const u8 *group, u32 part, u32 i);

/* 32-bit products of half a group's rows, one register an input row. */
struct products {
	__m256i at[ROWS];
};

struct sums {
	__m256 at[ROWS];
};

static __always_inline __m256i load_32(const u8 *bytes)
{
	return _mm256_loadu_si256((const __m256i *)bytes);
}

static __always_inline __m256 load_scales(const u8 *scales)
{
	return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)scales));
}

static __always_inline __m256i broadcast_four(const void *bytes)
{
	s32 four;

	__builtin_memcpy(&four, bytes, sizeof(four));
	return _mm256_set1_epi32(four);
}

static __always_inline const struct llm_block_x8 *input_at(const struct llm_matmul *m, u32 row,
							   u32 block)
{
	return (const struct llm_block_x8 *)(m->x + row * m->x_stride) + block;
}

/*
 * Adds columns-by-four @from up to @to of a part. @span of them are summed in 16
 * bits: 127 times twice as many of the largest weight must fit. Where the weights
 * are signed @span is 1, and their sign moves to the input.
 */
static __always_inline void add_columns(struct products *p, const struct llm_matmul *m, u32 r,
					const u32 rows, const u8 *group, u32 block, u32 part,
					take take_columns, const u32 from, const u32 to,
					const u32 span)
{
	const __m256i ones = _mm256_set1_epi16(1);
	__m256i pairs[ROWS], w, magnitude, x;
	u32 i, j, k;

	for (i = from; i < to; i += span) {
#pragma GCC unroll 8
		for (j = 0; j < span; j++) {
			w = take_columns(group, part, i + j);
			magnitude = span == 1 ? _mm256_abs_epi8(w) : w;
#pragma GCC unroll 4
			for (k = 0; k < rows; k++) {
				x = broadcast_four(input_at(m, r + k, block)->values + 4 * (i + j));
				if (span == 1)
					x = _mm256_sign_epi8(x, w);
				x = _mm256_maddubs_epi16(magnitude, x);
				pairs[k] = j ? _mm256_add_epi16(pairs[k], x) : x;
			}
		}
#pragma GCC unroll 4
		for (k = 0; k < rows; k++)
			p->at[k] = _mm256_add_epi32(p->at[k], _mm256_madd_epi16(pairs[k], ones));
	}
}

static __always_inline void store_half(const struct llm_matmul *m, u32 row, u32 output,
				       __m256 sum)
{
	if (m->bias)
		sum = _mm256_add_ps(sum, _mm256_loadu_ps(m->bias + output));
	if (m->residual)
		sum = _mm256_add_ps(sum, _mm256_loadu_ps(m->residual + row * m->residual_stride +
							 output));
	_mm256_storeu_ps(m->y + row * m->y_stride + output, sum);
}

/*
 * A product of groups from compute(m, o, half, r, n, ...), which computes @n rows for
 * one half of the group at output o. Each in a frame of its own, for the stack.
 */
#define DEFINE_MATMUL_GROUPS(name, compute, ...)					\
static noinline void name##_rows(const struct llm_matmul *m, u32 o, u32 half, u32 r)	\
{											\
	compute(m, o, half, r, ROWS, __VA_ARGS__);					\
}											\
											\
static noinline void name##_row(const struct llm_matmul *m, u32 o, u32 half, u32 r)	\
{											\
	compute(m, o, half, r, 1, __VA_ARGS__);						\
}											\
											\
void llm_avx2_##name(const struct llm_matmul *m)					\
{											\
	u32 o, half, r;									\
											\
	for (o = 0; o < m->outputs; o += LLM_GROUP) {					\
		for (half = 0; half < 2; half++) {					\
			for (r = 0; r + ROWS <= m->rows; r += ROWS)			\
				name##_rows(m, o, half, r);				\
			for (; r < m->rows; r++)					\
				name##_row(m, o, half, r);				\
		}									\
	}										\
}

#endif /* LLM_ENGINE_AVX2_GROUPS_H */
