// SPDX-License-Identifier: GPL-2.0
/* The mailbox: prompts dropped by O_WRONLY, replies fetched by O_RDONLY. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "device.h"
#include "harness.h"

#define MODEL "mailbox"
#define SLOW_MODEL "mailbox-slow"
#define ROOM 65536
#define TOKENS 24

FIXTURE(mailbox)
{
	struct device_image image;
	struct device_image slow;
	char wanted[ROOM];
	char reply[ROOM];
};

/* What is left in the mailbox from before is nobody's business here. */
static int empty_mailbox(char *room)
{
	int fd = device_open(O_RDONLY);
	ssize_t got;

	if (fd < 0)
		return fd;
	do {
		got = read(fd, room, ROOM);
	} while (got > 0);
	close(fd);
	return got;
}

FIXTURE_SETUP(mailbox)
{
	device_image_make(&self->image, 8);
	device_image_make_slow(&self->slow);
	ASSERT_EQ(0, device_load(MODEL, &self->image, LLM_SEAL_DEFAULT));
	ASSERT_EQ(0, device_load(SLOW_MODEL, &self->slow, 0));
	ASSERT_EQ(0, empty_mailbox(self->reply));
}

FIXTURE_TEARDOWN_PARENT(mailbox)
{
	EXPECT_EQ(0, empty_mailbox(self->reply));
	EXPECT_EQ(0, device_unload_soon(MODEL));
	EXPECT_EQ(0, device_unload_soon(SLOW_MODEL));
}

/* A letter set up as device_session() sets up a session. */
static int letter(const char *name, const struct device_image *image, __u32 tokens)
{
	int fd = device_open(O_WRONLY);
	int error = fd;

	if (fd >= 0)
		error = device_model(fd, name);
	if (!error)
		error = device_max_tokens(fd, tokens);
	if (!error)
		error = device_endless(fd, image);
	if (!error)
		error = device_seed(fd, 0);
	return error ? error : fd;
}

static int post(const char *name, const struct device_image *image, const char *prompt)
{
	int fd = letter(name, image, TOKENS);
	int error = fd < 0 ? fd : device_write(fd, prompt);

	if (error)
		return error;
	return close(fd) ? -errno : 0;
}

/* The reply that a session gives, as it stands in a mailbox. */
static ssize_t expect(const struct device_image *image, const char *prompt, char *wanted)
{
	int fd = device_session(MODEL, image, TOKENS);
	ssize_t length = device_ask(fd, prompt, wanted, ROOM - 1);

	close(fd);
	if (length > 0 && wanted[length - 1] != '\n') {
		wanted[length++] = '\n';
		wanted[length] = '\0';
	}
	return length;
}

TEST_F(mailbox, plain_use)
{
	int fd = device_open(O_WRONLY);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_write(fd, "the sea"));
	ASSERT_EQ(0, close(fd));
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_LT(0, device_read(fd, self->reply, ROOM, ROOM));
}

TEST_F(mailbox, empty_ends_at_once)
{
	int fd = device_open(O_RDONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, read(fd, self->reply, ROOM));
	EXPECT_EQ(0, read(fd, self->reply, ROOM));
}

TEST_F(mailbox, reply_is_that_of_a_session)
{
	int fd;

	ASSERT_LT(0, expect(&self->image, "the sea", self->wanted));
	ASSERT_EQ(0, post(MODEL, &self->image, "the sea"));
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, device_read(fd, self->reply, ROOM, ROOM));
	EXPECT_STREQ(self->wanted, self->reply);
	EXPECT_EQ(0, read(fd, self->reply, ROOM)) TH_LOG("the reply is there twice");
}

TEST_F(mailbox, one_byte_reads)
{
	int fd;

	ASSERT_LT(0, expect(&self->image, "the sea", self->wanted));
	ASSERT_EQ(0, post(MODEL, &self->image, "the sea"));
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, device_read(fd, self->reply, ROOM, 1));
	EXPECT_STREQ(self->wanted, self->reply);
}

TEST_F(mailbox, oldest_first)
{
	static const char * const prompts[] = { "one", "two ships", "three gulls cry" };
	size_t length = 0;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(prompts); i++) {
		ssize_t got = expect(&self->image, prompts[i], self->wanted + length);

		ASSERT_LT(0, got);
		length += got;
		ASSERT_EQ(0, post(MODEL, &self->image, prompts[i]));
	}
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, device_read(fd, self->reply, ROOM, ROOM));
	EXPECT_STREQ(self->wanted, self->reply);
}

