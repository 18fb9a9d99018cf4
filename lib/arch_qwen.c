// SPDX-License-Identifier: LGPL-2.1-or-later
/* Qwen 2 and 2.5, which have biases for queries, keys and values, and Qwen 3. */
#include "transformer.h"

const struct arch arch_qwen2 = {
	.name = "qwen2",
	.compile = compile_transformer,
	.traits = TRANSFORMER_HALVES,
	.activation = LLM_ACT_SILU,
};

const struct arch arch_qwen3 = {
	.name = "qwen3",
	.compile = compile_transformer,
	.traits = TRANSFORMER_HALVES | TRANSFORMER_HEAD_NORMS,
	.activation = LLM_ACT_SILU,
};
