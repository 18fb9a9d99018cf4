/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_TENSOR_H
#define LLM_ENGINE_TENSOR_H

#include <linux/llm_image.h>

#include "platform.h"

/** LLM_TENSOR_TYPES - one more than the highest enum llm_tensor_type. */
#define LLM_TENSOR_TYPES 40

/**
 * enum llm_input - what the rows that weights are multiplied with are rounded to
 *	first, named after the ggml types that ggml rounds them to
 * @LLM_INPUT_F32: not at all
 * @LLM_INPUT_F16: numbers that binary16 has, kept as binary32
 * @LLM_INPUT_BF16: numbers that the upper half of binary32 has, kept likewise
 * @LLM_INPUT_Q8_0: blocks of 32 eight-bit numbers with a scale in binary16
 * @LLM_INPUT_Q8_1: the same, with their sum in binary16
 * @LLM_INPUT_Q8_K: blocks of 256 eight-bit numbers with a scale in binary32
 * @LLM_INPUTS: how many there are
 */
enum llm_input {
	LLM_INPUT_F32,
	LLM_INPUT_F16,
	LLM_INPUT_BF16,
	LLM_INPUT_Q8_0,
	LLM_INPUT_Q8_1,
	LLM_INPUT_Q8_K,
	LLM_INPUTS
};

/**
 * struct llm_type - a number format
 * @type: enum llm_tensor_type
 * @name: what ggml calls it
 * @block: numbers in a block
 * @bytes: bytes of a block
 * @input: enum llm_input, one of blocks where @block is more than 1, else one of numbers
 */
struct llm_type {
	u32 type;
	const char *name;
	u32 block;
	u32 bytes;
	u32 input;
};

/**
 * llm_type_find() - facts of a number format
 * @type: enum llm_tensor_type, or any other number
 *
 * Return: the format, or NULL where it is not known.
 */
const struct llm_type *llm_type_find(u32 type);

#endif /* LLM_ENGINE_TENSOR_H */
