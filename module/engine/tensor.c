// SPDX-License-Identifier: GPL-2.0
#include "tensor.h"

static const struct llm_type types[] = {
	{ LLM_TENSOR_F32, "F32", 1, 4 },
	{ LLM_TENSOR_F16, "F16", 1, 2 },
	{ LLM_TENSOR_Q8_0, "Q8_0", 32, 34 },
};

const struct llm_type *llm_type_find(u32 type)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].type == type)
			return &types[i];
	return NULL;
}
