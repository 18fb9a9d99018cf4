// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "json.h"

/* A token's text has at most 1024 bytes. */
#define TOKENS_AT_ONCE	1024

/*
 * Without special tokens a text is still read as one that begins, with what the
 * model puts before it; so that which is there for an empty text is left out.
 */
static int tokenize_plain(struct session *session, const char *text, size_t length,
			  __u32 **tokens, __u32 *count, struct llmctl_error *error)
{
	__u32 *beginning, skipped, i;
	int ret;

	ret = session->ops->tokenize(session, "", 0, LLM_TOKENIZE_BOS, &beginning, &skipped,
				     error);
	if (ret)
		return ret;
	free(beginning);
	ret = session->ops->tokenize(session, text, length, LLM_TOKENIZE_BOS, tokens, count,
				     error);
	if (ret)
		return ret;
	*count -= skipped;
	for (i = 0; i < *count; i++)
		(*tokens)[i] = (*tokens)[i + skipped];
	return 0;
}

/* Tokens with their texts, of which so many together are no more than LLM_MAX_TEXT. */
static int print_texts(struct session *session, const __u32 *tokens, __u32 count,
		       struct llmctl_error *error)
{
	__u32 ends[TOKENS_AT_ONCE], i, length, from = 0;
	char *text;
	int ret;

	ret = session->ops->detokenize(session, tokens, count, LLM_TOKENIZE_SPECIAL, &text,
				       &length, ends, error);
	if (ret)
		return ret;
	for (i = 0; i < count; i++) {
		json_object(NULL);
		json_whole("token", tokens[i]);
		json_bytes("text", text + from, ends[i] - from);
		json_object_end();
		from = ends[i];
	}
	free(text);
	return 0;
}

static int print_tokens(struct session *session, const __u32 *tokens, __u32 count,
			bool as_json, struct llmctl_error *error)
{
	__u32 i, some;
	int ret = 0;

	if (!as_json) {
		for (i = 0; i < count; i++)
			printf("%s%u", i ? " " : "", tokens[i]);
		putchar('\n');
		return 0;
	}
	json_array(NULL);
	for (i = 0; i < count && !ret; i += some) {
		some = count - i < TOKENS_AT_ONCE ? count - i : TOKENS_AT_ONCE;
		ret = print_texts(session, tokens + i, some, error);
	}
	json_array_end();
	return ret;
}

static int tokenize(const char *operand, bool plain, bool as_json, struct llmctl_error *error)
{
	struct session *session = NULL;
	__u32 *tokens = NULL, count;
	char *text = NULL;
	size_t length;
	int ret;

	ret = command_input(operand, &text, &length, error);
	if (!ret)
		ret = command_session(&session, error);
	if (!ret && plain)
		ret = tokenize_plain(session, text, length, &tokens, &count, error);
	else if (!ret)
		ret = session->ops->tokenize(session, text, length,
					     LLM_TOKENIZE_BOS | LLM_TOKENIZE_SPECIAL, &tokens,
					     &count, error);
	if (!ret)
		ret = print_tokens(session, tokens, count, as_json, error);
	command_session_end(session);
	free(tokens);
	free(text);
	return ret;
}

static int run_tokenize(const struct command *command, int argc, char **argv)
{
	static bool plain, as_json;
	static const struct option options[] = {
		{ OPTION_FLAG, "no-special", 0, &plain, 0, 0, NULL, NULL, NULL,
		  "no token that begins a text, and control\ntokens in the text are text" },
		{ OPTION_FLAG, "json", 0, &as_json, 0, 0, NULL, NULL, NULL,
		  "a JSON array, with the tokens' texts" },
		{ .kind = OPTION_END },
	};
	struct llmctl_error error = { 0 };
	struct operands operands;
	int status;

	if (!command_parse(command, options, argc, argv, &operands, 1, 1, &status))
		return status;
	if (tokenize(operands.values[0], plain, as_json, &error))
		return report(&error);
	return EXIT_OK;
}

const struct command command_tokenize = {
	.name = "tokenize",
	.arguments = "[OPTION...] TEXT|-",
	.summary = "shows the tokens of a text",
	.session = true,
	.vocabulary = true,
	.run = run_tokenize,
};

/* Adds the numbers of a text, separated by spaces and commas. */
static bool add_numbers(char *text, __u32 **tokens, __u32 *count)
{
	char *word, *rest = text;
	__u64 token;
	__u32 *grown;

	while ((word = strsep(&rest, " \t\r\n,"))) {
		if (!*word)
			continue;
		if (!parse_whole(word, 0, UINT32_MAX, &token)) {
			usage_error("'%s' is not the number of a token", word);
			return false;
		}
		grown = realloc(*tokens, (*count + 1) * sizeof(**tokens));
		if (!grown) {
			usage_error("not enough memory");
			return false;
		}
		*tokens = grown;
		grown[(*count)++] = token;
	}
	return true;
}

static int detokenize(const __u32 *tokens, __u32 count, __u32 flags, struct llmctl_error *error)
{
	struct session *session = NULL;
	__u32 length;
	char *text;
	int ret;

	ret = command_session(&session, error);
	if (!ret)
		ret = session->ops->detokenize(session, tokens, count, flags, &text, &length,
					       NULL, error);
	if (!ret) {
		fwrite(text, 1, length, stdout);
		free(text);
	}
	command_session_end(session);
	return ret;
}

static int run_detokenize(const struct command *command, int argc, char **argv)
{
	static bool plain;
	static const struct option options[] = {
		{ OPTION_FLAG, "no-special", 0, &plain, 0, 0, NULL, NULL, NULL,
		  "control tokens have no text" },
		{ .kind = OPTION_END },
	};
	__u32 *tokens = NULL, count = 0;
	struct llmctl_error error = { 0 };
	struct operands operands;
	bool good = true;
	size_t length;
	char *text;
	int status, i;

	if (!command_parse(command, options, argc, argv, &operands, 1, -1, &status))
		return status;
	for (i = 0; i < operands.count && good; i++) {
		if (command_input(operands.values[i], &text, &length, &error))
			return report(&error);
		good = add_numbers(text, &tokens, &count);
		free(text);
	}
	if (good)
		detokenize(tokens, count, plain ? 0 : LLM_TOKENIZE_SPECIAL, &error);
	free(tokens);
	if (!good)
		return EXIT_USAGE;
	return error.code ? report(&error) : EXIT_OK;
}

const struct command command_detokenize = {
	.name = "detokenize",
	.arguments = "[OPTION...] TOKEN...|-",
	.summary = "shows the text of tokens",
	.session = true,
	.vocabulary = true,
	.run = run_detokenize,
};
