/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_GROUP_H
#define LLM_ENGINE_GROUP_H

#include "platform.h"

/** LLM_GROUP - rows that LLM_LAYOUT_GROUPS puts side by side. */
#define LLM_GROUP 16
/** LLM_GROUPS_AT_ONCE - groups of weights without blocks to have in flight. */
#define LLM_GROUPS_AT_ONCE 4

/*
 * LLM_LAYOUT_GROUPS: in the bytes of LLM_GROUP rows their blocks lie side by side,
 * block after block. What begins at byte i of a block begins at byte LLM_GROUP * i
 * of such a group of blocks, and alternates there between the rows: numbers of one
 * or two bytes one by one, weights of less than two bytes in fours of bytes, so that
 * a 512-bit register has the same four bytes of all rows. To the values of Q8_0 128
 * is added, which makes them positive.
 */

/**
 * llm_group_exists() - whether rows of a type can be put side by side
 * @type: enum llm_tensor_type
 */
bool llm_group_exists(u32 type);

/**
 * llm_group_rows() - puts the blocks of LLM_GROUP rows side by side
 * @groups: where they go, as many bytes as the rows have
 * @rows: the rows, one after the other
 * @type: enum llm_tensor_type, one that llm_group_exists() knows
 * @columns: numbers in a row, whole blocks
 */
void llm_group_rows(u8 *groups, const u8 *rows, u32 type, u32 columns);

/**
 * llm_group_take() - takes the block of one row out of a group of blocks
 * @block: where it goes
 * @group: the group of blocks
 * @type: as for llm_group_rows()
 * @row: which row, below LLM_GROUP
 */
void llm_group_take(u8 *block, const u8 *group, u32 type, u32 row);

#endif /* LLM_ENGINE_GROUP_H */
