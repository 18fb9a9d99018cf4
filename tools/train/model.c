// SPDX-License-Identifier: GPL-2.0
/* See model.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "util.h"

#define MAX_ROWS (1 << 22)	/* of a batch in one pass */
#define SPREAD 0.02	/* Radford et al. 2019 */

static struct tensor *add_tensor(struct model *m, int layer, const char *name, int rows, int cols,
				 double spread)
{
	struct tensor *t = &m->tensors[m->tensor_count++];

	if (layer < 0)
		snprintf(t->name, sizeof(t->name), "%s.weight", name);
	else
		snprintf(t->name, sizeof(t->name), "blk.%d.%s.weight", layer, name);
	t->at = m->count;
	t->rows = rows;
	t->cols = cols;
	t->spread = spread;
	m->count += (size_t)rows * cols;
	return t;
}

static int add_node(struct model *m, enum nn_kind kind, const struct nn_shape *shape, int x,
		    int x2, const struct tensor *w)
{
	int node = nn_graph_add(&m->graph, kind, shape, x, x2, w ? w->at : NN_NONE, NN_NONE);

	if (node < 0)
		die("--layers %g is more than the %d layers of a graph allow", m->s->layers,
		    NN_MAX_NODES);
	return node;
}

static int add_norm(struct model *m, int layer, const char *name, int x)
{
	int width = m->s->width;
	struct nn_shape s = {
		.rows = m->sequences * (int)m->s->context, .in = width, .out = width,
		.eps = m->s->eps,
	};

	return add_node(m, NN_RMSNORM, &s, x, -1, add_tensor(m, layer, name, 1, width, 0));
}

static int add_linear(struct model *m, const struct tensor *w, int rows, int x)
{
	struct nn_shape s = {
		.rows = m->sequences * (int)m->s->context, .in = w->cols, .out = rows,
	};

	return add_node(m, NN_LINEAR, &s, x, -1, w);
}

static int add_dropout(struct model *m, int x)
{
	int width = m->s->width;
	struct nn_shape s = {
		.rows = m->sequences * (int)m->s->context, .in = width, .out = width,
		.rate = m->s->dropout,
	};

	return s.rate > 0 ? add_node(m, NN_DROPOUT, &s, x, -1, NULL) : x;
}

static int add_sum(struct model *m, int x, int branch)
{
	int width = m->s->width;
	struct nn_shape s = {
		.rows = m->sequences * (int)m->s->context, .in = width, .out = width,
	};

	return add_node(m, NN_ADD, &s, x, add_dropout(m, branch), NULL);
}

/* Queries, keys and values lie together, so that one product makes all three. */
static int add_attention(struct model *m, int layer, int x)
{
	int width = m->s->width, heads = m->s->heads, d = width / heads;
	int kv = m->s->kv_heads ? m->s->kv_heads : m->s->heads;
	double out_spread = SPREAD / sqrt(2 * m->s->layers);
	struct nn_shape s = {
		.rows = m->sequences * (int)m->s->context,
		.in = (heads + 2 * kv) * d, .out = width,
		.seq = m->s->context, .heads = heads, .kv_heads = kv, .head_dim = d,
		.theta = m->s->theta,
	};
	struct tensor *q;
	int y = add_norm(m, layer, "attn_norm", x);

	q = add_tensor(m, layer, "attn_q", width, width, SPREAD);
	add_tensor(m, layer, "attn_k", kv * d, width, SPREAD);
	add_tensor(m, layer, "attn_v", kv * d, width, SPREAD);
	y = add_linear(m, q, s.in, y);
	y = add_node(m, NN_ATTEND, &s, y, -1, NULL);
	return add_sum(m, x, add_linear(m, add_tensor(m, layer, "attn_output", width, width,
						      out_spread), width, y));
}

