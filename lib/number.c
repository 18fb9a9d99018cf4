// SPDX-License-Identifier: LGPL-2.1-or-later
#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include <linux/llm_image.h>

#include "number.h"

struct block_q8_0 {
	__u16 scale;
	__s8 values[32];
};

static_assert(sizeof(struct block_q8_0) == 34, "blocks have no padding");

static const struct number_type types[] = {
	[LLM_TENSOR_F32] = { "F32", 1, 4, true },
	[LLM_TENSOR_F16] = { "F16", 1, 2, true },
	[LLM_TENSOR_BF16] = { "BF16", 1, 2, true },
	[LLM_TENSOR_Q8_0] = { "Q8_0", 32, 34, true },
	[LLM_TENSOR_Q4_0] = { "Q4_0", 32, 18, false },
	[LLM_TENSOR_Q4_1] = { "Q4_1", 32, 20, false },
	[LLM_TENSOR_Q5_0] = { "Q5_0", 32, 22, false },
	[LLM_TENSOR_Q5_1] = { "Q5_1", 32, 24, false },
	[LLM_TENSOR_Q2_K] = { "Q2_K", 256, 84, false },
	[LLM_TENSOR_Q3_K] = { "Q3_K", 256, 110, false },
	[LLM_TENSOR_Q4_K] = { "Q4_K", 256, 144, false },
	[LLM_TENSOR_Q5_K] = { "Q5_K", 256, 176, false },
	[LLM_TENSOR_Q6_K] = { "Q6_K", 256, 210, false },
	[LLM_TENSOR_IQ4_NL] = { "IQ4_NL", 32, 18, false },
	[LLM_TENSOR_IQ4_XS] = { "IQ4_XS", 256, 136, false },
	[LLM_TENSOR_MXFP4] = { "MXFP4", 32, 17, false },
};

const struct number_type *number_type(__u32 type)
{
	if (type >= sizeof(types) / sizeof(types[0]) || !types[type].name)
		return NULL;
	return &types[type];
}

__u32 number_bits(float value)
{
	__u32 bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static float from_bits(__u32 bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static float from_half(__u16 half)
{
	__u32 sign = (__u32)(half & 0x8000) << 16;
	__u32 exponent = (half >> 10) & 0x1f;
	__u32 fraction = half & 0x3ff;

	if (exponent == 0x1f)
		return from_bits(sign | 0x7f800000 | fraction << 13);
	if (!exponent) {
		/* Zero or subnormal: a whole number of 2^-24. */
		float value = ldexpf(fraction, -24);

		return sign ? -value : value;
	}
	return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

/* To nearest, ties to even; what is too great becomes an infinity. */
static __u16 to_half(float value)
{
	__u32 bits = number_bits(value);
	__u16 sign = (bits >> 16) & 0x8000;
	float magnitude = fabsf(value);
	__u32 rest;

	if (isnan(value))
		return sign | 0x7e00;
	if (magnitude >= 65520.0f)
		return sign | 0x7c00;
	if (magnitude < ldexpf(1, -14))
		return sign | (__u16)nearbyintf(ldexpf(magnitude, 24));
	bits = (bits & 0x7fffffff) - (112U << 23);
	rest = bits & 0x1fff;
	bits >>= 13;
	if (rest > 0x1000 || (rest == 0x1000 && bits & 1))
		bits++;
	return sign | bits;
}

static void load_q8_0(float *to, const __u8 *from)
{
	struct block_q8_0 block;
	float scale;
	int i;

	memcpy(&block, from, sizeof(block));
	scale = from_half(block.scale);
	for (i = 0; i < 32; i++)
		to[i] = scale * block.values[i];
}

static bool store_q8_0(__u8 *to, const float *from)
{
	struct block_q8_0 block;
	float greatest = 0, scale, inverse;
	int i;

	for (i = 0; i < 32; i++) {
		if (!isfinite(from[i]))
			return false;
		greatest = fmaxf(greatest, fabsf(from[i]));
	}
	scale = greatest / 127;
	inverse = scale ? 1 / scale : 0;
	if (!isfinite(inverse))
		inverse = 0;
	block.scale = to_half(scale);
	for (i = 0; i < 32; i++)
		block.values[i] = roundf(from[i] * inverse);
	memcpy(to, &block, sizeof(block));
	return scale < 65520.0f;
}

void number_load(float *to, const void *from, __u32 type, __u32 count)
{
	const __u8 *at = from;
	__u16 half;
	__u32 i;

	switch (type) {
	case LLM_TENSOR_F32:
		memcpy(to, from, count * sizeof(*to));
		break;
	case LLM_TENSOR_F16:
		for (i = 0; i < count; i++) {
			memcpy(&half, at + i * sizeof(half), sizeof(half));
			to[i] = from_half(half);
		}
		break;
	case LLM_TENSOR_BF16:
		for (i = 0; i < count; i++) {
			memcpy(&half, at + i * sizeof(half), sizeof(half));
			to[i] = from_bits((__u32)half << 16);
		}
		break;
	default:
		for (i = 0; i < count; i += 32)
			load_q8_0(to + i, at + i / 32 * sizeof(struct block_q8_0));
	}
}

bool number_store(void *to, const float *from, __u32 type, __u32 count)
{
	__u8 *at = to;
	bool fits = true;
	__u16 half;
	__u32 i;

	switch (type) {
	case LLM_TENSOR_F32:
		for (i = 0; i < count; i++)
			fits &= isfinite(from[i]);
		memcpy(to, from, count * sizeof(*from));
		break;
	case LLM_TENSOR_F16:
		for (i = 0; i < count; i++) {
			half = to_half(from[i]);
			fits &= (half & 0x7c00) != 0x7c00;
			memcpy(at + i * sizeof(half), &half, sizeof(half));
		}
		break;
	default:
		for (i = 0; i < count; i += 32)
			fits &= store_q8_0(at + i / 32 * sizeof(struct block_q8_0), from + i);
	}
	return fits;
}
