// SPDX-License-Identifier: GPL-2.0
/* Events over netlink. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "host/tiny_image.h"
#include "request_fixture.h"

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
	EXPECT_EQ(LLM_CMD_MEMORY_PRESSURE, genl_wait(monitor, 60000));
	EXPECT_NE(NULL, genl_find(&monitor->event, LLM_A_EVENT_LIMIT, NULL));
	EXPECT_EQ(LLM_CMD_REQUEST_REFUSED, genl_wait(monitor, 60000));
	EXPECT_EQ(LLM_REFUSAL_MEMORY, genl_u32(&monitor->event, LLM_A_EVENT_REFUSAL));
	device_image_free(&slow);
	genl_close(monitor);
	free(monitor);
}

TEST_HARNESS_MAIN
