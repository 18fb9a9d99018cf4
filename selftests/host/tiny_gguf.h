/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TINY_GGUF_H
#define TINY_GGUF_H

#include <stddef.h>

#include <linux/types.h>

/** TINY_GGUF_VOCAB - tokens: unknown, BOS, EOS, 256 bytes, space and letters. */
#define TINY_GGUF_VOCAB 286

/**
 * tiny_gguf_build() - makes a valid GGUF file of a small Llama, version 3
 * @type: enum llm_tensor_type of the matrices
 * @seed: start of the random weights
 * @size: set to the bytes of the file
 *
 * One layer, 32 columns, two query heads and one key/value head, 64 columns in
 * the feed-forward, a tied output. Return: the file, for free(), or NULL where
 * there is no memory.
 */
void *tiny_gguf_build(__u32 type, __u64 seed, size_t *size);

#endif /* TINY_GGUF_H */
