// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>

#include "interrupt.h"

static atomic_int seen;

static void note(int number)
{
	seen = number;
}

void interrupt_catch(void)
{
	struct sigaction action = { .sa_handler = note, .sa_flags = SA_RESETHAND };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool interrupted(void)
{
	return seen;
}

bool interrupted_by_key(void)
{
	return seen == SIGINT;
}

void interrupt_clear(void)
{
	seen = 0;
	interrupt_catch();
}

int interrupt_poll(int fd)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	sigset_t caught, before;
	int ret = 0;

	/* Blocked but for the wait itself, none can come between look and wait. */
	sigemptyset(&caught);
	sigaddset(&caught, SIGINT);
	sigaddset(&caught, SIGTERM);
	sigprocmask(SIG_BLOCK, &caught, &before);
	while (!seen && !ret) {
		if (ppoll(&wait, 1, NULL, &before) > 0)
			break;
		if (errno != EINTR)
			ret = -errno;
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return seen ? -EINTR : ret;
}
