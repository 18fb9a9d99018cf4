/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Layers with a forward and a backward function over documented shapes, in one
 * table, and a graph that strings them together.
 *
 * Activations are matrices of @rows rows, row-major, of the element type
 * real: float, or double where the library is built with -DNN_DOUBLE (the
 * gradient check is). Every result depends on the arguments alone: work is cut
 * into tiles whose size does not depend on the number of threads, and no two
 * threads ever add into the same element.
 */
#ifndef NN_H
#define NN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef NN_DOUBLE
typedef double real;
#else
typedef float real;
#endif

/**
 * enum nn_kind - index of a layer in nn_layers[]
 * @NN_EMBED: rows of a table, y[r] = w[ids[r]]
 * @NN_LINEAR: y = x wᵀ (+ b)
 * @NN_RMSNORM: y = x / sqrt(mean(x²) + eps) · w
 * @NN_LAYERNORM: y = (x − mean(x)) / sqrt(var(x) + eps) · w + b
 * @NN_ATTEND: causal self-attention with rotary positions and grouped heads
 * @NN_GLU: gated linear unit, y = act(x[:, :out]) · x[:, out:]
 * @NN_RELU: y = max(x, 0)
 * @NN_SIGMOID: y = 1 / (1 + exp(−x))
 * @NN_TANH: y = tanh(x)
 * @NN_SILU: y = x · sigmoid(x)
 * @NN_GELU: y = x/2 · (1 + tanh(sqrt(2/π)(x + 0.044715 x³))), Hendrycks and
 *	Gimpel 2016, the form ggml computes
 * @NN_ADD: y = x + x2
 * @NN_DROPOUT: y = x · mask / (1 − rate) while training, else y = x
 * @NN_CROSS_ENTROPY: y[r] = log Σⱼ exp(x[r][j]) − x[r][ids[r]]; softmax
 *	included; 0 where ids[r] is negative
 * @NN_SQUARED_ERROR: y[r] = mean over j of (x − target)²
 * @NN_BINARY_CROSS_ENTROPY: y[r] = mean over j of
 *	log(1 + exp(x)) − target · x; sigmoid included
 * @NN_KINDS: how many there are
 */
enum nn_kind {
	NN_EMBED,
	NN_LINEAR,
	NN_RMSNORM,
	NN_LAYERNORM,
	NN_ATTEND,
	NN_GLU,
	NN_RELU,
	NN_SIGMOID,
	NN_TANH,
	NN_SILU,
	NN_GELU,
	NN_ADD,
	NN_DROPOUT,
	NN_CROSS_ENTROPY,
	NN_SQUARED_ERROR,
	NN_BINARY_CROSS_ENTROPY,
	NN_KINDS,
};

/**
 * struct nn_shape - the dimensions of one use of a layer
 * @rows: rows of x and y, at least 1
 * @in: width of x; for NN_EMBED the number of rows of the table
 * @out: width of y; 1 for the losses
 * @bias: NN_LINEAR has a bias
 * @seq: NN_ATTEND: positions in a sequence; @rows is a multiple of it, and
 *	sequences lie one after another
 * @heads: NN_ATTEND: query heads; @out = heads · head_dim
 * @kv_heads: NN_ATTEND: key and value heads, a divisor of @heads;
 *	@in = (heads + 2 kv_heads) · head_dim: queries, keys, values
 * @head_dim: NN_ATTEND: width of a head, even
 * @theta: NN_ATTEND: base of the rotary frequencies, theta^(−2i/head_dim);
 *	the pair i is the elements 2i and 2i + 1 of a head
 * @eps: the norms: added to the mean square or the variance
 * @rate: NN_DROPOUT: share of elements dropped, 0 <= rate < 1
 * @act: NN_GLU: NN_RELU, NN_SIGMOID, NN_TANH, NN_SILU or NN_GELU
 */
struct nn_shape {
	int rows;
	int in;
	int out;
	bool bias;
	int seq;
	int heads;
	int kv_heads;
	int head_dim;
	double theta;
	double eps;
	double rate;
	enum nn_kind act;
};

/**
 * struct nn_args - what one call of a layer works on
 * @s: dimensions
 * @x: input, rows × in; unused by NN_EMBED
 * @x2: NN_ADD: the other input
 * @ids: NN_EMBED: row numbers; NN_CROSS_ENTROPY: targets; one for each row
 * @target: NN_SQUARED_ERROR, NN_BINARY_CROSS_ENTROPY: rows × in
 * @w: weights: NN_EMBED in × out, NN_LINEAR out × in, the norms in
 * @b: bias: NN_LINEAR out, NN_LAYERNORM in
 * @y: output, rows × out
 * @save: what forward keeps for backward, save_len() elements
 * @dy: backward: gradient of the loss by y
 * @dx: backward: gradient by x, added to
 * @dx2: NN_ADD: gradient by x2, added to
 * @dw: backward: gradient by w, added to
 * @db: backward: gradient by b, added to
 * @train: forward for training: dropout drops
 * @seed: NN_DROPOUT: of this use in this step
 * @row0: NN_DROPOUT: number of the first row in the whole batch, so that a batch
 *	cut into pieces drops what the whole batch drops
 */
struct nn_args {
	const struct nn_shape *s;
	const real *x;
	const real *x2;
	const int32_t *ids;
	const real *target;
	const real *w;
	const real *b;
	real *y;
	real *save;
	const real *dy;
	real *dx;
	real *dx2;
	real *dw;
	real *db;
	bool train;
	uint64_t seed;
	uint64_t row0;
};

/**
 * struct nn_layer - one row of the table
 * @name: as tests and messages call it
 * @w_len: number of weights, or %NULL for none
 * @b_len: number of biases, or %NULL for none
 * @save_len: elements forward keeps for backward, or %NULL for none
 * @forward: computes y, and save
 * @backward: adds to dx, dx2, dw and db what dy gives; follows a forward with
 *	the same arguments
 */
struct nn_layer {
	const char *name;
	size_t (*w_len)(const struct nn_shape *s);
	size_t (*b_len)(const struct nn_shape *s);
	size_t (*save_len)(const struct nn_shape *s);
	void (*forward)(const struct nn_args *a);
	void (*backward)(const struct nn_args *a);
};

extern const struct nn_layer nn_layers[NN_KINDS];

/**
 * nn_random - a uniform number from a seed and a counter
 * @seed: stream
 * @i: place in the stream
 *
 * Two rounds of the finaliser of SplitMix64 (Steele, Lea and Flood 2014), so a
 * stream can be entered anywhere and resumed without stored state.
 *
 * Return: 64 uniform bits.
 */
uint64_t nn_random(uint64_t seed, uint64_t i);

/**
 * nn_threads_init - hand threading to OpenMP alone
 *
 * The BLAS library is called from many threads at once and must not start its
 * own. Call it once, before anything else here.
 */
void nn_threads_init(void);

#endif
