/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdlib.h>

#include "platform.h"

/** must() - ends the fuzzer, which keeps the input, where @condition does not hold. */
#define must(condition) ((condition) ? (void)0 : abort())

/**
 * fuzz_one() - what a fuzzer does with one input, as libFuzzer calls it
 * @data: input
 * @size: bytes
 *
 * Return: 0.
 */
int fuzz_one(const u8 *data, size_t size) __asm__("LLVMFuzzerTestOneInput");

/**
 * fuzz_mutate() - a fuzzer's own way to change an input, as libFuzzer calls it
 * @data: input, changed
 * @size: bytes
 * @max_size: bytes it may have afterwards
 * @seed: start of the random numbers
 *
 * Return: bytes it has afterwards.
 */
size_t fuzz_mutate(u8 *data, size_t size, size_t max_size, unsigned int seed)
	__asm__("LLVMFuzzerCustomMutator");

/** fuzz_mutate_bytes() - libFuzzer's way to change an input. */
size_t fuzz_mutate_bytes(u8 *data, size_t size, size_t max_size) __asm__("LLVMFuzzerMutate");

#endif /* FUZZ_H */
