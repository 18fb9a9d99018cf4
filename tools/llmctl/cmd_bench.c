// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "command.h"
#include "interrupt.h"
#include "json.h"

/* Sessions a generation may take: some replies end by themselves too early. */
#define MAX_ATTEMPTS 32
/* Bytes of text a token of a prompt is made from; what is too much is cut. */
#define BYTES_PER_TOKEN 8

/**
 * struct bench - what is measured
 * @prompt_tokens: length of the prompt
 * @made_tokens: length of the generation
 * @repeats: how often each is measured
 */
struct bench {
	__u64 prompt_tokens;
	__u64 made_tokens;
	__u64 repeats;
};

/**
 * struct sample - one measurement
 * @tokens: tokens
 * @seconds: what they took
 */
struct sample {
	double tokens;
	double seconds;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Words of random letters: the same ones each time, and no two alike in a row. */
static char *make_words(size_t length)
{
	__u64 state = 0x9e3779b97f4a7c15;
	char *text = malloc(length + 1);
	size_t i;

	if (!text)
		return NULL;
	for (i = 0; i < length; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		text[i] = state % 6 ? 'a' + state / 6 % 26 : ' ';
	}
	text[length] = '\0';
	return text;
}

/* A text of about so many tokens: how many it is shows when it is computed. */
static int make_prompt(struct session *session, __u64 count, char **prompt,
		       struct llmctl_error *error)
{
	__u32 *tokens, made, length;
	char *words;
	int ret;

