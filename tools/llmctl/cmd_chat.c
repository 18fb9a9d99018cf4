// SPDX-License-Identifier: GPL-2.0
/* A conversation: on a terminal, or line by line from a pipe. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "generation.h"
#include "interrupt.h"

/**
 * struct talk - a conversation
 * @session: session, or NULL
 * @terminal: whether somebody types
 * @text: what was said last
 * @length: bytes of it
 * @room: bytes that fit there
 * @system: system message that was typed, or NULL
 * @last: last byte of the reply, or a newline
 */
struct talk {
	struct session *session;
	bool terminal;
	char *text;
	size_t length;
	size_t room;
	char *system;
	char last;
};

static int show(void *data, const char *bytes, size_t length, struct llmctl_error *error)
{
	struct talk *talk = data;

	if (fwrite(bytes, 1, length, stdout) != length || fflush(stdout)) {
		/* Whoever ends the reply does not mind what is lost of it. */
		if (errno != EINTR || !interrupted())
			return refuse(error, errno, "standard output: %s", strerror(errno));
		clearerr(stdout);
	}
	talk->last = bytes[length - 1];
	return 0;
}

static int check_model(struct session *session, struct llmctl_error *error)
{
	struct llm_model_info info;
	int ret = session->ops->model(session, &info, error);

	if (ret || generation_chat())
		return ret;
	if (!(info.flags & LLM_MODEL_CHAT))
		return refuse(error, EOPNOTSUPP,
			      "the model has no chat template; name one with --template, or complete text with 'llmctl run'");
	if (!info.chat[0])
		return refuse(error, EOPNOTSUPP,
			      "the model's chat template is not known; name one with --template, or complete text with 'llmctl run --raw'");
	return 0;
}

/* A conversation from its beginning. */
static int begin(struct talk *talk, struct llmctl_error *error)
{
	int ret;

	if (talk->session)
		talk->session->ops->close(talk->session);
	talk->session = NULL;
	ret = backend_session(&talk->session, error);
	if (!ret)
		ret = check_model(talk->session, error);
	return ret ? ret : generation_setup(talk->session, false, error);
}

static int append(struct talk *talk, const char *line, size_t count, struct llmctl_error *error)
{
	char *grown;

	if (talk->length + count > LLM_MAX_TEXT)
		return refuse(error, E2BIG, "the text is longer than %u bytes", LLM_MAX_TEXT);
	if (talk->length + count + 1 > talk->room) {
		talk->room = 2 * (talk->length + count + 1);
		grown = realloc(talk->text, talk->room);
		if (!grown)
			return refuse(error, ENOMEM, "not enough memory");
		talk->text = grown;
	}
	memcpy(talk->text + talk->length, line, count);
	talk->length += count;
	talk->text[talk->length] = '\0';
	return 0;
}

/* Ctrl-C while somebody types drops what was typed; the terminal forgot it already. */
static bool drop_line(struct talk *talk)
{
	if (!talk->terminal || !interrupted_by_key())
		return false;
	interrupt_clear();
	clearerr(stdin);
	talk->length = 0;
	puts("\n(Ctrl-D ends)");
	return true;
}

/*
 * What is said next: a line, or several where a backslash ends all but the last.
 * Returns 1, 0 at the end, or a negative errno.
 */
static int listen(struct talk *talk, struct llmctl_error *error)
{
	size_t room = 0;
	char *line = NULL;
	bool goes_on;
	ssize_t got;
	int ret = 0;

	talk->length = 0;
	do {
		if (talk->terminal) {
			fputs(talk->length ? ". " : "> ", stdout);
			fflush(stdout);
		}
		/* A terminal gives one line at a time, so none is waiting in the buffer. */
		got = -1;
		if (!talk->terminal || !interrupt_poll(STDIN_FILENO))
			got = getline(&line, &room, stdin);
		goes_on = got < 0 && drop_line(talk);
		if (goes_on)
			continue;
		if (got < 0)
			break;
		if (got && line[got - 1] == '\n')
			got--;
		goes_on = got && line[got - 1] == '\\';
		if (goes_on)
			line[got - 1] = '\n';
		ret = append(talk, line, got, error);
	} while (!ret && goes_on);
	free(line);
	if (!ret && got < 0 && ferror(stdin) && !interrupted())
		ret = refuse(error, errno, "standard input: %s", strerror(errno));
	return ret ? ret : got >= 0 || talk->length;
}

