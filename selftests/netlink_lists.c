// SPDX-License-Identifier: GPL-2.0
/* What netlink lists, whatever comes and goes meanwhile. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/tiny_image.h"
#include "request_fixture.h"

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

/* An attribute would promise a choice that nobody makes. */
TEST_F(netlink, lists_take_no_attributes)
{
	static const __u8 lists[] = {
		LLM_CMD_MODEL_GET, LLM_CMD_SESSION_GET, LLM_CMD_REQUEST_GET, LLM_CMD_TOPIC_GET,
	};

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		genl_begin(&self->genl, &message, lists[i]);
		if (lists[i] == LLM_CMD_SESSION_GET)
			genl_put_u64(&message, LLM_A_SESSION_ID, 1);
		else if (lists[i] == LLM_CMD_REQUEST_GET)
			genl_put_u32(&message, LLM_A_REQUEST_ID, 1);
		else
			genl_put_string(&message, 1, MODEL);
		EXPECT_EQ(-EINVAL, genl_do_all(&self->genl, &message, NULL, NULL))
			TH_LOG("command %u", lists[i]);
	}
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

TEST_HARNESS_MAIN
