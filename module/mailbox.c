// SPDX-License-Identifier: GPL-2.0
/*
 * Mailboxes: replies to prompts whose writers did not wait. A letter is a
 * session that is asked once; the reply stays in the session's ring.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "mailbox.h"

#include <linux/err.h>
#include <linux/errno.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "session.h"
#include "turn.h"
#include "user.h"

/* Letters in a mailbox at most. */
#define MAX_LETTERS	64

/**
 * struct llm_letter - a prompt and its reply
 * @link: in the mailbox, when it is posted and nobody reads it
 * @session: who replies
 * @placed: it counts as one in the mailbox; under the mailbox's lock
 */
struct llm_letter {
	struct list_head link;
	struct llm_session *session;
	bool placed;
};

/**
 * struct llm_mail_reader - an open file that reads a mailbox
 * @user: whose mailbox
 * @reading: lock of the calls that read; not held while they wait for a reply
 * @letter: letter of which something was read, or NULL
 * @newline: a letter was read to its end, but not the newline that follows
 *
 * @letter and @newline change under @reading and the mailbox's lock.
 * Order: @reading, then locks of the letter's session that sleep, then the
 * mailbox's, then llm_session.lock.
 */
struct llm_mail_reader {
	struct llm_user *user;
	struct mutex reading; /* one call at a time */
	struct llm_letter *letter;
	bool newline;
};

struct llm_letter *llm_letter_create(struct llm_user *user)
{
	struct llm_letter *letter;
	void *error;

	letter = kzalloc(sizeof(*letter), GFP_KERNEL_ACCOUNT);
	if (!letter)
		return ERR_PTR(-ENOMEM);
	letter->session = llm_session_create(user, LLM_SESSION_LETTER);
	if (!IS_ERR(letter->session))
		return letter;
	error = letter->session;
	kfree(letter);
	return error;
}

struct llm_session *llm_letter_session(struct llm_letter *letter)
{
	return letter->session;
}

/* Takes a place in the mailbox, once. */
static int place_letter(struct llm_letter *letter)
{
	struct llm_user *user = letter->session->user;
	int ret = 0;

	spin_lock(&user->mail_lock);
	if (!letter->placed) {
		if (user->letter_count < MAX_LETTERS) {
			user->letter_count++;
			letter->placed = true;
		} else {
			ret = -EDQUOT;
		}
	}
	spin_unlock(&user->mail_lock);
	return ret;
}

static void drop_letter(struct llm_letter *letter)
{
	struct llm_user *user = letter->session->user;

	if (letter->placed) {
		spin_lock(&user->mail_lock);
		user->letter_count--;
		spin_unlock(&user->mail_lock);
	}
	llm_turn_cancel(letter->session);
	llm_session_put(letter->session);
	kfree(letter);
}

ssize_t llm_letter_write(struct llm_letter *letter, struct iov_iter *from)
{
	int ret;

	ret = llm_turn_bind(letter->session);
	if (!ret)
		ret = place_letter(letter);
	if (ret)
		return ret;
	return llm_turn_write(letter->session, from);
}

int llm_letter_check(struct llm_letter *letter)
{
	int ret = llm_turn_check(letter->session);

	return ret == -ENODATA ? 0 : ret;
}

void llm_letter_post(struct llm_letter *letter)
{
	struct llm_session *session = letter->session;
	struct llm_user *user = session->user;
	int ret;

	ret = llm_turn_start(session);
	if (ret) {
		if (ret != -ENODATA)
			pr_warn_ratelimited("session %llu: prompt dropped, error %d\n",
					    session->id, ret);
		drop_letter(letter);
		return;
	}
	spin_lock(&user->mail_lock);
	list_add_tail(&letter->link, &user->letters);
	spin_unlock(&user->mail_lock);
	wake_up_interruptible_all(&user->mail_wait);
}

struct llm_mail_reader *llm_mail_reader_create(struct llm_user *user)
{
	struct llm_mail_reader *reader;

	reader = kzalloc(sizeof(*reader), GFP_KERNEL_ACCOUNT);
	if (!reader)
		return NULL;
	reader->user = llm_user_hold(user);
	mutex_init(&reader->reading);
	return reader;
}

