// SPDX-License-Identifier: GPL-2.0
/* Requests over netlink: what they say, and how it is delivered. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/tiny_image.h"
#include "request_fixture.h"

TEST_F(netlink, streams_in_order_and_tells_the_end)
{
	int id = submit(&self->genl, 20);
	__u64 session;

	ASSERT_LT(0, id);
	session = genl_u64(&self->genl.reply, LLM_A_REQUEST_SESSION);
	EXPECT_NE(0, session);
	EXPECT_LE(0, read_reply(&self->genl, id));
	EXPECT_EQ(session, genl_u64(&self->genl.event, LLM_A_REQUEST_SESSION));
	EXPECT_GE(20, genl_u32(&self->genl.event, LLM_A_REQUEST_TOKENS_OUT));
	EXPECT_LT(0, genl_u32(&self->genl.event, LLM_A_REQUEST_TOKENS_OUT));
	EXPECT_NE(LLM_REASON_NONE, genl_u32(&self->genl.event, LLM_A_REQUEST_REASON));
	EXPECT_EQ(-EAGAIN, genl_wait(&self->genl, 200));
}

TEST_F(netlink, coalesces)
{
	unsigned int messages = 0;
	int id, command;

	begin_submit(&self->genl, 30);
	genl_put_u32(&message, LLM_A_REQUEST_COALESCE_BYTES, 8192);
	genl_put_u32(&message, LLM_A_REQUEST_COALESCE_MS, 60000);
	ASSERT_EQ(0, genl_do(&self->genl, &message));
	id = genl_u32(&self->genl.reply, LLM_A_REQUEST_ID);
	while ((command = genl_wait(&self->genl, 60000)) == LLM_CMD_TOKEN)
		messages++;
	EXPECT_EQ(LLM_CMD_DONE, command);
	EXPECT_EQ(id, genl_u32(&self->genl.event, LLM_A_REQUEST_ID));
	EXPECT_GE(1, messages);
}

TEST_F(netlink, sends_so_many_bytes_at_once)
{
	size_t length, short_ones = 0;
	int id, command;

	begin_submit(&self->genl, 200);
	genl_put_u32(&message, LLM_A_REQUEST_COALESCE_BYTES, 20);
	genl_put_u32(&message, LLM_A_REQUEST_COALESCE_MS, 60000);
	genl_put_greedy(&message, self->image.ends, self->image.ends_count);
	ASSERT_EQ(0, genl_do(&self->genl, &message));
	id = genl_u32(&self->genl.reply, LLM_A_REQUEST_ID);
	while ((command = genl_wait(&self->genl, 60000)) == LLM_CMD_TOKEN) {
		ASSERT_NE(NULL, genl_find(&self->genl.event, LLM_A_REQUEST_BYTES, &length));
		/* Only the last one may be. */
		EXPECT_EQ(0, short_ones);
		short_ones += length < 20;
	}
	EXPECT_EQ(LLM_CMD_DONE, command);
	EXPECT_EQ(id, genl_u32(&self->genl.event, LLM_A_REQUEST_ID));
}

/*
 * A reply that never has as many bytes as are wanted at once. Were there no timer, each
 * message would be sent when all of it has been made.
 */
static bool comes_early(struct genl *genl, const struct device_image *image)
{
	__u32 first = ~0U;
	int command;

	begin_submit(genl, 8000);
	genl_put_string(&message, LLM_A_REQUEST_MODEL, SLOW_MODEL);
	genl_put_u32(&message, LLM_A_REQUEST_CONTEXT, image->context_length);
	genl_put_u32(&message, LLM_A_REQUEST_COALESCE_BYTES, 8192);
	genl_put_u32(&message, LLM_A_REQUEST_COALESCE_MS, 1);
	genl_put_only(&message, TINY_TOKEN_BYTES + 'a');
	if (genl_do(genl, &message))
		return false;
	while ((command = genl_wait(genl, 600000)) == LLM_CMD_TOKEN)
		if (first == ~0U)
			first = genl_u32(&genl->event, LLM_A_REQUEST_TOKENS_OUT);
	return command == LLM_CMD_DONE &&
	       genl_u64(&genl->event, LLM_A_REQUEST_OFFSET) == 8000 && first < 8000;
}

TEST_F(netlink, waits_no_longer_than_it_is_told)
{
	const struct tiny_image_options options = {
		.seed = 8, .layers = 1, .width = 32, .context = 8300,
	};
	struct device_image long_one;
	bool early = false;

	device_image_build(&long_one, &options);
	ASSERT_EQ(0, device_load(SLOW_MODEL, &long_one, 0));
	/* On a busy machine the timer may come late, but not always. */
	for (int i = 0; i < 20 && !early; i++)
		early = comes_early(&self->genl, &long_one);
	EXPECT_TRUE(early);
	device_image_free(&long_one);
}

