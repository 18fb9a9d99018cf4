// SPDX-License-Identifier: GPL-2.0
#include "user.h"

#include <linux/errno.h>
#include <linux/hashtable.h>
#include <linux/moduleparam.h>
#include <linux/sched.h>
#include <linux/slab.h>

static unsigned int max_sessions = 4096;
module_param(max_sessions, uint, 0644);
MODULE_PARM_DESC(max_sessions, "sessions there may be at most (default 4096)");

static unsigned int max_user_sessions = 1024;
module_param(max_user_sessions, uint, 0644);
MODULE_PARM_DESC(max_user_sessions, "sessions one user may have at most (default 1024)");

static DEFINE_HASHTABLE(users, 6);
/* Protects users, all_sessions, and the fields of users that user.h says. */
static DEFINE_SPINLOCK(users_lock);
static u32 all_sessions;
static DECLARE_WAIT_QUEUE_HEAD(no_sessions);

static struct llm_user *find_user(kuid_t uid)
{
	struct llm_user *user;

	hash_for_each_possible(users, user, link, __kuid_val(uid)) {
		if (uid_eq(user->uid, uid)) {
			user->references++;
			return user;
		}
	}
	return NULL;
}

struct llm_user *llm_user_get(kuid_t uid)
{
	struct llm_user *user, *created;

	created = kzalloc(sizeof(*created), GFP_KERNEL_ACCOUNT);
	if (!created)
		return NULL;
	created->uid = uid;
	created->references = 1;
	spin_lock_init(&created->mail_lock);
	INIT_LIST_HEAD(&created->letters);
	init_waitqueue_head(&created->mail_wait);

	spin_lock(&users_lock);
	user = find_user(uid);
	if (!user) {
		hash_add(users, &created->link, __kuid_val(uid));
		user = created;
		created = NULL;
	}
	spin_unlock(&users_lock);
	kfree(created);
	return user;
}

struct llm_user *llm_user_hold(struct llm_user *user)
{
	spin_lock(&users_lock);
	user->references++;
	spin_unlock(&users_lock);
	return user;
}

void llm_user_put(struct llm_user *user)
{
	bool last;

	if (!user)
		return;
	spin_lock(&users_lock);
	last = --user->references == 0;
	if (last)
		hash_del(&user->link);
	spin_unlock(&users_lock);
	if (last)
		kfree(user);
}

int llm_user_add_session(struct llm_user *user)
{
	int ret = 0;

	spin_lock(&users_lock);
	if (user->sessions >= READ_ONCE(max_user_sessions)) {
		ret = -EMFILE;
	} else if (all_sessions >= READ_ONCE(max_sessions)) {
		ret = -ENFILE;
	} else {
		user->sessions++;
		all_sessions++;
	}
	spin_unlock(&users_lock);
	return ret;
}

void llm_user_remove_session(struct llm_user *user)
{
	spin_lock(&users_lock);
	user->sessions--;
	if (--all_sessions == 0)
		wake_up(&no_sessions);
	spin_unlock(&users_lock);
}

u32 llm_user_sessions(void)
{
	u32 sessions;

	spin_lock(&users_lock);
	sessions = all_sessions;
	spin_unlock(&users_lock);
	return sessions;
}

void llm_user_wait_sessions(void)
{
	wait_event(no_sessions, llm_user_sessions() == 0);
}

void llm_user_walk(void (*visit)(struct llm_user *user, void *context), void *context)
{
	struct llm_user *user;
	unsigned int bucket;

	spin_lock(&users_lock);
	hash_for_each(users, bucket, user, link)
		visit(user, context);
	spin_unlock(&users_lock);
}
