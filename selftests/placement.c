// SPDX-License-Identifier: GPL-2.0
/* Which memory nodes the weights of a model lie on that the library loads. */
#include <limits.h>
#include <linux/mempolicy.h>
#include <llmctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "device.h"
#include "harness.h"
#include "host/tiny_image.h"

#define MODEL "placement"
#define MOST_NODES 64
/* The model has more; nothing else that the module allocates meanwhile. */
#define LEAST_BYTES (16LL << 20)
#define LEAST_PAGES (LEAST_BYTES / 4096)

FIXTURE(placement)
{
	int nodes;
	long long before[MOST_NODES];
};

/* How many there are that have memory, numbered from 0; 0 where they are numbered otherwise. */
static int count_nodes(void)
{
	FILE *file = fopen("/sys/devices/system/node/has_memory", "re");
	int last = 0;
	char end = 0;

	if (!file)
		return 0;
	if (fscanf(file, "0-%d%c", &last, &end) != 2 || end != '\n' || last >= MOST_NODES)
		last = 0;
	fclose(file);
	return last ? last + 1 : 0;
}

/* Adds what a line of /proc/vmallocinfo says of each node: " N0=512 N1=512". */
static void add_pages(const char *line, long long *pages)
{
	int node, count, length;

	while ((line = strstr(line, " N"))) {
		line += 2;
		if (sscanf(line, "%d=%d%n", &node, &count, &length) == 2 && node < MOST_NODES)
			pages[node] += count;
	}
}

/* Whether a line of /proc/vmallocinfo is of a large area of the module's. */
static bool is_model(const char *line)
{
	long long size;

	return sscanf(line, "%*s %lld", &size) == 1 && size >= LEAST_BYTES &&
	       strstr(line, " [llm]");
}

/* Pages of large models on each node. */
static bool count_pages(long long *pages)
{
	FILE *file = fopen("/proc/vmallocinfo", "re");
	char line[512];

	memset(pages, 0, MOST_NODES * sizeof(*pages));
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		if (is_model(line))
			add_pages(line, pages);
	fclose(file);
	return true;
}

FIXTURE_SETUP(placement)
{
	self->nodes = count_nodes();
	if (self->nodes < 2)
		SKIP(return, "there is one memory node only");
	ASSERT_TRUE(count_pages(self->before));
}

FIXTURE_TEARDOWN(placement)
{
}

/* As llmctl does it. */
static int load(const char *path)
{
	struct llmctl_error error = { 0 };
	struct llmctl_device *device;
	struct llmctl_model *model;
	int ret;

	ret = llmctl_open(&device, &error);
	if (ret)
		return ret;
	ret = llmctl_model_open(&model, path, LLMCTL_KEEP_TYPES, LLMCTL_KV_DEFAULT, NULL, &error);
	if (!ret) {
		ret = llmctl_load(device, model, MODEL, 0, NULL, NULL, &error);
		llmctl_model_close(model);
	}
	llmctl_close(device);
	return ret;
}

/* A model of some huge pages; @added is set to what each node has of it. */
static int load_and_count(const long long *before, long long *added)
{
	const struct tiny_image_options options = { .seed = 5, .layers = 2, .width = 512 };
	int fd = memfd_create(MODEL, MFD_CLOEXEC);
	struct device_image image;
	char path[32];
	int ret;

	device_image_build(&image, &options);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, image.bytes, image.size) != (ssize_t)image.size)
		return -EIO;
	ret = load(path);
	if (!ret && !count_pages(added))
		ret = -ENOENT;
	for (int node = 0; node < MOST_NODES; node++)
		added[node] -= before[node];
	close(fd);
	device_image_free(&image);
	return ret ? ret : device_unload_soon(MODEL);
}

static int policy(unsigned long *nodes)
{
	int mode;

	if (syscall(SYS_get_mempolicy, &mode, nodes, 16UL * CHAR_BIT * sizeof(*nodes), NULL, 0UL))
		return -errno;
	return mode;
}

static int bind_to(int node)
{
	unsigned long nodes = 1UL << node;

	return syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, MOST_NODES + 1UL) ? -errno : 0;
}

TEST_F(placement, spread_by_itself)
{
	unsigned long nodes[16];
	long long added[MOST_NODES];
	long long all = 0;

	ASSERT_EQ(MPOL_DEFAULT, policy(nodes));
	ASSERT_EQ(0, load_and_count(self->before, added));
	for (int node = 0; node < self->nodes; node++)
		all += added[node];
	EXPECT_LT(LEAST_PAGES, all);
	for (int node = 0; node < self->nodes; node++) {
		EXPECT_LE(all / self->nodes * 3 / 4, added[node])
			TH_LOG("node %d has %lld of %lld pages", node, added[node], all);
	}
	EXPECT_EQ(MPOL_DEFAULT, policy(nodes)) TH_LOG("the policy stays changed");
}

TEST_F(placement, where_the_caller_wants_it)
{
	unsigned long nodes[16];
	long long added[MOST_NODES];

	for (int wanted = 0; wanted < 2; wanted++) {
		ASSERT_EQ(0, bind_to(wanted));
		ASSERT_EQ(0, load_and_count(self->before, added));
		EXPECT_LT(LEAST_PAGES, added[wanted]);
		EXPECT_EQ(0, added[!wanted]);
		ASSERT_EQ(MPOL_BIND, policy(nodes));
		EXPECT_EQ(1UL << wanted, nodes[0]);
	}
}

TEST_HARNESS_MAIN
