// SPDX-License-Identifier: GPL-2.0
#include <time.h>

#include "host_session.h"
#include "interrupt.h"

static u64 now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (u64)now.tv_sec * 1000000000 + now.tv_nsec;
}

int host_prompt(struct session *session, const void *text, size_t length,
		struct llmctl_error *error)
{
	struct host_session *own = (struct host_session *)session;
	u32 flags = LLM_TOKENIZE_BOS | (own->special ? LLM_TOKENIZE_SPECIAL : 0);
	u32 count;
	int ret;

	if (!length)
		return refuse(error, ENODATA, "prompt: it is empty");
	if (own->model->image->model.logits == LLM_IMAGE_NONE)
		return refuse(error, EOPNOTSUPP,
			      "prompt: the model makes no text; try 'llmctl embed'");
	own->started_ns = now_ns(CLOCK_MONOTONIC);
	ret = host_tokenize(session, text, length, flags, &own->prompt, &count, error);
	if (ret)
		return ret;
	if (!count)
		return refuse(error, ENODATA, "prompt: it is empty");
	if (count > own->context)
		return refuse(error, ENOSPC,
			      "prompt: %u tokens do not fit the context of %u; shorten it%s",
			      count, own->context,
			      own->context < own->model->image->model.context_length ?
			      ", or use a longer --ctx" : "");
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
		.max_tokens = own->max_tokens ? own->max_tokens : U32_MAX,
		.context = own->context,
	};
	llm_request_begin(&own->request);
	own->begun = true;
	return 0;
}

/* One step, and a token where the prompt is done. */
static int advance(struct host_session *own, struct llmctl_error *error)
{
	struct llm_request *request = &own->request;
	u32 outputs;
	int ret;

	ret = host_compute(own, request, &outputs, error);
	if (ret || !outputs)
		return ret;
	llm_sampler_begin(own->sampler, llm_step_logits(own->step, 0));
	while (!llm_sampler_advance(own->sampler))
		;
	llm_request_token(request, llm_sampler_token(own->sampler), &own->ready);
	if (!own->first_token_ns)
		own->first_token_ns = now_ns(CLOCK_MONOTONIC) - own->started_ns;
	return 0;
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
		.used = request->computed + (request->made ? request->made - 1 : 0),
		.memory = llm_kv_memory(&own->kv),
		.tokens_in = request->computed,
		.tokens_out = request->made,
		.first_token_ns = own->first_token_ns,
		.cpu_ns = now_ns(CLOCK_PROCESS_CPUTIME_ID),
		.seed = own->sampling.seed,
	};
	return 0;
}
