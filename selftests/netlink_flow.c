// SPDX-License-Identifier: GPL-2.0
/* Readers over netlink that are slow, never come, or go. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "host/tiny_image.h"
#include "request_fixture.h"

TEST_F(netlink, gives_up_a_reader_that_never_comes)
{
	const struct tiny_image_options options = { .seed = 9, .layers = 1, .context = 65536 };
	struct genl *other = calloc(1, sizeof(*other));
	struct pollfd poller = { .events = 0 };
	struct device_image long_one;
	char bytes[64];

	device_image_build(&long_one, &options);
	ASSERT_EQ(0, device_load(SLOW_MODEL, &long_one, 0));
	ASSERT_EQ(0, device_set_parameter("reader_timeout", 1));
	ASSERT_EQ(0, genl_open(other));
	ASSERT_LT(0, submit_endless(other, &long_one, 0)) TH_LOG("%s", other->reason);
	poller.fd = other->fd;
	ASSERT_EQ(1, poll(&poller, 1, 600000));
	EXPECT_EQ(POLLERR, poller.revents);
	EXPECT_EQ(-1, recv(other->fd, bytes, sizeof(bytes), 0));
	EXPECT_EQ(ENOBUFS, errno);
	EXPECT_TRUE(genl_falls_to(&self->genl, LLM_CMD_REQUEST_GET, 0));
	genl_close(other);
	free(other);
	device_image_free(&long_one);
}

/* Tokens that a request made by now; ~0 when it is over and its reply was sent. */
static __u32 tokens_of(struct genl *genl, int id)
{
	genl_begin(genl, &message, LLM_CMD_REQUEST_GET);
	genl_put_u32(&message, LLM_A_REQUEST_ID, id);
	return genl_do(genl, &message) ? ~0U : genl_u32(&genl->reply, LLM_A_REQUEST_TOKENS_OUT);
}

/* Tokens that a request of another socket made until it made no more for a while. */
static __u32 pauses_after(struct genl *genl, int id)
{
	__u32 before, tokens = 0;
	int i, still = 0;

	for (i = 0; i < 6000 && still < 10; i++) {
		before = tokens;
		tokens = tokens_of(genl, id);
		if (tokens == ~0U)
			break;
		/* It holds more than half of what the session does. */
		still = tokens == before && tokens > 2100 ? still + 1 : 0;
		device_pause(50);
	}
	return tokens;
}

/* A reply of tokens of four bytes, twice as long as what a session holds: 16 KiB. */
TEST_F(netlink, waits_for_a_slow_reader)
{
	const struct tiny_image_options options = {
		.seed = 8, .layers = 1, .width = 32, .context = 8300,
	};
	struct genl *other = calloc(1, sizeof(*other));
	struct device_image long_one;
	int tiny = 1, id;

	device_image_build(&long_one, &options);
	ASSERT_EQ(0, device_load(SLOW_MODEL, &long_one, 0));
	ASSERT_EQ(0, device_set_parameter("reader_timeout", 3600));
	ASSERT_EQ(0, genl_open(other));
	ASSERT_EQ(0, setsockopt(other->fd, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny)));
	begin_submit(other, 8192);
	genl_put_string(&message, LLM_A_REQUEST_MODEL, SLOW_MODEL);
	genl_put_u32(&message, LLM_A_REQUEST_CONTEXT, long_one.context_length);
	genl_put_only(&message, TINY_TOKEN_THE);
	ASSERT_EQ(0, genl_do(other, &message)) TH_LOG("%s", other->reason);
	id = genl_u32(&other->reply, LLM_A_REQUEST_ID);
	EXPECT_GT(8192, pauses_after(&self->genl, id));
	EXPECT_EQ(4 * 8192, read_reply(other, id));
	EXPECT_EQ(LLM_REASON_LENGTH, genl_u32(&other->event, LLM_A_REQUEST_REASON));
	genl_close(other);
	free(other);
	device_image_free(&long_one);
}

