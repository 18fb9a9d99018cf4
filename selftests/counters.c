// SPDX-License-Identifier: GPL-2.0
/* What the module tells of its work: counters, sysfs, tracepoints, the histogram. */
#include <ctype.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "device.h"
#include "harness.h"

#define MODEL "counters"
#define PROMPT "the sun rises over the sea"
#define TOKENS 30
#define ROOM 16384
#define SYSFS "/sys/class/misc/llm/"

FIXTURE(counters)
{
	struct device_image image;
	char reply[ROOM];
	int fd;
};

FIXTURE_SETUP(counters)
{
	ASSERT_TRUE(device_sessions_end());
	device_image_make(&self->image, 13);
	ASSERT_EQ(0, device_load(MODEL, &self->image, 0));
	self->fd = device_session(MODEL, &self->image, TOKENS);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(counters)
{
	EXPECT_EQ(0, device_unload_soon(MODEL));
}

TEST_F(counters, of_the_device)
{
	const struct llm_info before = device_info();
	struct llm_info after;
	__u64 prompt;

	ASSERT_LT(0, device_ask(self->fd, PROMPT, self->reply, ROOM));
	prompt = device_status(self->fd).tokens_in;
	after = device_info();
	EXPECT_EQ(LLM_API_VERSION, after.api_version);
	EXPECT_EQ(LLM_IMAGE_VERSION, after.image_version);
	EXPECT_LE(1, after.workers);
	EXPECT_GE(sysconf(_SC_NPROCESSORS_CONF), after.workers);
	EXPECT_LT(0, after.slice_us);
	EXPECT_LE(1, after.models);
	EXPECT_LE(1, after.sessions);
	EXPECT_NE('\0', after.form[0]);
	EXPECT_EQ('\0', after.form[15]);
	EXPECT_EQ(before.requests + 1, after.requests);
	EXPECT_EQ(before.tokens_in + prompt, after.tokens_in);
	EXPECT_EQ(before.tokens_out + TOKENS, after.tokens_out);
	EXPECT_LE(before.steps + TOKENS, after.steps);
	EXPECT_GE(before.steps + TOKENS + prompt, after.steps);
	EXPECT_LE(before.slices + TOKENS, after.slices);
	EXPECT_LT(before.cpu_ns, after.cpu_ns);
	EXPECT_LT(before.queued_ns, after.queued_ns);
	EXPECT_LT(before.first_token_ns, after.first_token_ns);
}

TEST_F(counters, of_a_session)
{
	struct llm_session_info first;
	struct llm_session_info second;

	first = device_status(self->fd);
	EXPECT_LT(0, first.id);
	EXPECT_STREQ(MODEL, (char *)first.model);
	EXPECT_EQ((__u32)getpid(), first.pid);
	EXPECT_EQ(getuid(), first.uid);
	EXPECT_EQ(LLM_STATE_IDLE, first.state);
	EXPECT_EQ(LLM_REASON_NONE, first.reason);
	EXPECT_EQ(self->image.context_length, first.context);
	EXPECT_EQ(0, first.used);
	EXPECT_EQ(0, first.memory);
	EXPECT_EQ(0, first.tokens_in);
	EXPECT_EQ(0, first.cpu_ns);

	ASSERT_LT(0, device_ask(self->fd, PROMPT, self->reply, ROOM));
	first = device_status(self->fd);
	EXPECT_EQ(LLM_REASON_LENGTH, first.reason);
	EXPECT_EQ(TOKENS, first.tokens_out);
	EXPECT_LT(1, first.tokens_in);
	EXPECT_EQ(first.tokens_in + TOKENS - 1, first.used);
	EXPECT_LT(0, first.memory);
	EXPECT_LT(0, first.cpu_ns);
	EXPECT_LT(0, first.queued_ns);
	EXPECT_LT(first.queued_ns, first.first_token_ns);

	ASSERT_LT(0, device_ask(self->fd, PROMPT, self->reply, ROOM));
	second = device_status(self->fd);
	EXPECT_EQ(first.id, second.id);
	EXPECT_EQ(2 * TOKENS, second.tokens_out);
	EXPECT_LT(first.tokens_in, second.tokens_in);
	EXPECT_LT(first.cpu_ns, second.cpu_ns);
	EXPECT_LT(first.queued_ns, second.queued_ns);
}

TEST_F(counters, of_sessions_add_up)
{
	const struct llm_info before = device_info();
	int other = device_session(MODEL, &self->image, TOKENS);
	struct llm_model_info model;
	struct llm_info after;

	ASSERT_LE(0, other);
	after = device_info();
	EXPECT_EQ(before.sessions + 1, after.sessions);
	ASSERT_TRUE(device_find_model(MODEL, &model));
	EXPECT_EQ(2, model.sessions);
	ASSERT_LT(0, device_ask(self->fd, PROMPT, self->reply, ROOM));
	ASSERT_LT(0, device_ask(other, PROMPT, self->reply, ROOM));
	after = device_info();
	EXPECT_EQ(device_status(self->fd).tokens_in + device_status(other).tokens_in,
		  after.tokens_in - before.tokens_in);
	EXPECT_EQ(device_status(self->fd).queued_ns + device_status(other).queued_ns,
		  after.queued_ns - before.queued_ns);
	EXPECT_EQ(device_status(self->fd).first_token_ns + device_status(other).first_token_ns,
		  after.first_token_ns - before.first_token_ns);
	/* What a session used of a step is its share: not more than there was. */
	EXPECT_GE(after.cpu_ns - before.cpu_ns,
		  device_status(self->fd).cpu_ns + device_status(other).cpu_ns);
	ASSERT_EQ(0, close(other));
}

static long long sysfs(const char *file)
{
	char path[256];

	snprintf(path, sizeof(path), SYSFS "%s", file);
	return device_number(path, NULL);
}

/* Whether a file has a text and a newline. */
static bool sysfs_says(const char *file, const char *text)
{
	char path[256];
	char line[256];
	bool says;
	FILE *stream;

	snprintf(path, sizeof(path), SYSFS "%s", file);
	stream = fopen(path, "re");
	if (!stream)
		return false;
	says = fgets(line, sizeof(line), stream) && !strncmp(line, text, strlen(text)) &&
	       !strcmp(line + strlen(text), "\n");
	fclose(stream);
	return says;
}

TEST_F(counters, in_sysfs)
{
	struct llm_info info;

	ASSERT_LT(0, device_ask(self->fd, PROMPT, self->reply, ROOM));
	info = device_info();
	EXPECT_EQ(info.requests, sysfs("requests"));
	EXPECT_EQ(info.tokens_in, sysfs("tokens_in"));
	EXPECT_EQ(info.tokens_out, sysfs("tokens_out"));
	EXPECT_EQ(info.steps, sysfs("steps"));
	EXPECT_EQ(info.queued_ns, sysfs("queued_ns"));
	EXPECT_EQ(info.first_token_ns, sysfs("first_token_ns"));
	EXPECT_LE(info.slices, sysfs("slices"));
	EXPECT_LE(info.cpu_ns, sysfs("cpu_ns"));
	EXPECT_LE(1, sysfs("sessions"));
}

TEST_F(counters, of_models_in_sysfs)
{
	struct llm_model_info info;

	ASSERT_TRUE(device_find_model(MODEL, &info));
	EXPECT_TRUE(sysfs_says("models/" MODEL "/title", (char *)info.title));
	EXPECT_TRUE(sysfs_says("models/" MODEL "/architecture", (char *)info.architecture));
	EXPECT_EQ(info.size, sysfs("models/" MODEL "/size"));
	EXPECT_EQ(info.memory, sysfs("models/" MODEL "/memory"));
	EXPECT_EQ(info.session_memory, sysfs("models/" MODEL "/session_memory"));
	EXPECT_EQ(info.parameters, sysfs("models/" MODEL "/parameters"));
	EXPECT_EQ(info.context_length, sysfs("models/" MODEL "/context_length"));
	EXPECT_EQ(info.vocab_size, sysfs("models/" MODEL "/vocab_size"));
	EXPECT_EQ(1, sysfs("models/" MODEL "/users"));
	EXPECT_EQ(!!(info.flags & LLM_MODEL_DEFAULT), sysfs("models/" MODEL "/default"));
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(0, sysfs("models/" MODEL "/users"));
	ASSERT_EQ(0, device_unload_soon(MODEL));
	EXPECT_EQ(-1, access(SYSFS "models/" MODEL, F_OK));
	ASSERT_EQ(0, device_load(MODEL, &self->image, 0));
}

/* A folder removed while somebody stands in it and has its files open. */
TEST_F(counters, sysfs_files_outlive_their_model)
{
	char number[32];
	int file;

	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, chdir(SYSFS "models/" MODEL));
	file = open("size", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, file);
	ASSERT_EQ(0, device_unload_soon(MODEL));
	EXPECT_EQ(-1, read(file, number, sizeof(number)));
	EXPECT_EQ(-1, open("size", O_RDONLY | O_CLOEXEC));
	ASSERT_EQ(0, device_load(MODEL, &self->image, 0));
}

