// SPDX-License-Identifier: GPL-2.0
/* The threads that compute: parameters that change while they do, and their sleep. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "device.h"
#include "harness.h"
#include "host/tiny_image.h"

#define MODEL "workers"
#define PARAMETERS "/sys/module/llm/parameters/"
#define SESSIONS 6
#define MOST_THREADS 64
#define ROOM 16384

/**
 * struct thread - a thread of the module
 * @pid: its number
 * @cpu: CPU whose worker it is, or -1 for the scheduler's
 */
struct thread {
	pid_t pid;
	int cpu;
};

FIXTURE(workers)
{
	struct thread threads[MOST_THREADS];
	int count;
};

static int set(const char *parameter, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), PARAMETERS "%s", parameter);
	return device_put(path, value);
}

static void restore(void)
{
	set("workers", "0");
	set("nice", "0");
	set("cpus", "all");
}

static bool is_ours(const char *pid, struct thread *thread)
{
	char path[64], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%.20s/comm", pid);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (!fgets(name, sizeof(name), file))
		name[0] = '\0';
	fclose(file);
	thread->pid = atoi(pid);
	thread->cpu = -1;
	return !strcmp(name, "llm_sched\n") || sscanf(name, "llm/%d", &thread->cpu) == 1;
}

static int find_threads(struct thread *threads)
{
	DIR *folder = opendir("/proc");
	struct dirent *entry;
	int count = 0;

	while (folder && (entry = readdir(folder)) && count < MOST_THREADS)
		if (isdigit(entry->d_name[0]) && is_ours(entry->d_name, &threads[count]))
			count++;
	if (folder)
		closedir(folder);
	return count;
}

FIXTURE_SETUP(workers)
{
	struct device_image image;

	self->count = find_threads(self->threads);
	ASSERT_LT(1, self->count);
	restore();
	device_image_make(&image, 21);
	ASSERT_EQ(0, device_load(MODEL, &image, 0));
}

FIXTURE_TEARDOWN_PARENT(workers)
{
	restore();
	EXPECT_EQ(0, device_unload_soon(MODEL));
}

/* How often a thread was switched to something else: each time it ran shows. */
static long long switches(const struct thread *thread)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", thread->pid);
	return device_number(path, "voluntary_ctxt_switches") +
	       device_number(path, "nonvoluntary_ctxt_switches");
}

/* Of the worker of a CPU, or of all where it is -1. */
static long long worker_switches(const struct thread *threads, int count, int cpu)
{
	long long sum = 0;

	for (int i = 0; i < count; i++)
		if (threads[i].cpu >= 0 && (cpu < 0 || threads[i].cpu == cpu))
			sum += switches(&threads[i]);
	return sum;
}

/* Waits until all threads sleep and none has run for a while. Returns whether that came. */
static bool fall_asleep(const struct thread *threads, int count)
{
	long long before = -1, now;
	bool asleep;

	for (int i = 0; i < 300; i++) {
		now = 0;
		asleep = true;
		for (int t = 0; t < count; t++) {
			now += switches(&threads[t]);
			asleep &= device_sleeps(threads[t].pid);
		}
		if (asleep && now == before)
			return true;
		before = now;
		device_pause(200);
	}
	return false;
}

static ssize_t generate(const struct device_image *image, int number, __u32 tokens, char *reply)
{
	int fd = device_session(MODEL, image, tokens);
	char prompt[64];
	ssize_t got;

	if (fd < 0)
		return fd;
	device_prompt(prompt, 40, number);
	got = device_ask(fd, prompt, reply, ROOM);
	close(fd);
	return got;
}

TEST_F(workers, parameters_are_checked)
{
	static const char * const wrong[][2] = {
		{ "nice", "20" }, { "nice", "-21" }, { "nice", "x" }, { "workers", "-1" },
		{ "workers", "x" }, { "cpus", "x" }, { "cpus", "1-0" }, { "cpus", "99999999" },
	};
	__u32 before = device_info().workers;

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_GT(0, set(wrong[i][0], wrong[i][1]))
			TH_LOG("%s=%s is taken", wrong[i][0], wrong[i][1]);
	}
	EXPECT_EQ(-EINVAL, set("nice", "20"));
	EXPECT_EQ(-EINVAL, set("cpus", "x"));
	EXPECT_EQ(before, device_info().workers);
	EXPECT_EQ(0, device_number(PARAMETERS "nice", NULL));
}

