// SPDX-License-Identifier: GPL-2.0
/* What happens, as it happens. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <llmctl_netlink.h>

#include "command.h"
#include "facts.h"
#include "interrupt.h"
#include "json.h"
#include "macros.h"

/**
 * struct watch - what is shown, and how
 * @as_json: one JSON object a line
 * @left: events still to show, or 0 for no end
 * @ended: whether all are
 */
struct watch {
	bool as_json;
	__u64 left;
	bool ended;
};

static const char *name_of(__u8 command)
{
	switch (command) {
	case LLM_CMD_MODEL_LOADED:
		return "model-loaded";
	case LLM_CMD_MODEL_UNLOADED:
		return "model-unloaded";
	case LLM_CMD_SESSION_OPENED:
		return "session-opened";
	case LLM_CMD_SESSION_CLOSED:
		return "session-closed";
	case LLM_CMD_REQUEST_QUEUED:
		return "request-queued";
	case LLM_CMD_REQUEST_STARTED:
		return "request-started";
	case LLM_CMD_REQUEST_FINISHED:
		return "request-finished";
	case LLM_CMD_REQUEST_REFUSED:
		return "request-refused";
	case LLM_CMD_MEMORY_PRESSURE:
		return "memory-pressure";
	case LLM_CMD_TOKEN_MADE:
		return "token-made";
	default:
		return "unknown";
	}
}

static void show_json(const struct llmctl_event *event)
{
	json_object(NULL);
	json_text("event", name_of(event->command));
	if (event->model[0])
		json_text("model", event->model);
	if (event->session) {
		json_whole("session", event->session);
		json_whole("uid", event->uid);
	}
	if (event->command == LLM_CMD_REQUEST_FINISHED) {
		json_text("reason", session_reason(event->reason));
		json_whole("tokens_in", event->tokens_in);
		json_whole("tokens_out", event->tokens_out);
		json_number("cpu_ms", event->cpu_ns / 1e6);
	}
	if (event->command == LLM_CMD_REQUEST_REFUSED)
		json_whole("refusal", event->refusal);
	if (event->command == LLM_CMD_MEMORY_PRESSURE) {
		json_whole("memory", event->memory);
		json_whole("limit", event->limit);
	}
	if (event->command == LLM_CMD_TOKEN_MADE) {
		json_bytes("text", event->bytes, event->length);
		json_whole("missed", event->missed);
	}
	json_object_end();
}

static void show_line(const struct llmctl_event *event)
{
	printf("%-18s", name_of(event->command));
	if (event->session)
		printf(" session %" PRIu64 " user %u", (uint64_t)event->session, event->uid);
	if (event->model[0])
		printf(" model %s", event->model);
	if (event->command == LLM_CMD_REQUEST_FINISHED)
		printf(" %s, %u tokens in, %u out", session_reason(event->reason),
		       event->tokens_in, event->tokens_out);
	if (event->command == LLM_CMD_REQUEST_REFUSED)
		printf(" refusal %u", event->refusal);
	if (event->command == LLM_CMD_MEMORY_PRESSURE)
		printf(" %" PRIu64 " of %" PRIu64 " bytes", (uint64_t)event->memory,
		       (uint64_t)event->limit);
	if (event->command == LLM_CMD_TOKEN_MADE)
		printf(" %zu bytes", event->length);
	putchar('\n');
}

static void show(void *data, const struct llmctl_event *event)
{
	struct watch *watch = data;

	if (watch->ended)
		return;
	if (watch->as_json)
		show_json(event);
	else
		show_line(event);
	fflush(stdout);
	watch->ended = watch->left && !--watch->left;
}

static int join(struct llmctl_bus *bus, const struct operands *operands,
		struct llmctl_error *error)
{
	static const char *const all[] = {
		LLM_MCGRP_MODELS, LLM_MCGRP_MEMORY, LLM_MCGRP_SESSIONS, LLM_MCGRP_REQUESTS,
	};
	int count = operands->count ? operands->count : (int)ARRAY_SIZE(all);
	int i, ret = 0;

	for (i = 0; !ret && i < count; i++)
		ret = llmctl_bus_join(bus, operands->count ? operands->values[i] : all[i], error);
	return ret;
}

static void watch_all(struct llmctl_bus *bus, const struct watch *watch,
		      struct llmctl_error *error)
{
	while (!watch->ended && !interrupted() && !llmctl_bus_receive(bus, error))
		if (!watch->ended)
			interrupt_poll(llmctl_bus_fd(bus));
}

static int run_events(const struct command *command, int argc, char **argv)
{
	static const struct llmctl_bus_handlers handlers = { .event = show };
	struct watch watch = { 0 };
	const struct option options[] = {
		{ OPTION_FLAG, "json", 0, &watch.as_json, 0, 0, NULL, NULL, NULL,
		  "one JSON object for each" },
		{ OPTION_WHOLE, "count", 'c', &watch.left, 0, UINT32_MAX, NULL, NULL, "COUNT",
		  "end after so many (default: never)" },
		{ .kind = OPTION_END },
	};
	struct llmctl_error error = { 0 };
	struct llmctl_bus *bus = NULL;
	struct operands operands;
	int status;

	if (!command_parse(command, options, argc, argv, &operands, 0, 5, &status))
		return status;
	interrupt_catch();
	if (!llmctl_bus_open(&bus, &handlers, &watch, &error) && !join(bus, &operands, &error))
		watch_all(bus, &watch, &error);
	llmctl_bus_close(bus);
	return error.code ? report(&error) : EXIT_OK;
}

const struct command command_events = {
	.name = "events",
	.arguments = "[--json] [-c COUNT] [GROUP...]",
	.summary = "tells what happens: models, sessions, requests, memory",
	.text = "Groups are models, memory, sessions, requests and tokens; without any, all but\n"
		"tokens. Only root may watch sessions, requests and tokens.",
	.run = run_events,
};
