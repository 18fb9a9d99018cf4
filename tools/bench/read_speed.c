// SPDX-License-Identifier: GPL-2.0
/*
 * read_speed [THREADS [MIB]]
 *
 * How fast this machine reads memory, in GB/s: the best of some passes of THREADS
 * threads at once, each over a part of its own, with the widest loads there are.
 * The memory is larger than caches, in large pages where they can be had, and
 * holds random numbers, since a host may have merged pages that are equal.
 */
#include <sys/mman.h>

#include "threads.h"

#define PASSES	15
#define LINE	64
/* A thread reads its part in streams, since one alone waits for each page's start. */
#define STREAMS	4
/* How far ahead of a load memory is asked for. */
#define AHEAD	1024

typedef uint64_t line_t __attribute__((vector_size(LINE)));

struct part {
	const line_t *lines;
	size_t stream;
	line_t sum;
};

static void *read_part(void *argument)
{
	struct part *part = argument;
	line_t sums[STREAMS] = { 0 };

	for (size_t i = 0; i < part->stream; i++)
		for (size_t s = 0; s < STREAMS; s++) {
			const line_t *at = part->lines + s * part->stream + i;

			__builtin_prefetch((const char *)at + AHEAD);
			sums[s] ^= *at;
		}
	for (size_t s = 0; s < STREAMS; s++)
		part->sum ^= sums[s];
	return NULL;
}

static uint64_t *random_words(size_t bytes)
{
	uint64_t state = 1, *words = aligned_alloc(2 << 20, bytes);

	if (!words) {
		fputs("read_speed: not enough memory\n", stderr);
		exit(1);
	}
	madvise(words, bytes, MADV_HUGEPAGE);
	for (size_t i = 0; i < bytes / sizeof(*words); i++) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		words[i] = state;
	}
	return words;
}

int main(int argc, char **argv)
{
	static struct part parts[THREADS_MOST];
	unsigned long threads = threads_number(argc, argv, 1, 1, THREADS_MOST);
	size_t bytes = threads_number(argc, argv, 2, 512, 1 << 20) << 20;
	size_t stream = bytes / LINE / threads / STREAMS;
	uint64_t best = UINT64_MAX, check = 0, *words = random_words(bytes);

	for (unsigned long i = 0; i < threads; i++)
		parts[i] = (struct part) {
			.lines = (const line_t *)words + i * STREAMS * stream, .stream = stream,
		};
	for (int i = 0; i < PASSES; i++) {
		uint64_t took = threads_run(threads, read_part, parts, sizeof(*parts));

		best = took < best ? took : best;
	}
	/* What is not used would not be read. */
	for (unsigned long i = 0; i < threads; i++)
		check ^= parts[i].sum[0];
	fprintf(stderr, "check %016llx\n", (unsigned long long)check);
	printf("%.1f\n", (double)(stream * STREAMS * LINE * threads) / (double)best);
	free(words);
	return 0;
}