TEST_F(workers, nice_is_that_of_all)
{
	ASSERT_EQ(0, set("nice", "7"));
	for (int i = 0; i < self->count; i++)
		EXPECT_EQ(7, getpriority(PRIO_PROCESS, self->threads[i].pid));
	ASSERT_EQ(0, set("nice", "0"));
	for (int i = 0; i < self->count; i++)
		EXPECT_EQ(0, getpriority(PRIO_PROCESS, self->threads[i].pid));
}

/* Only the CPUs of the mask compute, and the scheduler's thread is there too. */
TEST_F(workers, mask_moves_the_work)
{
	struct device_image image;
	static char reply[ROOM];
	cpu_set_t cpus;
	char text[8];

	if (device_info().workers < 2)
		SKIP(return, "there is one CPU only");
	device_image_make(&image, 21);
	for (int cpu = 0; cpu < 2; cpu++) {
		long long other;

		snprintf(text, sizeof(text), "%d", cpu);
		ASSERT_EQ(0, set("cpus", text));
		EXPECT_EQ(1, device_info().workers);
		for (int i = 0; i < self->count; i++) {
			if (self->threads[i].cpu >= 0)
				continue;
			ASSERT_EQ(0, sched_getaffinity(self->threads[i].pid, sizeof(cpus), &cpus));
			EXPECT_EQ(1, CPU_COUNT(&cpus));
			EXPECT_TRUE(CPU_ISSET(cpu, &cpus));
		}
		ASSERT_TRUE(fall_asleep(self->threads, self->count));
		other = worker_switches(self->threads, self->count, !cpu);
		ASSERT_LT(0, generate(&image, cpu, 100, reply));
		EXPECT_EQ(other, worker_switches(self->threads, self->count, !cpu))
			TH_LOG("a worker ran on a CPU that is not in the mask");
	}
	ASSERT_EQ(0, set("cpus", "all"));
	EXPECT_LE(2, device_info().workers);
	ASSERT_EQ(0, set("workers", "1"));
	EXPECT_EQ(1, device_info().workers);
	ASSERT_EQ(0, set("workers", "0"));
	EXPECT_LE(2, device_info().workers);
}

static int stay_on(pid_t pid, int cpu)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(cpu, &cpus);
	return sched_setaffinity(pid, sizeof(cpus), &cpus);
}

/* The scheduler's thread stays on CPU 1, who asks on CPU 0. */
static int stay_apart(const struct thread *threads, int count)
{
	int error = stay_on(0, 0);

	for (int i = 0; i < count && !error; i++)
		if (threads[i].cpu < 0)
			error = stay_on(threads[i].pid, 1);
	return error;
}

/* Of the workers that are not in place of the scheduler's thread. */
static long long apart_switches(const struct thread *threads, int count)
{
	return worker_switches(threads, count, -1) - worker_switches(threads, count, 1);
}

/* A step with much to do is not left to the thread that made it, nor to its CPU. */
TEST_F(workers, much_to_do_wakes_them)
{
	static char reply[ROOM], text[DEVICE_LONG];
	struct device_image image;
	long long before;
	int fd;

	if (device_info().workers < 2)
		SKIP(return, "there is one CPU only");
	ASSERT_EQ(0, stay_apart(self->threads, self->count));
	ASSERT_TRUE(fall_asleep(self->threads, self->count));
	before = apart_switches(self->threads, self->count);
	device_image_make_slow(&image);
	ASSERT_EQ(0, device_load("workers-wide", &image, 0));
	fd = device_session("workers-wide", &image, 4);
	ASSERT_LE(0, fd);
	device_prompt_long(text);
	ASSERT_LT(0, device_ask(fd, text, reply, ROOM));
	/* Who was woken sleeps again, which is when it shows. */
	ASSERT_TRUE(fall_asleep(self->threads, self->count));
	EXPECT_LT(before, apart_switches(self->threads, self->count));
	close(fd);
	EXPECT_EQ(0, device_unload_soon("workers-wide"));
}

static int embed(int fd)
{
	static __s32 vector[64];
	struct llm_embed embed = {
		.text = (uintptr_t)"a",
		.text_length = 1,
		.vectors = (uintptr_t)vector,
		.vectors_count = ARRAY_SIZE(vector),
	};

	return device_ioctl(fd, LLM_IOC_EMBED, &embed);
}

