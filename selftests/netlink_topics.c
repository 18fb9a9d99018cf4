// SPDX-License-Identifier: GPL-2.0
/* Topics: publishing, subscribing, sessions that talk to each other, sharing. */
#include <errno.h>
#include <linux/genetlink.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device.h"
#include "genl.h"
#include "harness.h"

#define MODEL "topics"

static struct genl_message message;

/* Parameters of the module that tests change. */
static const char *const parameters[] = {
	"max_user_messages", "max_user_subscriptions", "max_user_topics", "netlink_gid",
	"reader_timeout",
};

FIXTURE(topics)
{
	struct device_image image;
	struct genl genl;
	struct genl other;
	long long before[ARRAY_SIZE(parameters)];
};

FIXTURE_SETUP(topics)
{
	ASSERT_EQ(0, device_keep_parameters(parameters, ARRAY_SIZE(parameters), self->before));
	device_image_make(&self->image, 3);
	ASSERT_EQ(0, device_load(MODEL, &self->image, LLM_SEAL_DEFAULT));
	ASSERT_EQ(0, genl_open(&self->genl));
	ASSERT_EQ(0, genl_open(&self->other));
	ASSERT_TRUE(genl_falls_to(&self->genl, LLM_CMD_TOPIC_GET, 0));
	ASSERT_TRUE(genl_falls_to(&self->genl, LLM_CMD_SESSION_GET, 0));
}

FIXTURE_TEARDOWN_PARENT(topics)
{
	EXPECT_EQ(0, device_restore_parameters(parameters, ARRAY_SIZE(parameters), self->before));
	EXPECT_EQ(0, device_unload_soon(MODEL));
}

static void begin(struct genl *genl, __u8 command, const char *name)
{
	genl_begin(genl, &message, command);
	genl_put_string(&message, LLM_A_TOPIC_NAME, name);
}

static int topic_open(struct genl *genl, const char *name)
{
	begin(genl, LLM_CMD_TOPIC_OPEN, name);
	return genl_do(genl, &message);
}

static int topic_change(struct genl *genl, const char *name, __u16 type, __u32 value)
{
	begin(genl, LLM_CMD_TOPIC_OPEN, name);
	genl_put_u32(&message, type, value);
	return genl_do(genl, &message);
}

static int subscribe(struct genl *genl, const char *name)
{
	begin(genl, LLM_CMD_SUBSCRIBE, name);
	return genl_do(genl, &message);
}

static int publish(struct genl *genl, const char *name, const char *text)
{
	begin(genl, LLM_CMD_PUBLISH, name);
	genl_put_string(&message, LLM_A_TOPIC_TEXT, text);
	return genl_do(genl, &message);
}

static int publish_hops(struct genl *genl, const char *name, const char *text, __u32 hops)
{
	begin(genl, LLM_CMD_PUBLISH, name);
	genl_put_string(&message, LLM_A_TOPIC_TEXT, text);
	genl_put_u32(&message, LLM_A_TOPIC_HOPS, hops);
	return genl_do(genl, &message);
}

static __u64 count_of(struct genl *genl, const char *name, __u16 type)
{
	size_t length = 0;

	begin(genl, LLM_CMD_TOPIC_GET, name);
	if (genl_do(genl, &message))
		return ~0ULL;
	genl_find(&genl->reply, type, &length);
	return length == 4 ? genl_u32(&genl->reply, type) : genl_u64(&genl->reply, type);
}

/* Waits until a count of a topic is reached. Returns whether it was. */
static bool reaches(struct genl *genl, const char *name, __u16 type, __u64 wanted)
{
	int i;

	for (i = 0; i < 6000; i++) {
		if (count_of(genl, name, type) == wanted)
			return true;
		usleep(10000);
	}
	return false;
}

/* Whether the next message is a text, and this one. */
static bool hears(struct genl *genl, const char *text)
{
	const void *bytes;
	size_t length;

	if (genl_wait(genl, 60000) != LLM_CMD_MESSAGE)
		return false;
	bytes = genl_find(&genl->event, LLM_A_TOPIC_BYTES, &length);
	return bytes && length == strlen(text) && !memcmp(bytes, text, length);
}

/* Returns the number of a new session whose replies are never empty, or 0. */
static __u64 open_session(struct genl *genl, const struct device_image *image, __u32 tokens)
{
	genl_begin(genl, &message, LLM_CMD_SESSION_OPEN);
	genl_put_u32(&message, LLM_A_REQUEST_MAX_TOKENS, tokens);
	genl_put_greedy(&message, image->ends, image->ends_count);
	if (genl_do(genl, &message))
		return 0;
	return genl_u64(&genl->reply, LLM_A_REQUEST_SESSION);
}

