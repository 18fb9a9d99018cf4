/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_FORM_H
#define LLM_ENGINE_FORM_H

#include <linux/llm_image.h>

#include "group.h"
#include "kv.h"
#include "platform.h"
#include "tensor.h"

/** LLM_BLOCK - numbers in one block of a quantised row. */
#define LLM_BLOCK 32

/**
 * struct llm_block_q8_0 - ggml's Q8_0: number i is scale * values[i]
 * @scale: IEEE 754 binary16
 * @values: -127..127 where ggml made them, but an image can have -128
 */
struct llm_block_q8_0 {
	u16 scale;
	s8 values[LLM_BLOCK];
} __packed;

/** LLM_BLOCK_K - numbers in one block of the K formats. */
#define LLM_BLOCK_K 256

/**
 * struct llm_block_x8 - a block of an activation row, quantised: number i is
 *	scale * values[i]
 * @scale_bits: IEEE 754 binary32: largest magnitude / 127. Of LLM_INPUT_Q8_0 and
 *	LLM_INPUT_Q8_1 a number that binary16 has; of LLM_INPUT_Q8_K the same in
 *	all LLM_BLOCK_K / LLM_BLOCK blocks, so that a product can sum integers
 *	over them
 * @offset: -128 times the sum of @values, for products whose other side is stored
 *	with 128 added
 * @sum_bits: IEEE 754 binary32, of LLM_INPUT_Q8_1: scale before it is rounded times
 *	the sum of @values, a number that binary16 has; of LLM_INPUT_Q8_0 0
 * @both: of LLM_INPUT_Q8_K: sums of all @values of this block and of the next one,
 *	in every other block, else 0
 * @sums: sums of the first and the second half of @values, for weights that have
 *	a minimum
 * @values: -127..127
 *
 * ggml's Q8_K turns both values and scale round where the largest number is
 * positive, which changes no product.
 */
struct llm_block_x8 {
	u32 scale_bits;
	s32 offset;
	union {
		u32 sum_bits;
		s16 both[2];
	};
	s16 sums[2];
	s8 values[LLM_BLOCK];
};

/**
 * struct llm_matmul - y[r][o] = sum over c of w[o][c] x[r][c], plus what there is
 *	of bias[o] and residual[r][o]
 * @w: weights: @outputs rows of @columns numbers
 * @x: input: @rows rows of @columns numbers, as llm_input_round() makes them for the
 *	@input of struct llm_type: floats or struct llm_block_x8
 * @bias: @outputs numbers, or NULL
 * @residual: @rows rows of @outputs numbers, or NULL; may be @y
 * @y: result: @rows rows of @outputs numbers
 * @w_stride: bytes from one row of @w to the next
 * @x_stride: bytes from one row of @x to the next
 * @residual_stride: numbers from one row of @residual to the next
 * @y_stride: numbers from one row of @y to the next
 * @type: of the weights, enum llm_tensor_type
 * @outputs: rows of weights
 * @rows: rows of input
 * @columns: a multiple of the block length of that type
 */
struct llm_matmul {
	const u8 *w;
	const u8 *x;
	const float *bias;
	const float *residual;
	float *y;
	u64 w_stride;
	u64 x_stride;
	u64 residual_stride;
	u64 y_stride;
	u32 type;
	u32 outputs;
	u32 rows;
	u32 columns;
};

/** LLM_ATTEND_QUERIES - queries that share a pass over a page. */
#define LLM_ATTEND_QUERIES 8

/**
 * struct llm_attend_page - one head's keys and values of a page, as kv_layout.h has them
 * @keys: column d of the key of position i at d * LLM_PAGE_POSITIONS + i; of
 *	LLM_TENSOR_Q8_0 struct llm_kv_q8_0, one after the other
 * @values: the value of position i from i * @value_stride on, or likewise
 * @next_keys: keys that are wanted next, to ask memory for; may be @keys
 * @next_values: values likewise
 * @value_stride: numbers; not of LLM_TENSOR_Q8_0
 * @key: columns of a key and of a query, 1..512
 * @value: columns of a value and of a result, 1..512
 * @scale: what products of queries and keys are multiplied with
 * @cap: soft limit c of such a score s, which becomes c tanh(s / c); 0 for none
 */
struct llm_attend_page {
	const void *keys;
	const void *values;
	const void *next_keys;
	const void *next_values;
	u32 value_stride;
	u32 key;
	u32 value;
	float scale;
	float cap;
};

/**
 * struct llm_attend_query - one query, and the running softmax of what it has seen
 * @query: the query, as llm_kv_round_query() makes it
 * @result: sum of values, weighted by exp(score - @maximum)
 * @maximum: largest score so far
 * @sum: sum of those weights
 * @from: first position of the page that it sees
 * @to: position after the last one, more than @from
 */
