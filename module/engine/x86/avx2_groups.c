// SPDX-License-Identifier: GPL-2.0
/*
 * Products of weights in groups for AVX2. Each type says how four columns come out
 * of a group; the rest is one loop for blocks of 32 and one for each kind of block
 * of 256.
 */
#include "avx2_groups.h"

#define PARTS (LLM_BLOCK_K / LLM_BLOCK)
/* Columns by four of a block. */
#define FOURS (LLM_BLOCK / 4)

/* Four columns' bytes @i of those that begin at @bytes of the blocks. */
static __always_inline __m256i load_four(const u8 *group, u32 bytes, u32 i)
{
	return load_32(group + LLM_GROUP * (bytes + 4 * i));
}

/* Bits @shift.. of each byte, as many as @mask has. */
static __always_inline __m256i take_bits(__m256i bytes, u32 shift, u8 mask)
{
	return _mm256_and_si256(_mm256_srl_epi16(bytes, _mm_cvtsi32_si128((s32)shift)),
				_mm256_set1_epi8((s8)mask));
}

static __always_inline __m256i take_q8_0(const u8 *group, u32 part, u32 i)
{
	return _mm256_xor_si256(load_four(group, offsetof(struct llm_block_q8_0, values), i),
				_mm256_set1_epi8((s8)128));
}

static __always_inline __m256i take_q4_0(const u8 *group, u32 part, u32 i)
{
	return take_bits(load_four(group, offsetof(struct llm_block_q4_0, low_high), i % 4),
			 i / 4 * 4, 15);
}

static __always_inline __m256i take_q4_1(const u8 *group, u32 part, u32 i)
{
	return take_bits(load_four(group, offsetof(struct llm_block_q4_1, low_high), i % 4),
			 i / 4 * 4, 15);
}

/* Of 32 bits of each row those of four columns, as bytes of 16 or 0. */
static __always_inline __m256i fifth_bits(__m256i bits, u32 i)
{
	const __m256i rows = _mm256_setr_epi32(0, 0x04040404, 0x08080808, 0x0c0c0c0c,
					       0, 0x04040404, 0x08080808, 0x0c0c0c0c);
	const __m256i mask = _mm256_set1_epi32(i % 2 ? (s32)0x80402010 : 0x08040201);
	__m256i byte = _mm256_shuffle_epi8(bits,
					   _mm256_add_epi8(rows, _mm256_set1_epi8((s8)(i / 2))));

	return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(byte, mask), mask),
				_mm256_set1_epi8(16));
}

static __always_inline __m256i take_q5_0(const u8 *group, u32 part, u32 i)
{
	__m256i fours = load_four(group, offsetof(struct llm_block_q5_0, low_high), i % 4);
	__m256i bits = load_four(group, offsetof(struct llm_block_q5_0, fifth), 0);

	return _mm256_or_si256(take_bits(fours, i / 4 * 4, 15), fifth_bits(bits, i));
}

static __always_inline __m256i take_q5_1(const u8 *group, u32 part, u32 i)
{
	__m256i fours = load_four(group, offsetof(struct llm_block_q5_1, low_high), i % 4);
	__m256i bits = load_four(group, offsetof(struct llm_block_q5_1, fifth), 0);

	return _mm256_or_si256(take_bits(fours, i / 4 * 4, 15), fifth_bits(bits, i));
}

static __always_inline __m256i take_iq4_nl(const u8 *group, u32 part, u32 i)
{
	static const s8 values[16] = LLM_KVALUES_IQ4;
	__m128i table = _mm_loadu_si128((const __m128i *)values);

	return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), take_q4_0(group, part, i));
}

static __always_inline __m256i take_q4_k(const u8 *group, u32 part, u32 i)
{
	return take_bits(load_four(group, offsetof(struct llm_block_q4_k, low_high),
				   part / 2 * FOURS + i), part % 2 * 4, 15);
}

static __always_inline __m256i take_q5_k(const u8 *group, u32 part, u32 i)
{
	__m256i fours = load_four(group, offsetof(struct llm_block_q5_k, low_high),
				  part / 2 * FOURS + i);
	__m256i fifth = load_four(group, offsetof(struct llm_block_q5_k, fifth), i);

	return _mm256_or_si256(take_bits(fours, part % 2 * 4, 15),
			       _mm256_slli_epi16(take_bits(fifth, part, 1), 4));
}

static __always_inline __m256i take_q6_k(const u8 *group, u32 part, u32 i)
{
	__m256i fours = load_four(group, offsetof(struct llm_block_q6_k, low_high),
				  part / 4 * 2 * FOURS + part % 2 * FOURS + i);
	__m256i upper = load_four(group, offsetof(struct llm_block_q6_k, upper),
				  part / 4 * FOURS + i);

	return _mm256_or_si256(take_bits(fours, part % 4 / 2 * 4, 15),
			       _mm256_slli_epi16(take_bits(upper, part % 4 * 2, 3), 4));
}

static __always_inline __m256 input_scale(const struct llm_matmul *m, u32 row, u32 block)
{
	return _mm256_set1_ps(llm_float(input_at(m, row, block)->scale_bits));
}

