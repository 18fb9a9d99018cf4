// SPDX-License-Identifier: GPL-2.0
/* NN_EMBED and NN_LINEAR: the layers whose weights are matrices. */
#include "internal.h"

#define COLUMNS 32	/* a tile of columns where rows are added up */

void nn_embed_forward(const struct nn_args *a)
{
	size_t n = a->s->out;

#pragma omp parallel for
	for (int r = 0; r < a->s->rows; r++)
		memcpy(a->y + r * n, a->w + a->ids[r] * n, n * sizeof(real));
}

void nn_embed_backward(const struct nn_args *a)
{
	size_t n = a->s->out;

	/* Rows of the table repeat in a batch: threads share columns, not rows. */
#pragma omp parallel for schedule(dynamic)
	for (size_t j0 = 0; j0 < n; j0 += COLUMNS) {
		size_t j1 = j0 + COLUMNS < n ? j0 + COLUMNS : n;

		for (int r = 0; r < a->s->rows; r++) {
			real *dw = a->dw + a->ids[r] * n;
			const real *dy = a->dy + r * n;

			for (size_t j = j0; j < j1; j++)
				dw[j] += dy[j];
		}
	}
}

void nn_linear_forward(const struct nn_args *a)
{
	const struct nn_shape *s = a->s;

	nn_mm(false, true, s->rows, s->out, s->in, a->x, s->in, a->w, s->in, 0, a->y);
	if (!s->bias)
		return;
#pragma omp parallel for
	for (int r = 0; r < s->rows; r++) {
		real *y = a->y + (size_t)r * s->out;

		for (int j = 0; j < s->out; j++)
			y[j] += a->b[j];
	}
}

static void bias_backward(const struct nn_args *a)
{
	int n = a->s->out;

#pragma omp parallel for schedule(dynamic)
	for (int j0 = 0; j0 < n; j0 += COLUMNS) {
		int j1 = j0 + COLUMNS < n ? j0 + COLUMNS : n;

		for (int r = 0; r < a->s->rows; r++)
			for (int j = j0; j < j1; j++)
				a->db[j] += a->dy[(size_t)r * n + j];
	}
}

void nn_linear_backward(const struct nn_args *a)
{
	const struct nn_shape *s = a->s;

	nn_mm(false, false, s->rows, s->in, s->out, a->dy, s->out, a->w, s->in, 1, a->dx);
	nn_mm(true, false, s->out, s->in, s->rows, a->dy, s->out, a->x, s->in, 1, a->dw);
	if (s->bias)
		bias_backward(a);
}
