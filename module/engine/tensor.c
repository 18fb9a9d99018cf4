// SPDX-License-Identifier: GPL-2.0
#include "tensor.h"

static const struct llm_type types[] = {
	{ LLM_TENSOR_F32, "F32", 1, 4, LLM_INPUT_F32 },
	{ LLM_TENSOR_F16, "F16", 1, 2, LLM_INPUT_F16 },
	{ LLM_TENSOR_BF16, "BF16", 1, 2, LLM_INPUT_BF16 },
	{ LLM_TENSOR_Q4_0, "Q4_0", 32, 18, LLM_INPUT_Q8_0 },
	{ LLM_TENSOR_Q4_1, "Q4_1", 32, 20, LLM_INPUT_Q8_1 },
	{ LLM_TENSOR_Q5_0, "Q5_0", 32, 22, LLM_INPUT_Q8_0 },
	{ LLM_TENSOR_Q5_1, "Q5_1", 32, 24, LLM_INPUT_Q8_1 },
	{ LLM_TENSOR_Q8_0, "Q8_0", 32, 34, LLM_INPUT_Q8_0 },
	{ LLM_TENSOR_Q2_K, "Q2_K", 256, 84, LLM_INPUT_Q8_K },
	{ LLM_TENSOR_Q3_K, "Q3_K", 256, 110, LLM_INPUT_Q8_K },
	{ LLM_TENSOR_Q4_K, "Q4_K", 256, 144, LLM_INPUT_Q8_K },
	{ LLM_TENSOR_Q5_K, "Q5_K", 256, 176, LLM_INPUT_Q8_K },
	{ LLM_TENSOR_Q6_K, "Q6_K", 256, 210, LLM_INPUT_Q8_K },
	{ LLM_TENSOR_IQ4_NL, "IQ4_NL", 32, 18, LLM_INPUT_Q8_0 },
	{ LLM_TENSOR_IQ4_XS, "IQ4_XS", 256, 136, LLM_INPUT_Q8_K },
	{ LLM_TENSOR_MXFP4, "MXFP4", 32, 17, LLM_INPUT_Q8_0 },
};

const struct llm_type *llm_type_find(u32 type)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return &types[i];
	return NULL;
}
