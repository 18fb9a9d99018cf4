/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Products of weights in groups: one loop for blocks of 32 and one for each kind of
 * block of 256, whose input has one scale for as many numbers, so that products times
 * scales of parts are summed as integers.
 */
#ifndef LLM_ENGINE_AVX2_ROWS_H
#define LLM_ENGINE_AVX2_ROWS_H

#define ROWS 8
#include "avx2_columns.h"
#include "fetch.h"

#define PARTS (LLM_BLOCK_K / LLM_BLOCK)

/*
 * Adds columns-by-four @from up to @to of part @part of the blocks at @group, times
 * those of block @block of @rows input rows and times @scales, to @p. @scales are
 * below 2^15 in both words of each output; or NULL for 1.
 */
typedef void (*add)(struct products *p, const struct llm_matmul *m, u32 r, const u32 rows,
		    const u8 *group, u32 block, u32 part, const u32 from, const u32 to,
		    const __m256i *scales);

/* The scales of both halves of a part, 32-bit integers. */
struct halves {
	__m256i low;
	__m256i high;
};

typedef struct halves (*take_scales)(const u8 *scales, u32 half, u32 part);

/* Input rows that a pass over both halves of a group has at most. */
#define FEW 2

/*
 * The first pass over weights asks for those that come after them, where that is @useful:
 * see fetch.h.
 */
static __always_inline void fetch_ahead(const u8 *at, const u32 bytes, const bool useful, u32 half,
					u32 r)
{
	if (useful && !half && !r)
		fetch_twice(at, bytes);
}

static __always_inline __m256 input_scale(const struct llm_matmul *m, u32 row, u32 block)
{
	return _mm256_set1_ps(llm_float(input_at(m, row, block)->scale_bits));
}

/* Minus @factor times the sum of an input block, of which -128 times is at hand. */
static __always_inline __m256i times_sum(const struct llm_block_x8 *x, const s32 factor)
{
	__m256i offset = broadcast_four(&x->offset);

	if (factor == 128)
		return offset;
	return _mm256_mullo_epi32(_mm256_srai_epi32(offset, 7), _mm256_set1_epi32(factor));
}

static __always_inline void clear_sums(struct sums *sums, const u32 rows)
{
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		sums->at[i] = _mm256_setzero_ps();
}

static __always_inline void clear_products(struct products *p, const u32 rows)
{
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		p->at[i] = _mm256_setzero_si256();
}

static __always_inline void store_sums(const struct llm_matmul *m, u32 r, const u32 rows,
				       u32 output, const struct sums *sums)
{
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		store_half(m, r + i, output, sums->at[i]);
}

/* llm_mxfp4_scale() */
static __always_inline __m256 load_exponents(const u8 *exponents)
{
	__m256i e = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)exponents));
	__m256i small = _mm256_sllv_epi32(_mm256_set1_epi32(0x00200000), e);
	__m256i ordinary = _mm256_slli_epi32(_mm256_sub_epi32(e, _mm256_set1_epi32(1)), 23);
	__m256i few = _mm256_cmpgt_epi32(_mm256_set1_epi32(2), e);

	return _mm256_castsi256_ps(_mm256_blendv_epi8(ordinary, small, few));
}

typedef __m256 (*load)(const u8 *scales);

/*
 * Blocks of 32 begin with a scale of @scale_bytes, then comes the minimum if there is
 * one. The weights have @added: the sum starts from what that adds too much.
 */
