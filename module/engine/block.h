/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_BLOCK_H
#define LLM_ENGINE_BLOCK_H

#include "form.h"

#ifdef LLM_FLOAT
/**
 * struct llm_numbers - LLM_BLOCK weights, taken out of their block: number i is
 *	scales[i / 16] * values[i] - minima[i / 16]
 * @values: integers
 * @scales: of each half
 * @minima: of each half
 */
struct llm_numbers {
	s8 values[LLM_BLOCK];
	float scales[2];
	float minima[2];
};

/**
 * llm_block_take() - takes weights out of a block
 * @numbers: where they go
 * @type: enum llm_tensor_type, one with blocks
 * @block: the block
 * @part: which LLM_BLOCK numbers of it
 *
 * The formats are ggml's, see ggml-common.h and ggml-quants.c there.
 */
void llm_block_take(struct llm_numbers *numbers, u32 type, const u8 *block, u32 part);
#endif

/** LLM_KVALUES_IQ4 - what the sixteen values of IQ4_NL and IQ4_XS stand for. */
#define LLM_KVALUES_IQ4 \
	{ -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113 }
/** LLM_KVALUES_MXFP4 - twice what the sixteen values of MXFP4 stand for. */
#define LLM_KVALUES_MXFP4 \
	{ 0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12 }

struct llm_block_q4_0 {
	u16 scale;
	u8 low_high[16];
} __packed;

struct llm_block_q4_1 {
	u16 scale;
	u16 minimum;
	u8 low_high[16];
} __packed;

struct llm_block_q5_0 {
	u16 scale;
	u8 fifth[4];
	u8 low_high[16];
} __packed;

struct llm_block_q5_1 {
	u16 scale;
	u16 minimum;
	u8 fifth[4];
	u8 low_high[16];
} __packed;

struct llm_block_mxfp4 {
	u8 exponent;
	u8 low_high[16];
} __packed;

struct llm_block_q2_k {
	u8 scales[16];
	u8 quarters[64];
	u16 scale;
	u16 minimum;
} __packed;

struct llm_block_q3_k {
	u8 third[32];
	u8 quarters[64];
	u8 scales[12];
	u16 scale;
} __packed;

struct llm_block_q4_k {
	u16 scale;
	u16 minimum;
	u8 scales[12];
	u8 low_high[128];
} __packed;

struct llm_block_q5_k {
	u16 scale;
	u16 minimum;
	u8 scales[12];
	u8 fifth[32];
	u8 low_high[128];
} __packed;

struct llm_block_q6_k {
	u8 low_high[128];
	u8 upper[64];
	s8 scales[16];
	u16 scale;
} __packed;

struct llm_block_iq4_xs {
	u16 scale;
	u16 scales_high;
	u8 scales_low[4];
	u8 low_high[128];
} __packed;

/**
 * llm_k_scale() - the scale of 32 numbers of Q4_K and Q5_K
 * @scales: the block's
 * @part: which 32
 */
static inline u32 llm_k_scale(const u8 *scales, u32 part)
{
	if (part < 4)
		return scales[part] & 63;
	return (scales[part + 4] & 15) | (scales[part - 4] >> 6) << 4;
}

/** llm_k_minimum() - the minimum likewise; see llm_k_scale(). */
static inline u32 llm_k_minimum(const u8 *scales, u32 part)
{
	if (part < 4)
		return scales[part + 4] & 63;
	return scales[part + 4] >> 4 | (scales[part] >> 6) << 4;
}

/**
 * llm_iq4_xs_scale() - the scale of 32 numbers of IQ4_XS
 * @block: the block
 * @part: which 32
 */
static inline s32 llm_iq4_xs_scale(const struct llm_block_iq4_xs *block, u32 part)
{
	u32 low = block->scales_low[part / 2] >> (4 * (part % 2)) & 15;
	u32 high = block->scales_high >> (2 * part) & 3;

	return (s32)(low | high << 4) - 32;
}

/**
 * llm_q3_k_scale() - the scale of 16 numbers of Q3_K
 * @scales: the block's
 * @half: which 16
 */
static inline s32 llm_q3_k_scale(const u8 *scales, u32 half)
{
	u32 low = scales[half % 8] >> (4 * (half / 8)) & 15;
	u32 high = scales[8 + half % 4] >> (2 * (half / 4)) & 3;

	return (s32)(low | high << 4) - 32;
}

#endif /* LLM_ENGINE_BLOCK_H */