struct llm_attend_query {
	const void *query;
	float *result;
	float *maximum;
	float *sum;
	u32 from;
	u32 to;
};

/**
 * struct llm_scan - one position of LLM_OP_SCAN, for some channels
 * @state: s, @states numbers a channel
 * @a: as many
 * @b: @states numbers
 * @c: @states numbers
 * @t: time steps, one a channel
 * @x: input, one a channel
 * @d: one a channel, or NULL
 * @y: result, one a channel
 * @states: 1..256
 * @channels: how many
 */
struct llm_scan {
	float *state;
	const float *a;
	const float *b;
	const float *c;
	const float *t;
	const float *x;
	const float *d;
	float *y;
	u32 states;
	u32 channels;
};

/**
 * struct llm_wkv - one position of LLM_OP_WKV, for one head: s[i][j] becomes
 *	s[i][j] decay[j] + v[i] k[j] - write[j] times the sum over l of
 *	s[i][l] read[l], and y[i] the sum over j of s[i][j] r[j]
 * @state: s, @n times @n
 * @r: what the state is asked
 * @decay: what stays of it
 * @k: key that is added
 * @v: value that is added
 * @read: key that is removed
 * @write: what it is removed from
 * @y: result
 * @n: columns of the head, 1..64
 */
struct llm_wkv {
	float *state;
	const float *r;
	const float *decay;
	const float *k;
	const float *v;
	const float *read;
	const float *write;
	float *y;
	u32 n;
};

/**
 * struct llm_normal - y = (x - middle) scale weight + bias + residual, number by number,
 *	without those that are NULL
 * @x: numbers to norm
 * @weight: as many, or NULL
 * @bias: likewise
 * @residual: likewise
 * @y: result; may be @x or @residual
 * @middle: what is taken off
 * @scale: what the rest is multiplied with
 * @n: how many
 */
struct llm_normal {
	const float *x;
	const float *weight;
	const float *bias;
	const float *residual;
	float *y;
	float middle;
	float scale;
	u32 n;
};

/** LLM_PAIRINGS - one more than the highest enum llm_pairing. */
#define LLM_PAIRINGS (LLM_PAIRING_HALVES + 1)

/** LLM_FORMS - how many there are for any processor. */
#define LLM_FORMS 5

/** LLM_FORM_NAMES - their names, the narrowest first, for people. */
#define LLM_FORM_NAMES "portable, avx2, avxvnni, avx512 or avx512bf16"

/** LLM_ACTIVATIONS - one more than the highest enum llm_activation. */
#define LLM_ACTIVATIONS (LLM_ACT_GELU_F16 + 1)

/**
 * struct llm_form - the hot loops in one instruction set
 * @name: what the module parameter form calls it
 * @usable: whether this processor can run it
 * @macs_per_us: multiply-adds a microsecond to size tiles with, roughly
 * @group_macs_per_us: those of weights with blocks in LLM_LAYOUT_GROUPS
 * @float_macs_per_us: those of attention, and of other weights in that layout
 * @matmul: struct llm_matmul, for each type of weights
 * @matmul_groups: for weights in LLM_LAYOUT_GROUPS, @outputs a multiple of
 *	LLM_GROUP; NULL for types the form has no use for that layout of
 * @quantize: @n numbers to blocks, to nearest, ties to even, for each enum llm_input
 *	that has blocks; @n a multiple of the block's length
 * @sum: sum of @n numbers, added up in binary64 as ggml does for norms
 * @sum_squares: likewise of the squares of @n numbers
 * @sum_squares_from: likewise of the squares of what @n numbers differ from @middle by
 * @normalize: struct llm_normal; each operation is rounded, as all forms do
 * @rotate: for each enum llm_pairing: pairs of a head's @columns numbers, by a cosine and a
 *	sine each; likewise
 * @f32_to_f16: @n numbers, to nearest, ties to even
 * @round_to_f16: @n numbers to those that binary16 has, likewise; y may be x
 * @round_to_bf16: @n numbers to those whose lower half is zero, likewise
 * @attend: for each number format of a slot: what at most LLM_ATTEND_QUERIES queries
 *	see of a page, added to what they have seen before; no query has the result
 *	of another
 * @scan: struct llm_scan
 * @wkv: struct llm_wkv
 * @activate: y = f(x) * u, or f(x) where @u is NULL, @n numbers, for each enum
 *	llm_activation f; y may be x
 *
 * A result does not depend on how many rows or outputs one call computes: the
 * order of every sum is fixed by its length alone.
 */
