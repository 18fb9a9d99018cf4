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
/* Numbers a list has at most. */
#define MAX_LIST 16
/* Positions beside what is asked for: a token before a text, and its first space. */
#define SLACK 2
/* Tokens read and made before anything is measured. */
#define WARM_UP 32

/**
 * struct list - numbers of a command line
 * @values: the numbers
 * @count: how many
 */
struct list {
	__u64 values[MAX_LIST];
	__u32 count;
};

/**
 * struct bench - what is measured
 * @prompt_tokens: length of the prompt
 * @made_tokens: length of a generation
 * @repeats: how often each is measured
 * @sessions: how many sessions generate at once
 * @contexts: tokens there are before a generation
 * @as_json: for programs
 * @longest: positions of the model's context
 */
struct bench {
	__u64 prompt_tokens;
	__u64 made_tokens;
	__u64 repeats;
	struct list sessions;
	struct list contexts;
	bool as_json;
	__u64 longest;
};

/**
 * struct test - one figure
 * @name: "pp" for the speed of prompts, "tg" for that of generations
 * @prompt: tokens of the prompt
 * @made: tokens to make in each session; 1 measures the prompt
 * @sessions: sessions at once
 * @context: whether there is a long text before the generation
 */
struct test {
	const char *name;
	__u64 prompt;
	__u64 made;
	__u32 sessions;
	bool context;
};

/**
 * struct sample - one measurement
 * @read: tokens of prompts
 * @made: tokens made after the first one of each session
 * @seconds: what @made took
 * @first: seconds to the first token of a session, the longest
 */
struct sample {
	double read;
	double made;
	double seconds;
	double first;
};

/**
 * struct sum - many measurements
 * @count: how many
 * @tokens: tokens a measurement had
 * @rate: tokens a second
 * @squares: of that
 * @first: seconds to the first token
 */
struct sum {
	double count;
	double tokens;
	double rate;
	double squares;
	double first;
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
	ret = session->ops->detokenize(session, tokens, made, 0, prompt, &length, NULL,
					error);
	free(tokens);
	return ret;
}

static int open_session(struct session **opened, const struct test *test,
			struct llmctl_error *error)
{
	struct llm_session_setup setup = {
		.set = LLM_SETUP_MAX_TOKENS | LLM_SETUP_CONTEXT | LLM_SETUP_RAW,
		.context = test->prompt + test->made + SLACK,
		.max_tokens = test->made,
		.raw = 1,
	};
	int ret;

	ret = backend_session(opened, error);
	if (ret)
		return ret;
	ret = (*opened)->ops->setup(*opened, &setup, error);
	if (ret)
		(*opened)->ops->close(*opened);
	return ret;
}

static int start_all(struct session **sessions, __u32 count, const char *prompt,
		     struct llmctl_error *error)
{
	int ret = 0;
	__u32 i;

	for (i = 0; !ret && i < count; i++)
		ret = sessions[i]->ops->prompt(sessions[i], prompt, strlen(prompt), error);
	return ret;
}

/* Adds what the sessions have done in @seconds. */
static int add_status(struct session **sessions, __u32 count, double seconds,
		      struct sample *sample, struct llmctl_error *error)
{
	struct llm_session_info status;
	double first = 0;
	int ret = 0;
	__u32 i;

	for (i = 0; !ret && i < count; i++) {
		ret = sessions[i]->ops->status(sessions[i], &status, error);
		if (ret)
			return ret;
		sample->read += status.tokens_in;
		if (status.tokens_out)
			sample->made += status.tokens_out - 1;
		first = fmax(first, status.first_token_ns / 1e9);
	}
	sample->seconds += seconds - first;
	sample->first = fmax(sample->first, first);
	return 0;
}

/* One generation of all sessions. */
static int generate(struct session **sessions, const struct test *test, struct sample *sample,
		    struct llmctl_error *error)
{
	char *prompt;
	double start;
	int ret;

	/* One less for the token that begins a text. */
	ret = make_prompt(sessions[0], test->prompt > 1 ? test->prompt - 1 : 1, &prompt, error);
	if (ret)
		return ret;
	start = now();
	ret = start_all(sessions, test->sessions, prompt, error);
	free(prompt);
	if (!ret)
		ret = sessions[0]->ops->together(sessions, test->sessions, error);
	if (ret)
		return ret;
	return add_status(sessions, test->sessions, now() - start, sample, error);
}

static int generate_once(const struct test *test, struct sample *sample,
			 struct llmctl_error *error)
{
	struct session *sessions[SESSIONS_TOGETHER];
	__u32 count = 0, i;
	int ret = 0;

