/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A generic netlink socket for the tests, by hand, so that anything can be sent.
 */
#ifndef LLM_TEST_GENL_H
#define LLM_TEST_GENL_H

#include <linux/llm.h>
#include <linux/llm_netlink.h>
#include <linux/netlink.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

#define GENL_GROUPS 8

/**
 * struct genl_message - a message being made, or one that came
 * @length: bytes used
 * @bytes: header and attributes
 */
struct genl_message {
	size_t length;
	_Alignas(8) __u8 bytes[66000];
};

/**
 * struct genl - a socket
 * @fd: descriptor
 * @port: its netlink port
 * @family: number of the family
 * @sequence: number of the last command
 * @groups: numbers of the multicast groups, in the order of linux/llm_netlink.h
 * @reason: what the last answer said
 * @blamed: type of the attribute that the last answer blamed, or 0
 * @missing: type of the attribute that the last answer missed, or 0
 * @reply: last reply to a command
 * @event: last message that was none
 * @datagram: messages that came together
 * @taken: bytes of them that were looked at
 * @early: events that came before an answer
 * @early_count: how many
 */
struct genl {
	int fd;
	__u32 port;
	__u16 family;
	__u32 sequence;
	__u32 groups[GENL_GROUPS];
	char reason[256];
	__u32 blamed;
	__u32 missing;
	struct genl_message reply;
	struct genl_message event;
	struct genl_message datagram;
	size_t taken;
	struct genl_message *early[512];
	unsigned int early_count;
};

/**
 * genl_open() - opens a socket
 * @genl: filled
 *
 * Return: 0 or a negative errno.
 */
int genl_open(struct genl *genl);

/**
 * genl_open_number() - opens a socket with a netlink port of choice
 * @genl: filled
 * @port: number, or 0 for any
 *
 * Return: 0 or a negative errno: -EADDRINUSE where another has it.
 */
int genl_open_number(struct genl *genl, __u32 port);

/**
 * genl_close() - closes it
 * @genl: socket
 */
void genl_close(struct genl *genl);

/**
 * genl_begin() - an empty message for a command
 * @genl: socket it is for
 * @message: message, overwritten
 * @command: LLM_CMD_*
 */
void genl_begin(const struct genl *genl, struct genl_message *message, __u8 command);

/**
 * genl_put() - adds an attribute
 * @message: message
 * @type: of the attribute
 * @bytes: what it holds
 * @length: bytes there
 */
void genl_put(struct genl_message *message, __u16 type, const void *bytes, size_t length);
void genl_put_u32(struct genl_message *message, __u16 type, __u32 value);
void genl_put_u64(struct genl_message *message, __u16 type, __u64 value);
void genl_put_string(struct genl_message *message, __u16 type, const char *value);

/**
 * genl_put_greedy() - adds a choice of tokens to a request: always the likeliest
 * @message: message
 * @forbidden: tokens that may not be chosen, at most 16
 * @count: how many
 */
void genl_put_greedy(struct genl_message *message, const __u32 *forbidden, __u32 count);

/**
 * genl_put_only() - adds a choice of tokens to a request: always the same one
 * @message: message
 * @token: which
 */
void genl_put_only(struct genl_message *message, __u32 token);

/**
 * genl_send() - sends a message as it is, but for length and number
 * @genl: socket
 * @message: message
 * @flags: NLM_F_* beside NLM_F_REQUEST
 *
 * Return: 0 or a negative errno.
 */
int genl_send(struct genl *genl, struct genl_message *message, __u16 flags);

/**
 * genl_do() - sends a command and waits for the answer
 * @genl: socket
 * @message: command
 *
 * Other messages are kept for genl_wait().
 *
 * Return: 0 or the negative errno of the answer; @reply, @reason, @blamed and
 * @missing of @genl tell more.
 */
int genl_do(struct genl *genl, struct genl_message *message);

/**
 * genl_do_all() - sends a command that asks for all
 * @genl: socket
 * @message: command
 * @visit: called for each message, may be NULL
 * @context: passed to it
 *
 * Return: how many there are, or a negative errno.
 */
int genl_do_all(struct genl *genl, struct genl_message *message,
		void (*visit)(const struct genl_message *message, void *context), void *context);

/**
 * genl_dump() - asks for all with a command that has no attributes
 * @genl: socket
 * @command: LLM_CMD_*
 * @visit: called for each message, may be NULL
 * @context: passed to it
 *
 * Return: how many there are, or a negative errno.
 */
int genl_dump(struct genl *genl, __u8 command,
	      void (*visit)(const struct genl_message *message, void *context), void *context);

/**
 * genl_falls_to() - waits until so many of a kind are left: sockets that were closed, and
 *	what they had, end in their own time
 * @genl: socket
 * @command: what lists them
 * @left: how many
 *
 * Return: whether that came, soon.
 */
bool genl_falls_to(struct genl *genl, __u8 command, int left);

/**
 * genl_wait() - the next message that answers nothing
 * @genl: socket
 * @timeout: milliseconds to wait
 *
 * Return: its command, with the message in @event, or a negative errno: -EAGAIN
 * when the time is up.
 */
int genl_wait(struct genl *genl, int timeout);

/**
 * genl_find() - looks for an attribute
 * @message: message
 * @type: of the attribute
 * @length: gets the bytes there, or NULL
 *
 * Return: what it holds, or NULL.
 */
const void *genl_find(const struct genl_message *message, __u16 type, size_t *length);
__u32 genl_u32(const struct genl_message *message, __u16 type);
__u64 genl_u64(const struct genl_message *message, __u16 type);

/**
 * genl_join() - joins a multicast group
 * @genl: socket
 * @group: its place in @groups
 *
 * Return: 0 or a negative errno.
 */
int genl_join(struct genl *genl, unsigned int group);

#endif /* LLM_TEST_GENL_H */
