/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Keys and values of a page are asked for while those of the page before it are read: a
 * page is too short for the processor to read ahead in it by itself. They are asked for
 * the second cache. What misses the first one waits in few places, and where keys and
 * values are asked for that they come at not much more than half the speed.
 */
#ifndef LLM_ENGINE_FETCH_PAGE_H
#define LLM_ENGINE_FETCH_PAGE_H

#include "../kv_layout.h"
#include "intrinsics.h"

static __always_inline void fetch_bytes(const void *at, const u32 bytes)
{
	u32 i;

#pragma GCC unroll 4
	for (i = 0; i < bytes; i += 64)
		_mm_prefetch((const u8 *)at + i, _MM_HINT_T1);
}

/* Asks for @n of @numbers, from number @at on. */
static __always_inline void fetch_numbers(const void *numbers, u32 at, const u32 n,
					  const u32 type)
{
	const u32 bytes = type == LLM_TENSOR_F32 ? 4 : 2;

	fetch_bytes((const u8 *)numbers + at * bytes, n * bytes);
}

/* Asks for a part of a block: for all of it, when each position has asked. */
static __always_inline void fetch_share(const struct llm_kv_q8_0 *block, u32 position)
{
	fetch_bytes((const u8 *)block + position * (sizeof(*block) / LLM_PAGE_POSITIONS), 1);
}

#endif /* LLM_ENGINE_FETCH_PAGE_H */