static int add_feed_forward(struct model *m, int layer, int x)
{
	int width = m->s->width, hidden = m->s->hidden;
	double out_spread = SPREAD / sqrt(2 * m->s->layers);
	struct nn_shape s = {
		.rows = m->sequences * (int)m->s->context, .in = 2 * hidden, .out = hidden,
		.act = NN_SILU,
	};
	struct tensor *gate;
	int y = add_norm(m, layer, "ffn_norm", x);

	gate = add_tensor(m, layer, "ffn_gate", hidden, width, SPREAD);
	add_tensor(m, layer, "ffn_up", hidden, width, SPREAD);
	y = add_linear(m, gate, 2 * hidden, y);
	y = add_node(m, NN_GLU, &s, y, -1, NULL);
	return add_sum(m, x, add_linear(m, add_tensor(m, layer, "ffn_down", width, hidden,
						      out_spread), width, y));
}

static void build(struct model *m)
{
	int rows = m->sequences * (int)m->s->context, width = m->s->width;
	struct nn_shape embed = { .rows = rows, .in = m->vocab, .out = width };
	struct nn_shape loss = { .rows = rows, .in = m->vocab, .out = 1 };
	struct tensor *table = add_tensor(m, -1, "token_embd", m->vocab, width, SPREAD);
	int x = add_dropout(m, add_node(m, NN_EMBED, &embed, -1, -1, table));

	for (int i = 0; i < m->s->layers; i++)
		x = add_feed_forward(m, i, add_attention(m, i, x));
	x = add_norm(m, -1, "output_norm", x);
	x = add_linear(m, table, m->vocab, x);
	add_node(m, NN_CROSS_ENTROPY, &loss, x, -1, NULL);
}

/* Normal numbers by Box and Muller, each from its own place in the stream. */
static void init_params(struct model *m)
{
	for (int i = 0; i < m->tensor_count; i++) {
		const struct tensor *t = &m->tensors[i];
		size_t n = (size_t)t->rows * t->cols;

		for (size_t j = t->at; j < t->at + n; j++) {
			double u = (nn_random(m->s->seed, 2 * j) + 1.0) * 0x1p-64;
			double v = nn_random(m->s->seed, 2 * j + 1) * 0x1p-64;

			m->params[j] = 1;
			if (t->spread > 0)
				m->params[j] = t->spread * sqrt(-2 * log(u)) * cos(2 * M_PI * v);
		}
	}
}

static void check(const struct settings *s, int sequences)
{
	int width = s->width, heads = s->heads, kv = s->kv_heads;

	if (width % heads || width / heads % 2)
		die("--width %d cannot be cut into %d heads of even width; "
		    "make it a multiple of %d", width, heads, 2 * heads);
	if (sequences > MAX_ROWS / s->context)
		die("%d sequences of %g tokens are too many at a time; choose a smaller --micro",
		    sequences, s->context);
	if (kv && heads % kv)
		die("--kv_heads %d must divide --heads %d", kv, heads);
}

struct model model_new(const struct settings *s, int vocab, int sequences)
{
	struct model m = { .s = s, .vocab = vocab, .sequences = sequences };

	check(s, sequences);
	m.tensors = xalloc(9 * (size_t)s->layers + 2, sizeof(*m.tensors));
	build(&m);
	m.params = xalloc(m.count, sizeof(*m.params));
	m.grad = xalloc(m.count, sizeof(*m.grad));
	if (!nn_graph_alloc(&m.graph))
		die("not enough memory for %d sequences of %g tokens; choose a smaller --micro",
		    sequences, s->context);
	init_params(&m);
	return m;
}

void model_free(struct model *m)
{
	free(m->tensors);
	free(m->params);
	free(m->grad);
	nn_graph_free(&m->graph);
}

double model_loss(struct model *m, const int32_t *ids, const int32_t *targets)
{
	const struct nn_node *last = &m->graph.nodes[m->graph.count - 1];
	double sum = 0;

	m->graph.ids = ids;
	m->graph.targets = targets;
	nn_graph_forward(&m->graph, m->params, m->graph.count);
	for (int i = 0; i < last->shape.rows; i++)
		sum += last->y[i];
	return sum;
}

void model_backward(struct model *m, double scale)
{
	nn_graph_backward(&m->graph, m->params, m->grad, scale);
}

const real *model_logits(struct model *m, const int32_t *ids)
{
	m->graph.ids = ids;
	nn_graph_forward(&m->graph, m->params, m->graph.count - 1);
	return m->graph.nodes[m->graph.count - 2].y;
}
