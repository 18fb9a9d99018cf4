/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tests that print TAP (testanything.org). A test program has a table of tests
 * and a main() that hands it to tap_run().
 */
#ifndef TAP_H
#define TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/** TAP_MESSAGES - failed checks of one test that are told of. */
#define TAP_MESSAGES 5

/**
 * struct tap_test - one test
 * @name: what it shows, as a sentence without "#"
 * @run: the test; it fails where a check in it does
 */
struct tap_test {
	const char *name;
	void (*run)(void);
};

/* The test that runs: its failed checks, and why it was skipped, if it was. */
static unsigned int tap_failures;
static const char *tap_skipped;

static inline bool tap_checked(bool holds, const char *file, int line, const char *condition)
{
	if (!holds && tap_failures++ < TAP_MESSAGES)
		printf("# %s:%d: %s\n", file, line, condition);
	return holds;
}

/**
 * tap_check() - fails the test where @condition does not hold
 * @condition: what must hold
 *
 * It goes on all the same. The value is that of @condition, for tests that
 * can't go on.
 */
#define tap_check(condition) tap_checked(condition, __FILE__, __LINE__, #condition)

/**
 * tap_skip() - says that a test can't be made here; it then returns
 * @reason: a few words
 */
static inline void tap_skip(const char *reason)
{
	tap_skipped = reason;
}

/**
 * tap_run() - runs tests one after the other
 * @tests: tests
 * @count: how many
 *
 * Return: exit status for main(), 1 where a test failed.
 */
static inline int tap_run(const struct tap_test *tests, size_t count)
{
	int status = 0;

	printf("1..%zu\n", count);
	for (size_t i = 0; i < count; i++) {
		tap_failures = 0;
		tap_skipped = NULL;
		tests[i].run();
		if (tap_failures) {
			printf("not ok %zu %s\n", i + 1, tests[i].name);
			status = 1;
		} else if (tap_skipped) {
			printf("ok %zu %s # SKIP %s\n", i + 1, tests[i].name, tap_skipped);
		} else {
			printf("ok %zu %s\n", i + 1, tests[i].name);
		}
		fflush(stdout);
	}
	return status;
}

#endif /* TAP_H */
