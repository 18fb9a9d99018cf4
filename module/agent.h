/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A session that subscribed to topics: each text that comes is a prompt, each
 * reply is published to another topic. No process takes part.
 */
#ifndef LLM_AGENT_H
#define LLM_AGENT_H

#include <linux/list.h>
#include <linux/llm_netlink.h>
#include <linux/types.h>
#include <linux/wait.h>

#include "inbox.h"

struct llm_owned;
struct llm_port;

/**
 * struct llm_agent - such a session; all of it under the lock of its port
 * @link: in the port's @agents
 * @port: the socket's that has the session
 * @owned: the session; busy
 * @inbox: its subscriptions
 * @wait: among those that wait for the session's replies
 * @reply_to: topic that its replies go to, or NULL; a reference
 * @admin: whether an administrator named that
 * @turns: replies it may make, or 0 for no limit
 * @made: replies it made
 * @talking: a reply is under way
 * @hops: sessions that may pass that on
 * @length: bytes of it
 * @bytes: its first LLM_MAX_MESSAGE bytes
 * @refused: reply that a full queue did not take, until the socket was told, or NULL;
 *	a reference
 * @refused_by: its topic; a reference
 * @ended: it takes no texts any more
 * @why: enum llm_stopped
 */
struct llm_agent {
	struct list_head link;
	struct llm_port *port;
	struct llm_owned *owned;
	struct llm_inbox inbox;
	wait_queue_entry_t wait;
	struct llm_topic *reply_to;
	bool admin;
	u32 turns;
	u32 made;
	bool talking;
	u32 hops;
	u32 length;
	u8 *bytes;
	struct llm_message *refused;
	struct llm_topic *refused_by;
	bool ended;
	enum llm_stopped why;
};

/**
 * llm_agent_get() - what a session is as a subscriber, or makes it one
 * @port: the socket's that has it; @lock is held
 * @id: number of the session
 *
 * One that is made and gets no subscription is to be given to llm_agent_run_all().
 *
 * Return: the agent, or an ERR_PTR(): -ENOENT, -EBUSY while a request uses the
 * session or its end as a subscriber was not told yet, -ENOMEM.
 */
struct llm_agent *llm_agent_get(struct llm_port *port, u64 id);

/**
 * llm_agent_find() - what a session is as a subscriber
 * @port: the socket's that has it; @lock is held
 * @id: number of the session
 *
 * Return: the agent, or NULL.
 */
struct llm_agent *llm_agent_find(struct llm_port *port, u64 id);

/**
 * llm_agent_reply_to() - says where replies go from now on
 * @agent: agent
 * @topic: topic, or NULL for nowhere; the agent takes a reference of its own
 * @admin: whether an administrator says it
 */
void llm_agent_reply_to(struct llm_agent *agent, struct llm_topic *topic, bool admin);

/**
 * llm_agent_forget() - forgets one that never had a subscription; nobody is told
 * @agent: agent; freed
 */
void llm_agent_forget(struct llm_agent *agent);

/**
 * llm_agent_run_all() - lets all of a socket go on as far as they can
 * @port: socket; @lock is held
 */
void llm_agent_run_all(struct llm_port *port);

/**
 * llm_agent_tell_all() - tells the socket of replies that were refused, and of those
 *	that ended, which are forgotten
 * @port: socket; @lock is held
 *
 * Return: 0 or -EAGAIN where the socket has no room.
 */
int llm_agent_tell_all(struct llm_port *port);

/**
 * llm_agent_drop_all() - ends all of a socket without a word
 * @port: socket; @lock is held
 */
void llm_agent_drop_all(struct llm_port *port);

#endif /* LLM_AGENT_H */
