// SPDX-License-Identifier: GPL-2.0
/* Requests over netlink: commands, refusals, flow control, events, ownership. */
#include <errno.h>
#include <fcntl.h>
#include <linux/genetlink.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "genl.h"
#include "harness.h"
#include "host/tiny_image.h"

#define MODEL "netlink"
#define CHAT_MODEL "netlink-chat"
#define SLOW_MODEL "netlink-slow"
#define OTHER_MODEL "netlink-other"
#define PROMPT "abc abc"

static struct genl_message message;

/* Parameters of the module that tests change. */
static const char *const parameters[] = {
	"max_state", "netlink_gid", "reader_timeout", "token_events",
};

FIXTURE(netlink)
{
	struct device_image image;
	struct genl genl;
	long long parameters[ARRAY_SIZE(parameters)];
};

/* Whether all of a kind are gone, soon. Sockets and what they have end in their own time. */
static bool all_end(struct genl *genl, __u8 command)
{
	for (int i = 0; i < 6000; i++) {
		if (!genl_dump(genl, command, NULL, NULL))
			return true;
		device_pause(10);
	}
	return false;
}

FIXTURE_SETUP(netlink)
{
	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
		self->parameters[i] = device_parameter(parameters[i]);
		ASSERT_LE(0, self->parameters[i]);
	}
	device_image_make(&self->image, 3);
	ASSERT_EQ(0, device_load(MODEL, &self->image, LLM_SEAL_DEFAULT));
	ASSERT_EQ(0, genl_open(&self->genl));
	ASSERT_TRUE(all_end(&self->genl, LLM_CMD_SESSION_GET));
}

/* All that a test may have left behind: the next one does not suffer for it. */
FIXTURE_TEARDOWN_PARENT(netlink)
{
	static const char *const others[] = { CHAT_MODEL, SLOW_MODEL, OTHER_MODEL };
	int error;

	for (size_t i = 0; i < ARRAY_SIZE(parameters); i++)
		EXPECT_EQ(0, device_set_parameter(parameters[i], self->parameters[i]));
	EXPECT_EQ(0, device_unload_soon(MODEL));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		error = device_unload_soon(others[i]);
		EXPECT_TRUE(!error || error == -ENOENT) TH_LOG("%s: %d", others[i], error);
	}
}

static void begin_submit(struct genl *genl, __u32 tokens)
{
	genl_begin(genl, &message, LLM_CMD_SUBMIT);
	genl_put_string(&message, LLM_A_REQUEST_TEXT, PROMPT);
	genl_put_u32(&message, LLM_A_REQUEST_MAX_TOKENS, tokens);
}

/* Returns the number of the request or a negative errno. */
static int submit(struct genl *genl, __u32 tokens)
{
	int error;

	begin_submit(genl, tokens);
	error = genl_do(genl, &message);
	return error ? error : (int)genl_u32(&genl->reply, LLM_A_REQUEST_ID);
}

/*
 * Reads a reply to its end, checking its order. Returns the bytes there were; the
 * last message stays in @event.
 */
static long read_reply(struct genl *genl, __u32 id)
{
	size_t length;
	__u64 at = 0;
	int command;

	for (;;) {
		command = genl_wait(genl, 60000);
		if (command < 0)
			return command;
		if (genl_u32(&genl->event, LLM_A_REQUEST_ID) != id ||
		    genl_u64(&genl->event, LLM_A_REQUEST_OFFSET) != at)
			return -EPROTO;
		if (command == LLM_CMD_DONE)
			return at;
		if (command != LLM_CMD_TOKEN ||
		    !genl_find(&genl->event, LLM_A_REQUEST_BYTES, &length) || !length)
			return -EPROTO;
		at += length;
	}
}

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

/*
 * Begins a request that does not end by itself, however fast the machine is: nobody
 * reads its reply, which is longer than what socket and session hold.
 */
static int submit_endless(struct genl *genl, const struct device_image *image, __u32 deadline)
{
	int tiny = 1;

	if (setsockopt(genl->fd, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny)))
		return -errno;
	begin_submit(genl, 0);
	genl_put_string(&message, LLM_A_REQUEST_MODEL, SLOW_MODEL);
	genl_put_u32(&message, LLM_A_REQUEST_CONTEXT, image->context_length);
	genl_put_greedy(&message, image->ends, image->ends_count);
	if (deadline)
		genl_put_u32(&message, LLM_A_REQUEST_DEADLINE_MS, deadline);
	return genl_do(genl, &message) ?: (int)genl_u32(&genl->reply, LLM_A_REQUEST_ID);
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

