// SPDX-License-Identifier: GPL-2.0
#include "session.h"

#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/memcontrol.h>
#include <linux/moduleparam.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "events.h"
#include "model.h"
#include "state.h"
#include "user.h"

static unsigned int default_context = 4096;
module_param_named(context, default_context, uint, 0644);
MODULE_PARM_DESC(context, "positions of a session that asks for none (default 4096)");

/* Protects sessions and last_id. Sessions are listed from creation to freeing. */
static DEFINE_MUTEX(sessions_lock);
static LIST_HEAD(sessions);
static u64 last_id;
static struct workqueue_struct *session_work;

/* Gives back what a session computes with; what it said stays. */
static void release_computing(struct llm_session *session)
{
	struct llm_model *model = session->model;

	spin_lock(&session->lock);
	session->model = NULL;
	session->memory = 0;
	spin_unlock(&session->lock);

	llm_state_destroy(&session->kv);
	llm_sampler_destroy(session->sampler);
	session->sampler = NULL;
	llm_free_private(session->tokens, (u64)session->tokens_room * sizeof(u32));
	session->tokens = NULL;
	session->tokens_room = 0;
	llm_model_put(model);
}

static void free_session(struct llm_session *session)
{
	struct llm_user *user = session->user;

	mutex_lock(&sessions_lock);
	list_del(&session->link);
	mutex_unlock(&sessions_lock);
	llm_event_session(session, false);

	release_computing(session);
	llm_ring_destroy(&session->ring);
	llm_free_private(session->text, session->text_room);
	llm_free_private(session->system, session->system_length);
	llm_free(session->chat);
	llm_free_private(session->stops, (u64)session->stop_count * sizeof(*session->stops));
	llm_free_private((void *)session->sampling.biases,
			 (u64)session->sampling.bias_count * sizeof(struct llm_sampling_bias));
	mutex_destroy(&session->reading);
	mutex_destroy(&session->setup);
	put_pid(session->pid);
	mem_cgroup_put(session->memcg);
	kfree_sensitive(session);

	llm_user_remove_session(user);
	llm_user_put(user);
}

void llm_session_put(struct llm_session *session)
{
	if (session && refcount_dec_and_test(&session->references))
		free_session(session);
}

static void work_on_session(struct work_struct *work)
{
	struct llm_session *session = container_of(work, struct llm_session, work);

	if (session->kind == LLM_SESSION_LETTER) {
		mutex_lock(&session->setup);
		release_computing(session);
		mutex_unlock(&session->setup);
	}
	llm_session_put(session);
}

void llm_session_put_job(struct llm_session *session)
{
	if (session->kind == LLM_SESSION_LETTER || !refcount_dec_not_one(&session->references))
		llm_session_queue(&session->work);
}

struct llm_session *llm_session_hold(struct llm_session *session)
{
	refcount_inc(&session->references);
	return session;
}

struct llm_session *llm_session_create(struct llm_user *user, enum llm_session_kind kind)
{
	struct llm_session *session;
	int ret;

	session = kzalloc(sizeof(*session), GFP_KERNEL_ACCOUNT);
	if (!session)
		return ERR_PTR(-ENOMEM);
	ret = llm_user_add_session(user);
	if (ret) {
		kfree(session);
		return ERR_PTR(ret);
	}
	refcount_set(&session->references, 1);
	session->kind = kind;
	session->user = llm_user_hold(user);
	session->pid = get_pid(task_tgid(current));
	session->memcg = get_mem_cgroup_from_mm(current->mm);
	INIT_WORK(&session->work, work_on_session);
	mutex_init(&session->setup);
	mutex_init(&session->reading);
	spin_lock_init(&session->lock);
	llm_sampling_defaults(&session->sampling);
	session->priority = LLM_PRIORITY_NORMAL;
	session->last = LLM_TOKEN_NONE;
	init_waitqueue_head(&session->own_wait);
	session->wait = kind == LLM_SESSION_LETTER ? &user->mail_wait : &session->own_wait;

	mutex_lock(&sessions_lock);
	session->id = ++last_id;
	list_add_tail(&session->link, &sessions);
	mutex_unlock(&sessions_lock);
	llm_event_session(session, true);
	return session;
}

enum llm_session_state llm_session_state(struct llm_session *session)
{
	enum llm_session_state state;

	spin_lock(&session->lock);
	state = session->state;
	spin_unlock(&session->lock);
	return state;
}

u32 llm_session_context(const struct llm_model *model)
{
	return min(model->image->model.context_length, max(READ_ONCE(default_context), 1U));
}