/* The letter that a read would read, or NULL; with the mailbox's lock. */
static struct llm_letter *next_letter(struct llm_mail_reader *reader)
{
	if (reader->letter)
		return reader->letter;
	return list_first_entry_or_null(&reader->user->letters, struct llm_letter, link);
}

/*
 * Claims the oldest letter as soon as there is something to read of it, so that
 * a reader which only waits leaves no trace when it goes away.
 */
static struct llm_letter *claim_letter(struct llm_mail_reader *reader)
{
	struct llm_user *user = reader->user;
	struct llm_letter *letter;

	spin_lock(&user->mail_lock);
	letter = next_letter(reader);
	if (letter && !reader->letter) {
		if (llm_turn_poll(letter->session) & EPOLLIN) {
			list_del(&letter->link);
			reader->letter = letter;
		} else {
			letter = ERR_PTR(-EAGAIN);
		}
	}
	spin_unlock(&user->mail_lock);
	return letter;
}

static void finish_letter(struct llm_mail_reader *reader)
{
	struct llm_letter *letter = reader->letter;

	spin_lock(&reader->user->mail_lock);
	reader->letter = NULL;
	reader->newline = !llm_turn_ends_line(letter->session);
	spin_unlock(&reader->user->mail_lock);
	drop_letter(letter);
}

static ssize_t read_newline(struct llm_mail_reader *reader, struct iov_iter *to)
{
	if (copy_to_iter("\n", 1, to) != 1)
		return -EFAULT;
	spin_lock(&reader->user->mail_lock);
	reader->newline = false;
	spin_unlock(&reader->user->mail_lock);
	return 1;
}

/* One attempt; the caller has @reading. */
static ssize_t take(struct llm_mail_reader *reader, struct iov_iter *to)
{
	struct llm_letter *letter;
	ssize_t ret;

	for (;;) {
		if (reader->newline)
			return read_newline(reader, to);
		letter = claim_letter(reader);
		if (IS_ERR_OR_NULL(letter))
			return PTR_ERR_OR_ZERO(letter);
		ret = llm_turn_read(letter->session, to, true);
		if (ret)
			return ret;
		finish_letter(reader);
	}
}

static __poll_t poll_mail(struct llm_mail_reader *reader, bool *empty)
{
	struct llm_user *user = reader->user;
	struct llm_letter *letter;
	__poll_t mask = 0;

	spin_lock(&user->mail_lock);
	letter = next_letter(reader);
	if (reader->newline)
		mask = EPOLLIN | EPOLLRDNORM;
	else if (letter)
		mask = llm_turn_poll(letter->session) & (EPOLLIN | EPOLLRDNORM);
	*empty = !letter && !reader->newline;
	spin_unlock(&user->mail_lock);
	return mask;
}

static bool would_wait(struct llm_mail_reader *reader)
{
	bool empty;

	return !poll_mail(reader, &empty) && !empty;
}

ssize_t llm_mail_read(struct llm_mail_reader *reader, struct iov_iter *to, bool nonblock)
{
	ssize_t ret;

	for (;;) {
		if (mutex_lock_interruptible(&reader->reading))
			return -ERESTARTSYS;
		ret = take(reader, to);
		mutex_unlock(&reader->reading);
		if (ret != -EAGAIN || nonblock)
			return ret;
		if (wait_event_interruptible(reader->user->mail_wait, !would_wait(reader)))
			return -ERESTARTSYS;
	}
}

__poll_t llm_mail_poll(struct llm_mail_reader *reader, struct file *file, poll_table *wait)
{
	bool empty;

	poll_wait(file, &reader->user->mail_wait, wait);
	return poll_mail(reader, &empty);
}

void llm_mail_reader_destroy(struct llm_mail_reader *reader)
{
	if (reader->letter)
		drop_letter(reader->letter);
	mutex_destroy(&reader->reading);
	llm_user_put(reader->user);
	kfree(reader);
}

static void take_letters(struct llm_user *user, void *context)
{
	spin_lock(&user->mail_lock);
	list_splice_init(&user->letters, context);
	spin_unlock(&user->mail_lock);
}

void llm_mailbox_exit(void)
{
	struct llm_letter *letter, *next;
	LIST_HEAD(letters);

	llm_user_walk(take_letters, &letters);
	list_for_each_entry_safe(letter, next, &letters, link)
		drop_letter(letter);
}
