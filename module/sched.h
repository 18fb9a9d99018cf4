/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_SCHED_H
#define LLM_SCHED_H

#include <linux/list.h>
#include <linux/llm_netlink.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "engine/pooling.h"
#include "engine/request.h"
#include "engine/scoring.h"
#include "queue.h"

struct llm_job;
struct llm_model;

/**
 * struct llm_job_ops - how the scheduler talks to who submitted a job
 * @room: bytes of reply that can be taken now; below LLM_JOB_ROOM the job waits
 *	until llm_sched_wake()
 * @bytes: takes @length bytes of reply; there is room
 * @scored: takes the scoring of the prompt token number @index (from 1)
 * @done: the job is over, job->request.end says why; the scheduler does not
 *	touch the job any more
 *
 * All are called by the scheduler's thread, one at a time for a job. They may
 * take mutexes that are never held over a wait.
 */
struct llm_job_ops {
	u32 (*room)(struct llm_job *job);
	void (*bytes)(struct llm_job *job, const u8 *bytes, u32 length);
	void (*scored)(struct llm_job *job, u32 index, const struct llm_scoring *scoring);
	void (*done)(struct llm_job *job);
};

/** LLM_JOB_ROOM - room for bytes a job needs to go on: all a reply can hold back. */
#define LLM_JOB_ROOM (LLM_STOP_LENGTH + LLM_PIECE_LENGTH + 8)

/**
 * enum llm_job_state - how far a job is; for anybody to READ_ONCE()
 * @LLM_JOB_QUEUED: waits for its first step
 * @LLM_JOB_PROMPT: computes the prompt
 * @LLM_JOB_REPLY: makes tokens
 * @LLM_JOB_OVER: done() was, or is about to be, called
 */
enum llm_job_state {
	LLM_JOB_QUEUED,
	LLM_JOB_PROMPT,
	LLM_JOB_REPLY,
	LLM_JOB_OVER,
};

/**
 * struct llm_job - a request as the scheduler sees it
 * @ops: how to talk to the submitter
 * @model: model; the submitter holds it until done()
 * @owner: user it is done for; users share the machine equally, then the jobs
 *	of a user do
 * @session: number of the session, for traces
 * @priority: who has a higher one comes before all others
 * @request: what to do; begun by the submitter
 * @alternatives: likeliest tokens wanted with each scoring
 * @pooling: of an embedding, set up by the submitter
 * @state: enum llm_job_state
 * @tokens_in: prompt tokens computed
 * @tokens_out: tokens made
 * @queued_ns: nanoseconds from submission to the first step
 * @first_token_ns: nanoseconds from submission to the first token; 0 before
 * @cpu_ns: nanoseconds of computing, its share of each step
 *
 * The submitter fills @ops to @pooling and keeps the job alive until
 * done(). The rest belongs to the scheduler.
 */
struct llm_job {
	const struct llm_job_ops *ops;
	struct llm_model *model;
	kuid_t owner;
	u64 session;
	enum llm_priority priority;
	struct llm_request request;
	u32 alternatives;
	struct llm_pooling pooling;

	enum llm_job_state state;
	u32 tokens_in;
	u32 tokens_out;
	u64 queued_ns;
	u64 first_token_ns;
	u64 cpu_ns;
	/* private: */
	struct llm_place place;
	u64 submitted_at;
	bool cancelled;
	bool parked;
	u32 step_rows;
	u32 step_output;
	u32 step_outputs;
};

/**
 * llm_sched_submit() - gives a job to the scheduler
 * @job: job; done() is called for it exactly once
 */
void llm_sched_submit(struct llm_job *job);

/**
 * llm_sched_cancel() - asks for an early end
 * @job: a submitted job that is kept alive by the caller
 *
 * done() follows within a step, with LLM_END_CANCELLED unless it was over
 * already. Does not wait.
 */
void llm_sched_cancel(struct llm_job *job);

/**
 * llm_sched_wake() - there is room for the reply again
 * @job: a submitted job that is kept alive by the caller
 */
void llm_sched_wake(struct llm_job *job);

/** llm_sched_init() - starts the scheduler's thread. Return: 0 or a negative errno. */
int llm_sched_init(void);

/** llm_sched_exit() - stops it; no job is left. */
void llm_sched_exit(void);

#endif /* LLM_SCHED_H */
