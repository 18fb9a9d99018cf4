/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_MAILBOX_H
#define LLM_MAILBOX_H

#include <linux/poll.h>
#include <linux/types.h>

struct iov_iter;
struct llm_letter;
struct llm_mail_reader;
struct llm_session;
struct llm_user;

/**
 * llm_letter_create() - a letter to be written
 * @user: whose mailbox the reply goes to
 *
 * Return: the letter, for llm_letter_post(), or an ERR_PTR() of
 * llm_session_create().
 */
struct llm_letter *llm_letter_create(struct llm_user *user);

/** llm_letter_session() - the session that replies; lives as long as the letter. */
struct llm_session *llm_letter_session(struct llm_letter *letter);

/**
 * llm_letter_write() - adds text
 * @letter: letter
 * @from: bytes
 *
 * The first call takes a place in the mailbox.
 *
 * Return: as llm_turn_write(); and -ENODEV where there is no model, -EDQUOT where
 * the mailbox is full.
 */
ssize_t llm_letter_write(struct llm_letter *letter, struct iov_iter *from);

/**
 * llm_letter_check() - whether what was written can be posted
 * @letter: letter
 *
 * Return: 0 or an error of llm_turn_start().
 */
int llm_letter_check(struct llm_letter *letter);

/**
 * llm_letter_post() - starts a letter, or frees it where nothing was written
 * @letter: letter; the mailbox owns it now
 *
 * Where it can't be started that is logged, and there is no reply.
 */
void llm_letter_post(struct llm_letter *letter);

/**
 * llm_mail_reader_create() - a reader of a mailbox
 * @user: whose mailbox
 *
 * Return: the reader, or NULL without memory.
 */
struct llm_mail_reader *llm_mail_reader_create(struct llm_user *user);

/**
 * llm_mail_reader_destroy() - a reader goes away
 * @reader: the reader
 *
 * What is left of the reply that it had begun to read is dropped; one that it
 * only waited for stays in the mailbox.
 */
void llm_mail_reader_destroy(struct llm_mail_reader *reader);

/**
 * llm_mail_read() - takes bytes of the oldest reply nobody else reads
 * @reader: reader
 * @to: where to, not empty
 * @nonblock: do not wait
 *
 * Each reply ends in a newline.
 *
 * Return: bytes taken, of one reply; 0 where there is no reply, nor one under
 * way; -EAGAIN, -ERESTARTSYS, -EFAULT.
 */
ssize_t llm_mail_read(struct llm_mail_reader *reader, struct iov_iter *to, bool nonblock);

/**
 * llm_mail_poll() - what could be read without waiting
 * @reader: reader
 * @file: file that is polled
 * @wait: as for poll
 *
 * Return: EPOLLIN where there are bytes or the end of a reply; 0 for an empty
 * mailbox, so that one can wait for mail.
 */
__poll_t llm_mail_poll(struct llm_mail_reader *reader, struct file *file, poll_table *wait);

/** llm_mailbox_exit() - drops all mail; nobody reads or writes any more. */
void llm_mailbox_exit(void);

#endif /* LLM_MAILBOX_H */
