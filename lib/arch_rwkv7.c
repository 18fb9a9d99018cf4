// SPDX-License-Identifier: LGPL-2.1-or-later
/* RWKV-7 (arXiv:2503.14456). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "linear.h"
#include "number.h"
#include "recurrent.h"

/* Of the norm of heads; llama.cpp has it so whatever the file says. */
#define HEAD_EPSILON	64e-5f

/* What each position and the one before it are mixed for, in the order of the file. */
enum { MIX_R, MIX_W, MIX_K, MIX_V, MIX_A, MIX_G, MIX_COUNT };

/**
 * struct rwkv7 - one model
 * @t: what it shares with others
 * @head: columns of a head
 * @hidden: width of the channel mixing
 * @decay_rank: numbers that what stays of the state is made of
 * @rate_rank: numbers that the rate of learning is made of
 * @value_rank: numbers that the share of the first layer's values is made of
 * @gate_rank: numbers that gates are made of
 *
 * Registers:
 *
 * @mixed: a position mixed with the one before it, MIX_COUNT times
 * @keys: r, w, k and a of LLM_OP_WKV, side by side
 * @first: values of the first layer
 * @value: values
 * @share: what decides the share of @first; then the input of the channel mixing
 * @gate: gates
 * @answer: what the state said
 * @decay_part: @decay_rank wide; so are the three that follow
 * @rate_part: likewise
 * @value_part: likewise
 * @gate_part: likewise
 * @wide: the channel mixing
 */
struct rwkv7 {
	struct transformer t;
	__u32 head;
	__u32 hidden;
	__u32 decay_rank;
	__u32 rate_rank;
	__u32 value_rank;
	__u32 gate_rank;
	__u16 mixed;
	__u16 keys;
	__u16 first;
	__u16 value;
	__u16 share;
	__u16 gate;
	__u16 answer;
	__u16 decay_part;
	__u16 rate_part;
	__u16 value_part;
	__u16 gate_part;
	__u16 wide;
};

static __u32 read_rank(struct compile *c, const char *key)
{
	return compile_uint(c, compile_key(c, key), COMPILE_REQUIRED, 1, COMPILE_MAX_WIDTH);
}

static void read_keys(struct compile *c, struct rwkv7 *m)
{
	recurrent_read(c, &m->t);
	m->head = compile_uint(c, compile_key(c, "wkv.head_size"), COMPILE_REQUIRED, 1, 64);
	m->hidden = read_rank(c, "feed_forward_length");
	m->decay_rank = read_rank(c, "attention.decay_lora_rank");
	m->rate_rank = read_rank(c, "attention.iclr_lora_rank");
	m->value_rank = read_rank(c, "attention.value_residual_mix_lora_rank");
	m->gate_rank = read_rank(c, "attention.gate_lora_rank");
	compile_uint(c, compile_key(c, "token_shift_count"), 2, 2, 2);
	if (!c->code && m->t.width % m->head)
		compile_fail(c, EINVAL, "key '%s': %u does not divide %u columns",
			     compile_key(c, "wkv.head_size"), m->head, m->t.width);
}

static void add_registers(struct compile *c, struct rwkv7 *m)
{
	__u32 width = m->t.width;

	m->mixed = image_add_register(&c->writer, MIX_COUNT * width, LLM_ROWS_BATCH);
	m->keys = image_add_register(&c->writer, 4 * width, LLM_ROWS_BATCH);
	m->first = image_add_register(&c->writer, width, LLM_ROWS_BATCH);
	m->value = image_add_register(&c->writer, width, LLM_ROWS_BATCH);
	m->share = image_add_register(&c->writer, width, LLM_ROWS_BATCH);
	m->gate = image_add_register(&c->writer, width, LLM_ROWS_BATCH);
	m->answer = image_add_register(&c->writer, width, LLM_ROWS_BATCH);
	m->decay_part = image_add_register(&c->writer, m->decay_rank, LLM_ROWS_BATCH);
	m->rate_part = image_add_register(&c->writer, m->rate_rank, LLM_ROWS_BATCH);
	m->value_part = image_add_register(&c->writer, m->value_rank, LLM_ROWS_BATCH);
	m->gate_part = image_add_register(&c->writer, m->gate_rank, LLM_ROWS_BATCH);
	m->wide = image_add_register(&c->writer, m->hidden, LLM_ROWS_BATCH);
}