	while (!ret && count < test->sessions) {
		ret = open_session(&sessions[count], test, error);
		if (!ret)
			count++;
	}
	if (!ret)
		ret = generate(sessions, test, sample, error);
	for (i = 0; i < count; i++)
		sessions[i]->ops->close(sessions[i]);
	return ret;
}

static int measure_once(const struct test *test, struct sample *sample,
			struct llmctl_error *error)
{
	/* A long text is not read again for a few more tokens. */
	double wanted = test->context ? 1 : (double)test->sessions * (test->made - 1);
	int attempts = 0, ret;

	*sample = (struct sample) { 0 };
	do {
		ret = generate_once(test, sample, error);
		if (ret)
			return ret;
	} while (sample->made < wanted && test->made > 1 && ++attempts < MAX_ATTEMPTS);
	if (test->made > 1 && !sample->made)
		return refuse(error, ENODATA, "the model ends every reply at once");
	return 0;
}

static void add_sample(struct sum *sum, const struct test *test, const struct sample *sample)
{
	double tokens = test->made > 1 ? sample->made : sample->read;
	double rate = tokens / (test->made > 1 ? sample->seconds : sample->first);

	sum->count++;
	sum->tokens += tokens;
	sum->rate += rate;
	sum->squares += rate * rate;
	sum->first += sample->first;
}

static void print_sum(const struct sum *sum, const struct test *test, bool as_json)
{
	double tokens = round(sum->tokens / sum->count), mean = sum->rate / sum->count;
	double deviation = sum->count < 2 ? 0 :
			   sqrt(fmax(0, sum->squares - sum->rate * mean) / (sum->count - 1));
	double first_ms = sum->first / sum->count * 1e3;
	char name[64];

	if (as_json) {
		json_object(NULL);
		json_text("test", test->name);
		json_whole("tokens", tokens);
		json_whole("sessions", test->sessions);
		json_whole("context", test->context ? test->prompt : 0);
		json_whole("repeats", sum->count);
		json_number("tokens_per_second", mean);
		json_number("deviation", deviation);
		json_number("first_token_ms", first_ms);
		json_object_end();
		return;
	}
	snprintf(name, sizeof(name), "%s%.0f", test->name, tokens / test->sessions);
	if (test->sessions > 1)
		snprintf(name + strlen(name), 16, "x%u", test->sessions);
	if (test->context)
		snprintf(name + strlen(name), 16, "@%llu", test->prompt);
	printf("%-12s %9.2f tokens/s +- %-8.2f first token after %9.2f ms\n", name, mean,
	       deviation, first_ms);
	fflush(stdout);
}

static int measure(const struct bench *bench, const struct test *test,
		   struct llmctl_error *error)
{
	struct sum sum = { 0 };
	struct sample sample;
	__u64 i;
	int ret;

	for (i = 0; i < bench->repeats; i++) {
		ret = measure_once(test, &sample, error);
		if (ret)
			return ret;
		add_sample(&sum, test, &sample);
	}
	print_sum(&sum, test, bench->as_json);
	return 0;
}

static int measure_sessions(const struct bench *bench, struct llmctl_error *error)
{
	struct test test = { .name = "tg", .prompt = 1, .made = bench->made_tokens + 1 };
	int ret = 0;
	__u32 i;

	for (i = 0; !ret && bench->made_tokens && i < bench->sessions.count; i++) {
		test.sessions = bench->sessions.values[i];
		ret = measure(bench, &test, error);
	}
	return ret;
}

static int measure_contexts(const struct bench *bench, struct llmctl_error *error)
{
	struct test test = {
		.name = "tg", .sessions = 1, .made = bench->made_tokens + 1, .context = true,
	};
	__u64 most = bench->longest - test.made - SLACK;
	int ret = 0;
	__u32 i;

	for (i = 0; !ret && bench->made_tokens && i < bench->contexts.count; i++) {
		test.prompt = bench->contexts.values[i];
		if (test.prompt > most)
			test.prompt = most;
		ret = measure(bench, &test, error);
	}
	return ret;
}

/* A short generation that is not counted, to have caches and threads awake. */
static int warm_up(const struct bench *bench, struct llmctl_error *error)
{
	const struct test test = {
		.prompt = bench->prompt_tokens < WARM_UP ? bench->prompt_tokens : WARM_UP,
		.made = bench->made_tokens < WARM_UP ? bench->made_tokens : WARM_UP,
		.sessions = 1,
	};
	struct sample sample;

	return test.made > 1 ? measure_once(&test, &sample, error) : 0;
}