/*
 * A step whose parts are one tile each is left to the thread that made it. Where others
 * want its CPU that calls a worker to go on: so who asks stays on another, or would be
 * one of them each time it is put off on its way to sleep. Others still are, now and
 * then, on a busy machine.
 */
TEST_F(workers, little_to_do_wakes_nobody)
{
	const struct tiny_image_options options = {
		.seed = 3, .type = LLM_TENSOR_Q8_0, .layers = 1, .width = 32,
	};
	struct device_image image;
	long long before;
	bool alone = false;
	int fd;

	if (device_info().workers < 2)
		SKIP(return, "there is one CPU only");
	ASSERT_EQ(0, stay_apart(self->threads, self->count));
	device_image_build(&image, &options);
	ASSERT_EQ(0, device_load("workers-narrow", &image, 0));
	fd = device_open(O_RDWR);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_model(fd, "workers-narrow"));
	for (int i = 0; i < 20 && !alone; i++) {
		ASSERT_TRUE(fall_asleep(self->threads, self->count));
		before = worker_switches(self->threads, self->count, -1);
		ASSERT_EQ(0, embed(fd));
		/* Who was woken sleeps again, which is when it shows. */
		ASSERT_TRUE(fall_asleep(self->threads, self->count));
		alone = before == worker_switches(self->threads, self->count, -1);
	}
	EXPECT_TRUE(alone);
	close(fd);
	EXPECT_EQ(0, device_unload_soon("workers-narrow"));
}

/* Who sleeps is not woken by anything but work. */
TEST_F(workers, idle_costs_nothing)
{
	static char reply[ROOM];
	struct device_image image;
	long long before[MOST_THREADS];

	device_image_make(&image, 21);
	ASSERT_LT(0, generate(&image, 1, 50, reply));
	ASSERT_TRUE(fall_asleep(self->threads, self->count));
	for (int i = 0; i < self->count; i++)
		before[i] = switches(&self->threads[i]);
	device_pause(3000);
	for (int i = 0; i < self->count; i++) {
		EXPECT_EQ(before[i], switches(&self->threads[i]))
			TH_LOG("thread of CPU %d woke", self->threads[i].cpu);
	}
}

static atomic_bool over;

struct asker {
	const struct device_image *image;
	int number;
	char reply[ROOM];
	ssize_t got;
};

static void *ask(void *argument)
{
	struct asker *asker = argument;

	asker->got = generate(asker->image, asker->number, device_is_slow() ? 60 : 300,
			      asker->reply);
	return NULL;
}

/* Changes one parameter back and forth; three of these run at once. */
static void *change(void *argument)
{
	const char * const *values = argument;
	long failed = 0;

	for (int i = 1; !atomic_load(&over); i = i < 3 ? i + 1 : 1) {
		failed += set(values[0], values[i]) != 0;
		device_pause(1);
	}
	return (void *)failed;
}

TEST_F(workers, changes_do_not_show)
{
	static const char * const changes[][4] = {
		{ "cpus", "0", "1", "all" },
		{ "workers", "1", "2", "0" },
		{ "nice", "-5", "9", "0" },
	};
	static struct asker alone[SESSIONS], together[SESSIONS];
	pthread_t changers[ARRAY_SIZE(changes)], askers[SESSIONS];
	struct device_image image;
	void *failed;

	if (device_info().workers < 2)
		SKIP(return, "there is one CPU only");
	device_image_make(&image, 21);
	for (int i = 0; i < SESSIONS; i++) {
		alone[i] = (struct asker) { .image = &image, .number = i };
		ask(&alone[i]);
		ASSERT_LT(0, alone[i].got);
	}
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++)
		ASSERT_EQ(0, pthread_create(&changers[i], NULL, change, (void *)changes[i]));
	for (int round = 0; round < (device_is_slow() ? 1 : 10); round++) {
		for (int i = 0; i < SESSIONS; i++) {
			together[i] = (struct asker) { .image = &image, .number = i };
			ASSERT_EQ(0, pthread_create(&askers[i], NULL, ask, &together[i]));
		}
		for (int i = 0; i < SESSIONS; i++) {
			pthread_join(askers[i], NULL);
			EXPECT_STREQ(alone[i].reply, together[i].reply);
		}
	}
	atomic_store(&over, true);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		pthread_join(changers[i], &failed);
		EXPECT_EQ(NULL, failed) TH_LOG("%s was refused", changes[i][0]);
	}
}

TEST_HARNESS_MAIN
