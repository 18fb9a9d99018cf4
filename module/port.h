/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A netlink socket that uses the family, and what it has: sessions, requests,
 * subscriptions. All of it ends with the socket.
 */
#ifndef LLM_PORT_H
#define LLM_PORT_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/refcount.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <net/genetlink.h>

#include "inbox.h"

struct llm_session;
struct llm_user;

/** LLM_PORT_PIECE - bytes of reply one message holds at most. */
#define LLM_PORT_PIECE 2048

/**
 * struct llm_owned - a session that a socket has
 * @link: in the port's @sessions
 * @session: the session; a reference
 * @busy: a request or a subscription uses it
 * @keep: it stays when that is over
 */
struct llm_owned {
	struct list_head link;
	struct llm_session *session;
	bool busy;
	bool keep;
};

/**
 * struct llm_opened - a topic that a socket opened
 * @link: in the port's @opened
 * @topic: topic; a reference
 */
struct llm_opened {
	struct list_head link;
	struct llm_topic *topic;
};

/**
 * struct llm_port - a socket
 * @link: in the list of ports, under its lock
 * @references: the socket's, and those of commands being run
 * @sock: the socket; a reference
 * @id: its netlink port
 * @user: who opened it
 * @user_ns: the user namespace that it was opened in; a reference
 * @work: sends what there is to send, and cleans up at the end
 * @blocked: the socket has no room; @work looks again by itself
 * @agent_work: lets sessions that subscribed go on
 * @inbox: subscriptions of the socket itself
 *
 * @lock: lock of the fields below; not held over waits
 * @sessions: struct llm_owned
 * @requests: struct llm_posted
 * @agents: struct llm_agent
 * @opened: struct llm_opened
 * @unsent: text taken from @inbox, not sent yet
 * @closed: the socket is gone
 * @blocked_since: jiffies when @blocked became true
 * @backoff: jiffies until @work looks again
 * @draft: messages of replies, made but not sent yet
 * @piece: bytes on their way from a reply to @draft
 *
 * @pending_lock: lock of the field below; innermost, taken with interrupts off
 * @pending: struct llm_posted that have something to send
 *
 * Order: @lock, then the lock of requests or llm_topics_lock, then what is a
 * session's.
 */
struct llm_port {
	struct list_head link;
	refcount_t references;
	struct sock *sock;
	u32 id;
	struct llm_user *user;
	struct user_namespace *user_ns;
	struct delayed_work work;
	bool blocked;
	struct work_struct agent_work;
	struct llm_inbox inbox;

	struct mutex lock; /* protects what follows */
	struct list_head sessions;
	struct list_head requests;
	struct list_head agents;
	struct list_head opened;
	struct llm_delivery unsent;
	bool closed;
	unsigned long blocked_since;
	unsigned long backoff;
	struct sk_buff *draft;
	u8 piece[LLM_PORT_PIECE];

	spinlock_t pending_lock; /* protects what follows */
	struct list_head pending;
};

/**
 * llm_port_get() - the port of the socket that a command came from
 * @skb: the command
 * @info: the command; gets the reason for a refusal
 *
 * Return: the port, to be given back with llm_port_put(), or an ERR_PTR(): -ENOMEM,
 * -ENODEV while the module is going away.
 */
struct llm_port *llm_port_get(struct sk_buff *skb, struct genl_info *info);

/**
 * llm_port_put() - gives a port back
 * @port: the port
 */
void llm_port_put(struct llm_port *port);

/**
 * llm_port_add() - gives a new session to a socket
 * @port: the socket's
 * @session: the session; the port has the reference from now on
 * @busy: whether a request uses it
 * @keep: whether it stays when that is over
 *
 * Return: what the port has it as, or NULL without memory; the reference stays
 * with the caller then.
 */
struct llm_owned *llm_port_add(struct llm_port *port, struct llm_session *session, bool busy,
			       bool keep);

/**
 * llm_port_claim() - marks a session that a socket has as busy
 * @port: the socket's
 * @id: number of the session
 *
 * Return: the session, or an ERR_PTR(): -ENOENT, -EBUSY.
 */
struct llm_owned *llm_port_claim(struct llm_port *port, u64 id);

/**
 * llm_port_claim_locked() - the same with the lock of the port held
 * @port: the socket's; @lock is held
 * @id: number of the session
 *
 * Return: as llm_port_claim().
 */
struct llm_owned *llm_port_claim_locked(struct llm_port *port, u64 id);

/**
 * llm_port_finish() - a session is not busy any more
 * @port: the socket's; @lock is held
 * @owned: the session; closed if it is not to be kept
 */
void llm_port_finish(struct llm_port *port, struct llm_owned *owned);

/**
 * llm_port_release() - a session is not busy any more
 * @port: the socket's
 * @owned: the session; closed if it is not to be kept
 * @keep: whether it is
 */
void llm_port_release(struct llm_port *port, struct llm_owned *owned, bool keep);

/**
 * llm_port_give() - hands a session over
 * @port: the socket's that has it
 * @owned: the session, claimed; not busy afterwards
 * @id: netlink port of the other socket
 *
 * Return: 0, or -ENOENT where no socket of the same user and network namespace
 * is known by this number.
 */
int llm_port_give(struct llm_port *port, struct llm_owned *owned, u32 id);

/**
 * llm_port_send() - sends a message to a socket
 * @port: the socket's
 * @skb: message; taken in any case
 *
 * Return: 0, also where the socket is gone, or -EAGAIN where it has no room.
 */
int llm_port_send(struct llm_port *port, struct sk_buff *skb);

/**
 * llm_port_flush() - sends the draft, as one datagram of at most a page
 * @port: the socket's; @lock is held
 *
 * What is ready for one socket at the same time travels together: under load most of
 * the cost of a message is that of a datagram and of the wake-up of its reader.
 *
 * Return: 0, the draft being empty then, or -EAGAIN where the socket has no room.
 */
int llm_port_flush(struct llm_port *port);

/**
 * llm_port_has_messages() - there is something to send; does not sleep
 * @port: the socket's; one without room looks again by itself
 */
void llm_port_has_messages(struct llm_port *port);

/**
 * llm_port_has_agents() - lets the sessions that subscribed go on; does not sleep
 * @port: the socket's
 */
void llm_port_has_agents(struct llm_port *port);

/**
 * llm_port_opened() - remembers that a socket opened a topic
 * @port: the socket's
 * @topic: topic; the port takes a reference of its own
 *
 * Return: 0 or -ENOMEM.
 */
int llm_port_opened(struct llm_port *port, struct llm_topic *topic);

/**
 * llm_port_forget() - forgets that a socket opened a topic
 * @port: the socket's; @lock is held
 * @topic: topic
 *
 * Return: whether it had.
 */
bool llm_port_forget(struct llm_port *port, const struct llm_topic *topic);

/**
 * llm_port_queue() - has work done where it can sleep
 * @work: the work
 * @delay: jiffies to wait
 */
void llm_port_queue(struct delayed_work *work, unsigned long delay);

/** llm_port_init() - Return: 0 or a negative errno. */
int llm_port_init(void);

/** llm_port_exit() - waits until the last port is freed; none is created any more. */
void llm_port_exit(void);

#endif /* LLM_PORT_H */