	words = make_words(count * BYTES_PER_TOKEN);
	if (!words)
		return refuse(error, ENOMEM, "not enough memory");
	ret = session->ops->tokenize(session, words, strlen(words), 0, &tokens, &made, error);
	free(words);
	if (ret)
		return ret;
	if (made > count)
		made = count;
	ret = session->ops->detokenize(session, tokens, made, 0, prompt, &length, error);
	free(tokens);
	return ret;
}

/* One generation: how long it took, and what its session says of it. */
static int generate(__u64 prompt_tokens, __u64 max_tokens, struct llm_session_info *status,
		    double *seconds, struct llmctl_error *error)
{
	struct llm_session_setup setup = {
		.set = LLM_SETUP_MAX_TOKENS | LLM_SETUP_RAW, .max_tokens = max_tokens, .raw = 1,
	};
	struct session *session;
	char *prompt = NULL, buffer[4096];
	ssize_t got;
	int ret;

	ret = backend_session(&session, error);
	if (ret)
		return ret;
	ret = session->ops->setup(session, &setup, error);
	if (!ret)
		ret = make_prompt(session, prompt_tokens, &prompt, error);
	*seconds = now();
	if (!ret)
		ret = session->ops->prompt(session, prompt, strlen(prompt), error);
	while (!ret && (got = session->ops->reply(session, buffer, sizeof(buffer), error)))
		ret = got < 0 ? got : 0;
	*seconds = now() - *seconds;
	if (!ret)
		ret = session->ops->status(session, status, error);
	session->ops->close(session);
	free(prompt);
	return ret;
}

static int measure_prompt(struct bench *bench, struct sample *sample, struct llmctl_error *error)
{
	struct llm_session_info status;
	double seconds;
	int ret;

	/* One less for the token that begins a text. */
	ret = generate(bench->prompt_tokens - 1, 1, &status, &seconds, error);
	if (ret)
		return ret;
	sample->tokens = status.tokens_in;
	sample->seconds = status.first_token_ns / 1e9;
	return 0;
}

static int measure_made(struct bench *bench, struct sample *sample, struct llmctl_error *error)
{
	struct llm_session_info status;
	double seconds;
	int attempts, ret;

	*sample = (struct sample) { 0 };
	for (attempts = 0; attempts < MAX_ATTEMPTS && sample->tokens < bench->made_tokens;
	     attempts++) {
		/* The first token belongs to the prompt. */
		ret = generate(1, bench->made_tokens - sample->tokens + 1, &status, &seconds,
			       error);
		if (ret)
			return ret;
		if (status.tokens_out < 2)
			continue;
		sample->tokens += status.tokens_out - 1;
		sample->seconds += seconds - status.first_token_ns / 1e9;
	}
	if (!sample->tokens)
		return refuse(error, ENODATA, "the model ends every reply at once");
	return 0;
}

static int measure(struct bench *bench, const char *name, __u64 tokens,
		   int (*once)(struct bench *, struct sample *, struct llmctl_error *),
		   bool as_json, struct llmctl_error *error)
{
	double sum = 0, squares = 0, rate, mean, deviation, count = 0;
	struct sample sample;
	__u64 i;
	int ret;

	if (!tokens)
		return 0;
	/* The first run warms caches and is not counted. */
	for (i = 0; i <= bench->repeats; i++) {
		ret = once(bench, &sample, error);
		if (ret)
			return ret;
		if (!i)
			continue;
		rate = sample.tokens / sample.seconds;
		sum += rate;
		squares += rate * rate;
		count += sample.tokens;
	}
	mean = sum / bench->repeats;
	deviation = bench->repeats < 2 ? 0 :
		    sqrt(fmax(0, squares - sum * mean) / (bench->repeats - 1));
	if (as_json) {
		json_object(NULL);
		json_text("test", name);
		json_whole("tokens", round(count / bench->repeats));
		json_whole("repeats", bench->repeats);
		json_number("tokens_per_second", mean);
		json_number("deviation", deviation);
		json_object_end();
	} else {
		printf("%s%-6.0f %12.2f tokens/s +- %.2f\n", name, round(count / bench->repeats),
		       mean, deviation);
		fflush(stdout);
	}
	return 0;
}

static int check_context(struct bench *bench, struct llmctl_error *error)
{
	struct llm_model_info model;
	struct session *session;
	int ret;

	ret = backend_session(&session, error);
	if (ret)
		return ret;
	ret = session->ops->model(session, &model, error);
	session->ops->close(session);
	if (ret)
		return ret;
	/* A token for the space before the text and one that is made. */
	if (bench->prompt_tokens + 2 > model.context_length)
		bench->prompt_tokens = model.context_length > 3 ? model.context_length - 2 : 1;
	if (bench->made_tokens + 4 > model.context_length)
		bench->made_tokens = model.context_length > 5 ? model.context_length - 4 : 1;
	return 0;
}

static int run_all(struct bench *bench, bool as_json, struct llmctl_error *error)
{
	int ret;

	ret = backend_open(error);
	if (!ret)
		ret = check_context(bench, error);
	interrupt_catch();
	if (!ret) {
		if (as_json)
			json_array(NULL);
		ret = measure(bench, "pp", bench->prompt_tokens, measure_prompt, as_json, error);
		if (!ret)
			ret = measure(bench, "tg", bench->made_tokens, measure_made, as_json,
				      error);
		if (as_json)
			json_array_end();
	}
	backend_close();
	return ret;
}

static int run_bench(const struct command *command, int argc, char **argv)
{
	static struct bench bench = {
		.prompt_tokens = 512, .made_tokens = 128, .repeats = 5,
	};
	static bool as_json;
	static const struct option options[] = {
		{ OPTION_WHOLE, "prompt", 'p', &bench.prompt_tokens, 0, 65536, NULL, NULL, "N",
		  "tokens of the prompt; default 512,\n0: is not measured" },
		{ OPTION_WHOLE, "generate", 'n', &bench.made_tokens, 0, 65536, NULL, NULL, "N",
		  "tokens to generate; default 128,\n0: is not measured" },
		{ OPTION_WHOLE, "repeat", 'r', &bench.repeats, 1, 1000, NULL, NULL, "N",
		  "how often each is measured; default 5" },
		{ OPTION_FLAG, "json", 0, &as_json, 0, 0, NULL, NULL, NULL, "a JSON array" },
		{ .kind = OPTION_END },
	};
	struct llmctl_error error = { 0 };
	struct operands operands;
	int status;

	if (!command_parse(command, options, argc, argv, &operands, 0, 0, &status))
		return status;
	run_all(&bench, as_json, &error);
	if (interrupted())
		return EXIT_INTERRUPTED;
	return error.code ? report(&error) : EXIT_OK;
}

const struct command command_bench = {
	.name = "bench",
	.arguments = "[OPTION...]",
	.summary = "measures the speed of prompts (pp) and of generation (tg)",
	.text = "Both are measured in sessions of their own, a prompt from its start to the first\n"
		"token, a generation from its first token to its last. Where the context is\n"
		"shorter than asked for, they are shortened.",
	.session = true,
	.run = run_bench,
};
