// SPDX-License-Identifier: GPL-2.0
/*
 * Slices: the only places where the module uses the floating-point unit. While
 * one lasts its CPU does nothing else, so it ends in time: before a piece of
 * work that would go over the budget, judged by the longest piece lately and by
 * how often slices were too long all the same: interrupts come into them.
 */
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/preempt.h>
#include <linux/seq_file.h>

#include "compat.h"
#include "counters.h"
#include "slice.h"
#include "trace.h"

#define MIN_SLICE_US	20
#define MAX_SLICE_US	10000

/*
 * The longest piece is forgotten over some hundred pieces, since short and long
 * ones alternate through a program, and believed by a quarter at a time, since
 * what an interrupt made long says nothing of the next.
 */
#define FADE		256
#define BELIEVE		4

/*
 * What is kept free of the budget for interrupts grows by GROW for a slice that
 * went over, and shrinks by SHRINK for one that did not, so that it settles where
 * SHRINK of GROW + SHRINK slices go over: one in 2000.
 */
#define MARGIN_GROW_NS		4000
#define MARGIN_SHRINK_NS	2

/* The histogram: buckets of 10 microseconds, and one for all beyond them. */
#define BUCKET_US	10
#define BUCKETS		100

/**
 * struct llm_slice_stats - slices of one CPU
 * @count: how many
 * @within: not longer than the budget
 * @nearly: not longer than the budget and a fifth of it
 * @longest: nanoseconds of the longest
 * @bucket: how many by length
 *
 * Written with preemption off, on its own CPU.
 */
struct llm_slice_stats {
	u64 count;
	u64 within;
	u64 nearly;
	u64 longest;
	u64 bucket[BUCKETS + 1];
};

static struct llm_slice_stats __percpu *slice_stats;

static unsigned int slice_us = 100;

static int set_slice_us(const char *value, const struct kernel_param *param)
{
	return param_set_uint_minmax(value, param, MIN_SLICE_US, MAX_SLICE_US);
}

static const struct kernel_param_ops slice_us_ops = {
	.set = set_slice_us,
	.get = param_get_uint,
};

module_param_cb(slice_us, &slice_us_ops, &slice_us, 0644);
MODULE_PARM_DESC(slice_us, "microseconds to compute before a CPU is given back, 20..10000 (default 100)");

u32 llm_slice_us(void)
{
	return READ_ONCE(slice_us);
}

static void record(u64 ns, u64 budget)
{
	struct llm_slice_stats *stats = this_cpu_ptr(slice_stats);

	stats->count++;
	stats->within += ns <= budget;
	stats->nearly += ns <= budget + budget / 5;
	stats->longest = max(stats->longest, ns);
	stats->bucket[min_t(u64, div_u64(ns, BUCKET_US * NSEC_PER_USEC), BUCKETS)]++;
}

static void remember_piece(struct llm_slicer *slicer, u64 ns)
{
	u64 known = slicer->longest_piece;

	if (ns > known)
		known = min(ns, known + known / BELIEVE + NSEC_PER_USEC);
	else
		known -= known / FADE;
	slicer->longest_piece = known;
}

/* At most four fifths of the budget are kept free. */
static void adapt_margin(struct llm_slicer *slicer, u64 ns, u64 budget)
{
	if (ns > budget)
		slicer->margin += MARGIN_GROW_NS;
	else
		slicer->margin -= min_t(u64, slicer->margin, MARGIN_SHRINK_NS);
	slicer->margin = min(slicer->margin, budget / 5 * 4);
}

/* The module's counters are shared by all CPUs: not for every slice. */
#define COUNT_AT_ONCE 64

void llm_slice_count(struct llm_slicer *slicer)
{
	if (!slicer->uncounted)
		return;
	atomic64_add(slicer->uncounted, &llm_counters.slices);
	atomic64_add(slicer->uncounted_ns, &llm_counters.cpu_ns);
	slicer->uncounted = 0;
	slicer->uncounted_ns = 0;
}

/*
 * One slice: pieces of work until one does not return LLM_TILE_RAN, or the next
 * would not fit the budget. Preemption is turned off here, not only where
 * kernel_fpu_begin() happens to do so: a tile is claimed and finished without
 * losing the CPU, on all architectures.
 */
static enum llm_tile_result slice(struct llm_slicer *slicer,
				  enum llm_tile_result (*piece)(void *work), void *work)
{
	u64 budget = (u64)llm_slice_us() * NSEC_PER_USEC;
	enum llm_tile_result result;
	u64 start, now, before;
	u32 pieces = 0;

	preempt_disable();
	start = ktime_get_ns();
	now = start;
	kernel_fpu_begin();
	do {
		before = now;
		result = piece(work);
		now = ktime_get_ns();
		if (result == LLM_TILE_NONE || result == LLM_TILE_OVER)
			break;
		pieces++;
		remember_piece(slicer, now - before);
	} while (result == LLM_TILE_RAN &&
		 now - start + slicer->longest_piece + slicer->margin <= budget);
	kernel_fpu_end();
	if (pieces) {
		adapt_margin(slicer, now - start, budget);
		record(now - start, budget);
	}
	preempt_enable();