static void remember_first(const struct genl_message *one, void *context)
{
	const char *name = genl_find(one, LLM_A_MODEL_NAME, NULL);

	if (name && !strcmp(name, MODEL) && genl_find(one, LLM_A_MODEL_DEFAULT, NULL))
		*(bool *)context = true;
}

TEST_F(netlink, lists_models_and_sessions)
{
	bool found = false;
	int i;

	EXPECT_LE(1, genl_dump(&self->genl, LLM_CMD_MODEL_GET, remember_first, &found));
	EXPECT_TRUE(found);
	for (i = 0; i < 200; i++) {
		genl_begin(&self->genl, &message, LLM_CMD_SESSION_OPEN);
		ASSERT_EQ(0, genl_do(&self->genl, &message));
	}
	EXPECT_EQ(200, genl_dump(&self->genl, LLM_CMD_SESSION_GET, NULL, NULL));
}

/**
 * struct sessions - sessions that are opened, closed and counted
 * @genl: socket that has them
 * @ids: numbers, 0 once it is closed
 * @seen: how often each was listed
 * @count: how many
 * @closed: whether some have been closed
 */
struct sessions {
	struct genl *genl;
	__u64 ids[600];
	unsigned int seen[600];
	unsigned int count;
	bool closed;
};

static int open_one(struct sessions *sessions)
{
	genl_begin(sessions->genl, &message, LLM_CMD_SESSION_OPEN);
	if (genl_do(sessions->genl, &message))
		return -1;
	sessions->ids[sessions->count++] = genl_u64(&sessions->genl->reply, LLM_A_REQUEST_SESSION);
	return 0;
}

/* Every third goes when the first is listed, and some come. */
static void count_session(const struct genl_message *one, void *context)
{
	struct sessions *sessions = context;
	__u64 id = genl_u64(one, LLM_A_SESSION_ID);
	unsigned int i;

	for (i = 0; i < sessions->count; i++)
		sessions->seen[i] += sessions->ids[i] == id;
	if (sessions->closed)
		return;
	sessions->closed = true;
	for (i = 1; i < sessions->count; i += 3) {
		genl_begin(sessions->genl, &message, LLM_CMD_SESSION_CLOSE);
		genl_put_u64(&message, LLM_A_SESSION_ID, sessions->ids[i]);
		if (!genl_do(sessions->genl, &message))
			sessions->ids[i] = 0;
	}
	for (i = 0; i < 50; i++)
		open_one(sessions);
}

TEST_F(netlink, lists_all_that_stay_whatever_comes_and_goes)
{
	struct sessions *sessions = calloc(1, sizeof(*sessions));
	unsigned int i;

	sessions->genl = calloc(1, sizeof(*sessions->genl));
	ASSERT_EQ(0, genl_open(sessions->genl));
	for (i = 0; i < 500; i++)
		ASSERT_EQ(0, open_one(sessions));
	/* What the kernel had in its first message is listed in any case. */
	ASSERT_LE(333, genl_dump(&self->genl, LLM_CMD_SESSION_GET, count_session, sessions));
	ASSERT_EQ(550, sessions->count);
	for (i = 0; i < 500; i++)
		if (sessions->ids[i])
			EXPECT_EQ(1, sessions->seen[i]) TH_LOG("session %u", i);
	genl_close(sessions->genl);
	free(sessions->genl);
	free(sessions);
}

/* What a refusal must say: the errno, and the attribute to blame or that lacks. */
struct refusal {
	__u8 command;
	int error;
	__u32 blamed;
	__u32 missing;
};

static void expect_refusal(struct __test_metadata *_metadata, struct genl *genl,
			   const struct refusal *refusal)
{
	EXPECT_EQ(refusal->error, genl_do(genl, &message));
	EXPECT_NE('\0', genl->reason[0]) TH_LOG("command %u: no reason", refusal->command);
	EXPECT_EQ(refusal->blamed, genl->blamed) TH_LOG("%s", genl->reason);
	EXPECT_EQ(refusal->missing, genl->missing);
}

