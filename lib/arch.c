// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdio.h>
#include <string.h>

#include "arch.h"
#include "macros.h"

static const struct arch *const archs[] = {
	&arch_llama,
	&arch_qwen2,
	&arch_qwen3,
	&arch_gemma,
	&arch_gemma2,
	&arch_gemma3,
	&arch_phi3,
	&arch_gpt2,
	&arch_gptneox,
	&arch_starcoder2,
	&arch_olmo2,
	&arch_stablelm,
	&arch_granite,
	&arch_qwen2moe,
	&arch_qwen3moe,
	&arch_bert,
	&arch_nomic_bert,
	&arch_mamba,
	&arch_rwkv7,
};

const struct arch *arch_find(const char *name, __u64 length)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(archs); i++)
		if (length == strlen(archs[i]->name) && !memcmp(name, archs[i]->name, length))
			return archs[i];
	return NULL;
}

void arch_list(char *to, size_t size)
{
	size_t i, used = 0;

	for (i = 0; i < ARRAY_SIZE(archs) && used < size; i++)
		used += snprintf(to + used, size - used, "%s%s", i ? ", " : "", archs[i]->name);
}
