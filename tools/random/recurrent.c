// SPDX-License-Identifier: GPL-2.0
/*
 * Layers with recurrent state. What the state forgets from position to position is
 * such that it neither fades at once nor grows, and that it matters to the result.
 */
#include <stdio.h>

#include "random.h"

uint32_t mamba_inner(const struct sizes *s)
{
	return 2 * s->width;
}

uint32_t mamba_rank(const struct sizes *s)
{
	return s->width / 16;
}

/*
 * Time steps of log(1 + exp(-2)), about an eighth; the numbers of a channel fade by
 * exp(-step) to exp(-4 step), with some spread.
 */
void add_mamba_layer(struct adding *a)
{
	const struct sizes *s = a->s;
	uint32_t inner = mamba_inner(s), rank = mamba_rank(s);
	char name[MAX_NAME];

	add_norm(a, "attn_norm", s->width, 0);
	add_linear(a, "ssm_in", s->width, 2 * inner, 1, false);
	name_in_layer(a, name, "ssm_conv1d", "weight");
	add_f32(a, name, MAMBA_TAPS, inner, 0, 0.7);
	name_in_layer(a, name, "ssm_conv1d", "bias");
	add_f32(a, name, inner, 0, 0, 0.1);
	add_linear(a, "ssm_x", inner, rank + 2 * MAMBA_STATES, 1, false);
	add_linear(a, "ssm_dt", rank, inner, 0.5, false);
	name_in_layer(a, name, "ssm_dt", "bias");
	add_f32(a, name, inner, 0, -2, 0.3);
	snprintf(name, sizeof(name), "blk.%u.ssm_a", a->layer);
	gguf_tensor(a->g, name, format_find("F32"), MAMBA_STATES, inner,
		    (struct numbers) { .middle = -1, .spread = 0.2, .step = -0.2 });
	snprintf(name, sizeof(name), "blk.%u.ssm_d", a->layer);
	add_f32(a, name, inner, 0, 1, 0.2);
	add_linear(a, "ssm_out", inner, s->width, last_gain(a), false);
}

/* 64 where that can be: with less llama.cpp's AVX-512 build reads beyond a head. */
uint32_t rwkv7_head(const struct sizes *s)
{
	return s->width % 64 ? s->head : 64;
}

uint32_t rwkv7_rank(const struct sizes *s)
{
	return s->width / 8;
}

static void add_vector(struct adding *a, const char *name, uint32_t columns, double middle,
		       double spread)
{
	char full[MAX_NAME];

	name_in_layer(a, full, name, "weight");
	add_f32(a, full, columns, 0, middle, spread);
}

/* Two matrices, by way of a few numbers, and what is added to what they make. */
static void add_pair(struct adding *a, char letter, double gain, double middle)
{
	uint32_t width = a->s->width, rank = rwkv7_rank(a->s);
	char name[MAX_NAME];

	snprintf(name, sizeof(name), "time_mix_%c1", letter);
	add_linear(a, name, width, rank, 1, false);
	snprintf(name, sizeof(name), "time_mix_%c2", letter);
	add_linear(a, name, rank, width, gain, false);
	snprintf(name, sizeof(name), "time_mix_%c0", letter);
	if (letter != 'g')
		add_vector(a, name, width, middle, 0.5);
}

/*
 * What stays of the state from position to position is exp(-0.6065 / (1 + exp(2))),
 * or 0.93, with some spread; half of what keys find is replaced.
 */
void add_rwkv7_layer(struct adding *a)
{
	uint32_t width = a->s->width;
	const struct numbers halves = { .middle = 0.5, .spread = 0.25 };
	char name[MAX_NAME];

	add_norm(a, "attn_norm", width, 0);
	add_norm(a, "attn_norm_2", width, 0);
	name_in_layer(a, name, "time_mix_lerp_fused", "weight");
	gguf_shares(a->g, name, width, 6, halves);
	add_pair(a, 'w', 1, -2);
	add_pair(a, 'a', 1, 0);
	add_pair(a, 'v', 1, 0);
	add_pair(a, 'g', 2, 0);
	add_vector(a, "time_mix_k_k", width, 1, 0.2);
	add_vector(a, "time_mix_k_a", width, 1, 0.2);
	add_vector(a, "time_mix_r_k", width, 0, 0.3);
	add_linear(a, "time_mix_receptance", width, width, 1, false);
	add_linear(a, "time_mix_key", width, width, 0.5, false);
	add_linear(a, "time_mix_value", width, width, 1, false);
	name_in_layer(a, name, "time_mix_ln", "weight");
	add_f32(a, name, width, 0, 1, 0.2);
	name_in_layer(a, name, "time_mix_ln", "bias");
	add_f32(a, name, width, 0, 0, 0.1);
	add_linear(a, "time_mix_output", width, width, last_gain(a), false);
	name_in_layer(a, name, "channel_mix_lerp_k", "weight");
	gguf_stack(a->g, name, format_find("F32"), width, 1, 1, halves);
	add_linear(a, "channel_mix_key", width, a->s->hidden, 1, false);
	add_linear(a, "channel_mix_value", a->s->hidden, width, last_gain(a), false);
}
