// SPDX-License-Identifier: GPL-2.0
/*
 * Scoring: a text goes through the model without a conversation, and each of its
 * tokens is asked how likely it was.
 */
#include "score.h"

#include <linux/completion.h>
#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/refcount.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

#include "ioctl.h"
#include "model.h"
#include "sched.h"
#include "session.h"
#include "state.h"
#include "text.h"
#include "user.h"

/* Bytes of results of one call at most. */
#define MAX_RESULT	(64U << 20)

/**
 * struct score - one scoring
 * @references: the caller, and the job while it is submitted
 * @session: on whose behalf
 * @model: model
 * @context: positions the session may use, which the text may use too
 * @list: the text
 * @kv: its key/value state
 * @stride: entries a token has
 * @entries: the result, of @list.count tokens
 * @job: what the scheduler does
 * @over: completed when it has
 * @work: gives the job's reference back where that frees
 *
 * The scheduler writes @entries until @over is completed.
 */
struct score {
	refcount_t references;
	struct llm_session *session;
	struct llm_model *model;
	u32 context;
	struct llm_tokens list;
	struct llm_kv kv;
	u32 stride;
	struct llm_score_entry *entries;
	struct llm_job job;
	struct completion over;
	struct work_struct work;
};

static u64 result_size(const struct score *score)
{
	return (u64)score->list.count * score->stride * sizeof(*score->entries);
}

static void put_score(struct score *score)
{
	if (!refcount_dec_and_test(&score->references))
		return;
	if (score->entries)
		llm_free_private(score->entries, result_size(score));
	llm_tokens_free(&score->list);
	llm_state_destroy(&score->kv);
	llm_model_put(score->model);
	llm_session_put(score->session);
	kfree(score);
}

static void work_on_score(struct work_struct *work)
{
	put_score(container_of(work, struct score, work));
}

static void set_entry(struct llm_score_entry *entry, u32 token, s32 logprob)
{
	entry->token = token;
	entry->logprob = logprob;
}

static void job_scored(struct llm_job *job, u32 index, const struct llm_scoring *scoring)
{
	struct score *score = container_of(job, struct score, job);
	struct llm_score_entry *entry = score->entries + (u64)index * score->stride;
	u32 i;

	set_entry(entry++, scoring->result.token, scoring->result.logprob);
	for (i = 0; i < job->alternatives; i++)
		set_entry(entry++, scoring->best[i].token, scoring->best[i].logprob);
}

static void job_done(struct llm_job *job)
{
	struct score *score = container_of(job, struct score, job);

	complete(&score->over);
	if (!refcount_dec_not_one(&score->references))
		llm_session_queue(&score->work);
}

static const struct llm_job_ops score_job_ops = {
	.scored = job_scored,
	.done = job_done,
};

static struct score *create_score(struct llm_session *session, u32 alternatives)
{
	struct score *score = kzalloc(sizeof(*score), GFP_KERNEL_ACCOUNT);

	if (!score)
		return NULL;
	refcount_set(&score->references, 1);
	score->session = llm_session_hold(session);
	score->stride = 1 + alternatives;
	init_completion(&score->over);
	INIT_WORK(&score->work, work_on_score);
	return score;
}

/* Takes the session's one scoring, and a reference to its model. */
static int begin_locked(struct score *score)
{
	struct llm_session *session = score->session;
	int ret;

	if (session->scoring || llm_session_state(session) == LLM_SESSION_RUNNING)
		return -EBUSY;
	ret = llm_session_bind(session);
	if (ret)
		return ret;
	/* The session has it too, so it is there. */
	score->model = llm_model_get(session->model->name);
	score->context = session->context;
	session->scoring = true;
	return 0;
}

static int begin_scoring(struct score *score)
{
	int ret;

	if (mutex_lock_killable(&score->session->setup))
		return -EINTR;
	ret = begin_locked(score);
	mutex_unlock(&score->session->setup);
	return ret;
}

static void end_scoring(struct score *score)
{
	mutex_lock(&score->session->setup);
	score->session->scoring = false;
	mutex_unlock(&score->session->setup);
}

/* Until the scheduler says otherwise no token is likely, nor known. */
static int create_entries(struct score *score)
{
	u32 i, k;

	score->entries = llm_alloc(result_size(score));
	if (!score->entries)
		return -ENOMEM;
	for (i = 0; i < score->list.count; i++) {
		struct llm_score_entry *entry = score->entries + (u64)i * score->stride;

		set_entry(entry++, score->list.tokens[i], 0);
		for (k = 1; k < score->stride; k++)
			set_entry(entry++, LLM_TOKEN_NONE, 0);
		llm_relax_long();
	}
	return 0;
}

static int create_state(struct score *score)
{
	int ret;

	ret = llm_kv_init(&score->kv, score->model->plan, score->list.count);
	return ret ?: llm_state_reserve(&score->kv, score->list.count);
}

static void fill_job(struct score *score)
{
	const struct llm_model *model = score->model;

	score->job.ops = &score_job_ops;
	score->job.model = score->model;
	score->job.owner = score->session->user->uid;
	score->job.session = score->session->id;
	score->job.alternatives = min(score->stride - 1, model->image->model.vocab_size);
	score->job.request = (struct llm_request) {
		.kv = &score->kv,
		.tokenizer = model->tokenizer,
		.prompt = score->list.tokens,
		.prompt_count = score->list.count,
		.context = score->list.count,
		.score = true,
	};
	llm_request_begin(&score->job.request);
}

/* Where it is interrupted the scheduler still finishes its step. */
static int compute(struct score *score)
{
	fill_job(score);
	refcount_inc(&score->references);
	llm_sched_submit(&score->job);
	if (wait_for_completion_interruptible(&score->over)) {
		llm_sched_cancel(&score->job);
		return -EINTR;
	}
	return score->job.request.end == LLM_END_CANCELLED ? -EINTR : 0;
}

static int read_text(struct score *score, struct llm_score *args)
{
	int ret;

	ret = llm_text_read(&score->list, score->model, args->text, args->text_length,
			    args->flags, score->context);
	if (ret && ret != -ENOSPC)
		return ret;
	if (result_size(score) > MAX_RESULT)
		return -E2BIG;
	ret = ret ?: (u64)score->list.count * score->stride > args->entries_count ? -ENOSPC : 0;
	args->entries_count = score->list.count * score->stride;
	return ret;
}

static int run_score(struct score *score, struct llm_score *args)
{
	int ret;

	ret = read_text(score, args);
	if (!ret)
		ret = create_entries(score);
	if (!ret)
		ret = create_state(score);
	/* Nothing predicts the first token. */
	if (!ret && score->list.count > 1)
		ret = compute(score);
	if (!ret && copy_to_user(u64_to_user_ptr(args->entries), score->entries,
				 result_size(score)))
		ret = -EFAULT;
	return ret;
}

int llm_score_text(struct llm_call *call)
{
	struct llm_score *args = &call->argument.score;
	struct llm_session *session = call->session;
	struct mem_cgroup *memcg;
	struct score *score;
	int ret = -ENOMEM;

	if (args->alternatives > LLM_MAX_ALTERNATIVES || !llm_reserved_zero(args->reserved))
		return -EINVAL;
	memcg = set_active_memcg(session->memcg);
	score = create_score(session, args->alternatives);
	if (!score)
		goto restore;
	ret = begin_scoring(score);
	if (!ret) {
		ret = run_score(score, args);
		end_scoring(score);
	}
	put_score(score);
restore:
	set_active_memcg(memcg);
	return ret;
}