TEST_F(netlink, continues_a_session)
{
	__u64 session;
	int id;

	genl_begin(&self->genl, &message, LLM_CMD_SESSION_OPEN);
	genl_put_string(&message, LLM_A_REQUEST_MODEL, MODEL);
	ASSERT_EQ(0, genl_do(&self->genl, &message));
	session = genl_u64(&self->genl.reply, LLM_A_REQUEST_SESSION);
	for (int turn = 0; turn < 2; turn++) {
		begin_submit(&self->genl, 4);
		genl_put_u64(&message, LLM_A_REQUEST_SESSION, session);
		ASSERT_EQ(0, genl_do(&self->genl, &message)) TH_LOG("%s", self->genl.reason);
		id = genl_u32(&self->genl.reply, LLM_A_REQUEST_ID);
		EXPECT_LE(0, read_reply(&self->genl, id));
	}
	genl_begin(&self->genl, &message, LLM_CMD_SESSION_GET);
	genl_put_u64(&message, LLM_A_SESSION_ID, session);
	ASSERT_EQ(0, genl_do(&self->genl, &message));
	EXPECT_LT(4, genl_u32(&self->genl.reply, LLM_A_SESSION_USED));
	genl_begin(&self->genl, &message, LLM_CMD_SESSION_CLOSE);
	genl_put_u64(&message, LLM_A_SESSION_ID, session);
	EXPECT_EQ(0, genl_do(&self->genl, &message));
	EXPECT_EQ(-ENOENT, genl_do(&self->genl, &message));
}

/* Sends the submission that was begun, and keeps the reply. Returns its bytes. */
static long ask(struct genl *genl, char *reply, size_t room)
{
	size_t length, at = 0;
	const void *bytes;
	int command;

	if (genl_do(genl, &message))
		return -1;
	while ((command = genl_wait(genl, 60000)) == LLM_CMD_TOKEN) {
		bytes = genl_find(&genl->event, LLM_A_REQUEST_BYTES, &length);
		if (!bytes || at + length > room)
			return -1;
		memcpy(reply + at, bytes, length);
		at += length;
	}
	return command == LLM_CMD_DONE ? (long)at : -1;
}

TEST_F(netlink, takes_tokens_for_text)
{
	char text[512], tokens[512];
	struct llm_tokenize args = { .flags = LLM_TOKENIZE_BOS };
	__u32 list[32];
	long length;
	int fd;

	fd = device_open(O_RDWR);
	ASSERT_LE(0, fd);
	args.text = (uintptr_t)PROMPT;
	args.text_length = strlen(PROMPT);
	args.tokens = (uintptr_t)list;
	args.tokens_count = 32;
	ASSERT_EQ(0, device_ioctl(fd, LLM_IOC_TOKENIZE, &args));
	close(fd);

	begin_submit(&self->genl, 20);
	genl_put_greedy(&message, self->image.ends, self->image.ends_count);
	length = ask(&self->genl, text, sizeof(text));
	ASSERT_LT(0, length);
	genl_begin(&self->genl, &message, LLM_CMD_SUBMIT);
	/* In two pieces. */
	genl_put(&message, LLM_A_REQUEST_TOKENS, list, 4);
	genl_put(&message, LLM_A_REQUEST_TOKENS, list + 1, 4 * (args.tokens_count - 1));
	genl_put_u32(&message, LLM_A_REQUEST_MAX_TOKENS, 20);
	genl_put_greedy(&message, self->image.ends, self->image.ends_count);
	EXPECT_EQ(length, ask(&self->genl, tokens, sizeof(tokens)));
	EXPECT_EQ(0, memcmp(text, tokens, length));
	EXPECT_EQ(args.tokens_count, genl_u32(&self->genl.event, LLM_A_REQUEST_TOKENS_IN));
}

