// SPDX-License-Identifier: GPL-2.0
/* CPUs come and go while sessions compute; nobody notices. */
#include <pthread.h>
#include <stdatomic.h>

#include "device.h"
#include "harness.h"

#define MODEL "hotplug"
#define SESSIONS 8
#define ROOM 16384
#define ONLINE "/sys/devices/system/cpu/cpu%d/online"

static atomic_bool over;

struct asker {
	const struct device_image *image;
	int number;
	char reply[ROOM];
	ssize_t error;
};

static void *ask(void *argument)
{
	struct asker *asker = argument;
	char prompt[64];
	int fd = device_session(MODEL, asker->image, device_is_slow() ? 100 : 400);

	device_prompt(prompt, 40, asker->number);
	asker->error = fd < 0 ? fd : device_ask(fd, prompt, asker->reply, ROOM);
	if (fd >= 0)
		close(fd);
	return NULL;
}

static int set_online(int cpu, bool online)
{
	char path[64];

	snprintf(path, sizeof(path), ONLINE, cpu);
	return device_put(path, online ? "1" : "0");
}

/* All CPUs that can, one after the other, once and until told to stop. Returns how often. */
static int toggle(int cpus)
{
	int times = 0;

	do {
		for (int cpu = 1; cpu < cpus; cpu++)
			times += !set_online(cpu, false);
		device_pause(5);
		for (int cpu = 1; cpu < cpus; cpu++)
			set_online(cpu, true);
		device_pause(5);
	} while (!atomic_load(&over));
	return times;
}

static void *toggle_all(void *argument)
{
	int *times = argument;

	*times = toggle(*times);
	return NULL;
}

TEST(replies_are_unchanged)
{
	static struct asker alone[SESSIONS];
	static struct asker together[SESSIONS];
	const int rounds = device_is_slow() ? 1 : 10;
	pthread_t threads[SESSIONS];
	struct device_image image;
	pthread_t toggler;
	char path[64];
	int times = sysconf(_SC_NPROCESSORS_ONLN);

	snprintf(path, sizeof(path), ONLINE, 1);
	if (times < 2 || access(path, W_OK))
		SKIP(return, "this kernel or machine cannot take a CPU away");
	device_image_make(&image, 11);
	ASSERT_EQ(0, device_load(MODEL, &image, 0));
	for (int i = 0; i < SESSIONS; i++) {
		alone[i] = (struct asker) { .image = &image, .number = i };
		ask(&alone[i]);
		ASSERT_LT(0, alone[i].error);
	}

	ASSERT_EQ(0, pthread_create(&toggler, NULL, toggle_all, &times));
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < SESSIONS; i++) {
			together[i] = (struct asker) { .image = &image, .number = i };
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, ask, &together[i]));
		}
		for (int i = 0; i < SESSIONS; i++) {
			pthread_join(threads[i], NULL);
			EXPECT_LT(0, together[i].error);
			EXPECT_STREQ(alone[i].reply, together[i].reply);
		}
	}
	atomic_store(&over, true);
	pthread_join(toggler, NULL);
	EXPECT_LT(0, times) TH_LOG("no CPU was ever taken away");
	EXPECT_EQ(0, device_unload_soon(MODEL));
}

/* Whether so many CPUs compute, soon: a CPU's worker begins in its own time. */
static bool workers_reach(__u32 count)
{
	for (int i = 0; i < 6000; i++) {
		if (device_info().workers >= count)
			return true;
		device_pause(10);
	}
	return false;
}

TEST(workers_come_back)
{
	__u32 before;
	char path[64];

	snprintf(path, sizeof(path), ONLINE, 1);
	if (access(path, W_OK))
		SKIP(return, "this kernel or machine cannot take a CPU away");
	ASSERT_TRUE(workers_reach(2));
	before = device_info().workers;
	ASSERT_EQ(0, set_online(1, false));
	EXPECT_GT(before, device_info().workers);
	ASSERT_EQ(0, set_online(1, true));
	EXPECT_TRUE(workers_reach(before));
}

TEST_HARNESS_MAIN
