/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A text that was published, and backlogs of them: queues and histories. A text is
 * there once, however many backlogs hold it.
 */
#ifndef LLM_MESSAGE_H
#define LLM_MESSAGE_H

#include <linux/refcount.h>
#include <linux/types.h>

struct llm_user;

/**
 * struct llm_message - a text
 * @references: who points here
 * @user: who published it; its bytes count as this user's
 * @session: session that said it, or 0
 * @hops: sessions that may still pass it on
 * @number: number in its topic, from 1
 * @order: number among all that were published
 * @length: bytes
 * @bytes: the text
 *
 * All but @references is constant once it is published.
 */
struct llm_message {
	refcount_t references;
	struct llm_user *user;
	u64 session;
	u32 hops;
	u64 number;
	u64 order;
	u32 length;
	u8 bytes[];
};

/**
 * llm_message_create() - a text that is not published yet
 * @user: who publishes it
 * @bytes: the text
 * @length: its bytes, 1..LLM_MAX_MESSAGE
 * @session: session that says it, or 0
 * @hops: sessions that may pass it on
 *
 * Return: the text, to be given back with llm_message_put(), or an ERR_PTR():
 * -EDQUOT where the user has too many bytes of texts under way, -ENOMEM.
 */
struct llm_message *llm_message_create(struct llm_user *user, const void *bytes, u32 length,
				       u64 session, u32 hops);

/**
 * llm_message_hold() - takes one more reference
 * @message: a text the caller has a reference to
 *
 * Return: @message.
 */
struct llm_message *llm_message_hold(struct llm_message *message);

/**
 * llm_message_put() - gives a reference back; the last one clears the text
 * @message: the text, or NULL
 */
void llm_message_put(struct llm_message *message);

/**
 * struct llm_backlog - texts in the order they came, with a bound
 * @messages: room for them, or NULL for a bound of 0; a reference to each
 * @room: the bound
 * @first: place of the oldest
 * @count: how many there are
 *
 * Whoever owns it locks it.
 */
struct llm_backlog {
	struct llm_message **messages;
	u32 room;
	u32 first;
	u32 count;
};

/**
 * llm_backlog_create() - an empty backlog
 * @backlog: backlog, overwritten
 * @room: texts it may hold
 *
 * Return: 0 or -ENOMEM.
 */
int llm_backlog_create(struct llm_backlog *backlog, u32 room);

/**
 * llm_backlog_destroy() - gives back all it holds
 * @backlog: backlog, or a zeroed one
 */
void llm_backlog_destroy(struct llm_backlog *backlog);

/**
 * llm_backlog_at() - looks at a text
 * @backlog: backlog
 * @index: which, from 0, the oldest; below its count
 *
 * Return: the text, of which the backlog has the reference.
 */
struct llm_message *llm_backlog_at(const struct llm_backlog *backlog, u32 index);

/**
 * llm_backlog_take() - takes the oldest text out
 * @backlog: backlog
 *
 * Return: the text, whose reference is the caller's now, or NULL.
 */
struct llm_message *llm_backlog_take(struct llm_backlog *backlog);

/**
 * llm_backlog_add() - adds a text as the newest; where there is no room the oldest goes
 * @backlog: backlog
 * @message: the text; the backlog takes a reference of its own
 *
 * Return: whether a text went.
 */
bool llm_backlog_add(struct llm_backlog *backlog, struct llm_message *message);

#endif /* LLM_MESSAGE_H */
