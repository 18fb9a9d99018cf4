/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_PASS_H
#define LLM_PASS_H

#include <linux/completion.h>
#include <linux/refcount.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "engine/kv.h"
#include "sched.h"
#include "text.h"

struct llm_model;
struct llm_session;

/** LLM_PASS_MAX_RESULT - bytes of results of one pass at most. */
#define LLM_PASS_MAX_RESULT	(64U << 20)

/**
 * struct llm_pass - a text on its way through a model without a conversation: the
 *	caller waits for it
 * @references: the caller, and the job while it is submitted
 * @session: on whose behalf
 * @model: model
 * @context: positions the session may use, which the text may use too
 * @list: the text
 * @kv: its state
 * @job: what the scheduler does; @pooling, @alternatives, and of its request
 *	@score, @pooling are the owner's to fill
 * @over: completed when it has
 * @work: gives the job's reference back where that frees
 * @release: frees the memory that holds this; the scheduler writes the owner's
 *	results there until @over is completed
 *
 * A session has one at a time.
 */
struct llm_pass {
	refcount_t references;
	struct llm_session *session;
	struct llm_model *model;
	u32 context;
	struct llm_tokens list;
	struct llm_kv kv;
	struct llm_job job;
	struct completion over;
	struct work_struct work;
	void (*release)(struct llm_pass *pass);
};

/**
 * llm_pass_init() - a pass that has not begun
 * @pass: zeroed; llm_pass_put() gives the reference to it back
 * @session: on whose behalf
 * @ops: what the scheduler calls; @done is llm_pass_done()
 * @release: see struct llm_pass
 */
void llm_pass_init(struct llm_pass *pass, struct llm_session *session,
		   const struct llm_job_ops *ops, void (*release)(struct llm_pass *pass));

/**
 * llm_pass_begin() - takes the session's one pass, and its model
 * @pass: pass
 *
 * Return: 0, -EBUSY while a reply or another pass is under way, -ENODEV, -EINTR.
 */
int llm_pass_begin(struct llm_pass *pass);

/**
 * llm_pass_compute() - has @list computed and waits for it
 * @pass: pass that began, whose list has a token at least
 *
 * Return: 0, -ENOMEM, or -EINTR: the scheduler still finishes its step.
 */
int llm_pass_compute(struct llm_pass *pass);

/** llm_pass_done() - the pass's struct llm_job_ops.done. */
void llm_pass_done(struct llm_job *job);

/**
 * llm_pass_end() - the session can have another one
 * @pass: pass that began
 */
void llm_pass_end(struct llm_pass *pass);

/**
 * llm_pass_put() - gives the caller's reference back
 * @pass: pass
 */
void llm_pass_put(struct llm_pass *pass);

#endif /* LLM_PASS_H */