/* Blocks of 32 begin with a scale, then comes the minimum if there is one. */
static __always_inline void block_rows(const struct llm_matmul *m, u32 o, u32 half, u32 r,
				       const u32 rows, take take_columns, const u32 bytes,
				       const s32 added, const u32 span, const bool minimum)
{
	const u8 *group = m->w + o * m->w_stride;
	__m256 scales, minima, scale;
	struct products p;
	struct sums sums;
	u32 i, b;

#pragma GCC unroll 4
	for (i = 0; i < rows; i++)
		sums.at[i] = _mm256_setzero_ps();
	for (b = 0; b < m->columns / LLM_BLOCK; b++, group += LLM_GROUP * bytes) {
#pragma GCC unroll 4
		for (i = 0; i < rows; i++)
			p.at[i] = _mm256_set1_epi32(input_at(m, r + i, b)->offset / 128 * added);
		add_columns(&p, m, r, rows, group + half * 4 * HALF, b, 0, take_columns, 0, FOURS,
			    span);
		scales = load_scales(group + half * HALF * sizeof(u16));
#pragma GCC unroll 4
		for (i = 0; i < rows; i++) {
			scale = _mm256_mul_ps(scales, input_scale(m, r + i, b));
			sums.at[i] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(p.at[i]), scale,
						     sums.at[i]);
		}
		if (!minimum)
			continue;
		minima = load_scales(group + (LLM_GROUP + half * HALF) * sizeof(u16));
#pragma GCC unroll 4
		for (i = 0; i < rows; i++) {
			scale = _mm256_set1_ps(llm_float(input_at(m, r + i, b)->sum_bits));
			sums.at[i] = _mm256_fmadd_ps(minima, scale, sums.at[i]);
		}
	}
#pragma GCC unroll 4
	for (i = 0; i < rows; i++)
		store_half(m, r + i, o + half * HALF, sums.at[i]);
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

/* llm_k_scale() and llm_k_minimum() of half a group; they lie row by row in each byte. */
static __always_inline __m256i k_scales(const u8 *scales, u32 part)
{
	__m256i byte;

	if (part < 4)
		return _mm256_and_si256(load_eight(scales + LLM_GROUP * part),
					_mm256_set1_epi32(63));
	byte = load_eight(scales + LLM_GROUP * (part - 4));
	return _mm256_or_si256(_mm256_and_si256(load_eight(scales + LLM_GROUP * (part + 4)),
						_mm256_set1_epi32(15)),
			       _mm256_slli_epi32(_mm256_srli_epi32(byte, 6), 4));
}

static __always_inline __m256i k_minima(const u8 *scales, u32 part)
{
	__m256i byte = load_eight(scales + LLM_GROUP * (part + 4)), upper;

	if (part < 4)
		return _mm256_and_si256(byte, _mm256_set1_epi32(63));
	upper = _mm256_srli_epi32(load_eight(scales + LLM_GROUP * part), 6);
	return _mm256_or_si256(_mm256_srli_epi32(byte, 4), _mm256_slli_epi32(upper, 4));
}

static __always_inline void clear(struct products *p, const u32 rows)
{
	u32 i;

#pragma GCC unroll 4
	for (i = 0; i < rows; i++)
		p->at[i] = _mm256_setzero_si256();
}

/* @total += @p times the scales of a part. */
static __always_inline void add_scaled(struct products *total, const struct products *p,
				       __m256i scales, const u32 rows)
{
	u32 i;

#pragma GCC unroll 4
	for (i = 0; i < rows; i++)
		total->at[i] = _mm256_add_epi32(total->at[i],
						_mm256_mullo_epi32(p->at[i], scales));
}

/* @total += both halves of @factors times the sums of the halves of an input block. */
static __always_inline void add_sums(struct products *total, const struct llm_matmul *m, u32 r,
				     const u32 rows, u32 block, __m256i factors)
{
	__m256i sums;
	u32 i;

#pragma GCC unroll 4
	for (i = 0; i < rows; i++) {
		sums = broadcast_four(input_at(m, r + i, block)->sums);
		total->at[i] = _mm256_add_epi32(total->at[i], _mm256_madd_epi16(factors, sums));
	}
}

