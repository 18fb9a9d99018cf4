// SPDX-License-Identifier: GPL-2.0
/*
 * Every layer's backward function against central differences of its forward
 * function, in double precision, and then a whole model. Prints the table of
 * errors as TAP comments.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "settings.h"
#include "util.h"

#ifndef NN_DOUBLE
#error "central differences need double precision"
#endif

#define LIMIT 1e-6
#define STEP 1e-5

static uint64_t counter;
static int tests, failures;

static double uniform(void)
{
	return nn_random(7, counter++) * 0x1p-63 - 1;
}

static real *noise(size_t n)
{
	real *p = xalloc(n, sizeof(*p));

	for (size_t i = 0; i < n; i++)
		p[i] = uniform();
	return p;
}

static void report(const char *layer, const char *of, double error)
{
	tests++;
	failures += !(error < LIMIT);
	printf("# %-28s %-12s %.2e\n", layer, of, error);
	printf("%sok %d gradient of %s by %s\n", error < LIMIT ? "" : "not ", tests, layer, of);
}

/**
 * struct check - one layer under test
 * @a: arguments; all outputs and gradients have memory
 * @kind: layer
 * @c: the loss is Σ c y
 * @n: elements of y
 */
struct check {
	struct nn_args a;
	enum nn_kind kind;
	const real *c;
	size_t n;
};

static double loss(const struct check *k)
{
	double sum = 0;

	nn_layers[k->kind].forward(&k->a);
	for (size_t i = 0; i < k->n; i++)
		sum += k->c[i] * k->a.y[i];
	return sum;
}

/* |numeric − analytic| / (|numeric| + |analytic|), the norms over all of p. */
static double relative_error(const struct check *k, real *p, const real *grad, size_t n)
{
	double diff = 0, a = 0, b = 0;

	for (size_t i = 0; i < n; i++) {
		double was = p[i], up, down, numeric;

		p[i] = was + STEP;
		up = loss(k);
		p[i] = was - STEP;
		down = loss(k);
		p[i] = was;
		numeric = (up - down) / (2 * STEP);
		diff += (numeric - grad[i]) * (numeric - grad[i]);
		a += numeric * numeric;
		b += grad[i] * grad[i];
	}
	return a + b > 0 ? sqrt(diff) / (sqrt(a) + sqrt(b)) : 1;
}

static void check_layer(const char *name, enum nn_kind kind, const struct nn_shape *s)
{
	const struct nn_layer *l = &nn_layers[kind];
	size_t n = (size_t)s->rows * s->out, x = kind == NN_EMBED ? 0 : (size_t)s->rows * s->in;
	size_t w = l->w_len ? l->w_len(s) : 0, b = l->b_len ? l->b_len(s) : 0;
	int32_t *ids = xalloc(s->rows, sizeof(*ids));
	real *px = noise(x), *px2 = noise(x), *pw = noise(w), *pb = noise(b), *target = noise(x);
	real *before[4], *c = noise(n), *dx = noise(x), *dx2 = noise(x);
	real *dw = noise(w), *db = noise(b);
	struct check k = {
		.a = { .s = s, .x = px, .x2 = px2, .ids = ids, .target = target, .w = pw, .b = pb,
		       .y = noise(n), .save = noise(l->save_len ? l->save_len(s) : 0), .dy = c,
		       .dx = dx, .dx2 = dx2, .dw = dw, .db = db, .train = true, .seed = 3 },
		.kind = kind, .c = c, .n = n,
	};
	struct { const char *of; real *p, *grad; size_t n; } kinds[] = {
		{ "input", px, dx, x },
		{ "other input", px2, dx2, kind == NN_ADD ? x : 0 },
		{ "weight", pw, dw, w },
		{ "bias", pb, db, b },
	};

	for (int r = 0; r < s->rows; r++)
		ids[r] = (3 * r) % 5 - (kind == NN_CROSS_ENTROPY && r == 1);
	/* Away from the kink, where the difference quotient means nothing. */
	for (size_t i = 0; i < x; i++)
		px[i] += px[i] > 0 ? 0.1 : -0.1;
	/* Backward adds: what is there before must stay in the sum. */
	for (int i = 0; i < 4; i++) {
		before[i] = xalloc(kinds[i].n, sizeof(real));
		memcpy(before[i], kinds[i].grad, kinds[i].n * sizeof(real));
	}
	loss(&k);
	l->backward(&k.a);
	for (int i = 0; i < 4; i++) {
		for (size_t j = 0; j < kinds[i].n; j++)
			kinds[i].grad[j] -= before[i][j];
		if (kinds[i].n)
			report(name, kinds[i].of,
			       relative_error(&k, kinds[i].p, kinds[i].grad, kinds[i].n));
		free(before[i]);
	}
	free(px);
	free(px2);
	free(pw);
	free(pb);
	free(target);
	free(c);
	free(dx);
	free(dx2);
	free(dw);
	free(db);
	free(k.a.y);
	free(k.a.save);
	free(ids);
}

