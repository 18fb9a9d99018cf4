// SPDX-License-Identifier: GPL-2.0
/* Products of weights in groups for AVX2. */
#include "avx2.h"

#define PRODUCT(type) llm_avx2_groups_##type
#include "avx2_rows.h"

/*
 * Has a sum computed where it stands: what is added to it would wait in memory until the
 * sum is needed, with gcc 12 at least.
 */
static __always_inline __m256i add_now(__m256i sum)
{
	__asm__("" : "+x"(sum));
	return sum;
}

/* The products of pairs of bytes in @pairs to those of fours, times @scales. */
static __always_inline void add_pairs(struct products *p, const __m256i *pairs, const u32 rows,
				      const __m256i *scales)
{
	__m256i factors = scales ? *scales : _mm256_set1_epi16(1);
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		p->at[i] = _mm256_add_epi32(p->at[i], _mm256_madd_epi16(pairs[i], factors));
}

/*
 * Columns by four, @span of them summed in 16 bits: 127 times twice as many of the
 * largest weight must fit.
 */
static __always_inline void add_spans(struct products *p, const struct llm_matmul *m, u32 r,
				      const u32 rows, const u8 *group, u32 block, u32 part,
				      const u32 from, const u32 to, const __m256i *scales,
				      take take_columns, const u32 span)
{
	__m256i pairs[ROWS], w, x;
	u32 i, j, k;

#pragma GCC unroll 8
	for (i = from; i < to; i += span) {
#pragma GCC unroll 8
		for (j = 0; j < span; j++) {
			w = take_columns(group, part, i + j);
#pragma GCC unroll 8
			for (k = 0; k < rows; k++) {
				x = broadcast_four(input_at(m, r + k, block)->values + 4 * (i + j));
				x = _mm256_maddubs_epi16(w, x);
				pairs[k] = add_now(j ? _mm256_add_epi16(pairs[k], x) : x);
			}
		}
		add_pairs(p, pairs, rows, scales);
	}
}

/*
 * Columns by four of weights up to 127 in magnitude, two products of which fit 16 bits,
 * four don't. Their sign moves to the input.
 */
static __always_inline void add_signed(struct products *p, const struct llm_matmul *m, u32 r,
				       const u32 rows, const u8 *group, u32 block, u32 part,
				       const u32 from, const u32 to, const __m256i *scales,
				       take take_columns)
{
	__m256i pairs[ROWS], w, magnitude, x;
	u32 i, k;

#pragma GCC unroll 8
	for (i = from; i < to; i++) {
		w = take_columns(group, part, i);
		magnitude = _mm256_abs_epi8(w);
#pragma GCC unroll 8
		for (k = 0; k < rows; k++) {
			x = broadcast_four(input_at(m, r + k, block)->values + 4 * i);
			pairs[k] = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(x, w));
		}
		add_pairs(p, pairs, rows, scales);
#pragma GCC unroll 8
		for (k = 0; k < rows; k++)
			p->at[k] = add_now(p->at[k]);
	}
}

static __always_inline __m256i signed_q8_0(const u8 *group, u32 part, u32 i)
{
	return _mm256_xor_si256(take_q8_0(group, part, i), _mm256_set1_epi8((s8)128));
}

static __always_inline __m256i signed_iq4_nl(const u8 *group, u32 part, u32 i)
{
	return look_up_iq4(take_q4_0(group, part, i), 0);
}

static __always_inline __m256i signed_iq4_xs(const u8 *group, u32 part, u32 i)
{
	return look_up_iq4(fours_iq4_xs(group, part, i), 0);
}

DEFINE_ADD(q4_0, add_spans, take_q4_0, 8)
DEFINE_ADD(q4_1, add_spans, take_q4_1, 8)
DEFINE_ADD(q5_0, add_spans, take_q5_0, 4)
DEFINE_ADD(q5_1, add_spans, take_q5_1, 4)
DEFINE_ADD(q8_0, add_signed, signed_q8_0)
DEFINE_ADD(iq4_nl, add_signed, signed_iq4_nl)
DEFINE_ADD(mxfp4, add_spans, take_mxfp4, 4)
DEFINE_ADD(q2_k, add_spans, take_q2_k, 4)
DEFINE_ADD(q3_k, add_spans, take_q3_k, 4)
DEFINE_ADD(q4_k, add_spans, take_q4_k, 8)
DEFINE_ADD(q5_k, add_spans, take_q5_k, 4)
DEFINE_ADD(q6_k, add_spans, take_q6_k, 2)
DEFINE_ADD(iq4_xs, add_signed, signed_iq4_xs)

DEFINE_BLOCKS(q4_0, struct llm_block_q4_0, 8, false)
DEFINE_BLOCKS(q4_1, struct llm_block_q4_1, 0, true)
DEFINE_BLOCKS(q5_0, struct llm_block_q5_0, 16, false)
DEFINE_BLOCKS(q5_1, struct llm_block_q5_1, 0, true)
DEFINE_BLOCKS(q8_0, struct llm_block_q8_0, 0, false)
DEFINE_BLOCKS(iq4_nl, struct llm_block_q4_0, 0, false)
DEFINE_PRODUCT(mxfp4, struct llm_block_mxfp4, 1, add_one_scale, load_exponents, 1, 12, false)
DEFINE_PRODUCT(q2_k, struct llm_block_q2_k, PARTS, add_block_q2_k)
DEFINE_PRODUCT(q4_k, struct llm_block_q4_k, PARTS, add_with_minima)
DEFINE_PRODUCT(q5_k, struct llm_block_q5_k, PARTS, add_with_minima)
DEFINE_HALVES(q3_k, 4)
DEFINE_HALVES(q6_k, 32)
DEFINE_HALVES(iq4_xs, 0)
