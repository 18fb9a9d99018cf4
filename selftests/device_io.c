// SPDX-License-Identifier: GPL-2.0
/* A session as a file: write, read, poll, sharing. */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#include "device.h"
#include "harness.h"
#include "host/tiny_image.h"

#define MODEL "device-io"
#define ENDLESS "device-io-endless"
#define PROMPT "the sun rises over a quiet sea"
#define TOKENS 48
#define ROOM 16384

FIXTURE(io)
{
	struct device_image image;
	int fd;
	char wanted[ROOM];
	char reply[ROOM];
};

FIXTURE_SETUP(io)
{
	int other;

	device_image_make(&self->image, 1);
	ASSERT_EQ(0, device_load(MODEL, &self->image, LLM_SEAL_DEFAULT));
	other = device_session(MODEL, &self->image, TOKENS);
	ASSERT_LE(0, other);
	ASSERT_LT(0, device_ask(other, PROMPT, self->wanted, ROOM))
		TH_LOG("no reply to a plain prompt");
	ASSERT_EQ(0, close(other));
	self->fd = device_session(MODEL, &self->image, TOKENS);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN_PARENT(io)
{
	EXPECT_EQ(0, device_unload_soon(MODEL));
}

TEST_F(io, open_modes)
{
	char byte = 'x';
	int fd;

	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, write(fd, &byte, 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(0, close(fd));
	fd = device_open(O_WRONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-1, read(fd, &byte, 1));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(0, close(fd));
}

TEST_F(io, same_prompt_same_reply)
{
	ASSERT_LT(0, device_ask(self->fd, PROMPT, self->reply, ROOM));
	EXPECT_STREQ(self->wanted, self->reply);
	EXPECT_EQ(LLM_REASON_LENGTH, device_status(self->fd).reason);
}

TEST_F(io, end_of_file_stays)
{
	char byte;

	ASSERT_LT(0, device_ask(self->fd, PROMPT, self->reply, ROOM));
	EXPECT_EQ(0, read(self->fd, &byte, 1));
	EXPECT_EQ(0, read(self->fd, &byte, 1));
	EXPECT_EQ(LLM_STATE_IDLE, device_status(self->fd).state);
}

TEST_F(io, read_before_any_prompt_is_end_of_file)
{
	char byte;

	EXPECT_EQ(0, read(self->fd, &byte, 1));
	EXPECT_EQ(LLM_STATE_IDLE, device_status(self->fd).state);
	EXPECT_EQ(0, device_status(self->fd).used);
}

TEST_F(io, one_byte_reads)
{
	ASSERT_EQ(0, device_write(self->fd, PROMPT));
	ASSERT_LT(0, device_read(self->fd, self->reply, ROOM, 1));
	EXPECT_STREQ(self->wanted, self->reply);
}

TEST_F(io, one_byte_writes)
{
	size_t written = 0;

	for (const char *at = PROMPT; *at; at++)
		written += write(self->fd, at, 1);
	ASSERT_EQ(strlen(PROMPT), written);
	ASSERT_LT(0, device_read(self->fd, self->reply, ROOM, ROOM));
	EXPECT_STREQ(self->wanted, self->reply);
}

TEST_F(io, character_written_in_two_parts)
{
	char whole[ROOM];
	int other = device_session(MODEL, &self->image, TOKENS);

	ASSERT_LE(0, other);
	ASSERT_LT(0, device_ask(other, "caf\xc3\xa9!", whole, ROOM));
	ASSERT_EQ(0, device_write(self->fd, "caf\xc3"));
	ASSERT_EQ(0, device_write(self->fd, "\xa9!"));
	ASSERT_LT(0, device_read(self->fd, self->reply, ROOM, ROOM));
	EXPECT_STREQ(whole, self->reply);
}

TEST_F(io, any_bytes_are_a_prompt)
{
	static const char bytes[] = "\xff\x00\xc3\x28 \xf0\x9f\x98 abc\n";

	ASSERT_EQ(sizeof(bytes), write(self->fd, bytes, sizeof(bytes)));
	EXPECT_LT(0, device_read(self->fd, self->reply, ROOM, ROOM));
}

TEST_F(io, scattered_reads_and_writes)
{
	char first[3] = "";
	char second[5] = "";
	struct iovec out[2] = {
		{ .iov_base = (void *)PROMPT, .iov_len = 10 },
		{ .iov_base = (void *)(PROMPT + 10), .iov_len = sizeof(PROMPT) - 11 },
	};
	struct iovec in[2] = {
		{ .iov_base = first, .iov_len = sizeof(first) },
		{ .iov_base = second, .iov_len = sizeof(second) },
	};
	size_t length = 0;
	ssize_t got;

	ASSERT_EQ(sizeof(PROMPT) - 1, writev(self->fd, out, 2));
	while ((got = readv(self->fd, in, 2)) > 0) {
		size_t head = got < 3 ? got : 3;

		ASSERT_GE(8, got);
		memcpy(self->reply + length, first, head);
		memcpy(self->reply + length + head, second, got - head);
		length += got;
	}
	ASSERT_EQ(0, got);
	self->reply[length] = '\0';
	EXPECT_STREQ(self->wanted, self->reply);
}

TEST_F(io, empty_reads_and_writes_do_nothing)
{
	EXPECT_EQ(0, write(self->fd, "", 0));
	EXPECT_EQ(-ENODATA, device_start(self->fd));
	ASSERT_EQ(0, device_write(self->fd, PROMPT));
	EXPECT_EQ(0, read(self->fd, self->reply, 0));
	ASSERT_LT(0, device_read(self->fd, self->reply, ROOM, ROOM));
	EXPECT_STREQ(self->wanted, self->reply);
}

TEST_F(io, bad_addresses)
{
	char *bad = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, bad);
	EXPECT_EQ(-1, write(self->fd, bad, 10));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-ENODATA, device_start(self->fd))
		TH_LOG("a write that failed left something behind");
	ASSERT_EQ(0, device_write(self->fd, PROMPT));
	EXPECT_EQ(-1, read(self->fd, bad, 10));
	EXPECT_EQ(EFAULT, errno);
	ASSERT_LT(0, device_read(self->fd, self->reply, ROOM, ROOM));
	EXPECT_STREQ(self->wanted, self->reply)
		TH_LOG("a read that failed lost a part of the reply");
}

