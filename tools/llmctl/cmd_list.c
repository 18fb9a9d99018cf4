// SPDX-License-Identifier: GPL-2.0
/* Lists of models, sessions and requests. */
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "facts.h"
#include "json.h"
#include "listing.h"
#include "size.h"
#include "utf8.h"

static int get_models(struct llmctl_bus *bus, void **entries, size_t *count,
		      struct llmctl_error *error)
{
	struct llm_model_info *models = NULL;
	__u32 found = 0;
	int ret = llmctl_bus_models(bus, &models, &found, error);

	*entries = models;
	*count = found;
	return ret;
}

static void print_models_head(void)
{
	printf("%-24s %-8s %10s %8s %10s %10s %8s\n", "NAME", "ARCH", "PARAMETERS", "CONTEXT",
	       "SIZE", "MEMORY", "SESSIONS");
}

static void print_model(const void *entry)
{
	const struct llm_model_info *info = entry;
	const char *arch = (const char *)info->architecture;
	int length = strlen(arch);

	/* An image says it, and may say anything. */
	printf("%-24s ", info->name);
	utf8_print(arch, length);
	printf("%*s %10s %8u %10s %10s %8u%s\n", length < 8 ? 8 - length : 0, "",
	       size_count(info->parameters).text, info->context_length,
	       size_bytes(info->size).text, size_bytes(info->memory).text, info->sessions,
	       info->flags & LLM_MODEL_DEFAULT ? "  (default)" : "");
}

static void model_json(const void *entry)
{
	model_facts_json(entry);
}

static int run_ls(const struct command *command, int argc, char **argv)
{
	static const struct listing models = {
		sizeof(struct llm_model_info), get_models, print_models_head, print_model,
		model_json,
	};

	return listing_run(&models, command, argc, argv);
}

const struct command command_ls = {
	.name = "ls",
	.arguments = "[--json]",
	.summary = "lists the models that are loaded",
	.run = run_ls,
};

static int get_sessions(struct llmctl_bus *bus, void **entries, size_t *count,
			struct llmctl_error *error)
{
	struct llm_session_info *sessions = NULL;
	__u32 found = 0;
	int ret = llmctl_bus_sessions(bus, &sessions, &found, error);

	*entries = sessions;
	*count = found;
	return ret;
}

static void session_json(const void *entry)
{
	const struct llm_session_info *info = entry;

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
}

static void print_sessions_head(void)
{
	printf("%6s %8s %-12s %-20s %-7s %7s %7s %8s %8s %10s %9s\n", "ID", "PID", "USER",
	       "MODEL", "STATE", "USED", "CONTEXT", "IN", "OUT", "MEMORY", "CPU");
}

/* The name of a user, or the number of one that has none here. */
struct user_name {
	char text[33];
};

static struct user_name user_name(__u32 uid)
{
	const struct passwd *user = getpwuid(uid);
	struct user_name name;

	if (user)
		snprintf(name.text, sizeof(name.text), "%s", user->pw_name);
	else
		snprintf(name.text, sizeof(name.text), "%u", uid);
	return name;
}

static void print_session(const void *entry)
{
	const struct llm_session_info *info = entry;

	printf("%6llu %8u %-12s %-20s %-7s %7u %7u %8llu %8llu %10s %9.2f\n",
	       info->id, info->pid, user_name(info->uid).text,
	       info->model[0] ? (const char *)info->model : "-", session_state(info->state),
	       info->used, info->context, info->tokens_in, info->tokens_out,
	       size_bytes(info->memory).text, info->cpu_ns / 1e9);
}

static int run_ps(const struct command *command, int argc, char **argv)
{
	static const struct listing sessions = {
		sizeof(struct llm_session_info), get_sessions, print_sessions_head,
		print_session, session_json,
	};

	return listing_run(&sessions, command, argc, argv);
}

const struct command command_ps = {
	.name = "ps",
	.arguments = "[--json]",
	.summary = "lists sessions: your own, or as root everybody's",
	.run = run_ps,
};

static int get_requests(struct llmctl_bus *bus, void **entries, size_t *count,
			struct llmctl_error *error)
{
	struct llmctl_request *requests = NULL;
	__u32 found = 0;
	int ret = llmctl_bus_requests(bus, &requests, &found, error);

	*entries = requests;
	*count = found;
	return ret;
}

static void request_json(const void *entry)
{
	const struct llmctl_request *request = entry;

	json_whole("id", request->id);
	json_whole("session", request->session);
	json_whole("uid", request->uid);
	json_text("state", session_state(request->state));
	json_whole("tokens_in", request->tokens_in);
	json_whole("tokens_out", request->tokens_out);
	json_whole("bytes", request->bytes);
	json_number("queued_ms", request->queued_ns / 1e6);
	json_number("first_token_ms", request->first_token_ns / 1e6);
	json_number("cpu_ms", request->cpu_ns / 1e6);
}

static void print_requests_head(void)
{
	printf("%10s %8s %-12s %-7s %8s %8s %10s %9s\n", "REQUEST", "SESSION", "USER", "STATE",
	       "IN", "OUT", "SENT", "CPU");
}

static void print_request(const void *entry)
{
	const struct llmctl_request *request = entry;

	printf("%10u %8llu %-12s %-7s %8u %8u %10s %9.2f\n", request->id, request->session,
	       user_name(request->uid).text, session_state(request->state), request->tokens_in,
	       request->tokens_out, size_bytes(request->bytes).text, request->cpu_ns / 1e9);
}

static int run_requests(const struct command *command, int argc, char **argv)
{
	static const struct listing requests = {
		sizeof(struct llmctl_request), get_requests, print_requests_head,
		print_request, request_json,
	};

	return listing_run(&requests, command, argc, argv);
}

const struct command command_requests = {
	.name = "requests",
	.arguments = "[--json]",
	.summary = "lists requests made over netlink: your own, or as root everybody's",
	.run = run_requests,
};
