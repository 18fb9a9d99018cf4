// SPDX-License-Identifier: LGPL-2.1-or-later
/* GPT-2 and what came of it: layer norms, biases, a feed-forward part without a gate. */
#include "transformer.h"

static void read_gptneox(struct compile *c, struct transformer *t)
{
	t->parallel = compile_bool(c, compile_key(c, "use_parallel_residual"), true);
}

const struct arch arch_gpt2 = {
	.name = "gpt2",
	.compile = compile_transformer,
	.traits = TRANSFORMER_POSITIONS | TRANSFORMER_LAYER_NORM | TRANSFORMER_UNGATED,
	.activation = LLM_ACT_GELU,
};

const struct arch arch_gptneox = {
	.name = "gptneox",
	.compile = compile_transformer,
	.traits = TRANSFORMER_HALVES | TRANSFORMER_LAYER_NORM | TRANSFORMER_UNGATED,
	.activation = LLM_ACT_GELU,
	.read = read_gptneox,
};

const struct arch arch_starcoder2 = {
	.name = "starcoder2",
	.compile = compile_transformer,
	.traits = TRANSFORMER_HALVES | TRANSFORMER_LAYER_NORM | TRANSFORMER_UNGATED,
	.activation = LLM_ACT_GELU,
};
