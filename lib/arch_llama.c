// SPDX-License-Identifier: LGPL-2.1-or-later
/* Llama 1 to 3.x, Mistral, SmolLM and all that call themselves so. */
#include <errno.h>

#include "transformer.h"

static void read_keys(struct compile *c, struct transformer *t)
{
	transformer_read_window(c, t, 0, 0);
	compile_uint(c, compile_key(c, "expert_used_count"), 0, 0, UINT32_MAX);
	if (compile_uint(c, compile_key(c, "expert_count"), 0, 0, UINT32_MAX))
		compile_fail(c, EOPNOTSUPP, "key '%s': mixtures of experts are not supported",
			     compile_key(c, "expert_count"));
}

const struct arch arch_llama = {
	.name = "llama",
	.compile = compile_transformer,
	.activation = LLM_ACT_SILU,
	.read = read_keys,
};
