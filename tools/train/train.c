// SPDX-License-Identifier: GPL-2.0
/* See train.h. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "checkpoint.h"
#include "curve.h"
#include "dist.h"
#include "train.h"
#include "util.h"

static volatile sig_atomic_t stop;

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

void train_watch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART | SA_RESETHAND };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

/**
 * struct run - a run in progress
 * @s: settings
 * @m: model
 * @o: optimiser state
 * @p: where it is
 * @train: text to learn
 * @valid: text held out
 * @ids: tokens of one pass
 * @targets: targets of one pass
 * @curve: record of the steps, &struct point
 */
struct run {
	const struct settings *s;
	struct model m;
	struct optim o;
	struct progress p;
	const struct tokens *train;
	const struct tokens *valid;
	int32_t *ids;
	int32_t *targets;
	struct buf curve;
};

/* One window of held-out text; targets before @from and beginnings do not count. */
static size_t valid_window(const struct tokens *t, size_t at, int context, int from,
			   int32_t *ids, int32_t *targets)
{
	size_t counted = 0;

	for (int i = 0; i < context; i++) {
		bool inside = at + i + 1 < t->n;

		ids[i] = at + i < t->n ? t->ids[at + i] : VOCAB_END;
		targets[i] = inside && i >= from ? t->ids[at + i + 1] : -1;
		if (targets[i] == VOCAB_BEGIN)
			targets[i] = -1;
		counted += targets[i] >= 0;
	}
	return counted;
}

double train_validate(struct model *m, const struct tokens *t)
{
	int context = m->s->context, b = m->sequences;
	long windows = t->n ? (t->n - 1) / context : 0;
	int32_t *ids = xalloc((size_t)b * context, sizeof(*ids));
	int32_t *targets = xalloc((size_t)b * context, sizeof(*targets));
	double sum = 0, counted = 0;

	m->graph.train = false;
	for (long w = (long)dist_rank() * b; w < windows; w += (long)dist_size() * b) {
		for (int i = 0; i < b; i++) {
			size_t at = (size_t)(w + i) * context;

			counted += valid_window(t, w + i < windows ? at : t->n, context, 0,
						ids + i * context, targets + i * context);
		}
		sum += model_loss(m, ids, targets);
	}
	free(ids);
	free(targets);
	counted = dist_sum1(counted);
	sum = dist_sum1(sum);
	return counted > 0 ? sum / counted : NAN;
}

double train_bits(struct model *m, const struct tokens *t)
{
	int context = m->s->context, half = context / 2;
	int32_t *ids = xalloc(context, sizeof(*ids)), *targets = xalloc(context, sizeof(*targets));
	double sum = 0;

	m->graph.train = false;
	/* A window begins at @at and counts what the one before it has not. */
	for (size_t at = 0, done = 0; done + 1 < t->n; at += half, done = at + context - half) {
		valid_window(t, at, context, done - at, ids, targets);
		sum += model_loss(m, ids, targets);
	}
	free(ids);
	free(targets);
	return sum / log(2) / t->bytes;
}

static void check_run(const struct settings *s, const struct tokens *train)
{
	int batch = s->batch, ranks = dist_size(), own = batch / ranks;
	int micro = s->micro ? s->micro : own;

	if (batch % ranks)
		die("--batch %d cannot be shared by %d processes; make it a multiple", batch,
		    ranks);
	if (own % micro)
		die("--micro %d must divide the %d sequences of a process", micro, own);
	if (!tokens_windows(train, s->context))
		die("the training text has %zu tokens, fewer than --context %g and one more; "
		    "give more text or a shorter context", train->n, s->context);
}

/* Gradient and loss of one step, the same in every process afterwards. */
static double accumulate(struct run *r)
{
	int context = r->s->context, batch = r->s->batch, own = batch / dist_size();
	uint64_t first = (uint64_t)r->p.step * batch + (uint64_t)dist_rank() * own;
	double sum = 0, rows = (double)batch * context;

	memset(r->m.grad, 0, r->m.count * sizeof(*r->m.grad));
	r->m.graph.train = true;
	r->m.graph.seed = nn_random(r->s->seed + 1, r->p.step);
	for (int i = 0; i < own; i += r->m.sequences) {
		for (int j = 0; j < r->m.sequences; j++)
			tokens_sequence(r->train, r->s->seed, context, first + i + j,
					r->ids + j * context, r->targets + j * context);
		r->m.graph.row0 = (first + i) % batch * context;
		sum += model_loss(&r->m, r->ids, r->targets);
		model_backward(&r->m, 1 / rows);
	}
	dist_sum(r->m.grad, r->m.count);
	return dist_sum1(sum) / rows;
}

