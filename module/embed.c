// SPDX-License-Identifier: GPL-2.0
/* Embedding: a text becomes a vector, or scores. */
#include "embed.h"

#include <linux/minmax.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "ioctl.h"
#include "model.h"
#include "pass.h"
#include "session.h"

/**
 * struct embed - one embedding
 * @pass: the text
 * @kind: enum llm_pooling_kind, but LLM_POOLING_DEFAULT
 * @width: numbers of a vector
 * @sums: @width numbers, float32, or NULL
 * @vectors: the result
 */
struct embed {
	struct llm_pass pass;
	enum llm_pooling_kind kind;
	u32 width;
	void *sums;
	s32 *vectors;
};

static struct embed *embed_of(struct llm_pass *pass)
{
	return container_of(pass, struct embed, pass);
}

static u64 sums_size(const struct embed *embed)
{
	return (u64)embed->width * sizeof(u32);
}

/* Numbers of all vectors. */
static u64 result_count(const struct embed *embed)
{
	u32 vectors = embed->kind == LLM_POOLING_NONE ? embed->pass.list.count : 1;

	return (u64)vectors * embed->width;
}

static u64 result_size(const struct embed *embed)
{
	return result_count(embed) * sizeof(*embed->vectors);
}

static void release_embed(struct llm_pass *pass)
{
	struct embed *embed = embed_of(pass);

	if (embed->sums)
		llm_free_private(embed->sums, sums_size(embed));
	if (embed->vectors)
		llm_free_private(embed->vectors, result_size(embed));
	kfree(embed);
}

static const struct llm_job_ops embed_job_ops = {
	.done = llm_pass_done,
};

/* What a model that makes scores has is nothing that could be pooled. */
static int choose_pooling(struct embed *embed, struct llm_embed *args)
{
	const struct llm_image *image = embed->pass.model->image;
	bool ranks = image->model.pooling == LLM_POOLING_RANK;
	bool wanted = args->pooling == LLM_POOLING_RANK;

	if (image->model.embedding == LLM_IMAGE_NONE)
		return -EOPNOTSUPP;
	if (args->pooling && wanted != ranks)
		return -EINVAL;
	args->pooling = args->pooling ?: image->model.pooling;
	args->width = image->registers[image->model.embedding].width;
	embed->kind = args->pooling;
	embed->width = args->width;
	return 0;
}

/* Puts the tokens of a second text behind those of the first. */
static int append_tokens(struct llm_tokens *list, const struct llm_tokens *more)
{
	struct llm_tokens both = { .room = list->count + more->count };

	both.tokens = llm_alloc((u64)both.room * sizeof(u32));
	if (!both.tokens)
		return -ENOMEM;
	memcpy(both.tokens, list->tokens, (u64)list->count * sizeof(u32));
	memcpy(both.tokens + list->count, more->tokens, (u64)more->count * sizeof(u32));
	both.count = both.room;
	llm_tokens_free(list);
	*list = both;
	return 0;
}

static int read_second(struct llm_pass *pass, const struct llm_embed *args, u32 flags, u32 room)
{
	struct llm_tokens second;
	int ret;

	ret = llm_text_read(&second, pass->model, args->second, args->second_length,
			    flags | LLM_TEXT_SECOND | LLM_TEXT_END, room - pass->list.count);
	if (!ret)
		ret = append_tokens(&pass->list, &second);
	llm_tokens_free(&second);
	return ret;
}

static int read_apart(struct llm_pass *pass, const struct llm_embed *args, u32 flags, u32 room)
{
	int ret;

	ret = llm_text_read(&pass->list, pass->model, args->text, args->text_length,
			    flags | LLM_TEXT_BEGIN | LLM_TEXT_END, room);
	if (!ret && args->flags & LLM_EMBED_PAIR)
		ret = read_second(pass, args, flags, room);
	return ret;
}

/* A query and a document, with what the model was taught to find around them. */
static int read_ranking(struct llm_pass *pass, const struct llm_embed *args, u32 flags, u32 room)
{
	const struct llm_text texts[] = {
		{ .address = args->text, .length = args->text_length },
		{ .address = args->second, .length = args->second_length },
	};

	return llm_text_read_pair(&pass->list, pass->model, texts, flags, room);
}

static int read_texts(struct llm_pass *pass, const struct llm_embed *args)
{
	u32 flags = args->flags & LLM_TOKENIZE_SPECIAL ? LLM_TEXT_SPECIAL : 0;
	const struct llm_plan *plan = pass->model->plan;
	u32 room = plan->whole_texts ? min(pass->context, plan->batch_rows) : pass->context;
	int ret;

	if (args->flags & LLM_EMBED_PAIR && pass->model->image->ranking)
		ret = read_ranking(pass, args, flags, room);
	else
		ret = read_apart(pass, args, flags, room);
	if (!ret && !pass->list.count)
		ret = -ENODATA;
	return ret;
}

/* @vectors_count tells how many there are, or would be. */
static int check_room(const struct embed *embed, struct llm_embed *args)
{
	u64 count = result_count(embed);
	bool fits = count <= args->vectors_count;

	if (result_size(embed) > LLM_PASS_MAX_RESULT)
		return -E2BIG;
	args->tokens = embed->pass.list.count;
	args->vectors_count = count;
	return fits ? 0 : -ENOSPC;
}

static int compute(struct embed *embed)
{
	struct llm_pass *pass = &embed->pass;

	embed->vectors = llm_alloc(result_size(embed));
	if (embed->kind == LLM_POOLING_MEAN)
		embed->sums = llm_alloc(sums_size(embed));
	if (!embed->vectors || (embed->kind == LLM_POOLING_MEAN && !embed->sums))
		return -ENOMEM;
	pass->job.pooling = (struct llm_pooling) {
		.kind = embed->kind,
		.width = embed->width,
		.sums = embed->sums,
		.vectors = embed->vectors,
	};
	pass->job.request.pooling = embed->kind;
	return llm_pass_compute(pass);
}

static int run_embed(struct embed *embed, struct llm_embed *args)
{
	int ret;

	ret = choose_pooling(embed, args);
	if (!ret)
		ret = read_texts(&embed->pass, args);
	if (!ret)
		ret = check_room(embed, args);
	if (!ret)
		ret = compute(embed);
	if (!ret && copy_to_user(u64_to_user_ptr(args->vectors), embed->vectors,
				 result_size(embed)))
		ret = -EFAULT;
	return ret;
}

static int begin_and_run(struct llm_session *session, struct llm_embed *args)
{
	struct embed *embed = kzalloc(sizeof(*embed), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!embed)
		return -ENOMEM;
	llm_pass_init(&embed->pass, session, &embed_job_ops, release_embed);
	ret = llm_pass_begin(&embed->pass);
	if (!ret) {
		ret = run_embed(embed, args);
		llm_pass_end(&embed->pass);
	}
	llm_pass_put(&embed->pass);
	return ret;
}

int llm_embed_text(struct llm_call *call)
{
	struct llm_embed *args = &call->argument.embed;
	bool pair = args->flags & LLM_EMBED_PAIR;
	struct mem_cgroup *memcg;
	int ret;

	if (args->flags & ~(LLM_TOKENIZE_SPECIAL | LLM_EMBED_PAIR) || args->reserved32 ||
	    !llm_reserved_zero(args->reserved) || args->pooling > LLM_POOLING_RANK)
		return -EINVAL;
	if (!pair && (args->second || args->second_length))
		return -EINVAL;
	memcg = set_active_memcg(call->session->memcg);
	ret = begin_and_run(call->session, args);
	set_active_memcg(memcg);
	return ret;
}
