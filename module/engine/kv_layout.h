/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How a page keeps keys and values, in each number format that a slot can have. Keys
 * lie column after column, so that scores need no sum across lanes: column d of the
 * key of position i is number d * LLM_PAGE_POSITIONS + i. Values lie position after
 * position. LLM_TENSOR_Q8_0 has this within blocks of LLM_BLOCK columns.
 */
#ifndef LLM_ENGINE_KV_LAYOUT_H
#define LLM_ENGINE_KV_LAYOUT_H

#include "form.h"

/**
 * struct llm_kv_q8_0 - LLM_BLOCK columns of all keys or values of a page in Q8_0: of
 *	each position what ggml makes of these columns
 * @scales: of each position, IEEE 754 binary16
 * @keys: columns 4i to 4i + 3 of each position, with 128 added
 * @values: columns of each position
 */
struct llm_kv_q8_0 {
	u16 scales[LLM_PAGE_POSITIONS];
	union {
		u8 keys[LLM_BLOCK / 4][LLM_PAGE_POSITIONS][4];
		s8 values[LLM_PAGE_POSITIONS][LLM_BLOCK];
	};
};

/**
 * llm_kv_is_known() - whether a slot can have a number format
 * @type: enum llm_tensor_type, unchecked
 */
static inline bool llm_kv_is_known(u32 type)
{
	return type == LLM_TENSOR_F32 || type == LLM_TENSOR_F16 || type == LLM_TENSOR_Q8_0;
}

/**
 * llm_kv_bytes() - bytes that the keys or the values of a page take
 * @type: number format of the slot
 * @columns: their width, a multiple of the format's block
 */
static inline u64 llm_kv_bytes(u32 type, u32 columns)
{
	const struct llm_type *facts = llm_type_find(type);

	return (u64)(columns / facts->block) * facts->bytes * LLM_PAGE_POSITIONS;
}

/**
 * llm_kv_query_bytes() - bytes of a query as keys of a format are multiplied with it
 * @type: number format of the slot
 * @columns: its width, a multiple of the format's block
 */
static inline u64 llm_kv_query_bytes(u32 type, u32 columns)
{
	return llm_input_bytes(llm_type_find(type)->input, columns);
}

#ifdef LLM_FLOAT
/**
 * llm_kv_store_key() - puts a key in a page
 * @form: hot loops
 * @type: number format of the slot
 * @keys: the page's keys
 * @at: position in the page
 * @row: the key
 * @columns: its width
 */
void llm_kv_store_key(const struct llm_form *form, u32 type, u8 *keys, u32 at, const float *row,
		      u32 columns);

/** llm_kv_store_value() - puts a value in a page; see llm_kv_store_key(). */
void llm_kv_store_value(const struct llm_form *form, u32 type, u8 *values, u32 at,
			const float *row, u32 columns);

/**
 * llm_kv_round_query() - rounds a query as ggml does before it is multiplied with keys
 * @form: hot loops
 * @type: number format of the slot
 * @to: llm_kv_query_bytes(): struct llm_block_x8 for LLM_TENSOR_Q8_0, else F32
 * @query: the query
 * @columns: its width
 */
void llm_kv_round_query(const struct llm_form *form, u32 type, void *to, const float *query,
			u32 columns);
#endif

#endif /* LLM_ENGINE_KV_LAYOUT_H */