/* Shares of the position before: @count for each column. */
static const struct gguf_tensor *need_shares(struct compile *c, const struct rwkv7 *m,
					     const char *name, __u32 count)
{
	const struct gguf_tensor *tensor;

	if (c->code)
		return NULL;
	tensor = gguf_tensor_find(c->gguf, name);
	if (!tensor)
		compile_fail(c, EINVAL, "tensor '%s' is missing", name);
	else if (!number_type(tensor->type))
		compile_fail(c, EOPNOTSUPP, "tensor '%s' is of a type that is not supported", name);
	else if (tensor->dims[0] != m->t.width || tensor->elements != count * m->t.width)
		compile_fail(c, EINVAL, "tensor '%s' has %llu rows of %llu numbers, not %u of %u",
			     name, tensor->elements / tensor->dims[0], tensor->dims[0], count,
			     m->t.width);
	return c->code ? NULL : tensor;
}

/* The mean of a position and the one before it, weighted by a tensor, @count times. */
static void add_mix(struct compile *c, const struct rwkv7 *m, __u32 layer, const char *name,
		    __u16 dst, __u32 count)
{
	__u32 rows = count * m->t.width, i;
	char full[COMPILE_NAME_SIZE];
	float *shares, *weights;

	compile_layer_name(full, layer, name, "weight");
	shares = compile_numbers(c, need_shares(c, m, full, count));
	weights = calloc(rows, 2 * sizeof(*weights));
	if (!weights)
		compile_fail(c, ENOMEM, "not enough memory");
	for (i = 0; i < rows && !c->code; i++) {
		weights[2 * i] = shares[i];
		weights[2 * i + 1] = 1 - shares[i];
	}
	free(shares);
	recurrent_convolve(c, dst, m->t.normed, m->t.width,
			   compile_values(c, full, weights, 2, rows), 2, LLM_IMAGE_NONE,
			   LLM_ACT_NONE);
}

/**
 * struct product - a matrix of a layer, and where it is applied
 * @name: of the matrix
 * @bias: of the vector that is added, or NULL
 * @src: register of its input
 * @src_column: first column of it
 * @columns: how many
 * @dst: register of the result
 * @dst_column: first column of it
 * @rows: how many
 * @residual: whether @dst is added
 */
struct product {
	const char *name;
	const char *bias;
	__u16 src;
	__u32 src_column;
	__u32 columns;
	__u16 dst;
	__u32 dst_column;
	__u32 rows;
	bool residual;
};

static void add_product(struct compile *c, __u32 layer, const struct product *p)
{
	struct llm_insn insn = compile_insn(LLM_OP_LINEAR, p->dst);
	const struct gguf_tensor *weight;
	char full[COMPILE_NAME_SIZE];

	compile_layer_name(full, layer, p->name, "weight");
	weight = compile_need(c, full, p->columns, p->rows);
	if (c->code)
		return;
	insn.tensor[0] = compile_weight(c, full, &weight, 1);
	if (p->bias) {
		compile_layer_name(full, layer, p->bias, "weight");
		insn.tensor[1] = compile_vector(c, compile_need(c, full, p->rows, 1));
	}
	insn.src[0] = p->src;
	insn.src[1] = p->residual ? p->dst : LLM_IMAGE_NONE16;
	insn.arg[0] = p->dst_column;
	insn.arg[1] = p->src_column;
	image_add_insn(&c->writer, &insn);
}

