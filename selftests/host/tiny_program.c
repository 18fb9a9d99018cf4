// SPDX-License-Identifier: GPL-2.0
/* The program of a tiny image. */
#include <string.h>

#include "tiny_builder.h"

static __u32 add_norm_weight(struct tiny_builder *b, const char *name)
{
	return tiny_add_random(b, name, LLM_TENSOR_F32, 1, b->width, 1, 0.5f);
}

static struct llm_insn *add_insn(struct tiny_builder *b, __u16 op, __u16 dst, __u16 src)
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

static void add_norm(struct tiny_builder *b, const char *name, __u16 dst, __u16 src)
{
	struct llm_insn *insn = add_insn(b, LLM_OP_NORM, dst, src);

	insn->tensor[0] = add_norm_weight(b, name);
	insn->arg[0] = tiny_float_bits(0.00001f);
	insn->arg[1] = b->width;
	insn->arg[4] = 1;
}

static void add_linear(struct tiny_builder *b, const char *name, __u16 dst, __u32 column,
		       __u32 rows, __u16 src, __u16 residual)
{
	struct llm_insn *insn = add_insn(b, LLM_OP_LINEAR, dst, src);

	insn->src[1] = residual;
	insn->tensor[0] = tiny_add_matrix(b, name, rows, b->registers[src].width);
	insn->arg[0] = column;
}

static void add_rope(struct tiny_builder *b, __u32 column, __u32 columns)
{
	struct llm_insn *insn = add_insn(b, LLM_OP_ROPE, REG_QKV, REG_ANGLES);

	insn->arg[0] = column;
	insn->arg[1] = columns / b->head;
	insn->arg[2] = b->head;
}

static __u32 add_slot(struct tiny_builder *b, __u32 kind, __u32 type, __u32 key_width,
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

static void add_attend(struct tiny_builder *b)
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
	insn->arg[7] = tiny_float_bits(0.25f);
}

static void add_glu(struct tiny_builder *b)
{
	struct llm_insn *insn = add_insn(b, LLM_OP_GLU, REG_F, REG_GU);

	insn->arg[1] = b->ff_width;
	insn->arg[2] = LLM_ACT_SILU;
}

static void add_experts(struct tiny_builder *b, const char *name, __u16 dst, __u32 column,
			__u32 rows, __u16 src, __u32 columns, bool own)
{
	struct llm_insn *insn = add_insn(b, LLM_OP_EXPERTS, dst, src);

	insn->src[1] = REG_ROUTE;
	insn->tensor[0] = tiny_add_matrix(b, name, TINY_IMAGE_EXPERTS * rows, columns);
	insn->arg[0] = column;
	insn->arg[2] = TINY_IMAGE_EXPERTS;
	insn->arg[3] = TINY_IMAGE_CHOICES;
	insn->arg[4] = own;
}

/* Each expert is as wide as makes those that are chosen fill the registers. */
static void add_mixture(struct tiny_builder *b)
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

static void add_feed_forward(struct tiny_builder *b, __u32 layer)
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
static void add_linear_of(struct tiny_builder *b, const char *name, __u16 dst, __u32 dst_column,
			  __u32 rows, __u16 src, __u32 src_column, __u32 columns)
{
	struct llm_insn *insn = add_insn(b, LLM_OP_LINEAR, dst, src);

	insn->tensor[0] = tiny_add_matrix(b, name, rows, columns);
	insn->arg[0] = dst_column;
	insn->arg[1] = src_column;
}

static void add_convolve(struct tiny_builder *b, __u16 dst, __u16 src, __u32 channels, __u32 taps,
			 __u32 activation)
{
	__u32 rows = b->registers[dst].width;
	struct llm_insn *insn = add_insn(b, LLM_OP_CONVOLVE, dst, src);

	insn->tensor[0] = tiny_add_random(b, "convolution", LLM_TENSOR_F32, rows, taps, 0, 1);
	insn->tensor[1] = tiny_add_random(b, "convolution_bias", LLM_TENSOR_F32, 1, rows, 0, 0.1f);
	insn->slot = add_slot(b, LLM_SLOT_RECURRENT, LLM_TENSOR_F32, channels * (taps - 1), 0);
	insn->arg[0] = channels;
	insn->arg[2] = activation;
}

