// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdio.h>

#include "linear.h"
#include "macros.h"
#include "number.h"
#include "ranking.h"
#include "transformer.h"

static void add_angles(struct compile *c, struct transformer *t)
{
	if (!t->rotates)
		return;
	t->angles = rope_add(c, &t->rope, "rope_frequencies");
	t->window_angles = t->angles;
	if (t->window && (t->window_rope.base != t->rope.base ||
			  t->window_rope.factor != t->rope.factor ||
			  t->window_rope.yarn != t->rope.yarn ||
			  t->window_rope.magnitude != t->rope.magnitude))
		t->window_angles = rope_add(c, &t->window_rope, "rope_window_frequencies");
}

void transformer_registers(struct compile *c, struct transformer *t)
{
	__u32 qkv = t->heads * t->key_dim + t->kv_heads * (t->key_dim + t->value_dim);
	__u32 up = t->arch->traits & TRANSFORMER_UNGATED ? t->hidden : 2 * t->hidden;

	t->x = image_add_register(&c->writer, t->width, LLM_ROWS_BATCH);
	t->normed = image_add_register(&c->writer, t->width, LLM_ROWS_BATCH);
	t->qkv = image_add_register(&c->writer, qkv, LLM_ROWS_BATCH);
	t->attended = image_add_register(&c->writer, t->heads * t->value_dim, LLM_ROWS_BATCH);
	t->up = image_add_register(&c->writer, up, LLM_ROWS_BATCH);
	t->gated = image_add_register(&c->writer, t->hidden, LLM_ROWS_BATCH);
	add_angles(c, t);
}

__u32 transformer_embed(struct compile *c, const struct transformer *t, __u16 dst, __u16 addend,
			__u32 index, const struct gguf_tensor *source)
{
	struct llm_insn insn = compile_insn(LLM_OP_EMBED, dst);

	if (c->code)
		return LLM_IMAGE_NONE;
	insn.src[0] = addend;
	insn.tensor[0] = compile_weight(c, source->name, &source, 1);
	insn.arg[0] = number_bits(index == LLM_EMBED_TOKEN ? t->embedding_scale : 1);
	insn.arg[1] = index;
	image_add_insn(&c->writer, &insn);
	return insn.tensor[0];
}

static __u32 add_embedding(struct compile *c, const struct transformer *t)
{
	bool positions = t->arch->traits & TRANSFORMER_POSITIONS;
	const struct gguf_tensor *tokens, *learned;
	__u32 number;

	tokens = compile_need(c, "token_embd.weight", t->width, c->writer.model.vocab_size);
	number = transformer_embed(c, t, positions ? t->normed : t->x, LLM_IMAGE_NONE16,
				   LLM_EMBED_TOKEN, tokens);
	if (positions) {
		learned = compile_need(c, "position_embd.weight", t->width,
				       c->writer.model.context_length);
		transformer_embed(c, t, t->x, t->normed, LLM_EMBED_POSITION, learned);
	}
	return number;
}

/* A norm without its place; its tensors have so many columns and rows. */
static struct llm_insn norm_insn(struct compile *c, const struct transformer *t, const char *name,
				 __u32 columns, __u32 rows)
{
	struct llm_insn insn = compile_insn(LLM_OP_NORM, 0);
	char full[COMPILE_NAME_SIZE];

	snprintf(full, sizeof(full), "%s.weight", name);
	insn.tensor[0] = compile_vector(c, compile_need(c, full, columns, rows));
	snprintf(full, sizeof(full), "%s.bias", name);
	insn.tensor[1] = compile_vector(c, compile_find(c, full, columns, rows));
	insn.arg[0] = number_bits(t->epsilon);
	insn.arg[1] = columns;
	insn.arg[2] = t->arch->traits & TRANSFORMER_LAYER_NORM ? LLM_NORM_LAYER : LLM_NORM_RMS;
	return insn;
}

void transformer_norm(struct compile *c, const struct transformer *t, __u16 dst, __u16 src,
		      __u16 residual, const char *name)
{
	struct llm_insn insn = norm_insn(c, t, name, t->width, 1);

	insn.dst = dst;
	insn.src[0] = src;
	insn.src[1] = residual;
	insn.arg[4] = 1;
	image_add_insn(&c->writer, &insn);
}

