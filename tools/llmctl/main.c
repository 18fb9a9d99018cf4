// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

static const struct command *const commands[] = {
	&command_load, &command_unload, &command_info,
	&command_convert, &command_verify, &command_run, &command_chat, &command_tokenize,
	&command_detokenize, &command_score, &command_embed, &command_rerank, &command_bench,
#ifdef LLMCTL_NETLINK
	&command_ls, &command_ps, &command_requests, &command_submit, &command_cancel,
	&command_events, &command_publish, &command_subscribe, &command_topics,
#endif
};

static int print_help(void)
{
	size_t i;

	printf("llmctl [--host] COMMAND ...\n\n"
	       "Language models as a Linux device: controls and uses /dev/llm.\n\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-12s%s\n", commands[i]->name, commands[i]->summary);
	printf("\n"
	       "With --host the same engine computes in this process, without the module, on\n"
	       "the model file that -m gives: run, chat, tokenize, detokenize, score, embed,\n"
	       "rerank and bench.\n"
	       "'llmctl COMMAND --help' tells more of one command.\n"
	       "\n"
	       "Exit status: 0 done, 1 failed, 2 wrong command line, 130 interrupted.\n");
	return EXIT_OK;
}

static const struct command *find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int dispatch(int argc, char **argv)
{
	const struct command *command;
	bool host = false;
	int i = 1;

	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return print_help();
		if (strcmp(argv[i], "--host"))
			return usage_error("unknown option '%s'; options of a command follow it",
					   argv[i]);
		host = true;
	}
	if (i == argc)
		return usage_error("which command? 'llmctl --help' lists them");
	command = find(argv[i]);
	if (!command)
		return usage_error("unknown command '%s'; 'llmctl --help' lists those there are",
				   argv[i]);
	if (host && !command->session)
		return usage_error("'%s' does not work with --host", command->name);
	if (host)
		backend_use_host();
	return command->run(command, argc - i - 1, argv + i + 1);
}

int main(int argc, char **argv)
{
	int status = dispatch(argc, argv);

	/* A full disk shows only now. */
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "llmctl: standard output: %s\n", strerror(errno));
		return status ? status : EXIT_FAILED;
	}
	return status;
}
