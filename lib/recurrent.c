// SPDX-License-Identifier: LGPL-2.1-or-later
#include "recurrent.h"

/* Files have these for tools that expect them of every model; nothing depends on them. */
static void skip_keys(struct compile *c)
{
	gguf_key_find(c->gguf, compile_key(c, "attention.head_count"));
	gguf_key_find(c->gguf, compile_key(c, "vocab_size"));
	gguf_key_find(c->gguf, compile_key(c, "tensor_data_layout"));
}

void recurrent_read(struct compile *c, struct transformer *t)
{
	t->layers = compile_uint(c, compile_key(c, "block_count"), COMPILE_REQUIRED, 1,
				 RECURRENT_MAX_LAYERS);
	t->width = compile_uint(c, compile_key(c, "embedding_length"), COMPILE_REQUIRED, 1,
				COMPILE_MAX_WIDTH / 8);
	t->epsilon = transformer_read_epsilon(c, t);
	transformer_read_context(c);
	t->embedding_scale = 1;
	t->logit_scale = 1;
	if (c->code)
		return;
	skip_keys(c);
	t->x = image_add_register(&c->writer, t->width, LLM_ROWS_BATCH);
	t->normed = image_add_register(&c->writer, t->width, LLM_ROWS_BATCH);
}

void recurrent_convolve(struct compile *c, __u16 dst, __u16 src, __u32 channels, __u32 weight,
			__u32 taps, __u32 bias, __u32 activation)
{
	struct llm_insn insn = compile_insn(LLM_OP_CONVOLVE, dst);

	insn.src[0] = src;
	insn.slot = image_add_recurrent(&c->writer, channels * (taps - 1));
	insn.tensor[0] = weight;
	insn.tensor[1] = bias;
	insn.arg[0] = channels;
	insn.arg[2] = activation;
	image_add_insn(&c->writer, &insn);
}

__u32 recurrent_embed(struct compile *c, const struct transformer *t, __u16 dst)
{
	return transformer_embed(c, t, dst, LLM_IMAGE_NONE16, LLM_EMBED_TOKEN,
				 compile_need(c, "token_embd.weight", t->width,
					      c->writer.model.vocab_size));
}

void recurrent_layers(struct compile *c, const struct transformer *t, __u32 embedding,
		      void (*add_layer)(struct compile *c, const void *model, __u32 layer),
		      const void *model)
{
	__u32 layer;

	for (layer = 0; layer < t->layers && !c->code; layer++)
		add_layer(c, model, layer);
	transformer_output(c, t, embedding);
}
