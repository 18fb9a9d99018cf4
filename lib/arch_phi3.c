// SPDX-License-Identifier: LGPL-2.1-or-later
/* Phi 3, 3.5 and 4. */
#include "transformer.h"

static void read_keys(struct compile *c, struct transformer *t)
{
	transformer_read_window(c, t, 0, 0);
}

const struct arch arch_phi3 = {
	.name = "phi3",
	.compile = compile_transformer,
	.traits = TRANSFORMER_HALVES | TRANSFORMER_JOINED_GATE,
	.activation = LLM_ACT_SILU,
	.read = read_keys,
};