/* A read that runs into a bad page gives what came before, or fails; it loses nothing. */
TEST_F(io, half_bad_addresses)
{
	size_t page = sysconf(_SC_PAGESIZE);
	char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	size_t length = 0;
	ssize_t got;

	ASSERT_NE(MAP_FAILED, pages);
	ASSERT_EQ(0, munmap(pages + page, page));
	ASSERT_EQ(0, device_write(self->fd, PROMPT));
	do {
		got = read(self->fd, pages + page - 4, 64);
		if (got < 0) {
			ASSERT_EQ(EFAULT, errno);
			got = read(self->fd, pages + page - 4, 4);
		}
		ASSERT_LE(0, got);
		ASSERT_GE(4, got);
		memcpy(self->reply + length, pages + page - 4, got);
		length += got;
	} while (got);
	self->reply[length] = '\0';
	EXPECT_STREQ(self->wanted, self->reply);
}

TEST_F(io, second_turn_continues)
{
	char other_reply[ROOM];
	__u32 used;
	int other = device_session(MODEL, &self->image, TOKENS);

	ASSERT_LE(0, other);
	ASSERT_LT(0, device_ask(self->fd, PROMPT, self->reply, ROOM));
	used = device_status(self->fd).used;
	EXPECT_LE(TOKENS, used);
	ASSERT_LT(0, device_ask(self->fd, " and then", self->reply, ROOM));
	EXPECT_LE(used + TOKENS, device_status(self->fd).used);

	ASSERT_LT(0, device_ask(other, PROMPT, other_reply, ROOM));
	ASSERT_LT(0, device_ask(other, " and then", other_reply, ROOM));
	EXPECT_STREQ(self->reply, other_reply);
	EXPECT_STRNE(self->wanted, other_reply)
		TH_LOG("the second turn repeats the first");
}

TEST_F(io, context_fills_over_turns)
{
	ssize_t got = 0;
	int turns;

	for (turns = 0; turns < 64; turns++) {
		got = device_ask(self->fd, PROMPT, self->reply, ROOM);
		if (got < 0 || device_status(self->fd).reason == LLM_REASON_CONTEXT)
			break;
	}
	ASSERT_GT(64, turns) TH_LOG("the context never filled");
	EXPECT_LT(2, turns);
	EXPECT_TRUE(got >= 0 || got == -ENOSPC)
		TH_LOG("the last turn returned %zd", got);
	EXPECT_GE(device_status(self->fd).context, device_status(self->fd).used);
	EXPECT_EQ(-ENOSPC, device_ask(self->fd, PROMPT, self->reply, ROOM));
}

