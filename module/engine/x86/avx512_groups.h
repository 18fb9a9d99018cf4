/* SPDX-License-Identifier: GPL-2.0 */
/* What the products of weights in groups share: sixteen outputs at a time. */
#ifndef LLM_ENGINE_AVX512_GROUPS_H
#define LLM_ENGINE_AVX512_GROUPS_H

#include "../block.h"
#include "../math.h"
#include "avx512.h"
#include "fetch.h"

/* Input rows that share one pass over a group of weight rows. */
#define ROWS 8

/* Where @member of LLM_GROUP blocks begins in a group of them. */
#define GROUP_OFFSET(type, member) (LLM_GROUP * offsetof(type, member))

static __always_inline __m512i load_wide(const u8 *bytes)
{
	return _mm512_loadu_si512(bytes);
}

/* Sixteen numbers of binary16. */
static __always_inline __m512 load_scales(const u8 *scales)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)scales));
}

/* Four bytes sixteen times. */
static __always_inline __m512i broadcast_four(const void *bytes)
{
	s32 four;

	__builtin_memcpy(&four, bytes, sizeof(four));
	return _mm512_set1_epi32(four);
}

/* Bytes that LLM_BLOCK weights take where a pass over ROWS still waits for memory. */
#define MANY_BYTES 24

/* Asks for @bytes of a group of which LLM_BLOCK columns take @block bytes. */
static __always_inline void fetch_ahead(const u8 *at, const u32 bytes, const u32 rows,
					const u32 block)
{
	if (rows < ROWS || block >= MANY_BYTES)
		fetch_twice(at, bytes);
	else
		fetch_once(at, bytes);
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

/*
 * A product of groups from compute(m, o, r, n, ...), which computes @n rows for the
 * group at output o. Each in a frame of its own: one for all would be too large for
 * a kernel stack.
 */
#define DEFINE_MATMUL_GROUPS(name, compute, ...)					\
static noinline void name##_8(const struct llm_matmul *m, u32 o, u32 r)		\
{											\
	compute(m, o, r, 8, __VA_ARGS__);						\
}											\
											\
static noinline void name##_4(const struct llm_matmul *m, u32 o, u32 r)		\
{											\
	compute(m, o, r, 4, __VA_ARGS__);						\
}											\
											\
static noinline void name##_2(const struct llm_matmul *m, u32 o, u32 r)		\
{											\
	compute(m, o, r, 2, __VA_ARGS__);						\
}											\
											\
static noinline void name##_1(const struct llm_matmul *m, u32 o, u32 r)		\
{											\
	compute(m, o, r, 1, __VA_ARGS__);						\
}											\
											\
void llm_avx512_##name(const struct llm_matmul *m)					\
{											\
	u32 o, r;									\
											\
	for (o = 0; o < m->outputs; o += LLM_GROUP) {					\
		for (r = 0; r + 8 <= m->rows; r += 8)					\
			name##_8(m, o, r);						\
		for (; r + 4 <= m->rows; r += 4)					\
			name##_4(m, o, r);						\
		for (; r + 2 <= m->rows; r += 2)					\
			name##_2(m, o, r);						\
		if (r < m->rows)							\
			name##_1(m, o, r);						\
	}										\
}

#endif /* LLM_ENGINE_AVX512_GROUPS_H */
