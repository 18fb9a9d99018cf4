/* SPDX-License-Identifier: GPL-2.0 */
/* What the layers share among themselves and nobody else needs. */
#ifndef NN_INTERNAL_H
#define NN_INTERNAL_H

#include <math.h>
#include <string.h>

#include "nn.h"

/**
 * nn_mm - c = a b + beta c, the work cut into tiles of rows of c
 * @ta: a is stored transposed: k × m instead of m × k
 * @tb: b is stored transposed: n × k instead of k × n
 * @m: rows of c
 * @n: columns of c
 * @k: inner dimension
 * @a: first factor, rows @lda apart
 * @lda: see @a
 * @b: second factor, rows @ldb apart
 * @ldb: see @b
 * @beta: 0 overwrites c, 1 adds to it
 * @c: product, rows @n apart
 */
void nn_mm(bool ta, bool tb, int m, int n, int k, const real *a, int lda,
	   const real *b, int ldb, real beta, real *c);

/**
 * nn_mm1 - the same on the calling thread alone, c with rows @ldc apart
 * @ta: as nn_mm()
 * @tb: as nn_mm()
 * @m: as nn_mm()
 * @n: as nn_mm()
 * @k: as nn_mm()
 * @alpha: scales the product
 * @a: as nn_mm()
 * @lda: as nn_mm()
 * @b: as nn_mm()
 * @ldb: as nn_mm()
 * @beta: as nn_mm()
 * @c: as nn_mm()
 * @ldc: distance of the rows of c
 */
void nn_mm1(bool ta, bool tb, int m, int n, int k, real alpha, const real *a, int lda,
	    const real *b, int ldb, real beta, real *c, int ldc);

#ifdef NN_DOUBLE
static inline real nn_exp(real x)
{
	return exp(x);
}
#else
/*
 * exp(x) in a form that compilers vectorise: 2^n · p(r), |r| <= ln(2)/2, with
 * the minimax polynomial of the Cephes library (Moshier 1984), 2 ulp. Below -87
 * it stays at exp(-87), above 88 at exp(88). NaN stays NaN.
 */
static inline real nn_exp(real x)
{
	float n, r, p;
	int32_t bits;
	float scale;

	x = x > 88.0f ? 88.0f : x;
	x = x < -87.0f ? -87.0f : x;
	n = nearbyintf(x * 1.44269504088896341f);
	r = x - n * 0.693359375f;
	r = r + n * 2.12194440e-4f;
	p = 1.9875691500e-4f;
	p = p * r + 1.3981999507e-3f;
	p = p * r + 8.3334519073e-3f;
	p = p * r + 4.1665795894e-2f;
	p = p * r + 1.6666665459e-1f;
	p = p * r + 5.0000001201e-1f;
	p = p * r * r + r + 1.0f;
	bits = ((int32_t)n + 127) * (1 << 23);
	memcpy(&scale, &bits, sizeof(scale));
	return p * scale;
}
#endif

static inline real nn_sigmoid(real x)
{
	return 1 / (1 + nn_exp(-x));
}

static inline real nn_tanh(real x)
{
#ifdef NN_DOUBLE
	return tanh(x);
#else
	/* The exponential form loses its digits near 0; the series has them. */
	real x2 = x * x;
	real series = x * (1 + x2 * (-1.0f / 3 + x2 * (2.0f / 15 - x2 * (17.0f / 315))));
	real big = 1 - 2 / (1 + nn_exp(2 * x));

	return x2 < 0.04f ? series : big;
#endif
}

/**
 * nn_act - the value of an activation
 * @kind: NN_RELU to NN_GELU
 * @x: where
 *
 * Return: act(x).
 */
static inline real nn_act(enum nn_kind kind, real x)
{
	const real c = 0.79788456080286535588, k = 0.044715;

	switch (kind) {
	case NN_RELU:
		return x > 0 ? x : 0;
	case NN_SIGMOID:
		return nn_sigmoid(x);
	case NN_TANH:
		return nn_tanh(x);
	case NN_SILU:
		return x * nn_sigmoid(x);
	default:
		return (real)0.5 * x * (1 + nn_tanh(c * (x + k * x * x * x)));
	}
}

/**
 * nn_act_slope - the derivative of an activation
 * @kind: NN_RELU to NN_GELU
 * @x: where
 *
 * Return: act'(x).
 */
static inline real nn_act_slope(enum nn_kind kind, real x)
{
	const real c = 0.79788456080286535588, k = 0.044715;
	real s;

	switch (kind) {
	case NN_RELU:
		return x > 0 ? 1 : 0;
	case NN_SIGMOID:
		s = nn_sigmoid(x);
		return s * (1 - s);
	case NN_TANH:
		s = nn_tanh(x);
		return 1 - s * s;
	case NN_SILU:
		s = nn_sigmoid(x);
		return s * (1 + x * (1 - s));
	default:
		s = nn_tanh(c * (x + k * x * x * x));
		return (real)0.5 * (1 + s) +
		       (real)0.5 * x * (1 - s * s) * c * (1 + 3 * k * x * x);
	}
}

void nn_embed_forward(const struct nn_args *a);
void nn_embed_backward(const struct nn_args *a);
void nn_linear_forward(const struct nn_args *a);
void nn_linear_backward(const struct nn_args *a);
void nn_rmsnorm_forward(const struct nn_args *a);
void nn_rmsnorm_backward(const struct nn_args *a);
void nn_layernorm_forward(const struct nn_args *a);
void nn_layernorm_backward(const struct nn_args *a);
size_t nn_attend_save_len(const struct nn_shape *s);
void nn_attend_forward(const struct nn_args *a);
void nn_attend_backward(const struct nn_args *a);
void nn_glu_forward(const struct nn_args *a);
void nn_glu_backward(const struct nn_args *a);
void nn_relu_forward(const struct nn_args *a);
void nn_relu_backward(const struct nn_args *a);
void nn_sigmoid_forward(const struct nn_args *a);
void nn_sigmoid_backward(const struct nn_args *a);
void nn_tanh_forward(const struct nn_args *a);
void nn_tanh_backward(const struct nn_args *a);
void nn_silu_forward(const struct nn_args *a);
void nn_silu_backward(const struct nn_args *a);
void nn_gelu_forward(const struct nn_args *a);
void nn_gelu_backward(const struct nn_args *a);
void nn_add_forward(const struct nn_args *a);
void nn_add_backward(const struct nn_args *a);
void nn_dropout_forward(const struct nn_args *a);
void nn_dropout_backward(const struct nn_args *a);
void nn_cross_entropy_forward(const struct nn_args *a);
void nn_cross_entropy_backward(const struct nn_args *a);
void nn_squared_error_forward(const struct nn_args *a);
void nn_squared_error_backward(const struct nn_args *a);
void nn_bce_forward(const struct nn_args *a);
void nn_bce_backward(const struct nn_args *a);

#endif
