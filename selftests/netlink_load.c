// SPDX-License-Identifier: GPL-2.0
/*
 * 1,000 requests in flight from 50 sockets, with random cancellations and sockets
 * that die: every request of a socket that lives ends exactly once, in order.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "device.h"
#include "genl.h"
#include "harness.h"
#include "host/tiny_image.h"

#define MODEL "load"
#define FIRST_MODEL "load-first"
#define SOCKETS 50
#define REQUESTS 20
#define TOKENS 8

static struct genl_message message;
static __u32 state = 1;

struct client {
	struct genl genl;
	__u32 ids[REQUESTS];
	__u64 offsets[REQUESTS];
	unsigned int ends[REQUESTS];
	unsigned int left;
	bool dead;
};

/**
 * struct first - a request that comes before all others, and lasts: its tokens show as no
 *	bytes, so that it never waits for its reader
 * @genl: its socket
 * @id: its number
 * @thread: reads it
 * @over: how it ended
 */
struct first {
	struct genl genl;
	__u32 id;
	pthread_t thread;
	int over;
};

FIXTURE(load)
{
	struct device_image image;
	struct device_image long_one;
	struct genl genl;
	struct client *clients[SOCKETS];
};

FIXTURE_SETUP(load)
{
	const struct tiny_image_options options = {
		.seed = 6, .layers = 1, .width = 32, .context = 65536,
	};

	device_image_make(&self->image, 5);
	device_image_build(&self->long_one, &options);
	ASSERT_EQ(0, device_load(MODEL, &self->image, LLM_SEAL_DEFAULT));
	ASSERT_EQ(0, device_load(FIRST_MODEL, &self->long_one, 0));
	ASSERT_EQ(0, genl_open(&self->genl));
}

FIXTURE_TEARDOWN_PARENT(load)
{
	EXPECT_EQ(0, device_unload_soon(MODEL));
	EXPECT_EQ(0, device_unload_soon(FIRST_MODEL));
}

/* xorshift32 (Marsaglia, "Xorshift RNGs", 2003). */
static __u32 draw(__u32 below)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % below;
}

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

/* Cancels a request, which may be over. */
static int cancel(struct genl *genl, __u32 id)
{
	int error;

	genl_begin(genl, &message, LLM_CMD_CANCEL);
	genl_put_u32(&message, LLM_A_REQUEST_ID, id);
	error = genl_do(genl, &message);
	return error == -ENOENT ? 0 : error;
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

static void *read_first(void *data)
{
	struct first *first = data;

	do {
		first->over = genl_wait(&first->genl, 600000);
	} while (first->over == LLM_CMD_TOKEN);
	return NULL;
}

/* As long as it is computed the requests for the other model wait. */
static int begin_first(struct first *first, const struct device_image *image)
{
	int error = genl_open(&first->genl);

	if (error)
		return error;
	genl_begin(&first->genl, &message, LLM_CMD_SUBMIT);
	genl_put_string(&message, LLM_A_REQUEST_TEXT, "abc");
	genl_put_string(&message, LLM_A_REQUEST_MODEL, FIRST_MODEL);
	genl_put_u32(&message, LLM_A_REQUEST_CONTEXT, image->context_length);
	genl_put_u32(&message, LLM_A_REQUEST_PRIORITY, LLM_PRIORITY_HIGH);
	genl_put_only(&message, TINY_TOKEN_BOS);
	error = genl_do(&first->genl, &message);
	first->id = genl_u32(&first->genl.reply, LLM_A_REQUEST_ID);
	return error ? error : -pthread_create(&first->thread, NULL, read_first, first);
}

static int submit_all(struct client **clients)
{
	int i, j, error = 0;

	for (i = 0; i < SOCKETS && !error; i++) {
		memset(clients[i], 0, sizeof(*clients[i]));
		clients[i]->left = REQUESTS;
		error = genl_open(&clients[i]->genl);
	}
	for (j = 0; j < REQUESTS && !error; j++)
		for (i = 0; i < SOCKETS && !error; i++)
			error = submit(clients[i], j);
	return error;
}

/* Every tenth socket or so dies, every third request or so is cancelled. */
static int disturb(struct genl *genl, struct client **clients)
{
	int i, error = 0;

	for (i = 0; i < SOCKETS * REQUESTS / 3 && !error; i++) {
		struct client *client = clients[draw(SOCKETS)];

		if (client->dead)
			continue;
		if (draw(60)) {
			error = cancel(draw(2) ? genl : &client->genl,
				       client->ids[draw(REQUESTS)]);
			continue;
		}
		genl_close(&client->genl);
		client->dead = true;
	}
	return error;
}

/* Returns 0 where all that are alive get all they should, and no more. */
static int take_all(struct client **clients)
{
	int i, error = 0;

	for (i = 0; i < SOCKETS && !error; i++) {
		if (clients[i]->dead)
			continue;
		while (clients[i]->left && !error)
			error = take(clients[i]);
		if (!error && genl_wait(&clients[i]->genl, 0) != -EAGAIN)
			error = -EPROTO;
		genl_close(&clients[i]->genl);
	}
	return error;
}

TEST_F(load, a_thousand_in_flight)
{
	struct first *first = calloc(1, sizeof(*first));
	int attempt, in_flight = 0;

	for (int i = 0; i < SOCKETS; i++)
		self->clients[i] = calloc(1, sizeof(**self->clients));
	/* Another time where the first one was over too early. */
	for (attempt = 0; attempt < 10 && in_flight <= SOCKETS * REQUESTS; attempt++) {
		ASSERT_EQ(0, begin_first(first, &self->long_one));
		ASSERT_EQ(0, submit_all(self->clients));
		in_flight = genl_dump(&self->genl, LLM_CMD_REQUEST_GET, NULL, NULL);
		ASSERT_EQ(0, disturb(&self->genl, self->clients));
		ASSERT_EQ(0, cancel(&self->genl, first->id));
		ASSERT_EQ(0, disturb(&self->genl, self->clients));
		ASSERT_EQ(0, take_all(self->clients));
		pthread_join(first->thread, NULL);
		EXPECT_EQ(LLM_CMD_DONE, first->over);
		genl_close(&first->genl);
		ASSERT_TRUE(genl_falls_to(&self->genl, LLM_CMD_REQUEST_GET, 0));
	}
	EXPECT_EQ(SOCKETS * REQUESTS + 1, in_flight) TH_LOG("%d attempts", attempt);
	for (int i = 0; i < SOCKETS; i++)
		free(self->clients[i]);
	free(first);
}

TEST_HARNESS_MAIN
