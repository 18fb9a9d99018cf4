/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_CHAT_H
#define LLM_ENGINE_CHAT_H

#include "tokenizer.h"

/**
 * struct llm_chat_turn - a message of the user, and what goes around it
 * @chat: template, not an unknown one
 * @system: system message, or NULL; it counts for the first turn alone
 * @system_length: bytes there
 * @text: the user's message
 * @length: bytes there, with @system_length at most 2^28
 * @first: whether it begins the conversation
 * @special: whether control tokens are recognised in the messages too
 */
struct llm_chat_turn {
	const struct llm_image_chat *chat;
	const u8 *system;
	u32 system_length;
	const u8 *text;
	u32 length;
	bool first;
	bool special;
};

/**
 * llm_chat_length() - bytes of a turn with all that goes around the message
 * @turn: turn
 *
 * Return: the bytes, at most.
 */
u32 llm_chat_length(const struct llm_chat_turn *turn);

/**
 * llm_chat_tokenize() - a turn to tokens
 * @tokenizer: tokenizer
 * @turn: turn
 * @tokens: where they go
 * @room: tokens that fit there
 * @count: how many there are, also where they did not fit
 *
 * They follow upon those of the conversation so far, but for the token that ended
 * the last reply, if one did.
 *
 * Return: as llm_tokenize() does.
 */
int llm_chat_tokenize(const struct llm_tokenizer *tokenizer, const struct llm_chat_turn *turn,
		      u32 *tokens, u32 room, u32 *count);

#endif /* LLM_ENGINE_CHAT_H */
