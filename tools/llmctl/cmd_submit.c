// SPDX-License-Identifier: GPL-2.0
/* Requests over netlink: submit, cancel. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <llmctl_netlink.h>

#include "command.h"
#include "facts.h"
#include "interrupt.h"
#include "macros.h"

/**
 * struct submit - requests under way
 * @left: how many
 * @cancelled: whether one was cancelled
 * @several: whether there is more than one prompt, so that lines tell whose they are
 * @sessions: those of the requests that are over
 * @session_count: how many
 */
struct submit {
	int left;
	bool cancelled;
	bool several;
	__u64 *sessions;
	int session_count;
};

static void show(void *data, __u32 id, const void *bytes, size_t length)
{
	const struct submit *submit = data;

	if (submit->several)
		printf("%u: ", id);
	fwrite(bytes, 1, length, stdout);
	if (submit->several)
		putchar('\n');
	fflush(stdout);
}

static void finish(void *data, const struct llmctl_done *done)
{
	struct submit *submit = data;

	submit->left--;
	submit->sessions[submit->session_count++] = done->session;
	submit->cancelled |= done->reason == LLM_REASON_CANCELLED;
	if (!submit->several)
		putchar('\n');
	fprintf(stderr, "request %u: %s, %u tokens in, %u out\n", done->id,
		session_reason(done->reason), done->tokens_in, done->tokens_out);
}

static int wait_all(struct llmctl_bus *bus, struct submit *submit, struct llmctl_error *error)
{
	int ret = llmctl_bus_receive(bus, error);

	/* Closing the bus ends what is under way. */
	while (!ret && submit->left && !interrupted()) {
		interrupt_poll(llmctl_bus_fd(bus));
		ret = llmctl_bus_receive(bus, error);
	}
	return ret;
}

static int submit_all(struct llmctl_bus *bus, struct submit *submit,
		      struct llmctl_submission *submission, const struct operands *operands,
		      struct llmctl_error *error)
{
	int i, ret = 0;
	__u32 id;

	for (i = 0; !ret && i < operands->count; i++) {
		char *text;

		ret = command_input(operands->values[i], &text, &submission->length, error);
		if (ret)
			break;
		submission->text = text;
		ret = llmctl_bus_submit(bus, submission, &id, NULL, error);
		free(text);
		if (!ret && submit->several)
			fprintf(stderr, "request %u: submitted\n", id);
		submit->left += !ret;
	}
	return ret ? ret : wait_all(bus, submit, error);
}

/* The sessions are another socket's from then on, and outlive this one. */
static int give_all(struct llmctl_bus *bus, const struct submit *submit, __u32 port,
		    struct llmctl_error *error)
{
	int i, ret = 0;

	for (i = 0; !ret && i < submit->session_count; i++) {
		ret = llmctl_bus_give(bus, submit->sessions[i], port, error);
		if (!ret)
			fprintf(stderr, "session %llu: given to %u\n", submit->sessions[i], port);
	}
	return ret;
}

static bool take_priority(void *target, const char *text)
{
	static const char *const levels[] = {
		[LLM_PRIORITY_LOW] = "low",
		[LLM_PRIORITY_NORMAL] = "normal",
		[LLM_PRIORITY_HIGH] = "high",
	};
	struct llmctl_submission *submission = target;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(levels) && strcmp(text, levels[i]); i++)
		;
	submission->priority = 1;
	submission->level = i;
	return i < ARRAY_SIZE(levels);
}

