// SPDX-License-Identifier: GPL-2.0
#include "pass.h"

#include "model.h"
#include "session.h"
#include "state.h"
#include "user.h"

void llm_pass_put(struct llm_pass *pass)
{
	if (!refcount_dec_and_test(&pass->references))
		return;
	llm_tokens_free(&pass->list);
	llm_state_destroy(&pass->kv);
	llm_model_put(pass->model);
	llm_session_put(pass->session);
	pass->release(pass);
}

static void work_on_pass(struct work_struct *work)
{
	llm_pass_put(container_of(work, struct llm_pass, work));
}

void llm_pass_done(struct llm_job *job)
{
	struct llm_pass *pass = container_of(job, struct llm_pass, job);

	complete(&pass->over);
	if (!refcount_dec_not_one(&pass->references))
		llm_session_queue(&pass->work);
}

void llm_pass_init(struct llm_pass *pass, struct llm_session *session,
		   const struct llm_job_ops *ops, void (*release)(struct llm_pass *pass))
{
	refcount_set(&pass->references, 1);
	pass->session = llm_session_hold(session);
	pass->job.ops = ops;
	pass->release = release;
	init_completion(&pass->over);
	INIT_WORK(&pass->work, work_on_pass);
}

static int begin_locked(struct llm_pass *pass)
{
	struct llm_session *session = pass->session;
	int ret;

	if (session->passing || llm_session_state(session) == LLM_SESSION_RUNNING)
		return -EBUSY;
	ret = llm_session_bind(session);
	if (ret)
		return ret;
	/* The session has it too, so it is there. */
	pass->model = llm_model_get(session->model->name);
	pass->context = session->context;
	session->passing = true;
	return 0;
}

int llm_pass_begin(struct llm_pass *pass)
{
	int ret;

	if (mutex_lock_killable(&pass->session->setup))
		return -EINTR;
	ret = begin_locked(pass);
	mutex_unlock(&pass->session->setup);
	return ret;
}

void llm_pass_end(struct llm_pass *pass)
{
	mutex_lock(&pass->session->setup);
	pass->session->passing = false;
	mutex_unlock(&pass->session->setup);
}

static void fill_job(struct llm_pass *pass)
{
	struct llm_job *job = &pass->job;

	job->model = pass->model;
	job->owner = pass->session->user->uid;
	job->session = pass->session->id;
	job->priority = LLM_PRIORITY_NORMAL;
	job->request.kv = &pass->kv;
	job->request.tokenizer = pass->model->tokenizer;
	job->request.prompt = pass->list.tokens;
	job->request.prompt_count = pass->list.count;
	job->request.context = pass->list.count;
	job->request.whole = pass->model->plan->whole_texts;
	llm_request_begin(&job->request);
}

int llm_pass_compute(struct llm_pass *pass)
{
	int ret;

	ret = llm_kv_init(&pass->kv, pass->model->plan, pass->list.count);
	if (!ret)
		ret = llm_state_reserve(&pass->kv, pass->list.count);
	if (ret)
		return ret;
	fill_job(pass);
	refcount_inc(&pass->references);
	llm_sched_submit(&pass->job);
	if (wait_for_completion_interruptible(&pass->over)) {
		llm_sched_cancel(&pass->job);
		return -EINTR;
	}
	return pass->job.request.end == LLM_END_CANCELLED ? -EINTR : 0;
}
