// SPDX-License-Identifier: GPL-2.0
/* The limits that the module's parameters set, and what it says where they are reached. */
#include <fcntl.h>

#include "device.h"
#include "harness.h"
#include "host/tiny_image.h"

#define MODEL "limits"
#define MIB 1048576ULL
#define ROOM 65536

static const char *const parameters[] = {
	"max_sessions", "max_user_sessions", "max_state", "max_image_mib", "context",
};

FIXTURE(limits)
{
	struct device_image image;
	long long before[ARRAY_SIZE(parameters)];
};

FIXTURE_SETUP(limits)
{
	ASSERT_EQ(0, device_keep_parameters(parameters, ARRAY_SIZE(parameters), self->before));
	ASSERT_TRUE(device_sessions_end());
	device_image_make_slow(&self->image);
	ASSERT_EQ(0, device_load(MODEL, &self->image, LLM_SEAL_DEFAULT));
}

FIXTURE_TEARDOWN_PARENT(limits)
{
	EXPECT_EQ(0, device_restore_parameters(parameters, ARRAY_SIZE(parameters), self->before));
	EXPECT_EQ(0, device_unload_soon(MODEL));
}

/* Sessions that just ended may still count for a moment. */
static int open_soon(int flags)
{
	int fd;

	for (int i = 0; i < 3000; i++) {
		fd = device_open(flags);
		if (fd != -EMFILE && fd != -ENFILE)
			break;
		device_pause(10);
	}
	return fd;
}

/* One more session than there are is the last. */
static void expect_last(struct __test_metadata *_metadata, const char *parameter, int error)
{
	__u32 sessions = device_info().sessions;
	int last;

	ASSERT_EQ(0, device_set_parameter(parameter, sessions + 1));
	last = device_open(O_RDWR);
	ASSERT_LE(0, last);
	EXPECT_EQ(error, device_open(O_RDWR));
	EXPECT_EQ(error, device_open(O_WRONLY)) TH_LOG("a letter is a session, too");
	EXPECT_LE(0, device_open(O_RDONLY)) TH_LOG("a mailbox is none");
	ASSERT_EQ(0, close(last));
	EXPECT_LE(0, open_soon(O_RDWR)) TH_LOG("no session once another has ended");
}

TEST_F(limits, sessions_of_a_user)
{
	expect_last(_metadata, "max_user_sessions", -EMFILE);
}

TEST_F(limits, sessions_of_all)
{
	expect_last(_metadata, "max_sessions", -ENFILE);
}

/* What a session can need is reserved when it starts, or the start is refused. */
TEST_F(limits, state_of_all)
{
	struct llm_session_setup setup = { .set = LLM_SETUP_CONTEXT, .context = 32 };
	struct llm_session_info info;
	int large = device_session(MODEL, &self->image, 0);
	int small = device_session(MODEL, &self->image, 4);
	char reply[ROOM];

	ASSERT_LE(0, large);
	ASSERT_LE(0, small);
	ASSERT_EQ(0, device_ioctl(small, LLM_IOC_SETUP, &setup));
	ASSERT_EQ(0, device_write(large, "hello"));
	ASSERT_EQ(0, device_set_parameter("max_state", 1));
	EXPECT_EQ(-ENOMEM, device_start(large));
	EXPECT_EQ(0, device_status(large).memory);
	EXPECT_EQ(LLM_STATE_IDLE, device_status(large).state);
	EXPECT_LT(0, device_ask(small, "hello", reply, ROOM)) TH_LOG("what fits is refused");

	ASSERT_EQ(0, device_set_parameter("max_state", 1024));
	ASSERT_EQ(0, device_start(large)) TH_LOG("the text is lost");
	info = device_status(large);
	EXPECT_LT(1 * MIB, info.memory);
	EXPECT_EQ(0, device_cancel(large));
}

TEST_F(limits, size_of_an_image)
{
	int buffer;

	ASSERT_EQ(0, device_set_parameter("max_image_mib", 2));
	EXPECT_EQ(-EFBIG, device_create("limits-other", 2 * MIB + 1));
	buffer = device_create("limits-other", 2 * MIB);
	EXPECT_LE(0, buffer);
	close(buffer);
}

TEST_F(limits, context_of_who_asks_for_none)
{
	struct llm_session_setup setup = { .set = LLM_SETUP_CONTEXT, .context = 100 };
	int fd;

	ASSERT_EQ(0, device_set_parameter("context", 77));
	fd = device_session(MODEL, &self->image, 4);
	ASSERT_LE(0, fd);
	EXPECT_EQ(77, device_status(fd).context);
	EXPECT_EQ(0, device_ioctl(fd, LLM_IOC_SETUP, &setup));
	EXPECT_EQ(100, device_status(fd).context);
}

/* Refused before anything is computed, however much room the caller has. */
TEST(results_of_one_text)
{
	const struct tiny_image_options options = { .context = 400000 };
	struct llm_session_setup setup = { .set = LLM_SETUP_CONTEXT, .context = 400000 };
	static char text[300000];
	struct llm_score score = {
		.text = (uintptr_t)text,
		.text_length = sizeof(text),
		.entries_count = 0xffffffff,
		.alternatives = LLM_MAX_ALTERNATIVES,
	};
	struct llm_embed embed = {
		.text = (uintptr_t)text,
		.text_length = sizeof(text),
		.vectors_count = 0xffffffff,
		.pooling = LLM_POOLING_NONE,
	};
	struct device_image image;
	int fd;

	/* No two of these become one token. */
	memset(text, 'z', sizeof(text));
	device_image_build(&image, &options);
	ASSERT_EQ(0, device_load("limits-long", &image, 0));
	fd = device_session("limits-long", &image, 0);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_ioctl(fd, LLM_IOC_SETUP, &setup));
	EXPECT_EQ(-E2BIG, device_ioctl(fd, LLM_IOC_SCORE, &score));
	EXPECT_EQ(-E2BIG, device_ioctl(fd, LLM_IOC_EMBED, &embed));
	EXPECT_EQ(0, device_status(fd).memory);
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, device_unload_soon("limits-long"));
}

TEST_HARNESS_MAIN
