/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_REQUEST_H
#define LLM_ENGINE_REQUEST_H

#include "reply.h"
#include "sampler.h"
#include "step.h"
#include "tokenizer.h"

/**
 * enum llm_request_end - why a request is over; values are those of enum
 *	llm_reason in linux/llm.h
 * @LLM_END_NONE: it is not
 * @LLM_END_TOKEN: the model ended it
 * @LLM_END_STOP: a stop string
 * @LLM_END_LENGTH: max_tokens were made
 * @LLM_END_CONTEXT: the context is full
 * @LLM_END_CANCELLED: the caller ended it
 */
enum llm_request_end {
	LLM_END_NONE = 0,
	LLM_END_TOKEN = 1,
	LLM_END_STOP = 2,
	LLM_END_LENGTH = 3,
	LLM_END_CONTEXT = 4,
	LLM_END_CANCELLED = 5,
};

/**
 * struct llm_request - one generation, or the scoring or embedding of one text:
 *	says which rows the next step needs and takes what came of them
 * @kv: state of the session; all positions the request may use are reserved
 * @tokenizer: of the model
 * @sampler: set up; NULL where nothing is generated
 * @reply: begun; not used where nothing is generated
 * @text_flags: LLM_TEXT_SPECIAL or 0, for the text of tokens
 * @prompt: tokens to compute, at least one; lives as long as the request
 * @prompt_count: how many
 * @prompt_seen: of these, how many at the start @sampler was told of before
 * @position: where the first of them goes
 * @max_tokens: tokens to make at most, at least 1; ignored where none are
 * @context: positions that may be used
 * @score: whether every prompt row's logits are wanted and nothing is generated
 * @pooling: how an embedding is made and nothing generated; LLM_POOLING_DEFAULT
 *	where none is
 * @whole: llm_plan.whole_texts: the prompt has at most llm_plan.batch_rows tokens
 *
 * The caller fills these, then calls llm_request_begin(). The rest is set by
 * the functions:
 *
 * @computed: prompt tokens computed
 * @made: tokens generated
 * @last: last token generated, not computed yet; LLM_IMAGE_NONE before the
 *	first. When the request is over the session's next prompt starts with it
 * @end: why it is over
 */
struct llm_request {
	struct llm_kv *kv;
	const struct llm_tokenizer *tokenizer;
	struct llm_sampler *sampler;
	struct llm_reply *reply;
	u32 text_flags;
	const u32 *prompt;
	u32 prompt_count;
	u32 prompt_seen;
	u32 position;
	u32 max_tokens;
	u32 context;
	bool score;
	enum llm_pooling_kind pooling;
	bool whole;
	u32 computed;
	u32 made;
	u32 last;
	enum llm_request_end end;
};

/** llm_request_generates() - whether it makes tokens. */
static inline bool llm_request_generates(const struct llm_request *request)
{
	return !request->score && !request->pooling;
}

/**
 * llm_request_begin() - starts, and tells the sampler of the rest of the prompt
 * @request: request whose upper fields are filled
 */
void llm_request_begin(struct llm_request *request);

/**
 * llm_request_rows() - the rows the next step needs
 * @request: request that is not over
 * @rows: where they go
 * @room: rows that fit there, at least 1
 * @outputs: in, outputs that may be wanted, at least 1; out, outputs that are
 *
 * Return: rows filled, at least 1: a part of the prompt, or the last token
 * generated; 0 where a text must be computed whole and does not fit. A generation
 * wants the output of the last token of its prompt, a scoring those of all but the
 * last: the output of a token tells of the next. A generation has its @sampler choose.
 */
u32 llm_request_rows(const struct llm_request *request, struct llm_row *rows, u32 room,
		     u32 *outputs);

/**
 * llm_request_computed() - the rows were computed
 * @request: request
 * @rows: how many, as llm_request_rows() returned
 *
 * Where a generation wanted an output, llm_request_token() is called next. Where
 * nothing is generated it is over when its prompt is, with LLM_END_LENGTH.
 */
void llm_request_computed(struct llm_request *request, u32 rows);

/**
 * llm_request_token() - a token was chosen
 * @request: request
 * @token: below vocab_size
 * @ready: bytes at the start of request->reply->held to show; the caller shows
 *	them and calls llm_reply_shown()
 *
 * Afterwards request->end tells whether the request is over; then @ready
 * includes what the reply held back.
 */
void llm_request_token(struct llm_request *request, u32 token, u32 *ready);

#endif /* LLM_ENGINE_REQUEST_H */
