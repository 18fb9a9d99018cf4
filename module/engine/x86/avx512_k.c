// SPDX-License-Identifier: GPL-2.0
/*
 * Products of weights in groups of blocks of 256 for AVX-512 with VNNI. The input
 * has one scale for as many numbers, so products times scales of parts are summed
 * as integers: exactly, and as ggml does it.
 */
#include "avx512_groups.h"

#define PARTS (LLM_BLOCK_K / LLM_BLOCK)

/* The scales and minima of Q4_K and Q5_K in bytes, sixteen rows a part. */
struct small {
	u8 scales[PARTS][LLM_GROUP] __aligned(64);
	u8 minima[PARTS][LLM_GROUP] __aligned(64);
};

/* llm_k_scale() and llm_k_minimum() of all parts. */
static __always_inline void take_small(struct small *small, const u8 *scales)
{
	const __m512i low = _mm512_set1_epi8(63), fours = _mm512_set1_epi8(15);
	const __m512i upper = _mm512_set1_epi8(0x30);
	__m512i a = load_wide(scales), b = load_wide(scales + 64), c = load_wide(scales + 128);

	_mm512_store_si512(small->scales, _mm512_and_si512(a, low));
	_mm512_store_si512(small->minima, _mm512_and_si512(b, low));
	_mm512_store_si512(small->scales[4],
			   _mm512_or_si512(_mm512_and_si512(c, fours),
					   _mm512_and_si512(_mm512_srli_epi16(a, 2), upper)));
	_mm512_store_si512(small->minima[4],
			   _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(c, 4), fours),
					   _mm512_and_si512(_mm512_srli_epi16(b, 2), upper)));
}

/* Bits @shift.. of each byte, as many as @mask has. */
static __always_inline __m512i take_bits(__m512i bytes, u32 shift, u8 mask)
{
	return _mm512_and_si512(_mm512_srl_epi16(bytes, _mm_cvtsi32_si128((s32)shift)),
				_mm512_set1_epi8((s8)mask));
}

static __always_inline struct columns take_q4_k(const u8 *group, u32 part)
{
	const u8 *low_high = group + GROUP_OFFSET(struct llm_block_q4_k, low_high[part / 2 * 32]);
	struct columns w;
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < LLM_BLOCK / 4; i++)
		w.at[i] = take_bits(load_wide(low_high + 64 * i), part % 2 * 4, 15);
	return w;
}

static __always_inline struct columns take_q5_k(const u8 *group, u32 part)
{
	const u8 *low_high = group + GROUP_OFFSET(struct llm_block_q5_k, low_high[part / 2 * 32]);
	const u8 *fifth = group + GROUP_OFFSET(struct llm_block_q5_k, fifth);
	struct columns w;
	__m512i bits;
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < LLM_BLOCK / 4; i++) {
		bits = _mm512_slli_epi16(take_bits(load_wide(fifth + 64 * i), part, 1), 4);
		w.at[i] = _mm512_or_si512(take_bits(load_wide(low_high + 64 * i), part % 2 * 4, 15),
					  bits);
	}
	return w;
}

static __always_inline struct columns take_q6_k(const u8 *group, u32 part)
{
	const u8 *low_high = group + GROUP_OFFSET(struct llm_block_q6_k,
						  low_high[part / 4 * 64 + part % 2 * 32]);
	const u8 *upper = group + GROUP_OFFSET(struct llm_block_q6_k, upper[part / 4 * 32]);
	struct columns w;
	__m512i bits;
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < LLM_BLOCK / 4; i++) {
		bits = take_bits(load_wide(upper + 64 * i), part % 4 * 2, 3);
		w.at[i] = _mm512_or_si512(take_bits(load_wide(low_high + 64 * i), part % 4 / 2 * 4,
						    15),
					  _mm512_slli_epi16(bits, 4));
	}
	return w;
}

/* The sums of a group's outputs so far, for each of the rows at work. */
struct sums {
	__m512 at[ROWS];
};

/* Sixteen bytes to 32-bit integers, twice each in both halves. */
static __always_inline __m512i load_pairs(const u8 *bytes)
{
	__m512i wide = _mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)bytes));

	return _mm512_or_si512(wide, _mm512_slli_epi32(wide, 16));
}

static __always_inline const struct llm_block_x8 *input_at(const struct llm_matmul *m, u32 row,
							   u32 block)
{
	return (const struct llm_block_x8 *)(m->x + row * m->x_stride) + block;
}

/* Adds the products of some columns, see add_columns(), times the scales of their rows. */
static __always_inline void add_scaled(__m512i *products, const struct llm_matmul *m, u32 r,
				       const u32 rows, u32 block, const __m512i *columns,
				       const u32 at, const u32 n, __m512i scales)
{
	const struct llm_block_x8 *x[TURNS];
	__m512i p[TURNS];
	u32 i;

#pragma GCC unroll 4
	for (i = 0; i < rows; i++) {
		x[i] = input_at(m, r + i, block);
		p[i] = _mm512_setzero_si512();
	}
	add_columns(p, x, rows, columns, at, n);
#pragma GCC unroll 4
	for (i = 0; i < rows; i++)
		products[i] = _mm512_add_epi32(products[i], _mm512_mullo_epi32(p[i], scales));
}

typedef struct columns (*take)(const u8 *group, u32 part);