static int answer(struct talk *talk, struct llmctl_error *error)
{
	struct llm_session_info status = { 0 };
	int ret;

	ret = talk->session->ops->prompt(talk->session, talk->text, talk->length, error);
	if (ret)
		return ret;
	talk->last = '\n';
	ret = generation_reply(talk->session, show, talk, error);
	/* The key that ended it is shown after all of it. */
	if (talk->last != '\n' || (talk->terminal && interrupted()))
		putchar('\n');
	fflush(stdout);
	if (!ret)
		ret = talk->session->ops->status(talk->session, &status, error);
	if (!ret && status.reason == LLM_REASON_CONTEXT)
		fprintf(stderr,
			"llmctl: the context of %u tokens is full: begin anew%s, or use a longer --ctx\n",
			status.context, talk->terminal ? " with /clear" : "");
	return ret;
}

/* What begins with a slash. Returns 1, 0 for the end, or a negative errno. */
static int obey(struct talk *talk, struct llmctl_error *error)
{
	int ret;

	if (!strcmp(talk->text, "/exit"))
		return 0;
	if (!strncmp(talk->text, "/system ", 8)) {
		free(talk->system);
		talk->system = strdup(talk->text + 8);
		if (!talk->system)
			return refuse(error, ENOMEM, "not enough memory");
		generation_system(talk->system);
	} else if (strcmp(talk->text, "/clear")) {
		puts("/clear begins anew, /system TEXT begins anew with that system message, /exit or\n"
		     "Ctrl-D ends; Ctrl-C ends a reply or drops a line; a backslash at its end continues\n"
		     "a line.");
		return 1;
	}
	ret = begin(talk, error);
	return ret ? ret : 1;
}

/* Somebody who types can do better next time. */
static int forgive(const struct talk *talk, int ret, struct llmctl_error *error)
{
	if (!talk->terminal || (ret != -ENOSPC && ret != -E2BIG && ret != -ENODATA))
		return ret;
	report(error);
	*error = (struct llmctl_error) { 0 };
	return 1;
}

static int converse(struct talk *talk, struct llmctl_error *error)
{
	int ret = begin(talk, error);

	interrupt_catch();
	if (!ret)
		ret = 1;
	while (ret > 0) {
		ret = listen(talk, error);
		if (ret <= 0)
			break;
		if (!talk->length)
			continue;
		if (talk->terminal && *talk->text == '/') {
			ret = obey(talk, error);
			continue;
		}
		ret = forgive(talk, answer(talk, error), error);
		if (interrupted() && !talk->terminal)
			return ret;
		interrupt_clear();
		if (!ret)
			ret = 1;
	}
	return ret;
}

static int run_chat(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = { { .kind = OPTION_END } };
	struct llmctl_error error = { 0 };
	struct operands operands;
	struct talk talk = { 0 };
	int status;

	if (!command_parse(command, options, argc, argv, &operands, 0, 0, &status))
		return status;
	talk.terminal = isatty(STDIN_FILENO);
	if (!backend_open(&error))
		converse(&talk, &error);
	command_session_end(talk.session);
	free(talk.text);
	free(talk.system);
	if (talk.terminal)
		putchar('\n');
	return command_end(&error);
}

const struct command command_chat = {
	.name = "chat",
	.arguments = "[OPTION...]",
	.summary = "holds a conversation",
	.text = "On a terminal: /clear begins anew, /system TEXT begins anew with that system\n"
		"message, /exit or Ctrl-D ends, Ctrl-C ends a reply or drops a line. From a pipe\n"
		"each line is a message. In both a backslash at the end of a line continues it\n"
		"with the next.",
	.session = true,
	.context = true,
	.generates = true,
	.run = run_chat,
};