static void layer_norm(struct compile *c, const struct transformer *t, __u32 layer,
		       __u16 dst, __u16 src, __u16 residual, const char *name)
{
	char full[COMPILE_NAME_SIZE];

	snprintf(full, sizeof(full), "blk.%u.%s", layer, name);
	transformer_norm(c, t, dst, src, residual, full);
}

/* Norms @heads heads from @column of the queries, keys and values, in place. */
static void add_head_norm(struct compile *c, const struct transformer *t, __u32 layer,
			  const char *name, __u32 column, __u32 heads)
{
	bool together = t->arch->traits & TRANSFORMER_WIDTH_NORMS;
	const struct gguf_tensor *found;
	char full[COMPILE_NAME_SIZE];
	struct llm_insn insn;

	compile_layer_name(full, layer, name, "weight");
	found = gguf_tensor_find(c->gguf, full);
	if (!found && !(t->arch->traits & (TRANSFORMER_WIDTH_NORMS | TRANSFORMER_HEAD_NORMS)))
		return;
	snprintf(full, sizeof(full), "blk.%u.%s", layer, name);
	insn = norm_insn(c, t, full, together ? heads * t->key_dim : t->key_dim,
			 found && found->dims[1] > 1 ? heads : 1);
	insn.dst = t->qkv;
	insn.src[0] = t->qkv;
	insn.arg[3] = column;
	insn.arg[4] = together ? 1 : heads;
	image_add_insn(&c->writer, &insn);
}

/* Keys follow the queries, so one instruction rotates both. */
static void add_rope(struct compile *c, const struct transformer *t, __u32 layer)
{
	struct llm_insn insn = compile_insn(LLM_OP_ROPE, t->qkv);

	if (!t->rotates)
		return;
	insn.src[0] = t->windowed[layer] ? t->window_angles : t->angles;
	insn.arg[1] = t->heads + t->kv_heads;
	insn.arg[2] = t->key_dim;
	insn.arg[3] = t->arch->traits & TRANSFORMER_HALVES ? LLM_PAIRING_HALVES :
							     LLM_PAIRING_ADJACENT;
	image_add_insn(&c->writer, &insn);
}

static __u32 kv_type(struct compile *c, const struct transformer *t)
{
	const __u32 types[] = {
		[LLMCTL_KV_DEFAULT] = t->whole ? LLM_TENSOR_F32 : LLM_TENSOR_F16,
		[LLMCTL_KV_F16] = LLM_TENSOR_F16,
		[LLMCTL_KV_Q8_0] = LLM_TENSOR_Q8_0,
		[LLMCTL_KV_F32] = LLM_TENSOR_F32,
	};
	__u32 block = number_type(types[c->kv])->block;

	if (t->key_dim % block || t->value_dim % block)
		compile_fail(c, EOPNOTSUPP,
			     "heads of %u and %u columns can't be kept in blocks of %u: use f16 for keys and values",
			     t->key_dim, t->value_dim, block);
	return types[c->kv];
}

static void add_attend(struct compile *c, const struct transformer *t, __u32 layer)
{
	struct llm_insn insn = compile_insn(LLM_OP_ATTEND, t->attended);
	__u32 queries = t->heads * t->key_dim, keys = t->kv_heads * t->key_dim;

	insn.src[0] = t->qkv;
	insn.src[1] = t->qkv;
	insn.src[2] = t->qkv;
	insn.flags = t->whole ? LLM_ATTEND_WHOLE : 0;
	insn.slot = image_add_kv(&c->writer, kv_type(c, t), keys, t->kv_heads * t->value_dim);
	insn.arg[1] = queries;
	insn.arg[2] = queries + keys;
	insn.arg[3] = t->heads;
	insn.arg[4] = t->kv_heads;
	insn.arg[5] = t->key_dim;
	insn.arg[6] = t->value_dim;
	insn.arg[7] = number_bits(t->attention_scale);
	insn.arg[8] = t->windowed[layer] ? t->window : 0;
	insn.arg[9] = number_bits(t->attention_cap);
	image_add_insn(&c->writer, &insn);
}

void transformer_act(struct compile *c, __u32 activation, __u16 dst, __u16 src, float before,
		     float after)
{
	struct llm_insn insn = compile_insn(LLM_OP_ACT, dst);

	insn.src[0] = src;
	insn.arg[0] = activation;
	insn.arg[1] = number_bits(before);
	insn.arg[2] = number_bits(after);
	image_add_insn(&c->writer, &insn);
}