TEST_F(io, prompt_beyond_the_context)
{
	static char text[4096];

	device_prompt(text, sizeof(text) - 1, 1);
	ASSERT_EQ(0, device_write(self->fd, text));
	EXPECT_EQ(-ENOSPC, device_start(self->fd));
	EXPECT_EQ(-ENODATA, device_start(self->fd)) TH_LOG("the prompt was not discarded");
	ASSERT_LT(0, device_ask(self->fd, PROMPT, self->reply, ROOM));
	EXPECT_STREQ(self->wanted, self->reply);
}

TEST_F(io, prompt_beyond_all_limits)
{
	static char text[65536];
	size_t total = 0;
	ssize_t got;

	device_prompt(text, sizeof(text) - 1, 1);
	do {
		got = write(self->fd, text, sizeof(text));
		if (got > 0)
			total += got;
	} while (got > 0 && total <= LLM_MAX_TEXT);
	EXPECT_EQ(-1, got) TH_LOG("%zu bytes were taken", total);
	EXPECT_EQ(ENOSPC, errno);
	EXPECT_EQ(LLM_MAX_TEXT, total);
	EXPECT_EQ(-ENOSPC, device_start(self->fd));
	ASSERT_LT(0, device_ask(self->fd, PROMPT, self->reply, ROOM));
	EXPECT_STREQ(self->wanted, self->reply);
}

TEST_F(io, no_position)
{
	char byte = 'x';

	EXPECT_EQ(-1, lseek(self->fd, 0, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, lseek(self->fd, 0, SEEK_CUR));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pread(self->fd, &byte, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pwrite(self->fd, &byte, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, ftruncate(self->fd, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, mmap(NULL, 4096, PROT_READ, MAP_SHARED, self->fd, 0));
	EXPECT_EQ(ENODEV, errno);
	EXPECT_EQ(-ENODATA, device_start(self->fd));
}

TEST_F(io, no_splice)
{
	int ends[2];
	int file;

	ASSERT_EQ(0, pipe(ends));
	ASSERT_EQ(5, write(ends[1], "hello", 5));
	EXPECT_EQ(-1, splice(ends[0], NULL, self->fd, NULL, 5, 0));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(0, device_write(self->fd, PROMPT));
	EXPECT_EQ(-1, splice(self->fd, NULL, ends[1], NULL, 5, 0));
	EXPECT_EQ(EINVAL, errno);
	file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, file);
	EXPECT_EQ(-1, sendfile(self->fd, file, NULL, 5));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_LT(0, device_read(self->fd, self->reply, ROOM, ROOM));
	EXPECT_STREQ(self->wanted, self->reply);
}

TEST_F(io, start_then_read)
{
	ASSERT_EQ(0, device_write(self->fd, PROMPT));
	ASSERT_EQ(0, device_start(self->fd));
	EXPECT_EQ(-EBUSY, device_start(self->fd));
	ASSERT_LT(0, device_read(self->fd, self->reply, ROOM, ROOM));
	EXPECT_STREQ(self->wanted, self->reply);
	EXPECT_EQ(-ENODATA, device_start(self->fd));
}

TEST_F(io, write_before_the_reply_is_read)
{
	ASSERT_EQ(0, device_write(self->fd, PROMPT));
	ASSERT_EQ(0, device_start(self->fd));
	EXPECT_EQ(-EBUSY, device_write(self->fd, "more"));
	ASSERT_LT(0, device_read(self->fd, self->reply, ROOM, ROOM));
	EXPECT_STREQ(self->wanted, self->reply);
	EXPECT_EQ(-ENODATA, device_start(self->fd)) TH_LOG("the refused text was kept");
}

/* A reply of twice as many bytes as wait for their reader ends in no other way. */
TEST_F(io, cancelled_reply_can_be_read)
{
	const struct tiny_image_options options = { .layers = 1, .width = 32, .context = 8192 };
	struct device_image endless;
	ssize_t length;
	int fd;

	device_image_build(&endless, &options);
	ASSERT_EQ(0, device_load(ENDLESS, &endless, 0));
	fd = device_session(ENDLESS, &endless, 0);
	device_image_free(&endless);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_only(fd, TINY_TOKEN_THE));
	ASSERT_EQ(0, device_cancel(fd));
	ASSERT_EQ(0, device_write(fd, PROMPT));
	ASSERT_EQ(0, device_start(fd));
	ASSERT_EQ(0, device_cancel(fd));
	length = device_read(fd, self->reply, ROOM, ROOM);
	ASSERT_LE(0, length);
	EXPECT_EQ(LLM_REASON_CANCELLED, device_status(fd).reason);
	EXPECT_EQ(4 * device_status(fd).tokens_out, length);
	EXPECT_EQ(0, strncmp(" the the", self->reply, length < 8 ? length : 8))
		TH_LOG("'%s'", self->reply);
	EXPECT_EQ(0, device_cancel(fd));
	ASSERT_EQ(0, device_max_tokens(fd, 2));
	ASSERT_EQ(8, device_ask(fd, "next", self->reply, ROOM));
	EXPECT_STREQ(" the the", self->reply);
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, device_unload_soon(ENDLESS));
}

