/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_TEXT_H
#define LLM_TEXT_H

#include <linux/types.h>

struct llm_call;
struct llm_model;
struct llm_text;

/**
 * struct llm_tokens - what a text consists of
 * @tokens: tokens, or NULL
 * @room: tokens that fit there
 * @count: tokens there are, also where they did not fit
 */
struct llm_tokens {
	u32 *tokens;
	u32 room;
	u32 count;
};

/**
 * llm_text_read() - makes tokens of a text in user memory
 * @list: filled; llm_tokens_free() frees it, also after an error
 * @model: whose tokenizer
 * @address: of the text
 * @length: bytes there
 * @flags: LLM_TEXT_*
 * @room: tokens wanted at most
 *
 * Return: 0, -E2BIG above LLM_MAX_TEXT, -ENOSPC above @room, -EFAULT, -ENOMEM.
 */
int llm_text_read(struct llm_tokens *list, const struct llm_model *model, u64 address,
		  u32 length, u32 flags, u32 room);

/**
 * llm_text_read_pair() - the same for a query and a document, for a model that ranks
 *	with words around them
 * @list: as above
 * @model: whose image has a ranking
 * @texts: addresses and lengths of the two
 * @flags: LLM_TEXT_SPECIAL or 0
 * @room: as above
 *
 * Return: as above.
 */
int llm_text_read_pair(struct llm_tokens *list, const struct llm_model *model,
		       const struct llm_text *texts, u32 flags, u32 room);

/**
 * llm_text_flags() - what an ioctl asks of the tokenizer
 * @flags: LLM_TOKENIZE_*
 *
 * Return: LLM_TEXT_*, or -EINVAL where one is unknown.
 */
int llm_text_flags(u32 flags);

/**
 * llm_tokens_free() - frees the tokens, cleared
 * @list: list, or a zeroed one
 */
void llm_tokens_free(struct llm_tokens *list);

/** llm_text_tokenize() - LLM_IOC_TOKENIZE */
int llm_text_tokenize(struct llm_call *call);

/** llm_text_detokenize() - LLM_IOC_DETOKENIZE */
int llm_text_detokenize(struct llm_call *call);

#endif /* LLM_TEXT_H */
