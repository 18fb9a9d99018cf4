// SPDX-License-Identifier: GPL-2.0
/*
 * NN_RMSNORM (Zhang and Sennrich 2019) and NN_LAYERNORM (Ba et al. 2016).
 * Both keep the scale 1 / sqrt(... + eps) of each row; the layer norm keeps the
 * means of the rows after the scales.
 */
#include "internal.h"

#define COLUMNS 32	/* a tile of columns where rows are added up */

void nn_rmsnorm_forward(const struct nn_args *a)
{
	const struct nn_shape *s = a->s;
	int n = s->in;

#pragma omp parallel for
	for (int r = 0; r < s->rows; r++) {
		const real *x = a->x + (size_t)r * n;
		real *y = a->y + (size_t)r * n;
		real sum = 0, scale;

#pragma omp simd reduction(+ : sum)
		for (int j = 0; j < n; j++)
			sum += x[j] * x[j];
		scale = 1 / (real)sqrt(sum / n + s->eps);
		a->save[r] = scale;
		for (int j = 0; j < n; j++)
			y[j] = x[j] * scale * a->w[j];
	}
}

void nn_rmsnorm_backward(const struct nn_args *a)
{
	int n = a->s->in, rows = a->s->rows;

#pragma omp parallel for
	for (int r = 0; r < rows; r++) {
		const real *x = a->x + (size_t)r * n;
		const real *dy = a->dy + (size_t)r * n;
		real *dx = a->dx + (size_t)r * n;
		real scale = a->save[r], dot = 0;

#pragma omp simd reduction(+ : dot)
		for (int j = 0; j < n; j++)
			dot += dy[j] * a->w[j] * x[j];
		dot *= scale * scale / n;
		for (int j = 0; j < n; j++)
			dx[j] += scale * (dy[j] * a->w[j] - x[j] * dot);
	}
#pragma omp parallel for schedule(dynamic)
	for (int j0 = 0; j0 < n; j0 += COLUMNS) {
		int j1 = j0 + COLUMNS < n ? j0 + COLUMNS : n;

		for (int r = 0; r < rows; r++) {
			const real *x = a->x + (size_t)r * n;
			const real *dy = a->dy + (size_t)r * n;
			real scale = a->save[r];

			for (int j = j0; j < j1; j++)
				a->dw[j] += dy[j] * x[j] * scale;
		}
	}
}

void nn_layernorm_forward(const struct nn_args *a)
{
	const struct nn_shape *s = a->s;
	int n = s->in;

#pragma omp parallel for
	for (int r = 0; r < s->rows; r++) {
		const real *x = a->x + (size_t)r * n;
		real *y = a->y + (size_t)r * n;
		real mean = 0, var = 0, scale;

#pragma omp simd reduction(+ : mean)
		for (int j = 0; j < n; j++)
			mean += x[j];
		mean /= n;
#pragma omp simd reduction(+ : var)
		for (int j = 0; j < n; j++)
			var += (x[j] - mean) * (x[j] - mean);
		scale = 1 / (real)sqrt(var / n + s->eps);
		a->save[r] = scale;
		a->save[s->rows + r] = mean;
		for (int j = 0; j < n; j++)
			y[j] = (x[j] - mean) * scale * a->w[j] + a->b[j];
	}
}

void nn_layernorm_backward(const struct nn_args *a)
{
	int n = a->s->in, rows = a->s->rows;

#pragma omp parallel for
	for (int r = 0; r < rows; r++) {
		const real *x = a->x + (size_t)r * n;
		const real *dy = a->dy + (size_t)r * n;
		real *dx = a->dx + (size_t)r * n;
		real scale = a->save[r], mean = a->save[rows + r];
		real sum = 0, dot = 0;

#pragma omp simd reduction(+ : sum, dot)
		for (int j = 0; j < n; j++) {
			sum += dy[j] * a->w[j];
			dot += dy[j] * a->w[j] * (x[j] - mean) * scale;
		}
		sum /= n;
		dot /= n;
		for (int j = 0; j < n; j++)
			dx[j] += scale * (dy[j] * a->w[j] - sum - (x[j] - mean) * scale * dot);
	}
#pragma omp parallel for schedule(dynamic)
	for (int j0 = 0; j0 < n; j0 += COLUMNS) {
		int j1 = j0 + COLUMNS < n ? j0 + COLUMNS : n;

		for (int r = 0; r < rows; r++) {
			const real *x = a->x + (size_t)r * n;
			const real *dy = a->dy + (size_t)r * n;
			real scale = a->save[r], mean = a->save[rows + r];

			for (int j = j0; j < j1; j++) {
				a->dw[j] += dy[j] * (x[j] - mean) * scale;
				a->db[j] += dy[j];
			}
		}
	}
}
