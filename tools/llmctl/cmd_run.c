// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "facts.h"
#include "generation.h"
#include "interrupt.h"
#include "json.h"

/**
 * struct run - one completion
 * @raw: no chat template
 * @as_json: one JSON object
 * @last: last byte that was shown, or a newline
 * @reply: the reply, with @as_json
 * @reply_length: bytes of it
 */
struct run {
	bool raw;
	bool as_json;
	char last;
	char *reply;
	size_t reply_length;
};

static int show(void *data, const char *bytes, size_t length, struct llmctl_error *error)
{
	struct run *run = data;
	char *grown;

	run->last = bytes[length - 1];
	if (!run->as_json) {
		if (fwrite(bytes, 1, length, stdout) != length || fflush(stdout))
			return refuse(error, errno, "standard output: %s", strerror(errno));
		return 0;
	}
	grown = realloc(run->reply, run->reply_length + length);
	if (!grown)
		return refuse(error, ENOMEM, "not enough memory");
	memcpy(grown + run->reply_length, bytes, length);
	run->reply = grown;
	run->reply_length += length;
	return 0;
}

static int print_json(struct run *run, struct session *session, struct llmctl_error *error)
{
	struct llm_session_info status;
	int ret;

	ret = session->ops->status(session, &status, error);
	if (ret)
		return ret;
	json_object(NULL);
	json_bytes("reply", run->reply ? run->reply : "", run->reply_length);
	json_text("reason", session_reason(status.reason));
	json_whole("tokens_in", status.tokens_in);
	json_whole("tokens_out", status.tokens_out);
	json_whole("seed", status.seed);
	json_number("first_token_ms", status.first_token_ns / 1e6);
	json_number("cpu_ms", status.cpu_ns / 1e6);
	json_object_end();
	return 0;
}

static int complete(struct run *run, const char *operand, struct llmctl_error *error)
{
	struct session *session = NULL;
	char *text = NULL;
	size_t length;
	int ret;

	ret = command_input(operand, &text, &length, error);
	if (!ret)
		ret = command_session(&session, error);
	if (!ret)
		ret = generation_setup(session, run->raw, error);
	if (!ret)
		ret = session->ops->prompt(session, text, length, error);
	if (!ret)
		ret = generation_reply(session, show, run, error);
	if (!run->as_json && run->last != '\n' && isatty(STDOUT_FILENO))
		putchar('\n');
	if (!ret && run->as_json)
		ret = print_json(run, session, error);
	command_session_end(session);
	free(text);
	return ret;
}

static int run_run(const struct command *command, int argc, char **argv)
{
	static struct run run = { .last = '\n' };
	static const struct option options[] = {
		{ OPTION_FLAG, "raw", 0, &run.raw, 0, 0, NULL, NULL, NULL,
		  "the prompt as it is, not as a message in\nthe chat template" },
		{ OPTION_FLAG, "json", 0, &run.as_json, 0, 0, NULL, NULL, NULL,
		  "one JSON object, at the end" },
		{ .kind = OPTION_END },
	};
	struct llmctl_error error = { 0 };
	struct operands operands;
	int status;

	if (!command_parse(command, options, argc, argv, &operands, 1, 1, &status))
		return status;
	complete(&run, operands.values[0], &error);
	free(run.reply);
	return command_end(&error);
}

const struct command command_run = {
	.name = "run",
	.arguments = "[OPTION...] PROMPT|-",
	.summary = "replies to a prompt, or completes it",
	.text = "Where the model has a chat template the prompt is a message of the user, but with\n"
		"--raw or without a template a text that goes on.\n"
		"The reply only, as it is made, to standard output; with a newline at its end\n"
		"only on a terminal. With - the prompt is read from standard input.\n"
		"An interrupt ends the reply.",
	.session = true,
	.context = true,
	.generates = true,
	.run = run_run,
};