static int subscribe_session(struct genl *genl, __u64 session, const char *from, const char *to,
			     __u32 turns)
{
	begin(genl, LLM_CMD_SUBSCRIBE, from);
	genl_put_u64(&message, LLM_A_TOPIC_SESSION, session);
	if (to)
		genl_put_string(&message, LLM_A_TOPIC_REPLY_NAME, to);
	if (turns)
		genl_put_u32(&message, LLM_A_TOPIC_TURNS, turns);
	return genl_do(genl, &message);
}

static int unsubscribe_session(struct genl *genl, __u64 session, const char *from)
{
	begin(genl, LLM_CMD_UNSUBSCRIBE, from);
	genl_put_u64(&message, LLM_A_TOPIC_SESSION, session);
	return genl_do(genl, &message);
}

/* Waits for the end of a session as a subscriber. Returns why, or -1. */
static int stops(struct genl *genl, __u64 session)
{
	int command;

	do {
		command = genl_wait(genl, 60000);
	} while (command == LLM_CMD_MESSAGE);
	if (command != LLM_CMD_SESSION_STOPPED ||
	    genl_u64(&genl->event, LLM_A_TOPIC_SESSION) != session)
		return -1;
	return genl_u32(&genl->event, LLM_A_TOPIC_STOPPED);
}

TEST_F(topics, carries_texts_in_order)
{
	char text[32];
	int i;

	ASSERT_EQ(0, subscribe(&self->genl, "news"));
	ASSERT_EQ(0, subscribe(&self->other, "news"));
	/* Once more is no second subscription. */
	ASSERT_EQ(0, subscribe(&self->other, "news"));
	for (i = 0; i < 10; i++) {
		snprintf(text, sizeof(text), "text %d", i);
		ASSERT_EQ(0, publish_hops(&self->genl, "news", text, 7));
		EXPECT_EQ(i + 1, genl_u64(&self->genl.reply, LLM_A_TOPIC_NUMBER));
		EXPECT_TRUE(hears(&self->genl, text));
		EXPECT_TRUE(hears(&self->other, text));
		EXPECT_EQ(i + 1, genl_u64(&self->other.event, LLM_A_TOPIC_NUMBER));
	}
	EXPECT_STREQ("news", genl_find(&self->other.event, LLM_A_TOPIC_NAME, NULL));
	EXPECT_EQ(getuid(), genl_u32(&self->other.event, LLM_A_TOPIC_OWNER));
	EXPECT_EQ(getuid(), genl_u32(&self->other.event, LLM_A_TOPIC_UID));
	EXPECT_EQ(7, genl_u32(&self->other.event, LLM_A_TOPIC_HOPS));
	EXPECT_EQ(0, genl_u32(&self->other.event, LLM_A_TOPIC_MISSED));
	EXPECT_EQ(NULL, genl_find(&self->other.event, LLM_A_TOPIC_SESSION, NULL));
	EXPECT_EQ(2, count_of(&self->genl, "news", LLM_A_TOPIC_SUBSCRIBERS));
	EXPECT_EQ(10, count_of(&self->genl, "news", LLM_A_TOPIC_PUBLISHED));
	EXPECT_EQ(20, count_of(&self->genl, "news", LLM_A_TOPIC_DELIVERED));

	begin(&self->other, LLM_CMD_UNSUBSCRIBE, "news");
	EXPECT_EQ(0, genl_do(&self->other, &message));
	EXPECT_EQ(-ENOENT, genl_do(&self->other, &message));
	EXPECT_EQ(0, publish(&self->genl, "news", "the last"));
	EXPECT_TRUE(hears(&self->genl, "the last"));
	EXPECT_EQ(-EAGAIN, genl_wait(&self->other, 100));
}

