/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_SESSION_H
#define LLM_SESSION_H

#include <linux/list.h>
#include <linux/llm.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "engine/kv.h"
#include "engine/reply.h"
#include "engine/sampler.h"
#include "ring.h"
#include "sched.h"

struct llm_model;
struct llm_user;
struct mem_cgroup;
struct pid;

/**
 * enum llm_session_kind - what a session is for
 * @LLM_SESSION_TALK: turn after turn
 * @LLM_SESSION_LETTER: one prompt; when its reply is over all but the reply is
 *	given back. Who waits for it waits at the user's mailbox
 */
enum llm_session_kind {
	LLM_SESSION_TALK,
	LLM_SESSION_LETTER,
};

/**
 * enum llm_session_state - whose turn it is
 * @LLM_SESSION_IDLE: the caller's: text, settings
 * @LLM_SESSION_RUNNING: the scheduler's
 * @LLM_SESSION_DONE: the reader's: the reply is complete, but its end not read
 */
enum llm_session_state {
	LLM_SESSION_IDLE,
	LLM_SESSION_RUNNING,
	LLM_SESSION_DONE,
};

/**
 * struct llm_session_counts - what the turns of a session took
 * @tokens_in: prompt tokens computed
 * @tokens_out: tokens made
 * @queued_ns: nanoseconds waited for the first step
 * @first_token_ns: nanoseconds from start to first token, last turn
 * @cpu_ns: nanoseconds of computing
 */
struct llm_session_counts {
	u64 tokens_in;
	u64 tokens_out;
	u64 queued_ns;
	u64 first_token_ns;
	u64 cpu_ns;
};

/**
 * struct llm_session - one conversation
 * @references: who points here; the job counts as one while it is submitted
 * @id: number since the module was loaded, from 1
 * @kind: enum llm_session_kind
 * @user: whose it is
 * @pid: process that opened it
 * @memcg: memory cgroup of that process, which all memory is charged to
 * @link: in the list of all sessions, under its lock
 * @work: frees the session, or what a letter needs no more, when the scheduler's
 *	thread can't
 *
 * @setup: lock of the fields below; may be held over allocations and long
 *	computing, never over a wait for a reply or an access to user memory
 * @model: model, or NULL; written under @lock too
 * @context: positions it may use, 0 before @model is known; written under @lock
 *	too
 * @context_given: whether it was asked for
 * @max_tokens: tokens a reply may have, or 0
 * @priority: of the next job
 * @special: whether control tokens are text
 * @raw: whether text is computed as it is, without a chat template
 * @chat: chat template, or NULL for the model's
 * @system: system message, or NULL
 * @system_length: bytes there
 * @stops: stop strings, or NULL
 * @stop_count: how many
 * @sampling: how tokens are chosen; owns @sampling.biases
 * @seeded: whether sampling.seed was given
 * @passing: whether a scoring or an embedding is under way
 * @text: what was written and not started
 * @text_length: bytes there are
 * @tokenized: whether they are tokens, four bytes each
 * @text_room: bytes that fit there
 * @tokens: prompt of @job
 * @tokens_room: tokens that fit there
 * @kv: keys, values and what is recurrent; not initialised before the first start
 * @sampler: sampler, or NULL before the first start
 * @reply: makes bytes of tokens
 * @job: the reply under way, or the last one
 *
 * @reading: lock of readers among each other: the one who has it takes bytes
 *	out of @ring, and ends the reply
 *
 * @lock: lock of the fields below; never held over anything that sleeps, since
 *	the scheduler's thread takes it
 * @state: enum llm_session_state. From IDLE to RUNNING goes who holds @setup,
 *	from RUNNING to DONE the scheduler's thread, from DONE to IDLE who holds
 *	@reading
 * @ring: the reply; created under @setup and then not changed
 * @starved: the job waits for room in @ring
 * @position: positions of @kv that are filled
 * @last: token that was made but not computed, or LLM_TOKEN_NONE
 * @memory: bytes of @kv
 * @seed: seed of the last reply
 * @counts: of turns that are over
 * @reason: enum llm_reason of the last turn
 * @wait: where readers and pollers wait; @own_wait or the user's mailbox
 * @own_wait: see @wait
 *
 * While @state is RUNNING the scheduler uses @stops, @sampling.biases, @tokens,
 * @kv, @sampler, @reply and @job.request without a lock; who holds @setup leaves
 * them alone then. Who holds @setup and saw another state can rely on it.
 *
 * Order: @setup, then the lock of models; @reading or the list of sessions or
 * the lock of a mailbox, then @lock. Waking and the scheduler's functions are
 * called without @lock.
 */
