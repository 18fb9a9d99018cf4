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
	add_linear(a, "ssm_out", inner, s->width, 2, false);
}