TEST_F(netlink, refuses_with_reasons)
{
	static const struct refusal lacks[] = {
		{ LLM_CMD_MODEL_GET, -EINVAL, 0, LLM_A_MODEL_NAME },
		{ LLM_CMD_SESSION_GET, -EINVAL, 0, LLM_A_SESSION_ID },
		{ LLM_CMD_SESSION_CLOSE, -EINVAL, 0, LLM_A_SESSION_ID },
		{ LLM_CMD_SESSION_GIVE, -EINVAL, 0, LLM_A_SESSION_PORT },
		{ LLM_CMD_SUBMIT, -EINVAL, 0, LLM_A_REQUEST_TEXT },
		{ LLM_CMD_CANCEL, -EINVAL, 0, LLM_A_REQUEST_ID },
		{ LLM_CMD_REQUEST_GET, -EINVAL, 0, LLM_A_REQUEST_ID },
	};
	static const struct refusal texts[] = {
		{ LLM_CMD_SUBMIT, -ENOENT, LLM_A_REQUEST_MODEL, 0 },
		{ LLM_CMD_SUBMIT, -EINVAL, LLM_A_REQUEST_CONTEXT, 0 },
		{ LLM_CMD_SUBMIT, -ENOENT, LLM_A_REQUEST_SESSION, 0 },
		{ LLM_CMD_SUBMIT, -ERANGE, LLM_A_REQUEST_DEADLINE_MS, 0 },
		{ LLM_CMD_SUBMIT, -EINVAL, LLM_A_REQUEST_MAX_TOKENS, 0 },
		{ LLM_CMD_SUBMIT, -EINVAL, LLM_A_REQUEST_STOP, 0 },
		{ LLM_CMD_SUBMIT, -EINVAL, LLM_A_REQUEST_TOKENS, 0 },
		{ LLM_CMD_SUBMIT, -ERANGE, LLM_A_REQUEST_PRIORITY, 0 },
		{ LLM_CMD_SUBMIT, -ENODATA, LLM_A_REQUEST_TOKENS, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++) {
		genl_begin(&self->genl, &message, lacks[i].command);
		expect_refusal(_metadata, &self->genl, &lacks[i]);
	}
	begin_submit(&self->genl, 1);
	genl_put_string(&message, LLM_A_REQUEST_MODEL, "nobody");
	expect_refusal(_metadata, &self->genl, &texts[0]);
	begin_submit(&self->genl, 1);
	genl_put_u32(&message, LLM_A_REQUEST_CONTEXT, 1U << 30);
	expect_refusal(_metadata, &self->genl, &texts[1]);
	begin_submit(&self->genl, 1);
	genl_put_u64(&message, LLM_A_REQUEST_SESSION, 1ULL << 40);
	expect_refusal(_metadata, &self->genl, &texts[2]);
	begin_submit(&self->genl, 1);
	genl_put_u32(&message, LLM_A_REQUEST_DEADLINE_MS, 0);
	expect_refusal(_metadata, &self->genl, &texts[3]);
	begin_submit(&self->genl, 1);
	genl_put_u32(&message, LLM_A_REQUEST_MAX_TOKENS, 2);
	expect_refusal(_metadata, &self->genl, &texts[4]);
	begin_submit(&self->genl, 1);
	genl_put_string(&message, LLM_A_REQUEST_STOP, "");
	expect_refusal(_metadata, &self->genl, &texts[5]);
	begin_submit(&self->genl, 1);
	genl_put_u32(&message, LLM_A_REQUEST_TOKENS, 5);
	expect_refusal(_metadata, &self->genl, &texts[6]);
	begin_submit(&self->genl, 1);
	genl_put_u32(&message, LLM_A_REQUEST_PRIORITY, 3);
	expect_refusal(_metadata, &self->genl, &texts[7]);
	genl_begin(&self->genl, &message, LLM_CMD_SUBMIT);
	genl_put(&message, LLM_A_REQUEST_TOKENS, "abc", 3);
	expect_refusal(_metadata, &self->genl, &texts[6]);
	genl_begin(&self->genl, &message, LLM_CMD_SUBMIT);
	genl_put_u32(&message, LLM_A_REQUEST_TOKENS, self->image.vocab_size);
	expect_refusal(_metadata, &self->genl, &texts[6]);
	genl_begin(&self->genl, &message, LLM_CMD_SUBMIT);
	genl_put(&message, LLM_A_REQUEST_TOKENS, "", 0);
	expect_refusal(_metadata, &self->genl, &texts[8]);
}

/* Runs a function as a user that has no rights here. Returns its status. */
static int as_nobody(int (*function)(struct genl *genl), struct genl *genl)
{
	pid_t child = fork();
	int status;

	if (!child) {
		if (setgid(65534) || setuid(65534))
			_exit(99);
		_exit(function(genl));
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return 98;
	return WEXITSTATUS(status);
}

static int nobody_opens(struct genl *genl)
{
	static struct genl own;

	(void)genl;
	if (genl_open(&own))
		return 1;
	/* Models are everybody's to see, sessions one's own. */
	if (genl_dump(&own, LLM_CMD_MODEL_GET, NULL, NULL) < 1 ||
	    genl_dump(&own, LLM_CMD_SESSION_GET, NULL, NULL))
		return 2;
	if (genl_dump(&own, LLM_CMD_REQUEST_GET, NULL, NULL) != -EPERM ||
	    genl_dump(&own, LLM_CMD_TOPIC_GET, NULL, NULL) != -EPERM)
		return 6;
	if (submit(&own, 1) != -EPERM || !own.reason[0])
		return 3;
	/* Models and memory are for everybody, sessions, requests and tokens not. */
	if (genl_join(&own, 0) || genl_join(&own, 1))
		return 4;
	if (genl_join(&own, 2) != -EPERM || genl_join(&own, 3) != -EPERM ||
	    genl_join(&own, 4) != -EPERM)
		return 5;
	return 0;
}

/* One of the group may do all but come first. */
static int member_submits(struct genl *genl)
{
	static struct genl own;

	(void)genl;
	if (genl_open(&own))
		return 1;
	if (submit(&own, 1) < 0)
		return 2;
	begin_submit(&own, 1);
	genl_put_u32(&message, LLM_A_REQUEST_PRIORITY, LLM_PRIORITY_HIGH);
	if (genl_do(&own, &message) != -EPERM || own.blamed != LLM_A_REQUEST_PRIORITY)
		return 3;
	begin_submit(&own, 1);
	genl_put_u32(&message, LLM_A_REQUEST_PRIORITY, LLM_PRIORITY_LOW);
	return genl_do(&own, &message) ? 4 : 0;
}

static int nobody_uses(struct genl *genl)
{
	return submit(genl, 1) != -EPERM;
}

TEST_F(netlink, keeps_others_out)
{
	EXPECT_EQ(0, as_nobody(nobody_opens, NULL));
	EXPECT_EQ(0, as_nobody(nobody_uses, &self->genl));
	ASSERT_EQ(0, device_set_parameter("netlink_gid", 65534));
	EXPECT_EQ(0, as_nobody(member_submits, NULL));
}

/* In another network namespace. */
static int uses_elsewhere(void)
{
	static struct genl own;
	int id;

	if (unshare(CLONE_NEWNET) || genl_open(&own))
		return 1;
	id = submit(&own, 4);
	if (id < 0 || read_reply(&own, id) < 0)
		return 2;
	/* Events are told in the first one only. */
	genl_join(&own, 0);
	genl_join(&own, 3);
	id = submit(&own, 4);
	if (id < 0 || read_reply(&own, id) < 0)
		return 3;
	/* It ends with requests under way. */
	return submit(&own, 0) < 0 ? 4 : 0;
}

TEST_F(netlink, works_in_other_network_namespaces)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(uses_elsewhere());
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, WEXITSTATUS(status));
}

