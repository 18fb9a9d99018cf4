// SPDX-License-Identifier: GPL-2.0
#include "request.h"

#include "pooling.h"

void llm_request_begin(struct llm_request *request)
{
	u32 i;

	request->computed = 0;
	request->made = 0;
	request->last = LLM_IMAGE_NONE;
	request->end = LLM_END_NONE;
	if (!llm_request_generates(request))
		return;
	for (i = request->prompt_seen; i < request->prompt_count; i++)
		llm_sampler_see(request->sampler, request->prompt[i]);
}

/* The last token generated goes after all tokens before it. */
static u32 last_position(const struct llm_request *request)
{
	return request->position + request->prompt_count + request->made - 1;
}

static enum llm_row_output prompt_row_output(const struct llm_request *request, u32 index)
{
	bool is_last = index == request->prompt_count - 1;

	if (request->pooling)
		return llm_pooling_wants(request->pooling, request->whole, index,
					 request->prompt_count) ?
			LLM_OUTPUT_EMBEDDING : LLM_OUTPUT_NONE;
	return (request->score ? !is_last : is_last) ? LLM_OUTPUT_LOGITS : LLM_OUTPUT_NONE;
}

static u32 prompt_rows(const struct llm_request *request, struct llm_row *rows, u32 room,
		       u32 *outputs)
{
	u32 count = min(room, request->prompt_count - request->computed);
	u32 wanted = 0;
	u32 index, i;

	if (request->whole && room < request->prompt_count) {
		*outputs = 0;
		return 0;
	}
	for (i = 0; i < count; i++) {
		index = request->computed + i;
		rows[i].kv = request->kv;
		rows[i].token = request->prompt[index];
		rows[i].position = request->position + index;
		rows[i].length = request->prompt_count;
		rows[i].output = prompt_row_output(request, index);
		rows[i].sampler = llm_request_generates(request) && rows[i].output ?
					  request->sampler : NULL;
		if (!rows[i].output)
			continue;
		if (wanted == *outputs)
			break;
		wanted++;
	}
	*outputs = wanted;
	return i;
}

u32 llm_request_rows(const struct llm_request *request, struct llm_row *rows, u32 room,
		     u32 *outputs)
{
	if (request->computed < request->prompt_count)
		return prompt_rows(request, rows, room, outputs);
	rows[0].kv = request->kv;
	rows[0].token = request->last;
	rows[0].position = last_position(request);
	rows[0].output = LLM_OUTPUT_LOGITS;
	rows[0].sampler = request->sampler;
	*outputs = 1;
	return 1;
}

void llm_request_computed(struct llm_request *request, u32 rows)
{
	request->computed += min(rows, request->prompt_count - request->computed);
	if (!llm_request_generates(request) && request->computed == request->prompt_count)
		request->end = LLM_END_LENGTH;
}

static enum llm_request_end end_after(const struct llm_request *request, bool stopped)
{
	if (llm_token_ends(request->tokenizer, request->last))
		return LLM_END_TOKEN;
	if (stopped)
		return LLM_END_STOP;
	if (request->made >= request->max_tokens)
		return LLM_END_LENGTH;
	if (last_position(request) >= request->context)
		return LLM_END_CONTEXT;
	return LLM_END_NONE;
}

void llm_request_token(struct llm_request *request, u32 token, u32 *ready)
{
	const u8 *text;
	u32 length;
	bool stopped;

	request->last = token;
	request->made++;
	llm_sampler_see(request->sampler, token);
	text = llm_token_text(request->tokenizer, token, request->text_flags, &length);
	stopped = llm_reply_add(request->reply, text, length, ready);
	request->end = end_after(request, stopped);
	if (request->end != LLM_END_NONE)
		*ready = llm_reply_end(request->reply);
}
