// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "interrupt.h"
#include "json.h"
#include "utf8.h"

/**
 * struct totals - what was scored so far
 * @tokens: tokens
 * @scored: those that something predicted
 * @windows: pieces the text was cut into
 * @sum: of their log-probabilities
 */
struct totals {
	__u64 tokens;
	__u64 scored;
	__u64 windows;
	double sum;
};

/**
 * struct score - the scoring of one text
 * @session: session
 * @context: tokens that fit it
 * @guess: bytes that are likely to fit
 * @top: likeliest tokens that are shown beside each one
 * @as_json: for programs
 * @totals: what was scored so far
 */
struct score {
	struct session *session;
	__u32 context;
	size_t guess;
	__u32 top;
	bool as_json;
	struct totals totals;
};

/* Cuts after a line, else after a word, else between two characters. */
static size_t cut(const char *text, size_t length)
{
	const char *ends = "\n ";
	size_t at;

	for (; *ends; ends++)
		for (at = length; at > length - length / 4; at--)
			if (text[at - 1] == *ends)
				return at;
	for (at = length; at > 1 && (text[at] & 0xc0) == 0x80; at--)
		;
	return at;
}

/* The length of a beginning of the text that fits the context. */
static int fit(struct score *score, const char *text, size_t left, size_t *length,
	       struct llmctl_error *error)
{
	__u32 *tokens, count;
	int ret;

	*length = left <= score->guess ? left : cut(text, score->guess);
	for (;;) {
		ret = score->session->ops->tokenize(score->session, text, *length,
						    LLM_TOKENIZE_BOS, &tokens, &count, error);
		if (ret)
			return ret;
		free(tokens);
		if (count <= score->context)
			break;
		if (*length == 1)
			return refuse(error, ENOSPC, "the context of %u tokens is too short",
				      score->context);
		*length = cut(text, (size_t)((double)*length * score->context / count * 0.98) + 1);
	}
	if (*length < left)
		score->guess = *length + *length / 8;
	return 0;
}

/* The likeliest tokens in the place of one, beside it. */
static void print_top(const struct score *score, const struct llm_score_entry *top)
{
	__u32 i;

	if (score->as_json)
		json_array("top");
	for (i = 0; i < score->top && top[i].token != LLM_TOKEN_NONE; i++) {
		double logprob = top[i].logprob / (double)LLM_FIXED_ONE;

		if (score->as_json) {
			json_object(NULL);
			json_whole("token", top[i].token);
			json_number("logprob", logprob);
			json_object_end();
		} else {
			printf("  %u:%.4f", top[i].token, logprob);
		}
	}
	if (score->as_json)
		json_array_end();
}

/* The first token of a window is predicted by nothing. */
static int print_entry(struct score *score, const struct llm_score_entry *entry, bool first,
		       struct llmctl_error *error)
{
	double logprob = entry->logprob / (double)LLM_FIXED_ONE;
	__u32 length;
	char *text;
	int ret;

	ret = score->session->ops->detokenize(score->session, &entry->token, 1,
					      LLM_TOKENIZE_SPECIAL, &text, &length, NULL,
					      error);
	if (ret)
		return ret;
	if (score->as_json) {
		json_object(NULL);
		json_whole("token", entry->token);
		json_bytes("text", text, length);
		json_number("logprob", first ? NAN : logprob);
		if (score->top)
			print_top(score, entry + 1);
		json_object_end();
	} else {
		if (first)
			printf("%10s", "-");
		else
			printf("%10.4f", logprob);
		printf(" %8u  ", entry->token);
		utf8_print(text, length);
		print_top(score, entry + 1);
		putchar('\n');
	}
	free(text);
	return 0;
}

static int score_window(struct score *score, const char *text, size_t length,
			struct llmctl_error *error)
{
	struct llm_score_entry *entries;
	__u32 count, i;
	int ret;

