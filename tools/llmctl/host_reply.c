// SPDX-License-Identifier: GPL-2.0
#include <time.h>

#include "engine/chat.h"
#include "host_session.h"
#include "interrupt.h"

static u64 now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (u64)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The turn before becomes a part of the conversation. */
static void end_turn(struct host_session *own)
{
	const struct llm_request *request = &own->request;

	if (!own->begun)
		return;
	own->position += request->computed + (request->made ? request->made - 1 : 0);
	own->tokens_in += request->computed;
	own->tokens_out += request->made;
	if (request->made)
		own->last = request->last;
	else if (request->computed)
		own->last = LLM_TOKEN_NONE;
	own->begun = false;
	own->cancelled = false;
	own->first_token_ns = 0;
}

static int refuse_length(const struct host_session *own, u32 count, struct llmctl_error *error)
{
	return refuse(error, ENOSPC,
		      "prompt: %u tokens do not fit the context, %u of %u are left; shorten it, begin anew%s",
		      count, own->context - own->position, own->context,
		      own->context < own->model->image->model.context_length ?
		      ", or use a longer --ctx" : "");
}

/* Makes tokens of a message, or of raw text; @seen of them the turn before made. */
static int make_prompt(struct host_session *own, struct llm_chat_turn *turn, u32 *seen, u32 *count,
		       struct llmctl_error *error)
{
	const struct llm_tokenizer *tokenizer = own->model->tokenizer;
	u32 room, length = turn->chat ? llm_chat_length(turn) : turn->length;
	u32 flags = (turn->special ? LLM_TEXT_SPECIAL : 0) | (turn->first ? LLM_TEXT_BEGIN : 0);
	int ret;

	/* What ended the last reply is no part of a conversation. */
	*seen = own->last != LLM_TOKEN_NONE &&
		!(turn->chat && llm_token_ends(tokenizer, own->last));
	room = *seen + llm_tokenizer_most(tokenizer, length);
	free(own->prompt);
	own->prompt = calloc(room, sizeof(*own->prompt));
	if (!own->prompt)
		return refuse(error, ENOMEM, "prompt: not enough memory");
	own->prompt[0] = own->last;
	if (turn->chat)
		ret = llm_chat_tokenize(tokenizer, turn, own->prompt + *seen, room - *seen, count);
	else
		ret = llm_tokenize(tokenizer, turn->text, turn->length, flags, own->prompt + *seen,
				   room - *seen, count);
	*count += *seen;
	if (ret)
		return refuse(error, -ret, "prompt: %s", strerror(-ret));
	if (!*count)
		return refuse(error, ENODATA, "prompt: it is empty");
	return *count > own->context - own->position ? refuse_length(own, *count, error) : 0;
}

static int find_chat(const struct host_session *own, const struct llm_image_chat **chat,
		     struct llmctl_error *error)
{
	*chat = own->raw ? NULL : own->chat ? own->chat : own->model->image->chat;
	if (*chat && (*chat)->flags & LLM_CHAT_UNKNOWN)
		return refuse(error, EOPNOTSUPP,
			      "prompt: the chat template of the model is not known; use --raw, or name one with --template");
	if (!*chat && own->system)
		return refuse(error, EOPNOTSUPP,
			      "prompt: a system message needs a chat template; name one with --template");
	return 0;
}

int host_prompt(struct session *session, const void *text, size_t length,
		struct llmctl_error *error)
{
	struct host_session *own = (struct host_session *)session;
	struct llm_chat_turn turn = {
		.system = (const u8 *)own->system,
		.system_length = own->system_length,
		.text = text,
		.length = length,
		.special = own->special,
	};
	u32 seen, count;
	int ret;

	if (!length)
		return refuse(error, ENODATA, "prompt: it is empty");
	if (own->model->image->model.logits == LLM_IMAGE_NONE)
		return refuse(error, EOPNOTSUPP,
			      "prompt: the model makes no text; try 'llmctl embed'");
	end_turn(own);
	own->started_ns = now_ns(CLOCK_MONOTONIC);
	turn.first = !own->position && own->last == LLM_TOKEN_NONE;
	ret = find_chat(own, &turn.chat, error);
	if (!ret)
		ret = make_prompt(own, &turn, &seen, &count, error);
	if (ret)
		return ret;
	llm_sampler_setup(own->sampler, &own->sampling);
	llm_reply_begin(&own->reply, own->stops, own->stop_count);
	own->request = (struct llm_request) {
		.kv = &own->kv,
		.tokenizer = own->model->tokenizer,
		.sampler = own->sampler,
		.reply = &own->reply,
		.text_flags = own->special ? LLM_TEXT_SPECIAL : 0,
		.prompt = own->prompt,
		.prompt_count = count,
		.prompt_seen = seen,
		.position = own->position,
		.max_tokens = own->max_tokens ? own->max_tokens : U32_MAX,
		.context = own->context,
	};
	llm_request_begin(&own->request);
	own->begun = true;
	return 0;
}

void host_token(struct host_session *own)
{
	llm_request_token(&own->request, llm_sampler_token(own->sampler), &own->ready);
	if (!own->first_token_ns)
		own->first_token_ns = now_ns(CLOCK_MONOTONIC) - own->started_ns;
}

/* One step, and a token where the prompt is done. */
static int advance(struct host_session *own, struct llmctl_error *error)
{
	u32 outputs;
	int ret;

	ret = host_compute(own, &own->request, &outputs, error);
	if (!ret && outputs)
		host_token(own);
	return ret;
}

ssize_t host_reply(struct session *session, void *buffer, size_t size,
		   struct llmctl_error *error)
{
	struct host_session *own = (struct host_session *)session;
	int ret;

	while (own->begun && !own->ready && own->request.end == LLM_END_NONE) {
		if (interrupted() && !own->cancelled)
			return refuse(error, EINTR, "interrupted");
		ret = advance(own, error);
		if (ret)
			return ret;
	}
	size = min_t(size_t, own->ready, size);
	memcpy(buffer, own->reply.held, size);
	llm_reply_shown(&own->reply, size);
	own->ready -= size;
	return size;
}

int host_cancel(struct session *session, struct llmctl_error *error)
{
	struct host_session *own = (struct host_session *)session;

	(void)error;
	own->cancelled = true;
	if (own->begun && own->request.end == LLM_END_NONE) {
		own->request.end = LLM_END_CANCELLED;
		own->ready = llm_reply_end(&own->reply);
	}
	return 0;
}

int host_status(struct session *session, struct llm_session_info *status,
		struct llmctl_error *error)
{
	struct host_session *own = (struct host_session *)session;
	const struct llm_request *request = &own->request;

	(void)error;
	*status = (struct llm_session_info) {
		.reason = request->end,
		.context = own->context,
		.used = own->position + request->computed +
			(request->made ? request->made - 1 : 0),
		.memory = llm_kv_memory(&own->kv),
		.tokens_in = own->tokens_in + request->computed,
		.tokens_out = own->tokens_out + request->made,
		.first_token_ns = own->first_token_ns,
		.cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID),
		.seed = own->sampling.seed,
	};
	return 0;
}
