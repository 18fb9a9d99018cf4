// SPDX-License-Identifier: GPL-2.0
#include "choice.h"

void llm_sampling_defaults(struct llm_sampling_params *params)
{
	memset(params, 0, sizeof(*params));
	params->temperature = 52429;
	params->top_k = 40;
	params->top_p = 62259;
	params->min_p = 3277;
	params->repeat = 65536;
	params->last_n = 64;
}

int llm_sampler_create(struct llm_sampler **created, u32 vocab_size)
{
	struct llm_sampler *sampler = llm_alloc(llm_sampler_memory(vocab_size));

	if (!sampler)
		return -ENOMEM;
	sampler->vocab_size = vocab_size;
	sampler->occurrences = (u16 *)(sampler + 1);
	sampler->phase = LLM_CHOICE_DONE;
	llm_sampling_defaults(&sampler->params);
	*created = sampler;
	return 0;
}

void llm_sampler_destroy(struct llm_sampler *sampler)
{
	if (sampler)
		llm_free_private(sampler, llm_sampler_memory(sampler->vocab_size));
}

u64 llm_sampler_memory(u32 vocab_size)
{
	return sizeof(struct llm_sampler) + (u64)vocab_size * sizeof(u16);
}

void llm_sampler_setup(struct llm_sampler *sampler, const struct llm_sampling_params *params)
{
	u32 i;

	for (i = 0; i < llm_sampler_window(sampler); i++)
		sampler->occurrences[llm_sampler_seen(sampler, i)] = 0;
	sampler->params = *params;
	sampler->random = params->seed;
	for (i = 0; i < llm_sampler_window(sampler); i++)
		sampler->occurrences[llm_sampler_seen(sampler, i)]++;
}

void llm_sampler_see(struct llm_sampler *sampler, u32 token)
{
	u32 window = llm_sampler_window(sampler);

	if (window && window == sampler->params.last_n)
		sampler->occurrences[llm_sampler_seen(sampler, window - 1)]--;
	sampler->seen[sampler->seen_count++ % LLM_MAX_LAST_N] = token;
	if (sampler->params.last_n)
		sampler->occurrences[token]++;
}

/* SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
static u64 next_random(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void llm_sampler_begin(struct llm_sampler *sampler, void *logits)
{
	sampler->logits = logits;
	sampler->draw = next_random(&sampler->random) >> 11;
	sampler->phase = LLM_CHOICE_PREPARE;
}

bool llm_sampler_chose(const struct llm_sampler *sampler)
{
	return sampler->phase == LLM_CHOICE_DONE;
}

u32 llm_sampler_token(const struct llm_sampler *sampler)
{
	return sampler->token;
}
