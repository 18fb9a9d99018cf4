/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LLMCTL_NUMBER_H
#define LLMCTL_NUMBER_H

#include <stdbool.h>

#include <linux/types.h>

/**
 * struct number_type - an enum llm_tensor_type as bytes
 * @name: what people call it
 * @block: numbers in a block
 * @bytes: bytes of a block
 * @loads: whether number_load() takes it
 */
struct number_type {
	const char *name;
	__u32 block;
	__u32 bytes;
	bool loads;
};

/**
 * number_type() - how a type is stored
 * @type: enum llm_tensor_type
 *
 * Return: how, or NULL for a type that images do not have.
 */
const struct number_type *number_type(__u32 type);

/**
 * number_load() - to float32, exactly
 * @to: @count numbers
 * @from: @count numbers of @type, at any address
 * @type: F32, F16, BF16 or Q8_0
 * @count: a multiple of the type's block
 */
void number_load(float *to, const void *from, __u32 type, __u32 count);

/**
 * number_store() - from float32, to nearest
 * @to: @count numbers of @type, at any address
 * @from: @count numbers
 * @type: F32, F16 or Q8_0; of Q8_0 blocks the scale is max |x| / 127, as
 *	ggml's
 * @count: a multiple of the type's block
 *
 * Return: false where a number is not finite, or too great for the type.
 */
bool number_store(void *to, const float *from, __u32 type, __u32 count);

/** number_bits() - the IEEE 754 representation of @value. */
__u32 number_bits(float value);

#endif /* LLMCTL_NUMBER_H */
