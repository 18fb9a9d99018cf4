// SPDX-License-Identifier: LGPL-2.1-or-later
/* Gemma 1 to 3, text. Files hold the weights of norms with the 1 added. */
#include <math.h>

#include "transformer.h"

/* Of these two sizes, known by their layers, heads share the width evenly instead. */
#define GEMMA2_27B_LAYERS	46
#define GEMMA3_27B_LAYERS	62

static void read_gemma(struct compile *c, struct transformer *t)
{
	(void)c;
	t->embedding_scale = sqrtf(t->width);
}

static void read_gemma2(struct compile *c, struct transformer *t)
{
	t->embedding_scale = sqrtf(t->width);
	if (t->layers == GEMMA2_27B_LAYERS)
		t->attention_scale = 1 / sqrt(t->width / t->heads);
	t->attention_cap = compile_float(c, compile_key(c, "attn_logit_softcapping"), 50);
	t->logit_cap = compile_float(c, compile_key(c, "final_logit_softcapping"), 30);
	transformer_read_window(c, t, 4096, 2);
}

static void read_gemma3(struct compile *c, struct transformer *t)
{
	t->embedding_scale = sqrtf(t->width);
	if (t->layers == GEMMA3_27B_LAYERS)
		t->attention_scale = 1 / sqrt(t->width / t->heads);
	if (gguf_key_find(c->gguf, compile_key(c, "final_logit_softcapping")))
		t->logit_cap = compile_float(c, compile_key(c, "final_logit_softcapping"), NAN);
	transformer_read_window(c, t, 0, 6);
	t->window_rope.base = compile_float(c, compile_key(c, "rope.freq_base_swa"), 10000);
	t->window_rope.factor = 1;
	t->window_rope.yarn = 0;
}

const struct arch arch_gemma = {
	.name = "gemma",
	.compile = compile_transformer,
	.traits = TRANSFORMER_HALVES,
	.activation = LLM_ACT_GELU,
	.read = read_gemma,
};

const struct arch arch_gemma2 = {
	.name = "gemma2",
	.compile = compile_transformer,
	.traits = TRANSFORMER_HALVES | TRANSFORMER_POST_NORMS,
	.activation = LLM_ACT_GELU,
	.read = read_gemma2,
};

const struct arch arch_gemma3 = {
	.name = "gemma3",
	.compile = compile_transformer,
	.traits = TRANSFORMER_HALVES | TRANSFORMER_POST_NORMS | TRANSFORMER_HEAD_NORMS,
	.activation = LLM_ACT_GELU,
	.read = read_gemma3,
};