/* The folder of a file system of the kernel, mounted where it is not yet. */
static const char *mounted(const char *type, const char *usual, const char *probe)
{
	static char folder[64];
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", usual, probe);
	if (!access(path, F_OK))
		return usual;
	snprintf(folder, sizeof(folder), "/tmp/llm-%s.%d", type, getpid());
	mkdir(folder, 0700);
	if (mount("none", folder, type, 0, NULL))
		return NULL;
	snprintf(path, sizeof(path), "%s/%s", folder, probe);
	return access(path, F_OK) ? NULL : folder;
}

static int count_lines(const char *path, const char *word)
{
	FILE *file = fopen(path, "re");
	char line[1024];
	int count = 0;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file))
		count += !!strstr(line, word);
	fclose(file);
	return count;
}

/* Whether a line of an event has a word, after a space and before one. */
static bool event_has(const char *path, const char *event, const char *format, ...)
{
	FILE *file = fopen(path, "re");
	char line[1024];
	char word[128];
	bool found = false;
	va_list arguments;

	word[0] = ' ';
	va_start(arguments, format);
	vsnprintf(word + 1, sizeof(word) - 1, format, arguments);
	va_end(arguments);
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		const char *at = strstr(line, event) ? strstr(line, word) : NULL;

		found = at && isspace((unsigned char)at[strlen(word)]);
	}
	fclose(file);
	return found;
}