struct llm_form {
	const char *name;
	bool (*usable)(void);
	u32 macs_per_us;
	u32 group_macs_per_us;
	u32 float_macs_per_us;
	void (*matmul[LLM_TENSOR_TYPES])(const struct llm_matmul *m);
	void (*matmul_groups[LLM_TENSOR_TYPES])(const struct llm_matmul *m);
	void (*quantize[LLM_INPUTS])(struct llm_block_x8 *y, const float *x, u32 n);
	float (*sum)(const float *x, u32 n);
	float (*sum_squares)(const float *x, u32 n);
	float (*sum_squares_from)(const float *x, float middle, u32 n);
	void (*normalize)(const struct llm_normal *normal);
	void (*rotate[LLM_PAIRINGS])(float *head, const float *angles, u32 columns);
	void (*f32_to_f16)(u16 *y, const float *x, u32 n);
	void (*round_to_f16)(float *y, const float *x, u32 n);
	void (*round_to_bf16)(float *y, const float *x, u32 n);
	void (*attend[LLM_TENSOR_TYPES])(const struct llm_attend_page *page,
					 const struct llm_attend_query *queries, u32 count);
	void (*scan)(const struct llm_scan *s);
	void (*wkv)(const struct llm_wkv *w);
	void (*activate[LLM_ACTIVATIONS])(float *y, const float *x, const float *u, u32 n);
};

extern const struct llm_form llm_form_portable;
extern const struct llm_form llm_form_avx2;
extern const struct llm_form llm_form_avxvnni;
extern const struct llm_form llm_form_avx512;
extern const struct llm_form llm_form_avx512bf16;

/**
 * llm_form_find() - a form for this processor
 * @name: its name
 *
 * Return: the form, or NULL where there is none of that name or it is not
 * usable here.
 */
const struct llm_form *llm_form_find(const char *name);

/**
 * llm_form_at() - the forms one after the other, the narrowest first
 * @index: from 0
 *
 * Return: the form, usable here or not, or NULL past the last.
 */
const struct llm_form *llm_form_at(u32 index);

/**
 * llm_input_bytes() - bytes of a row that is rounded
 * @input: enum llm_input
 * @columns: numbers in it, a multiple of the block's length
 */
u64 llm_input_bytes(u32 input, u32 columns);

/**
 * llm_input_round() - rounds a row to what weights are multiplied with
 * @form: form that does it
 * @input: enum llm_input
 * @to: llm_input_bytes() bytes
 * @x: the row
 * @n: numbers in it, a multiple of the block's length
 */
void llm_input_round(const struct llm_form *form, u32 input, void *to, const float *x, u32 n);

/**
 * llm_sum_both() - fills in @both of the blocks of LLM_BLOCK_K numbers
 * @blocks: LLM_BLOCK_K / LLM_BLOCK blocks, whose @sums are known
 */
static inline void llm_sum_both(struct llm_block_x8 *blocks)
{
	u32 b;

	for (b = 0; b < LLM_BLOCK_K / LLM_BLOCK; b += 2) {
		blocks[b].both[0] = (s16)(blocks[b].sums[0] + blocks[b].sums[1]);
		blocks[b].both[1] = (s16)(blocks[b + 1].sums[0] + blocks[b + 1].sums[1]);
	}
}

#ifdef LLM_FLOAT
/**
 * llm_matmul_store() - puts one result where it belongs
 * @m: multiplication
 * @row: row of the result
 * @output: column of the result
 * @sum: sum of products
 */
static inline void llm_matmul_store(const struct llm_matmul *m, u32 row, u32 output, float sum)
{
	if (m->bias)
		sum += m->bias[output];
	if (m->residual)
		sum += m->residual[row * m->residual_stride + output];
	m->y[row * m->y_stride + output] = sum;
}

/**
 * llm_normal_store() - one number of a norm
 * @normal: norm
 * @i: which
 */
static inline void llm_normal_store(const struct llm_normal *normal, u32 i)
{
	float value = (normal->x[i] - normal->middle) * normal->scale;

	if (normal->weight)
		value *= normal->weight[i];
	if (normal->bias)
		value += normal->bias[i];
	if (normal->residual)
		value += normal->residual[i];
	normal->y[i] = value;
}

/**
 * llm_rotate_pair() - rotates a pair of numbers
 * @a: one
 * @b: the other
 * @angle: cosine and sine
 */
static inline void llm_rotate_pair(float *a, float *b, const float *angle)
{
	float x = *a, y = *b;

	*a = x * angle[0] - y * angle[1];
	*b = x * angle[1] + y * angle[0];
}
#endif

#endif /* LLM_ENGINE_FORM_H */
