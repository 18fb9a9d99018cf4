// SPDX-License-Identifier: GPL-2.0
/* The module comes and goes. LLM_KO is its path. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "device.h"
#include "harness.h"

#define MODEL "module-reload"
#define FIRMWARE "/lib/firmware/llm"
#define ROOM 16384
/* Names of the KUnit tests that run when a module comes; not in every kernel. */
#define KUNIT_FILTER "/sys/module/kunit/parameters/filter_glob"

FIXTURE(module)
{
	struct device_image image;
	/* Whatever a measurement says, replies are those of the same form. */
	char form[32];
	char wanted[ROOM];
	char reply[ROOM];
};

static int insert(const char *parameters)
{
	int fd = open(getenv("LLM_KO"), O_RDONLY | O_CLOEXEC);
	int error;

	if (fd < 0)
		return -errno;
	error = syscall(SYS_finit_module, fd, parameters, 0) ? -errno : 0;
	close(fd);
	return error;
}

/* Sessions that just ended may still hold the module for a moment. */
static int remove_soon(void)
{
	for (int i = 0; i < 3000; i++) {
		if (!syscall(SYS_delete_module, "llm", O_NONBLOCK))
			return 0;
		if (errno != EAGAIN)
			return -errno;
		device_pause(10);
	}
	return -EAGAIN;
}

static ssize_t ask(const struct device_image *image, char *reply)
{
	int fd = device_session(MODEL, image, 8);
	ssize_t got;

	if (fd < 0)
		return fd;
	got = device_ask(fd, "hello", reply, ROOM);
	close(fd);
	return got;
}

FIXTURE_SETUP(module)
{
	if (!getenv("LLM_KO"))
		SKIP(return, "LLM_KO does not say where llm.ko is");
	/* They ran when it came first, and take longer than all else here. */
	if (!access(KUNIT_FILTER, W_OK))
		ASSERT_EQ(0, device_put(KUNIT_FILTER, "none"));
	snprintf(self->form, sizeof(self->form), "form=%.16s", (char *)device_info().form);
	device_image_make(&self->image, 12);
	ASSERT_EQ(0, device_load(MODEL, &self->image, 0));
	ASSERT_LT(0, ask(&self->image, self->wanted));
	ASSERT_EQ(0, device_unload_soon(MODEL));
	ASSERT_EQ(0, remove_soon());
}

/* However a test ends, the next one finds the module loaded. */
FIXTURE_TEARDOWN_PARENT(module)
{
	EXPECT_TRUE(!access(DEVICE_PATH, F_OK) || !insert(""));
	if (!access(KUNIT_FILTER, W_OK))
		EXPECT_EQ(0, device_put(KUNIT_FILTER, "*"));
}

TEST_F(module, comes_and_goes)
{
	const int times = device_is_slow() ? 25 : 100;

	for (int i = 0; i < times; i++) {
		ASSERT_EQ(0, insert(i % 9 ? "" : self->form)) TH_LOG("time %d", i);
		ASSERT_EQ(0, access(DEVICE_PATH, R_OK | W_OK));
		if (i % 3 == 0)
			ASSERT_EQ(0, device_load(MODEL, &self->image, 0));
		if (i % 9 == 0) {
			ASSERT_LT(0, ask(&self->image, self->reply));
			EXPECT_STREQ(self->wanted, self->reply);
		}
		ASSERT_EQ(0, remove_soon()) TH_LOG("time %d", i);
		EXPECT_EQ(-1, access(DEVICE_PATH, F_OK));
	}
}

/* Everything that needs a model says that there is none. */
TEST_F(module, has_no_model_at_first)
{
	struct llm_session_setup setup = { .set = LLM_SETUP_CONTEXT, .context = 8 };
	struct llm_bias bias = { .token = 1 };
	struct llm_sampling sampling = {
		.set = LLM_SAMPLING_BIASES,
		.biases = (uintptr_t)&bias,
		.biases_count = 1,
	};
	struct llm_tokenize tokenize = { .text = (uintptr_t)"hello", .text_length = 5 };
	struct llm_score score = { .text = (uintptr_t)"hello", .text_length = 5 };
	struct llm_embed embed = { .text = (uintptr_t)"hello", .text_length = 5 };
	int fd;

	ASSERT_EQ(0, insert(""));
	EXPECT_EQ(0, device_info().models);
	fd = device_open(O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENODEV, device_ioctl(fd, LLM_IOC_TOKENIZE, &tokenize));
	EXPECT_EQ(-ENODEV, device_ioctl(fd, LLM_IOC_DETOKENIZE, &tokenize));
	EXPECT_EQ(-ENODEV, device_ioctl(fd, LLM_IOC_SCORE, &score));
	EXPECT_EQ(-ENODEV, device_ioctl(fd, LLM_IOC_EMBED, &embed));
	EXPECT_EQ(-ENODEV, device_ioctl(fd, LLM_IOC_SETUP, &setup));
	EXPECT_EQ(-ENODEV, device_ioctl(fd, LLM_IOC_SAMPLING, &sampling));
	EXPECT_EQ(-ENODEV, device_ask(fd, "hello", self->reply, ROOM));
	EXPECT_EQ(-ENODEV, device_start(fd));
	EXPECT_STREQ("", (char *)device_status(fd).model);
	ASSERT_EQ(0, close(fd));
	fd = device_open(O_WRONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENODEV, device_write(fd, "hello"));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, remove_soon());
}

