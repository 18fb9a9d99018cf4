// SPDX-License-Identifier: GPL-2.0
/*
 * read_speed [THREADS [MIB]]
 *
 * How fast this machine reads memory, in GB/s: the best of ten passes of each
 * thread over a part of its own. The memory holds random numbers, since a host
 * may have merged pages that are equal.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PASSES 10

struct part {
	const uint64_t *words;
	size_t count;
	uint64_t sum;
};

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Eight sums, so that no addition waits for the one before. */
static void *read_part(void *argument)
{
	struct part *part = argument;
	uint64_t sums[8] = { 0 };

	for (size_t i = 0; i + 8 <= part->count; i += 8)
		for (int j = 0; j < 8; j++)
			sums[j] += part->words[i + j];
	for (int j = 0; j < 8; j++)
		part->sum += sums[j];
	return NULL;
}

static double pass(struct part *parts, unsigned long threads)
{
	pthread_t *ids = calloc(threads, sizeof(*ids));
	double start = seconds();

	if (!ids)
		exit(1);
	for (unsigned long i = 0; i < threads; i++)
		if (pthread_create(&ids[i], NULL, read_part, &parts[i]))
			exit(1);
	for (unsigned long i = 0; i < threads; i++)
		pthread_join(ids[i], NULL);
	free(ids);
	return seconds() - start;
}

int main(int argc, char **argv)
{
	unsigned long threads = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	unsigned long mib = argc > 2 ? strtoul(argv[2], NULL, 10) : 512;
	size_t count = mib << 17;
	uint64_t *words = malloc(count * sizeof(*words));
	struct part *parts = calloc(threads ? threads : 1, sizeof(*parts));
	uint64_t state = 1, check = 0;
	double best = 1e9;

	if (!threads || !mib || !words || !parts) {
		fputs("usage: read_speed [THREADS [MIB]]\n", stderr);
		return 2;
	}
	for (size_t i = 0; i < count; i++) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		words[i] = state;
	}
	for (unsigned long i = 0; i < threads; i++)
		parts[i] = (struct part) { words + count / threads * i, count / threads, 0 };
	for (int i = 0; i < PASSES; i++) {
		double took = pass(parts, threads);

		if (took < best)
			best = took;
	}
	for (unsigned long i = 0; i < threads; i++)
		check += parts[i].sum;
	fprintf(stderr, "sum %016llx\n", (unsigned long long)check);
	printf("%.1f\n", (double)(count * sizeof(*words)) / best * 1e-9);
	free(parts);
	free(words);
	return 0;
}