/* The slow one was there first, so it comes first, however long it takes. */
TEST_F(mailbox, oldest_first_although_slower)
{
	char prompt[DEVICE_LONG];
	ssize_t length;
	int fd;

	device_prompt_long(prompt);
	ASSERT_LT(0, expect(&self->image, "quick", self->wanted));
	ASSERT_EQ(0, post(SLOW_MODEL, &self->slow, prompt));
	ASSERT_EQ(0, post(MODEL, &self->image, "quick"));
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	length = device_read(fd, self->reply, ROOM, ROOM);
	ASSERT_LT((ssize_t)strlen(self->wanted), length);
	EXPECT_STREQ(self->wanted, self->reply + length - strlen(self->wanted));
}

TEST_F(mailbox, reader_waits_for_a_reply_under_way)
{
	char prompt[DEVICE_LONG];
	int fd;

	device_prompt_long(prompt);
	ASSERT_EQ(0, post(SLOW_MODEL, &self->slow, prompt));
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_LT(0, device_read(fd, self->reply, ROOM, ROOM));
}

/* Reads all mail; returns how often there was none yet, or -1 where poll(2) errs. */
static int read_nonblocking(int fd, char *reply, size_t *length)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	int waits = 0;
	ssize_t got;

	*length = 0;
	while ((got = read(fd, reply + *length, ROOM - *length))) {
		if (got > 0) {
			*length += got;
			continue;
		}
		if (errno != EAGAIN || poll(&poller, 1, -1) != 1 || poller.revents != POLLIN)
			return -1;
		waits++;
	}
	return waits;
}

/* A reader that the machine stops may find a reply that is complete, but not each time. */
#define TRIES 50

TEST_F(mailbox, nonblocking)
{
	struct pollfd poller = { .events = POLLIN };
	char prompt[DEVICE_LONG];
	size_t length;
	int waits = 0;

	device_prompt_long(prompt);
	poller.fd = device_open(O_RDONLY | O_NONBLOCK);
	ASSERT_LE(0, poller.fd);
	for (int i = 0; i < TRIES && !waits; i++) {
		EXPECT_EQ(0, poll(&poller, 1, 0)) TH_LOG("an empty mailbox is readable");
		ASSERT_EQ(0, post(SLOW_MODEL, &self->slow, prompt));
		waits = read_nonblocking(poller.fd, self->reply, &length);
		ASSERT_LE(0, waits);
		EXPECT_LT(0, length);
	}
	EXPECT_LT(0, waits);
}

TEST_F(mailbox, nothing_written_nothing_posted)
{
	int fd = device_open(O_WRONLY);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, close(fd));
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, read(fd, self->reply, ROOM));
}

TEST_F(mailbox, posted_at_the_last_close)
{
	int fd = letter(MODEL, &self->image, TOKENS);
	int reader = device_open(O_RDONLY);
	int copy;

	ASSERT_LE(0, fd);
	ASSERT_LE(0, reader);
	copy = dup(fd);
	ASSERT_EQ(0, device_write(fd, "the sea"));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, read(reader, self->reply, ROOM)) TH_LOG("posted before the last close");
	ASSERT_EQ(0, close(copy));
	EXPECT_LT(0, device_read(reader, self->reply, ROOM, ROOM));
}

TEST_F(mailbox, full)
{
	int posted = 0;
	int error = 0;
	int fd;

	while (posted < 10000) {
		error = post(MODEL, &self->image, "the sea");
		if (error)
			break;
		posted++;
	}
	EXPECT_LE(16, posted);
	EXPECT_EQ(-EDQUOT, error) TH_LOG("after %d letters", posted);
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_LT(0, read(fd, self->reply, ROOM));
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, post(MODEL, &self->image, "the sea")) TH_LOG("there is room again");
}

/* Who has begun a reply owns it; the rest goes when he does. The next stays. */
TEST_F(mailbox, half_read_reply_is_dropped)
{
	int fd;

	ASSERT_LT(0, expect(&self->image, "the ships", self->wanted));
	ASSERT_EQ(0, post(MODEL, &self->image, "the sea"));
	ASSERT_EQ(0, post(MODEL, &self->image, "the ships"));
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(1, read(fd, self->reply, 1));
	ASSERT_EQ(0, close(fd));
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, device_read(fd, self->reply, ROOM, ROOM));
	EXPECT_STREQ(self->wanted, self->reply);
}

