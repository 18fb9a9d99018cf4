// SPDX-License-Identifier: GPL-2.0
/* Memory is charged to the memory cgroup of who opened the device, and comes back. */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "device.h"
#include "harness.h"
#include "host/tiny_image.h"

#define MODEL "memory"
#define MIB 1048576LL
#define CONTEXT 8192
#define ROOM 65536
/* What a cgroup may hold back for its CPUs, and small things. */
#define SLACK (2 * MIB)

FIXTURE(memory)
{
	struct device_image image;
	char root[64];
	char group[128];
	bool mounted;
};

static void at(char *path, size_t room, const char *folder, const char *file)
{
	snprintf(path, room, "%s/%s", folder, file);
}

static long long group_number(const char *group, const char *file)
{
	char path[256];

	at(path, sizeof(path), group, file);
	return device_number(path, NULL);
}

static int group_put(const char *group, const char *file, const char *text)
{
	char path[256];

	at(path, sizeof(path), group, file);
	return device_put(path, text);
}

static long long in_use(const char *group)
{
	return group_number(group, "memory.current");
}

/* Whether the use of a group gets down to a limit, soon. */
static bool falls_to(const char *group, long long limit)
{
	for (int i = 0; i < 500; i++) {
		if (in_use(group) <= limit)
			return true;
		device_pause(20);
	}
	return false;
}

/* Finds the version 2 hierarchy, or mounts it. Returns whether memory can be limited. */
static bool find_hierarchy(char *root, size_t room, bool *mounted)
{
	char path[256];

	snprintf(root, room, "/sys/fs/cgroup");
	at(path, sizeof(path), root, "cgroup.controllers");
	*mounted = access(path, R_OK);
	if (*mounted) {
		snprintf(root, room, "/tmp/llm-cgroup.%d", getpid());
		mkdir(root, 0700);
		if (mount("none", root, "cgroup2", 0, NULL))
			return false;
	}
	if (!group_put(root, "cgroup.subtree_control", "+memory"))
		return true;
	if (*mounted)
		umount2(root, MNT_DETACH);
	return false;
}

FIXTURE_SETUP(memory)
{
	/* Much state for each position, little to compute. */
	const struct tiny_image_options options = {
		.seed = 9,
		.layers = 16,
		.context = CONTEXT,
	};

	if (!find_hierarchy(self->root, sizeof(self->root), &self->mounted))
		SKIP(return, "there is no memory controller of cgroup version 2");
	device_image_build(&self->image, &options);
	ASSERT_EQ(0, device_load(MODEL, &self->image, 0));
	snprintf(self->group, sizeof(self->group), "%s/llm-%d", self->root, getpid());
	ASSERT_EQ(0, mkdir(self->group, 0700));
	ASSERT_EQ(0, group_put(self->group, "cgroup.procs", "0"));
}

FIXTURE_TEARDOWN_PARENT(memory)
{
	EXPECT_TRUE(!self->group[0] || !rmdir(self->group));
	if (self->mounted) {
		umount2(self->root, MNT_DETACH);
		rmdir(self->root);
	}
	EXPECT_EQ(0, device_unload_soon(MODEL));
}

/* A session that may use all positions: state for all is reserved when it starts. */
static int large_session(const struct device_image *image)
{
	struct llm_session_setup setup = { .set = LLM_SETUP_CONTEXT, .context = CONTEXT };
	int fd = device_session(MODEL, image, 0);
	int error = fd < 0 ? fd : device_ioctl(fd, LLM_IOC_SETUP, &setup);

	return error ? error : fd;
}

static int start_and_cancel(int fd)
{
	char room[ROOM];
	int error = device_write(fd, "hello");

	if (!error)
		error = device_start(fd);
	if (!error)
		error = device_cancel(fd);
	if (!error)
		error = device_read(fd, room, ROOM, ROOM) < 0;
	return error;
}

TEST_F(memory, session_is_charged_and_returned)
{
	int fd = large_session(&self->image);
	struct llm_session_info info;
	long long before;

	ASSERT_LE(0, fd);
	before = in_use(self->group);
	ASSERT_LE(0, before);
	ASSERT_EQ(0, start_and_cancel(fd));
	info = device_status(fd);
	EXPECT_LT(8 * MIB, (long long)info.memory);
	EXPECT_LE(before + (long long)info.memory - SLACK, in_use(self->group))
		TH_LOG("%lld before", before);
	EXPECT_GE(before + (long long)info.memory + SLACK, in_use(self->group))
		TH_LOG("it takes more than the %llu bytes it tells", info.memory);
	ASSERT_EQ(0, close(fd));
	EXPECT_TRUE(falls_to(self->group, before + SLACK))
		TH_LOG("%lld before, %lld after", before, in_use(self->group));
}

TEST_F(memory, charged_to_the_opener)
{
	int fd = large_session(&self->image);
	long long before;

	ASSERT_LE(0, fd);
	before = in_use(self->group);
	ASSERT_EQ(0, group_put(self->root, "cgroup.procs", "0"));
	ASSERT_EQ(0, start_and_cancel(fd));
	EXPECT_LE(before + (long long)device_status(fd).memory - SLACK, in_use(self->group));
}

TEST_F(memory, buffer_is_charged_and_returned)
{
	long long before = in_use(self->group);
	int buffer = device_create("memory-buffer", 16 * MIB);

	ASSERT_LE(0, buffer);
	EXPECT_LE(before + 16 * MIB - SLACK, in_use(self->group));
	ASSERT_EQ(0, close(buffer));
	EXPECT_TRUE(falls_to(self->group, before + SLACK))
		TH_LOG("%lld before, %lld after", before, in_use(self->group));
}

