// SPDX-License-Identifier: GPL-2.0
#include "engine/pooling.h"
#include "engine/ranking.h"
#include "host_session.h"
#include "interrupt.h"

static u32 tokens_fit(const struct host_session *own)
{
	const struct llm_plan *plan = own->model->plan;

	return plan->whole_texts ? min(own->context, plan->batch_rows) : own->context;
}

static int refuse_tokens(int code, u32 count, u32 room, struct llmctl_error *error)
{
	if (code == -ENOSPC)
		return refuse(error, ENOSPC, "embed: %u tokens do not fit the %u that the text may have",
			      count, room);
	return refuse(error, -code, "embed: %s", strerror(-code));
}

/* Puts the tokens of a text behind those before it. */
static int add_text(const struct host_session *own, const struct llm_text *text, u32 flags,
		    u32 *tokens, u32 room, u32 *count, struct llmctl_error *error)
{
	u32 more;
	int ret;

	ret = llm_tokenize(own->model->tokenizer, (const u8 *)(uintptr_t)text->address,
			   text->length, flags, tokens + *count, room - *count, &more);
	if (ret)
		return refuse_tokens(ret, *count + more, room, error);
	*count += more;
	return 0;
}

/* One text, or two one after the other. */
static int read_apart(const struct host_session *own, const struct llm_text *texts, u32 flags,
		      u32 *tokens, u32 room, u32 *count, struct llmctl_error *error)
{
	u32 special = flags & LLM_TOKENIZE_SPECIAL ? LLM_TEXT_SPECIAL : 0;
	int ret;

	ret = add_text(own, &texts[0], special | LLM_TEXT_BEGIN | LLM_TEXT_END, tokens, room, count,
		       error);
	if (!ret && flags & LLM_EMBED_PAIR)
		ret = add_text(own, &texts[1], special | LLM_TEXT_SECOND | LLM_TEXT_END, tokens,
			       room, count, error);
	return ret;
}

static struct llm_text_part part_of(const struct llm_text *text, u32 flags)
{
	return (struct llm_text_part) {
		.text = (const u8 *)(uintptr_t)text->address,
		.length = text->length,
		.flags = flags & LLM_TOKENIZE_SPECIAL ? LLM_TEXT_SPECIAL : 0,
	};
}

/* A query and a document, with what the model was taught to find around them. */
static int read_ranking(const struct host_session *own, const struct llm_text *texts, u32 flags,
			u32 *tokens, u32 room, u32 *count, struct llmctl_error *error)
{
	const struct llm_text_part parts[] = {
		part_of(&texts[0], flags), part_of(&texts[1], flags),
	};
	int ret;

	ret = llm_ranking_tokenize(own->model->tokenizer, own->model->image->ranking, parts,
				   tokens, room, count);
	return ret ? refuse_tokens(ret, *count, room, error) : 0;
}

static int read_texts(const struct host_session *own, const struct llm_text *texts, u32 flags,
		      u32 *tokens, u32 room, u32 *count, struct llmctl_error *error)
{
	int ret;

	*count = 0;
	if (flags & LLM_EMBED_PAIR && own->model->image->ranking)
		ret = read_ranking(own, texts, flags, tokens, room, count, error);
	else
		ret = read_apart(own, texts, flags, tokens, room, count, error);
	if (!ret && !*count)
		ret = refuse(error, ENODATA, "embed: there is no text");
	return ret;
}

static void pool_outputs(const struct host_session *own, const struct llm_request *request,
			 struct llm_pooling *pooling, u32 outputs)
{
	bool complete = request->computed == request->prompt_count;
	u32 i;

	for (i = 0; i < outputs; i++) {
		llm_pooling_begin(pooling, llm_step_embedding(own->step, i),
				  complete && i == outputs - 1);
		while (!llm_pooling_advance(pooling))
			;
	}
}

static int compute(struct host_session *own, const u32 *tokens, u32 count,
		   struct llm_pooling *pooling, struct llmctl_error *error)
{
	struct llm_kv kv = { 0 };
	struct llm_request request = {
		.kv = &kv,
		.tokenizer = own->model->tokenizer,
		.prompt = tokens,
		.prompt_count = count,
		.context = count,
		.pooling = pooling->kind,
		.whole = own->model->plan->whole_texts,
	};
	u32 outputs;
	int ret;

	if (llm_kv_init(&kv, own->model->plan, count))
		return refuse(error, ENOMEM, "embed: not enough memory");
	llm_request_begin(&request);
	do {
		if (interrupted())
			ret = refuse(error, EINTR, "interrupted");
		else
			ret = host_compute(own, &request, &outputs, error);
		if (!ret)
			pool_outputs(own, &request, pooling, outputs);
	} while (!ret && request.end == LLM_END_NONE);
	llm_kv_destroy(&kv);
	return ret;
}

static int choose_pooling(const struct llm_image *image, u32 pooling,
			  struct llmctl_embedding *embedding, struct llmctl_error *error)
{
	bool ranks = image->model.pooling == LLM_POOLING_RANK;
	bool wanted = pooling == LLM_POOLING_RANK;

	if (image->model.embedding == LLM_IMAGE_NONE)
		return refuse(error, EOPNOTSUPP, "embed: the model makes no embeddings");
	if (pooling && wanted != ranks)
		return refuse(error, EINVAL, "embed: the model does not have this pooling");
	embedding->pooling = pooling ? pooling : image->model.pooling;
	embedding->width = image->registers[image->model.embedding].width;
	return 0;
}

static int embed_tokens(struct host_session *own, const u32 *tokens,
			struct llmctl_embedding *embedding, struct llmctl_error *error)
{
	u32 vectors = embedding->pooling == LLM_POOLING_NONE ? embedding->tokens : 1;
	struct llm_pooling pooling = { .kind = embedding->pooling, .width = embedding->width };
	int ret;

	embedding->count = vectors * embedding->width;
	embedding->vectors = calloc(embedding->count, sizeof(*embedding->vectors));
	pooling.vectors = embedding->vectors;
	pooling.sums = calloc(embedding->width, sizeof(float));
	if (embedding->vectors && pooling.sums)
		ret = compute(own, tokens, embedding->tokens, &pooling, error);
	else
		ret = refuse(error, ENOMEM, "embed: not enough memory");
	free(pooling.sums);
	if (ret)
		free(embedding->vectors);
	return ret;
}

int host_embed(struct session *session, const struct llm_text *texts, __u32 pooling,
	       __u32 flags, struct llmctl_embedding *embedding, struct llmctl_error *error)
{
	struct host_session *own = (struct host_session *)session;
	u32 room = tokens_fit(own);
	u32 *tokens;
	int ret;

	ret = choose_pooling(own->model->image, pooling, embedding, error);
	if (ret)
		return ret;
	tokens = calloc(room, sizeof(*tokens));
	if (!tokens)
		return refuse(error, ENOMEM, "embed: not enough memory");
	ret = read_texts(own, texts, flags, tokens, room, &embedding->tokens, error);
	if (!ret)
		ret = embed_tokens(own, tokens, embedding, error);
	free(tokens);
	return ret;
}
