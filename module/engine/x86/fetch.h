/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Weights are asked for twice before they are needed: from memory, then from the second
 * cache. That is best where they come about as fast as they are multiplied. One row waits
 * for memory alone, two of Q2_K and Q4_K with AVX-512 do as well, and the processor reads
 * ahead by itself what comes in order: asking beside that costs up to a quarter. Not so
 * with Q6_K, which gets a third of its speed where nobody asks.
 */
#ifndef LLM_ENGINE_FETCH_H
#define LLM_ENGINE_FETCH_H

#include "intrinsics.h"

#define FROM_MEMORY 8192
#define FROM_CACHE 1024
#define FROM_MEMORY_AT_ONCE 4096

/* Asks for what comes after the @bytes at @at. */
static __always_inline void fetch_twice(const u8 *at, const u32 bytes)
{
	u32 i;

#pragma GCC unroll 16
	for (i = 0; i < bytes; i += 64) {
		_mm_prefetch(at + FROM_MEMORY + i, _MM_HINT_T1);
		_mm_prefetch(at + FROM_CACHE + i, _MM_HINT_T0);
	}
}

/* Asks once, for the first cache. */
static __always_inline void fetch_once(const u8 *at, const u32 bytes)
{
	u32 i;

#pragma GCC unroll 16
	for (i = 0; i < bytes; i += 64)
		_mm_prefetch(at + FROM_MEMORY_AT_ONCE + i, _MM_HINT_T0);
}

#endif /* LLM_ENGINE_FETCH_H */