TEST_F(topics, two_sessions_converse)
{
	__u64 one = open_session(&self->genl, &self->image, 6);
	__u64 two = open_session(&self->genl, &self->image, 6);
	int hops, command;

	ASSERT_NE(0, one);
	ASSERT_NE(0, two);
	ASSERT_EQ(0, subscribe_session(&self->genl, one, "to/one", "to/two", 0));
	ASSERT_EQ(0, subscribe_session(&self->genl, two, "to/two", "to/one", 0));
	/* They are nobody's for the time being. */
	genl_begin(&self->genl, &message, LLM_CMD_SESSION_CLOSE);
	genl_put_u64(&message, LLM_A_SESSION_ID, one);
	EXPECT_EQ(-EBUSY, genl_do(&self->genl, &message));

	ASSERT_EQ(0, subscribe(&self->other, "to/one"));
	ASSERT_EQ(0, subscribe(&self->other, "to/two"));
	ASSERT_EQ(0, publish_hops(&self->genl, "to/one", "abc", 10));
	for (hops = 10; hops >= 0; hops--) {
		command = genl_wait(&self->other, 60000);
		ASSERT_EQ(LLM_CMD_MESSAGE, command);
		EXPECT_EQ(hops, genl_u32(&self->other.event, LLM_A_TOPIC_HOPS));
		EXPECT_STREQ(hops % 2 ? "to/two" : "to/one",
			     genl_find(&self->other.event, LLM_A_TOPIC_NAME, NULL));
		EXPECT_EQ(hops == 10 ? 0 : hops % 2 ? one : two,
			  genl_u64(&self->other.event, LLM_A_TOPIC_SESSION));
	}
	/* Ten replies, and not one more. */
	EXPECT_EQ(-EAGAIN, genl_wait(&self->other, 500));
	EXPECT_EQ(6, count_of(&self->genl, "to/one", LLM_A_TOPIC_PUBLISHED));
	EXPECT_EQ(5, count_of(&self->genl, "to/two", LLM_A_TOPIC_PUBLISHED));
	EXPECT_EQ(11, count_of(&self->genl, "to/one", LLM_A_TOPIC_DELIVERED));
	EXPECT_EQ(10, count_of(&self->genl, "to/two", LLM_A_TOPIC_DELIVERED));
	EXPECT_EQ(1, count_of(&self->genl, "to/one", LLM_A_TOPIC_EXPIRED));
	EXPECT_EQ(0, count_of(&self->genl, "to/one", LLM_A_TOPIC_WAITING));
	EXPECT_EQ(0, unsubscribe_session(&self->genl, one, "to/one"));
	EXPECT_EQ(LLM_STOPPED_LEFT, stops(&self->genl, one));
	EXPECT_EQ(5, genl_u32(&self->genl.event, LLM_A_TOPIC_TURNS));
	genl_begin(&self->genl, &message, LLM_CMD_SESSION_CLOSE);
	genl_put_u64(&message, LLM_A_SESSION_ID, one);
	EXPECT_EQ(0, genl_do(&self->genl, &message));
}

TEST_F(topics, sessions_are_spoken_to_by_number)
{
	__u64 one = open_session(&self->genl, &self->image, 4);
	__u64 two = open_session(&self->other, &self->image, 4);
	char to_one[32], to_two[32];

	snprintf(to_one, sizeof(to_one), "@%llu", one);
	snprintf(to_two, sizeof(to_two), "@%llu", two);
	ASSERT_EQ(-ENOENT, publish(&self->genl, to_one, "abc"));
	ASSERT_EQ(0, subscribe_session(&self->genl, one, to_one, to_two, 3));
	ASSERT_EQ(0, subscribe_session(&self->other, two, to_two, to_one, 0));
	ASSERT_EQ(0, publish_hops(&self->genl, to_one, "abc", 100));
	EXPECT_EQ(LLM_STOPPED_TURNS, stops(&self->genl, one));
	EXPECT_EQ(3, genl_u32(&self->genl.event, LLM_A_TOPIC_TURNS));
	EXPECT_TRUE(reaches(&self->genl, to_one, LLM_A_TOPIC_PUBLISHED, 4));
	EXPECT_EQ(3, count_of(&self->genl, to_two, LLM_A_TOPIC_PUBLISHED));

	/* Nobody else is given what is said to a session. */
	EXPECT_EQ(-EINVAL, subscribe(&self->genl, to_two));
	EXPECT_EQ(-EINVAL, subscribe_session(&self->genl, one, to_two, NULL, 0));
	EXPECT_EQ(LLM_A_TOPIC_SESSION, self->genl.blamed);
	EXPECT_EQ(-ENOENT, topic_open(&self->genl, "@123456789"));
	EXPECT_EQ(-EINVAL, topic_open(&self->genl, "@007"));
}

TEST_F(topics, a_session_does_not_hear_itself)
{
	__u64 session = open_session(&self->genl, &self->image, 4);

	ASSERT_EQ(0, subscribe(&self->other, "round"));
	ASSERT_EQ(0, subscribe_session(&self->genl, session, "round", "round", 0));
	ASSERT_EQ(0, publish(&self->genl, "round", "abc"));
	EXPECT_TRUE(hears(&self->other, "abc"));
	EXPECT_EQ(LLM_CMD_MESSAGE, genl_wait(&self->other, 60000));
	EXPECT_EQ(session, genl_u64(&self->other.event, LLM_A_TOPIC_SESSION));
	EXPECT_EQ(-EAGAIN, genl_wait(&self->other, 300));
	EXPECT_EQ(2, count_of(&self->genl, "round", LLM_A_TOPIC_PUBLISHED));
}

