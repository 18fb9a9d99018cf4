// SPDX-License-Identifier: GPL-2.0
/* See optim.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "optim.h"
#include "util.h"

#define EPS 1e-8f
#define TILE ((size_t)1 << 15)	/* elements whose squares one thread adds up */

struct optim optim_new(const struct model *m)
{
	return (struct optim){
		.m = xalloc(m->count, sizeof(float)),
		.v = xalloc(m->count, sizeof(float)),
	};
}

void optim_free(struct optim *o)
{
	free(o->m);
	free(o->v);
}

double optim_rate(const struct settings *s, long step)
{
	double after = step - s->warmup, span = s->steps - s->warmup;
	double part = span > 0 ? fmin(after / span, 1) : 1;

	if (step < s->warmup)
		return s->rate * (step + 1) / s->warmup;
	if (!strcmp(s->schedule, "linear"))
		return s->rate * (1 - part * (1 - s->final));
	if (!strcmp(s->schedule, "cosine"))
		return s->rate * (s->final + (1 - s->final) * (1 + cos(M_PI * part)) / 2);
	if (!strcmp(s->schedule, "step"))
		return s->rate * pow(s->final, floor(after / s->every));
	return s->rate;
}

/* Tiles are added in their order, so that the sum does not depend on the threads. */
static double norm_of(const float *x, size_t n)
{
	size_t tiles = (n + TILE - 1) / TILE;
	double *part = xalloc(tiles, sizeof(*part)), sum = 0;

#pragma omp parallel for
	for (size_t i = 0; i < tiles; i++) {
		size_t end = (i + 1) * TILE < n ? (i + 1) * TILE : n;
		double s = 0;

#pragma omp simd reduction(+ : s)
		for (size_t j = i * TILE; j < end; j++)
			s += (double)x[j] * x[j];
		part[i] = s;
	}
	for (size_t i = 0; i < tiles; i++)
		sum += part[i];
	free(part);
	return sqrt(sum);
}

/**
 * struct change - what one step does to one tensor
 * @n: elements
 * @p: parameters
 * @g: gradient
 * @m: first moment
 * @v: second moment
 * @rate: learning rate
 * @scale: factor of the gradient, from clipping
 * @l1: penalty
 * @l2: penalty
 * @decay: decoupled decay
 * @b1: beta1
 * @b2: beta2
 * @c1: 1 − beta1^(step + 1)
 * @c2: 1 − beta2^(step + 1)
 */
struct change {
	size_t n;
	float *p;
	const float *g;
	float *m;
	float *v;
	float rate;
	float scale;
	float l1;
	float l2;
	float decay;
	float b1;
	float b2;
	float c1;
	float c2;
};

static inline float penalised(const struct change *c, size_t i)
{
	float p = c->p[i], sign = (p > 0) - (p < 0);

	return c->g[i] * c->scale + c->l1 * sign + c->l2 * p;
}

static void sgd(const struct change *c)
{
#pragma omp parallel for simd
	for (size_t i = 0; i < c->n; i++) {
		c->m[i] = c->b1 * c->m[i] + penalised(c, i);
		c->p[i] -= c->rate * c->m[i];
	}
}

static void rmsprop(const struct change *c)
{
#pragma omp parallel for simd
	for (size_t i = 0; i < c->n; i++) {
		float g = penalised(c, i);

		c->v[i] = c->b2 * c->v[i] + (1 - c->b2) * g * g;
		c->p[i] -= c->rate * g / (sqrtf(c->v[i]) + EPS);
	}
}

static void adam(const struct change *c)
{
#pragma omp parallel for simd
	for (size_t i = 0; i < c->n; i++) {
		float g = penalised(c, i);

		c->m[i] = c->b1 * c->m[i] + (1 - c->b1) * g;
		c->v[i] = c->b2 * c->v[i] + (1 - c->b2) * g * g;
		c->p[i] -= c->rate * (c->m[i] / c->c1 / (sqrtf(c->v[i] / c->c2) + EPS) +
				      c->decay * c->p[i]);
	}
}

double optim_step(struct optim *o, struct model *m, long step)
{
	const struct settings *s = m->s;
	double norm = norm_of(m->grad, m->count);
	bool decays = !strcmp(s->optimiser, "adamw");
	struct change c = {
		.rate = optim_rate(s, step), .b1 = s->beta1, .b2 = s->beta2,
		.c1 = 1 - pow(s->beta1, step + 1), .c2 = 1 - pow(s->beta2, step + 1),
		.scale = s->clip > 0 && norm > s->clip ? s->clip / norm : 1,
	};

	for (int i = 0; i < m->tensor_count; i++) {
		const struct tensor *t = &m->tensors[i];
		bool matrix = t->rows > 1;

		c.n = (size_t)t->rows * t->cols;
		c.p = m->params + t->at;
		c.g = m->grad + t->at;
		c.m = o->m + t->at;
		c.v = o->v + t->at;
		c.l1 = matrix ? s->l1 : 0;
		c.l2 = matrix ? s->l2 : 0;
		c.decay = matrix && decays ? s->decay : 0;
		if (!strcmp(s->optimiser, "sgd"))
			sgd(&c);
		else if (!strcmp(s->optimiser, "rmsprop"))
			rmsprop(&c);
		else
			adam(&c);
	}
	return norm;
}
