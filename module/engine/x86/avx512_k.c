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

/* Four columns of a part of a group, number @i of FOURS, none negative. */
typedef __m512i (*take)(const u8 *group, u32 part, u32 i);

/* Columns by four of a part. */
#define FOURS (LLM_BLOCK / 4)

/* Four columns' bytes @i of those that begin at @bytes of the blocks. */
static __always_inline __m512i load_four(const u8 *group, u32 bytes, u32 i)
{
	return load_wide(group + LLM_GROUP * (bytes + 4 * i));
}

static __always_inline __m512i take_q2_k(const u8 *group, u32 part, u32 i)
{
	return take_bits(load_four(group, offsetof(struct llm_block_q2_k, quarters),
				   part / 4 * FOURS + i), part % 4 * 2, 3);
}

/*
 * Bits of bytes moved up, or down where @up is negative. What comes from the byte beside
 * is for a mask to take away.
 */
static __always_inline __m512i move_bits(__m512i bytes, s32 up)
{
	return _mm512_rolv_epi32(bytes, _mm512_set1_epi32(up));
}

/*
 * Bits of weights that lie in two places: @low_mask of @low moved down by @low_down, and
 * @high_mask of @high moved up by @high_up.
 */
static __always_inline __m512i join_bits(__m512i low, u32 low_down, u8 low_mask, __m512i high,
					 s32 high_up, u8 high_mask)
{
	high = _mm512_and_si512(move_bits(high, high_up), _mm512_set1_epi8((s8)high_mask));
	low = _mm512_srl_epi16(low, _mm_cvtsi32_si128((s32)low_down));
	/* (low & mask) | high */
	return _mm512_ternarylogic_epi32(low, _mm512_set1_epi8((s8)low_mask), high, 0xea);
}

static __always_inline __m512i take_q3_k(const u8 *group, u32 part, u32 i)
{
	__m512i quarters = load_four(group, offsetof(struct llm_block_q3_k, quarters),
				     part / 4 * FOURS + i);
	__m512i third = load_four(group, offsetof(struct llm_block_q3_k, third), i);

	return join_bits(quarters, part % 4 * 2, 3, third, 2 - (s32)part, 4);
}

static __always_inline __m512i take_q5_k(const u8 *group, u32 part, u32 i)
{
	__m512i fours = load_four(group, offsetof(struct llm_block_q5_k, low_high),
				  part / 2 * FOURS + i);
	__m512i fifth = load_four(group, offsetof(struct llm_block_q5_k, fifth), i);

	return join_bits(fours, part % 2 * 4, 15, fifth, 4 - (s32)part, 16);
}

static __always_inline __m512i take_q6_k(const u8 *group, u32 part, u32 i)
{
	__m512i fours = load_four(group, offsetof(struct llm_block_q6_k, low_high),
				  part / 4 * 2 * FOURS + part % 2 * FOURS + i);
	__m512i upper = load_four(group, offsetof(struct llm_block_q6_k, upper),
				  part / 4 * FOURS + i);

	return join_bits(fours, part % 4 / 2 * 4, 15, upper, 4 - (s32)(part % 4 * 2), 0x30);
}

/* The values have 128 added. */
static __always_inline __m512i take_iq4_xs(const u8 *group, u32 part, u32 i)
{
	static const s8 values[16] = LLM_KVALUES_IQ4;
	__m512i table = _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)values));
	__m512i fours = load_four(group, offsetof(struct llm_block_iq4_xs, low_high),
				  part * (FOURS / 2) + i % 4);

	table = _mm512_xor_si512(table, _mm512_set1_epi8((s8)128));
	return _mm512_shuffle_epi8(table, take_bits(fours, i / 4 * 4, 15));
}

/* The sums of a group's outputs so far, for each of the rows at work. */
struct sums {
	__m512 at[ROWS];
};

/* Sixteen bytes to 32-bit integers, and as many more to their upper halves. */
static __always_inline __m512i load_pairs(const u8 *low, const u8 *high)
{
	__m512i upper = _mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)high));

	return _mm512_or_si512(_mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)low)),
			       _mm512_slli_epi32(upper, 16));
}

static __always_inline const struct llm_block_x8 *input_at(const struct llm_matmul *m, u32 row,
							   u32 block)
{
	return (const struct llm_block_x8 *)(m->x + row * m->x_stride) + block;
}

