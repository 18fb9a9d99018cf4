// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "ways.h"

void fail(const char *what, const char *why)
{
	fprintf(stderr, "netlink_speed: %s: %s\n", what, why);
	exit(1);
}

double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

static int compare(const void *one, const void *other)
{
	double a = *(const double *)one, b = *(const double *)other;

	return a < b ? -1 : a > b;
}

double percentile(double *values, int count, int percent)
{
	qsort(values, count, sizeof(*values), compare);
	return values[(count - 1) * percent / 100];
}

struct llm_sampling sampling(void)
{
	return (struct llm_sampling){ .set = LLM_SAMPLING_TEMPERATURE };
}

int file_open(__u32 max_tokens)
{
	struct llm_session_setup setup = {
		.set = LLM_SETUP_MAX_TOKENS | LLM_SETUP_RAW, .max_tokens = max_tokens, .raw = 1,
	};
	struct llm_sampling how = sampling();
	int fd = open(LLMCTL_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, LLM_IOC_SETUP, &setup) || ioctl(fd, LLM_IOC_SAMPLING, &how))
		fail(LLMCTL_DEVICE, strerror(errno));
	return fd;
}

void file_begin(int fd)
{
	struct llm_start start = { 0 };

	if (write(fd, PROMPT, strlen(PROMPT)) < 0 || ioctl(fd, LLM_IOC_START, &start))
		fail("start", strerror(errno));
}

struct llmctl_submission submission(const struct llm_sampling *how, __u32 max_tokens)
{
	return (struct llmctl_submission){
		.text = PROMPT, .length = strlen(PROMPT), .max_tokens = max_tokens, .raw = 1,
		.sampling = how,
	};
}