static bool has_joined_qkv(struct compile *c, __u32 layer)
{
	char name[COMPILE_NAME_SIZE];

	compile_layer_name(name, layer, "attn_qkv", "weight");
	return gguf_tensor_find(c->gguf, name);
}

static void add_qkv(struct compile *c, const struct transformer *t, __u32 layer, __u16 src)
{
	__u32 queries = t->heads * t->key_dim, keys = t->kv_heads * t->key_dim;
	__u32 values = t->kv_heads * t->value_dim;
	const struct linear apart[] = {
		{ "attn_q", queries }, { "attn_k", keys }, { "attn_v", values },
	};
	const struct linear joined = { "attn_qkv", queries + keys + values };
	const struct linear_place place = {
		.layer = layer, .dst = t->qkv, .src = src, .columns = t->width,
		.residual = LLM_IMAGE_NONE16,
	};

	if (has_joined_qkv(c, layer))
		linear_add(c, &place, &joined, 1);
	else
		linear_add(c, &place, apart, ARRAY_SIZE(apart));
	add_head_norm(c, t, layer, "attn_q_norm", 0, t->heads);
	add_head_norm(c, t, layer, "attn_k_norm", queries, t->kv_heads);
}

void transformer_attend(struct compile *c, const struct transformer *t, __u32 layer, __u16 src)
{
	add_qkv(c, t, layer, src);
	add_rope(c, t, layer);
	add_attend(c, t, layer);
}

void transformer_attended(struct compile *c, const struct transformer *t, __u32 layer, __u16 dst,
			  __u16 residual)
{
	const struct linear output = { "attn_output", t->width };
	const struct linear_place last = {
		.layer = layer, .dst = dst, .src = t->attended,
		.columns = t->heads * t->value_dim, .residual = residual,
	};

	linear_add(c, &last, &output, 1);
}

/*
 * ggml computes GELU in binary16. Where what takes it is rounded anyway, so do we;
 * weights in F32 are for those who want all bits.
 */
static __u32 activation(const struct compile *c, const struct transformer *t, __u32 layer)
{
	const struct gguf_tensor *down;
	char name[COMPILE_NAME_SIZE];

	compile_layer_name(name, layer, "ffn_down", "weight");
	down = gguf_tensor_find(c->gguf, name);
	if (t->arch->activation == LLM_ACT_GELU && down &&
	    compile_weight_type(c, down) != LLM_TENSOR_F32)
		return LLM_ACT_GELU_F16;
	return t->arch->activation;
}

void transformer_gated(struct compile *c, struct transformer *t, __u32 layer, __u16 dst, __u16 src,
		       __u16 residual)
{
	const struct linear apart[] = { { "ffn_gate", t->hidden }, { "ffn_up", t->hidden } };
	const struct linear joined = { "ffn_up", 2 * t->hidden };
	const struct linear down = { "ffn_down", t->width };
	struct llm_insn glu = compile_insn(LLM_OP_GLU, t->gated);
	const struct linear_place first = {
		.layer = layer, .dst = t->up, .src = src, .columns = t->width,
		.residual = LLM_IMAGE_NONE16,
	};
	const struct linear_place last = {
		.layer = layer, .dst = dst, .src = t->gated, .columns = t->hidden,
		.residual = residual,
	};

	if (t->arch->traits & TRANSFORMER_JOINED_GATE)
		linear_add(c, &first, &joined, 1);
	else
		linear_add(c, &first, apart, ARRAY_SIZE(apart));
	glu.src[0] = t->up;
	glu.arg[1] = t->hidden;
	glu.arg[2] = activation(c, t, layer);
	image_add_insn(&c->writer, &glu);
	linear_add(c, &last, &down, 1);
}

void transformer_plain(struct compile *c, struct transformer *t, __u32 layer, __u16 dst, __u16 src,
		       __u16 residual)
{
	const struct linear up = { "ffn_up", t->hidden };
	const struct linear down = { "ffn_down", t->width };
	const struct linear_place first = {
		.layer = layer, .dst = t->up, .src = src, .columns = t->width,
		.residual = LLM_IMAGE_NONE16,
	};
	const struct linear_place last = {
		.layer = layer, .dst = dst, .src = t->gated, .columns = t->hidden,
		.residual = residual,
	};

	linear_add(c, &first, &up, 1);
	transformer_act(c, activation(c, t, layer), t->gated, t->up, 1, 1);
	linear_add(c, &last, &down, 1);
}

