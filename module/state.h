/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_STATE_H
#define LLM_STATE_H

#include "engine/kv.h"

/**
 * llm_state_reserve() - llm_kv_reserve() within the bound of the module
 * @kv: page table
 * @positions: positions it must hold afterwards, at most those of llm_kv_init()
 *
 * Return: 0, or with nothing changed -ENOMEM, or -EINTR where the caller is
 * being killed.
 */
int llm_state_reserve(struct llm_kv *kv, u32 positions);

/**
 * llm_state_destroy() - llm_kv_destroy() for what was reserved here
 * @kv: page table, initialised or zeroed; zeroed afterwards
 */
void llm_state_destroy(struct llm_kv *kv);

#endif /* LLM_STATE_H */
