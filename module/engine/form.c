// SPDX-License-Identifier: GPL-2.0
#include "form.h"

/* Narrowest first. */
static const struct llm_form *const forms[LLM_FORMS] = {
	&llm_form_portable,
#ifdef LLM_X86
	&llm_form_avx2,
	&llm_form_avxvnni,
	&llm_form_avx512,
	&llm_form_avx512bf16,
#endif
};

const struct llm_form *llm_form_at(u32 index)
{
	return index < LLM_FORMS ? forms[index] : NULL;
}

const struct llm_form *llm_form_find(const char *name)
{
	u32 i;

	for (i = 0; i < LLM_FORMS; i++)
		if (forms[i] && !strcmp(name, forms[i]->name) && forms[i]->usable())
			return forms[i];
	return NULL;
}

u64 llm_input_bytes(u32 input, u32 columns)
{
	if (input < LLM_INPUT_Q8_0)
		return (u64)columns * sizeof(float);
	return (u64)columns / LLM_BLOCK * sizeof(struct llm_block_x8);
}

void llm_input_round(const struct llm_form *form, u32 input, void *to, const float *x, u32 n)
{
	switch (input) {
	case LLM_INPUT_F32:
		memcpy(to, x, n * sizeof(*x));
		break;
	case LLM_INPUT_F16:
		form->round_to_f16(to, x, n);
		break;
	case LLM_INPUT_BF16:
		form->round_to_bf16(to, x, n);
		break;
	default:
		form->quantize[input](to, x, n);
	}
}
