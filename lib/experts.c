// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdio.h>

#include "linear.h"
#include "macros.h"
#include "transformer.h"

static void add_registers(struct compile *c, struct transformer *t)
{
	struct experts *e = &t->experts;

	e->scores = image_add_register(&c->writer, e->count, LLM_ROWS_BATCH);
	e->route = image_add_register(&c->writer, 2 * e->used, LLM_ROWS_BATCH);
	e->up = image_add_register(&c->writer, 2 * e->used * e->hidden, LLM_ROWS_BATCH);
	e->gated = image_add_register(&c->writer, e->used * e->hidden, LLM_ROWS_BATCH);
	e->down = image_add_register(&c->writer, e->used * t->width, LLM_ROWS_BATCH);
	if (!e->shared)
		return;
	e->shared_score = image_add_register(&c->writer, 1, LLM_ROWS_BATCH);
	e->shared_route = image_add_register(&c->writer, 2, LLM_ROWS_BATCH);
	e->shared_up = image_add_register(&c->writer, 2 * e->shared, LLM_ROWS_BATCH);
	e->shared_gated = image_add_register(&c->writer, e->shared, LLM_ROWS_BATCH);
	e->shared_down = image_add_register(&c->writer, t->width, LLM_ROWS_BATCH);
}

static void add_linear(struct compile *c, __u32 layer, const char *name, __u16 dst, __u16 src,
		       __u32 columns, __u32 rows)
{
	const struct linear_place place = {
		.layer = layer, .dst = dst, .src = src, .columns = columns,
		.residual = LLM_IMAGE_NONE16,
	};
	const struct linear linear = { name, rows };

	linear_add(c, &place, &linear, 1);
}

static void add_route(struct compile *c, __u16 dst, __u16 src, __u32 experts, __u32 used,
		      __u32 gating, bool normalise)
{
	struct llm_insn insn = compile_insn(LLM_OP_ROUTE, dst);

	insn.src[0] = src;
	insn.arg[0] = experts;
	insn.arg[1] = used;
	insn.arg[2] = gating;
	insn.arg[3] = normalise;
	image_add_insn(&c->writer, &insn);
}

/* One matrix of every expert, from column @column of @dst on. */
static void add_experts(struct compile *c, const struct transformer *t, __u32 layer,
			const char *name, struct llm_insn insn, __u32 columns, __u32 rows)
{
	const struct gguf_tensor *source;
	char full[COMPILE_NAME_SIZE];

	compile_layer_name(full, layer, name, "weight");
	source = compile_need_stack(c, full, columns, rows, t->experts.count);
	if (c->code)
		return;
	insn.src[1] = t->experts.route;
	insn.tensor[0] = compile_weight(c, full, &source, 1);
	insn.arg[2] = t->experts.count;
	insn.arg[3] = t->experts.used;
	image_add_insn(&c->writer, &insn);
}

static void add_glu(struct compile *c, const struct transformer *t, __u16 dst, __u16 src,
		    __u32 width)
{
	struct llm_insn insn = compile_insn(LLM_OP_GLU, dst);

	insn.src[0] = src;
	insn.arg[1] = width;
	insn.arg[2] = t->arch->activation;
	image_add_insn(&c->writer, &insn);
}

static void add_mix(struct compile *c, __u16 dst, __u16 src, __u16 route, __u16 residual,
		    __u32 used)
{
	struct llm_insn insn = compile_insn(LLM_OP_MIX, dst);

	insn.src[0] = src;
	insn.src[1] = route;
	insn.src[2] = residual;
	insn.arg[0] = used;
	image_add_insn(&c->writer, &insn);
}

static void add_shared(struct compile *c, const struct transformer *t, __u32 layer, __u16 dst,
		       __u16 src)
{
	const struct experts *e = &t->experts;
	const struct linear up[] = {
		{ "ffn_gate_shexp", e->shared }, { "ffn_up_shexp", e->shared },
	};
	const struct linear_place place = {
		.layer = layer, .dst = e->shared_up, .src = src, .columns = t->width,
		.residual = LLM_IMAGE_NONE16,
	};

	add_linear(c, layer, "ffn_gate_inp_shexp", e->shared_score, src, t->width, 1);
	add_route(c, e->shared_route, e->shared_score, 1, 1, LLM_GATING_SIGMOID, false);
	linear_add(c, &place, up, ARRAY_SIZE(up));
	add_glu(c, t, e->shared_gated, e->shared_up, e->shared);
	add_linear(c, layer, "ffn_down_shexp", e->shared_down, e->shared_gated, e->shared,
		   t->width);
	add_mix(c, dst, e->shared_down, e->shared_route, dst, 1);
}

static void feed_forward(struct compile *c, struct transformer *t, __u32 layer, __u16 dst,
			 __u16 src, __u16 residual)
{
	const struct experts *e = &t->experts;
	struct llm_insn up = compile_insn(LLM_OP_EXPERTS, 0);
	struct llm_insn down = compile_insn(LLM_OP_EXPERTS, 0);

	if (!layer)
		add_registers(c, t);
	add_linear(c, layer, "ffn_gate_inp", e->scores, src, t->width, e->count);
	add_route(c, e->route, e->scores, e->count, e->used, LLM_GATING_SOFTMAX, e->normalise);
	up.dst = e->up;
	up.src[0] = src;
	add_experts(c, t, layer, "ffn_gate_exps", up, t->width, e->hidden);
	up.arg[0] = e->used * e->hidden;
	add_experts(c, t, layer, "ffn_up_exps", up, t->width, e->hidden);
	add_glu(c, t, e->gated, e->up, e->used * e->hidden);
	down.dst = e->down;
	down.src[0] = e->gated;
	down.arg[4] = 1;
	add_experts(c, t, layer, "ffn_down_exps", down, e->hidden, t->width);
	add_mix(c, dst, e->down, e->route, residual, e->used);
	if (e->shared)
		add_shared(c, t, layer, dst, src);
}

void experts_read(struct compile *c, struct transformer *t, bool normalise)
{
	struct experts *e = &t->experts;

	e->count = compile_uint(c, compile_key(c, "expert_count"), 0, 0, 1024);
	e->used = compile_uint(c, compile_key(c, "expert_used_count"), 0, 0, 32);
	if (c->code || !e->count)
		return;
	/* What experts may not be, the verifier says. */
	e->hidden = compile_uint(c, compile_key(c, "expert_feed_forward_length"), t->hidden, 1,
				 COMPILE_MAX_WIDTH / 64);
	e->shared = compile_uint(c, compile_key(c, "expert_shared_feed_forward_length"), 0, 0,
				 COMPILE_MAX_WIDTH / 2);
	e->normalise = normalise;
	t->feed_forward = feed_forward;
}