/* Unread replies and letters that nobody fetches do not keep the module. */
TEST_F(module, goes_with_mail)
{
	int fd;

	ASSERT_EQ(0, insert(""));
	ASSERT_EQ(0, device_load(MODEL, &self->image, LLM_SEAL_DEFAULT));
	for (int i = 0; i < 5; i++) {
		fd = device_open(O_WRONLY);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, device_write(fd, "hello"));
		ASSERT_EQ(0, close(fd));
	}
	EXPECT_EQ(0, remove_soon());
}

TEST_F(module, goes_while_sessions_are_just_ending)
{
	for (int i = 0; i < 5; i++) {
		ASSERT_EQ(0, insert(""));
		ASSERT_EQ(0, device_load(MODEL, &self->image, 0));
		for (int j = 0; j < 8; j++) {
			int fd = device_session(MODEL, &self->image, 0);

			ASSERT_LE(0, fd);
			ASSERT_EQ(0, device_write(fd, "a reply nobody waits for"));
			ASSERT_EQ(0, device_start(fd));
			ASSERT_EQ(0, close(fd));
		}
		ASSERT_EQ(0, remove_soon());
	}
}

TEST_F(module, bad_parameters)
{
	EXPECT_EQ(-EINVAL, insert("form=nonsense"));
	EXPECT_EQ(-EINVAL, insert("batch=0"));
	EXPECT_EQ(-EINVAL, insert("batch=513"));
	EXPECT_EQ(-EINVAL, insert("slice_us=1"));
	EXPECT_EQ(-EINVAL, insert("model=../../etc/passwd"));
	EXPECT_EQ(-ENOENT, insert("model=module-reload-none"));
	EXPECT_EQ(-1, access(DEVICE_PATH, F_OK));
}

TEST_F(module, portable_form)
{
	ASSERT_EQ(0, insert("form=portable batch=7"));
	EXPECT_STREQ("portable", (char *)device_info().form);
	ASSERT_EQ(0, device_load(MODEL, &self->image, 0));
	EXPECT_LT(0, ask(&self->image, self->reply));
	EXPECT_EQ(0, remove_soon());
}

/*
 * Lines of the file that tells of the forms, with a word; the last of them begins with
 * @name then. -1 without the file.
 */
static int forms_with(const char *word, char *name)
{
	FILE *file = fopen("/sys/kernel/debug/llm/forms", "re");
	char line[128];
	int count = 0;

	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		if (strstr(line, word) && sscanf(line, "%15s", name) == 1)
			count++;
	}
	fclose(file);
	return count;
}

TEST_F(module, form_is_chosen)
{
	char name[16] = "";

	ASSERT_EQ(0, insert(""));
	if (forms_with(",", name) < 0)
		SKIP(return, "debugfs is not there");
	EXPECT_EQ(1, forms_with(", used", name));
	EXPECT_STREQ((char *)device_info().form, name);
	EXPECT_EQ(1, forms_with("multiply-adds/us, used", name));
	EXPECT_EQ(0, forms_with("not timed", name));
	ASSERT_EQ(0, remove_soon());
	/* What is asked for needs no measurement. */
	ASSERT_EQ(0, insert("form=portable"));
	EXPECT_EQ(0, forms_with("multiply-adds", name));
	EXPECT_EQ(1, forms_with(", used", name));
	EXPECT_STREQ("portable", name);
	EXPECT_EQ(0, remove_soon());
}

static int write_firmware(const void *bytes, size_t size)
{
	int fd;
	ssize_t written;

	mkdir("/lib/firmware", 0755);
	mkdir(FIRMWARE, 0755);
	fd = open(FIRMWARE "/" MODEL ".img", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	written = write(fd, bytes, size);
	close(fd);
	return written == (ssize_t)size ? 0 : -EIO;
}

TEST_F(module, model_from_the_firmware_path)
{
	struct llm_model_info info;
	char parameters[64];

	if (write_firmware(self->image.bytes, self->image.size))
		SKIP(return, "the firmware folder cannot be written here");
	snprintf(parameters, sizeof(parameters), "model=" MODEL " %s", self->form);
	ASSERT_EQ(0, insert(parameters));
	ASSERT_TRUE(device_find_model(MODEL, &info));
	EXPECT_EQ(LLM_MODEL_DEFAULT | LLM_MODEL_TEXT, info.flags);
	ASSERT_LT(0, ask(&self->image, self->reply));
	EXPECT_STREQ(self->wanted, self->reply);
	EXPECT_EQ(0, device_unload_soon(MODEL));
	EXPECT_EQ(0, remove_soon());
}

TEST_F(module, bad_model_from_the_firmware_path)
{
	if (write_firmware(self->image.bytes, self->image.size / 2))
		SKIP(return, "the firmware folder cannot be written here");
	EXPECT_EQ(-EINVAL, insert("model=" MODEL));
	EXPECT_EQ(-1, access(DEVICE_PATH, F_OK)) TH_LOG("the module stays without its model");
	ASSERT_EQ(0, write_firmware("", 0));
	EXPECT_GT(0, insert("model=" MODEL));
}

TEST_HARNESS_MAIN