TEST_F(topics, a_session_stops_when_its_context_is_full)
{
	static char text[2000];
	__u64 session = open_session(&self->genl, &self->image, 4);

	ASSERT_EQ(0, subscribe_session(&self->genl, session, "much", NULL, 0));
	memset(text, 'a', sizeof(text) - 1);
	ASSERT_EQ(0, publish(&self->genl, "much", text));
	EXPECT_EQ(LLM_STOPPED_CONTEXT, stops(&self->genl, session));
	EXPECT_EQ(0, genl_u32(&self->genl.event, LLM_A_TOPIC_TURNS));
	/* The session is as it was: it can be subscribed again. */
	EXPECT_EQ(0, subscribe_session(&self->genl, session, "much", NULL, 1));
	ASSERT_EQ(0, publish(&self->genl, "much", "abc"));
	EXPECT_EQ(LLM_STOPPED_TURNS, stops(&self->genl, session));
}

TEST_F(topics, leaving_cancels_the_reply)
{
	__u64 session = open_session(&self->genl, &self->image, 0);

	ASSERT_EQ(0, subscribe(&self->other, "answer"));
	ASSERT_EQ(0, subscribe_session(&self->genl, session, "question", "answer", 0));
	ASSERT_EQ(0, publish(&self->genl, "question", "abc"));
	ASSERT_TRUE(reaches(&self->genl, "question", LLM_A_TOPIC_DELIVERED, 1));
	ASSERT_EQ(0, unsubscribe_session(&self->genl, session, "question"));
	EXPECT_EQ(LLM_STOPPED_LEFT, stops(&self->genl, session));
}

TEST_F(topics, late_subscribers_get_the_history)
{
	ASSERT_EQ(0, topic_change(&self->genl, "past", LLM_A_TOPIC_HISTORY, 3));
	ASSERT_EQ(0, publish(&self->genl, "past", "one"));
	ASSERT_EQ(0, publish(&self->genl, "past", "two"));
	ASSERT_EQ(0, publish(&self->genl, "past", "three"));
	ASSERT_EQ(0, publish(&self->genl, "past", "four"));
	EXPECT_EQ(3, count_of(&self->genl, "past", LLM_A_TOPIC_KEPT));

	begin(&self->other, LLM_CMD_SUBSCRIBE, "past");
	genl_put_u32(&message, LLM_A_TOPIC_HISTORY, 2);
	ASSERT_EQ(0, genl_do(&self->other, &message));
	EXPECT_TRUE(hears(&self->other, "three"));
	EXPECT_TRUE(hears(&self->other, "four"));
	EXPECT_EQ(-EAGAIN, genl_wait(&self->other, 100));

	/* A shorter one keeps the last. */
	ASSERT_EQ(0, topic_change(&self->genl, "past", LLM_A_TOPIC_HISTORY, 1));
	begin(&self->genl, LLM_CMD_SUBSCRIBE, "past");
	genl_put_u32(&message, LLM_A_TOPIC_HISTORY, 256);
	ASSERT_EQ(0, genl_do(&self->genl, &message));
	EXPECT_TRUE(hears(&self->genl, "four"));
	EXPECT_EQ(-EAGAIN, genl_wait(&self->genl, 100));
}

/* A subscriber that does not read and has no room; its queue is 4 long. */
static int fill(struct genl *genl, struct genl *other, const char *name, __u32 overflow)
{
	int tiny = 1, error = 0;
	int i;

	if (topic_change(genl, name, LLM_A_TOPIC_QUEUE, 4) ||
	    topic_change(genl, name, LLM_A_TOPIC_OVERFLOW, overflow) ||
	    setsockopt(other->fd, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny)) ||
	    subscribe(other, name))
		return -EPROTO;
	for (i = 0; !error && i < 12; i++)
		error = publish(genl, name, "abc");
	return error;
}

