// SPDX-License-Identifier: GPL-2.0
#include "message.h"

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/moduleparam.h>
#include <linux/string.h>

#include "engine/platform.h"
#include "user.h"

static unsigned long max_user_messages = 16 << 20;
module_param(max_user_messages, ulong, 0644);
MODULE_PARM_DESC(max_user_messages,
		 "bytes of published texts one user may have under way (default 16 MiB)");

static u64 size_of(u32 length)
{
	return sizeof(struct llm_message) + length;
}

struct llm_message *llm_message_create(struct llm_user *user, const void *bytes, u32 length,
				       u64 session, u32 hops)
{
	long size = size_of(length);
	struct llm_message *message;

	if (atomic_long_add_return(size, &user->message_bytes) > READ_ONCE(max_user_messages)) {
		atomic_long_sub(size, &user->message_bytes);
		return ERR_PTR(-EDQUOT);
	}
	message = llm_alloc(size);
	if (!message) {
		atomic_long_sub(size, &user->message_bytes);
		return ERR_PTR(-ENOMEM);
	}
	refcount_set(&message->references, 1);
	message->user = llm_user_hold(user);
	message->session = session;
	message->hops = hops;
	message->length = length;
	memcpy(message->bytes, bytes, length);
	return message;
}

struct llm_message *llm_message_hold(struct llm_message *message)
{
	refcount_inc(&message->references);
	return message;
}

void llm_message_put(struct llm_message *message)
{
	struct llm_user *user;
	u64 size;

	if (!message || !refcount_dec_and_test(&message->references))
		return;
	user = message->user;
	size = size_of(message->length);
	llm_free_private(message, size);
	atomic_long_sub(size, &user->message_bytes);
	llm_user_put(user);
}

int llm_backlog_create(struct llm_backlog *backlog, u32 room)
{
	*backlog = (struct llm_backlog){ .room = room };
	if (!room)
		return 0;
	backlog->messages = llm_alloc((u64)room * sizeof(struct llm_message *));
	return backlog->messages ? 0 : -ENOMEM;
}

void llm_backlog_destroy(struct llm_backlog *backlog)
{
	while (backlog->count)
		llm_message_put(llm_backlog_take(backlog));
	llm_free(backlog->messages);
	*backlog = (struct llm_backlog){};
}

struct llm_message *llm_backlog_at(const struct llm_backlog *backlog, u32 index)
{
	return backlog->messages[(backlog->first + index) % backlog->room];
}

struct llm_message *llm_backlog_take(struct llm_backlog *backlog)
{
	struct llm_message *message;

	if (!backlog->count)
		return NULL;
	message = llm_backlog_at(backlog, 0);
	backlog->first = (backlog->first + 1) % backlog->room;
	backlog->count--;
	return message;
}

bool llm_backlog_add(struct llm_backlog *backlog, struct llm_message *message)
{
	bool full = backlog->count == backlog->room;
	u32 at;

	if (!backlog->room)
		return false;
	if (full)
		llm_message_put(llm_backlog_take(backlog));
	at = (backlog->first + backlog->count++) % backlog->room;
	backlog->messages[at] = llm_message_hold(message);
	return full;
}
