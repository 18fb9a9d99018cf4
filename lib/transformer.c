// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdio.h>

#include "linear.h"
#include "macros.h"
#include "number.h"
#include "transformer.h"

static void add_registers(struct compile *c, struct transformer *t)
{
	__u32 qkv = t->heads * t->key_dim + t->kv_heads * (t->key_dim + t->value_dim);

	t->x = image_add_register(&c->writer, t->width, LLM_ROWS_BATCH);
	t->normed = image_add_register(&c->writer, t->width, LLM_ROWS_BATCH);
	t->qkv = image_add_register(&c->writer, qkv, LLM_ROWS_BATCH);
	t->attended = image_add_register(&c->writer, t->heads * t->value_dim, LLM_ROWS_BATCH);
	t->up = image_add_register(&c->writer, 2 * t->hidden, LLM_ROWS_BATCH);
	t->gated = image_add_register(&c->writer, t->hidden, LLM_ROWS_BATCH);
}

static __u32 add_embedding(struct compile *c, const struct transformer *t)
{
	struct llm_insn insn = compile_insn(LLM_OP_EMBED, t->x);
	const struct gguf_tensor *source;

	source = compile_need(c, "token_embd.weight", t->width, c->writer.model.vocab_size);
	insn.tensor[0] = compile_weight(c, "token_embd.weight", &source, 1);
	image_add_insn(&c->writer, &insn);
	return insn.tensor[0];
}

void transformer_norm(struct compile *c, const struct transformer *t, __u16 dst, __u16 src,
		      const char *name)
{
	struct llm_insn insn = compile_insn(LLM_OP_NORM, dst);
	char full[COMPILE_NAME_SIZE];

	snprintf(full, sizeof(full), "%s.weight", name);
	insn.src[0] = src;
	insn.tensor[0] = compile_vector(c, compile_need(c, full, t->width, 1));
	insn.arg[0] = number_bits(t->epsilon);
	insn.arg[1] = t->width;
	image_add_insn(&c->writer, &insn);
}

static void layer_norm(struct compile *c, const struct transformer *t, __u32 layer,
		       __u16 dst, __u16 src, const char *name)
{
	char full[COMPILE_NAME_SIZE];

	snprintf(full, sizeof(full), "blk.%u.%s", layer, name);
	transformer_norm(c, t, dst, src, full);
}

/* Keys follow the queries, so one instruction rotates both. */
static void add_rope(struct compile *c, const struct transformer *t)
{
	struct llm_insn insn = compile_insn(LLM_OP_ROPE, t->qkv);

	insn.src[0] = t->angles;
	insn.arg[1] = t->heads + t->kv_heads;
	insn.arg[2] = t->key_dim;
	image_add_insn(&c->writer, &insn);
}

static void add_attend(struct compile *c, const struct transformer *t)
{
	struct llm_insn insn = compile_insn(LLM_OP_ATTEND, t->attended);
	__u32 queries = t->heads * t->key_dim, keys = t->kv_heads * t->key_dim;

	insn.src[0] = t->qkv;
	insn.src[1] = t->qkv;
	insn.src[2] = t->qkv;
	insn.slot = image_add_kv(&c->writer, keys, t->kv_heads * t->value_dim);
	insn.arg[1] = queries;
	insn.arg[2] = queries + keys;
	insn.arg[3] = t->heads;
	insn.arg[4] = t->kv_heads;
	insn.arg[5] = t->key_dim;
	insn.arg[6] = t->value_dim;
	insn.arg[7] = number_bits(t->attention_scale);
	image_add_insn(&c->writer, &insn);
}

void transformer_attention(struct compile *c, const struct transformer *t, __u32 layer, __u16 dst,
			   __u16 src, __u16 residual)
{
	const struct linear qkv[] = {
		{ "attn_q", t->heads * t->key_dim },
		{ "attn_k", t->kv_heads * t->key_dim },
		{ "attn_v", t->kv_heads * t->value_dim },
	};
	const struct linear output = { "attn_output", t->width };

	linear_add(c, &(struct linear_place) {
		.layer = layer, .dst = t->qkv, .src = src, .columns = t->width,
		.residual = LLM_IMAGE_NONE16,
	}, qkv, ARRAY_SIZE(qkv));
	add_rope(c, t);
	add_attend(c, t);
	linear_add(c, &(struct linear_place) {
		.layer = layer, .dst = dst, .src = t->attended,
		.columns = t->heads * t->value_dim, .residual = residual,
	}, &output, 1);
}

void transformer_gated(struct compile *c, struct transformer *t, __u32 layer, __u16 dst, __u16 src,
		       __u16 residual)
{
	const struct linear gate_up[] = {
		{ "ffn_gate", t->hidden },
		{ "ffn_up", t->hidden },
	};
	const struct linear down = { "ffn_down", t->width };
	struct llm_insn glu = compile_insn(LLM_OP_GLU, t->gated);

	linear_add(c, &(struct linear_place) {
		.layer = layer, .dst = t->up, .src = src, .columns = t->width,
		.residual = LLM_IMAGE_NONE16,
	}, gate_up, ARRAY_SIZE(gate_up));
	glu.src[0] = t->up;
	glu.arg[1] = t->hidden;
	image_add_insn(&c->writer, &glu);
	linear_add(c, &(struct linear_place) {
		.layer = layer, .dst = dst, .src = t->gated, .columns = t->hidden,
		.residual = residual,
	}, &down, 1);
}

void transformer_output(struct compile *c, const struct transformer *t, __u32 embedding)
{
	__u32 vocab = c->writer.model.vocab_size;
	__u16 wanted = image_add_register(&c->writer, t->width, LLM_ROWS_OUTPUT);
	__u16 normed = image_add_register(&c->writer, t->width, LLM_ROWS_OUTPUT);
	struct llm_insn gather = compile_insn(LLM_OP_GATHER, wanted);
	const struct gguf_tensor *output;
	struct llm_insn linear;

	gather.src[0] = t->x;
	image_add_insn(&c->writer, &gather);
	transformer_norm(c, t, normed, wanted, "output_norm");
	c->writer.model.logits = image_add_register(&c->writer, vocab, LLM_ROWS_OUTPUT);
	linear = compile_insn(LLM_OP_LINEAR, c->writer.model.logits);
	linear.src[0] = normed;
	output = compile_find(c, "output.weight", t->width, vocab);
	linear.tensor[0] = output ? compile_weight(c, "output.weight", &output, 1) : embedding;
	image_add_insn(&c->writer, &linear);
}

static void add_layer(struct compile *c, struct transformer *t, __u32 layer)
{
	layer_norm(c, t, layer, t->normed, t->x, "attn_norm");
	transformer_attention(c, t, layer, t->x, t->normed, t->x);
	layer_norm(c, t, layer, t->normed, t->x, "ffn_norm");
	t->feed_forward(c, t, layer, t->x, t->normed, t->x);
}

void compile_transformer(struct compile *c, const struct arch *arch)
{
	struct transformer t = { .arch = arch };
	__u32 layer, embedding;

	transformer_read(c, &t);
	if (arch->read && !c->code)
		arch->read(c, &t);
	if (c->code)
		return;
	add_registers(c, &t);
	embedding = add_embedding(c, &t);
	t.angles = rope_add(c, &t.rope, "rope_frequencies");
	for (layer = 0; layer < t.layers && !c->code; layer++)
		add_layer(c, &t, layer);
	transformer_output(c, &t, embedding);
}
