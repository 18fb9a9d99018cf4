// SPDX-License-Identifier: GPL-2.0
/*
 * Many sessions at once, on two models, from threads and from processes: each
 * gets, byte for byte, what it would have got alone.
 */
#include <pthread.h>

#include "device.h"
#include "harness.h"
#include "host/tiny_image.h"

#define SESSIONS 32
#define PROCESSES 4
#define ROOM 8192

static const char * const names[] = { "concurrency-0", "concurrency-1" };

/**
 * struct talk - one session, two turns
 * @image: model
 * @number: which session; half of them choose at random, with a seed
 * @prompts: of each turn
 * @replies: of each turn
 * @error: what went wrong, or 0
 */
struct talk {
	const struct device_image *image;
	int number;
	char prompts[2][64];
	char replies[2][ROOM];
	ssize_t error;
};

FIXTURE(concurrency)
{
	struct device_image images[2];
	struct talk *alone;
	struct talk *together;
};

static void *talk(void *argument)
{
	struct talk *talk = argument;
	int fd = device_session(names[talk->number % 2], talk->image, device_is_slow() ? 12 : 60);

	talk->error = fd;
	if (fd < 0)
		return NULL;
	talk->error = talk->number % 4 < 2 ? 0 : device_seed(fd, 1000 + talk->number);
	for (int turn = 0; turn < 2 && talk->error >= 0; turn++)
		talk->error = device_ask(fd, talk->prompts[turn], talk->replies[turn], ROOM);
	close(fd);
	return NULL;
}

static void prepare(struct talk *talks, const struct device_image *images)
{
	for (int i = 0; i < SESSIONS; i++) {
		talks[i].image = &images[i % 2];
		talks[i].number = i;
		talks[i].error = -ECHILD;
		for (int turn = 0; turn < 2; turn++)
			device_prompt(talks[i].prompts[turn], 20 + i + turn, 7 * i + turn);
	}
}

/* Models that attend, and models that keep recurrent state. */
FIXTURE_VARIANT(concurrency)
{
	bool recurrent;
};

FIXTURE_VARIANT_ADD(concurrency, attending) { .recurrent = false };
FIXTURE_VARIANT_ADD(concurrency, recurrent) { .recurrent = true };

static void make_image(struct device_image *image, int number, bool recurrent)
{
	const struct tiny_image_options options = {
		.seed = 10 + number, .layers = 2 + number, .context = 512, .recurrent = true,
	};

	if (recurrent)
		device_image_build(image, &options);
	else
		device_image_make(image, 10 + number);
}

FIXTURE_SETUP(concurrency)
{
	size_t size = SESSIONS * sizeof(struct talk);

	for (int i = 0; i < 2; i++) {
		make_image(&self->images[i], i, variant->recurrent);
		ASSERT_EQ(0, device_load(names[i], &self->images[i], 0));
	}
	/* Shared with child processes. */
	self->alone = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	self->together = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			      -1, 0);
	ASSERT_NE(MAP_FAILED, self->alone);
	ASSERT_NE(MAP_FAILED, self->together);
	prepare(self->alone, self->images);
	prepare(self->together, self->images);
	for (int i = 0; i < SESSIONS; i++) {
		talk(&self->alone[i]);
		ASSERT_LE(0, self->alone[i].error)
			TH_LOG("session %d, alone: %zd", i, self->alone[i].error);
	}
}

FIXTURE_TEARDOWN_PARENT(concurrency)
{
	EXPECT_EQ(0, device_unload_soon(names[0]));
	EXPECT_EQ(0, device_unload_soon(names[1]));
}

static int compare(const struct talk *alone, const struct talk *together)
{
	int different = 0;

	for (int i = 0; i < SESSIONS; i++) {
		if (together[i].error < 0) {
			printf("# session %d: %s\n", i, strerror(-together[i].error));
			different++;
			continue;
		}
		for (int turn = 0; turn < 2; turn++) {
			if (!strcmp(alone[i].replies[turn], together[i].replies[turn]))
				continue;
			printf("# session %d, turn %d: '%s' alone, '%s' among others\n", i, turn,
			       alone[i].replies[turn], together[i].replies[turn]);
			different++;
		}
	}
	return different;
}