/* A block of Q4_K or Q5_K: the scale and the minimum of a part, then those of all. */
static __always_inline void add_with_minima(struct sums *sums, const struct llm_matmul *m, u32 r,
					    const u32 rows, const u8 *group, u32 b,
					    take take_columns, const u32 bytes)
{
	const __m512 scale = load_scales(group + GROUP_OFFSET(struct llm_block_q4_k, scale));
	const __m512 minimum = load_scales(group + GROUP_OFFSET(struct llm_block_q4_k, minimum));
	__m512i products[ROWS], minima[ROWS], factor;
	const struct llm_block_x8 *x;
	const u32 share = LLM_GROUP * bytes / PARTS;
	struct small small;
	struct columns w;
	u32 i, part;
	__m512 sum;

	take_small(&small, group + GROUP_OFFSET(struct llm_block_q4_k, scales));
#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		products[i] = _mm512_setzero_si512();
	for (part = 0; part < PARTS; part++) {
		w = take_columns(group, part);
		if (rows == 1)
			fetch_ahead(group + part * share, share);
		factor = _mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)small.scales[part]));
#pragma GCC unroll 2
		for (i = 0; i < rows; i += TURNS)
			add_scaled(products + i, m, r + i, rows < TURNS ? rows : TURNS, b + part,
				   w.at, 0, LLM_BLOCK / 4, factor);
	}
#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		minima[i] = _mm512_setzero_si512();
	for (part = 0; part < PARTS; part++) {
		factor = load_pairs(small.minima[part]);
#pragma GCC unroll 8
		for (i = 0; i < rows; i++) {
			x = input_at(m, r + i, b + part);
			minima[i] = _mm512_dpwssd_epi32(minima[i], factor,
							broadcast_four(x->sums));
		}
	}
#pragma GCC unroll 8
	for (i = 0; i < rows; i++) {
		sum = _mm512_mul_ps(_mm512_cvtepi32_ps(products[i]), scale);
		sum = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(minima[i]), minimum, sum);
		x = input_at(m, r + i, b);
		sums->at[i] = _mm512_fmadd_ps(sum, _mm512_set1_ps(llm_float(x->scale_bits)),
					      sums->at[i]);
	}
}

/* A block of Q6_K: a scale for each half of a part, and 32 less for each number. */
static __always_inline void add_halves(struct sums *sums, const struct llm_matmul *m, u32 r,
				       const u32 rows, const u8 *group, u32 b, take take_columns,
				       const u32 bytes)
{
	const __m512 scale = load_scales(group + GROUP_OFFSET(struct llm_block_q6_k, scale));
	const u8 *scales = group + GROUP_OFFSET(struct llm_block_q6_k, scales);
	const u32 share = LLM_GROUP * bytes / PARTS;
	__m512i products[ROWS], low, high, offset;
	const struct llm_block_x8 *x;
	struct columns w;
	u32 i, part;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		products[i] = _mm512_setzero_si512();
	for (part = 0; part < PARTS; part++, scales += 2 * LLM_GROUP) {
		w = take_columns(group, part);
		if (rows == 1)
			fetch_ahead(group + part * share, share);
		low = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)scales));
		high = _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(scales + LLM_GROUP)));
		/* Of both halves -32 times the scale, as one word each. */
		offset = _mm512_mask_blend_epi16(0xaaaaaaaa, low, _mm512_slli_epi32(high, 16));
		offset = _mm512_mullo_epi16(offset, _mm512_set1_epi16(-32));
#pragma GCC unroll 2
		for (i = 0; i < rows; i += TURNS) {
			add_scaled(products + i, m, r + i, rows < TURNS ? rows : TURNS, b + part,
				   w.at, 0, LLM_BLOCK / 8, low);
			add_scaled(products + i, m, r + i, rows < TURNS ? rows : TURNS, b + part,
				   w.at + LLM_BLOCK / 8, LLM_BLOCK / 2, LLM_BLOCK / 8, high);
		}
#pragma GCC unroll 8
		for (i = 0; i < rows; i++) {
			x = input_at(m, r + i, b + part);
			products[i] = _mm512_dpwssd_epi32(products[i], offset,
							  broadcast_four(x->sums));
		}
	}
#pragma GCC unroll 8
	for (i = 0; i < rows; i++) {
		x = input_at(m, r + i, b);
		sums->at[i] = _mm512_fmadd_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(products[i]), scale),
					      _mm512_set1_ps(llm_float(x->scale_bits)),
					      sums->at[i]);
	}
}

typedef void (*add)(struct sums *sums, const struct llm_matmul *m, u32 r, const u32 rows,
		    const u8 *group, u32 b, take take_columns, const u32 bytes);

static __always_inline void group_rows(const struct llm_matmul *m, u32 o, u32 r, const u32 rows,
				       add add_block, take take_columns, const u32 bytes)
{
	const u8 *group = m->w + o * m->w_stride;
	struct sums sums;
	u32 i, b;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		sums.at[i] = _mm512_setzero_ps();
	for (b = 0; b < m->columns / LLM_BLOCK; b += PARTS, group += LLM_GROUP * bytes)
		add_block(&sums, m, r, rows, group, b, take_columns, bytes);
#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		store_group(m, r + i, o, sums.at[i]);
}

DEFINE_MATMUL_GROUPS(groups_q4_k, group_rows, add_with_minima, take_q4_k,
		     sizeof(struct llm_block_q4_k))
/* At most four rows at a time: what is at hand for eight is large for a stack. */
static __always_inline void group_few_rows(const struct llm_matmul *m, u32 o, u32 r,
					   const u32 rows, add add_block, take take_columns,
					   const u32 bytes)
{
	u32 i;

	for (i = 0; i < rows; i += TURNS)
		group_rows(m, o, r + i, rows < TURNS ? rows : TURNS, add_block, take_columns,
			   bytes);
}

DEFINE_MATMUL_GROUPS(groups_q5_k, group_few_rows, add_with_minima, take_q5_k,
		     sizeof(struct llm_block_q5_k))
DEFINE_MATMUL_GROUPS(groups_q6_k, group_rows, add_halves, take_q6_k,
		     sizeof(struct llm_block_q6_k))