/* What the events of a session's first turn say is what its status says. */
static void expect_events(struct __test_metadata *_metadata, const char *trace, int fd)
{
	struct llm_session_info info = device_status(fd);

	EXPECT_TRUE(event_has(trace, "llm_submit:", "session=%llu", info.id));
	EXPECT_TRUE(event_has(trace, "llm_submit:", "model=" MODEL));
	EXPECT_TRUE(event_has(trace, "llm_submit:", "prompt=%llu", info.tokens_in));
	EXPECT_TRUE(event_has(trace, "llm_step:", "model=" MODEL));
	EXPECT_TRUE(event_has(trace, "llm_step:", "rows=%llu", info.tokens_in));
	EXPECT_TRUE(event_has(trace, "llm_token:", "session=%llu", info.id));
	EXPECT_TRUE(event_has(trace, "llm_token:", "number=%d", TOKENS));
	EXPECT_FALSE(event_has(trace, "llm_token:", "number=%d", TOKENS + 1));
	EXPECT_TRUE(event_has(trace, "llm_done:", "session=%llu", info.id));
	EXPECT_TRUE(event_has(trace, "llm_done:", "tokens_in=%llu", info.tokens_in));
	EXPECT_TRUE(event_has(trace, "llm_done:", "tokens_out=%llu", info.tokens_out));
	EXPECT_TRUE(event_has(trace, "llm_done:", "queued_ns=%llu", info.queued_ns));
	EXPECT_TRUE(event_has(trace, "llm_done:", "first_token_ns=%llu", info.first_token_ns));
	EXPECT_TRUE(event_has(trace, "llm_done:", "cpu_ns=%llu", info.cpu_ns));
}

TEST_F(counters, tracepoints)
{
	const char *folder = mounted("tracefs", "/sys/kernel/tracing", "events");
	char enable[128];
	char buffer[128];
	char trace[128];

	if (!folder)
		SKIP(return, "this kernel has no tracing");
	snprintf(enable, sizeof(enable), "%s/events/llm/enable", folder);
	snprintf(buffer, sizeof(buffer), "%s/buffer_size_kb", folder);
	snprintf(trace, sizeof(trace), "%s/trace", folder);
	ASSERT_EQ(0, access(enable, W_OK)) TH_LOG("the module has no events");
	device_put(buffer, "4096");
	ASSERT_EQ(0, close(open(trace, O_WRONLY | O_TRUNC)));
	ASSERT_EQ(0, device_put(enable, "1"));
	EXPECT_LT(0, device_ask(self->fd, PROMPT, self->reply, ROOM));
	ASSERT_EQ(0, device_put(enable, "0"));
	EXPECT_EQ(1, count_lines(trace, "llm_submit:"));
	EXPECT_LE(TOKENS, count_lines(trace, "llm_step:"));
	EXPECT_EQ(TOKENS, count_lines(trace, "llm_token:"));
	EXPECT_LE(TOKENS, count_lines(trace, "llm_slice:"));
	EXPECT_EQ(1, count_lines(trace, "llm_done:"));
	expect_events(_metadata, trace, self->fd);
	EXPECT_EQ(0, count_lines(trace, PROMPT)) TH_LOG("traces show what users write");
}

/* Sums the counts of "FROM .. TO us COUNT". */
static long long sum_buckets(const char *path)
{
	FILE *file = fopen(path, "re");
	long long count;
	long long sum = 0;
	char line[256];
	unsigned int from;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%u .. %*u us %lld", &from, &count) == 2 ||
		    sscanf(line, "%u .. us %lld", &from, &count) == 2)
			sum += count;
	}
	fclose(file);
	return sum;
}

TEST_F(counters, histogram_of_slices)
{
	const char *folder = mounted("debugfs", "/sys/kernel/debug", "llm");
	struct llm_info before;
	char path[128];

	if (!folder)
		SKIP(return, "this kernel has no debugfs");
	snprintf(path, sizeof(path), "%s/llm/slices", folder);
	ASSERT_EQ(0, device_put(path, "0"));
	EXPECT_EQ(0, sum_buckets(path));
	before = device_info();
	ASSERT_LT(0, device_ask(self->fd, PROMPT, self->reply, ROOM));
	EXPECT_LE(TOKENS, sum_buckets(path));
	EXPECT_EQ(device_info().slices - before.slices, sum_buckets(path));
	EXPECT_EQ(sum_buckets(path), device_number(path, "slices"));
	EXPECT_EQ(before.slice_us, device_number(path, "budget"));
	EXPECT_EQ(-EINVAL, device_put(path, "1"));
}

TEST_HARNESS_MAIN
