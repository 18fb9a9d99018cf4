/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LLMCTL_GGML_TYPE_H
#define LLMCTL_GGML_TYPE_H

#include <linux/types.h>

/**
 * struct ggml_type - a number format of GGUF
 * @number: what files call it
 * @name: what people call it
 * @block: numbers in a block
 * @bytes: bytes of a block
 */
struct ggml_type {
	__u32 number;
	const char *name;
	__u32 block;
	__u32 bytes;
};

/**
 * ggml_type_find() - a format by its number
 * @number: number
 *
 * Return: the format, or NULL where it is not known.
 */
const struct ggml_type *ggml_type_find(__u32 number);

#endif /* LLMCTL_GGML_TYPE_H */
