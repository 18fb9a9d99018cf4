// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "generation.h"

/**
 * struct generation - how replies are made
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
 * @system: system message, or NULL
 * @template: name of a chat template, or NULL for the model's
 */
struct generation {
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
	const char *system;
	const char *template;
};

/* A process runs one command. */
static struct generation generation = {
	.temperature = NAN, .top_p = NAN, .min_p = NAN,
	.repeat = NAN, .presence = NAN, .frequency = NAN,
	.top_k = OPTION_UNSET, .last_n = OPTION_UNSET, .seed = OPTION_UNSET,
};

static bool take_stop(void *target, const char *text)
{
	struct generation *g = target;
	size_t length = strlen(text);

	if (!length || length > LLM_MAX_STOP_LENGTH || g->stop_count == LLM_MAX_STOPS)
		return false;
	g->stops[g->stop_count++] = (struct llm_text) {
		.address = (uintptr_t)text,
		.length = length,
	};
	return true;
}

/* TOKEN, a sign, a number, as llama.cpp takes it. */
static bool take_bias(void *target, const char *text)
{
	struct generation *g = target;
	size_t digits = strspn(text, "0123456789");
	char number[11] = "";
	__u64 token;
	double bias;

	if (!digits || digits >= sizeof(number) || g->bias_count == LLM_MAX_BIASES)
		return false;
	memcpy(number, text, digits);
	if ((text[digits] != '+' && text[digits] != '-') ||
	    !parse_whole(number, 0, UINT32_MAX - 1, &token) ||
	    !parse_number(text + digits, -100, 100, &bias))
		return false;
	g->biases[g->bias_count++] = (struct llm_bias) {
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

static int set_sampling(const struct generation *g, struct session *session,
			struct llmctl_error *error)
{
	struct llm_sampling sampling = { 0 };

	set_number(&sampling, g->temperature, LLM_SAMPLING_TEMPERATURE, &sampling.temperature);
	set_number(&sampling, g->top_p, LLM_SAMPLING_TOP_P, &sampling.top_p);
	set_number(&sampling, g->min_p, LLM_SAMPLING_MIN_P, &sampling.min_p);
	set_number(&sampling, g->repeat, LLM_SAMPLING_REPEAT, &sampling.repeat);
	set_number(&sampling, g->presence, LLM_SAMPLING_PRESENCE, &sampling.presence);
	set_number(&sampling, g->frequency, LLM_SAMPLING_FREQUENCY, &sampling.frequency);
	if (g->top_k != OPTION_UNSET) {
		sampling.top_k = g->top_k;
		sampling.set |= LLM_SAMPLING_TOP_K;
	}
	if (g->last_n != OPTION_UNSET) {
		sampling.last_n = g->last_n;
		sampling.set |= LLM_SAMPLING_LAST_N;
	}
	if (g->seed != OPTION_UNSET) {
		sampling.seed = g->seed;
		sampling.set |= LLM_SAMPLING_SEED;
	}
	if (g->bias_count) {
		sampling.biases = (uintptr_t)g->biases;
		sampling.biases_count = g->bias_count;
		sampling.set |= LLM_SAMPLING_BIASES;
	}
	return sampling.set ? session->ops->sampling(session, &sampling, error) : 0;
}

static int set_session(const struct generation *g, struct session *session, bool raw,
		       struct llmctl_error *error)
{
	struct llm_session_setup setup = {
		.set = LLM_SETUP_MAX_TOKENS | LLM_SETUP_STOPS | LLM_SETUP_RAW | LLM_SETUP_SYSTEM,
		.max_tokens = g->max_tokens,
		.stops = (uintptr_t)g->stops,
		.stops_count = g->stop_count,
		.raw = raw,
		.system = (uintptr_t)g->system,
		.system_length = g->system ? strlen(g->system) : 0,
	};
	struct llm_image_chat chat;
	int ret;

	if (g->template) {
		ret = llmctl_chat(&chat, g->template, error);
		if (ret)
			return ret;
		setup.chat = (uintptr_t)&chat;
		setup.set |= LLM_SETUP_CHAT;
	}
	return session->ops->setup(session, &setup, error);
}

void generation_system(const char *text)
{
	generation.system = text;
}

bool generation_chat(void)
{
	return generation.template;
}

int generation_setup(struct session *session, bool raw, struct llmctl_error *error)
{
	int ret = set_session(&generation, session, raw, error);

	return ret ? ret : set_sampling(&generation, session, error);
}

int generation_reply(struct session *session, generation_show show, void *data,
		     struct llmctl_error *error)
{
	char buffer[4096];
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
			return got;
		ret = show(data, buffer, got, error);
		if (ret)
			return ret;
	}
}

const struct option generation_options[] = {
	{ OPTION_WHOLE, "max-tokens", 'n', &generation.max_tokens, 0, 4294967295, NULL, NULL,
	  "MAX",
	  "tokens to make; 0, which is the default:\nas many as fit the context" },
	{ OPTION_NUMBER, "temp", 0, &generation.temperature, 0, 100, NULL, NULL, "T",
	  "temperature; 0: always the likeliest\ntoken; default 0.8" },
	{ OPTION_WHOLE, "top-k", 0, &generation.top_k, 0, 4294967295, NULL, NULL, "K",
	  "only the K likeliest; 0: all; default 40" },
	{ OPTION_NUMBER, "top-p", 0, &generation.top_p, 0, 1, NULL, NULL, "P",
	  "only the likeliest that together have\nthis probability; default 0.95" },
	{ OPTION_NUMBER, "min-p", 0, &generation.min_p, 0, 1, NULL, NULL, "P",
	  "none less likely than this share of\nthe likeliest; default 0.05" },
	{ OPTION_NUMBER, "repeat-penalty", 0, &generation.repeat, 0.01, 10, NULL, NULL, "X",
	  "for tokens that were there; default 1" },
	{ OPTION_WHOLE, "repeat-last-n", 0, &generation.last_n, 0, 4096, NULL, NULL, "N",
	  "how many tokens back the penalties look;\ndefault 64" },
	{ OPTION_NUMBER, "presence-penalty", 0, &generation.presence, -10, 10, NULL, NULL, "X",
	  "for each token that was there; default 0" },
	{ OPTION_NUMBER, "frequency-penalty", 0, &generation.frequency, -10, 10, NULL, NULL, "X",
	  "for each time it was; default 0" },
	{ .kind = OPTION_CALL, .name = "logit-bias", .target = &generation, .take = take_bias,
	  .wanted = "the number of a token, a sign and a number up to 100",
	  .value = "TOKEN(+|-)BIAS",
	  .help = "added to the logit of a token, -100 to\n"
		  "100; -100 forbids it; can be repeated" },
	{ OPTION_WHOLE, "seed", 's', &generation.seed, 0, 0x1p64, NULL, NULL, "S",
	  "start of the random numbers; else random" },
	{ .kind = OPTION_CALL, .name = "stop", .target = &generation, .take = take_stop,
	  .wanted = "one of up to 16 strings of 1 to 256 bytes",
	  .value = "STRING",
	  .help = "the reply ends before this, 1 to 256\nbytes; up to 16 times" },
	{ OPTION_TEXT, "system", 0, &generation.system, 0, 0, NULL, NULL, "TEXT",
	  "system message that goes before" },
	{ OPTION_TEXT, "template", 0, &generation.template, 0, 0, NULL, NULL, "NAME",
	  "chat template by llama.cpp's name, such as\nllama3; else the model's" },
	{ .kind = OPTION_END },
};
