// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hand_over [MODEL]: one socket begins a conversation, another goes on with it. They
 * may be those of two processes; the port of the one that takes is all that is told.
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <llmctl_netlink.h>

static void show(void *data, __u32 id, const void *bytes, size_t length)
{
	(void)data;
	(void)id;
	fwrite(bytes, 1, length, stdout);
}

static void finish(void *data, const struct llmctl_done *done)
{
	*(struct llmctl_done *)data = *done;
}

/* Asks, and waits for the end of the reply. */
static int ask(struct llmctl_bus *bus, const char *text, const char *model, __u64 *session,
	       struct llmctl_done *done, struct llmctl_error *error)
{
	const struct llmctl_submission what = {
		.text = text, .length = strlen(text), .max_tokens = 10, .raw = 1, .keep = 1,
		.model = model, .session = *session,
	};
	struct llmctl_request request;
	__u32 id;

	memset(done, 0, sizeof(*done));
	if (llmctl_bus_submit(bus, &what, &id, session, error))
		return error->code;
	if (!llmctl_bus_request(bus, id, &request, error))
		printf("request %u: %u of %u tokens\n", id, request.tokens_out, what.max_tokens);
	else
		printf("request %u: over already\n", id);
	*error = (struct llmctl_error){ 0 };
	while (!llmctl_bus_receive(bus, error) && done->id != id)
		poll(&(struct pollfd){ llmctl_bus_fd(bus), POLLIN, 0 }, 1, -1);
	printf("\n");
	return error->code;
}

/* A socket is known to the module once it had to do with a session. */
static int introduce(struct llmctl_bus *bus, struct llmctl_error *error)
{
	const struct llmctl_submission any = { 0 };
	__u64 session;

	return llmctl_bus_session(bus, &any, &session, error) ||
	       llmctl_bus_close_session(bus, session, error);
}

int main(int argc, char **argv)
{
	const struct llmctl_bus_handlers handlers = { .token = show, .done = finish };
	const char *model = argc > 1 ? argv[1] : NULL;
	struct llmctl_bus *giver = NULL, *taker = NULL;
	struct llmctl_error error = { 0 };
	struct llmctl_done done;
	__u64 session = 0;

	if (!llmctl_bus_open(&giver, &handlers, &done, &error) &&
	    !llmctl_bus_open(&taker, &handlers, &done, &error) &&
	    !introduce(taker, &error) &&
	    !ask(giver, "Once upon a time", model, &session, &done, &error) &&
	    !llmctl_bus_give(giver, session, llmctl_bus_port(taker), &error) &&
	    !ask(taker, " and then", NULL, &session, &done, &error))
		printf("session %llu: handed over\n", session);
	llmctl_bus_close(giver);
	llmctl_bus_close(taker);
	if (error.code)
		fprintf(stderr, "%s\n", error.text);
	return error.code != 0;
}
