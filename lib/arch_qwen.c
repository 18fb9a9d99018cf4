// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Qwen 2 and 2.5, which have biases for queries, keys and values, and Qwen 3; each
 * dense and with experts.
 */
#include "transformer.h"

static void read_qwen2moe(struct compile *c, struct transformer *t)
{
	experts_read(c, t, false);
}

static void read_qwen3moe(struct compile *c, struct transformer *t)
{
	experts_read(c, t, true);
}

const struct arch arch_qwen2 = {
	.name = "qwen2",
	.compile = compile_transformer,
	.traits = TRANSFORMER_HALVES,
	.activation = LLM_ACT_SILU,
};

const struct arch arch_qwen3 = {
	.name = "qwen3",
	.compile = compile_transformer,
	.traits = TRANSFORMER_HALVES | TRANSFORMER_HEAD_NORMS | TRANSFORMER_SOFTMAX,
	.activation = LLM_ACT_SILU,
};

const struct arch arch_qwen2moe = {
	.name = "qwen2moe",
	.compile = compile_transformer,
	.traits = TRANSFORMER_HALVES,
	.activation = LLM_ACT_SILU,
	.read = read_qwen2moe,
};

const struct arch arch_qwen3moe = {
	.name = "qwen3moe",
	.compile = compile_transformer,
	.traits = TRANSFORMER_HALVES | TRANSFORMER_HEAD_NORMS,
	.activation = LLM_ACT_SILU,
	.read = read_qwen3moe,
};
