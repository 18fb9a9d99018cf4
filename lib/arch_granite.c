// SPDX-License-Identifier: LGPL-2.1-or-later
/* Granite 3 and 4, dense. */
#include <math.h>

#include "transformer.h"

static void read_keys(struct compile *c, struct transformer *t)
{
	t->logit_scale = 1 / compile_float(c, compile_key(c, "logit_scale"), NAN);
	t->residual_scale = compile_float(c, compile_key(c, "residual_scale"), 1);
	t->embedding_scale = compile_float(c, compile_key(c, "embedding_scale"), 1);
	t->attention_scale = compile_float(c, compile_key(c, "attention.scale"),
					   t->attention_scale);
	/* What is "finetuned" elsewhere says here whether there are rotary positions. */
	t->rotates = compile_bool(c, compile_key(c, "rope.scaling.finetuned"), true);
}

const struct arch arch_granite = {
	.name = "granite",
	.compile = compile_transformer,
	.activation = LLM_ACT_SILU,
	.read = read_keys,
};
