/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_FORM_H
#define LLM_ENGINE_FORM_H

#include "platform.h"

/** LLM_BLOCK - numbers in one block of a quantised row. */
#define LLM_BLOCK 32

/**
 * struct llm_block_q8_0 - ggml's Q8_0: number i is scale * values[i]
 * @scale: IEEE 754 binary16
 * @values: -127..127
 */
struct llm_block_q8_0 {
	u16 scale;
	s8 values[LLM_BLOCK];
} __packed;

/**
 * struct llm_form - the hot loops in one instruction set
 * @name: what the module parameter form calls it
 * @usable: whether this processor can run it
 * @dot_f32: sum of @n products of two F32 rows
 * @dot_f16: sum of @n products of an F16 and an F32 row
 * @dot_q8_0: sum of products of two rows of @n / LLM_BLOCK blocks
 * @quantize_q8_0: @n numbers to blocks, scale = max |x| / 127, to nearest
 * @f32_to_f16: @n numbers, to nearest even
 * @f16_to_f32: @n numbers, exact
 * @scale_add: y = y * a + b * x, @n numbers, x F32
 * @scale_add_f16: the same, x F16
 * @exp_sum: x = exp(x - maximum), @n numbers; returns their sum
 * @silu_mul: y = g / (1 + exp(-g)) * u, @n numbers
 *
 * For one form, the result for a number does not depend on which call it was
 * computed in: the order of every sum is fixed by @n alone.
 */
struct llm_form {
	const char *name;
	bool (*usable)(void);
	float (*dot_f32)(const float *w, const float *x, u32 n);
	float (*dot_f16)(const u16 *w, const float *x, u32 n);
	float (*dot_q8_0)(const struct llm_block_q8_0 *w, const struct llm_block_q8_0 *x, u32 n);
	void (*quantize_q8_0)(struct llm_block_q8_0 *y, const float *x, u32 n);
	void (*f32_to_f16)(u16 *y, const float *x, u32 n);
	void (*f16_to_f32)(float *y, const u16 *x, u32 n);
	void (*scale_add)(float *y, float a, float b, const float *x, u32 n);
	void (*scale_add_f16)(float *y, float a, float b, const u16 *x, u32 n);
	float (*exp_sum)(float *x, float maximum, u32 n);
	void (*silu_mul)(float *y, const float *g, const float *u, u32 n);
};

extern const struct llm_form llm_form_portable;
extern const struct llm_form llm_form_avx2;

/**
 * llm_form_find() - a form for this processor
 * @name: its name, or NULL or "auto" for the fastest that is usable
 *
 * Return: the form, or NULL where there is none of that name or it is not
 * usable here.
 */
const struct llm_form *llm_form_find(const char *name);

/**
 * llm_form_at() - the forms one after the other, the portable one first
 * @index: from 0
 *
 * Return: the form, usable here or not, or NULL past the last.
 */
const struct llm_form *llm_form_at(u32 index);

#endif /* LLM_ENGINE_FORM_H */