/* Two matrices with a function between them: the mixed position to columns of @dst. */
static void add_pair(struct compile *c, const struct rwkv7 *m, __u32 layer, __u32 mix,
		     const char *const names[3], __u16 part, __u32 rank, __u32 activation,
		     __u16 dst, __u32 dst_column)
{
	__u32 width = m->t.width;

	add_product(c, layer, &(struct product) {
		.name = names[0], .src = m->mixed, .src_column = mix * width, .columns = width,
		.dst = part, .rows = rank,
	});
	if (activation != LLM_ACT_NONE)
		transformer_act(c, activation, part, part, 1, 1);
	add_product(c, layer, &(struct product) {
		.name = names[1], .bias = names[2], .src = part, .columns = rank,
		.dst = dst, .dst_column = dst_column, .rows = width,
	});
}

/* In the order of the columns of the register. */
static void add_keys(struct compile *c, const struct rwkv7 *m, __u32 layer)
{
	static const char *const decay[] = { "time_mix_w1", "time_mix_w2", "time_mix_w0" };
	static const char *const rate[] = { "time_mix_a1", "time_mix_a2", "time_mix_a0" };
	__u32 width = m->t.width;

	add_product(c, layer, &(struct product) {
		.name = "time_mix_receptance", .src = m->mixed, .src_column = MIX_R * width,
		.columns = width, .dst = m->keys, .rows = width,
	});
	add_pair(c, m, layer, MIX_W, decay, m->decay_part, m->decay_rank, LLM_ACT_TANH, m->keys,
		 width);
	add_product(c, layer, &(struct product) {
		.name = "time_mix_key", .src = m->mixed, .src_column = MIX_K * width,
		.columns = width, .dst = m->keys, .dst_column = 2 * width, .rows = width,
	});
	add_pair(c, m, layer, MIX_A, rate, m->rate_part, m->rate_rank, LLM_ACT_NONE, m->keys,
		 3 * width);
}

/* Files have these of the first layer too, where nothing uses them. */
static void skip_share(struct compile *c, const char *const names[3])
{
	char full[COMPILE_NAME_SIZE];
	int i;

	for (i = 0; i < 3; i++) {
		compile_layer_name(full, 0, names[i], "weight");
		gguf_tensor_find(c->gguf, full);
	}
}

/* Values of later layers are blended with those of the first. Returns their register. */
static __u16 add_value(struct compile *c, const struct rwkv7 *m, __u32 layer)
{
	static const char *const share[] = { "time_mix_v1", "time_mix_v2", "time_mix_v0" };
	struct llm_insn blend = compile_insn(LLM_OP_BLEND, m->value);
	__u16 dst = layer ? m->value : m->first;
	__u32 width = m->t.width;

	add_product(c, layer, &(struct product) {
		.name = "time_mix_value", .src = m->mixed, .src_column = MIX_V * width,
		.columns = width, .dst = dst, .rows = width,
	});
	if (!layer) {
		skip_share(c, share);
		return dst;
	}
	add_pair(c, m, layer, MIX_V, share, m->value_part, m->value_rank, LLM_ACT_NONE, m->share,
		 0);
	blend.src[0] = m->value;
	blend.src[1] = m->first;
	blend.src[2] = m->share;
	image_add_insn(&c->writer, &blend);
	return dst;
}

/* Vectors of a layer as the rows of one tensor. */
static __u32 add_rows(struct compile *c, const struct rwkv7 *m, __u32 layer,
		      const char *const *names, __u32 count)
{
	const struct gguf_tensor *sources[COMPILE_MAX_PARTS];
	char full[COMPILE_NAME_SIZE];
	__u32 i;

	for (i = 0; i < count; i++) {
		snprintf(full, sizeof(full), "blk.%u.%s", layer, names[i]);
		sources[i] = compile_need(c, full, m->t.width, 1);
	}
	snprintf(full, sizeof(full), "blk.%u.%s..%s", layer, names[0], names[count - 1]);
	return compile_rows(c, full, sources, count);
}

