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
 * struct llm_kv - the state of one session: a page table of keys and values, and what
 *	is recurrent
 * @plan: program the state belongs to
 * @recurrent: llm_plan.recurrent_bytes: what the last position computed has left; NULL
 *	until something is reserved, and where the program has none
 * @pages: pages in the order of their positions; none where the program has no keys
 * @page_count: pages there are
 * @page_room: entries @pages has
 * @positions: the most it may ever hold: the session's context
 *
 * Recurrent state can't go back: after position p comes position p + 1, or position
 * 0, which takes it for zero. Where keys alone could have been used again, a text
 * that differs from the last one must begin anew.
 *
 * Not locked: its session says who may touch it.
 */
struct llm_kv {
	const struct llm_plan *plan;
	u8 *recurrent;
	struct llm_page **pages;
	u32 page_count;
	u32 page_room;
	u32 positions;
};

/**
 * llm_kv_init() - empty state
 * @kv: state
 * @plan: program it is for; outlives it
 * @positions: the most it may ever hold
 *
 * Return: 0 or -ENOMEM.
 */
int llm_kv_init(struct llm_kv *kv, const struct llm_plan *plan, u32 positions);

/**
 * llm_kv_pages() - pages that positions take
 * @plan: program
 * @positions: positions
 */
u32 llm_kv_pages(const struct llm_plan *plan, u32 positions);

/**
 * llm_kv_reserve() - makes room
 * @kv: state
 * @positions: positions it must hold afterwards, at most those of llm_kv_init(); 0:
 *	what is recurrent alone
 *
 * May sleep. Return: 0, or -ENOMEM with nothing changed.
 */
int llm_kv_reserve(struct llm_kv *kv, u32 positions);

/**
 * llm_kv_trim() - gives back pages past a position
 * @kv: state
 * @positions: positions that stay; 0: nothing stays, what is recurrent neither
 *
 * What is freed is cleared first.
 */
void llm_kv_trim(struct llm_kv *kv, u32 positions);

/**
 * llm_kv_memory() - bytes that state takes
 * @kv: state
 */
u64 llm_kv_memory(const struct llm_kv *kv);

/**
 * llm_kv_needs() - bytes that the state of so many positions takes
 * @plan: program
 * @positions: positions
 */
u64 llm_kv_needs(const struct llm_plan *plan, u32 positions);

/**
 * llm_kv_destroy() - frees everything, cleared
 * @kv: state, initialised or zeroed
 */
void llm_kv_destroy(struct llm_kv *kv);

#endif /* LLM_ENGINE_KV_H */
