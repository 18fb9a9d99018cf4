/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the products of weights in groups share: half a group's outputs at a time.
 * Whoever includes this says before how many input rows, ROWS, share one pass over
 * a group of weight rows.
 */
#ifndef LLM_ENGINE_AVX2_GROUPS_H
#define LLM_ENGINE_AVX2_GROUPS_H

#include "../block.h"
#include "../math.h"
#include "intrinsics.h"

/* Outputs at a time. */
#define HALF (LLM_GROUP / 2)

/* Where @member of the blocks of a group begins. */
#define GROUP_OFFSET(type, member) (LLM_GROUP * offsetof(type, member))

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

#endif /* LLM_ENGINE_AVX2_GROUPS_H */
