/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HOST_SESSION_H
#define HOST_SESSION_H

#include "engine/request.h"

#include "backend.h"
#include "host_model.h"
#include "host_pool.h"

/**
 * struct host_session - a session of the engine in this process
 * @session: what commands see
 * @model: its model; borrowed
 * @pool: threads that compute
 * @step: memory of the steps
 * @kv: state of the conversation
 * @sampler: chooses tokens
 * @sampling: its parameters; @biases belong to this
 * @biases: logit biases
 * @stops: stop strings
 * @stop_count: how many
 * @reply: the reply
 * @ready: bytes at its start that can be shown
 * @request: what is computed
 * @prompt: its tokens
 * @position: positions that turns before it filled
 * @last: token that the turn before made and did not compute, or LLM_TOKEN_NONE
 * @tokens_in: prompt tokens of turns before
 * @tokens_out: tokens made in turns before
 * @context: positions that may be used
 * @max_tokens: tokens a reply may have, 0 for as many as fit
 * @special: control tokens are text
 * @raw: text is computed as it is
 * @chat: chat template of the session, or NULL for the model's
 * @system: system message, or NULL
 * @system_length: bytes there
 * @cancelled: interrupts do not matter any more
 * @begun: there was a prompt
 * @started_ns: when it was
 * @first_token_ns: from then to the first token
 */
struct host_session {
	struct session session;
	const struct host_model *model;
	struct host_pool *pool;
	struct llm_step *step;
	struct llm_kv kv;
	struct llm_sampler *sampler;
	struct llm_sampling_params sampling;
	struct llm_sampling_bias *biases;
	struct llm_stop stops[LLM_STOP_COUNT];
	u32 stop_count;
	struct llm_reply reply;
	u32 ready;
	struct llm_request request;
	u32 *prompt;
	u32 position;
	u32 last;
	u64 tokens_in;
	u64 tokens_out;
	u32 context;
	u32 max_tokens;
	bool special;
	bool raw;
	struct llm_image_chat *chat;
	char *system;
	u32 system_length;
	bool cancelled;
	bool begun;
	u64 started_ns;
	u64 first_token_ns;
};

/* The operations, see struct session_ops. */
int host_tokenize(struct session *session, const void *text, size_t length, __u32 flags,
		  __u32 **tokens, __u32 *count, struct llmctl_error *error);
int host_detokenize(struct session *session, const __u32 *tokens, __u32 count,
		    __u32 flags, char **text, __u32 *length, __u32 *ends,
		    struct llmctl_error *error);
int host_score(struct session *session, const void *text, size_t length, __u32 alternatives,
	       __u32 flags, struct llm_score_entry **entries, __u32 *count,
	       struct llmctl_error *error);
int host_embed(struct session *session, const struct llm_text *texts, __u32 pooling,
	       __u32 flags, struct llmctl_embedding *embedding, struct llmctl_error *error);
int host_together(struct session **sessions, __u32 count, struct llmctl_error *error);
int host_prompt(struct session *session, const void *text, size_t length,
		struct llmctl_error *error);
ssize_t host_reply(struct session *session, void *buffer, size_t size,
		   struct llmctl_error *error);
int host_cancel(struct session *session, struct llmctl_error *error);
int host_status(struct session *session, struct llm_session_info *status,
		struct llmctl_error *error);

/**
 * host_compute() - one step of a request
 * @own: session
 * @request: request that is not over; llm_request_computed() was called for it
 *	afterwards
 * @outputs: outputs there are
 * @error: reason of a failure
 *
 * Return: 0 or -ENOMEM.
 */
int host_compute(struct host_session *own, struct llm_request *request, u32 *outputs,
		 struct llmctl_error *error);

/**
 * host_token() - takes the next token of the reply under way, which a step chose
 * @own: session
 */
void host_token(struct host_session *own);

#endif /* HOST_SESSION_H */