TEST_F(netlink, gives_up_a_reader_that_never_comes)
{
	struct genl *other = calloc(1, sizeof(*other));
	struct pollfd poller = { .events = 0 };
	char bytes[64];
	int tiny = 1;

	ASSERT_EQ(0, device_set_parameter("reader_timeout", 1));
	ASSERT_EQ(0, genl_open(other));
	ASSERT_EQ(0, setsockopt(other->fd, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny)));
	begin_submit(other, 200);
	genl_put_greedy(&message, self->image.ends, self->image.ends_count);
	ASSERT_EQ(0, genl_do(other, &message));
	poller.fd = other->fd;
	ASSERT_EQ(1, poll(&poller, 1, 600000));
	EXPECT_EQ(POLLERR, poller.revents);
	EXPECT_EQ(-1, recv(other->fd, bytes, sizeof(bytes), 0));
	EXPECT_EQ(ENOBUFS, errno);
	EXPECT_TRUE(all_end(&self->genl, LLM_CMD_REQUEST_GET));
	genl_close(other);
	free(other);
}

/* Tokens that a request of another socket made until it made no more for a while. */
static __u32 pauses_after(struct genl *genl, int id)
{
	__u32 before, tokens = 0;
	int i, still = 0;

	for (i = 0; i < 6000 && still < 10; i++) {
		before = tokens;
		genl_begin(genl, &message, LLM_CMD_REQUEST_GET);
		genl_put_u32(&message, LLM_A_REQUEST_ID, id);
		if (genl_do(genl, &message))
			return ~0U;
		tokens = genl_u32(&genl->reply, LLM_A_REQUEST_TOKENS_OUT);
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
	EXPECT_TRUE(all_end(&self->genl, LLM_CMD_SESSION_GET));
	free(other);
}

TEST_F(netlink, tells_events)
{
	static const int wanted[] = {
		LLM_CMD_SESSION_OPENED, LLM_CMD_REQUEST_QUEUED, LLM_CMD_REQUEST_STARTED,
		LLM_CMD_TOKEN_MADE, LLM_CMD_REQUEST_FINISHED, LLM_CMD_SESSION_CLOSED,
		LLM_CMD_MODEL_LOADED, LLM_CMD_MODEL_UNLOADED,
	};
	struct genl *monitor = calloc(1, sizeof(*monitor));
	bool seen[256] = { false };
	int command, id;
	size_t i;

	ASSERT_EQ(0, genl_open(monitor));
	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, genl_join(monitor, i));
	id = submit(&self->genl, 3);
	ASSERT_LT(0, id);
	EXPECT_LE(0, read_reply(&self->genl, id));
	ASSERT_EQ(0, device_load(OTHER_MODEL, &self->image, 0));
	ASSERT_EQ(0, device_unload_soon(OTHER_MODEL));
	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		while (!seen[wanted[i]]) {
			command = genl_wait(monitor, 60000);
			ASSERT_LE(0, command) TH_LOG("no event %d", wanted[i]);
			seen[command] = true;
		}
	}
	genl_close(monitor);
	free(monitor);
}

