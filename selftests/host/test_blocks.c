// SPDX-License-Identifier: GPL-2.0
/*
 * Blocks of every type against ggml's own reading of them: the sums below are of
 * what dequantize() of gguf-py 0.19 (gguf/quants.py) makes of the same bytes.
 */
#include <stdio.h>

#define LLM_FLOAT
#include "block.h"
#include "math.h"
#include "tap.h"

#define NUMBERS 4096

/* @places: where a type keeps its binary16 numbers, both the same where one. */
static const struct {
	u32 type;
	u32 places[2];
	u64 sum;
} known[] = {
	{ LLM_TENSOR_Q4_0, { 0, 0 }, 0xc5d596034be67d93ULL },
	{ LLM_TENSOR_Q4_1, { 0, 2 }, 0xb1f58cadab67e6c4ULL },
	{ LLM_TENSOR_Q5_0, { 0, 0 }, 0x1e8d4dbbb00529d7ULL },
	{ LLM_TENSOR_Q5_1, { 0, 2 }, 0xb00530dfa61244a6ULL },
	{ LLM_TENSOR_Q8_0, { 0, 0 }, 0xc0b788f7902955baULL },
	{ LLM_TENSOR_Q2_K, { 80, 82 }, 0x6d74f460a40c4ddcULL },
	{ LLM_TENSOR_Q3_K, { 108, 108 }, 0x70eca9c364932424ULL },
	{ LLM_TENSOR_Q4_K, { 0, 2 }, 0x3d995ab6da6d483bULL },
	{ LLM_TENSOR_Q5_K, { 0, 2 }, 0x5d4b66fe3ed911ddULL },
	{ LLM_TENSOR_Q6_K, { 208, 208 }, 0xdc8017f32e0f3231ULL },
	{ LLM_TENSOR_IQ4_NL, { 0, 0 }, 0x329d6e245082a694ULL },
	{ LLM_TENSOR_IQ4_XS, { 0, 0 }, 0xe7d2943d79d41f8dULL },
	{ LLM_TENSOR_MXFP4, { 0, 0 }, 0x71fbb8b30c9ba17fULL },
};

/* Bytes from a linear congruential generator; scales of +-1 to +-2 times 2^-6. */
static void fill(u8 *bytes, const struct llm_type *type, const u32 *places)
{
	u32 state = type->type;

	for (u32 i = 0; i < NUMBERS / type->block * type->bytes; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = state >> 24;
	}
	for (u32 b = 0; b < NUMBERS / type->block; b++) {
		u8 *block = bytes + b * type->bytes;

		if (type->type == LLM_TENSOR_MXFP4)
			block[0] = 118 + block[0] % 8;
		for (u32 i = 0; i < 2 && type->type != LLM_TENSOR_MXFP4; i++)
			block[places[i] + 1] = (block[places[i] + 1] & 0x83) | 0x24;
	}
}

/* FNV-1a over the numbers; adding zero makes one of the two zeroes. */
static u64 sum_numbers(const u8 *bytes, const struct llm_type *type)
{
	u64 sum = 0xcbf29ce484222325ULL;
	struct llm_numbers n;
	u32 bits;

	for (u32 at = 0; at < NUMBERS; at += LLM_BLOCK) {
		llm_block_take(&n, type->type, bytes + at / type->block * type->bytes,
			       at % type->block / LLM_BLOCK);
		for (u32 i = 0; i < LLM_BLOCK; i++) {
			bits = llm_float_bits(n.scales[i / 16] * (float)n.values[i] -
					      n.minima[i / 16] + 0.0f);
			for (u32 byte = 0; byte < 4; byte++)
				sum = (sum ^ (bits >> (8 * byte) & 0xff)) * 0x100000001b3ULL;
		}
	}
	return sum;
}

static void known_blocks(void)
{
	static u8 bytes[NUMBERS * 2];

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		const struct llm_type *type = llm_type_find(known[i].type);
		u64 sum;

		fill(bytes, type, known[i].places);
		sum = sum_numbers(bytes, type);
		if (!tap_check(sum == known[i].sum))
			printf("# %s: 0x%016llx\n", type->name, (unsigned long long)sum);
	}
}

static void every_type_is_known(void)
{
	u32 count = 0;

	for (u32 t = 0; t < LLM_TENSOR_TYPES; t++)
		count += llm_type_find(t) && llm_type_find(t)->block > 1;
	tap_check(count == sizeof(known) / sizeof(known[0]));
}

static const struct tap_test tests[] = {
	{ "blocks are read as ggml reads them", known_blocks },
	{ "every type with blocks is checked", every_type_is_known },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
