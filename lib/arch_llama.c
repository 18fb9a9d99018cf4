// SPDX-License-Identifier: LGPL-2.1-or-later
/* Llama 1 to 3.x, Mistral, Mixtral, SmolLM and all that call themselves so. */
#include "transformer.h"

static void read_keys(struct compile *c, struct transformer *t)
{
	transformer_read_window(c, t, 0, 0);
	experts_read(c, t, true);
}

const struct arch arch_llama = {
	.name = "llama",
	.compile = compile_transformer,
	.activation = LLM_ACT_SILU,
	.read = read_keys,
};
