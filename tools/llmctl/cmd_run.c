// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "facts.h"
#include "interrupt.h"
#include "json.h"

/**
 * struct run - one completion
 * @max_tokens: tokens to make, 0 for as many as fit
 * @temperature: NAN where it is not given, as all below
 * @top_p: share of probability
 * @min_p: share of the likeliest
 * @repeat: penalty
 * @presence: penalty
 * @frequency: penalty
 * @top_k: OPTION_UNSET where it is not given, as the two below
 * @last_n: how far the penalties look
 * @seed: start of the random numbers
 * @stops: stop strings
 * @stop_count: how many
 * @biases: logit biases
 * @bias_count: how many
 * @raw: no chat template
 * @as_json: one JSON object
 * @reply: the reply, with @as_json
 * @reply_length: bytes of it
 */
struct run {
	__u64 max_tokens;
	double temperature;
	double top_p;
	double min_p;
	double repeat;
	double presence;
	double frequency;
	__u64 top_k;
	__u64 last_n;
	__u64 seed;
	struct llm_text stops[LLM_MAX_STOPS];
	__u32 stop_count;
	struct llm_bias biases[LLM_MAX_BIASES];
	__u32 bias_count;
	bool raw;
	bool as_json;
	char *reply;
	size_t reply_length;
};

static bool take_stop(void *target, const char *text)
{
	struct run *run = target;
	size_t length = strlen(text);

	if (!length || length > LLM_MAX_STOP_LENGTH || run->stop_count == LLM_MAX_STOPS)
		return false;
	run->stops[run->stop_count++] = (struct llm_text) {
		.address = (uintptr_t)text,
		.length = length,
	};
	return true;
}

/* TOKEN, a sign, a number, as llama.cpp takes it. */
static bool take_bias(void *target, const char *text)
{
	struct run *run = target;
	size_t digits = strspn(text, "0123456789");
	char number[11] = "";
	__u64 token;
	double bias;

	if (!digits || digits >= sizeof(number) || run->bias_count == LLM_MAX_BIASES)
		return false;
	memcpy(number, text, digits);
	if ((text[digits] != '+' && text[digits] != '-') ||
	    !parse_whole(number, 0, UINT32_MAX - 1, &token) ||
	    !parse_number(text + digits, -100, 100, &bias))
		return false;
	run->biases[run->bias_count++] = (struct llm_bias) {
		.token = token,
		.bias = llmctl_fixed(bias),
	};
	return true;
}

static void set_number(struct llm_sampling *sampling, double value, __u32 flag, __s32 *field)
{
	if (isnan(value))
		return;
	*field = llmctl_fixed(value);
	sampling->set |= flag;
}

static int set_sampling(struct run *run, struct session *session, struct llmctl_error *error)
{
	struct llm_sampling sampling = { 0 };

	set_number(&sampling, run->temperature, LLM_SAMPLING_TEMPERATURE, &sampling.temperature);
	set_number(&sampling, run->top_p, LLM_SAMPLING_TOP_P, &sampling.top_p);
	set_number(&sampling, run->min_p, LLM_SAMPLING_MIN_P, &sampling.min_p);
	set_number(&sampling, run->repeat, LLM_SAMPLING_REPEAT, &sampling.repeat);
	set_number(&sampling, run->presence, LLM_SAMPLING_PRESENCE, &sampling.presence);
	set_number(&sampling, run->frequency, LLM_SAMPLING_FREQUENCY, &sampling.frequency);
	if (run->top_k != OPTION_UNSET) {
		sampling.top_k = run->top_k;
		sampling.set |= LLM_SAMPLING_TOP_K;
	}
	if (run->last_n != OPTION_UNSET) {
		sampling.last_n = run->last_n;
		sampling.set |= LLM_SAMPLING_LAST_N;
	}
	if (run->seed != OPTION_UNSET) {
		sampling.seed = run->seed;
		sampling.set |= LLM_SAMPLING_SEED;
	}
	if (run->bias_count) {
		sampling.biases = (uintptr_t)run->biases;
		sampling.biases_count = run->bias_count;
		sampling.set |= LLM_SAMPLING_BIASES;
	}
	return sampling.set ? session->ops->sampling(session, &sampling, error) : 0;
}

static int set_session(struct run *run, struct session *session, struct llmctl_error *error)
{
	struct llm_session_setup setup = {
		.set = LLM_SETUP_MAX_TOKENS | LLM_SETUP_STOPS,
		.max_tokens = run->max_tokens,
		.stops = (uintptr_t)run->stops,
		.stops_count = run->stop_count,
	};

	return session->ops->setup(session, &setup, error);
}

