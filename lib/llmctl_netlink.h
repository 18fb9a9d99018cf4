/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libllmctl: many requests at once, and events, over one netlink socket. In the
 * library where libnl-genl-3 was there when it was built; programs link with
 * "pkg-config --libs libnl-genl-3.0" too.
 *
 *	struct llmctl_bus_handlers handlers = { .token = show, .done = finish };
 *	struct llmctl_submission submission = { .text = "Once upon", .length = 9 };
 *	struct llmctl_bus *bus;
 *	__u32 id;
 *
 *	llmctl_bus_open(&bus, &handlers, NULL, &error);
 *	llmctl_bus_submit(bus, &submission, &id, NULL, &error);
 *	while (!finished && !llmctl_bus_receive(bus, &error))
 *		poll(&(struct pollfd){ llmctl_bus_fd(bus), POLLIN }, 1, -1);
 *
 * One bus is for one thread at a time.
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
 * struct llmctl_bus_handlers - what is called by llmctl_bus_receive(), and by
 *	nothing else; any may be NULL
 * @token: a piece of the reply to a request, in order
 * @done: a request is over
 * @event: something that a group told
 */
struct llmctl_bus_handlers {
	void (*token)(void *data, __u32 id, const void *bytes, size_t length);
	void (*done)(void *data, const struct llmctl_done *done);
	void (*event)(void *data, const struct llmctl_event *event);
};

/**
 * struct llmctl_submission - a request; zero is the default for all but @text
 * @text: the prompt
 * @length: its bytes, none of them 0
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
