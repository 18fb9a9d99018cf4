// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdio.h>

#include "encoder.h"
#include "ranking.h"

static void read_keys(struct compile *c, struct transformer *t)
{
	transformer_read(c, t);
	t->whole = true;
	if (compile_bool(c, compile_key(c, "attention.causal"), false))
		compile_fail(c, EOPNOTSUPP, "key '%s': causal encoders are not supported",
			     compile_key(c, "attention.causal"));
}

/* All of a text is of the first type, as llama.cpp has it. */
static void add_embedding(struct compile *c, struct transformer *t)
{
	const struct gguf_tensor *types = gguf_tensor_find(c->gguf, "token_types.weight");
	__u32 vocab = c->writer.model.vocab_size;
	__u16 from = t->normed, to = t->x, free;

	transformer_embed(c, t, from, LLM_IMAGE_NONE16, LLM_EMBED_TOKEN,
			  compile_need(c, "token_embd.weight", t->width, vocab));
	if (types) {
		transformer_embed(c, t, to, from, LLM_EMBED_FIRST,
				  compile_need(c, "token_types.weight", t->width, types->dims[1]));
		free = from;
		from = to;
		to = free;
	}
	if (t->arch->traits & TRANSFORMER_POSITIONS) {
		transformer_embed(c, t, to, from, LLM_EMBED_POSITION,
				  compile_need(c, "position_embd.weight", t->width,
					       c->writer.model.context_length));
		from = to;
	}
	transformer_norm(c, t, t->x, from, LLM_IMAGE_NONE16, "token_embd_norm");
}

static void add_layer(struct compile *c, struct transformer *t, __u32 layer)
{
	char name[COMPILE_NAME_SIZE];

	transformer_attend(c, t, layer, t->x);
	transformer_attended(c, t, layer, t->normed, t->x);
	snprintf(name, sizeof(name), "blk.%u.attn_output_norm", layer);
	transformer_norm(c, t, t->x, t->normed, LLM_IMAGE_NONE16, name);
	t->feed_forward(c, t, layer, t->normed, t->x, t->x);
	snprintf(name, sizeof(name), "blk.%u.layer_output_norm", layer);
	transformer_norm(c, t, t->x, t->normed, LLM_IMAGE_NONE16, name);
}

static void add_output(struct compile *c, const struct transformer *t)
{
	__u16 wanted = image_add_register(&c->writer, t->width, LLM_ROWS_OUTPUT);
	struct llm_insn gather = compile_insn(LLM_OP_GATHER, wanted);

	gather.src[0] = t->x;
	image_add_insn(&c->writer, &gather);
	compile_pooling(c, LLM_POOLING_MEAN);
	if (c->writer.model.pooling == LLM_POOLING_RANK)
		wanted = ranking_add(c, t, wanted);
	c->writer.model.embedding = wanted;
	c->writer.model.logits = LLM_IMAGE_NONE;
}

void compile_encoder(struct compile *c, const struct arch *arch)
{
	struct transformer t = { .arch = arch };
	__u32 layer;

	read_keys(c, &t);
	if (c->code)
		return;
	transformer_registers(c, &t);
	add_embedding(c, &t);
	for (layer = 0; layer < t.layers && !c->code; layer++)
		add_layer(c, &t, layer);
	add_output(c, &t);
}
