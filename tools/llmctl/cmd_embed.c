// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "interrupt.h"
#include "json.h"

/* What a vector's numbers are multiples of: Q1.30. */
#define VECTOR_ONE 1073741824.0

static const char *const poolings[] = {
	[LLM_POOLING_NONE] = "none",
	[LLM_POOLING_MEAN] = "mean",
	[LLM_POOLING_CLS] = "cls",
	[LLM_POOLING_LAST] = "last",
	[LLM_POOLING_RANK] = "rank",
};

static bool take_pooling(void *target, const char *text)
{
	__u32 i;

	for (i = LLM_POOLING_NONE; i < LLM_POOLING_RANK; i++) {
		if (!strcmp(text, poolings[i])) {
			*(__u32 *)target = i;
			return true;
		}
	}
	return false;
}

static double number_of(const struct llmctl_embedding *embedding, __u32 i)
{
	double one = embedding->pooling == LLM_POOLING_RANK ? LLM_FIXED_ONE : VECTOR_ONE;

	return embedding->vectors[i] / one;
}

/* One vector a line. */
static void print_lines(const struct llmctl_embedding *embedding)
{
	__u32 i;

	for (i = 0; i < embedding->count; i++)
		printf("%.9f%c", number_of(embedding, i),
		       (i + 1) % embedding->width ? ' ' : '\n');
}

static void print_json(const struct llmctl_embedding *embedding)
{
	__u32 i;

	json_object(NULL);
	json_whole("tokens", embedding->tokens);
	json_text("pooling", poolings[embedding->pooling]);
	json_whole("width", embedding->width);
	json_array("embeddings");
	for (i = 0; i < embedding->count; i++) {
		if (i % embedding->width == 0)
			json_array(NULL);
		json_fraction(NULL, number_of(embedding, i));
		if ((i + 1) % embedding->width == 0)
			json_array_end();
	}
	json_array_end();
	json_object_end();
}

static int embed(const char *operand, __u32 pooling, bool as_json, struct llmctl_error *error)
{
	struct llmctl_embedding embedding = { 0 };
	struct session *session = NULL;
	struct llm_text text = { 0 };
	char *bytes = NULL;
	size_t length;
	int ret;

	ret = command_input(operand, &bytes, &length, error);
	if (!ret)
		ret = command_session(&session, error);
	if (!ret) {
		text = (struct llm_text) { (uintptr_t)bytes, length };
		ret = session->ops->embed(session, &text, pooling, 0, &embedding, error);
	}
	if (!ret && as_json)
		print_json(&embedding);
	else if (!ret)
		print_lines(&embedding);
	free(embedding.vectors);
	command_session_end(session);
	free(bytes);
	return ret;
}

static int run_embed(const struct command *command, int argc, char **argv)
{
	static __u32 pooling;
	static bool as_json;
	static const struct option options[] = {
		{ OPTION_CALL, "pooling", 0, &pooling, 0, 0, take_pooling,
		  "none, mean, cls or last", "KIND",
		  "none, mean, cls or last instead of what the\nmodel was made for" },
		{ OPTION_FLAG, "json", 0, &as_json, 0, 0, NULL, NULL, NULL, "one JSON object" },
		{ .kind = OPTION_END },
	};
	struct llmctl_error error = { 0 };
	struct operands operands;
	int status;

	if (!command_parse(command, options, argc, argv, &operands, 1, 1, &status))
		return status;
	embed(operands.values[0], pooling, as_json, &error);
	return command_end(&error);
}

const struct command command_embed = {
	.name = "embed",
	.arguments = "[OPTION...] TEXT|-",
	.summary = "shows what a text means, as a vector of length 1",
	.text = "With --pooling none there is a vector for each token, one a line.",
	.session = true,
	.context = true,
	.run = run_embed,
};

/**
 * struct ranked - a document and how well it answers
 * @index: its place among the operands
 * @score: the model's
 */
struct ranked {
	int index;
	double score;
};

/* The best first; equal ones stay in order. */
static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;

	if (x->score != y->score)
		return x->score < y->score ? 1 : -1;
	return x->index - y->index;
}

static int rank_document(struct session *session, const char *query, const char *document,
			 double *score, struct llmctl_error *error)
{
	const struct llm_text texts[] = {
		{ (uintptr_t)query, strlen(query) },
		{ (uintptr_t)document, strlen(document) },
	};
	struct llmctl_embedding embedding;
	int ret;

	ret = session->ops->embed(session, texts, LLM_POOLING_DEFAULT, LLM_EMBED_PAIR, &embedding,
				  error);
	if (ret)
		return ret;
	*score = number_of(&embedding, 0);
	free(embedding.vectors);
	return 0;
}

static int rank_documents(const char *query, char **documents, struct ranked *ranked, int count,
			  struct llmctl_error *error)
{
	struct session *session = NULL;
	struct llm_model_info model;
	int ret, i;

	ret = command_session(&session, error);
	if (!ret)
		ret = session->ops->model(session, &model, error);
	if (!ret && model.pooling != LLM_POOLING_RANK)
		ret = refuse(error, EOPNOTSUPP,
			     "the model does not rank; compare vectors of 'llmctl embed' instead");
	for (i = 0; !ret && i < count; i++) {
		ranked[i].index = i;
		ret = rank_document(session, query, documents[i], &ranked[i].score, error);
	}
	command_session_end(session);
	return ret;
}

static void print_ranked(const struct ranked *ranked, int count, char **documents, bool as_json)
{
	int i;

	if (as_json)
		json_array(NULL);
	for (i = 0; i < count; i++) {
		if (!as_json) {
			printf("%10.4f  %s\n", ranked[i].score, documents[ranked[i].index]);
			continue;
		}
		json_object(NULL);
		json_whole("index", ranked[i].index);
		json_number("relevance_score", ranked[i].score);
		json_object_end();
	}
	if (as_json)
		json_array_end();
}

static int run_rerank(const struct command *command, int argc, char **argv)
{
	static bool as_json;
	static const struct option options[] = {
		{ OPTION_FLAG, "json", 0, &as_json, 0, 0, NULL, NULL, NULL,
		  "a JSON array: index and relevance_score" },
		{ .kind = OPTION_END },
	};
	struct llmctl_error error = { 0 };
	struct operands operands;
	struct ranked *ranked;
	int status, count;

	if (!command_parse(command, options, argc, argv, &operands, 2, -1, &status))
		return status;
	count = operands.count - 1;
	ranked = calloc(count, sizeof(*ranked));
	if (!ranked)
		return usage_error("not enough memory");
	if (!rank_documents(operands.values[0], operands.values + 1, ranked, count, &error)) {
		qsort(ranked, count, sizeof(*ranked), compare_ranked);
		print_ranked(ranked, count, operands.values + 1, as_json);
	}
	free(ranked);
	return command_end(&error);
}

const struct command command_rerank = {
	.name = "rerank",
	.arguments = "[OPTION...] QUERY DOCUMENT...",
	.summary = "sorts documents by how well they answer a query",
	.text = "Needs a model that ends in a classification: a cross-encoder, or Qwen3-Reranker.",
	.session = true,
	.context = true,
	.run = run_rerank,
};
