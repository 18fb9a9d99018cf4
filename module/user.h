/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_USER_H
#define LLM_USER_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <linux/wait.h>

/**
 * struct llm_user - what one user has here
 * @link: in the table of users
 * @uid: the user
 * @references: who points here
 * @sessions: sessions of the user
 * @mail_lock: protects @letters, @letter_count and the fields that say so in
 *	mailbox.h
 * @letters: the mailbox: struct llm_letter, oldest first
 * @letter_count: places taken in the mailbox: @letters, letters that a reader
 *	has, and prompts that are still being written
 * @mail_wait: readers of the mailbox
 * @topics: topics of the user, under llm_topics_lock
 * @subscriptions: subscriptions of the user, under llm_topics_lock
 * @message_bytes: bytes of texts that the user published and somebody holds
 *
 * @link, @references and @sessions are under the lock of the table, which is
 * taken before @mail_lock.
 */
struct llm_user {
	struct hlist_node link;
	kuid_t uid;
	u32 references;
	u32 sessions;
	spinlock_t mail_lock; /* protects the mailbox */
	struct list_head letters;
	u32 letter_count;
	wait_queue_head_t mail_wait;
	u32 topics;
	u32 subscriptions;
	atomic_long_t message_bytes;
};

/**
 * llm_user_get() - finds a user, or begins to know one
 * @uid: the user
 *
 * Return: the user, to be given back with llm_user_put(), or NULL without memory.
 */
struct llm_user *llm_user_get(kuid_t uid);

/**
 * llm_user_hold() - takes one more reference
 * @user: a user the caller has a reference to
 *
 * Return: @user.
 */
struct llm_user *llm_user_hold(struct llm_user *user);

/**
 * llm_user_put() - gives a reference back
 * @user: the user, or NULL
 */
void llm_user_put(struct llm_user *user);

/**
 * llm_user_add_session() - counts a session, if there may be one more
 * @user: whose
 *
 * Return: 0, -EMFILE where the user has too many, -ENFILE where all users
 * together have.
 */
int llm_user_add_session(struct llm_user *user);

/**
 * llm_user_remove_session() - counts a session no more
 * @user: whose
 */
void llm_user_remove_session(struct llm_user *user);

/** llm_user_sessions() - sessions of all users. */
u32 llm_user_sessions(void);

/** llm_user_wait_sessions() - returns when there is no session any more. */
void llm_user_wait_sessions(void);

/**
 * llm_user_walk() - visits all users
 * @visit: called for each, under the lock of the table
 * @context: passed on
 */
void llm_user_walk(void (*visit)(struct llm_user *user, void *context), void *context);

#endif /* LLM_USER_H */
