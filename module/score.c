// SPDX-License-Identifier: GPL-2.0
/* Scoring: each token of a text is asked how likely it was. */
#include "score.h"

#include <linux/minmax.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ioctl.h"
#include "model.h"
#include "pass.h"
#include "session.h"

/**
 * struct score - one scoring
 * @pass: the text
 * @stride: entries a token has
 * @entries: the result, of @pass.list.count tokens
 */
struct score {
	struct llm_pass pass;
	u32 stride;
	struct llm_score_entry *entries;
};

static struct score *score_of(struct llm_pass *pass)
{
	return container_of(pass, struct score, pass);
}

static u64 result_size(const struct score *score)
{
	return (u64)score->pass.list.count * score->stride * sizeof(*score->entries);
}

static void release_score(struct llm_pass *pass)
{
	struct score *score = score_of(pass);

	if (score->entries)
		llm_free_private(score->entries, result_size(score));
	kfree(score);
}

static void set_entry(struct llm_score_entry *entry, u32 token, s32 logprob)
{
	entry->token = token;
	entry->logprob = logprob;
}

static void job_scored(struct llm_job *job, u32 index, const struct llm_scoring *scoring)
{
	struct score *score = score_of(container_of(job, struct llm_pass, job));
	struct llm_score_entry *entry = score->entries + (u64)index * score->stride;
	u32 i;

	set_entry(entry++, scoring->result.token, scoring->result.logprob);
	for (i = 0; i < job->alternatives; i++)
		set_entry(entry++, scoring->best[i].token, scoring->best[i].logprob);
}

static const struct llm_job_ops score_job_ops = {
	.scored = job_scored,
	.done = llm_pass_done,
};

/* Until the scheduler says otherwise no token is likely, nor known. */
static int create_entries(struct score *score)
{
	const struct llm_tokens *list = &score->pass.list;
	u32 i, k;

	score->entries = llm_alloc(result_size(score));
	if (!score->entries)
		return -ENOMEM;
	for (i = 0; i < list->count; i++) {
		struct llm_score_entry *entry = score->entries + (u64)i * score->stride;

		set_entry(entry++, list->tokens[i], 0);
		for (k = 1; k < score->stride; k++)
			set_entry(entry++, LLM_TOKEN_NONE, 0);
		llm_relax_long();
	}
	return 0;
}

static int read_text(struct score *score, struct llm_score *args)
{
	int flags = llm_text_flags(args->flags);
	struct llm_pass *pass = &score->pass;
	u32 count;
	int ret;

	if (flags < 0)
		return flags;
	ret = llm_text_read(&pass->list, pass->model, args->text, args->text_length, flags,
			    pass->context);
	if (ret && ret != -ENOSPC)
		return ret;
	if (result_size(score) > LLM_PASS_MAX_RESULT)
		return -E2BIG;
	count = pass->list.count * score->stride;
	ret = ret ?: count > args->entries_count ? -ENOSPC : 0;
	args->entries_count = count;
	return ret;
}

static int compute(struct score *score)
{
	struct llm_pass *pass = &score->pass;

	pass->job.alternatives = min(score->stride - 1, pass->model->image->model.vocab_size);
	pass->job.request.score = true;
	return llm_pass_compute(pass);
}

static int run_score(struct score *score, struct llm_score *args)
{
	int ret;

	if (score->pass.model->image->model.logits == LLM_IMAGE_NONE)
		return -EOPNOTSUPP;
	ret = read_text(score, args);
	if (!ret)
		ret = create_entries(score);
	/* Nothing predicts the first token. */
	if (!ret && score->pass.list.count > 1)
		ret = compute(score);
	if (!ret && copy_to_user(u64_to_user_ptr(args->entries), score->entries,
				 result_size(score)))
		ret = -EFAULT;
	return ret;
}

static int begin_and_run(struct llm_session *session, struct llm_score *args)
{
	struct score *score = kzalloc(sizeof(*score), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!score)
		return -ENOMEM;
	score->stride = 1 + args->alternatives;
	llm_pass_init(&score->pass, session, &score_job_ops, release_score);
	ret = llm_pass_begin(&score->pass);
	if (!ret) {
		ret = run_score(score, args);
		llm_pass_end(&score->pass);
	}
	llm_pass_put(&score->pass);
	return ret;
}

int llm_score_text(struct llm_call *call)
{
	struct llm_score *args = &call->argument.score;
	struct mem_cgroup *memcg;
	int ret;

	if (args->alternatives > LLM_MAX_ALTERNATIVES || !llm_reserved_zero(args->reserved))
		return -EINVAL;
	memcg = set_active_memcg(call->session->memcg);
	ret = begin_and_run(call->session, args);
	set_active_memcg(memcg);
	return ret;
}