static void add_logits(struct compile *c, const struct transformer *t, __u16 normed,
		       __u32 embedding)
{
	__u32 vocab = c->writer.model.vocab_size;
	__u16 logits = image_add_register(&c->writer, vocab, LLM_ROWS_OUTPUT);
	struct llm_insn linear = compile_insn(LLM_OP_LINEAR, logits);
	const struct gguf_tensor *output;

	linear.src[0] = normed;
	output = compile_find(c, "output.weight", t->width, vocab);
	linear.tensor[0] = output ? compile_weight(c, "output.weight", &output, 1) : embedding;
	linear.tensor[1] = compile_vector(c, compile_find(c, "output.bias", vocab, 1));
	image_add_insn(&c->writer, &linear);
	if (t->logit_scale != 1)
		transformer_act(c, LLM_ACT_NONE, logits, logits, t->logit_scale, 1);
	if (t->logit_cap > 0)
		transformer_act(c, LLM_ACT_TANH, logits, logits, 1 / t->logit_cap, t->logit_cap);
	c->writer.model.logits = logits;
}

/* What ranks makes no text, though its file may still have what would. */
static void add_scores(struct compile *c, const struct transformer *t, __u16 normed)
{
	if (!(t->arch->traits & TRANSFORMER_SOFTMAX))
		compile_fail(c, EOPNOTSUPP,
			     "key '%s': ranking is supported for encoders and qwen3 only",
			     compile_key(c, "pooling_type"));
	compile_find(c, "output.weight", t->width, c->writer.model.vocab_size);
	c->writer.model.embedding = ranking_add(c, t, normed);
	c->writer.model.logits = LLM_IMAGE_NONE;
}

void transformer_output(struct compile *c, const struct transformer *t, __u32 embedding)
{
	__u16 wanted = image_add_register(&c->writer, t->width, LLM_ROWS_OUTPUT);
	__u16 normed = image_add_register(&c->writer, t->width, LLM_ROWS_OUTPUT);
	struct llm_insn gather = compile_insn(LLM_OP_GATHER, wanted);

	gather.src[0] = t->x;
	image_add_insn(&c->writer, &gather);
	transformer_norm(c, t, normed, wanted, LLM_IMAGE_NONE16, "output_norm");
	c->writer.model.embedding = normed;
	compile_pooling(c, LLM_POOLING_LAST);
	if (c->writer.model.pooling == LLM_POOLING_RANK)
		add_scores(c, t, normed);
	else
		add_logits(c, t, normed, embedding);
}

/*
 * What a part of a layer takes is normed before, unless the architecture has no
 * such norms. In parallel layers the feed-forward part may do without one of its
 * own: it then takes what attention took.
 */
static __u16 add_input(struct compile *c, const struct transformer *t, __u32 layer,
		       const char *name)
{
	char full[COMPILE_NAME_SIZE];

	if (t->arch->traits & TRANSFORMER_NO_PRE_NORMS)
		return t->x;
	compile_layer_name(full, layer, name, "weight");
	if (!t->parallel || gguf_tensor_find(c->gguf, full))
		layer_norm(c, t, layer, t->normed, t->x, LLM_IMAGE_NONE16, name);
	return t->normed;
}

static void add_layer(struct compile *c, struct transformer *t, __u32 layer)
{
	bool post = t->arch->traits & TRANSFORMER_POST_NORMS;
	/* Norms that follow need the result alone, and add the representation. */
	__u16 dst = post ? t->normed : t->x;
	__u16 residual = post ? LLM_IMAGE_NONE16 : t->x;
	__u16 src;

	src = add_input(c, t, layer, "attn_norm");
	transformer_attend(c, t, layer, src);
	if (t->parallel)
		src = add_input(c, t, layer, "ffn_norm");
	transformer_attended(c, t, layer, dst, residual);
	if (post)
		layer_norm(c, t, layer, t->x, dst, t->x, "post_attention_norm");
	if (!t->parallel)
		src = add_input(c, t, layer, "ffn_norm");
	t->feed_forward(c, t, layer, dst, src, residual);
	if (post)
		layer_norm(c, t, layer, t->x, dst, t->x, "post_ffw_norm");
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
	transformer_registers(c, &t);
	embedding = add_embedding(c, &t);
	for (layer = 0; layer < t.layers && !c->code; layer++)
		add_layer(c, &t, layer);
	transformer_output(c, &t, embedding);
}
