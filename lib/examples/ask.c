// SPDX-License-Identifier: LGPL-2.1-or-later
/* Asks two things at once, and prints what is said as it is said. */
#include <poll.h>
#include <stdio.h>

#include <llmctl_netlink.h>

static void show(void *data, __u32 id, const void *bytes, size_t length)
{
	(void)data;
	printf("%u: %.*s\n", id, (int)length, (const char *)bytes);
}

static void finish(void *data, const struct llmctl_done *done)
{
	int *left = data;

	printf("%u: over after %u tokens\n", done->id, done->tokens_out);
	--*left;
}

int main(void)
{
	const struct llmctl_bus_handlers handlers = { .token = show, .done = finish };
	const struct llmctl_submission one = { .text = "Once upon a time", .length = 16 };
	const struct llmctl_submission two = { .text = "In the beginning", .length = 16 };
	struct llmctl_error error = { 0 };
	struct llmctl_bus *bus = NULL;
	int left = 2;
	__u32 id;

	if (!llmctl_bus_open(&bus, &handlers, &left, &error) &&
	    !llmctl_bus_submit(bus, &one, &id, NULL, &error) &&
	    !llmctl_bus_submit(bus, &two, &id, NULL, &error))
		while (!llmctl_bus_receive(bus, &error) && left)
			poll(&(struct pollfd){ llmctl_bus_fd(bus), POLLIN, 0 }, 1, -1);
	llmctl_bus_close(bus);
	if (error.code)
		fprintf(stderr, "%s\n", error.text);
	return error.code != 0;
}
