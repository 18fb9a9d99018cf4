// SPDX-License-Identifier: GPL-2.0
/* A small valid image with random weights, for tests that need a model. */
#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tiny_image.h"

#define MAX_LAYERS	64
#define MAX_TENSORS	(3 + MAX_LAYERS * 20)
#define MAX_INSNS	(8 + MAX_LAYERS * 20)
#define MAX_SLOTS	(MAX_LAYERS * 2)
#define MAX_STRINGS	32768
#define BLOCK		32
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

enum tiny_register {
	REG_X,
	REG_H,
	REG_ANGLES,
	REG_QKV,
	REG_ATT,
	REG_GU,
	REG_F,
	REG_XO,
	REG_HO,
	REG_LOGITS,
	REG_SCORES,
	REG_ROUTE,
	REG_DOWN,
	REG_RWKA,
	REG_V,
	REG_T,
	REG_SHARED,
	REG_COUNT,
};

static const char * const words[] = {
	" ", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q",
	"r", "s", "t", "u", "v", "w", "x", "y", "z", " t", "he", " a", "in", "er", "an", "the",
	" the", "nd", "and", " and", "ing",
};

static_assert(TINY_TOKEN_WORDS + ARRAY_SIZE(words) == TINY_IMAGE_VOCAB,
	      "the words fill the vocabulary");

/* Pieces begin with a space or at the first character of the text. */
enum { CLASS_OTHER, CLASS_SPACE, CLASSES };
enum { STATE_END, STATE_START = LLM_SPLIT_START, STATE_PIECE, STATES };

struct split {
	struct llm_image_split head;
	__u16 page[LLM_SPLIT_PAGES];
	__u8 class[LLM_SPLIT_PAGE];
	__u16 transition[STATES][CLASSES + 1];
};

/* Without what the compiler adds at the end. */
#define SPLIT_BYTES	(offsetof(struct split, transition) + \
			 sizeof(((struct split *)NULL)->transition))

struct fold {
	struct llm_image_fold head;
	__u16 page[LLM_FOLD_PAGES];
	__u32 entry[LLM_FOLD_PAGE];
};

struct builder {
	__u64 random;
	bool whole;
	bool experts;
	bool recurrent;
	__u32 type;
	__u32 width;
	__u32 kv_width;
	__u32 head;
	bool kv_q8_0;
	__u32 ff_width;
	struct llm_image_model model;
	struct llm_image_register registers[REG_COUNT];
	struct llm_image_slot slots[MAX_SLOTS];
	struct llm_insn program[MAX_INSNS];
	struct llm_image_tensor tensors[MAX_TENSORS];
	struct llm_image_tokenizer tokenizer;
	struct llm_image_token vocab[TINY_IMAGE_VOCAB];
	struct llm_image_merge merges[ARRAY_SIZE(words)];
	__u32 merge_count;
	struct split split;
	struct fold fold;
	__u8 strings[MAX_STRINGS];
	__u8 *data;
	size_t data_size;
	__u32 layers;
	__u32 slot_count;
	__u32 insn_count;
	__u32 tensor_count;
	__u32 strings_size;
	bool failed;
};

/* SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
static __u64 next_random(struct builder *b)
{
	__u64 z = b->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* Evenly from -1 to 1, in steps that float32 holds exactly. */
static float next_weight(struct builder *b)
{
	return (float)((__s32)(next_random(b) >> 40) - (1 << 23)) / (1 << 23);
}

static float inverse_root(__u32 n)
{
	double y = 1.0 / n;

	for (int i = 0; i < 40; i++)
		y *= 1.5 - 0.5 * n * y * y;
	return (float)y;
}

