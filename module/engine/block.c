// SPDX-License-Identifier: GPL-2.0
#include "block.h"

#include "math.h"

static const s8 iq4[16] = LLM_KVALUES_IQ4;
static const s8 mxfp4[16] = LLM_KVALUES_MXFP4;

/* One scale and minimum for all numbers. */
static void set_scale(struct llm_numbers *n, float scale, float minimum)
{
	n->scales[0] = scale;
	n->scales[1] = scale;
	n->minima[0] = minimum;
	n->minima[1] = minimum;
}

/* Sixteen bytes: the lower fours are the first numbers, the upper the rest. */
static void take_fours(struct llm_numbers *n, const u8 *low_high)
{
	u32 i;

	for (i = 0; i < 16; i++) {
		n->values[i] = low_high[i] & 15;
		n->values[i + 16] = low_high[i] >> 4;
	}
}

static void add_fifth_bits(struct llm_numbers *n, const u8 *fifth)
{
	u32 i;

	for (i = 0; i < LLM_BLOCK; i++)
		n->values[i] += (fifth[i / 8] >> (i % 8) & 1) << 4;
}

static void look_up(struct llm_numbers *n, const s8 *values)
{
	u32 i;

	for (i = 0; i < LLM_BLOCK; i++)
		n->values[i] = values[n->values[i]];
}

static void take_q4_0(struct llm_numbers *n, const u8 *block, u32 part)
{
	const struct llm_block_q4_0 *b = (const void *)block;
	float scale = llm_f16_to_f32(b->scale);

	take_fours(n, b->low_high);
	set_scale(n, scale, 8 * scale);
}

static void take_q4_1(struct llm_numbers *n, const u8 *block, u32 part)
{
	const struct llm_block_q4_1 *b = (const void *)block;

	take_fours(n, b->low_high);
	set_scale(n, llm_f16_to_f32(b->scale), -llm_f16_to_f32(b->minimum));
}

static void take_q5_0(struct llm_numbers *n, const u8 *block, u32 part)
{
	const struct llm_block_q5_0 *b = (const void *)block;
	float scale = llm_f16_to_f32(b->scale);

	take_fours(n, b->low_high);
	add_fifth_bits(n, b->fifth);
	set_scale(n, scale, 16 * scale);
}

static void take_q5_1(struct llm_numbers *n, const u8 *block, u32 part)
{
	const struct llm_block_q5_1 *b = (const void *)block;

	take_fours(n, b->low_high);
	add_fifth_bits(n, b->fifth);
	set_scale(n, llm_f16_to_f32(b->scale), -llm_f16_to_f32(b->minimum));
}

static void take_q8_0(struct llm_numbers *n, const u8 *block, u32 part)
{
	const struct llm_block_q8_0 *b = (const void *)block;

	__builtin_memcpy(n->values, b->values, sizeof(n->values));
	set_scale(n, llm_f16_to_f32(b->scale), 0);
}

static void take_iq4_nl(struct llm_numbers *n, const u8 *block, u32 part)
{
	const struct llm_block_q4_0 *b = (const void *)block;

	take_fours(n, b->low_high);
	look_up(n, iq4);
	set_scale(n, llm_f16_to_f32(b->scale), 0);
}

static void take_mxfp4(struct llm_numbers *n, const u8 *block, u32 part)
{
	const struct llm_block_mxfp4 *b = (const void *)block;

	take_fours(n, b->low_high);
	look_up(n, mxfp4);
	set_scale(n, llm_mxfp4_scale(b->exponent), 0);
}

/* Numbers 32 @part.. are bits 2 (@part % 4).. of 32 bytes of each half of a block. */
static void take_twos(struct llm_numbers *n, const u8 *quarters, u32 part)
{
	u32 i;

	for (i = 0; i < LLM_BLOCK; i++)
		n->values[i] = quarters[part / 4 * 32 + i] >> (2 * (part % 4)) & 3;
}

static void take_q2_k(struct llm_numbers *n, const u8 *block, u32 part)
{
	const struct llm_block_q2_k *b = (const void *)block;
	u32 i;

	take_twos(n, b->quarters, part);
	for (i = 0; i < 2; i++) {
		n->scales[i] = llm_f16_to_f32(b->scale) * (float)(b->scales[2 * part + i] & 15);
		n->minima[i] = llm_f16_to_f32(b->minimum) * (float)(b->scales[2 * part + i] >> 4);
	}
}

