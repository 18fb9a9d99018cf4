// SPDX-License-Identifier: GPL-2.0
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <llmctl_netlink.h>

#include "command.h"
#include "facts.h"
#include "json.h"
#include "size.h"
#include "utf8.h"

static const struct llmctl_bus_handlers no_handlers;

static void print_models(const struct llm_model_info *models, __u32 count)
{
	__u32 i;

	printf("%-24s %-8s %10s %8s %10s %10s %8s\n", "NAME", "ARCH", "PARAMETERS", "CONTEXT",
	       "SIZE", "MEMORY", "SESSIONS");
	for (i = 0; i < count; i++) {
		const char *arch = (const char *)models[i].architecture;
		int length = strlen(arch);

		/* An image says it, and may say anything. */
		printf("%-24s ", models[i].name);
		utf8_print(arch, length);
		printf("%*s %10s %8u %10s %10s %8u%s\n", length < 8 ? 8 - length : 0, "",
		       size_count(models[i].parameters).text, models[i].context_length,
		       size_bytes(models[i].size).text, size_bytes(models[i].memory).text,
		       models[i].sessions,
		       models[i].flags & LLM_MODEL_DEFAULT ? "  (default)" : "");
	}
}

static int run_ls(const struct command *command, int argc, char **argv)
{
	bool as_json = false;
	const struct option options[] = {
		{ OPTION_FLAG, "json", 0, &as_json, 0, 0, NULL, NULL, NULL, "as a JSON array" },
		{ .kind = OPTION_END },
	};
	struct llm_model_info *models = NULL;
	struct llmctl_error error = { 0 };
	struct llmctl_bus *bus = NULL;
	struct operands operands;
	__u32 count, i;
	int status;

	if (!command_parse(command, options, argc, argv, &operands, 0, 0, &status))
		return status;
	if (!llmctl_bus_open(&bus, &no_handlers, NULL, &error))
		llmctl_bus_models(bus, &models, &count, &error);
	llmctl_bus_close(bus);
	if (error.code)
		return report(&error);
	if (as_json) {
		json_array(NULL);
		for (i = 0; i < count; i++) {
			json_object(NULL);
			model_facts_json(&models[i]);
			json_object_end();
		}
		json_array_end();
	} else {
		print_models(models, count);
	}
	free(models);
	return EXIT_OK;
}

const struct command command_ls = {
	.name = "ls",
	.arguments = "[--json]",
	.summary = "lists the models that are loaded",
	.run = run_ls,
};

static void session_json(const struct llm_session_info *info)
{
	json_object(NULL);
	json_whole("id", info->id);
	json_text("model", (const char *)info->model);
	json_whole("pid", info->pid);
	json_whole("uid", info->uid);
	json_text("state", session_state(info->state));
	json_text("reason", session_reason(info->reason));
	json_whole("context", info->context);
	json_whole("used", info->used);
	json_whole("memory", info->memory);
	json_whole("tokens_in", info->tokens_in);
	json_whole("tokens_out", info->tokens_out);
	json_number("queued_ms", info->queued_ns / 1e6);
	json_number("first_token_ms", info->first_token_ns / 1e6);
	json_number("cpu_ms", info->cpu_ns / 1e6);
	json_object_end();
}

static void print_session(const struct llm_session_info *info)
{
	struct passwd *user = getpwuid(info->uid);
	char number[16];

	snprintf(number, sizeof(number), "%u", info->uid);
	printf("%6llu %8u %-12s %-20s %-7s %7u %7u %8llu %8llu %10s %9.2f\n",
	       info->id, info->pid, user ? user->pw_name : number,
	       info->model[0] ? (const char *)info->model : "-", session_state(info->state),
	       info->used, info->context, info->tokens_in, info->tokens_out,
	       size_bytes(info->memory).text, info->cpu_ns / 1e9);
}

static int run_ps(const struct command *command, int argc, char **argv)
{
	bool as_json = false;
	const struct option options[] = {
		{ OPTION_FLAG, "json", 0, &as_json, 0, 0, NULL, NULL, NULL, "as a JSON array" },
		{ .kind = OPTION_END },
	};
	struct llm_session_info *sessions = NULL;
	struct llmctl_error error = { 0 };
	struct llmctl_bus *bus = NULL;
	struct operands operands;
	__u32 count, i;
	int status;

	if (!command_parse(command, options, argc, argv, &operands, 0, 0, &status))
		return status;
	if (!llmctl_bus_open(&bus, &no_handlers, NULL, &error))
		llmctl_bus_sessions(bus, &sessions, &count, &error);
	llmctl_bus_close(bus);
	if (error.code)
		return report(&error);
	if (as_json) {
		json_array(NULL);
		for (i = 0; i < count; i++)
			session_json(&sessions[i]);
		json_array_end();
	} else {
		printf("%6s %8s %-12s %-20s %-7s %7s %7s %8s %8s %10s %9s\n", "ID", "PID", "USER",
		       "MODEL", "STATE", "USED", "CONTEXT", "IN", "OUT", "MEMORY", "CPU");
		for (i = 0; i < count; i++)
			print_session(&sessions[i]);
	}
	free(sessions);
	return EXIT_OK;
}

const struct command command_ps = {
	.name = "ps",
	.arguments = "[--json]",
	.summary = "lists sessions: your own, or as root everybody's",
	.run = run_ps,
};
