// SPDX-License-Identifier: LGPL-2.1-or-later
/* Two sessions talk to each other, ten replies long; this program only listens. */
#include <poll.h>
#include <stdio.h>

#include <llmctl_netlink.h>

static void show(void *data, const struct llmctl_message *message)
{
	int *over = data;

	printf("%s: %.*s\n", message->topic, (int)message->length,
	       (const char *)message->bytes);
	*over = message->hops == 0;
}

/* A session that is told what comes to one topic, and answers to the other. */
static int join(struct llmctl_bus *bus, const char *from, const char *to,
		struct llmctl_error *error)
{
	const struct llmctl_submission brief = { .max_tokens = 16 };
	struct llmctl_subscription subscription = { .name = from, .reply_name = to };
	int ret = llmctl_bus_session(bus, &brief, &subscription.session, error);

	return ret ? ret : llmctl_bus_subscribe(bus, &subscription, error);
}

static int begin(struct llmctl_bus *bus, struct llmctl_error *error)
{
	const struct llmctl_subscription one = { .name = "to/one" }, two = { .name = "to/two" };
	int ret;

	ret = join(bus, one.name, two.name, error);
	if (!ret)
		ret = join(bus, two.name, one.name, error);
	if (!ret)
		ret = llmctl_bus_subscribe(bus, &one, error);
	if (!ret)
		ret = llmctl_bus_subscribe(bus, &two, error);
	if (!ret)
		ret = llmctl_bus_publish(bus, one.name, NULL, "Who art thou?", 13, 10, error);
	return ret;
}

int main(void)
{
	const struct llmctl_bus_handlers handlers = { .message = show };
	struct llmctl_error error = { 0 };
	struct llmctl_bus *bus = NULL;
	int over = 0;

	if (!llmctl_bus_open(&bus, &handlers, &over, &error) && !begin(bus, &error))
		while (!llmctl_bus_receive(bus, &error) && !over)
			poll(&(struct pollfd){ llmctl_bus_fd(bus), POLLIN, 0 }, 1, -1);
	llmctl_bus_close(bus);
	if (error.code)
		fprintf(stderr, "%s\n", error.text);
	return error.code != 0;
}
