// SPDX-License-Identifier: LGPL-2.1-or-later
/* OLMo 2 and 3, which norm what a part of a layer makes and not what it takes. */
#include "transformer.h"

static void read_keys(struct compile *c, struct transformer *t)
{
	transformer_read_window(c, t, 0, 4);
	t->window_rope.factor = 1;
	t->window_rope.yarn = 0;
	t->window_rope.magnitude = 1;
}

const struct arch arch_olmo2 = {
	.name = "olmo2",
	.compile = compile_transformer,
	.traits = TRANSFORMER_HALVES | TRANSFORMER_NO_PRE_NORMS | TRANSFORMER_POST_NORMS |
		  TRANSFORMER_WIDTH_NORMS,
	.activation = LLM_ACT_SILU,
	.read = read_keys,
};