TEST_F(memory, model_is_charged_and_returned)
{
	long long before = in_use(self->group);
	struct llm_model_info info;

	ASSERT_EQ(0, device_load("memory-other", &self->image, 0));
	ASSERT_TRUE(device_find_model("memory-other", &info));
	EXPECT_LE((long long)self->image.size, (long long)info.memory);
	EXPECT_LE(before + (long long)info.memory - SLACK, in_use(self->group));
	ASSERT_EQ(0, device_unload_soon("memory-other"));
	EXPECT_TRUE(falls_to(self->group, before + SLACK))
		TH_LOG("%lld before, %lld after", before, in_use(self->group));
}

/*
 * A limit on what the group may use. At its limit a process can be killed for
 * nothing, such as reading how much there is, so a limit is there for one call
 * only, and set without a need for memory. Negative: no limit.
 */
static int set_limit(int limit_fd, long long limit)
{
	char text[32];
	int length = snprintf(text, sizeof(text), "%lld", limit);

	if (limit < 0)
		return pwrite(limit_fd, "max", 3, 0) == 3 ? 0 : -errno;
	return pwrite(limit_fd, text, length, 0) == length ? 0 : -errno;
}

static int open_limit(const char *group)
{
	char path[256];

	at(path, sizeof(path), group, "memory.max");
	return open(path, O_WRONLY | O_CLOEXEC);
}

TEST_F(memory, session_beyond_the_limit)
{
	int limit = open_limit(self->group);
	int fd = large_session(&self->image);
	int error;

	ASSERT_LE(0, limit);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_write(fd, "hello"));
	ASSERT_EQ(0, set_limit(limit, in_use(self->group) + 4 * MIB));
	error = device_start(fd);
	ASSERT_EQ(0, set_limit(limit, -1));
	EXPECT_EQ(-ENOMEM, error);
	EXPECT_EQ(LLM_STATE_IDLE, device_status(fd).state);
	EXPECT_EQ(0, device_status(fd).used);
	EXPECT_EQ(0, device_start(fd)) TH_LOG("the prompt is lost");
	EXPECT_EQ(0, device_cancel(fd));
}

TEST_F(memory, buffer_beyond_the_limit)
{
	struct llm_model_create create = { .name = "memory-buffer", .size = 16 * MIB };
	int limit = open_limit(self->group);
	int fd = device_open(O_RDONLY);
	long long before = in_use(self->group);
	int error;

	ASSERT_LE(0, limit);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, set_limit(limit, before + 4 * MIB));
	error = device_ioctl(fd, LLM_IOC_MODEL_CREATE, &create);
	ASSERT_EQ(0, set_limit(limit, -1));
	EXPECT_EQ(-ENOMEM, error);
	EXPECT_TRUE(falls_to(self->group, before + SLACK));
}

/* With a little more each time every large allocation fails once; none leaves a trace. */
TEST_F(memory, model_beyond_the_limit)
{
	/* Wide, so that the memory of its steps is large. */
	const struct tiny_image_options options = { .layers = 1, .width = 512 };
	struct llm_model_info info;
	struct device_image image;
	char reason[256] = "";
	int limit = open_limit(self->group);
	int error = -ENOMEM;
	int failed = 0;
	int buffer;

	ASSERT_LE(0, limit);
	device_image_build(&image, &options);
	buffer = device_create("memory-other", image.size);
	ASSERT_LE(0, buffer);
	ASSERT_EQ(0, device_fill(buffer, image.bytes, image.size));
	for (long long room = MIB / 2; error == -ENOMEM && room < 64 * MIB; room += MIB / 8) {
		ASSERT_EQ(0, set_limit(limit, in_use(self->group) + room));
		error = device_seal(buffer, 0, reason, sizeof(reason));
		ASSERT_EQ(0, set_limit(limit, -1));
		EXPECT_EQ(!error, device_find_model("memory-other", &info));
		failed += error == -ENOMEM;
	}
	EXPECT_EQ(0, error) TH_LOG("%s: %s", strerror(-error), reason);
	EXPECT_LT(0, failed) TH_LOG("no allocation ever failed");
	EXPECT_EQ(0, device_unload_soon("memory-other"));
}

/* Cycles of all there is leave no more memory in use than one does. */
TEST(nothing_is_kept)
{
	static char room[ROOM];
	struct device_image image;
	long long before = 0;
	long long after;

	device_image_make(&image, 3);
	for (int i = 0; i < 33; i++) {
		int fd;

		ASSERT_EQ(0, device_load("memory-cycle", &image, 0));
		fd = device_session("memory-cycle", &image, 8);
		ASSERT_LE(0, fd);
		ASSERT_LT(0, device_ask(fd, "hello", room, ROOM));
		ASSERT_EQ(0, close(fd));
		ASSERT_EQ(0, device_unload_soon("memory-cycle"));
		if (i == 2)
			before = device_number("/proc/meminfo", "VmallocUsed");
	}
	/* What is freed late is freed by now, or some day; a leak is 30 models large. */
	for (int i = 0; i < 100; i++) {
		after = device_number("/proc/meminfo", "VmallocUsed");
		if (after <= before + 1024)
			break;
		device_pause(20);
	}
	EXPECT_LT(0, before);
	EXPECT_GE(before + 1024, after) TH_LOG("VmallocUsed: %lld, then %lld KiB", before, after);
}

TEST_HARNESS_MAIN
