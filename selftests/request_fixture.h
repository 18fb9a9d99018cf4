/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model and a socket for tests of requests over netlink, which leave nothing behind.
 */
#ifndef LLM_TEST_REQUEST_FIXTURE_H
#define LLM_TEST_REQUEST_FIXTURE_H

#include <errno.h>

#include "harness.h"
#include "request.h"

/* Parameters of the module that tests change. */
static const char *const parameters[] = {
	"max_state", "netlink_gid", "reader_timeout", "token_events",
};

FIXTURE(netlink)
{
	struct device_image image;
	struct genl genl;
	long long before[ARRAY_SIZE(parameters)];
};

FIXTURE_SETUP(netlink)
{
	ASSERT_EQ(0, device_keep_parameters(parameters, ARRAY_SIZE(parameters), self->before));
	device_image_make(&self->image, 3);
	ASSERT_EQ(0, device_load(MODEL, &self->image, LLM_SEAL_DEFAULT));
	ASSERT_EQ(0, genl_open(&self->genl));
	ASSERT_TRUE(genl_falls_to(&self->genl, LLM_CMD_SESSION_GET, 0));
}

/* All that a test may have left behind: the next one does not suffer for it. */
FIXTURE_TEARDOWN_PARENT(netlink)
{
	static const char *const others[] = { CHAT_MODEL, SLOW_MODEL, OTHER_MODEL };
	int error;

	EXPECT_EQ(0, device_restore_parameters(parameters, ARRAY_SIZE(parameters), self->before));
	EXPECT_EQ(0, device_unload_soon(MODEL));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		error = device_unload_soon(others[i]);
		EXPECT_TRUE(!error || error == -ENOENT) TH_LOG("%s: %d", others[i], error);
	}
}

#endif /* LLM_TEST_REQUEST_FIXTURE_H */
