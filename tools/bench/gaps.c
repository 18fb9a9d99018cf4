// SPDX-License-Identifier: GPL-2.0
/*
 * gaps THREADS SECONDS [SLICE_US]
 *
 * What this machine itself makes of short pieces of work: each thread, on a CPU of
 * its own, does nothing but read the clock in slices of SLICE_US microseconds, by
 * default 90. How long these get tells how often interrupts, other work and other
 * machines on the same processor come between, which no program can help. Prints
 * the share of slices that are over within 100 microseconds, and the longest of 99
 * and 99.9 percent and of all, in microseconds.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <string.h>

#include "threads.h"

/* Buckets of a microsecond, and one for all beyond them. */
#define BUCKETS 1000
#define LIMIT_US 100

struct watch {
	int cpu;
	uint64_t until;
	uint64_t slice;
	uint64_t count[BUCKETS + 1];
	uint64_t longest;
};

static void *watch_clock(void *argument)
{
	struct watch *watch = argument;
	uint64_t start = now_ns(), now = start;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(watch->cpu, &cpu);
	/* Where that is not allowed, the threads are where they are put. */
	(void)sched_setaffinity(0, sizeof(cpu), &cpu);
	while (now < watch->until) {
		start = now_ns();
		do
			now = now_ns();
		while (now - start < watch->slice);
		now -= start;
		watch->count[now / 1000 < BUCKETS ? now / 1000 : BUCKETS]++;
		watch->longest = now > watch->longest ? now : watch->longest;
		now += start;
	}
	return NULL;
}

static unsigned int quantile(const uint64_t *count, double share)
{
	double all = 0, below = 0;
	unsigned int i;

	for (i = 0; i <= BUCKETS; i++)
		all += (double)count[i];
	for (i = 0; i < BUCKETS; i++) {
		below += (double)count[i];
		if (below >= all * share)
			break;
	}
	return i + 1;
}

int main(int argc, char **argv)
{
	static struct watch watches[THREADS_MOST];
	unsigned long threads = threads_number(argc, argv, 1, 1, THREADS_MOST);
	unsigned long seconds = threads_number(argc, argv, 2, 5, 3600);
	unsigned long slice = threads_number(argc, argv, 3, 90, LIMIT_US);
	uint64_t sum[BUCKETS + 1] = { 0 }, within = 0, all = 0, longest = 0;

	for (unsigned long i = 0; i < threads; i++) {
		watches[i].cpu = (int)i;
		watches[i].until = now_ns() + seconds * 1000000000;
		watches[i].slice = slice * 1000;
	}
	threads_run(threads, watch_clock, watches, sizeof(*watches));
	for (unsigned long i = 0; i < threads; i++) {
		for (int b = 0; b <= BUCKETS; b++) {
			sum[b] += watches[i].count[b];
			all += watches[i].count[b];
			within += b < LIMIT_US ? watches[i].count[b] : 0;
		}
		longest = watches[i].longest > longest ? watches[i].longest : longest;
	}
	printf("%.4f %u %u %.1f\n", (double)within / (double)all * 100, quantile(sum, 0.99),
	       quantile(sum, 0.999), (double)longest / 1000);
	return 0;
}
