// SPDX-License-Identifier: LGPL-2.1-or-later
/* Mamba (arXiv:2312.00752), with Falcon's norms of what the state is told. */
#include <math.h>
#include <stdio.h>

#include "linear.h"
#include "number.h"
#include "recurrent.h"

/**
 * struct mamba - one model
 * @t: what it shares with others
 * @taps: positions that are convolved
 * @inner: channels
 * @states: numbers of the state of a channel
 * @rank: numbers that the time steps of all channels are made of
 * @norms: whether these, and what goes into the state and comes out, are normed
 *
 * Registers:
 *
 * @input: channels and gates, side by side; then what the state said and gates
 * @channels: channels when convolved; then what the state said, gated
 * @shared: what time steps are made of, what goes in and what comes out, side by side
 * @steps: time steps of the channels
 */
struct mamba {
	struct transformer t;
	__u32 taps;
	__u32 inner;
	__u32 states;
	__u32 rank;
	bool norms;
	__u16 input;
	__u16 channels;
	__u16 shared;
	__u16 steps;
};

static void read_keys(struct compile *c, struct mamba *m)
{
	recurrent_read(c, &m->t);
	m->taps = compile_uint(c, compile_key(c, "ssm.conv_kernel"), COMPILE_REQUIRED, 2, 16);
	m->inner = compile_uint(c, compile_key(c, "ssm.inner_size"), COMPILE_REQUIRED, 1,
				COMPILE_MAX_WIDTH / 2);
	m->states = compile_uint(c, compile_key(c, "ssm.state_size"), COMPILE_REQUIRED, 1, 256);
	m->rank = compile_uint(c, compile_key(c, "ssm.time_step_rank"), COMPILE_REQUIRED, 1,
			       COMPILE_MAX_WIDTH / 2);
	m->norms = compile_bool(c, compile_key(c, "ssm.dt_b_c_rms"), false);
	/* There is no feed-forward part. */
	gguf_key_find(c->gguf, compile_key(c, "feed_forward_length"));
}

static void add_registers(struct compile *c, struct mamba *m)
{
	m->input = image_add_register(&c->writer, 2 * m->inner, LLM_ROWS_BATCH);
	m->channels = image_add_register(&c->writer, m->inner, LLM_ROWS_BATCH);
	m->shared = image_add_register(&c->writer, m->rank + 2 * m->states, LLM_ROWS_BATCH);
	m->steps = image_add_register(&c->writer, m->inner, LLM_ROWS_BATCH);
}

/* A tensor of numbers that no matrix product takes, F32 in the image. */
static __u32 add_numbers(struct compile *c, __u32 layer, const char *name, __u32 columns,
			 __u32 rows)
{
	char full[COMPILE_NAME_SIZE];

	snprintf(full, sizeof(full), "blk.%u.%s", layer, name);
	return compile_vector(c, compile_need(c, full, columns, rows));
}

static void add_convolution(struct compile *c, const struct mamba *m, __u32 layer)
{
	__u32 weight = add_numbers(c, layer, "ssm_conv1d.weight", m->taps, m->inner);
	__u32 bias = add_numbers(c, layer, "ssm_conv1d.bias", m->inner, 1);

	recurrent_convolve(c, m->channels, m->input, m->inner, weight, m->taps, bias,
			   LLM_ACT_SILU);
}

/* Norms columns of what the state is told, in place. */
static void add_shared_norm(struct compile *c, const struct mamba *m, __u32 column, __u32 columns)
{
	struct llm_insn insn = compile_insn(LLM_OP_NORM, m->shared);

	insn.src[0] = m->shared;
	insn.arg[0] = number_bits(m->t.epsilon);
	insn.arg[1] = columns;
	insn.arg[2] = LLM_NORM_RMS;
	insn.arg[3] = column;
	insn.arg[4] = 1;
	image_add_insn(&c->writer, &insn);
}

static void add_shared(struct compile *c, const struct mamba *m, __u32 layer)
{
	const struct linear shared = { "ssm_x", m->rank + 2 * m->states };
	const struct linear steps = { "ssm_dt", m->inner };
	const struct linear_place place = {
		.layer = layer, .dst = m->shared, .src = m->channels, .columns = m->inner,
		.residual = LLM_IMAGE_NONE16,
	};
	const struct linear_place steps_place = {
		.layer = layer, .dst = m->steps, .src = m->shared, .columns = m->rank,
		.residual = LLM_IMAGE_NONE16,
	};

	linear_add(c, &place, &shared, 1);
	if (m->norms) {
		add_shared_norm(c, m, 0, m->rank);
		add_shared_norm(c, m, m->rank, m->states);
		add_shared_norm(c, m, m->rank + m->states, m->states);
	}
	linear_add(c, &steps_place, &steps, 1);
}

static void add_scan(struct compile *c, const struct mamba *m, __u32 layer)
{
	struct llm_insn insn = compile_insn(LLM_OP_SCAN, m->input);

	insn.src[0] = m->channels;
	insn.src[1] = m->steps;
	insn.src[2] = m->shared;
	insn.slot = image_add_recurrent(&c->writer, m->inner * m->states);
	insn.tensor[0] = add_numbers(c, layer, "ssm_a", m->states, m->inner);
	insn.tensor[1] = add_numbers(c, layer, "ssm_d", m->inner, 1);
	insn.arg[0] = m->inner;
	insn.arg[1] = m->states;
	insn.arg[2] = m->rank;
	insn.arg[3] = m->rank + m->states;
	image_add_insn(&c->writer, &insn);
}

static void add_gate(struct compile *c, const struct mamba *m)
{
	struct llm_insn insn = compile_insn(LLM_OP_GLU, m->channels);

	insn.src[0] = m->input;
	insn.arg[0] = m->inner;
	insn.arg[2] = LLM_ACT_SILU;
	image_add_insn(&c->writer, &insn);
}

static void add_layer(struct compile *c, const void *model, __u32 layer)
{
	const struct mamba *m = model;
	const struct linear in = { "ssm_in", 2 * m->inner }, out = { "ssm_out", m->t.width };
	const struct linear_place in_place = {
		.layer = layer, .dst = m->input, .src = m->t.normed, .columns = m->t.width,
		.residual = LLM_IMAGE_NONE16,
	};
	const struct linear_place out_place = {
		.layer = layer, .dst = m->t.x, .src = m->channels, .columns = m->inner,
		.residual = m->t.x,
	};
	char name[COMPILE_NAME_SIZE];

	snprintf(name, sizeof(name), "blk.%u.attn_norm", layer);
	transformer_norm(c, &m->t, m->t.normed, m->t.x, LLM_IMAGE_NONE16, name);
	linear_add(c, &in_place, &in, 1);
	add_convolution(c, m, layer);
	add_shared(c, m, layer);
	add_scan(c, m, layer);
	add_gate(c, m);
	linear_add(c, &out_place, &out, 1);
}

static void compile_mamba(struct compile *c, const struct arch *arch)
{
	struct mamba m = { .t.arch = arch };

	read_keys(c, &m);
	if (c->code)
		return;
	add_registers(c, &m);
	recurrent_layers(c, &m.t, recurrent_embed(c, &m.t, m.t.x), add_layer, &m);
}

const struct arch arch_mamba = {
	.name = "mamba",
	.compile = compile_mamba,
};
