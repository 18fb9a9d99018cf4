// SPDX-License-Identifier: GPL-2.0
/* What netlink refuses, and to whom. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/tiny_image.h"
#include "request_fixture.h"

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

TEST_F(netlink, refuses_what_is_given_twice)
{
	static const struct refusal twice[] = {
		{ LLM_CMD_SESSION_GET, -EINVAL, LLM_A_SESSION_ID, 0 },
		{ LLM_CMD_SUBMIT, -EINVAL, LLM_A_REQUEST_MAX_TOKENS, 0 },
		{ LLM_CMD_TOPIC_OPEN, -EINVAL, LLM_A_TOPIC_NAME, 0 },
	};

	genl_begin(&self->genl, &message, twice[0].command);
	genl_put_u64(&message, LLM_A_SESSION_ID, 1);
	genl_put_u64(&message, LLM_A_SESSION_ID, 1);
	expect_refusal(_metadata, &self->genl, &twice[0]);
	begin_submit(&self->genl, 1);
	genl_put_u32(&message, LLM_A_REQUEST_MAX_TOKENS, 1);
	expect_refusal(_metadata, &self->genl, &twice[1]);
	genl_begin(&self->genl, &message, twice[2].command);
	genl_put_string(&message, LLM_A_TOPIC_NAME, "twice");
	genl_put_string(&message, LLM_A_TOPIC_NAME, "twice");
	expect_refusal(_metadata, &self->genl, &twice[2]);
	/* A prompt comes in pieces, stop strings one by one. */
	begin_submit(&self->genl, 1);
	genl_put_string(&message, LLM_A_REQUEST_TEXT, PROMPT);
	genl_put_string(&message, LLM_A_REQUEST_STOP, "x");
	genl_put_string(&message, LLM_A_REQUEST_STOP, "y");
	EXPECT_EQ(0, genl_do(&self->genl, &message)) TH_LOG("%s", self->genl.reason);
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

static int member_uses(struct genl *genl)
{
	return submit(genl, 1) != -EPERM;
}

TEST_F(netlink, keeps_others_out)
{
	EXPECT_EQ(0, as_nobody(nobody_opens, NULL));
	ASSERT_EQ(0, device_set_parameter("netlink_gid", 65534));
	EXPECT_EQ(0, as_nobody(member_submits, NULL));
	/* Nor may one of the group use a socket that another user opened. */
	EXPECT_EQ(0, as_nobody(member_uses, &self->genl));
}

/* What root has, for another user to meddle with. */
static struct {
	int request;
	__u64 session;
} others;

/* What another user has is not there. */
static int member_meddles(struct genl *genl)
{
	static const __u8 on_request[] = { LLM_CMD_REQUEST_GET, LLM_CMD_CANCEL };
	static const __u8 on_session[] = { LLM_CMD_SESSION_GET, LLM_CMD_SESSION_CLOSE };
	static struct genl own;
	size_t i;

	(void)genl;
	if (genl_open(&own))
		return 1;
	for (i = 0; i < ARRAY_SIZE(on_request); i++) {
		genl_begin(&own, &message, on_request[i]);
		genl_put_u32(&message, LLM_A_REQUEST_ID, others.request);
		if (genl_do(&own, &message) != -ENOENT)
			return 2;
	}
	for (i = 0; i < ARRAY_SIZE(on_session); i++) {
		genl_begin(&own, &message, on_session[i]);
		genl_put_u64(&message, LLM_A_SESSION_ID, others.session);
		if (genl_do(&own, &message) != -ENOENT)
			return 3;
	}
	if (genl_dump(&own, LLM_CMD_REQUEST_GET, NULL, NULL) ||
	    genl_dump(&own, LLM_CMD_SESSION_GET, NULL, NULL))
		return 4;
	return 0;
}