static int run_submit(const struct command *command, int argc, char **argv)
{
	static const struct llmctl_bus_handlers handlers = { .token = show, .done = finish };
	struct llmctl_submission submission = { 0 };
	struct llm_sampling sampling = { 0 };
	const char *model = NULL;
	double temperature = NAN;
	bool raw = false;
	__u64 most = 0, deadline = 0, bytes = 0, wait = 0, port = 0, seed = OPTION_UNSET;
	const struct option options[] = {
		{ OPTION_TEXT, "model", 'm', &model, 0, 0, NULL, NULL, "MODEL",
		  "model (default: the default model)" },
		{ OPTION_WHOLE, "max", 'n', &most, 0, UINT32_MAX, NULL, NULL, "MAX",
		  "tokens of each reply at most (default: as many as fit)" },
		{ OPTION_NUMBER, "temp", 0, &temperature, 0, 100, NULL, NULL, "T",
		  "temperature (default 0.8); 0: the likeliest" },
		{ OPTION_WHOLE, "seed", 0, &seed, 0, 1ULL << 52, NULL, NULL, "SEED",
		  "start of the random numbers (default: random)" },
		{ OPTION_CALL, "priority", 0, &submission, 0, 0, take_priority,
		  "low, normal or high", "LEVEL",
		  "whose turn it is: low, normal (default) or, as root, high" },
		{ OPTION_WHOLE, "deadline", 0, &deadline, 0, 86400000, NULL, NULL, "MS",
		  "end each after so many milliseconds" },
		{ OPTION_WHOLE, "coalesce-bytes", 0, &bytes, 0, 8192, NULL, NULL, "BYTES",
		  "take so many bytes at once" },
		{ OPTION_WHOLE, "coalesce-ms", 0, &wait, 0, 60000, NULL, NULL, "MS",
		  "but wait no longer than that" },
		{ OPTION_WHOLE, "give", 0, &port, 1, UINT32_MAX, NULL, NULL, "PORT",
		  "hand the sessions over to the socket of this netlink port then" },
		{ OPTION_FLAG, "raw", 0, &raw, 0, 0, NULL, NULL, NULL,
		  "prompts as they are, without a chat template" },
		{ .kind = OPTION_END },
	};
	struct llmctl_error error = { 0 };
	struct llmctl_bus *bus = NULL;
	struct submit submit = { 0 };
	struct operands operands;
	int status;

	if (!command_parse(command, options, argc, argv, &operands, 1, -1, &status))
		return status;
	submit.several = operands.count > 1;
	submission.model = model;
	submission.max_tokens = most;
	submission.raw = raw;
	submission.keep = port != 0;
	submission.deadline_ms = deadline;
	submission.coalesce_bytes = bytes;
	submission.coalesce_ms = wait;
	submission.sampling = &sampling;
	if (!isnan(temperature)) {
		sampling.set |= LLM_SAMPLING_TEMPERATURE;
		sampling.temperature = llmctl_fixed(temperature);
	}
	if (seed != OPTION_UNSET) {
		sampling.set |= LLM_SAMPLING_SEED;
		sampling.seed = seed;
	}
	submit.sessions = calloc(operands.count, sizeof(*submit.sessions));
	if (!submit.sessions) {
		refuse(&error, ENOMEM, "not enough memory");
		return report(&error);
	}
	interrupt_catch();
	if (!llmctl_bus_open(&bus, &handlers, &submit, &error) &&
	    !submit_all(bus, &submit, &submission, &operands, &error) && port && !interrupted())
		give_all(bus, &submit, port, &error);
	llmctl_bus_close(bus);
	free(submit.sessions);
	if (interrupted())
		return EXIT_INTERRUPTED;
	if (error.code)
		return report(&error);
	return submit.cancelled ? EXIT_FAILED : EXIT_OK;
}

const struct command command_submit = {
	.name = "submit",
	.arguments = "[-m MODEL] [--raw] [-n MAX] [--temp T] [--seed SEED] [--priority LEVEL]\n"
		     "[--deadline MS] [--give PORT] PROMPT|-...",
	.summary = "completes prompts over netlink, all at once",
	.text = "Each prompt is a request of its own. With more than one,\n"
		"every line of output begins with the number of its request.",
	.run = run_submit,
};

static int run_cancel(const struct command *command, int argc, char **argv)
{
	static const struct llmctl_bus_handlers handlers = { 0 };
	const struct option options[] = { { .kind = OPTION_END } };
	struct llmctl_error error = { 0 };
	struct llmctl_bus *bus = NULL;
	struct operands operands;
	int i, status;
	__u64 id;

	if (!command_parse(command, options, argc, argv, &operands, 1, -1, &status))
		return status;
	llmctl_bus_open(&bus, &handlers, NULL, &error);
	for (i = 0; !error.code && i < operands.count; i++) {
		if (!parse_whole(operands.values[i], 1, INT32_MAX, &id)) {
			llmctl_bus_close(bus);
			return usage_error("'%s' is not the number of a request",
					   operands.values[i]);
		}
		llmctl_bus_cancel(bus, id, &error);
	}
	llmctl_bus_close(bus);
	return error.code ? report(&error) : EXIT_OK;
}

const struct command command_cancel = {
	.name = "cancel",
	.arguments = "REQUEST...",
	.summary = "ends requests that were submitted over netlink",
	.run = run_cancel,
};
