/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_TENSOR_H
#define LLM_ENGINE_TENSOR_H

#include <linux/llm_image.h>

#include "platform.h"

/** LLM_TENSOR_TYPES - one more than the highest enum llm_tensor_type. */
#define LLM_TENSOR_TYPES 40

/**
 * struct llm_type - a number format
 * @type: enum llm_tensor_type
 * @name: what ggml calls it
 * @block: numbers in a block
 * @bytes: bytes of a block
 */
struct llm_type {
	u32 type;
	const char *name;
	u32 block;
	u32 bytes;
};

/**
 * llm_type_find() - facts of a number format
 * @type: enum llm_tensor_type, or any other number
 *
 * Return: the format, or NULL where it is not known.
 */
const struct llm_type *llm_type_find(u32 type);

#endif /* LLM_ENGINE_TENSOR_H */
