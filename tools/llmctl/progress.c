// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "progress.h"

#define WIDTH 40
#define PERIOD_MS 100

static __u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_show(void *label, __u64 done, __u64 total)
{
	static __u64 next;
	static bool drawn;
	static const char bar[WIDTH + 1] = "########################################";
	__u64 now = now_ms();
	int filled;

	if (!isatty(STDERR_FILENO))
		return;
	if (!next)
		next = now + PERIOD_MS;
	if (done >= total) {
		if (drawn)
			fputs("\r\033[K", stderr);
		drawn = false;
		next = 0;
		return;
	}
	if (now < next)
		return;
	next = now + PERIOD_MS;
	drawn = true;
	filled = (double)done / total * WIDTH;
	fprintf(stderr, "\r%s [%-*.*s] %3d%%", (const char *)label, WIDTH, filled, bar,
		(int)((double)done / total * 100));
}

int progress_write(struct llmctl_model *model, void *image, struct llmctl_error *error)
{
	int ret = llmctl_model_write(model, image, progress_show, "reading", error);

	/* After a failure the bar stands where it was. */
	progress_show("reading", 1, 1);
	return ret;
}