static __always_inline void add_one_scale(struct sums *sums, const struct llm_matmul *m, u32 half,
					  u32 r, const u32 rows, const u8 *group, u32 b,
					  add add_columns, const u32 bytes, load load_first,
					  const u32 scale_bytes, const s32 added,
					  const bool minimum)
{
	__m256 scales, minima, scale;
	struct products p;
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		p.at[i] = times_sum(input_at(m, r + i, b), added);
	fetch_ahead(group, LLM_GROUP * bytes, rows > 1, half, r);
	add_columns(&p, m, r, rows, group + half * 4 * HALF, b, 0, 0, FOURS, NULL);
	scales = load_first(group + half * HALF * scale_bytes);
#pragma GCC unroll 8
	for (i = 0; i < rows; i++) {
		scale = _mm256_mul_ps(scales, input_scale(m, r + i, b));
		sums->at[i] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(p.at[i]), scale, sums->at[i]);
	}
	if (!minimum)
		return;
	minima = load_scales(group + (LLM_GROUP + half * HALF) * sizeof(u16));
#pragma GCC unroll 8
	for (i = 0; i < rows; i++) {
		scale = _mm256_set1_ps(llm_float(input_at(m, r + i, b)->sum_bits));
		sums->at[i] = _mm256_fmadd_ps(minima, scale, sums->at[i]);
	}
}

/* Eight bytes to 32-bit integers. */
static __always_inline __m256i load_eight(const u8 *bytes)
{
	return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)bytes));
}

static __always_inline __m256i load_signed(const u8 *bytes)
{
	return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)bytes));
}

/* Bits @shift.. of numbers, as many as @mask has. */
static __always_inline __m256i number_bits(__m256i numbers, u32 shift, u32 mask)
{
	return _mm256_and_si256(_mm256_srl_epi32(numbers, _mm_cvtsi32_si128((s32)shift)),
				_mm256_set1_epi32((s32)mask));
}

/* Lower words of @low beside those of @high. */
static __always_inline __m256i beside(__m256i low, __m256i high)
{
	return _mm256_blend_epi16(low, _mm256_slli_epi32(high, 16), 0xaa);
}

/* llm_k_scale() and llm_k_minimum() of half a group; they lie row by row in each byte. */
static __always_inline __m256i k_scales(const u8 *scales, u32 part)
{
	__m256i byte;

	if (part < 4)
		return number_bits(load_eight(scales + LLM_GROUP * part), 0, 63);
	byte = load_eight(scales + LLM_GROUP * (part - 4));
	return _mm256_or_si256(number_bits(load_eight(scales + LLM_GROUP * (part + 4)), 0, 15),
			       _mm256_slli_epi32(_mm256_srli_epi32(byte, 6), 4));
}

static __always_inline __m256i k_minima(const u8 *scales, u32 part)
{
	__m256i byte = load_eight(scales + LLM_GROUP * (part + 4)), upper;

	if (part < 4)
		return number_bits(byte, 0, 63);
	upper = _mm256_srli_epi32(load_eight(scales + LLM_GROUP * part), 6);
	return _mm256_or_si256(_mm256_srli_epi32(byte, 4), _mm256_slli_epi32(upper, 4));
}

/*
 * @total += both words of @factors times two words of an input block: its @sums, those of
 * its halves, or @both, that of the block and of the next.
 */
#define SUMS offsetof(struct llm_block_x8, sums)
#define BOTH offsetof(struct llm_block_x8, both)

static __always_inline void add_sums(struct products *total, const struct llm_matmul *m, u32 r,
				     const u32 rows, u32 block, const u32 words, __m256i factors)
{
	__m256i sums;
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++) {
		sums = broadcast_four((const u8 *)input_at(m, r + i, block) + words);
		total->at[i] = _mm256_add_epi32(total->at[i], _mm256_madd_epi16(factors, sums));
	}
}

/* What a block adds to the sums in the end: its products and its minima, scaled. */
static __always_inline void add_totals(struct sums *sums, const struct llm_matmul *m, u32 r,
				       const u32 rows, u32 block, const struct products *total,
				       __m256 scale, const struct products *minima, __m256 minimum)
{
	__m256 sum;
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++) {
		sum = _mm256_mul_ps(_mm256_cvtepi32_ps(total->at[i]), scale);
		if (minima)
			sum = _mm256_fnmadd_ps(_mm256_cvtepi32_ps(minima->at[i]), minimum, sum);
		sums->at[i] = _mm256_fmadd_ps(sum, input_scale(m, r + i, block), sums->at[i]);
	}
}

