// SPDX-License-Identifier: GPL-2.0
/*
 * 1,000 requests in flight from 50 sockets, with cancellations and sockets that
 * die: every request of a socket that lives ends exactly once, in order.
 */
#include <errno.h>
#include <stdlib.h>

#include "device.h"
#include "genl.h"
#include "harness.h"

#define MODEL "load"
#define SOCKETS 50
#define REQUESTS 20
#define TOKENS 8

static struct genl_message message;

struct client {
	struct genl genl;
	__u32 ids[REQUESTS];
	__u64 offsets[REQUESTS];
	unsigned int ends[REQUESTS];
	unsigned int left;
};

static int index_of(const struct client *client, __u32 id)
{
	int i;

	for (i = 0; i < REQUESTS; i++)
		if (client->ids[i] == id)
			return i;
	return -1;
}

static int submit(struct client *client, int index)
{
	int error;

	genl_begin(&client->genl, &message, LLM_CMD_SUBMIT);
	genl_put_string(&message, LLM_A_REQUEST_TEXT, "abc");
	genl_put_u32(&message, LLM_A_REQUEST_MAX_TOKENS, TOKENS);
	error = genl_do(&client->genl, &message);
	client->ids[index] = genl_u32(&client->genl.reply, LLM_A_REQUEST_ID);
	return error;
}

/* Takes one message. Returns 0, or a negative errno where there is a mistake. */
static int take(struct client *client)
{
	int command = genl_wait(&client->genl, 120000);
	size_t length = 0;
	int index;

	if (command < 0)
		return command;
	index = index_of(client, genl_u32(&client->genl.event, LLM_A_REQUEST_ID));
	if (index < 0 || client->ends[index] ||
	    genl_u64(&client->genl.event, LLM_A_REQUEST_OFFSET) != client->offsets[index])
		return -EPROTO;
	genl_find(&client->genl.event, LLM_A_REQUEST_BYTES, &length);
	client->offsets[index] += length;
	if (command == LLM_CMD_DONE) {
		client->ends[index]++;
		client->left--;
	}
	return 0;
}

TEST(a_thousand_in_flight)
{
	struct client **clients = calloc(SOCKETS, sizeof(*clients));
	struct device_image image;
	struct genl *last;
	int i, j, error;

	device_image_make(&image, 5);
	ASSERT_EQ(0, device_load(MODEL, &image, LLM_SEAL_DEFAULT));
	for (i = 0; i < SOCKETS; i++) {
		clients[i] = calloc(1, sizeof(**clients));
		ASSERT_EQ(0, genl_open(&clients[i]->genl));
		clients[i]->left = REQUESTS;
	}
	for (j = 0; j < REQUESTS; j++)
		for (i = 0; i < SOCKETS; i++)
			ASSERT_EQ(0, submit(clients[i], j));
	for (i = 0; i < SOCKETS; i++) {
		if (i % 5 == 4) {
			genl_close(&clients[i]->genl);
			continue;
		}
		genl_begin(&clients[i]->genl, &message, LLM_CMD_CANCEL);
		genl_put_u32(&message, LLM_A_REQUEST_ID, clients[i]->ids[i % REQUESTS]);
		error = genl_do(&clients[i]->genl, &message);
		EXPECT_TRUE(error == 0 || error == -ENOENT);
	}
	for (i = 0; i < SOCKETS; i++)
		while (i % 5 != 4 && clients[i]->left)
			ASSERT_EQ(0, take(clients[i])) TH_LOG("socket %d", i);
	for (i = 0; i < SOCKETS; i++) {
		if (i % 5 != 4) {
			EXPECT_EQ(-EAGAIN, genl_wait(&clients[i]->genl, 0));
			genl_close(&clients[i]->genl);
		}
		free(clients[i]);
	}
	last = calloc(1, sizeof(*last));
	ASSERT_EQ(0, genl_open(last));
	for (i = 0; i < 600 && genl_dump(last, LLM_CMD_REQUEST_GET, NULL, NULL); i++)
		usleep(100000);
	EXPECT_GT(600, i);
	genl_close(last);
	free(last);
	free(clients);
	EXPECT_EQ(0, device_unload_soon(MODEL));
	device_image_free(&image);
}

TEST_HARNESS_MAIN