static int measure_all(const struct bench *bench, struct llmctl_error *error)
{
	struct test prompt = {
		.name = "pp", .prompt = bench->prompt_tokens, .made = 1, .sessions = 1,
	};
	int ret = warm_up(bench, error);

	if (!ret && bench->prompt_tokens)
		ret = measure(bench, &prompt, error);
	if (!ret)
		ret = measure_sessions(bench, error);
	if (!ret)
		ret = measure_contexts(bench, error);
	return ret;
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
	bench->longest = model.context_length;
	if (bench->longest < 2 * SLACK + 2)
		return refuse(error, EINVAL, "a context of %llu positions is too short",
			      bench->longest);
	/* One more is made. */
	if (bench->prompt_tokens + 1 + SLACK > bench->longest)
		bench->prompt_tokens = bench->longest - 1 - SLACK;
	/* After a prompt of one token. */
	if (bench->made_tokens + 2 + SLACK > bench->longest)
		bench->made_tokens = bench->longest - 2 - SLACK;
	return 0;
}

static int run_all(struct bench *bench, struct llmctl_error *error)
{
	int ret;

	ret = backend_open(error);
	if (!ret)
		ret = check_context(bench, error);
	interrupt_catch();
	if (!ret) {
		if (bench->as_json)
			json_array(NULL);
		ret = measure_all(bench, error);
		if (bench->as_json)
			json_array_end();
	}
	backend_close();
	return ret;
}

/* Takes numbers from 1 to @most, with commas between them; "0" are none. */
static bool take_list(struct list *list, const char *text, __u64 most)
{
	char number[16];
	size_t length;

	list->count = 0;
	if (!strcmp(text, "0"))
		return true;
	for (;; text++) {
		length = strcspn(text, ",");
		if (length >= sizeof(number) || list->count == MAX_LIST)
			return false;
		memcpy(number, text, length);
		number[length] = '\0';
		if (!parse_whole(number, 1, most, &list->values[list->count++]))
			return false;
		text += length;
		if (!*text)
			return true;
	}
}

static bool take_sessions(void *target, const char *text)
{
	return take_list(target, text, SESSIONS_TOGETHER);
}

static bool take_contexts(void *target, const char *text)
{
	return take_list(target, text, 1 << 20);
}

static int run_bench(const struct command *command, int argc, char **argv)
{
	static struct bench bench = {
		.prompt_tokens = 512, .made_tokens = 128, .repeats = 5,
		.sessions = { .values = { 1, 8 }, .count = 2 },
	};
	static const struct option options[] = {
		{ OPTION_WHOLE, "prompt", 'p', &bench.prompt_tokens, 0, 65536, NULL, NULL, "N",
		  "tokens of the prompt; default 512,\n0: is not measured" },
		{ OPTION_WHOLE, "generate", 'n', &bench.made_tokens, 0, 65536, NULL, NULL, "N",
		  "tokens to generate; default 128,\n0: is not measured" },
		{ OPTION_WHOLE, "repeat", 'r', &bench.repeats, 1, 1000, NULL, NULL, "N",
		  "how often each is measured; default 5" },
		{ OPTION_CALL, "sessions", 0, &bench.sessions, 0, 0, take_sessions,
		  "numbers from 1 to 64, such as 1,2,4,8", "N,N...",
		  "sessions that generate at once; default\n1,8; 0: is not measured" },
		{ OPTION_CALL, "contexts", 0, &bench.contexts, 0, 0, take_contexts,
		  "numbers from 1 on, such as 128,4096", "N,N...",
		  "tokens there are before a generation;\ndefault none" },
		{ OPTION_FLAG, "json", 0, &bench.as_json, 0, 0, NULL, NULL, NULL,
		  "a JSON array" },
		{ .kind = OPTION_END },
	};
	struct llmctl_error error = { 0 };
	struct operands operands;
	int status;

	if (!command_parse(command, options, argc, argv, &operands, 0, 0, &status))
		return status;
	run_all(&bench, &error);
	return command_end(&error);
}

const struct command command_bench = {
	.name = "bench",
	.arguments = "[OPTION...]",
	.summary = "measures the speed of prompts (pp) and of generation (tg)",
	.text = "A prompt is measured from its start to the first token, a generation from its\n"
		"first token to its last: in one session, in several at once (tg128x8: all their\n"
		"tokens), and after a text (tg128@4096). Where the context is shorter than asked\n"
		"for, they are shortened.",
	.session = true,
	.run = run_bench,
};
