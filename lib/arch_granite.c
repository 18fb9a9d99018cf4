// SPDX-License-Identifier: LGPL-2.1-or-later
/* Granite 3 and 4, dense. */
#include <math.h>

#include "transformer.h"

/*
 * What the parts of a layer make is multiplied by the residual scale before it is added.
 * The representation is kept divided by that instead: only embeddings and norms look at
 * it, and a norm finds the same where its epsilon is divided by the square. Scaling the
 * input of a matrix would round it to other eight bits than llama.cpp's.
 */
static void divide_representation(struct transformer *t, double scale)
{
	t->embedding_scale = (float)(t->embedding_scale / scale);
	t->epsilon = (float)(t->epsilon / (scale * scale));
}

static void read_keys(struct compile *c, struct transformer *t)
{
	t->logit_scale = 1 / compile_float(c, compile_key(c, "logit_scale"), NAN);
	t->embedding_scale = compile_float(c, compile_key(c, "embedding_scale"), 1);
	t->attention_scale = compile_float(c, compile_key(c, "attention.scale"),
					   t->attention_scale);
	divide_representation(t, compile_float(c, compile_key(c, "residual_scale"), 1));
	/* What is "finetuned" elsewhere says here whether there are rotary positions. */
	t->rotates = compile_bool(c, compile_key(c, "rope.scaling.finetuned"), true);
}

const struct arch arch_granite = {
	.name = "granite",
	.compile = compile_transformer,
	.activation = LLM_ACT_SILU,
	.read = read_keys,
};
