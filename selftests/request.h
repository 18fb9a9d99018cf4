/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of requests over netlink share: a request, and how it ends.
 */
#ifndef LLM_TEST_REQUEST_H
#define LLM_TEST_REQUEST_H

#include <stdbool.h>

#include "device.h"
#include "genl.h"

#define MODEL "netlink"
#define CHAT_MODEL "netlink-chat"
#define SLOW_MODEL "netlink-slow"
#define OTHER_MODEL "netlink-other"
#define PROMPT "abc abc"

/** message - the command that is being made. */
extern struct genl_message message;

/**
 * begin_submit() - begins a command that submits the prompt
 * @genl: socket
 * @tokens: tokens of the reply at most, or 0
 */
void begin_submit(struct genl *genl, __u32 tokens);

/**
 * submit() - submits the prompt
 * @genl: socket
 * @tokens: tokens of the reply at most, or 0
 *
 * Return: the number of the request, or a negative errno.
 */
int submit(struct genl *genl, __u32 tokens);

/**
 * submit_endless() - submits the prompt for a reply that does not end by itself, however
 *	fast the machine is: nobody reads it, and it is longer than what socket and
 *	session hold
 * @genl: socket, which has little room from now on
 * @image: the model called SLOW_MODEL, of a context of 65536 or more
 * @deadline: milliseconds, or 0
 *
 * Return: the number of the request, or a negative errno.
 */
int submit_endless(struct genl *genl, const struct device_image *image, __u32 deadline);

/**
 * read_reply() - reads a reply to its end, and checks its order
 * @genl: socket, which has no other request
 * @id: request
 *
 * Return: its bytes, or a negative errno; the last message stays in @event.
 */
long read_reply(struct genl *genl, __u32 id);

#endif /* LLM_TEST_REQUEST_H */
