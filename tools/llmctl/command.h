/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMMAND_H
#define COMMAND_H

#include "backend.h"
#include "options.h"

/**
 * struct command - one command
 * @name: what it is called
 * @arguments: its operands and options, for the help
 * @summary: what it does, one line
 * @text: more of that, for its --help, or NULL
 * @session: whether it works on a session, and so with --host
 * @vocabulary: whether it needs of a model nothing but that, and so no weights
 * @context: whether it computes there, and so takes --ctx
 * @generates: whether it takes the options of generation.h
 * @run: does it: @argv holds the words after the command; returns the exit
 *	status
 */
struct command {
	const char *name;
	const char *arguments;
	const char *summary;
	const char *text;
	bool session;
	bool vocabulary;
	bool context;
	bool generates;
	int (*run)(const struct command *command, int argc, char **argv);
};

/* All of them, each in the file of its family. */
extern const struct command command_load;
extern const struct command command_unload;
extern const struct command command_ls;
extern const struct command command_ps;
extern const struct command command_info;
extern const struct command command_convert;
extern const struct command command_verify;
extern const struct command command_run;
extern const struct command command_chat;
extern const struct command command_tokenize;
extern const struct command command_detokenize;
extern const struct command command_score;
extern const struct command command_embed;
extern const struct command command_rerank;
extern const struct command command_bench;
extern const struct command command_requests;
extern const struct command command_submit;
extern const struct command command_cancel;
extern const struct command command_events;
extern const struct command command_publish;
extern const struct command command_subscribe;
extern const struct command command_topics;

/**
 * command_parse() - parses a command's words, and helps
 * @command: command
 * @options: options of its own, ended by OPTION_END
 * @argc: words
 * @argv: words
 * @operands: the operands
 * @least: operands there must be
 * @most: operands there may be, or -1
 * @status: exit status, where the command is over
 *
 * Return: whether the command goes on.
 */
bool command_parse(const struct command *command, const struct option *options, int argc,
		   char **argv, struct operands *operands, int least, int most, int *status);

/**
 * command_session() - opens the one session a command works on
 * @session: where the result goes
 * @error: reason of a failure
 *
 * The caller calls command_session_end(), also after a failure. From then on
 * interrupts are noted.
 *
 * Return: 0 or a negative errno.
 */
int command_session(struct session **session, struct llmctl_error *error);

/**
 * command_session_end() - closes what command_session() opened
 * @session: session, or NULL where there is none
 */
void command_session_end(struct session *session);

/**
 * command_end() - the exit status of a command that computed; reports a failure
 * @error: reason of a failure, or a code of 0
 */
int command_end(const struct llmctl_error *error);

/**
 * command_kv() - takes the value of --kv
 * @target: enum llmctl_kv
 * @text: the value
 *
 * Return: whether it is one of COMMAND_KV_VALUES.
 */
bool command_kv(void *target, const char *text);

/** COMMAND_KV_VALUES - what --kv can be. */
#define COMMAND_KV_VALUES "f16|q8_0|f32"

/* The option --kv, which sets an enum llmctl_kv. */
#define COMMAND_KV_OPTION(kv) {								\
	.kind = OPTION_CALL, .name = "kv", .target = (kv), .take = command_kv,		\
	.wanted = "f16, q8_0 or f32", .value = COMMAND_KV_VALUES,			\
	.help = "what sessions keep keys and values in;\n"				\
		"else f16, encoders f32",						\
}

/**
 * command_input() - a text that is an operand, or stdin where that is "-"
 * @operand: operand
 * @text: the text and a NUL, for free(3)
 * @length: bytes, at most LLM_MAX_TEXT
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
int command_input(const char *operand, char **text, size_t *length,
		  struct llmctl_error *error);

#endif /* COMMAND_H */