TEST_F(netlink, a_refused_submission_changes_nothing)
{
	char first[512], second[512];
	__u64 session;
	long length;

	begin_submit(&self->genl, 20);
	genl_put_greedy(&message, self->image.ends, self->image.ends_count);
	length = ask(&self->genl, first, sizeof(first));
	ASSERT_LT(0, length);

	genl_begin(&self->genl, &message, LLM_CMD_SESSION_OPEN);
	genl_put_u32(&message, LLM_A_REQUEST_MAX_TOKENS, 20);
	genl_put_greedy(&message, self->image.ends, self->image.ends_count);
	ASSERT_EQ(0, genl_do(&self->genl, &message));
	session = genl_u64(&self->genl.reply, LLM_A_REQUEST_SESSION);
	/* All that can be set, and then a prompt that is refused. */
	genl_begin(&self->genl, &message, LLM_CMD_SUBMIT);
	genl_put_u64(&message, LLM_A_REQUEST_SESSION, session);
	genl_put_u32(&message, LLM_A_REQUEST_MAX_TOKENS, 1);
	genl_put_u32(&message, LLM_A_REQUEST_CONTEXT, 16);
	genl_put_string(&message, LLM_A_REQUEST_STOP, "a");
	genl_put(&message, LLM_A_REQUEST_SPECIAL, "", 0);
	genl_put_u32(&message, LLM_A_REQUEST_TOKENS, ~0U);
	EXPECT_EQ(-EINVAL, genl_do(&self->genl, &message));

	genl_begin(&self->genl, &message, LLM_CMD_SUBMIT);
	genl_put_u64(&message, LLM_A_REQUEST_SESSION, session);
	genl_put_string(&message, LLM_A_REQUEST_TEXT, PROMPT);
	EXPECT_EQ(length, ask(&self->genl, second, sizeof(second)));
	EXPECT_EQ(0, memcmp(first, second, length));
	genl_begin(&self->genl, &message, LLM_CMD_SESSION_GET);
	genl_put_u64(&message, LLM_A_SESSION_ID, session);
	ASSERT_EQ(0, genl_do(&self->genl, &message));
	EXPECT_LT(16, genl_u32(&self->genl.reply, LLM_A_SESSION_CONTEXT));
}

/* Begins a request with a prompt that takes a while. Returns its number or an error. */
static int submit_slow(struct genl *genl, __u32 priority)
{
	char prompt[DEVICE_LONG];

	device_prompt_long(prompt);
	genl_begin(genl, &message, LLM_CMD_SUBMIT);
	genl_put_string(&message, LLM_A_REQUEST_TEXT, prompt);
	genl_put_string(&message, LLM_A_REQUEST_MODEL, SLOW_MODEL);
	genl_put_u32(&message, LLM_A_REQUEST_MAX_TOKENS, 1);
	genl_put_u32(&message, LLM_A_REQUEST_PRIORITY, priority);
	return genl_do(genl, &message) ? -1 : (int)genl_u32(&genl->reply, LLM_A_REQUEST_ID);
}

/* The number of the next request that ends. */
static int next_end(struct genl *genl)
{
	int command;

	do {
		command = genl_wait(genl, 600000);
	} while (command == LLM_CMD_TOKEN);
	return command == LLM_CMD_DONE ? (int)genl_u32(&genl->event, LLM_A_REQUEST_ID) : -1;
}

/* Whether more than half of a prompt that was just submitted is left. */
static bool has_much_to_do(struct genl *genl, int id, __u32 tokens)
{
	genl_begin(genl, &message, LLM_CMD_REQUEST_GET);
	genl_put_u32(&message, LLM_A_REQUEST_ID, id);
	return !genl_do(genl, &message) &&
	       genl_u32(&genl->reply, LLM_A_REQUEST_TOKENS_IN) < tokens / 2;
}

TEST_F(netlink, priorities_order_requests)
{
	struct device_image slow;
	int low, normal, high, i;
	bool together = false;
	__u32 tokens;

	device_image_make_slow(&slow);
	ASSERT_EQ(0, device_load(SLOW_MODEL, &slow, 0));
	ASSERT_LT(0, submit_slow(&self->genl, LLM_PRIORITY_LOW));
	ASSERT_LT(0, next_end(&self->genl));
	tokens = genl_u32(&self->genl.event, LLM_A_REQUEST_TOKENS_IN);
	/* Who came last ends first, if all were there early enough. */
	for (i = 0; i < 100 && !together; i++) {
		int ends[3];

		low = submit_slow(&self->genl, LLM_PRIORITY_LOW);
		normal = submit_slow(&self->genl, LLM_PRIORITY_NORMAL);
		high = submit_slow(&self->genl, LLM_PRIORITY_HIGH);
		ASSERT_LT(0, low);
		ASSERT_LT(0, normal);
		ASSERT_LT(0, high);
		together = has_much_to_do(&self->genl, low, tokens) &&
			   has_much_to_do(&self->genl, normal, tokens);
		for (size_t j = 0; j < ARRAY_SIZE(ends); j++) {
			ends[j] = next_end(&self->genl);
			ASSERT_LT(0, ends[j]);
		}
		if (!together)
			continue;
		EXPECT_EQ(high, ends[0]);
		EXPECT_EQ(normal, ends[1]);
		EXPECT_EQ(low, ends[2]);
	}
	EXPECT_TRUE(together);
	device_image_free(&slow);
}

