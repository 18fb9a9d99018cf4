/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_KV_H
#define LLM_ENGINE_KV_H

#include "platform.h"

struct llm_plan;

/** LLM_PAGE_POSITIONS - token positions in one page of key/value state. */
#define LLM_PAGE_POSITIONS 32

/**
 * struct llm_page - key/value state of LLM_PAGE_POSITIONS positions, all slots
 * @users: page tables that hold it
 * @data: for each slot at llm_plan.slots[].page_offset its keys, position
 *	after position, then its values
 */
struct llm_page {
	atomic_t users;
	u8 data[] __aligned(64);
};

/**
 * struct llm_kv - page table: the key/value state of one session
 * @plan: program the state belongs to
 * @pages: pages in the order of their positions
 * @page_count: pages there are
 * @page_room: entries @pages has
 * @positions: the most it may ever hold: the session's context
 *
 * Not locked: its session says who may touch it.
 */
struct llm_kv {
	const struct llm_plan *plan;
	struct llm_page **pages;
	u32 page_count;
	u32 page_room;
	u32 positions;
};

/**
 * llm_kv_init() - an empty page table
 * @kv: page table
 * @plan: program it is for; outlives it
 * @positions: the most it may ever hold
 *
 * Return: 0 or -ENOMEM.
 */
int llm_kv_init(struct llm_kv *kv, const struct llm_plan *plan, u32 positions);

/**
 * llm_kv_reserve() - makes room
 * @kv: page table
 * @positions: positions it must hold afterwards, at most those of llm_kv_init()
 *
 * May sleep. Return: 0, or -ENOMEM with nothing changed.
 */
int llm_kv_reserve(struct llm_kv *kv, u32 positions);

/**
 * llm_kv_trim() - gives back pages past a position
 * @kv: page table
 * @positions: positions that stay
 *
 * What is freed is cleared first.
 */
void llm_kv_trim(struct llm_kv *kv, u32 positions);

/**
 * llm_kv_memory() - bytes the pages of a table take
 * @kv: page table
 */
u64 llm_kv_memory(const struct llm_kv *kv);

/**
 * llm_kv_destroy() - frees all pages, cleared, and the table
 * @kv: page table, initialised or zeroed
 */
void llm_kv_destroy(struct llm_kv *kv);

#endif /* LLM_ENGINE_KV_H */
