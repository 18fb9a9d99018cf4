// SPDX-License-Identifier: GPL-2.0
/*
 * Text and tokens for who asks, without a conversation.
 */
#include "text.h"

#include <linux/err.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "engine/ranking.h"
#include "ioctl.h"
#include "model.h"
#include "session.h"

/* A private copy of user memory, for llm_free_private(). */
static void *copy_in(u64 address, u64 size)
{
	void *copy = llm_alloc_unset(size);

	if (!copy)
		return ERR_PTR(-ENOMEM);
	if (copy_from_user(copy, u64_to_user_ptr(address), size)) {
		llm_free_private(copy, size);
		return ERR_PTR(-EFAULT);
	}
	return copy;
}

int llm_text_flags(u32 flags)
{
	if (flags & ~(LLM_TOKENIZE_SPECIAL | LLM_TOKENIZE_BOS))
		return -EINVAL;
	return (flags & LLM_TOKENIZE_SPECIAL ? LLM_TEXT_SPECIAL : 0) |
	       (flags & LLM_TOKENIZE_BOS ? LLM_TEXT_BEGIN : 0);
}

int llm_text_read(struct llm_tokens *list, const struct llm_model *model, u64 address,
		  u32 length, u32 flags, u32 room)
{
	u8 *text;
	int ret;

	*list = (struct llm_tokens){};
	if (length > LLM_MAX_TEXT)
		return -E2BIG;
	text = copy_in(address, length);
	if (IS_ERR(text))
		return PTR_ERR(text);
	list->room = min(room, llm_tokenizer_most(model->tokenizer, length));
	list->tokens = llm_alloc_unset((u64)list->room * sizeof(u32));
	ret = -ENOMEM;
	if (list->tokens)
		ret = llm_tokenize(model->tokenizer, text, length, flags, list->tokens,
				   list->room, &list->count);
	llm_free_private(text, length);
	return ret;
}

/* Puts both texts into @parts, whose texts llm_free_private() frees. */
static int copy_pair(struct llm_text_part *parts, const struct llm_text *texts, u32 flags)
{
	void *text;
	u32 i;

	for (i = 0; i < 2; i++) {
		if (texts[i].length > LLM_MAX_TEXT)
			return -E2BIG;
		text = copy_in(texts[i].address, texts[i].length);
		if (IS_ERR(text))
			return PTR_ERR(text);
		parts[i] = (struct llm_text_part){
			.text = text, .length = texts[i].length, .flags = flags,
		};
	}
	return 0;
}

static int tokenize_pair(struct llm_tokens *list, const struct llm_model *model,
			 const struct llm_text_part *parts, u32 room)
{
	u32 most = parts[0].length + parts[1].length + LLM_RANKING_MOST;

	list->room = min(room, llm_tokenizer_most(model->tokenizer, most));
	list->tokens = llm_alloc_unset((u64)list->room * sizeof(u32));
	if (!list->tokens)
		return -ENOMEM;
	return llm_ranking_tokenize(model->tokenizer, model->image->ranking, parts, list->tokens,
				    list->room, &list->count);
}

int llm_text_read_pair(struct llm_tokens *list, const struct llm_model *model,
		       const struct llm_text *texts, u32 flags, u32 room)
{
	struct llm_text_part parts[2] = {};
	int ret;

	*list = (struct llm_tokens){};
	ret = copy_pair(parts, texts, flags);
	if (!ret)
		ret = tokenize_pair(list, model, parts, room);
	llm_free_private((void *)parts[0].text, parts[0].length);
	llm_free_private((void *)parts[1].text, parts[1].length);
	return ret;
}

void llm_tokens_free(struct llm_tokens *list)
{
	llm_free_private(list->tokens, (u64)list->room * sizeof(u32));
}

static int tokenize(const struct llm_model *model, struct llm_tokenize *args)
{
	int flags = llm_text_flags(args->flags);
	struct llm_tokens list;
	int ret;

	if (flags < 0)
		return flags;
	if (args->ends)
		return -EINVAL;
	ret = llm_text_read(&list, model, args->text, args->text_length, flags,
			    args->tokens_count);
	if (!ret && copy_to_user(u64_to_user_ptr(args->tokens), list.tokens,
				 (u64)list.count * sizeof(u32)))
		ret = -EFAULT;
	args->tokens_count = list.count;
	llm_tokens_free(&list);
	return ret;
}

/* Bytes of the text, at most 2^30; or an error. */
static long text_length(const struct llm_model *model, const u32 *tokens, u32 count, u32 flags)
{
	u32 sum = 0;
	u32 length;
	u32 i;

	for (i = 0; i < count; i++) {
		if (tokens[i] >= model->image->model.vocab_size)
			return -EINVAL;
		llm_token_text(model->tokenizer, tokens[i], flags, &length);
		sum += length;
	}
	return sum;
}

/* Each token becomes the place where its text ends. */
static int text_out(const struct llm_model *model, u32 *tokens, u32 count, u32 flags,
		    u64 address)
{
	const u8 *text;
	u32 length;
	u32 end = 0;
	u32 i;

	for (i = 0; i < count; i++) {
		text = llm_token_text(model->tokenizer, tokens[i], flags, &length);
		if (copy_to_user(u64_to_user_ptr(address + end), text, length))
			return -EFAULT;
		end += length;
		tokens[i] = end;
		llm_relax_long();
	}
	return 0;
}

static int detokenize(const struct llm_model *model, struct llm_tokenize *args)
{
	u32 flags = args->flags & LLM_TOKENIZE_SPECIAL ? LLM_TEXT_SPECIAL : 0;
	u32 count = args->tokens_count;
	u64 size = (u64)count * sizeof(u32);
	u32 *tokens;
	long length;
	int ret;

	if (args->flags & ~LLM_TOKENIZE_SPECIAL)
		return -EINVAL;
	if (count > LLM_MAX_TEXT)
		return -E2BIG;
	tokens = copy_in(args->tokens, size);
	if (IS_ERR(tokens))
		return PTR_ERR(tokens);
	length = text_length(model, tokens, count, flags);
	if (length < 0)
		ret = length;
	else if (length > args->text_length)
		ret = -ENOSPC;
	else
		ret = text_out(model, tokens, count, flags, args->text);
	if (!ret && args->ends && copy_to_user(u64_to_user_ptr(args->ends), tokens, size))
		ret = -EFAULT;
	if (length >= 0)
		args->text_length = length;
	llm_free_private(tokens, size);
	return ret;
}

static int with_model(struct llm_call *call,
		      int (*function)(const struct llm_model *model, struct llm_tokenize *args))
{
	struct llm_tokenize *args = &call->argument.tokenize;
	struct llm_model *model;
	int ret;

	if (args->reserved32 || args->reserved)
		return -EINVAL;
	model = llm_session_model(call->session);
	if (IS_ERR(model))
		return PTR_ERR(model);
	ret = function(model, args);
	llm_model_put(model);
	return ret;
}

int llm_text_tokenize(struct llm_call *call)
{
	return with_model(call, tokenize);
}

int llm_text_detokenize(struct llm_call *call)
{
	return with_model(call, detokenize);
}