/* Reads a whole reply; returns how often there was nothing yet, or -1 where poll(2) errs. */
static int read_nonblocking(int fd, char *reply)
{
	struct pollfd poller = { .fd = fd, .events = POLLIN };
	size_t length = 0;
	ssize_t got;
	int waits = 0;

	while ((got = read(fd, reply + length, ROOM - 1 - length))) {
		if (got > 0) {
			length += got;
			continue;
		}
		if (errno != EAGAIN || poll(&poller, 1, -1) != 1 || poller.revents != POLLIN)
			return -1;
		waits++;
	}
	reply[length] = '\0';
	return waits;
}

/* The machine may stop the reader for as long as a reply takes, but not each time. */
TEST_F(io, nonblocking)
{
	int waits = 0;
	int tries, fd;

	for (tries = 0; tries < 50 && !waits; tries++) {
		fd = device_session(MODEL, &self->image, TOKENS);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, fcntl(fd, F_SETFL, O_NONBLOCK));
		ASSERT_EQ(0, device_write(fd, PROMPT));
		waits = read_nonblocking(fd, self->reply);
		ASSERT_LE(0, waits);
		EXPECT_STREQ(self->wanted, self->reply);
		ASSERT_EQ(0, close(fd));
	}
	EXPECT_LT(0, waits) TH_LOG("no read had to wait");
}

TEST_F(io, poll_tells_what_can_be_done)
{
	struct pollfd poller = { .fd = self->fd, .events = POLLIN | POLLOUT };

	ASSERT_EQ(1, poll(&poller, 1, -1));
	EXPECT_EQ(POLLOUT, poller.revents & (POLLOUT | POLLERR));
	ASSERT_EQ(0, device_write(self->fd, PROMPT));
	ASSERT_EQ(1, poll(&poller, 1, 0));
	EXPECT_EQ(POLLOUT, poller.revents & POLLOUT);
	ASSERT_EQ(0, device_start(self->fd));
	poller.events = POLLIN;
	ASSERT_EQ(1, poll(&poller, 1, -1));
	EXPECT_EQ(POLLIN, poller.revents);
	poller.events = POLLOUT;
	EXPECT_EQ(0, poll(&poller, 1, 0)) TH_LOG("writable while the reply is unread");
	ASSERT_LT(0, device_read(self->fd, self->reply, ROOM, ROOM));
	ASSERT_EQ(1, poll(&poller, 1, -1));
	EXPECT_EQ(POLLOUT, poller.revents);
}

/* Whether a byte can follow the first one of a character (Unicode, table 3-7). */
static bool fits(unsigned char lead, unsigned char second)
{
	if (lead == 0xe0 || lead == 0xf0)
		return second >= (lead == 0xe0 ? 0xa0 : 0x90) && second <= 0xbf;
	if (lead == 0xed || lead == 0xf4)
		return second >= 0x80 && second <= (lead == 0xed ? 0x9f : 0x8f);
	return second >= 0x80 && second <= 0xbf;
}

