// SPDX-License-Identifier: GPL-2.0
/* Layers that work element by element: the activations, NN_GLU, NN_ADD, NN_DROPOUT. */
#include "internal.h"

static inline void act_forward(enum nn_kind kind, const struct nn_args *a)
{
	size_t n = (size_t)a->s->rows * a->s->in;

#pragma omp parallel for simd
	for (size_t i = 0; i < n; i++)
		a->y[i] = nn_act(kind, a->x[i]);
}

static inline void act_backward(enum nn_kind kind, const struct nn_args *a)
{
	size_t n = (size_t)a->s->rows * a->s->in;

#pragma omp parallel for simd
	for (size_t i = 0; i < n; i++)
		a->dx[i] += a->dy[i] * nn_act_slope(kind, a->x[i]);
}

/* One pair of functions a kind, so that the switch is gone from the loops. */
#define ACT(name, kind)					\
	void nn_##name##_forward(const struct nn_args *a)	\
	{						\
		act_forward(kind, a);			\
	}						\
	void nn_##name##_backward(const struct nn_args *a)	\
	{						\
		act_backward(kind, a);			\
	}

ACT(relu, NN_RELU)
ACT(sigmoid, NN_SIGMOID)
ACT(tanh, NN_TANH)
ACT(silu, NN_SILU)
ACT(gelu, NN_GELU)

static inline void glu_forward_row(enum nn_kind kind, int n, const real *x, real *y)
{
	for (int j = 0; j < n; j++)
		y[j] = nn_act(kind, x[j]) * x[n + j];
}

static inline void glu_backward_row(enum nn_kind kind, int n, const real *x, const real *dy,
				    real *dx)
{
	for (int j = 0; j < n; j++) {
		dx[j] += dy[j] * x[n + j] * nn_act_slope(kind, x[j]);
		dx[n + j] += dy[j] * nn_act(kind, x[j]);
	}
}

/* Calls row() with the kind as a constant, for the same reason as ACT(). */
#define GLU_ROWS(row, ...)					\
	do {							\
		switch (s->act) {				\
		case NN_RELU:					\
			row(NN_RELU, __VA_ARGS__);		\
			break;					\
		case NN_SIGMOID:				\
			row(NN_SIGMOID, __VA_ARGS__);		\
			break;					\
		case NN_TANH:					\
			row(NN_TANH, __VA_ARGS__);		\
			break;					\
		case NN_SILU:					\
			row(NN_SILU, __VA_ARGS__);		\
			break;					\
		default:					\
			row(NN_GELU, __VA_ARGS__);		\
			break;					\
		}						\
	} while (0)

void nn_glu_forward(const struct nn_args *a)
{
	const struct nn_shape *s = a->s;
	size_t n = s->out;

#pragma omp parallel for
	for (int r = 0; r < s->rows; r++)
		GLU_ROWS(glu_forward_row, n, a->x + r * 2 * n, a->y + r * n);
}

void nn_glu_backward(const struct nn_args *a)
{
	const struct nn_shape *s = a->s;
	size_t n = s->out;

#pragma omp parallel for
	for (int r = 0; r < s->rows; r++)
		GLU_ROWS(glu_backward_row, n, a->x + r * 2 * n, a->dy + r * n, a->dx + r * 2 * n);
}

void nn_add_forward(const struct nn_args *a)
{
	size_t n = (size_t)a->s->rows * a->s->in;

#pragma omp parallel for simd
	for (size_t i = 0; i < n; i++)
		a->y[i] = a->x[i] + a->x2[i];
}

void nn_add_backward(const struct nn_args *a)
{
	size_t n = (size_t)a->s->rows * a->s->in;

#pragma omp parallel for simd
	for (size_t i = 0; i < n; i++) {
		a->dx[i] += a->dy[i];
		a->dx2[i] += a->dy[i];
	}
}

uint64_t nn_random(uint64_t seed, uint64_t i)
{
	uint64_t z = seed;

	for (int round = 0; round < 2; round++) {
		z = (z ^ i) + 0x9e3779b97f4a7c15;
		z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
		z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
		z ^= z >> 31;
	}
	return z;
}

/* The mask is computed twice instead of kept. */
static inline real dropout_scale(const struct nn_args *a, size_t i)
{
	double u = nn_random(a->seed, a->row0 * a->s->in + i) * 0x1p-64;

	return u < a->s->rate ? 0 : 1 / (1 - a->s->rate);
}

void nn_dropout_forward(const struct nn_args *a)
{
	size_t n = (size_t)a->s->rows * a->s->in;

	if (!a->train || a->s->rate == 0) {
		memcpy(a->y, a->x, n * sizeof(real));
		return;
	}
#pragma omp parallel for
	for (size_t i = 0; i < n; i++)
		a->y[i] = a->x[i] * dropout_scale(a, i);
}

void nn_dropout_backward(const struct nn_args *a)
{
	size_t n = (size_t)a->s->rows * a->s->in;

#pragma omp parallel for
	for (size_t i = 0; i < n; i++)
		a->dx[i] += a->dy[i] * (a->train ? dropout_scale(a, i) : 1);
}
