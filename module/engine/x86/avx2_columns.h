/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How four columns of half a group come out of it, for each type with blocks. Where
 * nothing else is said bytes have no sign: what was added to them for that is up to the
 * products to take away.
 */
#ifndef LLM_ENGINE_AVX2_COLUMNS_H
#define LLM_ENGINE_AVX2_COLUMNS_H

#include "avx2_groups.h"

/* Columns by four of a block, or of a part of one. */
#define FOURS (LLM_BLOCK / 4)

/*
 * Four columns of half a group, number @i of the FOURS of part @part. @group is where
 * the first of those rows has its first four bytes.
 */
typedef __m256i (*take)(const u8 *group, u32 part, u32 i);

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

/* What fours of bits stand for, with so much added. */
static __always_inline __m256i look_up(const s8 *values, __m256i fours, s8 added)
{
	__m128i table = _mm_loadu_si128((const __m128i *)values);

	table = _mm_add_epi8(table, _mm_set1_epi8(added));
	return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), fours);
}

/* With 128 added. */
static __always_inline __m256i take_q8_0(const u8 *group, u32 part, u32 i)
{
	return load_four(group, offsetof(struct llm_block_q8_0, values), i);
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

/* With 12 added. */
static __always_inline __m256i take_mxfp4(const u8 *group, u32 part, u32 i)
{
	static const s8 values[16] = LLM_KVALUES_MXFP4;
	__m256i fours = load_four(group, offsetof(struct llm_block_mxfp4, low_high), i % 4);

	return look_up(values, take_bits(fours, i / 4 * 4, 15), 12);
}

/* IQ4_NL and IQ4_XS, with so much added. */
static __always_inline __m256i look_up_iq4(__m256i fours, s8 added)
{
	static const s8 values[16] = LLM_KVALUES_IQ4;

	return look_up(values, fours, added);
}

static __always_inline __m256i take_q2_k(const u8 *group, u32 part, u32 i)
{
	return take_bits(load_four(group, offsetof(struct llm_block_q2_k, quarters),
				   part / 4 * FOURS + i), part % 4 * 2, 3);
}

static __always_inline __m256i take_q3_k(const u8 *group, u32 part, u32 i)
{
	__m256i quarters = load_four(group, offsetof(struct llm_block_q3_k, quarters),
				     part / 4 * FOURS + i);
	__m256i third = load_four(group, offsetof(struct llm_block_q3_k, third), i);

	return _mm256_or_si256(take_bits(quarters, part % 4 * 2, 3),
			       _mm256_slli_epi16(take_bits(third, part, 1), 2));
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

/* Which of the values of IQ4_XS. */
static __always_inline __m256i fours_iq4_xs(const u8 *group, u32 part, u32 i)
{
	__m256i fours = load_four(group, offsetof(struct llm_block_iq4_xs, low_high),
				  part * (FOURS / 2) + i % 4);

	return take_bits(fours, i / 4 * 4, 15);
}

#endif /* LLM_ENGINE_AVX2_COLUMNS_H */