/* Adds the products of columns-by-four @from up to @to, times the scales of their rows. */
static __always_inline void add_scaled(__m512i *products, const struct llm_matmul *m, u32 r,
				       const u32 rows, const u8 *group, u32 block, u32 part,
				       const u32 from, const u32 to, __m512i scales,
				       take take_columns)
{
	__m512i p[ROWS], w, x;
	u32 i, k;

#pragma GCC unroll 8
	for (k = 0; k < rows; k++)
		p[k] = _mm512_setzero_si512();
#pragma GCC unroll 8
	for (i = from; i < to; i++) {
		w = take_columns(group, part, i);
#pragma GCC unroll 8
		for (k = 0; k < rows; k++) {
			x = broadcast_four(input_at(m, r + k, block)->values + 4 * i);
			p[k] = _mm512_dpbusd_epi32(p[k], w, x);
		}
	}
#pragma GCC unroll 8
	for (k = 0; k < rows; k++)
		products[k] = _mm512_add_epi32(products[k], _mm512_mullo_epi32(p[k], scales));
}

/*
 * @totals += both words of @factors times two words of an input block: its @sums, those of
 * its halves, or @both, that of the block and of the next.
 */
#define SUMS offsetof(struct llm_block_x8, sums)
#define BOTH offsetof(struct llm_block_x8, both)

static __always_inline void add_input_sums(__m512i *totals, const struct llm_matmul *m, u32 r,
					   const u32 rows, u32 block, const u32 words,
					   __m512i factors)
{
	const u8 *x;
	u32 i;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++) {
		x = (const u8 *)input_at(m, r + i, block) + words;
		totals[i] = _mm512_dpwssd_epi32(totals[i], factors, broadcast_four(x));
	}
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

/* What a block of Q4_K or Q5_K adds: what its minima take away, and the scales of all. */
static __always_inline void add_with_minima(struct sums *sums, const struct llm_matmul *m, u32 r,
					    const u32 rows, const u8 *group, u32 b,
					    const struct small *small, const __m512i *products,
					    __m512 scale)
{
	const __m512 minimum = load_scales(group + GROUP_OFFSET(struct llm_block_q4_k, minimum));
	__m512i minima[ROWS];
	u32 i, part;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		minima[i] = _mm512_setzero_si512();
	for (part = 0; part < PARTS; part += 2)
		add_input_sums(minima, m, r, rows, b + part, BOTH,
			       load_pairs(small->minima[part], small->minima[part + 1]));
#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		sums->at[i] = add_total(sums->at[i], products[i], scale, minima[i], minimum,
					input_at(m, r + i, b));
}

static __always_inline __m512i scale_of(const struct small *small, u32 part)
{
	return _mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)small->scales[part]));
}

/*
 * Two parts of Q4_K that share bytes. The upper fours of bits are left where they are,
 * sixteen times as much: so are the scales of the lower ones, and the sum of all.
 */
static __always_inline void add_two_parts(__m512i *products, const struct llm_matmul *m, u32 r,
					  const u32 rows, const u8 *group, u32 block, u32 part,
					  const struct small *small)
{
	const __m512i scale = _mm512_slli_epi32(scale_of(small, part), 4);
	const __m512i upper_scale = scale_of(small, part + 1);
	const struct llm_block_x8 *x;
	__m512i p[ROWS], upper[ROWS], w, low, high;
	u32 i, k;

#pragma GCC unroll 8
	for (k = 0; k < rows; k++) {
		p[k] = _mm512_setzero_si512();
		upper[k] = _mm512_setzero_si512();
	}
#pragma GCC unroll 8
	for (i = 0; i < FOURS; i++) {
		w = load_four(group, offsetof(struct llm_block_q4_k, low_high),
			      part / 2 * FOURS + i);
		low = _mm512_and_si512(w, _mm512_set1_epi8(15));
		high = _mm512_and_si512(w, _mm512_set1_epi8((s8)0xf0));
#pragma GCC unroll 8
		for (k = 0; k < rows; k++) {
			x = input_at(m, r + k, block);
			p[k] = _mm512_dpbusd_epi32(p[k], low, broadcast_four(x[0].values + 4 * i));
			upper[k] = _mm512_dpbusd_epi32(upper[k], high,
						       broadcast_four(x[1].values + 4 * i));
		}
	}
#pragma GCC unroll 8
	for (k = 0; k < rows; k++) {
		products[k] = _mm512_add_epi32(products[k], _mm512_mullo_epi32(p[k], scale));
		products[k] = _mm512_add_epi32(products[k],
					       _mm512_mullo_epi32(upper[k], upper_scale));
	}
}

