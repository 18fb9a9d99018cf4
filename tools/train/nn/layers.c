// SPDX-License-Identifier: GPL-2.0
/* The table of layers. */
#include "internal.h"

static size_t len_table(const struct nn_shape *s)
{
	return (size_t)s->in * s->out;
}

static size_t len_in(const struct nn_shape *s)
{
	return s->in;
}

static size_t len_bias(const struct nn_shape *s)
{
	return s->bias ? s->out : 0;
}

static size_t len_rows(const struct nn_shape *s)
{
	return s->rows;
}

static size_t len_2rows(const struct nn_shape *s)
{
	return 2 * (size_t)s->rows;
}

#define PAIR(name) .forward = nn_##name##_forward, .backward = nn_##name##_backward

const struct nn_layer nn_layers[NN_KINDS] = {
	[NN_EMBED] = { "embedding", .w_len = len_table, PAIR(embed) },
	[NN_LINEAR] = { "linear", .w_len = len_table, .b_len = len_bias, PAIR(linear) },
	[NN_RMSNORM] = { "rms norm", .w_len = len_in, .save_len = len_rows, PAIR(rmsnorm) },
	[NN_LAYERNORM] = { "layer norm", .w_len = len_in, .b_len = len_in, .save_len = len_2rows,
			   PAIR(layernorm) },
	[NN_ATTEND] = { "attention", .save_len = nn_attend_save_len, PAIR(attend) },
	[NN_GLU] = { "glu", PAIR(glu) },
	[NN_RELU] = { "relu", PAIR(relu) },
	[NN_SIGMOID] = { "sigmoid", PAIR(sigmoid) },
	[NN_TANH] = { "tanh", PAIR(tanh) },
	[NN_SILU] = { "silu", PAIR(silu) },
	[NN_GELU] = { "gelu", PAIR(gelu) },
	[NN_ADD] = { "add", PAIR(add) },
	[NN_DROPOUT] = { "dropout", PAIR(dropout) },
	[NN_CROSS_ENTROPY] = { "cross-entropy", .save_len = len_rows, PAIR(cross_entropy) },
	[NN_SQUARED_ERROR] = { "squared error", PAIR(squared_error) },
	[NN_BINARY_CROSS_ENTROPY] = { "binary cross-entropy", PAIR(bce) },
};
