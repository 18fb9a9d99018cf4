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
};

/*
 * On a machine that stops who waits for as long as a reply takes, nobody is interrupted:
 * so often at most a test is begun again.
 */
#define TRIES 20

FIXTURE_SETUP(interrupt)
{
	int other;

	device_image_make_slow(&self->image);
	device_prompt_long(self->prompt);
	ASSERT_EQ(0, device_load(MODEL, &self->image, 0));
	other = device_session(MODEL, &self->image, 4);
	ASSERT_LE(0, other);
	ASSERT_LT(0, device_ask(other, self->prompt, self->wanted, ROOM));
	ASSERT_EQ(0, close(other));
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

/* Reads a whole reply; returns how often that was interrupted, or -1 where it failed. */
static int read_interrupted(int fd, char *reply)
{
	int interrupted = 0;
	size_t length = 0;
	ssize_t got;

	while ((got = read(fd, reply + length, ROOM - 1 - length))) {
		if (got < 0 && errno != EINTR)
			return -1;
		interrupted += got < 0;
		length += got < 0 ? 0 : got;
	}
	reply[length] = '\0';
	return interrupted;
}

TEST_F(interrupt, read_is_interrupted)
{
	int interrupted = 0;
	int fd;

	for (int i = 0; i < TRIES && !interrupted; i++) {
		fd = device_session(MODEL, &self->image, 4);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, device_write(fd, self->prompt));
		signal_every_few_ms(0);
		interrupted = read_interrupted(fd, self->reply);
		ASSERT_LE(0, interrupted);
		EXPECT_STREQ(self->wanted, self->reply);
		ASSERT_EQ(0, close(fd));
	}
	EXPECT_LT(0, interrupted) TH_LOG("%d signals, none interrupted a read", signals);
}

TEST_F(interrupt, read_is_restarted)
{
	int fd;

	for (int i = 0; i < TRIES && !signals; i++) {
		fd = device_session(MODEL, &self->image, 4);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, device_write(fd, self->prompt));
		signal_every_few_ms(SA_RESTART);
		ASSERT_LT(0, device_read(fd, self->reply, ROOM, ROOM));
		EXPECT_STREQ(self->wanted, self->reply);
		ASSERT_EQ(0, close(fd));
	}
	EXPECT_LT(0, signals);
}

TEST_F(interrupt, poll_is_interrupted)
{
	struct pollfd poller = { .events = POLLIN };
	int ready = 1;

	for (int i = 0; i < TRIES && ready == 1; i++) {
		poller.fd = device_session(MODEL, &self->image, 4);
		ASSERT_LE(0, poller.fd);
		ASSERT_EQ(0, device_write(poller.fd, self->prompt));
		ASSERT_EQ(0, device_start(poller.fd));
		signal_every_few_ms(SA_RESTART);
		ready = poll(&poller, 1, -1);
		EXPECT_TRUE(ready == 1 || errno == EINTR);
		ASSERT_EQ(0, close(poller.fd));
	}
	EXPECT_EQ(-1, ready);
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
	int error = 0;
	int fd = device_session(MODEL, &self->image, 4);

	ASSERT_LE(0, fd);
	for (int i = 0; i < TRIES && !error; i++) {
		signal_every_few_ms(0);
		error = device_ioctl(fd, LLM_IOC_SCORE, &score);
	}
	EXPECT_EQ(-EINTR, error);
	signal_every_few_ms(SA_RESTART);
	ASSERT_LT(0, device_ask(fd, self->prompt, self->reply, ROOM));
	EXPECT_STREQ(self->wanted, self->reply);
}

TEST_HARNESS_MAIN
