/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the netlink client share.
 */
#ifndef BUS_H
#define BUS_H

#include <netlink/attr.h>
#include <netlink/genl/genl.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "llmctl_netlink.h"

/** BUS_ATTRIBUTES - more than any set of attributes has. */
#define BUS_ATTRIBUTES 64

/** BUS_COMMAND - room for the attributes of a command, but for a prompt. */
#define BUS_COMMAND 32768

/** bus_take - takes the attributes of a message that answers a command. */
typedef void bus_take(void *taken, struct nlattr *const *attrs);

/**
 * struct llmctl_bus - a socket
 * @socket: libnl's
 * @family: number of the family
 * @handlers: what to call
 * @data: for them
 * @room: where datagrams go
 * @send_room: bytes of a command that there is room for in the socket
 * @waiting: number of the command that is under way, or 0
 * @answered: whether its answer is complete
 * @answer: errno of its answer, negative
 * @reason: what the answer said
 * @take: takes what it holds, or NULL
 * @taken: for @take
 * @early: messages that came before the answer
 * @early_count: how many
 * @early_room: how many fit there
 */
struct llmctl_bus {
	struct nl_sock *socket;
	int family;
	struct llmctl_bus_handlers handlers;
	void *data;
	char *room;
	size_t send_room;
	__u32 waiting;
	int answered;
	int answer;
	char reason[256];
	bus_take *take;
	void *taken;
	struct nlmsghdr **early;
	size_t early_count;
	size_t early_room;
};

static inline __u32 bus_u32(struct nlattr *const *attrs, int type)
{
	return attrs[type] ? nla_get_u32(attrs[type]) : 0;
}

static inline __u64 bus_u64(struct nlattr *const *attrs, int type)
{
	return attrs[type] ? nla_get_u64(attrs[type]) : 0;
}

/**
 * bus_command() - begins a command
 * @bus: socket
 * @number: LLM_CMD_*
 * @size: room for its attributes
 *
 * Return: the message, or NULL without memory.
 */
struct nl_msg *bus_command(const struct llmctl_bus *bus, __u8 number, size_t size);

/**
 * bus_make_room() - makes room in the socket for a command
 * @bus: socket
 * @size: its bytes
 */
void bus_make_room(struct llmctl_bus *bus, size_t size);

/**
 * bus_ask() - sends a command, frees it, and waits for the answer
 * @bus: socket
 * @message: command
 * @what: what it is called where it fails
 * @take: takes the answer's attributes, or NULL
 * @taken: for @take
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
int bus_ask(struct llmctl_bus *bus, struct nl_msg *message, const char *what, bus_take *take,
	    void *taken, struct llmctl_error *error);

/**
 * bus_dump() - asks for all
 * @bus: socket
 * @number: LLM_CMD_*
 * @what: what it is called where it fails
 * @take: called for each
 * @taken: for @take
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
int bus_dump(struct llmctl_bus *bus, __u8 number, const char *what, bus_take *take, void *taken,
	     struct llmctl_error *error);

#endif /* BUS_H */
