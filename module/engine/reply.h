/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_REPLY_H
#define LLM_ENGINE_REPLY_H

#include "platform.h"

/** LLM_STOP_LENGTH - bytes a stop string can have at most. */
#define LLM_STOP_LENGTH 256
/** LLM_STOP_COUNT - stop strings there can be at most. */
#define LLM_STOP_COUNT 16
/** LLM_PIECE_LENGTH - bytes one token's text can have at most. */
#define LLM_PIECE_LENGTH 1024

/**
 * struct llm_stop - one string that ends a reply
 * @bytes: its bytes
 * @length: 1..LLM_STOP_LENGTH
 */
struct llm_stop {
	u8 bytes[LLM_STOP_LENGTH];
	u32 length;
};

/**
 * struct llm_reply - turns the texts of tokens into bytes that can be shown:
 *	holds back an unfinished UTF-8 character, and what may become a stop
 *	string, until it is known
 * @stops: stop strings, live as long as the reply
 * @stop_count: how many
 * @held_length: bytes at @held
 * @held: bytes not shown yet
 * @matched: bytes of each stop string that the reply ends with at present
 * @border: for each stop string and each length of its beginnings, the longest
 *	shorter beginning that this one ends with (Knuth, Morris, Pratt, "Fast
 *	pattern matching in strings", 1977)
 */
struct llm_reply {
	const struct llm_stop *stops;
	u32 stop_count;
	u32 held_length;
	u8 held[LLM_STOP_LENGTH + LLM_PIECE_LENGTH + 8];
	u16 matched[LLM_STOP_COUNT];
	u8 border[LLM_STOP_COUNT][LLM_STOP_LENGTH];
};

/**
 * llm_reply_begin() - an empty reply
 * @reply: reply
 * @stops: stop strings
 * @stop_count: 0..LLM_STOP_COUNT
 */
void llm_reply_begin(struct llm_reply *reply, const struct llm_stop *stops, u32 stop_count);

/**
 * llm_reply_add() - adds the text of a token
 * @reply: reply; what was ready after the text before this one was removed
 * @bytes: text
 * @length: 0..LLM_PIECE_LENGTH
 * @ready: set to the number of bytes at the start of reply->held that can be
 *	shown now; llm_reply_shown() removes them
 *
 * Where several stop strings are complete the one that was so first counts, of
 * those complete at the same byte the longest: how the text was cut into tokens
 * makes no difference.
 *
 * Return: whether a stop string is complete: then @ready counts what is before
 * it, and it and what follows are dropped.
 */
bool llm_reply_add(struct llm_reply *reply, const u8 *bytes, u32 length, u32 *ready);

/**
 * llm_reply_shown() - removes bytes that were passed on
 * @reply: reply
 * @count: bytes, at most what was ready
 */
void llm_reply_shown(struct llm_reply *reply, u32 count);

/**
 * llm_reply_end() - no more tokens will come
 * @reply: reply
 *
 * Return: bytes at the start of reply->held that can be shown now: all of them,
 * an unfinished character too, since nothing will finish it.
 */
u32 llm_reply_end(struct llm_reply *reply);

#endif /* LLM_ENGINE_REPLY_H */
