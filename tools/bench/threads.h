/* SPDX-License-Identifier: GPL-2.0 */
/* What the small measurements share: a clock, and threads that run at once. */
#ifndef THREADS_H
#define THREADS_H

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/** THREADS_MOST - threads at most. */
#define THREADS_MOST 1024

/** now_ns() - nanoseconds of a clock that only goes forward. */
static inline uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/**
 * threads_run() - runs a function in threads, each with an argument of its own
 * @count: threads, 1..THREADS_MOST
 * @run: function
 * @arguments: array of @count
 * @size: bytes of one of them
 *
 * The program ends where a thread can't be had. Return: nanoseconds it took.
 */
static inline uint64_t threads_run(unsigned long count, void *(*run)(void *), void *arguments,
				   size_t size)
{
	static pthread_t ids[THREADS_MOST];
	uint64_t start = now_ns();

	for (unsigned long i = 0; i < count; i++)
		if (pthread_create(&ids[i], NULL, run, (char *)arguments + i * size)) {
			perror("a thread");
			exit(1);
		}
	for (unsigned long i = 0; i < count; i++)
		pthread_join(ids[i], NULL);
	return now_ns() - start;
}

/**
 * threads_number() - a number from the command line; the program ends if it is none
 * @argc: words
 * @argv: words
 * @index: of the word
 * @fallback: where there is no such word
 * @most: largest, the least is 1
 */
static inline unsigned long threads_number(int argc, char **argv, int index,
					   unsigned long fallback, unsigned long most)
{
	unsigned long number = index < argc ? strtoul(argv[index], NULL, 10) : fallback;

	if (number && number <= most)
		return number;
	fprintf(stderr, "%s: '%s' is not a number from 1 to %lu\n", argv[0], argv[index], most);
	exit(2);
}

#endif /* THREADS_H */
