// SPDX-License-Identifier: GPL-2.0
/* Signals, on a model slow enough to be interrupted. */
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>

#include "device.h"
#include "harness.h"

#define MODEL "signals"
#define ROOM 4096

FIXTURE(interrupt)
{
	struct device_image image;
	char prompt[DEVICE_LONG];
	char wanted[ROOM];
	char reply[ROOM];
	int fd;
};

FIXTURE_SETUP(interrupt)
{
	int other;

	device_image_make_slow(&self->image);
	device_prompt_long(self->prompt);
	ASSERT_EQ(0, device_load(MODEL, &self->image, 0));
	other = device_session(MODEL, &self->image, 4);
	ASSERT_LE(0, other);
	ASSERT_LT(0, device_ask(other, self->prompt, self->wanted, ROOM));
	self->fd = device_session(MODEL, &self->image, 4);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(interrupt)
{
	EXPECT_EQ(0, device_unload_soon(MODEL));
}

/* So many at most: a machine that is slow enough does nothing else otherwise. */
#define SIGNALS 100

static atomic_int signals;

static void next_signal(void)
{
	const struct itimerval timer = { .it_value = { .tv_usec = 5000 } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

static void count_signal(int number)
{
	(void)number;
	if (++signals < SIGNALS)
		next_signal();
}

static void signal_every_few_ms(int flags)
{
	struct sigaction action = { .sa_handler = count_signal, .sa_flags = flags };

	sigaction(SIGALRM, &action, NULL);
	signals = 0;
	next_signal();
}

TEST_F(interrupt, read_is_interrupted)
{
	int interrupted = 0;
	size_t length = 0;
	ssize_t got;

	ASSERT_EQ(0, device_write(self->fd, self->prompt));
	signal_every_few_ms(0);
	do {
		got = read(self->fd, self->reply + length, ROOM - 1 - length);
		if (got < 0) {
			ASSERT_EQ(EINTR, errno);
			interrupted++;
			continue;
		}
		length += got;
	} while (got);
	self->reply[length] = '\0';
	EXPECT_LT(0, interrupted) TH_LOG("%d signals, none interrupted a read", signals);
	EXPECT_STREQ(self->wanted, self->reply);
}

TEST_F(interrupt, read_is_restarted)
{
	ASSERT_EQ(0, device_write(self->fd, self->prompt));
	signal_every_few_ms(SA_RESTART);
	ASSERT_LT(0, device_read(self->fd, self->reply, ROOM, ROOM));
	EXPECT_LT(0, signals);
	EXPECT_STREQ(self->wanted, self->reply);
}

TEST_F(interrupt, poll_is_interrupted)
{
	struct pollfd poller = { .fd = self->fd, .events = POLLIN };

	ASSERT_EQ(0, device_write(self->fd, self->prompt));
	ASSERT_EQ(0, device_start(self->fd));
	signal_every_few_ms(SA_RESTART);
	EXPECT_EQ(-1, poll(&poller, 1, -1));
	EXPECT_EQ(EINTR, errno);
}

TEST_F(interrupt, score_is_interrupted)
{
	static struct llm_score_entry entries[DEVICE_LONG];
	struct llm_score score = {
		.text = (uintptr_t)self->prompt,
		.text_length = strlen(self->prompt),
		.entries = (uintptr_t)entries,
		.entries_count = DEVICE_LONG,
	};

	signal_every_few_ms(0);
	EXPECT_EQ(-EINTR, device_ioctl(self->fd, LLM_IOC_SCORE, &score));
	signal_every_few_ms(SA_RESTART);
	ASSERT_LT(0, device_ask(self->fd, self->prompt, self->reply, ROOM));
	EXPECT_STREQ(self->wanted, self->reply);
}

TEST_HARNESS_MAIN