static void add_wkv(struct compile *c, const struct rwkv7 *m, __u32 layer, __u16 value)
{
	static const char *const keys[] = {
		"time_mix_k_k.weight", "time_mix_k_a.weight", "time_mix_r_k.weight",
	};
	static const char *const norm[] = { "time_mix_ln.weight", "time_mix_ln.bias" };
	struct llm_insn insn = compile_insn(LLM_OP_WKV, m->answer);

	insn.src[0] = m->keys;
	insn.src[1] = value;
	insn.src[2] = m->gate;
	insn.slot = image_add_recurrent(&c->writer, m->t.width * m->head);
	insn.tensor[0] = add_rows(c, m, layer, keys, 3);
	insn.tensor[1] = add_rows(c, m, layer, norm, 2);
	insn.arg[0] = m->t.width / m->head;
	insn.arg[1] = m->head;
	insn.arg[2] = number_bits(HEAD_EPSILON);
	image_add_insn(&c->writer, &insn);
}

static void add_norm(struct compile *c, const struct rwkv7 *m, __u32 layer, const char *name)
{
	char full[COMPILE_NAME_SIZE];

	snprintf(full, sizeof(full), "blk.%u.%s", layer, name);
	transformer_norm(c, &m->t, m->t.normed, m->t.x, LLM_IMAGE_NONE16, full);
}

static void add_time_mix(struct compile *c, const struct rwkv7 *m, __u32 layer)
{
	static const char *const gate[] = { "time_mix_g1", "time_mix_g2", NULL };
	__u32 width = m->t.width;
	__u16 value;

	add_norm(c, m, layer, "attn_norm");
	add_mix(c, m, layer, "time_mix_lerp_fused", m->mixed, MIX_COUNT);
	add_keys(c, m, layer);
	value = add_value(c, m, layer);
	add_pair(c, m, layer, MIX_G, gate, m->gate_part, m->gate_rank, LLM_ACT_SIGMOID, m->gate,
		 0);
	add_wkv(c, m, layer, value);
	add_product(c, layer, &(struct product) {
		.name = "time_mix_output", .src = m->answer, .columns = width, .dst = m->t.x,
		.rows = width, .residual = true,
	});
}

static void add_channel_mix(struct compile *c, const struct rwkv7 *m, __u32 layer)
{
	add_norm(c, m, layer, "attn_norm_2");
	add_mix(c, m, layer, "channel_mix_lerp_k", m->share, 1);
	add_product(c, layer, &(struct product) {
		.name = "channel_mix_key", .src = m->share, .columns = m->t.width,
		.dst = m->wide, .rows = m->hidden,
	});
	transformer_act(c, LLM_ACT_RELU2, m->wide, m->wide, 1, 1);
	add_product(c, layer, &(struct product) {
		.name = "channel_mix_value", .src = m->wide, .columns = m->hidden,
		.dst = m->t.x, .rows = m->t.width, .residual = true,
	});
}

static void add_layer(struct compile *c, const void *model, __u32 layer)
{
	add_time_mix(c, model, layer);
	add_channel_mix(c, model, layer);
}

static void compile_rwkv7(struct compile *c, const struct arch *arch)
{
	struct rwkv7 m = { .t.arch = arch };
	__u32 embedding;

	read_keys(c, &m);
	if (c->code)
		return;
	add_registers(c, &m);
	embedding = recurrent_embed(c, &m.t, m.t.normed);
	transformer_norm(c, &m.t, m.t.x, m.t.normed, LLM_IMAGE_NONE16, "token_embd_norm");
	recurrent_layers(c, &m.t, embedding, add_layer, &m);
}

const struct arch arch_rwkv7 = {
	.name = "rwkv7",
	.compile = compile_rwkv7,
	.traits = TRANSFORMER_LAYER_NORM,
};
