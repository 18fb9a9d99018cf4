/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_WEIGHTS_H
#define LLM_WEIGHTS_H

#include <linux/types.h>

/**
 * llm_weights_alloc() - memory for an image, in huge pages where there are some
 * @size: bytes, not 0
 *
 * Zeroed, and charged to the caller's memory cgroup. Refused rather than had at the
 * price of killing somebody, and, where that is plain, before the allocator says so at
 * length in the log. On the memory nodes that the caller's policy names: no exported call
 * maps huge pages of several nodes, so to spread them is up to who loads.
 * vmalloc_to_pfn() tells its pages. Return: the memory, or NULL.
 */
void *llm_weights_alloc(u64 size);

/**
 * llm_weights_free() - gives it back
 * @memory: the memory, or NULL
 */
void llm_weights_free(const void *memory);

#endif /* LLM_WEIGHTS_H */
