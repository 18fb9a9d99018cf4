/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_SAMPLER_H
#define LLM_ENGINE_SAMPLER_H

#include "platform.h"

/** LLM_MAX_LAST_N - tokens the penalties can look back at most. */
#define LLM_MAX_LAST_N 4096

/**
 * struct llm_sampling_bias - added to one token's logit
 * @token: below vocab_size
 * @bias: Q16.16; -100.0 or less forbids the token
 */
struct llm_sampling_bias {
	u32 token;
	s32 bias;
};

/**
 * struct llm_sampling_params - how tokens are chosen; see struct llm_sampling
 *	in linux/llm.h for ranges and order
 * @temperature: Q16.16; 0: always the likeliest
 * @top_k: 0: all
 * @top_p: Q16.16
 * @min_p: Q16.16
 * @repeat: Q16.16
 * @presence: Q16.16
 * @frequency: Q16.16
 * @last_n: tokens, 0..LLM_MAX_LAST_N
 * @seed: start of the random numbers
 * @biases: array, lives as long as the sampler uses these parameters
 * @bias_count: entries there
 */
struct llm_sampling_params {
	s32 temperature;
	u32 top_k;
	s32 top_p;
	s32 min_p;
	s32 repeat;
	s32 presence;
	s32 frequency;
	u32 last_n;
	u64 seed;
	const struct llm_sampling_bias *biases;
	u32 bias_count;
};

/**
 * llm_sampling_defaults() - the defaults of linux/llm.h, seed 0
 * @params: filled
 */
void llm_sampling_defaults(struct llm_sampling_params *params);

struct llm_sampler;

/**
 * llm_sampler_create() - a sampler with all the memory it will need
 * @created: where the result goes
 * @vocab_size: logits there will be
 *
 * Return: 0 or -ENOMEM.
 */
int llm_sampler_create(struct llm_sampler **created, u32 vocab_size);

/**
 * llm_sampler_destroy() - frees it, cleared
 * @sampler: the sampler, or NULL
 */
void llm_sampler_destroy(struct llm_sampler *sampler);

/**
 * llm_sampler_memory() - bytes a sampler takes
 * @vocab_size: logits there will be
 */
u64 llm_sampler_memory(u32 vocab_size);

/**
 * llm_sampler_setup() - sets the parameters and restarts the random numbers
 * @sampler: sampler
 * @params: in range; copied, but for the biases
 */
void llm_sampler_setup(struct llm_sampler *sampler, const struct llm_sampling_params *params);

/**
 * llm_sampler_see() - tells of a token of the conversation, for the penalties
 * @sampler: sampler
 * @token: token of the prompt, or one that was chosen
 */
void llm_sampler_see(struct llm_sampler *sampler, u32 token);

/**
 * llm_sampler_begin() - starts a choice
 * @sampler: sampler
 * @logits: vocab_size float32 numbers; changed
 */
void llm_sampler_begin(struct llm_sampler *sampler, void *logits);

/**
 * llm_sampler_advance() - does a bounded part of the work, some 20 microseconds
 * @sampler: sampler
 *
 * Uses the floating-point unit; may be called on another CPU each time.
 * Return: whether the choice is made.
 */
bool llm_sampler_advance(struct llm_sampler *sampler);

/**
 * llm_sampler_chose() - what llm_sampler_advance() returned last
 * @sampler: sampler
 */
bool llm_sampler_chose(const struct llm_sampler *sampler);

/**
 * llm_sampler_token() - the choice, after llm_sampler_advance() said it is made
 * @sampler: sampler
 *
 * Always below vocab_size, also where logits are not numbers. The same logits,
 * parameters and tokens seen give the same choice, on every machine with the
 * same form.
 */
u32 llm_sampler_token(const struct llm_sampler *sampler);

#endif /* LLM_ENGINE_SAMPLER_H */