/* A block of Q4_K or Q5_K: the scale and the minimum of a part, then those of all. */
static __always_inline void add_with_minima(struct sums *sums, const struct llm_matmul *m,
					    u32 half, u32 r, const u32 rows, const u8 *group, u32 b,
					    add add_columns, const u32 bytes)
{
	const u8 *scales = group + GROUP_OFFSET(struct llm_block_q4_k, scales) + half * HALF;
	const u32 share = LLM_GROUP * bytes / PARTS;
	struct products total, minima;
	__m256 scale, minimum;
	__m256i factors;
	u32 part;

	clear_products(&total, rows);
	clear_products(&minima, rows);
	for (part = 0; part < PARTS; part++) {
		fetch_ahead(group + part * share, share, rows > 1, half, r);
		factors = k_scales(scales, part);
		factors = beside(factors, factors);
		add_columns(&total, m, r, rows, group + half * 4 * HALF, b + part, part, 0, FOURS,
			    &factors);
	}
	for (part = 0; part < PARTS; part += 2) {
		factors = beside(k_minima(scales, part), k_minima(scales, part + 1));
		add_sums(&minima, m, r, rows, b + part, BOTH, factors);
	}
	scale = load_scales(group + half * HALF * sizeof(u16));
	minimum = load_scales(group + GROUP_OFFSET(struct llm_block_q4_k, minimum) +
			      half * HALF * sizeof(u16));
	add_totals(sums, m, r, rows, b, &total, scale, &minima, minimum);
}

/* Both halves of a part, each times its scales. */
static __always_inline void add_halves(struct products *total, const struct llm_matmul *m, u32 r,
				       const u32 rows, const u8 *group, u32 block, u32 part,
				       add add_columns, struct halves scales)
{
	__m256i low = beside(scales.low, scales.low), high = beside(scales.high, scales.high);

	add_columns(total, m, r, rows, group, block, part, 0, FOURS / 2, &low);
	add_columns(total, m, r, rows, group, block, part, FOURS / 2, FOURS, &high);
}

/* A block of Q2_K: a scale and a minimum for each half of a part. */
static __always_inline void add_block_q2_k(struct sums *sums, const struct llm_matmul *m, u32 half,
					   u32 r, const u32 rows, const u8 *group, u32 b,
					   add add_columns, const u32 bytes)
{
	const u8 *scales_at = group + GROUP_OFFSET(struct llm_block_q2_k, scales) + half * HALF;
	const u32 share = LLM_GROUP * bytes / PARTS;
	struct products total, minima;
	__m256 scale, minimum;
	struct halves scales;
	__m256i low, high;
	u32 part;

	clear_products(&total, rows);
	clear_products(&minima, rows);
	for (part = 0; part < PARTS; part++, scales_at += 2 * LLM_GROUP) {
		fetch_ahead(group + part * share, share, rows > 1, half, r);
		low = load_eight(scales_at);
		high = load_eight(scales_at + LLM_GROUP);
		scales.low = number_bits(low, 0, 15);
		scales.high = number_bits(high, 0, 15);
		add_halves(&total, m, r, rows, group + half * 4 * HALF, b + part, part, add_columns,
			   scales);
		add_sums(&minima, m, r, rows, b + part, SUMS,
			 beside(number_bits(low, 4, 15), number_bits(high, 4, 15)));
	}
	scale = load_scales(group + GROUP_OFFSET(struct llm_block_q2_k, scale) +
			    half * HALF * sizeof(u16));
	minimum = load_scales(group + GROUP_OFFSET(struct llm_block_q2_k, minimum) +
			      half * HALF * sizeof(u16));
	add_totals(sums, m, r, rows, b, &total, scale, &minima, minimum);
}