	ret = score->session->ops->score(score->session, text, length, score->top,
					 LLM_TOKENIZE_BOS, &entries, &count, error);
	if (ret)
		return ret;
	for (i = 0; i < count && !ret; i += 1 + score->top) {
		ret = print_entry(score, &entries[i], !i, error);
		if (i)
			score->totals.sum += entries[i].logprob / (double)LLM_FIXED_ONE;
	}
	count /= 1 + score->top;
	score->totals.windows++;
	score->totals.tokens += count;
	score->totals.scored += count ? count - 1 : 0;
	free(entries);
	return ret;
}

static void print_totals(const struct score *score)
{
	const struct totals *t = &score->totals;
	double mean = t->scored ? t->sum / t->scored : NAN;

	if (score->as_json) {
		json_whole("count", t->tokens);
		json_whole("scored", t->scored);
		json_whole("windows", t->windows);
		json_number("mean_logprob", mean);
		json_number("perplexity", exp(-mean));
		return;
	}
	printf("tokens %llu\nscored %llu\nwindows %llu\n", t->tokens, t->scored,
	       t->windows);
	if (t->scored)
		printf("mean log-probability %.6f\nperplexity %.6f\n", mean, exp(-mean));
}

static int score_text(struct score *score, const char *text, size_t left,
		      struct llmctl_error *error)
{
	size_t length;
	int ret;

	if (score->as_json) {
		json_object(NULL);
		json_array("tokens");
	}
	while (left) {
		ret = fit(score, text, left, &length, error);
		if (!ret)
			ret = score_window(score, text, length, error);
		if (ret)
			return ret;
		text += length;
		left -= length;
	}
	if (score->as_json)
		json_array_end();
	print_totals(score);
	if (score->as_json)
		json_object_end();
	return 0;
}

/* A session has a context of its own once its model is settled. */
static int find_context(struct score *score, struct llmctl_error *error)
{
	struct llm_session_info status;
	struct llm_model_info model;
	int ret;

	ret = score->session->ops->status(score->session, &status, error);
	if (!ret)
		ret = score->session->ops->model(score->session, &model, error);
	if (!ret)
		score->context = status.context ? status.context : model.context_length;
	return ret;
}

static int score_input(const char *operand, bool as_json, __u32 top, struct llmctl_error *error)
{
	struct score score = { .as_json = as_json, .top = top, .guess = LLM_MAX_TEXT };
	char *text = NULL;
	size_t length;
	int ret;

	ret = command_input(operand, &text, &length, error);
	if (!ret && !length)
		ret = refuse(error, ENODATA, "there is no text to score");
	if (!ret)
		ret = command_session(&score.session, error);
	if (!ret)
		ret = find_context(&score, error);
	if (!ret)
		ret = score_text(&score, text, length, error);
	command_session_end(score.session);
	free(text);
	return ret;
}

static int run_score(const struct command *command, int argc, char **argv)
{
	static bool as_json;
	static __u64 top;
	static const struct option options[] = {
		{ OPTION_WHOLE, "top", 0, &top, 0, LLM_MAX_ALTERNATIVES, NULL, NULL, "N",
		  "show the N likeliest tokens beside each" },
		{ OPTION_FLAG, "json", 0, &as_json, 0, 0, NULL, NULL, NULL, "one JSON object" },
		{ .kind = OPTION_END },
	};
	struct llmctl_error error = { 0 };
	struct operands operands;
	int status;

	if (!command_parse(command, options, argc, argv, &operands, 1, 1, &status))
		return status;
	score_input(operands.values[0], as_json, top, &error);
	return command_end(&error);
}

const struct command command_score = {
	.name = "score",
	.arguments = "[OPTION...] TEXT|-",
	.summary = "shows how likely each token of a text is, and the perplexity",
	.text = "Natural logarithms. A text longer than the context is cut into windows, each of\n"
		"which is scored by itself; the first token of a window has no score.",
	.session = true,
	.context = true,
	.run = run_score,
};