/* The tied embedding, the order of the nodes, the residual sums: all at once. */
static void check_model(void)
{
	struct settings s;
	struct model m;
	int32_t ids[12], targets[12];
	double worst = 0;

	settings_init(&s);
	settings_set(&s, "width", "8");
	settings_set(&s, "heads", "2");
	settings_set(&s, "kv_heads", "1");
	settings_set(&s, "hidden", "6");
	settings_set(&s, "layers", "2");
	settings_set(&s, "context", "6");
	settings_set(&s, "dropout", "0.2");
	m = model_new(&s, 11, 2);
	m.graph.train = true;
	m.graph.seed = 5;
	for (int i = 0; i < 12; i++) {
		ids[i] = (5 * i) % 11;
		targets[i] = (5 * i + 5) % 11;
	}
	/* Larger than a model begins, so that no gradient is nearly zero. */
	for (size_t i = 0; i < m.count; i++)
		m.params[i] += uniform() / 2;
	model_loss(&m, ids, targets);
	model_backward(&m, 1);
	for (int t = 0; t < m.tensor_count; t++) {
		size_t n = (size_t)m.tensors[t].rows * m.tensors[t].cols;
		double diff = 0, sum = 0;

		for (size_t i = m.tensors[t].at; i < m.tensors[t].at + n; i++) {
			double was = m.params[i], up, down, numeric;

			m.params[i] = was + STEP;
			up = model_loss(&m, ids, targets);
			m.params[i] = was - STEP;
			down = model_loss(&m, ids, targets);
			m.params[i] = was;
			numeric = (up - down) / (2 * STEP);
			diff += (numeric - m.grad[i]) * (numeric - m.grad[i]);
			sum += numeric * numeric + m.grad[i] * m.grad[i];
		}
		worst = fmax(worst, sum > 0 ? sqrt(diff / sum) : 1);
	}
	report("a model of two layers", "parameters", worst);
	model_free(&m);
}

int main(void)
{
	const struct {
		const char *name;
		enum nn_kind kind;
		struct nn_shape s;
	} cases[] = {
		{ "embedding", NN_EMBED, { .rows = 7, .in = 5, .out = 6 } },
		{ "linear", NN_LINEAR, { .rows = 5, .in = 7, .out = 6 } },
		{ "linear with bias", NN_LINEAR, { .rows = 70, .in = 3, .out = 40, .bias = true } },
		{ "rms norm", NN_RMSNORM, { .rows = 5, .in = 40, .out = 40, .eps = 1e-5 } },
		{ "layer norm", NN_LAYERNORM, { .rows = 5, .in = 40, .out = 40, .eps = 1e-5 } },
		{ "attention", NN_ATTEND, { .rows = 10, .in = 24, .out = 8, .seq = 5, .heads = 2,
					    .kv_heads = 2, .head_dim = 4, .theta = 100 } },
		{ "attention, grouped heads", NN_ATTEND,
		  { .rows = 14, .in = 32, .out = 16, .seq = 7, .heads = 4, .kv_heads = 2,
		    .head_dim = 4, .theta = 100 } },
		{ "attention, over a block", NN_ATTEND,
		  { .rows = 70, .in = 6, .out = 2, .seq = 70, .heads = 1, .kv_heads = 1,
		    .head_dim = 2, .theta = 100 } },
		{ "glu of relu", NN_GLU, { .rows = 3, .in = 10, .out = 5, .act = NN_RELU } },
		{ "glu of sigmoid", NN_GLU, { .rows = 3, .in = 10, .out = 5, .act = NN_SIGMOID } },
		{ "glu of tanh", NN_GLU, { .rows = 3, .in = 10, .out = 5, .act = NN_TANH } },
		{ "glu of silu", NN_GLU, { .rows = 3, .in = 10, .out = 5, .act = NN_SILU } },
		{ "glu of gelu", NN_GLU, { .rows = 3, .in = 10, .out = 5, .act = NN_GELU } },
		{ "relu", NN_RELU, { .rows = 3, .in = 9, .out = 9 } },
		{ "sigmoid", NN_SIGMOID, { .rows = 3, .in = 9, .out = 9 } },
		{ "tanh", NN_TANH, { .rows = 3, .in = 9, .out = 9 } },
		{ "silu", NN_SILU, { .rows = 3, .in = 9, .out = 9 } },
		{ "gelu", NN_GELU, { .rows = 3, .in = 9, .out = 9 } },
		{ "add", NN_ADD, { .rows = 3, .in = 9, .out = 9 } },
		{ "dropout", NN_DROPOUT, { .rows = 3, .in = 9, .out = 9, .rate = 0.3 } },
		{ "cross-entropy", NN_CROSS_ENTROPY, { .rows = 5, .in = 9, .out = 1 } },
		{ "squared error", NN_SQUARED_ERROR, { .rows = 5, .in = 9, .out = 1 } },
		{ "binary cross-entropy", NN_BINARY_CROSS_ENTROPY,
		  { .rows = 5, .in = 9, .out = 1 } },
	};
	bool seen[NN_KINDS] = { false };

	nn_threads_init();
	printf("# layer                        by           relative error, limit %g\n", LIMIT);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_layer(cases[i].name, cases[i].kind, &cases[i].s);
		seen[cases[i].kind] = true;
	}
	check_model();
	for (int i = 0; i < NN_KINDS; i++) {
		if (!seen[i]) {
			printf("not ok %d %s has no case\n", ++tests, nn_layers[i].name);
			failures++;
		}
	}
	printf("1..%d\n", tests);
	return failures > 0;
}
