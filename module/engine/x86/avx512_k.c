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

static __always_inline struct columns take_q2_k(const u8 *group, u32 part)
{
	const u8 *quarters = group + GROUP_OFFSET(struct llm_block_q2_k, quarters[part / 4 * 32]);
	struct columns w;
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < LLM_BLOCK / 4; i++)
		w.at[i] = take_bits(load_wide(quarters + 64 * i), part % 4 * 2, 3);
	return w;
}

static __always_inline struct columns take_q3_k(const u8 *group, u32 part)
{
	const u8 *quarters = group + GROUP_OFFSET(struct llm_block_q3_k, quarters[part / 4 * 32]);
	const u8 *third = group + GROUP_OFFSET(struct llm_block_q3_k, third);
	struct columns w;
	__m512i bits;
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < LLM_BLOCK / 4; i++) {
		bits = _mm512_slli_epi16(take_bits(load_wide(third + 64 * i), part, 1), 2);
		w.at[i] = _mm512_or_si512(take_bits(load_wide(quarters + 64 * i), part % 4 * 2, 3),
					  bits);
	}
	return w;
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

static __always_inline struct columns take_iq4_xs(const u8 *group, u32 part)
{
	return look_up(take_fours(group + GROUP_OFFSET(struct llm_block_iq4_xs,
						       low_high[16 * part])));
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

/* @totals += both words of @factors times the sums of the halves of an input block. */
static __always_inline void add_input_sums(__m512i *totals, const struct llm_matmul *m, u32 r,
					   const u32 rows, u32 block, __m512i factors)
{
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		totals[i] = _mm512_dpwssd_epi32(totals[i], factors,
						broadcast_four(input_at(m, r + i, block)->sums));
}

/* What one row of a block needs in the end: its products and minima to numbers. */
static __always_inline __m512 add_total(__m512 sum, __m512i products, __m512 scale,
					__m512i minima, __m512 minimum,
					const struct llm_block_x8 *x)
{
	__m512 total = _mm512_mul_ps(_mm512_cvtepi32_ps(products), scale);

	total = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(minima), minimum, total);
	return _mm512_fmadd_ps(total, _mm512_set1_ps(llm_float(x->scale_bits)), sum);
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
	const u32 share = LLM_GROUP * bytes / PARTS;
	struct small small;
	struct columns w;
	u32 i, part;

	take_small(&small, group + GROUP_OFFSET(struct llm_block_q4_k, scales));
#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		products[i] = _mm512_setzero_si512();
	for (part = 0; part < PARTS; part++) {
		w = take_columns(group, part);
		if (!r)
			fetch_ahead(group + part * share, share, rows, bytes / PARTS);
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
		add_input_sums(minima, m, r, rows, b + part, factor);
	}
#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		sums->at[i] = add_total(sums->at[i], products[i], scale, minima[i], minimum,
					input_at(m, r + i, b));
}

/* The scales of both halves of a part, 32-bit integers. */
struct halves {
	__m512i low;
	__m512i high;
};

typedef struct halves (*take_scales)(const u8 *group, u32 part);

static __always_inline __m512i load_signed(const u8 *bytes)
{
	return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)bytes));
}

static __always_inline struct halves scales_q6_k(const u8 *group, u32 part)
{
	const u8 *scales = group + GROUP_OFFSET(struct llm_block_q6_k, scales[2 * part]);

	return (struct halves){ load_signed(scales), load_signed(scales + LLM_GROUP) };
}

/* Bits @shift.. of numbers below 256, as many as @mask has. */
static __always_inline __m512i number_bits(__m512i numbers, u32 shift, u32 mask)
{
	return _mm512_and_si512(_mm512_srl_epi32(numbers, _mm_cvtsi32_si128((s32)shift)),
				_mm512_set1_epi32((s32)mask));
}

static __always_inline __m512i load_unsigned(const u8 *bytes)
{
	return _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)bytes));
}

static __always_inline __m512i six_bits(__m512i low, __m512i high)
{
	return _mm512_sub_epi32(_mm512_or_si512(low, _mm512_slli_epi32(high, 4)),
				_mm512_set1_epi32(32));
}