static void validate(struct run *r, struct point *pt)
{
	pt->valid = train_validate(&r->m, r->valid);
	if (isnan(pt->valid))
		return;
	if (pt->valid < r->p.best) {
		r->p.best = pt->valid;
		r->p.worse = 0;
		checkpoint_save("best", &r->m, &r->o, &r->p);
	} else {
		r->p.worse++;
	}
}

static void report(const struct run *r, const struct point *pt)
{
	long left = (r->s->steps - pt->step) * r->s->batch * r->s->context / pt->speed;

	if (dist_rank())
		return;
	fprintf(stderr, "step %ld/%.0f loss %.4f", pt->step, r->s->steps, pt->loss);
	if (!isnan(pt->valid))
		fprintf(stderr, " validation %.4f", pt->valid);
	fprintf(stderr, " rate %.2e %.0f tokens/s %ld:%02ld:%02ld left%c", pt->rate, pt->speed,
		left / 3600, left / 60 % 60, left % 60,
		isnan(pt->valid) && isatty(STDERR_FILENO) ? '\r' : '\n');
}

static void save(struct run *r)
{
	checkpoint_save("checkpoint", &r->m, &r->o, &r->p);
	if (dist_rank() == 0)
		curve_save(&r->curve, r->s->dir);
}

/* One step; false when the run should end after it. */
static bool step(struct run *r)
{
	const struct settings *s = r->s;
	double begun = now(), norm;
	struct point pt = { .rate = optim_rate(s, r->p.step), .valid = NAN };
	bool last, end;

	pt.loss = accumulate(r);
	norm = optim_step(&r->o, &r->m, r->p.step);
	if (!isfinite(pt.loss) || !isfinite(norm))
		die("the loss is not a number any more at step %ld; the checkpoint before it is "
		    "unharmed: resume with a lower --rate or a longer --warmup", r->p.step + 1);
	pt.step = ++r->p.step;
	pt.speed = s->batch * s->context / (now() - begun);
	last = pt.step >= s->steps;
	if (pt.step % (long)s->validate == 0 || last)
		validate(r, &pt);
	curve_add(&r->curve, &pt);
	if (!isnan(pt.valid) || pt.step % 10 == 0 || last)
		report(r, &pt);
	end = last || (s->patience && r->p.worse >= s->patience) || dist_sum1(stop) > 0;
	if (end || pt.step % (long)s->checkpoint == 0)
		save(r);
	return !end;
}

bool train_run(const struct settings *s, int vocab, const struct tokens *train,
	       const struct tokens *valid)
{
	int own = s->batch / dist_size(), micro = s->micro ? s->micro : own;
	struct run r = { .s = s, .train = train, .valid = valid, .p = { .best = INFINITY } };
	double epochs;

	check_run(s, train);
	r.m = model_new(s, vocab, micro);
	r.o = optim_new(&r.m);
	r.ids = xalloc((size_t)micro * (int)s->context, sizeof(*r.ids));
	r.targets = xalloc((size_t)micro * (int)s->context, sizeof(*r.targets));
	if (checkpoint_load("checkpoint", &r.m, &r.o, &r.p))
		curve_load(&r.curve, s->dir, r.p.step);
	if (dist_rank() == 0)
		settings_save(s);
	epochs = s->steps * s->batch / tokens_windows(train, s->context);
	if (dist_rank() == 0)
		fprintf(stderr, "%zu parameters, %zu training tokens, %.2f epochs, from step %ld\n",
			r.m.count, train->n, epochs, r.p.step);
	while (r.p.step < s->steps && step(&r))
		;
	optim_free(&r.o);
	model_free(&r.m);
	free(r.ids);
	free(r.targets);
	free(r.curve.p);
	return !stop;
}