TEST_F(topics, a_full_queue_refuses)
{
	__u64 published, i;

	EXPECT_EQ(-EAGAIN, fill(&self->genl, &self->other, "narrow", LLM_OVERFLOW_REFUSE));
	EXPECT_NE('\0', self->genl.reason[0]);
	EXPECT_EQ(LLM_A_TOPIC_TEXT, self->genl.blamed);
	published = count_of(&self->genl, "narrow", LLM_A_TOPIC_PUBLISHED);
	EXPECT_EQ(1, count_of(&self->genl, "narrow", LLM_A_TOPIC_REFUSED));
	EXPECT_LE(4, published);
	EXPECT_GE(8, published);
	for (i = 1; i <= published; i++) {
		ASSERT_TRUE(hears(&self->other, "abc"));
		EXPECT_EQ(i, genl_u64(&self->other.event, LLM_A_TOPIC_NUMBER));
	}
	EXPECT_EQ(0, publish(&self->genl, "narrow", "abc"));
}

/* Whether the next message is a reply of a session that nobody got. */
static bool is_refused(struct genl *genl, __u64 session)
{
	size_t length = 0;

	if (genl_wait(genl, 60000) != LLM_CMD_REPLY_REFUSED)
		return false;
	genl_find(&genl->event, LLM_A_TOPIC_BYTES, &length);
	return length && genl_u64(&genl->event, LLM_A_TOPIC_SESSION) == session &&
	       genl_u32(&genl->event, LLM_A_TOPIC_HOPS) == 15;
}

/*
 * Has a session reply to a topic until two replies were refused: the last texts may
 * find some room still. Returns how many texts the topic took.
 */
static __u64 reply_until_refused(struct genl *genl, const char *name)
{
	__u64 published = count_of(genl, name, LLM_A_TOPIC_PUBLISHED);
	__u64 refused = count_of(genl, name, LLM_A_TOPIC_REFUSED);
	__u64 end = refused + 2;
	int i;

	for (i = 0; i < 6000 && refused < end; i++) {
		__u64 before = published + refused;

		if (publish(genl, "asked", "abc"))
			return 0;
		for (; i < 6000 && published + refused == before; i++) {
			usleep(10000);
			published = count_of(genl, name, LLM_A_TOPIC_PUBLISHED);
			refused = count_of(genl, name, LLM_A_TOPIC_REFUSED);
		}
	}
	return published;
}

/* The socket that has the session is told, and the session goes on. */
TEST_F(topics, a_full_queue_refuses_replies)
{
	__u64 session = open_session(&self->genl, &self->image, 4);
	__u64 published, i;

	ASSERT_EQ(-EAGAIN, fill(&self->genl, &self->other, "narrow", LLM_OVERFLOW_REFUSE));
	ASSERT_EQ(0, subscribe_session(&self->genl, session, "asked", "narrow", 0));
	published = reply_until_refused(&self->genl, "narrow");
	ASSERT_TRUE(is_refused(&self->genl, session));
	EXPECT_STREQ("narrow", genl_find(&self->genl.event, LLM_A_TOPIC_NAME, NULL));
	EXPECT_EQ(getuid(), genl_u32(&self->genl.event, LLM_A_TOPIC_OWNER));
	ASSERT_TRUE(is_refused(&self->genl, session));
	EXPECT_EQ(-EAGAIN, genl_wait(&self->genl, 100));
	for (i = 1; i <= published; i++) {
		ASSERT_EQ(LLM_CMD_MESSAGE, genl_wait(&self->other, 60000));
		EXPECT_EQ(i, genl_u64(&self->other.event, LLM_A_TOPIC_NUMBER));
	}
	ASSERT_EQ(0, publish(&self->genl, "asked", "abc"));
	ASSERT_EQ(LLM_CMD_MESSAGE, genl_wait(&self->other, 60000));
	EXPECT_EQ(session, genl_u64(&self->other.event, LLM_A_TOPIC_SESSION));
}

TEST_F(topics, a_full_queue_drops_the_oldest)
{
	__u64 dropped, missed = 0, number = 0, before;

	EXPECT_EQ(0, fill(&self->genl, &self->other, "narrow", LLM_OVERFLOW_DROP_OLDEST));
	EXPECT_EQ(12, count_of(&self->genl, "narrow", LLM_A_TOPIC_PUBLISHED));
	dropped = count_of(&self->genl, "narrow", LLM_A_TOPIC_DROPPED);
	EXPECT_LT(0, dropped);
	while (number < 12) {
		before = number;
		ASSERT_TRUE(hears(&self->other, "abc"));
		number = genl_u64(&self->other.event, LLM_A_TOPIC_NUMBER);
		EXPECT_EQ(number - before - 1, genl_u32(&self->other.event, LLM_A_TOPIC_MISSED));
		missed += genl_u32(&self->other.event, LLM_A_TOPIC_MISSED);
	}
	EXPECT_EQ(dropped, missed);
}