/* llm_q3_k_scale() */
static __always_inline __m512i scale_q3_k(const u8 *scales, u32 half)
{
	__m512i low = load_unsigned(scales + LLM_GROUP * (half % 8));
	__m512i high = load_unsigned(scales + LLM_GROUP * (8 + half % 4));

	return six_bits(number_bits(low, half / 8 * 4, 15), number_bits(high, half / 4 * 2, 3));
}

static __always_inline struct halves scales_q3_k(const u8 *group, u32 part)
{
	const u8 *scales = group + GROUP_OFFSET(struct llm_block_q3_k, scales);

	return (struct halves){ scale_q3_k(scales, 2 * part), scale_q3_k(scales, 2 * part + 1) };
}

/* llm_iq4_xs_scale() */
static __always_inline struct halves scales_iq4_xs(const u8 *group, u32 part)
{
	const u8 *low = group + GROUP_OFFSET(struct llm_block_iq4_xs, scales_low[part / 2]);
	const u8 *high = group + GROUP_OFFSET(struct llm_block_iq4_xs, scales_high);
	__m512i words = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)high));
	__m512i scales = six_bits(number_bits(load_unsigned(low), part % 2 * 4, 15),
				  number_bits(words, 2 * part, 3));

	return (struct halves){ scales, scales };
}

/* Lower words of @low beside those of @high. */
static __always_inline __m512i beside(__m512i low, __m512i high)
{
	return _mm512_mask_blend_epi16(0xaaaaaaaa, low, _mm512_slli_epi32(high, 16));
}

static __always_inline void add_both_halves(__m512i *products, const struct llm_matmul *m, u32 r,
					    const u32 rows, u32 block, const struct columns *w,
					    const struct halves *scales)
{
	u32 i;

#pragma GCC unroll 2
	for (i = 0; i < rows; i += TURNS) {
		add_scaled(products + i, m, r + i, rows < TURNS ? rows : TURNS, block, w->at, 0,
			   LLM_BLOCK / 8, scales->low);
		add_scaled(products + i, m, r + i, rows < TURNS ? rows : TURNS, block,
			   w->at + LLM_BLOCK / 8, LLM_BLOCK / 2, LLM_BLOCK / 8, scales->high);
	}
}

/* What follows the scales of halves: where the scale of all is, what weights have added. */
static __always_inline void add_halves(struct sums *sums, const struct llm_matmul *m, u32 r,
				       const u32 rows, const u8 *group, u32 b, take take_columns,
				       const u32 bytes, take_scales take_halves,
				       const u32 scale_at, const s32 added)
{
	const __m512 scale = load_scales(group + scale_at);
	const u32 share = LLM_GROUP * bytes / PARTS;
	__m512i products[ROWS], offset;
	const struct llm_block_x8 *x;
	struct halves scales;
	struct columns w;
	u32 i, part;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		products[i] = _mm512_setzero_si512();
	for (part = 0; part < PARTS; part++) {
		w = take_columns(group, part);
		if (!r)
			fetch_ahead(group + part * share, share, rows, bytes / PARTS);
		scales = take_halves(group, part);
		add_both_halves(products, m, r, rows, b + part, &w, &scales);
		offset = _mm512_mullo_epi16(beside(scales.low, scales.high),
					    _mm512_set1_epi16(-added));
		add_input_sums(products, m, r, rows, b + part, offset);
	}
#pragma GCC unroll 8
	for (i = 0; i < rows; i++) {
		x = input_at(m, r + i, b);
		sums->at[i] = _mm512_fmadd_ps(_mm512_mul_ps(_mm512_cvtepi32_ps(products[i]), scale),
					      _mm512_set1_ps(llm_float(x->scale_bits)),
					      sums->at[i]);
	}
}