/* Tests that compare equal replies prove nothing if all are. */
TEST_F(concurrency, replies_differ_from_each_other)
{
	int same = 0;

	for (int i = 0; i < SESSIONS; i++) {
		for (int j = 0; j < i; j++)
			same += !strcmp(self->alone[i].replies[0], self->alone[j].replies[0]);
	}
	EXPECT_EQ(0, same) TH_LOG("%d pairs of different prompts have the same reply", same);
}

TEST_F(concurrency, alone_again)
{
	for (int i = 0; i < SESSIONS; i++)
		talk(&self->together[i]);
	EXPECT_EQ(0, compare(self->alone, self->together));
}

TEST_F(concurrency, threads)
{
	pthread_t threads[SESSIONS];

	for (int i = 0; i < SESSIONS; i++)
		pthread_create(&threads[i], NULL, talk, &self->together[i]);
	for (int i = 0; i < SESSIONS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, compare(self->alone, self->together));
}

static void run_process(struct talk *talks, int process)
{
	pthread_t threads[SESSIONS];

	for (int i = process; i < SESSIONS; i += PROCESSES)
		pthread_create(&threads[i], NULL, talk, &talks[i]);
	for (int i = process; i < SESSIONS; i += PROCESSES)
		pthread_join(threads[i], NULL);
	_exit(0);
}

TEST_F(concurrency, processes_of_threads)
{
	for (int i = 0; i < PROCESSES; i++) {
		pid_t child = fork();

		ASSERT_LE(0, child);
		if (!child)
			run_process(self->together, i);
	}
	for (int i = 0; i < PROCESSES; i++)
		wait(NULL);
	EXPECT_EQ(0, compare(self->alone, self->together));
}

/* Others come and go, are cancelled and killed, on the same models. */
TEST_F(concurrency, among_sessions_that_are_killed)
{
	pthread_t threads[SESSIONS];
	pid_t victim;

	for (int i = 0; i < SESSIONS; i++)
		pthread_create(&threads[i], NULL, talk, &self->together[i]);
	for (int i = 0; i < (device_is_slow() ? 5 : 40); i++) {
		victim = fork();
		ASSERT_LE(0, victim);
		if (!victim) {
			int fd = device_session(names[i % 2], &self->images[i % 2], 0);

			_exit(device_write(fd, "a victim") || device_start(fd) || pause());
		}
		device_pause(i % 7);
		kill(victim, SIGKILL);
		ASSERT_EQ(victim, waitpid(victim, NULL, 0));
	}
	for (int i = 0; i < SESSIONS; i++)
		pthread_join(threads[i], NULL);
	EXPECT_EQ(0, compare(self->alone, self->together));
}

/* Whether a short question was answered while a long text was still being read. */
static bool answers_meanwhile(int slow, int quick, const char *text)
{
	static char reply[ROOM];
	bool meanwhile;

	if (device_write(slow, text) || device_start(slow) ||
	    device_ask(quick, "hello", reply, ROOM) <= 0)
		return false;
	meanwhile = device_status(slow).state == LLM_STATE_PROMPT;
	return device_read(slow, reply, ROOM, ROOM) > 0 && meanwhile;
}

/* Who looks may be late himself, so once is enough. */
TEST(nobody_starves)
{
	static const char name[] = "concurrency-slow";
	struct device_image image;
	char text[DEVICE_LONG];
	bool meanwhile = false;

	device_image_make_slow(&image);
	ASSERT_EQ(0, device_load(name, &image, 0));
	device_prompt_long(text);
	for (int i = 0; i < 20 && !meanwhile; i++) {
		int slow = device_session(name, &image, 4);
		int quick = device_session(name, &image, 4);

		ASSERT_LE(0, slow);
		ASSERT_LE(0, quick);
		meanwhile = answers_meanwhile(slow, quick, text);
		ASSERT_EQ(0, close(slow));
		ASSERT_EQ(0, close(quick));
	}
	EXPECT_TRUE(meanwhile) TH_LOG("the short question had to wait for the long text");
	EXPECT_EQ(0, device_unload_soon(name));
	device_image_free(&image);
}

TEST_HARNESS_MAIN