/* Tokens of the prompt on the model with a chat template; 0 after a failure. */
static __u32 prompt_tokens(struct genl *genl, bool raw)
{
	begin_submit(genl, 1);
	genl_put_string(&message, LLM_A_REQUEST_MODEL, CHAT_MODEL);
	if (raw)
		genl_put(&message, LLM_A_REQUEST_RAW, NULL, 0);
	if (genl_do(genl, &message) ||
	    read_reply(genl, genl_u32(&genl->reply, LLM_A_REQUEST_ID)) < 0)
		return 0;
	return genl_u32(&genl->event, LLM_A_REQUEST_TOKENS_IN);
}

TEST_F(netlink, text_is_a_message_unless_it_is_raw)
{
	struct tiny_image_options options = { .seed = 5, .chat = true };
	struct device_image image;
	__u32 raw;

	device_image_build(&image, &options);
	ASSERT_EQ(0, device_load(CHAT_MODEL, &image, 0));
	raw = prompt_tokens(&self->genl, true);
	EXPECT_LT(0, raw);
	/* "u:", "<end>" and "a:" are around it; the space before it may be gone. */
	EXPECT_LT(raw + 2, prompt_tokens(&self->genl, false));
	device_image_free(&image);
}

TEST_F(netlink, gives_a_session_away)
{
	struct genl *other = calloc(1, sizeof(*other));
	__u64 session;

	ASSERT_EQ(0, genl_open(other));
	genl_begin(&self->genl, &message, LLM_CMD_SESSION_OPEN);
	ASSERT_EQ(0, genl_do(&self->genl, &message));
	session = genl_u64(&self->genl.reply, LLM_A_REQUEST_SESSION);

	genl_begin(&self->genl, &message, LLM_CMD_SESSION_GIVE);
	genl_put_u64(&message, LLM_A_SESSION_ID, session);
	genl_put_u32(&message, LLM_A_SESSION_PORT, other->port);
	EXPECT_EQ(-ENOENT, genl_do(&self->genl, &message));
	EXPECT_EQ(LLM_A_SESSION_PORT, self->genl.blamed);

	genl_begin(other, &message, LLM_CMD_SESSION_OPEN);
	ASSERT_EQ(0, genl_do(other, &message));
	genl_begin(&self->genl, &message, LLM_CMD_SESSION_GIVE);
	genl_put_u64(&message, LLM_A_SESSION_ID, session);
	genl_put_u32(&message, LLM_A_SESSION_PORT, other->port);
	EXPECT_EQ(0, genl_do(&self->genl, &message));
	EXPECT_EQ(-ENOENT, genl_do(&self->genl, &message));

	genl_begin(other, &message, LLM_CMD_SESSION_CLOSE);
	genl_put_u64(&message, LLM_A_SESSION_ID, session);
	EXPECT_EQ(0, genl_do(other, &message));
	genl_close(other);
	free(other);
}

TEST_F(netlink, cancels_queries_and_keeps_deadlines)
{
	const struct tiny_image_options options = { .seed = 9, .layers = 1, .context = 65536 };
	struct genl *other = calloc(1, sizeof(*other));
	struct device_image long_one;
	int id;

	device_image_build(&long_one, &options);
	ASSERT_EQ(0, device_load(SLOW_MODEL, &long_one, 0));
	ASSERT_EQ(0, device_set_parameter("reader_timeout", 3600));
	ASSERT_EQ(0, genl_open(other));
	id = submit_endless(other, &long_one, 0);
	ASSERT_LT(0, id) TH_LOG("%s", other->reason);

	genl_begin(&self->genl, &message, LLM_CMD_REQUEST_GET);
	genl_put_u32(&message, LLM_A_REQUEST_ID, id);
	ASSERT_EQ(0, genl_do(&self->genl, &message));
	EXPECT_NE(LLM_STATE_IDLE, genl_u32(&self->genl.reply, LLM_A_REQUEST_STATE));
	EXPECT_LE(1, genl_dump(&self->genl, LLM_CMD_REQUEST_GET, NULL, NULL));
	genl_begin(&self->genl, &message, LLM_CMD_CANCEL);
	genl_put_u32(&message, LLM_A_REQUEST_ID, id);
	ASSERT_EQ(0, genl_do(&self->genl, &message));
	EXPECT_LE(0, read_reply(other, id));
	EXPECT_EQ(LLM_REASON_CANCELLED, genl_u32(&other->event, LLM_A_REQUEST_REASON));
	EXPECT_EQ(-ENOENT, genl_do(&self->genl, &message));
	EXPECT_EQ(LLM_A_REQUEST_ID, self->genl.blamed);

	id = submit_endless(other, &long_one, 1);
	ASSERT_LT(0, id) TH_LOG("%s", other->reason);
	EXPECT_LE(0, read_reply(other, id));
	EXPECT_EQ(LLM_REASON_DEADLINE, genl_u32(&other->event, LLM_A_REQUEST_REASON));
	genl_close(other);
	free(other);
	device_image_free(&long_one);
}

TEST_HARNESS_MAIN