void llm_session_rebind(struct llm_session *session, struct llm_model *model, u32 context)
{
	release_computing(session);
	spin_lock(&session->lock);
	session->model = model;
	session->context = context;
	spin_unlock(&session->lock);
}

int llm_session_bind(struct llm_session *session)
{
	struct llm_model *model;

	if (session->model)
		return 0;
	model = llm_model_get(NULL);
	if (!model)
		return -ENODEV;
	llm_session_rebind(session, model, llm_session_context(model));
	return 0;
}

struct llm_model *llm_session_model(struct llm_session *session)
{
	struct llm_model *model;
	int ret;

	if (mutex_lock_killable(&session->setup))
		return ERR_PTR(-EINTR);
	ret = llm_session_bind(session);
	/* The session has a reference: its model can't be unloaded meanwhile. */
	model = ret ? ERR_PTR(ret) : llm_model_get(session->model->name);
	mutex_unlock(&session->setup);
	return model;
}

static u32 shown_state(const struct llm_session *session)
{
	if (session->state == LLM_SESSION_IDLE)
		return LLM_STATE_IDLE;
	if (session->state == LLM_SESSION_DONE)
		return LLM_STATE_DONE;
	switch (READ_ONCE(session->job.state)) {
	case LLM_JOB_QUEUED:
		return LLM_STATE_QUEUED;
	case LLM_JOB_PROMPT:
		return LLM_STATE_PROMPT;
	default:
		return LLM_STATE_REPLY;
	}
}

/* Adds the turn under way to the counts of those that are over. */
static void add_running(const struct llm_session *session, struct llm_session_info *info)
{
	const struct llm_job *job = &session->job;
	u32 in = READ_ONCE(job->tokens_in);
	u32 out = READ_ONCE(job->tokens_out);

	info->used += in + (out ? out - 1 : 0);
	info->tokens_in += in;
	info->tokens_out += out;
	info->queued_ns += READ_ONCE(job->queued_ns);
	info->first_token_ns = READ_ONCE(job->first_token_ns);
	info->cpu_ns += READ_ONCE(job->cpu_ns);
}

void llm_session_info(struct llm_session *session, struct llm_session_info *info)
{
	memset(info, 0, sizeof(*info));
	info->id = session->id;
	info->pid = pid_vnr(session->pid);
	info->uid = from_kuid_munged(current_user_ns(), session->user->uid);

	spin_lock(&session->lock);
	if (session->model)
		memcpy(info->model, session->model->name, sizeof(info->model));
	info->state = shown_state(session);
	info->reason = session->reason;
	info->context = session->context;
	info->used = session->position;
	info->memory = session->memory;
	info->tokens_in = session->counts.tokens_in;
	info->tokens_out = session->counts.tokens_out;
	info->queued_ns = session->counts.queued_ns;
	info->first_token_ns = session->counts.first_token_ns;
	info->cpu_ns = session->counts.cpu_ns;
	info->seed = session->seed;
	if (session->state == LLM_SESSION_RUNNING)
		add_running(session, info);
	spin_unlock(&session->lock);
}

u32 llm_session_list(struct llm_session_info *infos, u32 room)
{
	bool all = capable(CAP_SYS_ADMIN);
	kuid_t uid = current_euid();
	struct llm_session *session;
	u32 count = 0;

	mutex_lock(&sessions_lock);
	list_for_each_entry(session, &sessions, link) {
		if (!all && !uid_eq(session->user->uid, uid))
			continue;
		if (count < room) {
			llm_session_info(session, &infos[count]);
			infos[count].seed = 0;
		}
		count++;
	}
	mutex_unlock(&sessions_lock);
	return count;
}

bool llm_session_next(u64 after, kuid_t uid, bool all, struct llm_session_info *info)
{
	struct llm_session *session;
	bool found = false;

	mutex_lock(&sessions_lock);
	list_for_each_entry(session, &sessions, link) {
		if (session->id <= after || (!all && !uid_eq(session->user->uid, uid)))
			continue;
		llm_session_info(session, info);
		info->seed = 0;
		found = true;
		break;
	}
	mutex_unlock(&sessions_lock);
	return found;
}

void llm_session_queue(struct work_struct *work)
{
	queue_work(session_work, work);
}

int llm_session_init(void)
{
	session_work = alloc_workqueue("llm_session", WQ_UNBOUND, 0);
	return session_work ? 0 : -ENOMEM;
}

void llm_session_exit(void)
{
	llm_user_wait_sessions();
	destroy_workqueue(session_work);
}
