// SPDX-License-Identifier: GPL-2.0
#include "engine/scoring.h"
#include "host_session.h"
#include "interrupt.h"

static u32 text_flags(__u32 flags)
{
	return (flags & LLM_TOKENIZE_SPECIAL ? LLM_TEXT_SPECIAL : 0) |
	       (flags & LLM_TOKENIZE_BOS ? LLM_TEXT_BEGIN : 0);
}

int host_tokenize(struct session *session, const void *text, size_t length, __u32 flags,
		  __u32 **tokens, __u32 *count, struct llmctl_error *error)
{
	struct host_session *own = (struct host_session *)session;
	u32 room, *array;
	int ret;

	if (length > LLM_MAX_TEXT)
		return refuse(error, E2BIG, "tokenize: the text is longer than %u bytes",
			      LLM_MAX_TEXT);
	for (room = length + 8;; room = *count) {
		array = calloc(room, sizeof(*array));
		if (!array)
			return refuse(error, ENOMEM, "tokenize: not enough memory");
		ret = llm_tokenize(own->model->tokenizer, text, length, text_flags(flags), array,
				   room, count);
		if (!ret)
			break;
		free(array);
		if (ret != -ENOSPC || *count <= room)
			return refuse(error, -ret, "tokenize: %s", strerror(-ret));
	}
	*tokens = array;
	return 0;
}

int host_detokenize(struct session *session, const __u32 *tokens, __u32 count,
		    __u32 flags, char **text, __u32 *length, __u32 *ends,
		    struct llmctl_error *error)
{
	const struct llm_tokenizer *tokenizer =
		((struct host_session *)session)->model->tokenizer;
	u32 vocab = ((struct host_session *)session)->model->image->model.vocab_size;
	u64 total = 0;
	u32 i, bytes;
	char *at;

	for (i = 0; i < count; i++) {
		if (tokens[i] >= vocab)
			return refuse(error, EINVAL, "detokenize: the model has no token %u",
				      tokens[i]);
		llm_token_text(tokenizer, tokens[i], text_flags(flags), &bytes);
		total += bytes;
	}
	if (total > LLM_MAX_TEXT)
		return refuse(error, E2BIG, "detokenize: the text is longer than %u bytes",
			      LLM_MAX_TEXT);
	at = calloc(1, total + 1);
	if (!at)
		return refuse(error, ENOMEM, "detokenize: not enough memory");
	*text = at;
	*length = total;
	for (i = 0; i < count; i++) {
		const u8 *piece = llm_token_text(tokenizer, tokens[i], text_flags(flags), &bytes);

		memcpy(at, piece, bytes);
		at += bytes;
		if (ends)
			ends[i] = at - *text;
	}
	return 0;
}

/* What is known of the tokens: each one, then its alternatives. */
struct scores {
	struct llm_score_entry *entries;
	u32 alternatives;
};

static struct llm_score_entry *entry_of(const struct scores *scores, u32 token)
{
	return scores->entries + (size_t)token * (1 + scores->alternatives);
}

/* The logits of a token tell of the next one. */
static void score_outputs(struct host_session *own, const u32 *tokens, u32 first, u32 outputs,
			  const struct scores *scores)
{
	u32 vocab = own->model->image->model.vocab_size;
	u32 wanted = scores->alternatives < vocab ? scores->alternatives : vocab;
	struct llm_score_entry *entry;
	struct llm_scoring scoring;
	u32 i, j;

	for (i = 0; i < outputs; i++) {
		llm_scoring_begin(&scoring, llm_step_logits(own->step, i), vocab,
				  tokens[first + i + 1], wanted);
		while (!llm_scoring_advance(&scoring))
			;
		entry = entry_of(scores, first + i + 1);
		entry->logprob = scoring.result.logprob;
		for (j = 0; j < wanted; j++) {
			entry[1 + j].token = scoring.best[j].token;
			entry[1 + j].logprob = scoring.best[j].logprob;
		}
	}
}

static void begin_scores(const struct scores *scores, const u32 *tokens, u32 count)
{
	u32 i, j;

	for (i = 0; i < count; i++) {
		entry_of(scores, i)->token = tokens[i];
		for (j = 1; j <= scores->alternatives; j++)
			entry_of(scores, i)[j].token = LLM_TOKEN_NONE;
	}
}

static int score_tokens(struct host_session *own, struct llm_request *request,
			const struct scores *scores, struct llmctl_error *error)
{
	u32 first, outputs;
	int ret;

	llm_request_begin(request);
	while (request->end == LLM_END_NONE) {
		if (interrupted())
			return refuse(error, EINTR, "interrupted");
		first = request->computed;
		ret = host_compute(own, request, &outputs, error);
		if (ret)
			return ret;
		score_outputs(own, request->prompt, first, outputs, scores);
	}
	return 0;
}

int host_score(struct session *session, const void *text, size_t length, __u32 alternatives,
	       __u32 flags, struct llm_score_entry **entries, __u32 *count,
	       struct llmctl_error *error)
{
	struct host_session *own = (struct host_session *)session;
	struct llm_request request = {
		.tokenizer = own->model->tokenizer,
		.context = own->context,
		.score = true,
	};
	struct scores scores = { .alternatives = alternatives };
	struct llm_kv kv = { 0 };
	u32 *tokens;
	int ret;

	if (own->model->image->model.logits == LLM_IMAGE_NONE)
		return refuse(error, EOPNOTSUPP, "score: the model makes no text; try 'llmctl embed'");
	ret = host_tokenize(session, text, length, flags, &tokens, count, error);
	if (ret)
		return ret;
	if (*count > own->context) {
		ret = refuse(error, ENOSPC, "score: %u tokens do not fit the context of %u", *count,
			     own->context);
		goto out;
	}
	scores.entries = calloc((*count + 1) * (1 + (size_t)alternatives),
				sizeof(*scores.entries));
	if (!scores.entries || llm_kv_init(&kv, own->model->plan, own->context)) {
		ret = refuse(error, ENOMEM, "score: not enough memory");
		goto out;
	}
	begin_scores(&scores, tokens, *count);
	request.kv = &kv;
	request.prompt = tokens;
	request.prompt_count = *count;
	if (*count)
		ret = score_tokens(own, &request, &scores, error);
out:
	llm_kv_destroy(&kv);
	free(tokens);
	if (ret) {
		free(scores.entries);
		return ret;
	}
	*entries = scores.entries;
	*count *= 1 + alternatives;
	return 0;
}
