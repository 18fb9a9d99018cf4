/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_TURN_H
#define LLM_TURN_H

#include <linux/poll.h>
#include <linux/types.h>

struct iov_iter;
struct llm_session;

/**
 * llm_turn_write() - adds to the text of the next turn
 * @session: session
 * @from: bytes
 *
 * Return: bytes taken, at least 1; or -EBUSY while a reply is under way or
 * unread, -ENOSPC where there are LLM_MAX_TEXT already, -EFAULT, -ENOMEM, -EINTR.
 */
ssize_t llm_turn_write(struct llm_session *session, struct iov_iter *from);

/**
 * llm_turn_write_tokens() - makes tokens the prompt of the next turn
 * @session: session, of which nothing was written yet but tokens
 * @tokens: tokens
 * @count: how many
 *
 * Nothing is put before or after them. llm_turn_start() finds those that the model
 * does not have.
 *
 * Return: 0, or as llm_turn_write() with none taken.
 */
int llm_turn_write_tokens(struct llm_session *session, const u32 *tokens, u32 count);

/**
 * llm_turn_bind() - gives a session the default model if it has none
 * @session: session
 *
 * Return: 0, -ENODEV where there is no model, -EOPNOTSUPP where it makes no text,
 * -EINTR.
 */
int llm_turn_bind(struct llm_session *session);

/**
 * llm_turn_check() - whether llm_turn_start() would find the text too long
 * @session: session
 *
 * Changes nothing but that the session has a model afterwards.
 *
 * Return: 0 or an error of llm_turn_start().
 */
int llm_turn_check(struct llm_session *session);

/**
 * llm_turn_start() - submits what was written
 * @session: session
 *
 * Everything that the reply needs is reserved here.
 *
 * Return: 0, -EBUSY while a reply is under way or unread, -ENODATA where nothing
 * was written, -ENODEV where there is no model, -EINVAL for a token that it lacks,
 * -EOPNOTSUPP where it makes no text, -ENOSPC where the text does not fit the context
 * (it is discarded), -ENOMEM, -EINTR (the text stays).
 */
int llm_turn_start(struct llm_session *session);

/**
 * llm_turn_read() - takes bytes of the reply
 * @session: session
 * @to: where to, not empty
 * @nonblock: do not wait
 *
 * Waits for the first byte.
 *
 * Return: bytes taken; 0 at the end of the reply, which ends the turn, and where
 * there is no reply; -EAGAIN, -ERESTARTSYS, -EFAULT.
 */
ssize_t llm_turn_read(struct llm_session *session, struct iov_iter *to, bool nonblock);

/**
 * llm_turn_ready() - whether a reader should come
 * @session: session
 * @bytes: how many it wants at once
 *
 * Return: whether there are as many, or none will follow before some are read.
 */
bool llm_turn_ready(struct llm_session *session, u32 bytes);

/**
 * llm_turn_discard() - forgets what was written and not started
 * @session: session
 */
void llm_turn_discard(struct llm_session *session);

/**
 * llm_turn_ends_line() - whether a reply ends in a newline
 * @session: session whose reply was read to its end
 *
 * Return: whether its last byte is one.
 */
bool llm_turn_ends_line(const struct llm_session *session);

/**
 * llm_turn_poll() - what could be done without waiting
 * @session: session
 *
 * Return: EPOLLIN where there are bytes or the end of a reply, EPOLLOUT where
 * text can be written.
 */
__poll_t llm_turn_poll(struct llm_session *session);

/**
 * llm_turn_cancel() - ends the reply under way, if there is one
 * @session: session
 *
 * Does not wait: the end can be read within a step.
 *
 * Return: 0 or -EINTR.
 */
int llm_turn_cancel(struct llm_session *session);

#endif /* LLM_TURN_H */
