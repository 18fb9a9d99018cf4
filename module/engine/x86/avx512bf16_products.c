// SPDX-License-Identifier: GPL-2.0
/*
 * Products of BF16 in groups for AVX-512 with BF16, two columns an instruction. The
 * order of every sum is that of the columns, but for the two, of which the hardware
 * may add either first. It takes numbers below 2^-126 for zero and makes none, which
 * changes a sum by no more than 2^-126 a column.
 */
#include "avx512_groups.h"
#include "avx512bf16.h"

/* Columns whose input is packed at a time: as many as fill a register. */
#define PACKED 32

/* Of some rows: each pair of columns in four bytes. */
struct packed {
	u32 pairs[ROWS][PACKED / 2] __aligned(64);
};

/* The upper halves of PACKED numbers, zeros past the first @n; the lower ones are zero. */
static __always_inline __m512i pack(const float *x, u32 n)
{
	const __m512i odd = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49,
					     47, 45, 43, 41, 39, 37, 35, 33,
					     31, 29, 27, 25, 23, 21, 19, 17,
					     15, 13, 11, 9, 7, 5, 3, 1);
	u32 there = n < PACKED ? (1U << n) - 1 : U32_MAX;
	__m512i low = _mm512_maskz_loadu_epi32((__mmask16)there, x);
	__m512i high = _mm512_maskz_loadu_epi32((__mmask16)(there >> 16), x + PACKED / 2);

	return _mm512_permutex2var_epi16(low, odd, high);
}

/* Two columns of a group, which follow each other, so that those of a row do. */
static __always_inline __m512bh pair_up(__m512i columns)
{
	const __m512i turn = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12,
					      27, 11, 26, 10, 25, 9, 24, 8,
					      23, 7, 22, 6, 21, 5, 20, 4,
					      19, 3, 18, 2, 17, 1, 16, 0);

	return (__m512bh)_mm512_permutexvar_epi16(turn, columns);
}

/* Adds two columns of @groups groups times those of @rows rows; of the last one maybe one. */
static __always_inline void add_pair(__m512 *sums, const u8 *column, u64 stride, const u32 groups,
				     const struct packed *x, const u32 rows, u32 pair,
				     __mmask32 there)
{
	__m512bh w;
	u32 g, i;

#pragma GCC unroll 4
	for (g = 0; g < groups; g++) {
		w = pair_up(_mm512_maskz_loadu_epi16(there, column + g * stride));
#pragma GCC unroll 8
		for (i = 0; i < rows; i++)
			sums[g * rows + i] = _mm512_dpbf16_ps(sums[g * rows + i], w, (__m512bh)
						_mm512_set1_epi32((s32)x->pairs[i][pair]));
	}
}

static __always_inline void groups_rows(const struct llm_matmul *m, u32 o, u32 r, const u32 rows,
					const u32 groups)
{
	const u32 bytes = 2 * LLM_GROUP * sizeof(u16);
	const u64 stride = LLM_GROUP * m->w_stride;
	const u8 *column = m->w + o * m->w_stride;
	struct packed x;
	__m512 sums[16];
	u32 c, i, n;

#pragma GCC unroll 16
	for (i = 0; i < groups * rows; i++)
		sums[i] = _mm512_setzero_ps();
	for (c = 0; c < m->columns; c += PACKED) {
		n = min(m->columns - c, PACKED);
#pragma GCC unroll 8
		for (i = 0; i < rows; i++)
			_mm512_store_si512(x.pairs[i], pack((const float *)
					   (m->x + (r + i) * m->x_stride) + c, n));
		for (i = 0; i < n / 2; i++, column += bytes) {
			if (!r && groups < 4)
				fetch_ahead(column, bytes, rows, LLM_BLOCK * sizeof(u16));
			add_pair(sums, column, stride, groups, &x, rows, i, U32_MAX);
		}
		if (n % 2)
			add_pair(sums, column, stride, groups, &x, rows, i, U16_MAX);
	}
#pragma GCC unroll 16
	for (i = 0; i < groups * rows; i++)
		store_group(m, r + i % rows, o + i / rows * LLM_GROUP, sums[i]);
}

/* Each in a frame of its own, see DEFINE_MATMUL_GROUPS(). */
#define DEFINE_ROWS(rows, groups)							\
static noinline void rows_##rows(const struct llm_matmul *m, u32 r)			\
{											\
	u32 o;										\
											\
	for (o = 0; o + (groups) * LLM_GROUP <= m->outputs; o += (groups) * LLM_GROUP)	\
		groups_rows(m, o, r, rows, groups);					\
	for (; o < m->outputs; o += LLM_GROUP)						\
		groups_rows(m, o, r, rows, 1);						\
}

DEFINE_ROWS(8, 2)
DEFINE_ROWS(4, 2)
DEFINE_ROWS(2, 2)
DEFINE_ROWS(1, LLM_GROUPS_AT_ONCE)

void llm_avx512bf16_groups_bf16(const struct llm_matmul *m)
{
	u32 r;

	for (r = 0; r + 8 <= m->rows; r += 8)
		rows_8(m, r);
	for (; r + 4 <= m->rows; r += 4)
		rows_4(m, r);
	for (; r + 2 <= m->rows; r += 2)
		rows_2(m, r);
	if (r < m->rows)
		rows_1(m, r);
}
