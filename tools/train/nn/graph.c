// SPDX-License-Identifier: GPL-2.0
/* The graph: see graph.h. */
#include <stdlib.h>

#include "internal.h"
#include "graph.h"

#define ALIGN_TO 16	/* elements; keeps buffers on cache lines */

static size_t aligned(size_t n)
{
	return (n + ALIGN_TO - 1) / ALIGN_TO * ALIGN_TO;
}

static size_t y_len(const struct nn_node *n)
{
	return aligned((size_t)n->shape.rows * n->shape.out);
}

static size_t save_len(const struct nn_node *n)
{
	const struct nn_layer *l = &nn_layers[n->kind];

	return l->save_len ? aligned(l->save_len(&n->shape)) : 0;
}

int nn_graph_add(struct nn_graph *g, enum nn_kind kind, const struct nn_shape *shape,
		 int x, int x2, size_t w, size_t b)
{
	if (g->count == NN_MAX_NODES)
		return -1;
	g->nodes[g->count] = (struct nn_node){
		.kind = kind, .shape = *shape, .x = x, .x2 = x2, .w = w, .b = b,
	};
	return g->count++;
}

bool nn_graph_alloc(struct nn_graph *g)
{
	size_t grads = 0, rest = 0;
	real *dy, *at;

	for (int i = 0; i < g->count; i++) {
		grads += y_len(&g->nodes[i]);
		rest += y_len(&g->nodes[i]) + save_len(&g->nodes[i]);
	}
	g->grads = grads;
	g->memory = aligned_alloc(ALIGN_TO * sizeof(real), (grads + rest) * sizeof(real));
	if (!g->memory)
		return false;
	dy = g->memory;
	at = dy + grads;
	for (int i = 0; i < g->count; i++) {
		struct nn_node *n = &g->nodes[i];

		n->dy = dy;
		n->y = at;
		n->save = at + y_len(n);
		dy += y_len(n);
		at += y_len(n) + save_len(n);
	}
	return true;
}

void nn_graph_free(struct nn_graph *g)
{
	free(g->memory);
	g->memory = NULL;
}

static struct nn_args args_of(const struct nn_graph *g, int i, const real *params, real *grad)
{
	const struct nn_node *n = &g->nodes[i];
	const struct nn_node *x = n->x < 0 ? NULL : &g->nodes[n->x];
	const struct nn_node *x2 = n->x2 < 0 ? NULL : &g->nodes[n->x2];

	return (struct nn_args){
		.s = &n->shape,
		.x = x ? x->y : g->input,
		.x2 = x2 ? x2->y : NULL,
		.ids = n->kind == NN_EMBED ? g->ids : g->targets,
		.target = g->target,
		.w = n->w == NN_NONE ? NULL : params + n->w,
		.b = n->b == NN_NONE ? NULL : params + n->b,
		.y = n->y,
		.save = n->save,
		.dy = n->dy,
		.dx = x ? x->dy : g->dinput,
		.dx2 = x2 ? x2->dy : NULL,
		.dw = n->w == NN_NONE || !grad ? NULL : grad + n->w,
		.db = n->b == NN_NONE || !grad ? NULL : grad + n->b,
		.train = g->train,
		.seed = nn_random(g->seed, i),
		.row0 = g->row0,
	};
}

void nn_graph_forward(struct nn_graph *g, const real *params, int end)
{
	for (int i = 0; i < end; i++) {
		struct nn_args a = args_of(g, i, params, NULL);

		nn_layers[g->nodes[i].kind].forward(&a);
	}
}

void nn_graph_backward(struct nn_graph *g, const real *params, real *grad, real scale)
{
	const struct nn_node *last = &g->nodes[g->count - 1];
	size_t n = g->grads;

#pragma omp parallel for simd
	for (size_t i = 0; i < n; i++)
		g->memory[i] = 0;
	n = (size_t)last->shape.rows * last->shape.out;
	for (size_t i = 0; i < n; i++)
		last->dy[i] = scale;
	for (int i = g->count - 1; i >= 0; i--) {
		struct nn_args a = args_of(g, i, params, grad);

		nn_layers[g->nodes[i].kind].backward(&a);
	}
}