TEST_F(netlink, ends_with_the_socket)
{
	struct genl *other = calloc(1, sizeof(*other));
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, genl_open(other));
		ASSERT_LT(0, submit(other, 0));
		genl_close(other);
	}
	EXPECT_TRUE(genl_falls_to(&self->genl, LLM_CMD_SESSION_GET, 0));
	free(other);
}

/**
 * struct requests - requests of one socket that were all submitted
 * @ids: their numbers
 * @at: bytes that came of each
 * @over: whether its end came
 */
struct requests {
	int ids[16];
	__u64 at[16];
	bool over[16];
};

static int find_request(const struct requests *requests, const struct genl_message *one)
{
	int i = ARRAY_SIZE(requests->ids) - 1;

	while (i >= 0 && (__u32)requests->ids[i] != genl_u32(one, LLM_A_REQUEST_ID))
		i--;
	return i;
}

/* Takes a message of one of them. Returns whether it is the one that had to come. */
static bool take_next(struct requests *requests, const struct genl_message *one, int command)
{
	int i = find_request(requests, one);
	size_t length = 0;

	if (i < 0 || requests->over[i] || genl_u64(one, LLM_A_REQUEST_OFFSET) != requests->at[i])
		return false;
	requests->over[i] = command == LLM_CMD_DONE;
	if (!requests->over[i] && !genl_find(one, LLM_A_REQUEST_BYTES, &length))
		return false;
	requests->at[i] += length;
	return true;
}

/* Half of what a session holds, so that each makes it whoever reads. */
#define LONG_REPLY 2048

/* In pieces that are few, so that what comes meanwhile leaves room for the answers. */
static int submit_long(struct genl *genl)
{
	int error;

	begin_submit(genl, LONG_REPLY);
	genl_put_string(&message, LLM_A_REQUEST_MODEL, SLOW_MODEL);
	genl_put_u32(&message, LLM_A_REQUEST_COALESCE_BYTES, 1024);
	genl_put_only(&message, TINY_TOKEN_THE);
	error = genl_do(genl, &message);
	return error ? error : (int)genl_u32(&genl->reply, LLM_A_REQUEST_ID);
}

/* What waits for a socket travels together, each reply in its own order. */
TEST_F(netlink, sends_together_what_waits)
{
	const struct tiny_image_options options = {
		.seed = 8, .layers = 1, .width = 32, .context = LONG_REPLY + 8,
	};
	struct requests requests = { 0 };
	unsigned int together = 0, early;
	struct genl *other = calloc(1, sizeof(*other));
	struct device_image long_one;
	int tiny = 1, left, command;

	device_image_build(&long_one, &options);
	ASSERT_EQ(0, device_load(SLOW_MODEL, &long_one, 0));
	ASSERT_EQ(0, device_set_parameter("reader_timeout", 3600));
	ASSERT_EQ(0, genl_open(other));
	for (left = 0; left < (int)ARRAY_SIZE(requests.ids); left++) {
		requests.ids[left] = submit_long(other);
		ASSERT_LT(0, requests.ids[left]) TH_LOG("%s", other->reason);
	}
	/* Not before: answers to commands that find no room are lost. */
	ASSERT_EQ(0, setsockopt(other->fd, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny)));
	for (size_t i = 0; i < ARRAY_SIZE(requests.ids); i++)
		while (tokens_of(&self->genl, requests.ids[i]) < LONG_REPLY)
			device_pause(10);
	while (left) {
		early = other->early_count;
		command = genl_wait(other, 60000);
		ASSERT_LE(0, command);
		ASSERT_TRUE(take_next(&requests, &other->event, command));
		left -= command == LLM_CMD_DONE;
		/* Another message came before it in its datagram. */
		together += !early && other->taken > NLMSG_ALIGN(other->event.length);
	}
	for (size_t i = 0; i < ARRAY_SIZE(requests.ids); i++)
		EXPECT_EQ(4 * LONG_REPLY, requests.at[i]);
	EXPECT_LT(0, together);
	genl_close(other);
	free(other);
	device_image_free(&long_one);
}

TEST_HARNESS_MAIN