static void take_q3_k(struct llm_numbers *n, const u8 *block, u32 part)
{
	const struct llm_block_q3_k *b = (const void *)block;
	u32 i;

	take_twos(n, b->quarters, part);
	for (i = 0; i < LLM_BLOCK; i++)
		n->values[i] += (b->third[i] >> part & 1) << 2;
	for (i = 0; i < 2; i++) {
		n->scales[i] = llm_f16_to_f32(b->scale) *
			       (float)llm_q3_k_scale(b->scales, 2 * part + i);
		n->minima[i] = 4 * n->scales[i];
	}
}

/* Numbers 32 @part.. are the lower or upper fours of 32 bytes. */
static void take_k_fours(struct llm_numbers *n, const u8 *low_high, u32 part)
{
	u32 i;

	for (i = 0; i < LLM_BLOCK; i++)
		n->values[i] = low_high[part / 2 * 32 + i] >> (4 * (part % 2)) & 15;
}

static void take_q4_k(struct llm_numbers *n, const u8 *block, u32 part)
{
	const struct llm_block_q4_k *b = (const void *)block;

	take_k_fours(n, b->low_high, part);
	set_scale(n, llm_f16_to_f32(b->scale) * (float)llm_k_scale(b->scales, part),
		  llm_f16_to_f32(b->minimum) * (float)llm_k_minimum(b->scales, part));
}

static void take_q5_k(struct llm_numbers *n, const u8 *block, u32 part)
{
	const struct llm_block_q5_k *b = (const void *)block;
	u32 i;

	take_k_fours(n, b->low_high, part);
	for (i = 0; i < LLM_BLOCK; i++)
		n->values[i] += (b->fifth[i] >> part & 1) << 4;
	set_scale(n, llm_f16_to_f32(b->scale) * (float)llm_k_scale(b->scales, part),
		  llm_f16_to_f32(b->minimum) * (float)llm_k_minimum(b->scales, part));
}

/*
 * Of each 128 numbers, the lower fours of 64 bytes are the first half and the
 * upper fours the second; bits 2 (@part % 4).. of 32 bytes go on top.
 */
static void take_q6_k(struct llm_numbers *n, const u8 *block, u32 part)
{
	const struct llm_block_q6_k *b = (const void *)block;
	const u8 *low_high = b->low_high + part / 4 * 64 + part % 2 * 32;
	const u8 *upper = b->upper + part / 4 * 32;
	u32 i;

	for (i = 0; i < LLM_BLOCK; i++)
		n->values[i] = (low_high[i] >> (part % 4 / 2 * 4) & 15) |
			       (upper[i] >> (2 * (part % 4)) & 3) << 4;
	for (i = 0; i < 2; i++) {
		n->scales[i] = llm_f16_to_f32(b->scale) * (float)b->scales[2 * part + i];
		n->minima[i] = 32 * n->scales[i];
	}
}

static void take_iq4_xs(struct llm_numbers *n, const u8 *block, u32 part)
{
	const struct llm_block_iq4_xs *b = (const void *)block;

	take_fours(n, b->low_high + 16 * part);
	look_up(n, iq4);
	set_scale(n, llm_f16_to_f32(b->scale) * (float)llm_iq4_xs_scale(b, part), 0);
}

void llm_block_take(struct llm_numbers *numbers, u32 type, const u8 *block, u32 part)
{
	static void (*const take[LLM_TENSOR_TYPES])(struct llm_numbers *n, const u8 *block,
						    u32 part) = {
		[LLM_TENSOR_Q4_0] = take_q4_0,
		[LLM_TENSOR_Q4_1] = take_q4_1,
		[LLM_TENSOR_Q5_0] = take_q5_0,
		[LLM_TENSOR_Q5_1] = take_q5_1,
		[LLM_TENSOR_Q8_0] = take_q8_0,
		[LLM_TENSOR_Q2_K] = take_q2_k,
		[LLM_TENSOR_Q3_K] = take_q3_k,
		[LLM_TENSOR_Q4_K] = take_q4_k,
		[LLM_TENSOR_Q5_K] = take_q5_k,
		[LLM_TENSOR_Q6_K] = take_q6_k,
		[LLM_TENSOR_IQ4_NL] = take_iq4_nl,
		[LLM_TENSOR_IQ4_XS] = take_iq4_xs,
		[LLM_TENSOR_MXFP4] = take_mxfp4,
	};

	take[type](numbers, block, part);
}