static __always_inline void add_q4_k(struct sums *sums, const struct llm_matmul *m, u32 r,
				     const u32 rows, const u8 *group, u32 b)
{
	const __m512 scale = load_scales(group + GROUP_OFFSET(struct llm_block_q4_k, scale));
	const u32 share = LLM_GROUP * sizeof(struct llm_block_q4_k) / PARTS * 2;
	__m512i products[ROWS];
	struct small small;
	u32 i, part;

	take_small(&small, group + GROUP_OFFSET(struct llm_block_q4_k, scales));
#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		products[i] = _mm512_setzero_si512();
	for (part = 0; part < PARTS; part += 2) {
		if (!r && rows > 2)
			fetch_ahead(group + part / 2 * share, share, rows,
				    sizeof(struct llm_block_q4_k) / PARTS);
		add_two_parts(products, m, r, rows, group, b + part, part, &small);
	}
	add_with_minima(sums, m, r, rows, group, b, &small, products,
			_mm512_mul_ps(scale, _mm512_set1_ps(1.0f / 16)));
}

static __always_inline void add_q5_k(struct sums *sums, const struct llm_matmul *m, u32 r,
				     const u32 rows, const u8 *group, u32 b)
{
	const __m512 scale = load_scales(group + GROUP_OFFSET(struct llm_block_q5_k, scale));
	const u32 share = LLM_GROUP * sizeof(struct llm_block_q5_k) / PARTS;
	__m512i products[ROWS];
	struct small small;
	u32 i, part;

	take_small(&small, group + GROUP_OFFSET(struct llm_block_q5_k, scales));
#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		products[i] = _mm512_setzero_si512();
	for (part = 0; part < PARTS; part++) {
		add_scaled(products, m, r, rows, group, b + part, part, 0, FOURS,
			   scale_of(&small, part), take_q5_k);
		if (!r && rows > 1)
			fetch_ahead(group + part * share, share, rows,
				    sizeof(struct llm_block_q5_k) / PARTS);
	}
	add_with_minima(sums, m, r, rows, group, b, &small, products, scale);
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
					    const u32 rows, const u8 *group, u32 block, u32 part,
					    const struct halves *scales, take take_columns)
{
	add_scaled(products, m, r, rows, group, block, part, 0, FOURS / 2, scales->low,
		   take_columns);
	add_scaled(products, m, r, rows, group, block, part, FOURS / 2, FOURS, scales->high,
		   take_columns);
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
	u32 i, part;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		products[i] = _mm512_setzero_si512();
	for (part = 0; part < PARTS; part++) {
		scales = take_halves(group, part);
		add_both_halves(products, m, r, rows, group, b + part, part, &scales,
				take_columns);
		offset = _mm512_mullo_epi16(beside(scales.low, scales.high),
					    _mm512_set1_epi16(-added));
		add_input_sums(products, m, r, rows, b + part, SUMS, offset);
		if (!r && (rows > 1 || bytes == sizeof(struct llm_block_q6_k)))
			fetch_ahead(group + part * share, share, rows, bytes / PARTS);
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
	const u32 share = LLM_GROUP * sizeof(struct llm_block_q2_k) / PARTS;
	__m512i products[ROWS], minima[ROWS], low, high;
	struct halves scales;
	u32 i, part;

#pragma GCC unroll 8
	for (i = 0; i < rows; i++) {
		products[i] = _mm512_setzero_si512();
		minima[i] = _mm512_setzero_si512();
	}
	for (part = 0; part < PARTS; part++, bytes += 2 * LLM_GROUP) {
		low = load_unsigned(bytes);
		high = load_unsigned(bytes + LLM_GROUP);
		scales.low = number_bits(low, 0, 15);
		scales.high = number_bits(high, 0, 15);
		add_both_halves(products, m, r, rows, group, b + part, part, &scales, take_q2_k);
		add_input_sums(minima, m, r, rows, b + part, SUMS,
			       beside(number_bits(low, 4, 15), number_bits(high, 4, 15)));
		if (!r && rows > 2)
			fetch_ahead(group + part * share, share, rows,
				    sizeof(struct llm_block_q2_k) / PARTS);
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

DEFINE_MATMUL_GROUPS(groups_q2_k, group_rows, add_q2_k, sizeof(struct llm_block_q2_k))
DEFINE_MATMUL_GROUPS(groups_q3_k, group_rows, add_q3_k, sizeof(struct llm_block_q3_k))
DEFINE_MATMUL_GROUPS(groups_q4_k, group_rows, add_q4_k, sizeof(struct llm_block_q4_k))
DEFINE_MATMUL_GROUPS(groups_q5_k, group_rows, add_q5_k, sizeof(struct llm_block_q5_k))
DEFINE_MATMUL_GROUPS(groups_q6_k, group_rows, add_q6_k, sizeof(struct llm_block_q6_k))
DEFINE_MATMUL_GROUPS(groups_iq4_xs, group_rows, add_iq4_xs, sizeof(struct llm_block_iq4_xs))