TEST_F(topics, refuses_with_reasons)
{
	static const char *const names[] = { "", "a b", "caf\xc3\xa9", "@", "@0", "@x", "@-1" };
	static const __u8 commands[] = {
		LLM_CMD_TOPIC_OPEN, LLM_CMD_TOPIC_GET, LLM_CMD_SUBSCRIBE, LLM_CMD_UNSUBSCRIBE,
	};
	static const struct {
		__u8 command;
		__u16 type;
		__u32 value;
	} numbers[] = {
		{ LLM_CMD_TOPIC_OPEN, LLM_A_TOPIC_QUEUE, 0 },
		{ LLM_CMD_TOPIC_OPEN, LLM_A_TOPIC_QUEUE, 257 },
		{ LLM_CMD_TOPIC_OPEN, LLM_A_TOPIC_OVERFLOW, 2 },
		{ LLM_CMD_TOPIC_OPEN, LLM_A_TOPIC_HISTORY, 257 },
		{ LLM_CMD_TOPIC_OPEN, LLM_A_TOPIC_SHARE, 4 },
		{ LLM_CMD_SUBSCRIBE, LLM_A_TOPIC_HISTORY, 257 },
		{ LLM_CMD_SUBSCRIBE, LLM_A_TOPIC_TURNS, 0 },
		{ LLM_CMD_PUBLISH, LLM_A_TOPIC_HOPS, 256 },
		/* These are a session's. */
		{ LLM_CMD_SUBSCRIBE, LLM_A_TOPIC_TURNS, 1 },
		{ LLM_CMD_SUBSCRIBE, LLM_A_TOPIC_REPLY_OWNER, 0 },
	};
	char name[65];
	__u64 session;
	size_t i;

	for (i = 0; i < sizeof(commands); i++) {
		genl_begin(&self->genl, &message, commands[i]);
		EXPECT_EQ(-EINVAL, genl_do(&self->genl, &message));
		EXPECT_EQ(LLM_A_TOPIC_NAME, self->genl.missing);
		EXPECT_NE('\0', self->genl.reason[0]);
	}
	begin(&self->genl, LLM_CMD_PUBLISH, "x");
	EXPECT_EQ(-EINVAL, genl_do(&self->genl, &message));
	EXPECT_EQ(LLM_A_TOPIC_TEXT, self->genl.missing);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		EXPECT_EQ(-EINVAL, topic_open(&self->genl, names[i])) TH_LOG("%s", names[i]);
		EXPECT_EQ(LLM_A_TOPIC_NAME, self->genl.blamed);
	}
	memset(name, 'n', 64);
	name[64] = '\0';
	EXPECT_EQ(-EINVAL, topic_open(&self->genl, name));
	name[63] = '\0';
	EXPECT_EQ(0, topic_open(&self->genl, name));
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		begin(&self->genl, numbers[i].command, "x");
		genl_put_u32(&message, numbers[i].type, numbers[i].value);
		if (numbers[i].command == LLM_CMD_PUBLISH)
			genl_put_string(&message, LLM_A_TOPIC_TEXT, "abc");
		EXPECT_GT(0, genl_do(&self->genl, &message)) TH_LOG("case %zu", i);
		EXPECT_EQ(numbers[i].type, self->genl.blamed) TH_LOG("case %zu", i);
	}
	EXPECT_EQ(-ENOENT, publish(&self->genl, "nowhere", "abc"));
	EXPECT_EQ(-EINVAL, publish(&self->genl, name, ""));
	begin(&self->genl, LLM_CMD_UNSUBSCRIBE, "nowhere");
	EXPECT_EQ(-ENOENT, genl_do(&self->genl, &message));
	begin(&self->genl, LLM_CMD_TOPIC_GET, "nowhere");
	EXPECT_EQ(-ENOENT, genl_do(&self->genl, &message));
	EXPECT_EQ(-ENOENT, subscribe_session(&self->genl, 1ULL << 40, name, NULL, 0));
	EXPECT_EQ(LLM_A_TOPIC_SESSION, self->genl.blamed);
	session = open_session(&self->genl, &self->image, 1);
	EXPECT_EQ(-ENOENT, unsubscribe_session(&self->genl, session, name));
	EXPECT_EQ(-EINVAL, subscribe_session(&self->genl, session, name, "a b", 0));
	EXPECT_EQ(LLM_A_TOPIC_REPLY_NAME, self->genl.blamed);
	/* What was refused left nothing behind. */
	EXPECT_EQ(1, genl_dump(&self->genl, LLM_CMD_TOPIC_GET, NULL, NULL));
}

