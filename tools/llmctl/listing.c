// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "json.h"
#include "listing.h"

static void show(const struct listing *listing, const char *entries, size_t count, bool as_json)
{
	const char *end = entries + count * listing->size;

	if (as_json)
		json_array(NULL);
	else
		listing->print_head();
	for (; entries < end; entries += listing->size) {
		if (!as_json) {
			listing->print(entries);
			continue;
		}
		json_object(NULL);
		listing->json(entries);
		json_object_end();
	}
	if (as_json)
		json_array_end();
}

int listing_run(const struct listing *listing, const struct command *command, int argc,
		char **argv)
{
	static const struct llmctl_bus_handlers no_handlers;
	bool as_json = false;
	const struct option options[] = {
		{ OPTION_FLAG, "json", 0, &as_json, 0, 0, NULL, NULL, NULL, "as a JSON array" },
		{ .kind = OPTION_END },
	};
	struct llmctl_error error = { 0 };
	struct llmctl_bus *bus = NULL;
	struct operands operands;
	void *entries = NULL;
	size_t count = 0;
	int status;

	if (!command_parse(command, options, argc, argv, &operands, 0, 0, &status))
		return status;
	if (!llmctl_bus_open(&bus, &no_handlers, NULL, &error))
		listing->get(bus, &entries, &count, &error);
	llmctl_bus_close(bus);
	if (error.code)
		return report(&error);
	show(listing, entries, count, as_json);
	free(entries);
	return EXIT_OK;
}