static int show(struct run *run, const char *bytes, size_t length, struct llmctl_error *error)
{
	char *grown;

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

/* What was made before an interrupt is shown too. */
static int stream(struct run *run, struct session *session, struct llmctl_error *error)
{
	char buffer[4096], last = '\n';
	ssize_t got;
	int ret;

	for (;;) {
		got = session->ops->reply(session, buffer, sizeof(buffer), error);
		if (got == -EINTR) {
			*error = (struct llmctl_error) { 0 };
			ret = session->ops->cancel(session, error);
			if (ret)
				return ret;
			continue;
		}
		if (got <= 0)
			break;
		ret = show(run, buffer, got, error);
		if (ret)
			return ret;
		last = buffer[got - 1];
	}
	if (!run->as_json && last != '\n' && isatty(STDOUT_FILENO))
		putchar('\n');
	return got;
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
		ret = set_session(run, session, error);
	if (!ret)
		ret = set_sampling(run, session, error);
	if (!ret)
		ret = session->ops->prompt(session, text, length, error);
	if (!ret)
		ret = stream(run, session, error);
	if (!ret && run->as_json)
		ret = print_json(run, session, error);
	if (session)
		session->ops->close(session);
	backend_close();
	free(text);
	return ret;
}

static int run_run(const struct command *command, int argc, char **argv)
{
	static struct run run = {
		.temperature = NAN, .top_p = NAN, .min_p = NAN,
		.repeat = NAN, .presence = NAN, .frequency = NAN,
		.top_k = OPTION_UNSET, .last_n = OPTION_UNSET, .seed = OPTION_UNSET,
	};
	static const struct option options[] = {
		{ OPTION_WHOLE, "max-tokens", 'n', &run.max_tokens, 0, 4294967295, NULL, NULL,
		  "MAX",
		  "tokens to make; 0, which is the default:\nas many as fit the context" },
		{ OPTION_NUMBER, "temp", 0, &run.temperature, 0, 100, NULL, NULL, "T",
		  "temperature; 0: always the likeliest\ntoken; default 0.8" },
		{ OPTION_WHOLE, "top-k", 0, &run.top_k, 0, 4294967295, NULL, NULL, "K",
		  "only the K likeliest; 0: all; default 40" },
		{ OPTION_NUMBER, "top-p", 0, &run.top_p, 0, 1, NULL, NULL, "P",
		  "only the likeliest that together have\nthis probability; default 0.95" },
		{ OPTION_NUMBER, "min-p", 0, &run.min_p, 0, 1, NULL, NULL, "P",
		  "none less likely than this share of\nthe likeliest; default 0.05" },
		{ OPTION_NUMBER, "repeat-penalty", 0, &run.repeat, 0.01, 10, NULL, NULL, "X",
		  "for tokens that were there; default 1" },
		{ OPTION_WHOLE, "repeat-last-n", 0, &run.last_n, 0, 4096, NULL, NULL, "N",
		  "how many tokens back the penalties look;\ndefault 64" },
		{ OPTION_NUMBER, "presence-penalty", 0, &run.presence, -10, 10, NULL, NULL, "X",
		  "for each token that was there; default 0" },
		{ OPTION_NUMBER, "frequency-penalty", 0, &run.frequency, -10, 10, NULL, NULL, "X",
		  "for each time it was; default 0" },
		{ .kind = OPTION_CALL, .name = "logit-bias", .target = &run, .take = take_bias,
		  .wanted = "the number of a token, a sign and a number up to 100",
		  .value = "TOKEN(+|-)BIAS",
		  .help = "added to the logit of a token, -100 to\n"
			  "100; -100 forbids it; can be repeated" },
		{ OPTION_WHOLE, "seed", 's', &run.seed, 0, 0x1p64, NULL, NULL, "S",
		  "start of the random numbers; else random" },
		{ .kind = OPTION_CALL, .name = "stop", .target = &run, .take = take_stop,
		  .wanted = "one of up to 16 strings of 1 to 256 bytes",
		  .value = "STRING",
		  .help = "the reply ends before this, 1 to 256\nbytes; up to 16 times" },
		{ OPTION_FLAG, "raw", 0, &run.raw, 0, 0, NULL, NULL, NULL,
		  "the prompt as it is, without a chat\ntemplate; so far none is applied anyway" },
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
	if (error.code && error.code != EINTR)
		return report(&error);
	return interrupted() ? EXIT_INTERRUPTED : EXIT_OK;
}

const struct command command_run = {
	.name = "run",
	.arguments = "[OPTION...] PROMPT|-",
	.summary = "completes a prompt",
	.text = "The reply only, as it is made, to standard output; with a newline at its end\n"
		"only on a terminal. With - the prompt is read from standard input.\n"
		"An interrupt ends the reply.",
	.session = true,
	.context = true,
	.run = run_run,
};