TEST_F(topics, takes_the_longest_text)
{
	static char text[LLM_MAX_MESSAGE + 2];

	memset(text, 'x', LLM_MAX_MESSAGE + 1);
	ASSERT_EQ(0, subscribe(&self->other, "long"));
	EXPECT_EQ(-EINVAL, publish(&self->genl, "long", text));
	text[LLM_MAX_MESSAGE] = '\0';
	EXPECT_EQ(0, publish(&self->genl, "long", text));
	EXPECT_TRUE(hears(&self->other, text));
}

TEST_F(topics, end_with_their_socket)
{
	__u64 session = open_session(&self->other, &self->image, 0);
	int i;

	ASSERT_EQ(0, topic_change(&self->other, "opened", LLM_A_TOPIC_HISTORY, 4));
	ASSERT_EQ(0, publish(&self->other, "opened", "abc"));
	ASSERT_EQ(0, subscribe(&self->other, "joined"));
	ASSERT_EQ(0, subscribe_session(&self->other, session, "asked", "replied", 0));
	ASSERT_EQ(0, publish(&self->other, "asked", "abc"));
	ASSERT_EQ(4, genl_dump(&self->genl, LLM_CMD_TOPIC_GET, NULL, NULL));
	genl_close(&self->other);
	EXPECT_TRUE(genl_falls_to(&self->genl, LLM_CMD_TOPIC_GET, 0));
	genl_begin(&self->genl, &message, LLM_CMD_SESSION_GET);
	genl_put_u64(&message, LLM_A_SESSION_ID, session);
	for (i = 0; i < 600 && genl_do(&self->genl, &message) != -ENOENT; i++)
		usleep(100000);
	EXPECT_GT(600, i);
}

TEST_F(topics, users_have_so_many)
{
	char text[400];

	ASSERT_EQ(0, device_set_parameter("max_user_topics", 2));
	ASSERT_EQ(0, device_set_parameter("max_user_subscriptions", 1));
	ASSERT_EQ(0, device_set_parameter("max_user_messages", 1000));
	EXPECT_EQ(0, topic_change(&self->genl, "one", LLM_A_TOPIC_HISTORY, 256));
	EXPECT_EQ(0, topic_open(&self->genl, "two"));
	EXPECT_EQ(-EDQUOT, topic_open(&self->genl, "three"));
	EXPECT_EQ(LLM_A_TOPIC_NAME, self->genl.blamed);
	EXPECT_EQ(0, subscribe(&self->genl, "one"));
	EXPECT_EQ(-EDQUOT, subscribe(&self->genl, "two"));
	EXPECT_EQ(0, subscribe(&self->genl, "one"));
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	EXPECT_EQ(0, publish(&self->genl, "one", text));
	EXPECT_EQ(0, publish(&self->genl, "one", text));
	EXPECT_EQ(-EDQUOT, publish(&self->genl, "one", text));
	EXPECT_EQ(LLM_A_TOPIC_TEXT, self->genl.blamed);
	/* What nobody holds any more counts no more. */
	EXPECT_TRUE(hears(&self->genl, text));
	EXPECT_TRUE(hears(&self->genl, text));
	EXPECT_EQ(0, topic_change(&self->genl, "one", LLM_A_TOPIC_HISTORY, 0));
	EXPECT_EQ(0, publish(&self->genl, "one", text));
}

TEST_F(topics, a_socket_that_is_not_read_ends)
{
	struct pollfd poller = { .fd = self->other.fd };
	char bytes[64];

	ASSERT_EQ(0, device_set_parameter("reader_timeout", 1));
	fill(&self->genl, &self->other, "unread", LLM_OVERFLOW_DROP_OLDEST);
	ASSERT_EQ(1, poll(&poller, 1, 600000));
	EXPECT_EQ(POLLERR, poller.revents);
	EXPECT_EQ(-1, recv(self->other.fd, bytes, sizeof(bytes), 0));
	EXPECT_EQ(ENOBUFS, errno);
	EXPECT_TRUE(reaches(&self->genl, "unread", LLM_A_TOPIC_SUBSCRIBERS, 0));
}