TEST_F(netlink, tells_only_so_many_tokens)
{
	struct genl *monitor = calloc(1, sizeof(*monitor));
	unsigned int told = 0, missed = 0;
	time_t start = time(NULL);
	int id, command;

	ASSERT_EQ(0, device_set_parameter("token_events", 3));
	ASSERT_EQ(0, genl_open(monitor));
	ASSERT_EQ(0, genl_join(monitor, 4));
	for (int i = 0; i < 2; i++) {
		begin_submit(&self->genl, 100);
		genl_put_only(&message, TINY_TOKEN_THE);
		ASSERT_EQ(0, genl_do(&self->genl, &message));
		id = genl_u32(&self->genl.reply, LLM_A_REQUEST_ID);
		EXPECT_EQ(400, read_reply(&self->genl, id));
		/* After a second what was left out is told with the next. */
		sleep(2);
	}
	while ((command = genl_wait(monitor, 0)) == LLM_CMD_TOKEN_MADE) {
		told++;
		missed += genl_u32(&monitor->event, LLM_A_EVENT_MISSED);
	}
	EXPECT_EQ(-EAGAIN, command);
	EXPECT_LE(3, told);
	EXPECT_GE(3 * (time(NULL) - start + 2), told);
	/* Those of the second request that were left out are not told of yet. */
	EXPECT_LE(100, told + missed);
	EXPECT_GE(200, told + missed);
	genl_close(monitor);
	free(monitor);
}

TEST_F(netlink, tells_of_refusals_and_memory)
{
	struct genl *monitor = calloc(1, sizeof(*monitor));
	struct device_image slow;

	ASSERT_EQ(0, genl_open(monitor));
	ASSERT_EQ(0, genl_join(monitor, 1));
	ASSERT_EQ(0, genl_join(monitor, 3));
	/* A whole context of this model does not fit. */
	device_image_make_slow(&slow);
	ASSERT_EQ(0, device_load(SLOW_MODEL, &slow, 0));
	ASSERT_EQ(0, device_set_parameter("max_state", 1));
	begin_submit(&self->genl, 0);
	genl_put_string(&message, LLM_A_REQUEST_MODEL, SLOW_MODEL);
	EXPECT_EQ(-ENOMEM, genl_do(&self->genl, &message));
	EXPECT_EQ(LLM_CMD_MEMORY_PRESSURE, genl_wait(monitor, 1000));
	EXPECT_NE(NULL, genl_find(&monitor->event, LLM_A_EVENT_LIMIT, NULL));
	EXPECT_EQ(LLM_CMD_REQUEST_REFUSED, genl_wait(monitor, 1000));
	EXPECT_EQ(LLM_REFUSAL_MEMORY, genl_u32(&monitor->event, LLM_A_EVENT_REFUSAL));
	device_image_free(&slow);
	genl_close(monitor);
	free(monitor);
}

TEST_HARNESS_MAIN