	if (pieces) {
		slicer->spent += now - start;
		slicer->uncounted_ns += now - start;
		slicer->uncounted++;
		trace_llm_slice(now - start, pieces);
	}
	if (result != LLM_TILE_RAN || slicer->uncounted == COUNT_AT_ONCE)
		llm_slice_count(slicer);
	return result;
}

struct trial_work {
	struct llm_trial *trial;
	bool over;
};

struct tile_work {
	struct llm_step *step;
	void (*more)(void);
};

static enum llm_tile_result tile_piece(void *data)
{
	const struct tile_work *work = data;

	if (llm_step_open(work->step) > 1)
		work->more();
	return llm_step_tile(work->step);
}

static enum llm_tile_result score_piece(void *work)
{
	return llm_scoring_advance(work) ? LLM_TILE_LAST : LLM_TILE_RAN;
}

static enum llm_tile_result pool_piece(void *work)
{
	return llm_pooling_advance(work) ? LLM_TILE_LAST : LLM_TILE_RAN;
}

enum llm_tile_result llm_slice_tiles(struct llm_slicer *slicer, struct llm_step *step,
				     void (*more)(void))
{
	struct tile_work work = { step, more };

	return slice(slicer, tile_piece, &work);
}

void llm_slice_score(struct llm_slicer *slicer, struct llm_scoring *scoring)
{
	while (slice(slicer, score_piece, scoring) != LLM_TILE_LAST)
		llm_resched();
}

void llm_slice_pool(struct llm_slicer *slicer, struct llm_pooling *pooling)
{
	while (slice(slicer, pool_piece, pooling) != LLM_TILE_LAST)
		llm_resched();
}

/* One a slice. */
static enum llm_tile_result trial_piece(void *work)
{
	struct trial_work *trial = work;

	trial->over = llm_trial_advance(trial->trial);
	return LLM_TILE_LAST;
}

void llm_slice_trial(struct llm_trial *trial)
{
	struct trial_work work = { .trial = trial };
	struct llm_slicer slicer = {};

	while (!work.over) {
		slice(&slicer, trial_piece, &work);
		llm_resched();
	}
}

static void sum_stats(struct llm_slice_stats *sum)
{
	unsigned int cpu, i;

	for_each_possible_cpu(cpu) {
		const struct llm_slice_stats *stats = per_cpu_ptr(slice_stats, cpu);

		sum->count += stats->count;
		sum->within += stats->within;
		sum->nearly += stats->nearly;
		sum->longest = max(sum->longest, stats->longest);
		for (i = 0; i <= BUCKETS; i++)
			sum->bucket[i] += stats->bucket[i];
	}
}

static void show_share(struct seq_file *file, const char *what, u64 part, u64 whole)
{
	u64 share = whole ? div64_u64(part * 1000000, whole) : 1000000;
	u32 fraction;

	share = div_u64_rem(share, 10000, &fraction);
	seq_printf(file, "%-24s%llu.%04u %%\n", what, share, fraction);
}

/* The end of the bucket that the given slice in ten thousand falls into. */
static void show_quantile(struct seq_file *file, const char *what,
			  const struct llm_slice_stats *sum, u32 in_ten_thousand)
{
	u64 below = 0;
	u32 i;

	for (i = 0; i < BUCKETS; i++) {
		below += sum->bucket[i];
		if (below * 10000 >= sum->count * in_ten_thousand)
			break;
	}
	seq_printf(file, "%-24s%s %u us\n", what, i < BUCKETS ? "<" : ">=",
		   i < BUCKETS ? (i + 1) * BUCKET_US : BUCKETS * BUCKET_US);
}

void llm_slice_show(struct seq_file *file)
{
	struct llm_slice_stats sum = {};
	u32 budget = llm_slice_us();
	u32 i;

	sum_stats(&sum);
	seq_printf(file, "%-24s%u us\n", "budget", budget);
	seq_printf(file, "%-24s%llu\n", "slices", sum.count);
	show_share(file, "within budget", sum.within, sum.count);
	show_share(file, "within budget + 20%", sum.nearly, sum.count);
	show_quantile(file, "median", &sum, 5000);
	show_quantile(file, "99%", &sum, 9900);
	show_quantile(file, "99.9%", &sum, 9990);
	seq_printf(file, "%-24s%llu ns\n", "longest", sum.longest);
	for (i = 0; i < BUCKETS; i++)
		if (sum.bucket[i])
			seq_printf(file, "%4u .. %-4u us %20llu\n", i * BUCKET_US,
				   (i + 1) * BUCKET_US, sum.bucket[i]);
	if (sum.bucket[BUCKETS])
		seq_printf(file, "%4u ..      us %20llu\n", BUCKETS * BUCKET_US,
			   sum.bucket[BUCKETS]);
}

void llm_slice_reset(void)
{
	unsigned int cpu;

	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(slice_stats, cpu), 0, sizeof(*slice_stats));
}

int llm_slice_init(void)
{
	slice_stats = alloc_percpu(struct llm_slice_stats);
	return slice_stats ? 0 : -ENOMEM;
}

void llm_slice_exit(void)
{
	free_percpu(slice_stats);
}
