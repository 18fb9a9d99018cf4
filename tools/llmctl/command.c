// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "generation.h"
#include "interrupt.h"

static void print_help(const struct command *command, const struct option *const *tables)
{
	printf("llmctl %s%s %s\n", command->session ? "[--host] " : "", command->name,
	       command->arguments);
	printf("\n%s\n", command->summary);
	if (command->text)
		printf("\n%s\n", command->text);
	printf("\n");
	options_help(tables);
}

bool command_parse(const struct command *command, const struct option *options, int argc,
		   char **argv, struct operands *operands, int least, int most, int *status)
{
	const struct option *tables[5] = { NULL };
	int count = 0;

	if (command->session)
		tables[count++] = backend_options;
	if (command->context)
		tables[count++] = backend_context_options;
	if (command->generates)
		tables[count++] = generation_options;
	tables[count] = options;
	if (!options_parse(tables, argc, argv, operands)) {
		*status = EXIT_USAGE;
		return false;
	}
	if (operands->help) {
		print_help(command, tables);
		*status = EXIT_OK;
		return false;
	}
	if (operands->count < least || (most >= 0 && operands->count > most)) {
		*status = usage_error("usage: llmctl %s %s", command->name, command->arguments);
		return false;
	}
	*status = EXIT_USAGE;
	return !command->session || backend_check(command->vocabulary);
}

int command_session(struct session **session, struct llmctl_error *error)
{
	int ret = backend_open(error);

	if (!ret)
		ret = backend_session(session, error);
	if (!ret)
		interrupt_catch();
	return ret;
}

void command_session_end(struct session *session)
{
	if (session)
		session->ops->close(session);
	backend_close();
}

int command_end(const struct llmctl_error *error)
{
	if (error->code && error->code != EINTR)
		return report(error);
	return interrupted() ? EXIT_INTERRUPTED : EXIT_OK;
}

static int read_stdin(char **text, size_t *length, struct llmctl_error *error)
{
	/* A byte more than is allowed shows that there is more, another is the NUL. */
	char *bytes = malloc(LLM_MAX_TEXT + 2);

	if (!bytes)
		return refuse(error, ENOMEM, "not enough memory");
	*length = fread(bytes, 1, LLM_MAX_TEXT + 1, stdin);
	if (ferror(stdin))
		refuse(error, errno ? errno : EIO, "standard input: %s", strerror(errno));
	else if (*length > LLM_MAX_TEXT)
		refuse(error, E2BIG, "standard input: the text is longer than %u bytes",
		       LLM_MAX_TEXT);
	if (error->code) {
		free(bytes);
		return -error->code;
	}
	bytes[*length] = '\0';
	*text = bytes;
	return 0;
}

bool command_kv(void *target, const char *text)
{
	static const struct {
		const char *name;
		enum llmctl_kv kv;
	} formats[] = {
		{ "f16", LLMCTL_KV_F16 },
		{ "q8_0", LLMCTL_KV_Q8_0 },
		{ "f32", LLMCTL_KV_F32 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		if (!strcmp(text, formats[i].name)) {
			*(enum llmctl_kv *)target = formats[i].kv;
			return true;
		}
	}
	return false;
}

int command_input(const char *operand, char **text, size_t *length, struct llmctl_error *error)
{
	if (!strcmp(operand, "-"))
		return read_stdin(text, length, error);
	*length = strlen(operand);
	if (*length > LLM_MAX_TEXT)
		return refuse(error, E2BIG, "the text is longer than %u bytes", LLM_MAX_TEXT);
	*text = strdup(operand);
	return *text ? 0 : refuse(error, ENOMEM, "not enough memory");
}
