/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libllmctl: many requests at once, texts between programs and sessions, and
 * events, over one netlink socket. In the library where libnl-genl-3 was there when
 * it was built; programs link with "pkg-config --libs libnl-genl-3.0" too.
 *
 * lib/examples/ask.c asks, lib/examples/converse.c lets two sessions talk to each
 * other, lib/examples/hand_over.c gives a session to another socket; all are built with
 * the library.
 *
 * A function that sends a command waits for its answer, which the kernel gives at
 * once. Replies, texts and events are passed to the handlers by
 * llmctl_bus_receive(), which does not wait: poll(2) the descriptor.
 *
 * Not thread-safe: one bus is for one thread at a time.
 */
#ifndef LLMCTL_NETLINK_H
#define LLMCTL_NETLINK_H

#include <linux/llm_netlink.h>

#include "llmctl.h"

#ifdef __cplusplus
extern "C" {
#endif

struct llmctl_bus;

/**
 * struct llmctl_done - how a request ended
 * @id: request
 * @session: its session
 * @reason: enum llm_reason
 * @tokens_in: prompt tokens computed
 * @tokens_out: tokens made
 * @bytes: bytes of the reply
 * @queued_ns: nanoseconds waited for the first step
 * @first_token_ns: nanoseconds from start to first token
 * @cpu_ns: nanoseconds of computing
 * @seed: seed of the reply
 */
struct llmctl_done {
	__u32 id;
	__u32 reason;
	__u64 session;
	__u32 tokens_in;
	__u32 tokens_out;
	__u64 bytes;
	__u64 queued_ns;
	__u64 first_token_ns;
	__u64 cpu_ns;
	__u64 seed;
};

/**
 * struct llmctl_request - a request that is under way
 * @id: request
 * @uid: whose it is
 * @session: its session
 * @state: enum llm_session_state of that
 * @tokens_in: prompt tokens computed
 * @tokens_out: tokens made
 * @bytes: bytes of the reply that were sent
 * @queued_ns: nanoseconds waited for the first step
 * @first_token_ns: nanoseconds from start to first token
 * @cpu_ns: nanoseconds of computing
 */
struct llmctl_request {
	__u32 id;
	__u32 uid;
	__u64 session;
	__u32 state;
	__u32 tokens_in;
	__u32 tokens_out;
	__u64 bytes;
	__u64 queued_ns;
	__u64 first_token_ns;
	__u64 cpu_ns;
};

/**
 * struct llmctl_event - what a multicast group told; a field that an event does
 *	not have is zero
 * @command: LLM_CMD_*
 * @model: name, or ""
 * @session: number
 * @uid: user
 * @reason: enum llm_reason
 * @refusal: enum llm_refusal
 * @tokens_in: tokens
 * @tokens_out: tokens
 * @queued_ns: nanoseconds
 * @cpu_ns: nanoseconds
 * @memory: bytes
 * @limit: bytes
 * @missed: messages left out before this one
 * @bytes: a piece of a reply
 * @length: bytes there
 */
struct llmctl_event {
	__u8 command;
	const char *model;
	__u64 session;
	__u32 uid;
	__u32 reason;
	__u32 refusal;
	__u32 tokens_in;
	__u32 tokens_out;
	__u64 queued_ns;
	__u64 cpu_ns;
	__u64 memory;
	__u64 limit;
	__u32 missed;
	const void *bytes;
	size_t length;
};

/**
 * struct llmctl_message - a text that came from a topic
 * @topic: its name
 * @owner: user whose topic it is
 * @uid: user who published it
 * @session: session that said it, or 0
 * @number: its number in the topic
 * @hops: sessions that may still pass it on
 * @missed: texts that were dropped before it
 * @bytes: the text
 * @length: its bytes
 */
struct llmctl_message {
	const char *topic;
	__u32 owner;
	__u32 uid;
	__u64 session;
	__u64 number;
	__u32 hops;
	__u32 missed;
	const void *bytes;
	size_t length;
};

/**
 * struct llmctl_bus_handlers - what is called by llmctl_bus_receive(), and by
 *	nothing else; any may be NULL
 * @token: a piece of the reply to a request, in order
 * @done: a request is over
 * @event: something that a group told
 * @message: a text of a topic that was subscribed
 * @refused: nobody got a reply of a session that subscribed: a queue of its topic is
 *	full, and the topic refuses what it has no place for
 * @stopped: a session that subscribed takes no texts any more: enum llm_stopped says
 *	why, and how many replies it made
 */
struct llmctl_bus_handlers {
	void (*token)(void *data, __u32 id, const void *bytes, size_t length);
	void (*done)(void *data, const struct llmctl_done *done);
	void (*event)(void *data, const struct llmctl_event *event);
	void (*message)(void *data, const struct llmctl_message *message);
	void (*refused)(void *data, const struct llmctl_message *reply);
	void (*stopped)(void *data, __u64 session, __u32 why, __u32 turns);
};

/**
 * struct llmctl_submission - a request; zero is the default for all but the prompt
 * @text: the prompt
 * @length: its bytes, none of them 0
 * @tokens: the prompt as tokens, or NULL: as @text
 * @token_count: how many
 * @priority: whether @level is given
 * @level: enum llm_priority
 * @model: model of a new session
 * @session: session to go on with
 * @context: positions of a new session
 * @max_tokens: tokens the reply may have
 * @special: whether control tokens are text
 * @raw: whether the text is computed as it is, not as a message in the chat template
 * @keep: whether a new session stays
 * @deadline_ms: when it is ended
 * @coalesce_bytes: bytes that are waited for
 * @coalesce_ms: how long
 * @sampling: how tokens are chosen, @sampling->biases too; or NULL
 * @stops: stop strings
 * @stop_count: how many
 */
struct llmctl_submission {
	const char *text;
	size_t length;
	const __u32 *tokens;
	size_t token_count;
	__u32 priority;
	__u32 level;
	const char *model;
	__u64 session;
	__u32 context;
	__u32 max_tokens;
	__u32 special;
	__u32 raw;
	__u32 keep;
	__u32 deadline_ms;
	__u32 coalesce_bytes;
	__u32 coalesce_ms;
	const struct llm_sampling *sampling;
	const char *const *stops;
	size_t stop_count;
};

/**
 * struct llmctl_subscription - who gets the texts of a topic; zero is the default for
 *	all but @name
 * @name: the topic
 * @owner: user whose it is; NULL: one's own
 * @session: session that subscribes; 0: the socket
 * @history: texts wanted that were published before
 * @reply_name: topic that the session's replies go to, or NULL
 * @reply_owner: user whose that is; NULL: one's own
 * @turns: replies the session makes at most; 0: no limit
 */
struct llmctl_subscription {
	const char *name;
	const __u32 *owner;
	__u64 session;
	__u32 history;
	const char *reply_name;
	const __u32 *reply_owner;
	__u32 turns;
};

/** LLMCTL_TOPIC_QUEUE - @queue is given; likewise those below. */
#define LLMCTL_TOPIC_QUEUE	(1U << 0)
#define LLMCTL_TOPIC_OVERFLOW	(1U << 1)
#define LLMCTL_TOPIC_HISTORY	(1U << 2)
#define LLMCTL_TOPIC_SHARE	(1U << 3)

/**
 * struct llmctl_topic - a topic
 * @name: its name
 * @owner: user whose it is
 * @queue: texts that wait for each subscriber
 * @overflow: enum llm_overflow
 * @history: texts kept for late subscribers
 * @share: enum llm_share, any of them
 * @subscribers: how many
 * @waiting: texts in their queues
 * @kept: texts in the history
 * @published: texts taken
 * @delivered: texts that came to a subscriber
 * @dropped: texts dropped from queues
 * @refused: texts not taken because a queue was full
 * @expired: texts given to no session because they had no hops left
 */
struct llmctl_topic {
	char name[64];
	__u32 owner;
	__u32 queue;
	__u32 overflow;
	__u32 history;
	__u32 share;
	__u32 subscribers;
	__u32 waiting;
	__u32 kept;
	__u64 published;
	__u64 delivered;
	__u64 dropped;
	__u64 refused;
	__u64 expired;
};

/**
 * llmctl_bus_open() - opens a socket
 * @opened: where the result goes
 * @handlers: what to call; copied
 * @data: passed to them
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_bus_open(struct llmctl_bus **opened,
			       const struct llmctl_bus_handlers *handlers, void *data,
			       struct llmctl_error *error);

/**
 * llmctl_bus_close() - closes it, which ends its sessions and requests
 * @bus: the socket, or NULL
 */
LLMCTL_API void llmctl_bus_close(struct llmctl_bus *bus);

/**
 * llmctl_bus_fd() - what to poll(2) for POLLIN
 * @bus: socket
 *
 * Messages may have come with the answer to a command: call llmctl_bus_receive()
 * before waiting.
 *
 * Return: its descriptor.
 */
LLMCTL_API int llmctl_bus_fd(const struct llmctl_bus *bus);

/**
 * llmctl_bus_port() - its netlink port, which llmctl_bus_give() names
 * @bus: socket
 */
LLMCTL_API __u32 llmctl_bus_port(const struct llmctl_bus *bus);

/**
 * llmctl_bus_submit() - begins a generation
 * @bus: socket
 * @submission: what is wanted
 * @id: gets the number of the request
 * @session: gets the number of its session; may be NULL
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_bus_submit(struct llmctl_bus *bus,
				 const struct llmctl_submission *submission, __u32 *id,
				 __u64 *session, struct llmctl_error *error);

/**
 * llmctl_bus_session() - opens a session that the socket has from then on
 * @bus: socket
 * @submission: what it is like: model, context, limits, sampling, stop strings
 * @session: gets its number
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_bus_session(struct llmctl_bus *bus,
				  const struct llmctl_submission *submission, __u64 *session,
				  struct llmctl_error *error);

/**
 * llmctl_bus_close_session() - closes a session that the socket has
 * @bus: socket
 * @session: its number; no request uses it
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_bus_close_session(struct llmctl_bus *bus, __u64 session,
					struct llmctl_error *error);

/**
 * llmctl_bus_give() - hands a session over to another socket, which goes on with it
 * @bus: socket that has it
 * @session: its number; no request uses it
 * @port: netlink port of the other socket: of the same user, and one that had to do
 *	with sessions, requests or topics before
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_bus_give(struct llmctl_bus *bus, __u64 session, __u32 port,
			       struct llmctl_error *error);

/**
 * llmctl_bus_requests() - lists one's own requests, for an administrator all
 * @bus: socket
 * @requests: gets them; free(3) frees it
 * @count: how many
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_bus_requests(struct llmctl_bus *bus, struct llmctl_request **requests,
				   __u32 *count, struct llmctl_error *error);

/**
 * llmctl_bus_request() - tells how far a request is
 * @bus: socket; the request may be another's
 * @id: request
 * @request: filled
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno: -ENOENT where it is over.
 */
LLMCTL_API int llmctl_bus_request(struct llmctl_bus *bus, __u32 id,
				  struct llmctl_request *request, struct llmctl_error *error);

/**
 * llmctl_bus_models() - lists the models that are loaded
 * @bus: socket
 * @models: gets them; free(3) frees it
 * @count: how many
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_bus_models(struct llmctl_bus *bus, struct llm_model_info **models,
				 __u32 *count, struct llmctl_error *error);

/**
 * llmctl_bus_sessions() - lists one's own sessions, for an administrator all
 * @bus: socket
 * @sessions: gets them; free(3) frees it
 * @count: how many
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_bus_sessions(struct llmctl_bus *bus, struct llm_session_info **sessions,
				   __u32 *count, struct llmctl_error *error);

/**
 * llmctl_bus_topic() - makes a topic of one's own, or changes it
 * @bus: socket, which uses it from then on
 * @topic: its name, and what is to be set
 * @set: LLMCTL_TOPIC_*: what that is
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_bus_topic(struct llmctl_bus *bus, const struct llmctl_topic *topic,
				unsigned int set, struct llmctl_error *error);

/**
 * llmctl_bus_topics() - lists the topics one may see
 * @bus: socket
 * @topics: gets them; free(3) frees it
 * @count: how many
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_bus_topics(struct llmctl_bus *bus, struct llmctl_topic **topics,
				 size_t *count, struct llmctl_error *error);

/**
 * llmctl_bus_subscribe() - has texts of a topic given to the socket or a session
 * @bus: socket
 * @subscription: who and what
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_bus_subscribe(struct llmctl_bus *bus,
				    const struct llmctl_subscription *subscription,
				    struct llmctl_error *error);

/**
 * llmctl_bus_unsubscribe() - ends that
 * @bus: socket
 * @subscription: name, owner and session of it
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_bus_unsubscribe(struct llmctl_bus *bus,
				      const struct llmctl_subscription *subscription,
				      struct llmctl_error *error);

/**
 * llmctl_bus_publish() - publishes a text
 * @bus: socket
 * @name: topic
 * @owner: user whose it is; NULL: one's own
 * @text: the text
 * @length: its bytes, 1..LLM_MAX_MESSAGE, none of them 0
 * @hops: sessions that may pass it on, one after the other; negative: 16
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno: -EAGAIN where a subscriber's queue is full.
 */
LLMCTL_API int llmctl_bus_publish(struct llmctl_bus *bus, const char *name, const __u32 *owner,
				  const char *text, size_t length, int hops,
				  struct llmctl_error *error);

/**
 * llmctl_bus_cancel() - ends a request early
 * @bus: socket; the request may be another's
 * @id: request
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_bus_cancel(struct llmctl_bus *bus, __u32 id, struct llmctl_error *error);

/**
 * llmctl_bus_join() - joins a multicast group
 * @bus: socket
 * @group: LLM_MCGRP_*
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_bus_join(struct llmctl_bus *bus, const char *group,
			       struct llmctl_error *error);

/**
 * llmctl_bus_receive() - passes on all messages there are; does not wait
 * @bus: socket
 * @error: reason of a failure
 *
 * Handlers may not call functions of the same bus.
 *
 * Return: 0, or a negative errno: -ENOBUFS where events were lost.
 */
LLMCTL_API int llmctl_bus_receive(struct llmctl_bus *bus, struct llmctl_error *error);

#ifdef __cplusplus
}
#endif

#endif /* LLMCTL_NETLINK_H */
