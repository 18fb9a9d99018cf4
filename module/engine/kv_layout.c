// SPDX-License-Identifier: GPL-2.0
#include "kv_layout.h"

#include "math.h"

/* Numbers that are worked on at a time: a multiple of LLM_BLOCK. */
#define CHUNK 64U

/* Turns s8 into u8 with 128 added, four at a time. */
#define ADD_128 0x80808080U

static u16 scale_of(const struct llm_form *form, const struct llm_block_x8 *x)
{
	float scale = llm_float(x->scale_bits);
	u16 half;

	form->f32_to_f16(&half, &scale, 1);
	return half;
}

static void store_key_q8_0(struct llm_kv_q8_0 *y, const struct llm_block_x8 *x, u16 scale, u32 at)
{
	u32 i, four;

	y->scales[at] = scale;
	for (i = 0; i < LLM_BLOCK / 4; i++) {
		__builtin_memcpy(&four, x->values + 4 * i, sizeof(four));
		four ^= ADD_128;
		__builtin_memcpy(y->keys[i][at], &four, sizeof(four));
	}
}

static void store_value_q8_0(struct llm_kv_q8_0 *y, const struct llm_block_x8 *x, u16 scale,
			     u32 at)
{
	y->scales[at] = scale;
	__builtin_memcpy(y->values[at], x->values, LLM_BLOCK);
}

static void store_q8_0(const struct llm_form *form, struct llm_kv_q8_0 *y, u32 at,
		       const float *row, u32 columns, bool is_key)
{
	struct llm_block_x8 x[CHUNK / LLM_BLOCK];
	u32 c, b, n;

	for (c = 0; c < columns; c += n) {
		n = min(columns - c, CHUNK);
		form->quantize[LLM_INPUT_Q8_0](x, row + c, n);
		for (b = 0; b < n / LLM_BLOCK; b++, y++) {
			if (is_key)
				store_key_q8_0(y, &x[b], scale_of(form, &x[b]), at);
			else
				store_value_q8_0(y, &x[b], scale_of(form, &x[b]), at);
		}
	}
}

static void store_key_f16(const struct llm_form *form, u16 *keys, const float *row, u32 columns)
{
	u16 half[CHUNK];
	u32 c, i, n;

	for (c = 0; c < columns; c += n) {
		n = min(columns - c, CHUNK);
		form->f32_to_f16(half, row + c, n);
		for (i = 0; i < n; i++)
			keys[(c + i) * LLM_PAGE_POSITIONS] = half[i];
	}
}

static void store_key_f32(float *keys, const float *row, u32 columns)
{
	u32 c;

	for (c = 0; c < columns; c++)
		keys[c * LLM_PAGE_POSITIONS] = row[c];
}

void llm_kv_store_key(const struct llm_form *form, u32 type, u8 *keys, u32 at, const float *row,
		      u32 columns)
{
	if (type == LLM_TENSOR_Q8_0)
		store_q8_0(form, (struct llm_kv_q8_0 *)keys, at, row, columns, true);
	else if (type == LLM_TENSOR_F16)
		store_key_f16(form, (u16 *)keys + at, row, columns);
	else
		store_key_f32((float *)keys + at, row, columns);
}

void llm_kv_store_value(const struct llm_form *form, u32 type, u8 *values, u32 at,
			const float *row, u32 columns)
{
	if (type == LLM_TENSOR_Q8_0)
		store_q8_0(form, (struct llm_kv_q8_0 *)values, at, row, columns, false);
	else if (type == LLM_TENSOR_F16)
		form->f32_to_f16((u16 *)values + at * columns, row, columns);
	else
		__builtin_memcpy((float *)values + at * columns, row, columns * sizeof(*row));
}

void llm_kv_round_query(const struct llm_form *form, u32 type, void *to, const float *query,
			u32 columns)
{
	llm_input_round(form, llm_type_find(type)->input, to, query, columns);
}
