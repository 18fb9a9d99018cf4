// SPDX-License-Identifier: LGPL-2.1-or-later
/* StableLM and StableLM 2. */
#include "transformer.h"

/* The 12B's layers are parallel: it has no norm for the feed-forward part. */
static void read_keys(struct compile *c, struct transformer *t)
{
	gguf_key_find(c->gguf, compile_key(c, "use_parallel_residual"));
	t->parallel = !gguf_tensor_find(c->gguf, "blk.0.ffn_norm.weight");
}

const struct arch arch_stablelm = {
	.name = "stablelm",
	.compile = compile_transformer,
	.traits = TRANSFORMER_HALVES | TRANSFORMER_LAYER_NORM,
	.activation = LLM_ACT_SILU,
	.read = read_keys,
};