/* Blocks of Q4_K or Q5_K: the scale and the minimum of a part, then those of all. */
static __always_inline void minima_rows(const struct llm_matmul *m, u32 o, u32 half, u32 r,
					const u32 rows, take take_columns, const u32 bytes,
					const u32 span)
{
	const u8 *group = m->w + o * m->w_stride, *scales;
	struct products p, total, minima;
	__m256 scale, minimum, sum;
	struct sums sums;
	__m256i factors;
	u32 i, b, part;

#pragma GCC unroll 4
	for (i = 0; i < rows; i++)
		sums.at[i] = _mm256_setzero_ps();
	for (b = 0; b < m->columns / LLM_BLOCK; b += PARTS, group += LLM_GROUP * bytes) {
		clear(&total, rows);
		clear(&minima, rows);
		scales = group + GROUP_OFFSET(struct llm_block_q4_k, scales) + half * HALF;
		for (part = 0; part < PARTS; part++) {
			clear(&p, rows);
			add_columns(&p, m, r, rows, group + half * 4 * HALF, b + part, part,
				    take_columns, 0, FOURS, span);
			add_scaled(&total, &p, k_scales(scales, part), rows);
			factors = k_minima(scales, part);
			factors = _mm256_or_si256(factors, _mm256_slli_epi32(factors, 16));
			add_sums(&minima, m, r, rows, b + part, factors);
		}
		scale = load_scales(group + half * HALF * sizeof(u16));
		minimum = load_scales(group + GROUP_OFFSET(struct llm_block_q4_k, minimum) +
				      half * HALF * sizeof(u16));
#pragma GCC unroll 4
		for (i = 0; i < rows; i++) {
			sum = _mm256_mul_ps(_mm256_cvtepi32_ps(total.at[i]), scale);
			sum = _mm256_fnmadd_ps(_mm256_cvtepi32_ps(minima.at[i]), minimum, sum);
			sums.at[i] = _mm256_fmadd_ps(sum, input_scale(m, r + i, b), sums.at[i]);
		}
	}
#pragma GCC unroll 4
	for (i = 0; i < rows; i++)
		store_half(m, r + i, o + half * HALF, sums.at[i]);
}

/* Blocks of Q6_K: a scale for each half of a part, and 32 less for each number. */
static __always_inline void halves_rows(const struct llm_matmul *m, u32 o, u32 half, u32 r,
					const u32 rows, take take_columns, const u32 bytes,
					const u32 span)
{
	const u8 *group = m->w + o * m->w_stride, *scales;
	__m256i low, high, offsets;
	struct products p, total;
	struct sums sums;
	__m256 scale, sum;
	u32 i, b, part;

#pragma GCC unroll 4
	for (i = 0; i < rows; i++)
		sums.at[i] = _mm256_setzero_ps();
	for (b = 0; b < m->columns / LLM_BLOCK; b += PARTS, group += LLM_GROUP * bytes) {
		clear(&total, rows);
		scales = group + GROUP_OFFSET(struct llm_block_q6_k, scales) + half * HALF;
		for (part = 0; part < PARTS; part++, scales += 2 * LLM_GROUP) {
			low = load_signed(scales);
			high = load_signed(scales + LLM_GROUP);
			clear(&p, rows);
			add_columns(&p, m, r, rows, group + half * 4 * HALF, b + part, part,
				    take_columns, 0, FOURS / 2, span);
			add_scaled(&total, &p, low, rows);
			clear(&p, rows);
			add_columns(&p, m, r, rows, group + half * 4 * HALF, b + part, part,
				    take_columns, FOURS / 2, FOURS, span);
			add_scaled(&total, &p, high, rows);
			/* Of both halves -32 times the scale, as one word each. */
			offsets = _mm256_blend_epi16(low, _mm256_slli_epi32(high, 16), 0xaa);
			offsets = _mm256_mullo_epi16(offsets, _mm256_set1_epi16(-32));
			add_sums(&total, m, r, rows, b + part, offsets);
		}
		scale = load_scales(group + GROUP_OFFSET(struct llm_block_q6_k, scale) +
				    half * HALF * sizeof(u16));
#pragma GCC unroll 4
		for (i = 0; i < rows; i++) {
			sum = _mm256_mul_ps(_mm256_cvtepi32_ps(total.at[i]), scale);
			sums.at[i] = _mm256_fmadd_ps(sum, input_scale(m, r + i, b), sums.at[i]);
		}
	}
#pragma GCC unroll 4
	for (i = 0; i < rows; i++)
		store_half(m, r + i, o + half * HALF, sums.at[i]);
}

/* The type, its block, what its weights have added, see add_columns(), a minimum? */
#define DEFINE_BLOCKS(type, block, added, span, minimum)				\
	DEFINE_MATMUL_GROUPS(groups_##type, block_rows, take_##type, sizeof(block), added, span, \
			     minimum)

DEFINE_BLOCKS(q4_0, struct llm_block_q4_0, 8, 8, false)
DEFINE_BLOCKS(q4_1, struct llm_block_q4_1, 0, 8, true)
DEFINE_BLOCKS(q5_0, struct llm_block_q5_0, 16, 4, false)
DEFINE_BLOCKS(q5_1, struct llm_block_q5_1, 0, 4, true)
DEFINE_BLOCKS(q8_0, struct llm_block_q8_0, 0, 1, false)
DEFINE_BLOCKS(iq4_nl, struct llm_block_q4_0, 0, 1, false)
DEFINE_MATMUL_GROUPS(groups_q4_k, minima_rows, take_q4_k, sizeof(struct llm_block_q4_k), 8)
DEFINE_MATMUL_GROUPS(groups_q5_k, minima_rows, take_q5_k, sizeof(struct llm_block_q5_k), 4)
DEFINE_MATMUL_GROUPS(groups_q6_k, halves_rows, take_q6_k, sizeof(struct llm_block_q6_k), 2)