/* A block of Q2_K: a scale and a minimum for each half of a part. */
static __always_inline void add_q2_k(struct sums *sums, const struct llm_matmul *m, u32 r,
				     const u32 rows, const u8 *group, u32 b)
{
	const __m512 scale = load_scales(group + GROUP_OFFSET(struct llm_block_q2_k, scale));
	const __m512 minimum = load_scales(group + GROUP_OFFSET(struct llm_block_q2_k, minimum));
	const u8 *bytes = group + GROUP_OFFSET(struct llm_block_q2_k, scales);
	__m512i products[ROWS], minima[ROWS], low, high;
	struct halves scales;
	struct columns w;
	u32 i, part;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++) {
		products[i] = _mm512_setzero_si512();
		minima[i] = _mm512_setzero_si512();
	}
	for (part = 0; part < PARTS; part++, bytes += 2 * LLM_GROUP) {
		w = take_q2_k(group, part);
		low = load_unsigned(bytes);
		high = load_unsigned(bytes + LLM_GROUP);
		scales.low = number_bits(low, 0, 15);
		scales.high = number_bits(high, 0, 15);
		add_both_halves(products, m, r, rows, b + part, &w, &scales);
		add_input_sums(minima, m, r, rows, b + part,
			       beside(number_bits(low, 4, 15), number_bits(high, 4, 15)));
	}
#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		sums->at[i] = add_total(sums->at[i], products[i], scale, minima[i], minimum,
					input_at(m, r + i, b));
}

/* The others: how a block is added to the sums. */
#define DEFINE_ADD(type, function, ...)							\
static __always_inline void add_##type(struct sums *sums, const struct llm_matmul *m,	\
				       u32 r, const u32 rows, const u8 *group, u32 b)	\
{											\
	function(sums, m, r, rows, group, b, take_##type,				\
		 sizeof(struct llm_block_##type), ##__VA_ARGS__);			\
}

DEFINE_ADD(q3_k, add_halves, scales_q3_k, GROUP_OFFSET(struct llm_block_q3_k, scale), 4)
DEFINE_ADD(q4_k, add_with_minima)
DEFINE_ADD(q5_k, add_with_minima)
DEFINE_ADD(q6_k, add_halves, scales_q6_k, GROUP_OFFSET(struct llm_block_q6_k, scale), 32)
DEFINE_ADD(iq4_xs, add_halves, scales_iq4_xs, GROUP_OFFSET(struct llm_block_iq4_xs, scale), 128)

typedef void (*add)(struct sums *sums, const struct llm_matmul *m, u32 r, const u32 rows,
		    const u8 *group, u32 b);

static __always_inline void group_rows(const struct llm_matmul *m, u32 o, u32 r, const u32 rows,
				       add add_block, const u32 bytes)
{
	const u8 *group = m->w + o * m->w_stride;
	struct sums sums;
	u32 i, b;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		sums.at[i] = _mm512_setzero_ps();
	for (b = 0; b < m->columns / LLM_BLOCK; b += PARTS, group += LLM_GROUP * bytes)
		add_block(&sums, m, r, rows, group, b);
#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		store_group(m, r + i, o, sums.at[i]);
}

/* At most four rows at a time: what is at hand for eight is large for a stack. */
static __always_inline void group_few_rows(const struct llm_matmul *m, u32 o, u32 r,
					   const u32 rows, add add_block, const u32 bytes)
{
	u32 i;

	for (i = 0; i < rows; i += TURNS)
		group_rows(m, o, r + i, rows < TURNS ? rows : TURNS, add_block, bytes);
}

DEFINE_MATMUL_GROUPS(groups_q2_k, group_few_rows, add_q2_k, sizeof(struct llm_block_q2_k))
DEFINE_MATMUL_GROUPS(groups_q3_k, group_few_rows, add_q3_k, sizeof(struct llm_block_q3_k))
DEFINE_MATMUL_GROUPS(groups_q4_k, group_rows, add_q4_k, sizeof(struct llm_block_q4_k))
DEFINE_MATMUL_GROUPS(groups_q5_k, group_few_rows, add_q5_k, sizeof(struct llm_block_q5_k))
DEFINE_MATMUL_GROUPS(groups_q6_k, group_rows, add_q6_k, sizeof(struct llm_block_q6_k))
DEFINE_MATMUL_GROUPS(groups_iq4_xs, group_rows, add_iq4_xs, sizeof(struct llm_block_iq4_xs))