/* Whether a place in a text is within a character of UTF-8. */
static bool within_character(const char *text, size_t place)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t start = place - 1;
	size_t length;

	while (start && start + 3 > place && bytes[start] >= 0x80 && bytes[start] <= 0xbf)
		start--;
	if (bytes[start] < 0xc2 || bytes[start] > 0xf4)
		return false;
	length = bytes[start] < 0xe0 ? 2 : bytes[start] < 0xf0 ? 3 : 4;
	if (start + length <= place || !fits(bytes[start], bytes[start + 1]))
		return false;
	for (size_t i = 2; i <= place - start; i++) {
		if (!fits(0, bytes[start + i]))
			return false;
	}
	return true;
}

/* Reads a whole reply; returns in how many parts, or -1 where one ended within a character. */
static int read_characters(int fd, char *reply)
{
	size_t length = 0;
	int reads = 0;
	ssize_t got;

	while ((got = read(fd, reply + length, ROOM - length)) > 0) {
		if (length && within_character(reply, length)) {
			printf("# a read ended within a character after %zu bytes\n", length);
			return -1;
		}
		length += got;
		reads++;
	}
	return got ? -1 : reads;
}

/*
 * Most tokens of the model are single bytes, so many characters come in parts. A reader
 * that the machine stops for as long as the reply takes gets it whole, but not each time.
 */
TEST_F(io, whole_characters)
{
	int reads = 0;
	int fd;

	for (int i = 0; i < 50 && reads <= 1; i++) {
		fd = device_session(MODEL, &self->image, 300);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, device_seed(fd, 12345 + i));
		ASSERT_EQ(0, device_write(fd, PROMPT));
		reads = read_characters(fd, self->reply);
		ASSERT_LT(0, reads);
		ASSERT_EQ(0, close(fd));
	}
	EXPECT_LT(1, reads);
}

TEST_F(io, dup_is_the_same_session)
{
	int copy = dup(self->fd);

	ASSERT_LE(0, copy);
	ASSERT_EQ(0, device_write(copy, PROMPT));
	ASSERT_EQ(0, close(copy));
	ASSERT_LT(0, device_read(self->fd, self->reply, ROOM, ROOM));
	EXPECT_STREQ(self->wanted, self->reply);
}

TEST_F(io, fork_shares_the_session)
{
	int status;
	pid_t child = fork();

	ASSERT_LE(0, child);
	if (!child)
		_exit(device_write(self->fd, PROMPT) ? 1 : 0);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	ASSERT_EQ(0, status);
	ASSERT_LT(0, device_read(self->fd, self->reply, ROOM, ROOM));
	EXPECT_STREQ(self->wanted, self->reply);
}

TEST_F(io, two_opens_are_two_sessions)
{
	int other = device_session(MODEL, &self->image, TOKENS);

	ASSERT_LE(0, other);
	EXPECT_NE(device_status(self->fd).id, device_status(other).id);
	ASSERT_EQ(0, device_write(self->fd, PROMPT));
	EXPECT_EQ(-ENODATA, device_start(other));
}

struct reader {
	int fd;
	char bytes[ROOM];
	ssize_t length;
};

static void *read_all(void *argument)
{
	struct reader *reader = argument;

	reader->length = device_read(reader->fd, reader->bytes, ROOM, 3);
	return NULL;
}

TEST_F(io, two_readers_get_every_byte_once)
{
	static struct reader readers[2];
	pthread_t threads[2];
	size_t count[256] = { 0 };

	ASSERT_EQ(0, device_write(self->fd, PROMPT));
	ASSERT_EQ(0, device_start(self->fd));
	for (int i = 0; i < 2; i++) {
		readers[i].fd = self->fd;
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, read_all, &readers[i]));
	}
	for (int i = 0; i < 2; i++) {
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
		ASSERT_LE(0, readers[i].length);
		for (ssize_t j = 0; j < readers[i].length; j++)
			count[(unsigned char)readers[i].bytes[j]]++;
	}
	EXPECT_EQ(strlen(self->wanted), readers[0].length + readers[1].length);
	for (const char *at = self->wanted; *at; at++)
		count[(unsigned char)*at]--;
	for (int i = 0; i < 256; i++) {
		EXPECT_EQ(0, count[i])
			TH_LOG("byte 0x%02x", i);
	}
}

TEST_F(io, close_on_exec)
{
	int fd = open(DEVICE_PATH, O_RDWR | O_CLOEXEC);
	int buffer = device_create("device-io-other", 4096);

	ASSERT_LE(0, fd);
	ASSERT_LE(0, buffer);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(buffer, F_GETFD));
}

TEST_HARNESS_MAIN