static void add_scan_layer(struct tiny_builder *b)
{
	__u32 width = b->width, states = TINY_IMAGE_STATES;
	struct llm_insn *insn;

	add_linear(b, "in", REG_F, 0, 2 * width, REG_H, LLM_IMAGE_NONE16);
	add_convolve(b, REG_T, REG_F, width, 4, LLM_ACT_SILU);
	add_linear(b, "shared", REG_SHARED, 0, TINY_BLOCK + 2 * states, REG_T, LLM_IMAGE_NONE16);
	add_linear_of(b, "steps", REG_V, 0, width, REG_SHARED, 0, TINY_BLOCK);
	insn = add_insn(b, LLM_OP_SCAN, REG_F, REG_T);
	insn->src[1] = REG_V;
	insn->src[2] = REG_SHARED;
	insn->slot = add_slot(b, LLM_SLOT_RECURRENT, LLM_TENSOR_F32, width * states, 0);
	insn->tensor[0] = tiny_add_random(b, "a", LLM_TENSOR_F32, width, states, -0.5f, 0.4f);
	insn->tensor[1] = tiny_add_random(b, "d", LLM_TENSOR_F32, 1, width, 1, 0.2f);
	insn->arg[0] = width;
	insn->arg[1] = states;
	insn->arg[2] = TINY_BLOCK;
	insn->arg[3] = TINY_BLOCK + states;
	insn = add_insn(b, LLM_OP_GLU, REG_ATT, REG_F);
	insn->arg[0] = width;
	insn->arg[2] = LLM_ACT_SILU;
	add_linear(b, "out", REG_X, 0, width, REG_ATT, REG_X);
}

static void add_wkv_layer(struct tiny_builder *b)
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
	insn->tensor[0] = tiny_add_random(b, "keys", LLM_TENSOR_F32, 3, width, 1, 0.5f);
	insn->tensor[1] = tiny_add_random(b, "head_norm", LLM_TENSOR_F32, 2, width, 1, 0.5f);
	insn->arg[0] = width / TINY_IMAGE_HEAD;
	insn->arg[1] = TINY_IMAGE_HEAD;
	insn->arg[2] = tiny_float_bits(0.00064f);
	add_linear(b, "out", REG_X, 0, width, REG_ATT, REG_X);
}

static void add_attention(struct tiny_builder *b, __u32 layer)
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

static void add_layer(struct tiny_builder *b, __u32 layer)
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

static void add_angles(struct tiny_builder *b)
{
	struct llm_insn *insn = add_insn(b, LLM_OP_ANGLES, REG_ANGLES, LLM_IMAGE_NONE16);
	float frequencies[TINY_IMAGE_BLOCK / 2];
	double frequency = 1;

	/* 10000^(-2i / 16), which is 10^(-i / 2) */
	for (__u32 i = 0; i < b->head / 2; i++) {
		frequencies[i] = (float)frequency;
		frequency *= 0.31622776601683794;
	}
	insn->tensor[0] = tiny_add_tensor(b, "frequencies", LLM_TENSOR_F32, 1, b->head / 2);
	insn->arg[0] = tiny_float_bits(1);
	if (!b->failed)
		memcpy(b->data + b->tensors[insn->tensor[0]].offset, frequencies,
		       b->head / 2 * sizeof(*frequencies));
}

void tiny_add_program(struct tiny_builder *b)
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
		[REG_SHARED] = { TINY_BLOCK + 2 * TINY_IMAGE_STATES, LLM_ROWS_BATCH },
		[REG_LABELS] = { TINY_IMAGE_LABELS, LLM_ROWS_OUTPUT },
	};
	struct llm_insn *insn;

	memcpy(b->registers, registers, sizeof(registers));
	insn = add_insn(b, LLM_OP_EMBED, REG_X, LLM_IMAGE_NONE16);
	insn->tensor[0] = tiny_add_random(b, "embedding", b->type, TINY_IMAGE_VOCAB, b->width, 0,
					  1);
	insn->arg[0] = tiny_float_bits(1);
	add_angles(b);
	for (__u32 i = 0; i < b->layers; i++)
		add_layer(b, i);
	add_insn(b, LLM_OP_GATHER, REG_XO, REG_X);
	add_norm(b, "output_norm", REG_HO, REG_XO);
	if (b->ranks) {
		add_linear(b, "labels", REG_LABELS, 0, TINY_IMAGE_LABELS, REG_HO, LLM_IMAGE_NONE16);
		add_insn(b, LLM_OP_SOFTMAX, REG_LABELS, REG_LABELS);
	}
	if (b->whole || b->ranks)
		return;
	insn = add_insn(b, LLM_OP_LINEAR, REG_LOGITS, REG_HO);
	/* Spread out logits: the likeliest token stays so whatever the order of a sum. */
	insn->tensor[0] = tiny_add_random(b, "output", b->type, TINY_IMAGE_VOCAB, b->width, 0,
					  6 * tiny_inverse_root(b->width));
}