static __always_inline struct halves scales_q6_k(const u8 *group, u32 half, u32 part)
{
	const u8 *scales = group + GROUP_OFFSET(struct llm_block_q6_k, scales[2 * part]) +
			   half * HALF;

	return (struct halves){ load_signed(scales), load_signed(scales + LLM_GROUP) };
}

static __always_inline __m256i six_bits(__m256i low, __m256i high)
{
	return _mm256_sub_epi32(_mm256_or_si256(low, _mm256_slli_epi32(high, 4)),
				_mm256_set1_epi32(32));
}

/* llm_q3_k_scale() */
static __always_inline __m256i scale_q3_k(const u8 *scales, u32 half)
{
	__m256i low = load_eight(scales + LLM_GROUP * (half % 8));
	__m256i high = load_eight(scales + LLM_GROUP * (8 + half % 4));

	return six_bits(number_bits(low, half / 8 * 4, 15), number_bits(high, half / 4 * 2, 3));
}

static __always_inline struct halves scales_q3_k(const u8 *group, u32 half, u32 part)
{
	const u8 *scales = group + GROUP_OFFSET(struct llm_block_q3_k, scales) + half * HALF;

	return (struct halves){ scale_q3_k(scales, 2 * part), scale_q3_k(scales, 2 * part + 1) };
}

/* llm_iq4_xs_scale() */
static __always_inline struct halves scales_iq4_xs(const u8 *group, u32 half, u32 part)
{
	const u8 *low = group + GROUP_OFFSET(struct llm_block_iq4_xs, scales_low[part / 2]);
	const u8 *high = group + GROUP_OFFSET(struct llm_block_iq4_xs, scales_high);
	__m128i words = _mm_loadu_si128((const __m128i *)(high + half * HALF * sizeof(u16)));
	__m256i scales = six_bits(number_bits(load_eight(low + half * HALF), part % 2 * 4, 15),
				  number_bits(_mm256_cvtepu16_epi32(words), 2 * part, 3));

	return (struct halves){ scales, scales };
}

/*
 * A block with a scale for each half of a part, where the weights have @added, and at
 * byte @scale_at one of all.
 */
static __always_inline void add_with_halves(struct sums *sums, const struct llm_matmul *m,
					    u32 half, u32 r, const u32 rows, const u8 *group, u32 b,
					    add add_columns, const u32 bytes,
					    take_scales take_halves, const u32 scale_at,
					    const s32 added)
{
	const bool useful = rows > 1 || bytes == sizeof(struct llm_block_q6_k);
	const u32 share = LLM_GROUP * bytes / PARTS;
	struct products total;
	struct halves scales;
	__m256i offsets;
	__m256 scale;
	u32 part;

	clear_products(&total, rows);
	for (part = 0; part < PARTS; part++) {
		fetch_ahead(group + part * share, share, useful, half, r);
		scales = take_halves(group, half, part);
		add_halves(&total, m, r, rows, group + half * 4 * HALF, b + part, part, add_columns,
			   scales);
		if (!added)
			continue;
		offsets = _mm256_mullo_epi16(beside(scales.low, scales.high),
					     _mm256_set1_epi16(-added));
		add_sums(&total, m, r, rows, b + part, SUMS, offsets);
	}
	scale = load_scales(group + scale_at + half * HALF * sizeof(u16));
	add_totals(sums, m, r, rows, b, &total, scale, NULL, scale);
}

/* Adds block @b of half a group at @group times those of @rows input rows. */
typedef void (*add_block)(struct sums *sums, const struct llm_matmul *m, u32 half, u32 r,
			  const u32 rows, const u8 *group, u32 b);

/*
 * @rows rows for the group at output o, or half of it: a pass over both halves has few
 * rows, whose sums find room. A block of @bytes has as many columns as @parts parts.
 */