struct llm_session {
	refcount_t references;
	u64 id;
	enum llm_session_kind kind;
	struct llm_user *user;
	struct pid *pid;
	struct mem_cgroup *memcg;
	struct list_head link;
	struct work_struct work;

	struct mutex setup; /* protects what follows */
	struct llm_model *model;
	u32 context;
	bool context_given;
	u32 max_tokens;
	enum llm_priority priority;
	bool special;
	bool raw;
	struct llm_image_chat *chat;
	u8 *system;
	u32 system_length;
	struct llm_stop *stops;
	u32 stop_count;
	struct llm_sampling_params sampling;
	bool seeded;
	bool passing;
	u8 *text;
	u32 text_length;
	bool tokenized;
	u32 text_room;
	u32 *tokens;
	u32 tokens_room;
	struct llm_kv kv;
	struct llm_sampler *sampler;
	struct llm_reply reply;
	struct llm_job job;

	struct mutex reading; /* one reader at a time */

	spinlock_t lock; /* protects what follows */
	enum llm_session_state state;
	struct llm_ring ring;
	bool starved;
	u32 position;
	u32 last;
	u64 memory;
	u64 seed;
	struct llm_session_counts counts;
	enum llm_reason reason;
	wait_queue_head_t *wait;
	wait_queue_head_t own_wait;
};

/**
 * llm_session_create() - a session of the calling process
 * @user: whose
 * @kind: what for
 *
 * Return: the session, to be given back with llm_session_put(), or an ERR_PTR():
 * -EMFILE, -ENFILE as llm_user_add_session(), -ENOMEM.
 */
struct llm_session *llm_session_create(struct llm_user *user, enum llm_session_kind kind);

/**
 * llm_session_hold() - takes one more reference
 * @session: a session the caller has a reference to
 *
 * Return: @session.
 */
struct llm_session *llm_session_hold(struct llm_session *session);

/**
 * llm_session_put() - gives a reference back; may sleep
 * @session: the session, or NULL
 */
void llm_session_put(struct llm_session *session);

/**
 * llm_session_put_job() - gives the reference of a job back; does not sleep
 * @session: the session, whose reply is over
 */
void llm_session_put_job(struct llm_session *session);

/** llm_session_state() - the state now; it can change at once. */
enum llm_session_state llm_session_state(struct llm_session *session);

/**
 * llm_session_bind() - gives a session the default model if it has none
 * @session: session; @setup is held
 *
 * Return: 0 or -ENODEV.
 */
int llm_session_bind(struct llm_session *session);

/**
 * llm_session_rebind() - gives a session another model
 * @session: session that holds no token; @setup is held
 * @model: model; the session owns the reference from now on
 * @context: positions, 1..context length of the model
 */
void llm_session_rebind(struct llm_session *session, struct llm_model *model, u32 context);

/**
 * llm_session_context() - positions a session has where nobody asked for some
 * @model: its model
 *
 * Return: 1..context length of the model.
 */
u32 llm_session_context(const struct llm_model *model);

/**
 * llm_session_model() - a reference to the model of a session
 * @session: session, which gets the default model if it has none
 *
 * Return: the model, to be given back with llm_model_put(), or an ERR_PTR():
 * -ENODEV, -EINTR.
 */
struct llm_model *llm_session_model(struct llm_session *session);

/**
 * llm_session_info() - facts for the calling process
 * @session: session
 * @info: filled, all of it
 */
void llm_session_info(struct llm_session *session, struct llm_session_info *info);

/**
 * llm_session_list() - facts of the sessions the calling process may know of
 * @infos: where they go
 * @room: how many fit there
 *
 * Return: how many there are.
 */
u32 llm_session_list(struct llm_session_info *infos, u32 room);

/**
 * llm_session_next() - facts of the next session in the order of numbers
 * @after: number of the one before, or 0
 * @uid: whose sessions count
 * @all: whether everybody's do
 * @info: filled, all of it but the seed, for the calling process
 *
 * Return: whether there is one.
 */
bool llm_session_next(u64 after, kuid_t uid, bool all, struct llm_session_info *info);

/** llm_session_init() - Return: 0 or -ENOMEM. */
int llm_session_init(void);

/** llm_session_exit() - waits until all sessions are freed; nobody opens more. */
void llm_session_exit(void);

/** llm_session_queue() - has work done that the scheduler's thread must not do. */
void llm_session_queue(struct work_struct *work);

#endif /* LLM_SESSION_H */