static __u32 float_bits(float value)
{
	__u32 bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* Normal numbers only, which is all there are here; cut, not rounded. */
static __u16 half_bits(float value)
{
	__u32 bits = float_bits(value);
	__s32 exponent = (__s32)(bits >> 23 & 0xff) - 127 + 15;

	if (exponent <= 0)
		return bits >> 16 & 0x8000;
	return (bits >> 16 & 0x8000) | exponent << 10 | (bits >> 13 & 0x3ff);
}

static float half_value(__u16 half)
{
	__u32 bits = (half & 0x8000U) << 16 | ((half >> 10 & 0x1fU) + 127 - 15) << 23 |
		     (half & 0x3ffU) << 13;
	float value;

	if (!(half & 0x7fff))
		return 0;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

static size_t padded(size_t size)
{
	return (size + LLM_IMAGE_ALIGN - 1) / LLM_IMAGE_ALIGN * LLM_IMAGE_ALIGN;
}

static size_t row_bytes(__u32 type, __u32 columns)
{
	switch (type) {
	case LLM_TENSOR_F16:
		return columns * 2;
	case LLM_TENSOR_Q8_0:
		return columns / BLOCK * (2 + BLOCK);
	default:
		return columns * 4;
	}
}

static void store_block(__u8 *to, const float *values)
{
	float largest = 0;
	__u16 scale;

	for (int i = 0; i < BLOCK; i++) {
		float size = values[i] < 0 ? -values[i] : values[i];

		if (size > largest)
			largest = size;
	}
	scale = half_bits(largest / 127);
	memcpy(to, &scale, sizeof(scale));
	for (int i = 0; i < BLOCK; i++) {
		float steps = scale ? values[i] / half_value(scale) : 0;
		int rounded = (int)(steps < 0 ? steps - 0.5f : steps + 0.5f);

		to[2 + i] = (__u8)(rounded < -127 ? -127 : rounded > 127 ? 127 : rounded);
	}
}

static void store_row(__u8 *to, __u32 type, const float *row, __u32 columns)
{
	switch (type) {
	case LLM_TENSOR_F16:
		for (__u32 i = 0; i < columns; i++) {
			__u16 half = half_bits(row[i]);

			memcpy(to + i * 2, &half, sizeof(half));
		}
		return;
	case LLM_TENSOR_Q8_0:
		for (__u32 i = 0; i < columns; i += BLOCK)
			store_block(to + i / BLOCK * (2 + BLOCK), row + i);
		return;
	default:
		memcpy(to, row, columns * sizeof(*row));
	}
}

static __u32 add_string(struct builder *b, const void *bytes, size_t length)
{
	__u32 offset = b->strings_size;

	memcpy(b->strings + offset, bytes, length);
	b->strings_size += length;
	return offset;
}

/* Room for a tensor; its bytes are zero. Returns its number. */
static __u32 add_tensor(struct builder *b, const char *name, __u32 type, __u32 rows, __u32 columns)
{
	struct llm_image_tensor *tensor = &b->tensors[b->tensor_count];
	size_t length = rows * row_bytes(type, columns);
	size_t size = b->data_size + padded(length);
	__u8 *data = b->failed ? NULL : realloc(b->data, size);

	if (!data) {
		b->failed = true;
		return 0;
	}
	memset(data + b->data_size, 0, size - b->data_size);
	tensor->offset = b->data_size;
	tensor->length = length;
	tensor->type = type;
	tensor->columns = columns;
	tensor->rows = rows;
	tensor->name_length = strlen(name);
	tensor->name_offset = add_string(b, name, tensor->name_length);
	b->data = data;
	b->data_size = size;
	return b->tensor_count++;
}

/* A matrix of numbers evenly from middle - spread to middle + spread. */
static __u32 add_random(struct builder *b, const char *name, __u32 type, __u32 rows, __u32 columns,
			float middle, float spread)
{
	__u32 number = add_tensor(b, name, type, rows, columns);
	float row[2 * 4096];

	if (b->failed)
		return 0;
	for (__u32 i = 0; i < rows; i++) {
		for (__u32 j = 0; j < columns; j++)
			row[j] = middle + spread * next_weight(b);
		store_row(b->data + b->tensors[number].offset + i * row_bytes(type, columns), type,
			  row, columns);
	}
	return number;
}

static __u32 add_matrix(struct builder *b, const char *name, __u32 rows, __u32 columns)
{
	/* Keeps the variance of what goes through: uniform on +-a has variance a^2 / 3. */
	return add_random(b, name, b->type, rows, columns, 0, 1.7320508f * inverse_root(columns));
}

static __u32 add_norm_weight(struct builder *b, const char *name)
{
	return add_random(b, name, LLM_TENSOR_F32, 1, b->width, 1, 0.5f);
}

static struct llm_insn *add_insn(struct builder *b, __u16 op, __u16 dst, __u16 src)
{
	struct llm_insn *insn = &b->program[b->insn_count++];

	*insn = (struct llm_insn) {
		.op = op,
		.dst = dst,
		.src = { src, LLM_IMAGE_NONE16, LLM_IMAGE_NONE16 },
		.slot = LLM_IMAGE_NONE16,
		.tensor = { LLM_IMAGE_NONE, LLM_IMAGE_NONE, LLM_IMAGE_NONE, LLM_IMAGE_NONE },
	};
	return insn;
}

static void add_norm(struct builder *b, const char *name, __u16 dst, __u16 src)
{
	struct llm_insn *insn = add_insn(b, LLM_OP_NORM, dst, src);

	insn->tensor[0] = add_norm_weight(b, name);
	insn->arg[0] = float_bits(0.00001f);
	insn->arg[1] = b->width;
	insn->arg[4] = 1;
}

static void add_linear(struct builder *b, const char *name, __u16 dst, __u32 column, __u32 rows,
		       __u16 src, __u16 residual)
{
	struct llm_insn *insn = add_insn(b, LLM_OP_LINEAR, dst, src);

	insn->src[1] = residual;
	insn->tensor[0] = add_matrix(b, name, rows, b->registers[src].width);
	insn->arg[0] = column;
}

static void add_rope(struct builder *b, __u32 column, __u32 columns)
{
	struct llm_insn *insn = add_insn(b, LLM_OP_ROPE, REG_QKV, REG_ANGLES);

	insn->arg[0] = column;
	insn->arg[1] = columns / b->head;
	insn->arg[2] = b->head;
}

static __u32 add_slot(struct builder *b, __u32 kind, __u32 type, __u32 key_width,
		      __u32 value_width)
{
	b->slots[b->slot_count] = (struct llm_image_slot) {
		.kind = kind,
		.type = type,
		.key_width = key_width,
		.value_width = value_width,
	};
	return b->slot_count++;
}

static void add_attend(struct builder *b)
{
	struct llm_insn *insn = add_insn(b, LLM_OP_ATTEND, REG_ATT, REG_QKV);

	insn->src[1] = REG_QKV;
	insn->src[2] = REG_QKV;
	insn->flags = b->whole ? LLM_ATTEND_WHOLE : 0;
	insn->slot = add_slot(b, LLM_SLOT_KV, b->kv_q8_0 ? LLM_TENSOR_Q8_0 : LLM_TENSOR_F16,
			      b->kv_width, b->kv_width);
	insn->arg[0] = 0;
	insn->arg[1] = b->width;
	insn->arg[2] = b->width + b->kv_width;
	insn->arg[3] = b->width / b->head;
	insn->arg[4] = b->kv_width / b->head;
	insn->arg[5] = b->head;
	insn->arg[6] = b->head;
	insn->arg[7] = float_bits(0.25f);
}

static void add_glu(struct builder *b)
{
	struct llm_insn *insn = add_insn(b, LLM_OP_GLU, REG_F, REG_GU);

	insn->arg[1] = b->ff_width;
	insn->arg[2] = LLM_ACT_SILU;
}

static void add_experts(struct builder *b, const char *name, __u16 dst, __u32 column, __u32 rows,
			__u16 src, __u32 columns, bool own)
{
	struct llm_insn *insn = add_insn(b, LLM_OP_EXPERTS, dst, src);

	insn->src[1] = REG_ROUTE;
	insn->tensor[0] = add_matrix(b, name, TINY_IMAGE_EXPERTS * rows, columns);
	insn->arg[0] = column;
	insn->arg[2] = TINY_IMAGE_EXPERTS;
	insn->arg[3] = TINY_IMAGE_CHOICES;
	insn->arg[4] = own;
}

/* Each expert is as wide as makes those that are chosen fill the registers. */
static void add_mixture(struct builder *b)
{
	__u32 hidden = b->ff_width / TINY_IMAGE_CHOICES;
	struct llm_insn *insn;

	add_linear(b, "router", REG_SCORES, 0, TINY_IMAGE_EXPERTS, REG_H, LLM_IMAGE_NONE16);
	insn = add_insn(b, LLM_OP_ROUTE, REG_ROUTE, REG_SCORES);
	insn->arg[0] = TINY_IMAGE_EXPERTS;
	insn->arg[1] = TINY_IMAGE_CHOICES;
	insn->arg[3] = 1;
	add_experts(b, "gate", REG_GU, 0, hidden, REG_H, b->width, false);
	add_experts(b, "up", REG_GU, b->ff_width, hidden, REG_H, b->width, false);
	add_glu(b);
	add_experts(b, "down", REG_DOWN, 0, b->width, REG_F, hidden, true);
	insn = add_insn(b, LLM_OP_MIX, REG_X, REG_DOWN);
	insn->src[1] = REG_ROUTE;
	insn->src[2] = REG_X;
	insn->arg[0] = TINY_IMAGE_CHOICES;
}

static void add_feed_forward(struct builder *b, __u32 layer)
{
	if (layer % 2) {
		add_linear(b, "gate", REG_GU, 0, b->ff_width, REG_H, LLM_IMAGE_NONE16);
		add_linear(b, "up", REG_GU, b->ff_width, b->ff_width, REG_H, LLM_IMAGE_NONE16);
	} else {
		add_linear(b, "gate_up", REG_GU, 0, 2 * b->ff_width, REG_H, LLM_IMAGE_NONE16);
	}
	add_glu(b);
	add_linear(b, "down", REG_X, 0, b->width, REG_F, REG_X);
}

/* Of columns of a register that is wider than the matrix takes. */
static void add_linear_of(struct builder *b, const char *name, __u16 dst, __u32 dst_column,
			  __u32 rows, __u16 src, __u32 src_column, __u32 columns)
{
	struct llm_insn *insn = add_insn(b, LLM_OP_LINEAR, dst, src);

	insn->tensor[0] = add_matrix(b, name, rows, columns);
	insn->arg[0] = dst_column;
	insn->arg[1] = src_column;
}

static void add_convolve(struct builder *b, __u16 dst, __u16 src, __u32 channels, __u32 taps,
			 __u32 activation)
{
	__u32 rows = b->registers[dst].width;
	struct llm_insn *insn = add_insn(b, LLM_OP_CONVOLVE, dst, src);

	insn->tensor[0] = add_random(b, "convolution", LLM_TENSOR_F32, rows, taps, 0, 1);
	insn->tensor[1] = add_random(b, "convolution_bias", LLM_TENSOR_F32, 1, rows, 0, 0.1f);
	insn->slot = add_slot(b, LLM_SLOT_RECURRENT, LLM_TENSOR_F32, channels * (taps - 1), 0);
	insn->arg[0] = channels;
	insn->arg[2] = activation;
}

static void add_scan_layer(struct builder *b)
{
	__u32 width = b->width, states = TINY_IMAGE_STATES;
	struct llm_insn *insn;

	add_linear(b, "in", REG_F, 0, 2 * width, REG_H, LLM_IMAGE_NONE16);
	add_convolve(b, REG_T, REG_F, width, 4, LLM_ACT_SILU);
	add_linear(b, "shared", REG_SHARED, 0, BLOCK + 2 * states, REG_T, LLM_IMAGE_NONE16);
	add_linear_of(b, "steps", REG_V, 0, width, REG_SHARED, 0, BLOCK);
	insn = add_insn(b, LLM_OP_SCAN, REG_F, REG_T);
	insn->src[1] = REG_V;
	insn->src[2] = REG_SHARED;
	insn->slot = add_slot(b, LLM_SLOT_RECURRENT, LLM_TENSOR_F32, width * states, 0);
	insn->tensor[0] = add_random(b, "a", LLM_TENSOR_F32, width, states, -0.5f, 0.4f);
	insn->tensor[1] = add_random(b, "d", LLM_TENSOR_F32, 1, width, 1, 0.2f);
	insn->arg[0] = width;
	insn->arg[1] = states;
	insn->arg[2] = BLOCK;
	insn->arg[3] = BLOCK + states;
	insn = add_insn(b, LLM_OP_GLU, REG_ATT, REG_F);
	insn->arg[0] = width;
	insn->arg[2] = LLM_ACT_SILU;
	add_linear(b, "out", REG_X, 0, width, REG_ATT, REG_X);
}

static void add_wkv_layer(struct builder *b)
{
	__u32 width = b->width;
	struct llm_insn *insn;

	add_convolve(b, REG_GU, REG_H, width, 2, LLM_ACT_NONE);
	for (__u32 i = 0; i < 4; i++)
		add_linear_of(b, "rwka", REG_RWKA, i * width, width, REG_GU, i * width, width);
	add_linear(b, "v", REG_V, 0, width, REG_H, LLM_IMAGE_NONE16);
	add_linear(b, "t", REG_T, 0, width, REG_H, LLM_IMAGE_NONE16);
	insn = add_insn(b, LLM_OP_BLEND, REG_V, REG_V);
	insn->src[1] = REG_H;
	insn->src[2] = REG_T;
	add_linear(b, "gate", REG_F, 0, 2 * width, REG_H, LLM_IMAGE_NONE16);
	insn = add_insn(b, LLM_OP_WKV, REG_ATT, REG_RWKA);
	insn->src[1] = REG_V;
	insn->src[2] = REG_F;
	insn->slot = add_slot(b, LLM_SLOT_RECURRENT, LLM_TENSOR_F32, width * TINY_IMAGE_HEAD, 0);
	insn->tensor[0] = add_random(b, "keys", LLM_TENSOR_F32, 3, width, 1, 0.5f);
	insn->tensor[1] = add_random(b, "head_norm", LLM_TENSOR_F32, 2, width, 1, 0.5f);
	insn->arg[0] = width / TINY_IMAGE_HEAD;
	insn->arg[1] = TINY_IMAGE_HEAD;
	insn->arg[2] = float_bits(0.00064f);
	add_linear(b, "out", REG_X, 0, width, REG_ATT, REG_X);
}

static void add_attention(struct builder *b, __u32 layer)
{
	__u32 kv = b->kv_width;
	__u32 width = b->width;

	if (layer % 2) {
		add_linear(b, "q", REG_QKV, 0, width, REG_H, LLM_IMAGE_NONE16);
		add_linear(b, "k", REG_QKV, width, kv, REG_H, LLM_IMAGE_NONE16);
		add_linear(b, "v", REG_QKV, width + kv, kv, REG_H, LLM_IMAGE_NONE16);
	} else {
		add_linear(b, "qkv", REG_QKV, 0, width + 2 * kv, REG_H, LLM_IMAGE_NONE16);
	}
	add_rope(b, 0, width);
	add_rope(b, width, kv);
	add_attend(b);
	add_linear(b, "attention_output", REG_X, 0, width, REG_ATT, REG_X);
}

static void add_layer(struct builder *b, __u32 layer)
{
	add_norm(b, "attention_norm", REG_H, REG_X);
	if (b->recurrent && layer % 3 == 0)
		add_scan_layer(b);
	else if (b->recurrent && layer % 3 == 1)
		add_wkv_layer(b);
	else
		add_attention(b, layer);
	add_norm(b, "feed_forward_norm", REG_H, REG_X);
	if (b->experts)
		add_mixture(b);
	else
		add_feed_forward(b, layer);
}

static void add_angles(struct builder *b)
{
	struct llm_insn *insn = add_insn(b, LLM_OP_ANGLES, REG_ANGLES, LLM_IMAGE_NONE16);
	float frequencies[TINY_IMAGE_BLOCK / 2];
	double frequency = 1;

	/* 10000^(-2i / 16), which is 10^(-i / 2) */
	for (__u32 i = 0; i < b->head / 2; i++) {
		frequencies[i] = (float)frequency;
		frequency *= 0.31622776601683794;
	}
	insn->tensor[0] = add_tensor(b, "frequencies", LLM_TENSOR_F32, 1, b->head / 2);
	insn->arg[0] = float_bits(1);
	if (!b->failed)
		memcpy(b->data + b->tensors[insn->tensor[0]].offset, frequencies,
		       b->head / 2 * sizeof(*frequencies));
}

static void add_program(struct builder *b)
{
	const struct llm_image_register registers[REG_COUNT] = {
		[REG_X] = { b->width, LLM_ROWS_BATCH },
		[REG_H] = { b->width, LLM_ROWS_BATCH },
		[REG_ANGLES] = { b->head, LLM_ROWS_BATCH },
		[REG_QKV] = { b->width + 2 * b->kv_width, LLM_ROWS_BATCH },
		[REG_ATT] = { b->width, LLM_ROWS_BATCH },
		[REG_GU] = { 2 * b->ff_width, LLM_ROWS_BATCH },
		[REG_F] = { b->ff_width, LLM_ROWS_BATCH },
		[REG_XO] = { b->width, LLM_ROWS_OUTPUT },
		[REG_HO] = { b->width, LLM_ROWS_OUTPUT },
		[REG_LOGITS] = { TINY_IMAGE_VOCAB, LLM_ROWS_OUTPUT },
		[REG_SCORES] = { TINY_IMAGE_EXPERTS, LLM_ROWS_BATCH },
		[REG_ROUTE] = { 2 * TINY_IMAGE_CHOICES, LLM_ROWS_BATCH },
		[REG_DOWN] = { TINY_IMAGE_CHOICES * b->width, LLM_ROWS_BATCH },
		[REG_RWKA] = { 4 * b->width, LLM_ROWS_BATCH },
		[REG_V] = { b->width, LLM_ROWS_BATCH },
		[REG_T] = { b->width, LLM_ROWS_BATCH },
		[REG_SHARED] = { BLOCK + 2 * TINY_IMAGE_STATES, LLM_ROWS_BATCH },
	};
	struct llm_insn *insn;

	memcpy(b->registers, registers, sizeof(registers));
	insn = add_insn(b, LLM_OP_EMBED, REG_X, LLM_IMAGE_NONE16);
	insn->tensor[0] = add_random(b, "embedding", b->type, TINY_IMAGE_VOCAB, b->width, 0, 1);
	insn->arg[0] = float_bits(1);
	add_angles(b);
	for (__u32 i = 0; i < b->layers; i++)
		add_layer(b, i);
	add_insn(b, LLM_OP_GATHER, REG_XO, REG_X);
	add_norm(b, "output_norm", REG_HO, REG_XO);
	if (b->whole)
		return;
	insn = add_insn(b, LLM_OP_LINEAR, REG_LOGITS, REG_HO);
	/* Spread out logits: the likeliest token stays so whatever the order of a sum. */
	insn->tensor[0] = add_random(b, "output", b->type, TINY_IMAGE_VOCAB, b->width, 0,
				     6 * inverse_root(b->width));
}

static void set_token(struct builder *b, __u32 number, const char *text, __u8 kind, __u8 flags,
		      __s32 rank)
{
	struct llm_image_token *token = &b->vocab[number];

	token->length = strlen(text);
	token->offset = add_string(b, text, token->length);
	token->kind = kind;
	token->flags = flags;
	token->rank = rank;
}

static void add_vocab(struct builder *b)
{
	char text[8];

	set_token(b, TINY_TOKEN_UNKNOWN, "<unk>", LLM_TOKEN_UNKNOWN, 0, 0);
	set_token(b, TINY_TOKEN_BOS, "<s>", LLM_TOKEN_CONTROL, 0, 0);
	set_token(b, TINY_TOKEN_EOS, "</s>", LLM_TOKEN_CONTROL, LLM_TOKEN_ENDS, 0);
	for (int i = 0; i < 256; i++) {
		snprintf(text, sizeof(text), "<0x%02X>", i);
		set_token(b, TINY_TOKEN_BYTES + i, text, LLM_TOKEN_BYTE, 0, i);
	}
	set_token(b, TINY_TOKEN_USER, "<user>", LLM_TOKEN_USER, 0, 0);
	set_token(b, TINY_TOKEN_TURN_END, "<end>", LLM_TOKEN_CONTROL, LLM_TOKEN_ENDS, 0);
	for (__u32 i = 0; i < ARRAY_SIZE(words); i++)
		set_token(b, TINY_TOKEN_WORDS + i, words[i], LLM_TOKEN_NORMAL, 0, -(__s32)i);
	b->tokenizer = (struct llm_image_tokenizer) {
		.kind = LLM_TOKENIZER_SPM,
		.flags = LLM_TOKENIZER_ADD_BOS | LLM_TOKENIZER_SPACE_PREFIX,
		.bos = TINY_TOKEN_BOS,
		.eos = TINY_TOKEN_EOS,
		.unknown = TINY_TOKEN_UNKNOWN,
	};
}

/* A word is made of the longest earlier one it begins with, if the rest is one too. */
static void add_merge(struct builder *b, __u32 word)
{
	const char *text = words[word];

	for (size_t cut = strlen(text) - 1; cut; cut--) {
		struct llm_image_merge merge = { .result = TINY_TOKEN_WORDS + word };

		for (__u32 i = 0; i < word; i++) {
			if (strlen(words[i]) == cut && !strncmp(words[i], text, cut))
				merge.left = TINY_TOKEN_WORDS + i;
			if (!strcmp(words[i], text + cut))
				merge.right = TINY_TOKEN_WORDS + i;
		}
		if (merge.left && merge.right) {
			b->merges[b->merge_count++] = merge;
			return;
		}
	}
}

static void add_bpe(struct builder *b)
{
	static const __u16 transition[STATES][CLASSES + 1] = {
		[STATE_START] = { STATE_PIECE, STATE_PIECE, STATE_END },
		[STATE_PIECE] = { STATE_PIECE, LLM_SPLIT_MATCH, LLM_SPLIT_MATCH },
	};

	for (__u32 i = 0; i < ARRAY_SIZE(words); i++)
		add_merge(b, i);
	b->split.head = (struct llm_image_split) {
		.name = "tiny", .classes = CLASSES, .pages = 1, .passes = 1, .states = { STATES },
	};
	b->split.class[' '] = CLASS_SPACE;
	memcpy(b->split.transition, transition, sizeof(transition));
}

/* All code points are like those of ASCII. */
static void add_fold(struct builder *b)
{
	b->fold.head.pages = 1;
	b->fold.entry[0] = LLM_FOLD_DROP;
	b->fold.entry[' '] = LLM_FOLD_SPACE;
	b->fold.entry['.'] = LLM_FOLD_ALONE;
	b->fold.entry[','] = LLM_FOLD_ALONE;
	for (int c = 'A'; c <= 'Z'; c++)
		b->fold.entry[c] = 'a' - 'A';
}

static void set_tokenizer(struct builder *b, __u32 kind)
{
	b->tokenizer.kind = kind;
	if (kind != LLM_TOKENIZER_SPM)
		b->tokenizer.flags &= ~LLM_TOKENIZER_SPACE_PREFIX;
	if (kind == LLM_TOKENIZER_BPE)
		add_bpe(b);
	if (kind == LLM_TOKENIZER_WORDPIECE)
		add_fold(b);
}

static const struct llm_image_chat chat = {
	.name = "tiny",
	.first = "u:",
	.system = "s:",
	.system_end = "<end>u:",
	.reply = "<end>a:",
	.next = "<end>u:",
};

static void add_model(struct builder *b, const struct tiny_image_options *options)
{
	snprintf((char *)b->model.name, sizeof(b->model.name), "tiny");
	snprintf((char *)b->model.architecture, sizeof(b->model.architecture), "llama");
	for (__u32 i = 0; i < b->tensor_count; i++)
		b->model.parameters += (__u64)b->tensors[i].rows * b->tensors[i].columns;
	b->model.context_length = options->context ? options->context : 256;
	b->model.vocab_size = TINY_IMAGE_VOCAB;
	b->model.logits = b->whole ? LLM_IMAGE_NONE : REG_LOGITS;
	b->model.embedding = REG_HO;
	b->model.pooling = options->pooling ? options->pooling : LLM_POOLING_LAST;
}

/* A section that has nothing in it is left out. */
static void *assemble(const struct builder *b, bool has_chat, size_t *size)
{
	const bool bpe = b->tokenizer.kind == LLM_TOKENIZER_BPE;
	const bool wordpiece = b->tokenizer.kind == LLM_TOKENIZER_WORDPIECE;
	const struct {
		__u32 kind;
		const void *bytes;
		size_t length;
	} parts[] = {
		{ LLM_SECTION_CHAT, &chat, has_chat ? sizeof(chat) : 0 },
		{ LLM_SECTION_MODEL, &b->model, sizeof(b->model) },
		{ LLM_SECTION_REGISTERS, b->registers, sizeof(b->registers) },
		{ LLM_SECTION_SLOTS, b->slots, b->slot_count * sizeof(b->slots[0]) },
		{ LLM_SECTION_PROGRAM, b->program, b->insn_count * sizeof(b->program[0]) },
		{ LLM_SECTION_TENSORS, b->tensors, b->tensor_count * sizeof(b->tensors[0]) },
		{ LLM_SECTION_TOKENIZER, &b->tokenizer, sizeof(b->tokenizer) },
		{ LLM_SECTION_VOCAB, b->vocab, sizeof(b->vocab) },
		{ LLM_SECTION_MERGES, b->merges, b->merge_count * sizeof(b->merges[0]) },
		{ LLM_SECTION_SPLIT, &b->split, bpe ? SPLIT_BYTES : 0 },
		{ LLM_SECTION_FOLD, &b->fold, wordpiece ? sizeof(b->fold) : 0 },
		{ LLM_SECTION_STRINGS, b->strings, b->strings_size },
		{ LLM_SECTION_DATA, b->data, b->data_size },
	};
	struct llm_image_section *section;
	struct llm_image_header *header;
	__u32 count = 0;
	size_t offset;
	__u8 *image;

	*size = 0;
	for (__u32 i = 0; i < ARRAY_SIZE(parts); i++) {
		count += parts[i].length > 0;
		*size += padded(parts[i].length);
	}
	offset = padded(sizeof(*header) + count * sizeof(*section));
	*size += offset;
	image = aligned_alloc(LLM_IMAGE_ALIGN, *size);
	if (!image)
		return NULL;
	memset(image, 0, *size);

	header = (struct llm_image_header *)image;
	memcpy(header->magic, LLM_IMAGE_MAGIC, sizeof(header->magic));
	header->version = LLM_IMAGE_VERSION;
	header->sections = count;
	header->size = *size;
	section = (struct llm_image_section *)(header + 1);
	for (__u32 i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!parts[i].length)
			continue;
		section->kind = parts[i].kind;
		section->offset = offset;
		section->length = parts[i].length;
		section++;
		memcpy(image + offset, parts[i].bytes, parts[i].length);
		offset += padded(parts[i].length);
	}
	return image;
}

void *tiny_image_build(const struct tiny_image_options *options, size_t *size)
{
	__u32 layers = options->layers ? options->layers : 2;
	__u32 width = options->width ? options->width : 64;
	struct builder *b;
	void *image = NULL;

	if (layers > MAX_LAYERS || width % 32 || width > 4096)
		return NULL;
	if (options->type != LLM_TENSOR_F32 && options->type != LLM_TENSOR_F16 &&
	    options->type != LLM_TENSOR_Q8_0)
		return NULL;
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->random = options->seed;
	b->whole = options->whole;
	b->experts = options->experts;
	b->recurrent = options->recurrent;
	b->type = options->type;
	b->layers = layers;
	b->width = width;
	b->kv_width = width / 2;
	b->kv_q8_0 = options->kv_q8_0;
	b->head = b->kv_q8_0 ? TINY_IMAGE_BLOCK : TINY_IMAGE_HEAD;
	b->ff_width = 2 * width;
	add_vocab(b);
	set_tokenizer(b, options->tokenizer ? options->tokenizer : LLM_TOKENIZER_SPM);
	add_program(b);
	add_model(b, options);
	if (!b->failed)
		image = assemble(b, options->chat, size);
	free(b->data);
	free(b);
	return image;
}

struct llm_image_section *tiny_image_section(void *image, __u32 kind)
{
	struct llm_image_header *header = image;
	struct llm_image_section *section = (struct llm_image_section *)(header + 1);

	for (__u32 i = 0; i < header->sections; i++)
		if (section[i].kind == kind)
			return &section[i];
	return NULL;
}

void *tiny_image_bytes(void *image, __u32 kind)
{
	return (__u8 *)image + tiny_image_section(image, kind)->offset;
}