static __always_inline void group_rows(const struct llm_matmul *m, u32 o, u32 half, u32 r,
				       const u32 rows, add_block add, const u32 bytes,
				       const u32 parts)
{
	const u8 *group = m->w + o * m->w_stride;
	const u32 halves = rows > FEW ? 1 : 2;
	struct sums sums[2];
	u32 b, h;

#pragma GCC unroll 2
	for (h = 0; h < halves; h++)
		clear_sums(&sums[h], rows);
	for (b = 0; b < m->columns / LLM_BLOCK; b += parts, group += LLM_GROUP * bytes) {
#pragma GCC unroll 2
		for (h = 0; h < halves; h++)
			add(&sums[h], m, half + h, r, rows, group, b);
	}
#pragma GCC unroll 2
	for (h = 0; h < halves; h++)
		store_sums(m, r, rows, o + (half + h) * HALF, &sums[h]);
}

/*
 * The product of a type, named by PRODUCT, from how its blocks are added. Each number of
 * rows has a frame of its own, for the stack.
 */
#define DEFINE_PRODUCT(type, block, parts, function, ...)				\
static __always_inline void block_##type(struct sums *sums, const struct llm_matmul *m,	\
					 u32 half, u32 r, const u32 rows, const u8 *group, \
					 u32 b)						\
{											\
	function(sums, m, half, r, rows, group, b, add_##type, sizeof(block), ##__VA_ARGS__); \
}											\
											\
static noinline void type##_8(const struct llm_matmul *m, u32 o, u32 half, u32 r)	\
{											\
	group_rows(m, o, half, r, 8, block_##type, sizeof(block), parts);		\
}											\
											\
static noinline void type##_4(const struct llm_matmul *m, u32 o, u32 half, u32 r)	\
{											\
	group_rows(m, o, half, r, 4, block_##type, sizeof(block), parts);		\
}											\
											\
static noinline void type##_2(const struct llm_matmul *m, u32 o, u32 r)			\
{											\
	group_rows(m, o, 0, r, 2, block_##type, sizeof(block), parts);			\
}											\
											\
static noinline void type##_1(const struct llm_matmul *m, u32 o, u32 r)			\
{											\
	group_rows(m, o, 0, r, 1, block_##type, sizeof(block), parts);			\
}											\
											\
void PRODUCT(type)(const struct llm_matmul *m)						\
{											\
	u32 o, r;									\
											\
	for (o = 0; o < m->outputs; o += LLM_GROUP) {					\
		for (r = 0; r + 8 <= m->rows; r += 8) {					\
			type##_8(m, o, 0, r);						\
			type##_8(m, o, 1, r);						\
		}									\
		for (; r + 4 <= m->rows; r += 4) {					\
			type##_4(m, o, 0, r);						\
			type##_4(m, o, 1, r);						\
		}									\
		for (; r + 2 <= m->rows; r += 2)					\
			type##_2(m, o, r);						\
		if (r < m->rows)							\
			type##_1(m, o, r);						\
	}										\
}

/* How columns of a type are added, by a function that knows where they come from. */
#define DEFINE_ADD(type, function, ...)							\
static __always_inline void add_##type(struct products *p, const struct llm_matmul *m,	\
				       u32 r, const u32 rows, const u8 *group, u32 block, \
				       u32 part, const u32 from, const u32 to,		\
				       const __m256i *scales)				\
{											\
	function(p, m, r, rows, group, block, part, from, to, scales, __VA_ARGS__);	\
}

/* Blocks of 32: what the weights have added, and whether there is a minimum. */
#define DEFINE_BLOCKS(type, block, added, minimum)					\
	DEFINE_PRODUCT(type, block, 1, add_one_scale, load_scales, sizeof(u16), added, minimum)

/* Blocks of 256 with scales of halves of parts: what the weights have added. */
#define DEFINE_HALVES(type, added)							\
	DEFINE_PRODUCT(type, struct llm_block_##type, PARTS, add_with_halves, scales_##type, \
		       GROUP_OFFSET(struct llm_block_##type, scale), added)

#endif /* LLM_ENGINE_AVX2_ROWS_H */
