// SPDX-License-Identifier: GPL-2.0
/* The losses: one number a row, from logits. */
#include "internal.h"

/* Keeps log Σ exp of each row. */
void nn_cross_entropy_forward(const struct nn_args *a)
{
	size_t n = a->s->in;

#pragma omp parallel for
	for (int r = 0; r < a->s->rows; r++) {
		const real *x = a->x + r * n;
		real max = x[0], sum = 0, lse;

		for (size_t j = 1; j < n; j++)
			max = x[j] > max ? x[j] : max;
#pragma omp simd reduction(+ : sum)
		for (size_t j = 0; j < n; j++)
			sum += nn_exp(x[j] - max);
		/* cppcheck-suppress invalidFunctionArg */
	lse = max + (real)log(sum);
		a->save[r] = lse;
		a->y[r] = a->ids[r] < 0 ? 0 : lse - x[a->ids[r]];
	}
}

void nn_cross_entropy_backward(const struct nn_args *a)
{
	size_t n = a->s->in;

#pragma omp parallel for
	for (int r = 0; r < a->s->rows; r++) {
		const real *x = a->x + r * n;
		real *dx = a->dx + r * n;
		real dy = a->dy[r], lse = a->save[r];

		if (a->ids[r] < 0)
			continue;
		for (size_t j = 0; j < n; j++)
			dx[j] += dy * nn_exp(x[j] - lse);
		dx[a->ids[r]] -= dy;
	}
}

void nn_squared_error_forward(const struct nn_args *a)
{
	size_t n = a->s->in;

#pragma omp parallel for
	for (int r = 0; r < a->s->rows; r++) {
		const real *x = a->x + r * n, *t = a->target + r * n;
		real sum = 0;

#pragma omp simd reduction(+ : sum)
		for (size_t j = 0; j < n; j++)
			sum += (x[j] - t[j]) * (x[j] - t[j]);
		a->y[r] = sum / n;
	}
}

void nn_squared_error_backward(const struct nn_args *a)
{
	size_t n = a->s->in;

#pragma omp parallel for
	for (int r = 0; r < a->s->rows; r++)
		for (size_t i = r * n; i < (r + 1) * n; i++)
			a->dx[i] += a->dy[r] * 2 * (a->x[i] - a->target[i]) / n;
}

void nn_bce_forward(const struct nn_args *a)
{
	size_t n = a->s->in;

#pragma omp parallel for
	for (int r = 0; r < a->s->rows; r++) {
		real sum = 0;

		for (size_t i = r * n; i < (r + 1) * n; i++) {
			real x = a->x[i];

			sum += (x > 0 ? x : 0) + (real)log1p(nn_exp(x > 0 ? -x : x)) -
			       a->target[i] * x;
		}
		a->y[r] = sum / n;
	}
}

void nn_bce_backward(const struct nn_args *a)
{
	size_t n = a->s->in;

#pragma omp parallel for
	for (int r = 0; r < a->s->rows; r++)
		for (size_t i = r * n; i < (r + 1) * n; i++)
			a->dx[i] += a->dy[r] * (nn_sigmoid(a->x[i]) - a->target[i]) / n;
}
