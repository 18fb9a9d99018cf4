/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A request that came over netlink: its reply leaves the session's ring as
 * messages to the socket that asked.
 */
#ifndef LLM_POSTED_H
#define LLM_POSTED_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <net/genetlink.h>

struct llm_owned;
struct llm_port;

/**
 * struct llm_posting - how a reply is to be delivered
 * @bytes: send once so many are there; 0 to send at once
 * @wait_ms: send after so many milliseconds in any case
 * @deadline_ms: end the request after so many milliseconds, or 0
 */
struct llm_posting {
	u32 bytes;
	u32 wait_ms;
	u32 deadline_ms;
};

/**
 * struct llm_posted - a request
 * @link: in the port's @requests, under its lock
 * @pending: in the port's @pending, under its @pending_lock
 * @id: number
 * @port: who asked
 * @owned: session; busy
 * @posting: how the reply is delivered
 * @wait: among those that wait for bytes of the session
 * @begun: whether the reply was begun, so that commands find the request
 * @armed: whether the number has been told, so that messages may follow; written
 *	under the port's @pending_lock
 * @timer: sends what waited long enough
 * @deadline: ends it
 * @late: @deadline did
 * @over: the reply has been read to its end; under the port's lock
 * @offset: bytes put into messages; under the port's lock
 */
struct llm_posted {
	struct list_head link;
	struct list_head pending;
	u32 id;
	struct llm_port *port;
	struct llm_owned *owned;
	struct llm_posting posting;
	wait_queue_entry_t wait;
	bool begun;
	bool armed;
	struct delayed_work timer;
	struct delayed_work deadline;
	bool late;
	bool over;
	u64 offset;
};

/**
 * llm_posted_create() - a request that watches a session
 * @port: who asks
 * @owned: session, claimed; released with the request
 * @posting: how the reply is delivered
 *
 * Return: the request, or NULL without memory.
 */
struct llm_posted *llm_posted_create(struct llm_port *port, struct llm_owned *owned,
				     const struct llm_posting *posting);

/**
 * llm_posted_show() - commands find a request from now on
 * @posted: request whose reply was begun, and whose number is about to be told
 */
void llm_posted_show(struct llm_posted *posted);

/**
 * llm_posted_arm() - messages may follow from now on
 * @posted: request whose reply was begun; it is the port's from now on
 */
void llm_posted_arm(struct llm_posted *posted);

/**
 * llm_posted_destroy() - forgets a request, and ends its reply
 * @posted: request; its session is claimed still
 */
void llm_posted_destroy(struct llm_posted *posted);

/**
 * llm_posted_send_all() - sends what there is to send
 * @port: socket; @lock is held
 *
 * Return: 0 or -EAGAIN where there is more than the socket has room for.
 */
int llm_posted_send_all(struct llm_port *port);

/**
 * llm_posted_drop_all() - ends all requests of a socket without a word
 * @port: socket; @lock is held
 */
void llm_posted_drop_all(struct llm_port *port);

/**
 * llm_posted_cancel() - LLM_CMD_CANCEL
 * @skb: command
 * @info: its attributes; gets the reason for a refusal
 *
 * Return: 0 or a negative errno.
 */
int llm_posted_cancel(struct sk_buff *skb, struct genl_info *info);

/**
 * llm_posted_get() - LLM_CMD_REQUEST_GET
 * @skb: command
 * @info: its attributes; gets the reason for a refusal
 *
 * Return: 0 or a negative errno.
 */
int llm_posted_get(struct sk_buff *skb, struct genl_info *info);

/**
 * llm_posted_dump() - LLM_CMD_REQUEST_GET of all
 * @skb: where they go
 * @callback: how far the dump is
 *
 * Return: bytes of @skb, 0 at the end.
 */
int llm_posted_dump(struct sk_buff *skb, struct netlink_callback *callback);

#endif /* LLM_POSTED_H */
