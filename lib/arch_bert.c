// SPDX-License-Identifier: LGPL-2.1-or-later
/* BERT (arXiv:1810.04805), so MiniLM, BGE and the like, and Nomic's with rotary positions. */
#include "encoder.h"

const struct arch arch_bert = {
	.name = "bert",
	.compile = compile_encoder,
	.traits = TRANSFORMER_POSITIONS | TRANSFORMER_LAYER_NORM | TRANSFORMER_UNGATED,
	.activation = LLM_ACT_GELU,
};

const struct arch arch_nomic_bert = {
	.name = "nomic-bert",
	.compile = compile_encoder,
	.traits = TRANSFORMER_HALVES | TRANSFORMER_LAYER_NORM,
	.activation = LLM_ACT_SILU,
};
