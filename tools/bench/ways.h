/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The two ways to the default model that are compared: files of /dev/llm, and
 * netlink. Functions that fail end the program.
 */
#ifndef WAYS_H
#define WAYS_H

#include <llmctl_netlink.h>

#define PROMPT "In the beginning"

/** fail() - says what failed and why, and ends the program. */
void fail(const char *what, const char *why) __attribute__((noreturn));

/** now() - seconds since the machine was booted. */
double now(void);

/**
 * percentile() - what so many hundredths of some values are not above
 * @values: values, sorted by this
 * @count: how many
 * @percent: 0..100
 */
double percentile(double *values, int count, int percent);

/** sampling() - the likeliest token each time. */
struct llm_sampling sampling(void);

/**
 * file_open() - opens a session that makes the likeliest tokens
 * @max_tokens: so many of them
 */
int file_open(__u32 max_tokens);

/**
 * file_begin() - begins its reply
 * @fd: session
 */
void file_begin(int fd);

/**
 * submission() - the same over netlink
 * @how: how tokens are chosen
 * @max_tokens: so many of them
 */
struct llmctl_submission submission(const struct llm_sampling *how, __u32 max_tokens);

/**
 * compare_latency() - measures and prints how long tokens take to come
 */
void compare_latency(void);

#endif /* WAYS_H */