TEST_F(netlink, hides_what_others_have)
{
	const struct tiny_image_options options = { .seed = 9, .layers = 1, .context = 65536 };
	struct genl *other = calloc(1, sizeof(*other));
	struct device_image long_one;

	device_image_build(&long_one, &options);
	ASSERT_EQ(0, device_load(SLOW_MODEL, &long_one, 0));
	ASSERT_EQ(0, device_set_parameter("netlink_gid", 65534));
	ASSERT_EQ(0, device_set_parameter("reader_timeout", 3600));
	ASSERT_EQ(0, genl_open(other));
	others.request = submit_endless(other, &long_one, 0);
	ASSERT_LT(0, others.request);
	others.session = genl_u64(&other->reply, LLM_A_REQUEST_SESSION);
	EXPECT_EQ(0, as_nobody(member_meddles, NULL));
	/* It was there all the time. */
	genl_begin(&self->genl, &message, LLM_CMD_REQUEST_GET);
	genl_put_u32(&message, LLM_A_REQUEST_ID, others.request);
	EXPECT_EQ(0, genl_do(&self->genl, &message));
	genl_close(other);
	free(other);
	device_image_free(&long_one);
}

/* Tells the port of another user's socket, and keeps that until it hears of the end. */
static void wait_as_nobody(int ready, int over)
{
	static struct genl own;
	char byte;

	if (setgid(65534) || setuid(65534) || genl_open(&own))
		_exit(1);
	genl_begin(&own, &message, LLM_CMD_SESSION_OPEN);
	if (genl_do(&own, &message) ||
	    write(ready, &own.port, sizeof(own.port)) != sizeof(own.port))
		_exit(2);
	_exit(read(over, &byte, 1) != 0);
}

TEST_F(netlink, gives_nothing_to_another_user)
{
	int ready[2], over[2], status;
	__u64 session;
	__u32 port;
	pid_t child;

	ASSERT_EQ(0, device_set_parameter("netlink_gid", 65534));
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(over));
	child = fork();
	if (!child) {
		close(over[1]);
		close(ready[0]);
		wait_as_nobody(ready[1], over[0]);
	}
	close(ready[1]);
	ASSERT_EQ(sizeof(port), read(ready[0], &port, sizeof(port)));
	genl_begin(&self->genl, &message, LLM_CMD_SESSION_OPEN);
	ASSERT_EQ(0, genl_do(&self->genl, &message));
	session = genl_u64(&self->genl.reply, LLM_A_REQUEST_SESSION);
	genl_begin(&self->genl, &message, LLM_CMD_SESSION_GIVE);
	genl_put_u64(&message, LLM_A_SESSION_ID, session);
	genl_put_u32(&message, LLM_A_SESSION_PORT, port);
	EXPECT_EQ(-ENOENT, genl_do(&self->genl, &message));
	EXPECT_EQ(LLM_A_SESSION_PORT, self->genl.blamed);
	/* It stays with who has it. */
	genl_begin(&self->genl, &message, LLM_CMD_SESSION_CLOSE);
	genl_put_u64(&message, LLM_A_SESSION_ID, session);
	EXPECT_EQ(0, genl_do(&self->genl, &message));
	close(over[1]);
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
}

/* A number that sockets of two users have in turn. */
#define SHARED_NUMBER 0x7abcdef0

/* Opens sessions on sockets that are closed at once. Never returns. */
static void open_and_close(void)
{
	static struct genl own;

	for (;;) {
		if (genl_open_number(&own, SHARED_NUMBER))
			continue;
		submit(&own, 4);
		genl_close(&own);
	}
}

/* Whether a session that a socket of this number opens is that of who opened the socket. */
static int opens_own(struct genl *genl)
{
	static struct genl own;
	int i, error;

	(void)genl;
	for (i = 0; i < 500; i++) {
		do {
			error = genl_open_number(&own, SHARED_NUMBER);
		} while (error == -EADDRINUSE);
		if (error)
			return 1;
		genl_begin(&own, &message, LLM_CMD_SESSION_OPEN);
		if (genl_do(&own, &message))
			return 2;
		genl_begin(&own, &message, LLM_CMD_SESSION_GET);
		genl_put_u64(&message, LLM_A_SESSION_ID,
			     genl_u64(&own.reply, LLM_A_REQUEST_SESSION));
		if (genl_do(&own, &message))
			return 3;
		genl_close(&own);
	}
	return 0;
}

TEST_F(netlink, a_number_is_worth_nothing)
{
	pid_t child;

	ASSERT_EQ(0, device_set_parameter("netlink_gid", 65534));
	child = fork();
	if (!child)
		open_and_close();
	EXPECT_EQ(0, as_nobody(opens_own, NULL));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
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

TEST_HARNESS_MAIN