TEST_F(mailbox, two_readers_two_replies)
{
	char second[ROOM];
	int one = device_open(O_RDONLY);
	int two = device_open(O_RDONLY);

	ASSERT_LE(0, one);
	ASSERT_LE(0, two);
	ASSERT_EQ(0, post(MODEL, &self->image, "the sea"));
	ASSERT_EQ(0, post(MODEL, &self->image, "the ships"));
	ASSERT_EQ(1, read(one, self->reply, 1));
	ASSERT_LT(0, expect(&self->image, "the ships", self->wanted));
	ASSERT_LT(0, device_read(two, second, ROOM, ROOM));
	EXPECT_STREQ(self->wanted, second);
	ASSERT_LT(0, device_read(one, self->reply + 1, ROOM - 1, ROOM));
	ASSERT_LT(0, expect(&self->image, "the sea", self->wanted));
	EXPECT_STREQ(self->wanted, self->reply);
}

static void ignore(int number)
{
	(void)number;
}

TEST_F(mailbox, waiting_reader_is_interrupted_and_loses_nothing)
{
	struct sigaction action = { .sa_handler = ignore };
	char prompt[DEVICE_LONG];
	ssize_t got = 0;
	int error, fd;

	device_prompt_long(prompt);
	sigaction(SIGALRM, &action, NULL);
	for (int i = 0; i < TRIES && got >= 0; i++) {
		ASSERT_EQ(0, empty_mailbox(self->reply));
		ASSERT_EQ(0, post(SLOW_MODEL, &self->slow, prompt));
		fd = device_open(O_RDONLY);
		ASSERT_LE(0, fd);
		/* The first may come before it reads. */
		ualarm(5000, 5000);
		got = read(fd, self->reply, ROOM);
		error = errno;
		ualarm(0, 0);
		ASSERT_EQ(0, close(fd));
	}
	ASSERT_EQ(-1, got);
	EXPECT_EQ(EINTR, error);
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_LT(0, device_read(fd, self->reply, ROOM, ROOM));
}

/* Somebody who is killed has closed his files: what he wrote is posted. */
TEST_F(mailbox, writer_is_killed)
{
	pid_t child = fork();
	int status;
	int fd;

	ASSERT_LE(0, child);
	if (!child) {
		fd = letter(MODEL, &self->image, TOKENS);
		if (!device_write(fd, "the sea"))
			raise(SIGKILL);
		_exit(1);
	}
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_LT(0, device_read(fd, self->reply, ROOM, ROOM));
	ASSERT_LT(0, expect(&self->image, "the sea", self->wanted));
	EXPECT_STREQ(self->wanted, self->reply);
}

TEST_F(mailbox, prompt_beyond_the_context)
{
	static char text[4096];
	int fd = letter(MODEL, &self->image, TOKENS);

	ASSERT_LE(0, fd);
	device_prompt(text, sizeof(text) - 1, 1);
	ASSERT_EQ(0, device_write(fd, text));
	EXPECT_EQ(-1, close(fd)) TH_LOG("close does not tell that the prompt is lost");
	EXPECT_EQ(ENOSPC, errno);
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, read(fd, self->reply, ROOM));
}

TEST_F(mailbox, ioctls)
{
	struct llm_session_info info;
	struct llm_info device;
	int reader = device_open(O_RDONLY);
	int writer = device_open(O_WRONLY);

	ASSERT_LE(0, reader);
	ASSERT_LE(0, writer);
	memset(&device, 0, sizeof(device));
	memset(&info, 0, sizeof(info));
	EXPECT_EQ(0, device_ioctl(reader, LLM_IOC_INFO, &device));
	EXPECT_EQ(-EBADF, device_ioctl(reader, LLM_IOC_STATUS, &info))
		TH_LOG("a reader of mail has a session");
	EXPECT_EQ(-EBADF, device_model(reader, MODEL));
	EXPECT_EQ(0, device_ioctl(writer, LLM_IOC_STATUS, &info));
	EXPECT_EQ(LLM_STATE_IDLE, info.state);
	EXPECT_EQ(-EBADF, device_start(writer)) TH_LOG("a letter starts when it is closed");
}

TEST_HARNESS_MAIN
