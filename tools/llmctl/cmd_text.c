// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "json.h"

/*
 * Without special tokens a text is still read as one that begins, with what the
 * model puts before it; so that which is there for an empty text is left out.
 */
static int tokenize_plain(struct session *session, const char *text, size_t length,
			  uint32_t **tokens, uint32_t *count, struct llmctl_error *error)
{
	uint32_t *beginning, skipped, i;
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

static int print_tokens(struct session *session, const uint32_t *tokens, uint32_t count,
			bool as_json, struct llmctl_error *error)
{
	uint32_t i, length;
	char *text;
	int ret;

	if (!as_json) {
		for (i = 0; i < count; i++)
			printf("%s%u", i ? " " : "", tokens[i]);
		putchar('\n');
		return 0;
	}
	json_array(NULL);
	for (i = 0; i < count; i++) {
		ret = session->ops->detokenize(session, &tokens[i], 1, LLM_TOKENIZE_SPECIAL, &text,
					       &length, error);
		if (ret)
			return ret;
		json_object(NULL);
		json_whole("token", tokens[i]);
		json_bytes("text", text, length);
		json_object_end();
		free(text);
	}
	json_array_end();
	return 0;
}

static int tokenize(struct backend *backend, const char *operand, bool plain, bool as_json,
		    struct llmctl_error *error)
{
	struct session *session = NULL;
	uint32_t *tokens = NULL, count;
	char *text = NULL;
	size_t length;
	int ret;

	ret = command_input(operand, &text, &length, error);
	if (!ret)
		ret = command_session(backend, &session, error);
	if (!ret && plain)
		ret = tokenize_plain(session, text, length, &tokens, &count, error);
	else if (!ret)
		ret = session->ops->tokenize(session, text, length,
					     LLM_TOKENIZE_BOS | LLM_TOKENIZE_SPECIAL, &tokens,
					     &count, error);
	if (!ret)
		ret = print_tokens(session, tokens, count, as_json, error);
	if (session)
		session->ops->close(session);
	backend_close(backend);
	free(tokens);
	free(text);
	return ret;
}

static int run_tokenize(const struct command *command, bool host, int argc, char **argv)
{
	static struct backend backend = BACKEND_INIT;
	static bool plain, as_json;
	static const struct option options[] = {
		BACKEND_OPTIONS(&backend),
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
	if (!backend_choose(&backend, host))
		return EXIT_USAGE;
	if (tokenize(&backend, operands.values[0], plain, as_json, &error))
		return report(&error);
	return EXIT_OK;
}

const struct command command_tokenize = {
	.name = "tokenize",
	.arguments = "[OPTION...] TEXT|-",
	.summary = "shows the tokens of a text",
	.host = true,
	.run = run_tokenize,
};

/* Adds the numbers of a text, separated by spaces and commas. */
static bool add_numbers(char *text, uint32_t **tokens, uint32_t *count)
{
	char *word, *rest = text;
	uint64_t token;
	uint32_t *grown;

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

static int detokenize(struct backend *backend, const uint32_t *tokens, uint32_t count,
		      uint32_t flags, struct llmctl_error *error)
{
	struct session *session = NULL;
	uint32_t length;
	char *text;
	int ret;

	ret = command_session(backend, &session, error);
	if (!ret)
		ret = session->ops->detokenize(session, tokens, count, flags, &text, &length,
					       error);
	if (!ret) {
		fwrite(text, 1, length, stdout);
		free(text);
	}
	if (session)
		session->ops->close(session);
	backend_close(backend);
	return ret;
}

static int run_detokenize(const struct command *command, bool host, int argc, char **argv)
{
	static struct backend backend = BACKEND_INIT;
	static bool plain;
	static const struct option options[] = {
		BACKEND_OPTIONS(&backend),
		{ OPTION_FLAG, "no-special", 0, &plain, 0, 0, NULL, NULL, NULL,
		  "control tokens have no text" },
		{ .kind = OPTION_END },
	};
	uint32_t *tokens = NULL, count = 0;
	struct llmctl_error error = { 0 };
	struct operands operands;
	bool good = true;
	size_t length;
	char *text;
	int status, i;

	if (!command_parse(command, options, argc, argv, &operands, 1, -1, &status))
		return status;
	if (!backend_choose(&backend, host))
		return EXIT_USAGE;
	for (i = 0; i < operands.count && good; i++) {
		if (command_input(operands.values[i], &text, &length, &error))
			return report(&error);
		good = add_numbers(text, &tokens, &count);
		free(text);
	}
	if (good)
		detokenize(&backend, tokens, count, plain ? 0 : LLM_TOKENIZE_SPECIAL, &error);
	free(tokens);
	if (!good)
		return EXIT_USAGE;
	return error.code ? report(&error) : EXIT_OK;
}

const struct command command_detokenize = {
	.name = "detokenize",
	.arguments = "[OPTION...] TOKEN...|-",
	.summary = "shows the text of tokens",
	.host = true,
	.run = run_detokenize,
};
