// SPDX-License-Identifier: GPL-2.0
#include "form.h"

/* Slowest first. */
static const struct llm_form *const forms[] = {
	&llm_form_portable,
#ifdef LLM_X86
	&llm_form_avx2,
	&llm_form_avx512,
#endif
};

const struct llm_form *llm_form_at(u32 index)
{
	return index < ARRAY_SIZE(forms) ? forms[index] : NULL;
}

const struct llm_form *llm_form_find(const char *name)
{
	bool any = !name || !strcmp(name, "auto");
	u32 i;

	for (i = ARRAY_SIZE(forms); i-- > 0;)
		if ((any || !strcmp(name, forms[i]->name)) && forms[i]->usable())
			return forms[i];
	return NULL;
}