/* Runs a function as a user without rights but those of the group. Returns its status. */
static int as_nobody(int (*function)(__u32 owner))
{
	pid_t child = fork();
	int status;

	if (!child) {
		if (setgid(65534) || setuid(65534))
			_exit(99);
		_exit(function(0));
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return 98;
	return WEXITSTATUS(status);
}

static void put_owner(__u32 owner)
{
	genl_put_u32(&message, LLM_A_TOPIC_OWNER, owner);
}

static struct genl nobody;

static int do_others(__u8 command, __u32 owner)
{
	begin(&nobody, command, "shared");
	put_owner(owner);
	if (command == LLM_CMD_PUBLISH)
		genl_put_string(&message, LLM_A_TOPIC_TEXT, "from nobody");
	return genl_do(&nobody, &message);
}

/* Topics of others are not there; one's own is another of that name. */
static int sees_nothing(__u32 owner)
{
	if (genl_open(&nobody))
		return 1;
	if (genl_dump(&nobody, LLM_CMD_TOPIC_GET, NULL, NULL))
		return 2;
	if (do_others(LLM_CMD_TOPIC_GET, owner) != -ENOENT ||
	    do_others(LLM_CMD_SUBSCRIBE, owner) != -ENOENT ||
	    do_others(LLM_CMD_PUBLISH, owner) != -ENOENT)
		return 3;
	if (subscribe(&nobody, "shared") || publish(&nobody, "shared", "own") ||
	    !hears(&nobody, "own"))
		return 4;
	return genl_u32(&nobody.event, LLM_A_TOPIC_OWNER) != 65534;
}

static int may_only_publish(__u32 owner)
{
	if (genl_open(&nobody))
		return 1;
	if (genl_dump(&nobody, LLM_CMD_TOPIC_GET, NULL, NULL) != 1)
		return 2;
	if (do_others(LLM_CMD_SUBSCRIBE, owner) != -EACCES)
		return 3;
	return do_others(LLM_CMD_PUBLISH, owner) ? 4 : 0;
}

static int may_only_subscribe(__u32 owner)
{
	if (genl_open(&nobody))
		return 1;
	if (do_others(LLM_CMD_PUBLISH, owner) != -EACCES)
		return 2;
	if (do_others(LLM_CMD_SUBSCRIBE, owner))
		return 3;
	/* Told of by the parent, which then shares no more. */
	if (!hears(&nobody, "for all"))
		return 4;
	return genl_wait(&nobody, 500) == -EAGAIN ? 0 : 5;
}

TEST_F(topics, sharing_is_the_owners)
{
	pid_t child;
	int status;

	ASSERT_EQ(0, device_set_parameter("netlink_gid", 65534));
	ASSERT_EQ(0, subscribe(&self->genl, "shared"));
	EXPECT_EQ(0, as_nobody(sees_nothing));
	/* What that user had ends, too. */
	ASSERT_TRUE(genl_falls_to(&self->genl, LLM_CMD_TOPIC_GET, 1));
	ASSERT_EQ(0, topic_change(&self->genl, "shared", LLM_A_TOPIC_SHARE, LLM_SHARE_PUBLISH));
	EXPECT_EQ(0, as_nobody(may_only_publish));
	EXPECT_TRUE(hears(&self->genl, "from nobody"));
	EXPECT_EQ(65534, genl_u32(&self->genl.event, LLM_A_TOPIC_UID));
	ASSERT_EQ(0, topic_change(&self->genl, "shared", LLM_A_TOPIC_SHARE, LLM_SHARE_SUBSCRIBE));
	child = fork();
	if (!child)
		_exit(as_nobody(may_only_subscribe));
	ASSERT_TRUE(reaches(&self->other, "shared", LLM_A_TOPIC_SUBSCRIBERS, 2));
	EXPECT_EQ(0, publish(&self->other, "shared", "for all"));
	EXPECT_TRUE(reaches(&self->other, "shared", LLM_A_TOPIC_DELIVERED, 3));
	EXPECT_EQ(0, topic_change(&self->genl, "shared", LLM_A_TOPIC_SHARE, 0));
	EXPECT_EQ(0, publish(&self->other, "shared", "for some"));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, WEXITSTATUS(status));
}

/* In another network namespace: the same names are other topics. */
static int elsewhere(void)
{
	static struct genl genl;

	if (unshare(CLONE_NEWNET) || genl_open(&genl))
		return 1;
	if (genl_dump(&genl, LLM_CMD_TOPIC_GET, NULL, NULL))
		return 2;
	if (publish(&genl, "here", "abc") != -ENOENT)
		return 3;
	if (subscribe(&genl, "here") || publish(&genl, "here", "there") ||
	    !hears(&genl, "there"))
		return 4;
	return genl_dump(&genl, LLM_CMD_MODEL_GET, NULL, NULL) < 1;
}

TEST_F(topics, network_namespaces_have_their_own)
{
	pid_t child;
	int status;

	ASSERT_EQ(0, subscribe(&self->genl, "here"));
	child = fork();
	if (!child)
		_exit(elsewhere());
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, WEXITSTATUS(status));
	EXPECT_EQ(-EAGAIN, genl_wait(&self->genl, 100));
}

TEST_HARNESS_MAIN
