// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/genetlink.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "genl.h"

#define HEADER (NLMSG_HDRLEN + GENL_HDRLEN)

static struct nlmsghdr *header_of(const struct genl_message *message)
{
	return (struct nlmsghdr *)message->bytes;
}

void genl_begin(const struct genl *genl, struct genl_message *message, __u8 command)
{
	struct genlmsghdr *header = (struct genlmsghdr *)(message->bytes + NLMSG_HDRLEN);

	memset(message->bytes, 0, HEADER);
	header_of(message)->nlmsg_type = genl->family;
	header->cmd = command;
	header->version = 1;
	message->length = HEADER;
}

void genl_put(struct genl_message *message, __u16 type, const void *bytes, size_t length)
{
	struct nlattr attribute = { .nla_len = NLA_HDRLEN + length, .nla_type = type };

	if (message->length + NLA_HDRLEN + NLA_ALIGN(length) > sizeof(message->bytes))
		abort();
	memcpy(message->bytes + message->length, &attribute, NLA_HDRLEN);
	if (length)
		memcpy(message->bytes + message->length + NLA_HDRLEN, bytes, length);
	memset(message->bytes + message->length + NLA_HDRLEN + length, 0,
	       NLA_ALIGN(length) - length);
	message->length += NLA_HDRLEN + NLA_ALIGN(length);
}

void genl_put_u32(struct genl_message *message, __u16 type, __u32 value)
{
	genl_put(message, type, &value, sizeof(value));
}

void genl_put_u64(struct genl_message *message, __u16 type, __u64 value)
{
	genl_put(message, type, &value, sizeof(value));
}

void genl_put_string(struct genl_message *message, __u16 type, const char *value)
{
	genl_put(message, type, value, strlen(value) + 1);
}

/* The likeliest token, with the same added to the logits of some. */
static void put_choice(struct genl_message *message, const __u32 *tokens, __u32 count, __s32 bias)
{
	size_t start = message->length;
	__s32 values[16];
	__u32 i;

	genl_put(message, LLM_A_REQUEST_SAMPLING | NLA_F_NESTED, "", 0);
	genl_put_u32(message, LLM_A_SAMPLING_TEMPERATURE, 0);
	for (i = 0; i < count; i++)
		values[i] = bias * LLM_FIXED_ONE;
	genl_put(message, LLM_A_SAMPLING_BIAS_TOKENS, tokens, count * sizeof(*tokens));
	genl_put(message, LLM_A_SAMPLING_BIAS_VALUES, values, count * sizeof(*values));
	((struct nlattr *)(message->bytes + start))->nla_len = message->length - start;
}

void genl_put_greedy(struct genl_message *message, const __u32 *forbidden, __u32 count)
{
	put_choice(message, forbidden, count, -100);
}

void genl_put_only(struct genl_message *message, __u32 token)
{
	put_choice(message, &token, 1, 100);
}

int genl_send(struct genl *genl, struct genl_message *message, __u16 flags)
{
	struct nlmsghdr *header = header_of(message);

	header->nlmsg_len = message->length;
	header->nlmsg_flags = NLM_F_REQUEST | flags;
	header->nlmsg_seq = ++genl->sequence;
	return send(genl->fd, message->bytes, message->length, 0) < 0 ? -errno : 0;
}

/* Looks through the attributes in some bytes. */
static const void *find(const __u8 *bytes, size_t size, __u16 type, size_t *length)
{
	const struct nlattr *attribute;

	while (size >= NLA_HDRLEN) {
		attribute = (const struct nlattr *)bytes;
		if (attribute->nla_len < NLA_HDRLEN || attribute->nla_len > size)
			return NULL;
		if ((attribute->nla_type & NLA_TYPE_MASK) == type) {
			if (length)
				*length = attribute->nla_len - NLA_HDRLEN;
			return bytes + NLA_HDRLEN;
		}
		if ((size_t)NLA_ALIGN(attribute->nla_len) >= size)
			return NULL;
		size -= NLA_ALIGN(attribute->nla_len);
		bytes += NLA_ALIGN(attribute->nla_len);
	}
	return NULL;
}

const void *genl_find(const struct genl_message *message, __u16 type, size_t *length)
{
	if (message->length < HEADER)
		return NULL;
	return find(message->bytes + HEADER, message->length - HEADER, type, length);
}

__u32 genl_u32(const struct genl_message *message, __u16 type)
{
	const __u32 *value = genl_find(message, type, NULL);

	return value ? *value : 0;
}

__u64 genl_u64(const struct genl_message *message, __u16 type)
{
	const void *bytes = genl_find(message, type, NULL);
	__u64 value = 0;

	if (bytes)
		memcpy(&value, bytes, sizeof(value));
	return value;
}

/* The next datagram, which holds a message or several. */
static int receive_datagram(struct genl *genl, int timeout)
{
	struct pollfd poller = { .fd = genl->fd, .events = POLLIN };
	ssize_t length;

	if (poll(&poller, 1, timeout) == 0)
		return -EAGAIN;
	length = recv(genl->fd, genl->datagram.bytes, sizeof(genl->datagram.bytes), MSG_TRUNC);
	if (length < 0)
		return -errno;
	if ((size_t)length > sizeof(genl->datagram.bytes))
		return -EMSGSIZE;
	genl->datagram.length = length;
	genl->taken = 0;
	return 0;
}

static int receive(struct genl *genl, struct genl_message *message, int timeout)
{
	const struct nlmsghdr *header;
	size_t left;
	int error;

	if (genl->taken >= genl->datagram.length) {
		error = receive_datagram(genl, timeout);
		if (error)
			return error;
	}
	header = (const void *)(genl->datagram.bytes + genl->taken);
	left = genl->datagram.length - genl->taken;
	if (left < NLMSG_HDRLEN || header->nlmsg_len < NLMSG_HDRLEN || header->nlmsg_len > left)
		return -EBADMSG;
	memcpy(message->bytes, header, header->nlmsg_len);
	message->length = header->nlmsg_len;
	genl->taken += NLMSG_ALIGN(header->nlmsg_len);
	return 0;
}

/* The type of the attribute at an offset of the command. */
static __u32 type_at(const struct genl_message *command, __u32 offset)
{
	const struct nlattr *attribute = (const void *)(command->bytes + offset);

	return offset + NLA_HDRLEN <= command->length ? attribute->nla_type & NLA_TYPE_MASK : 0;
}

static int read_answer(struct genl *genl, const struct genl_message *command,
		       const struct genl_message *message)
{
	const struct nlmsghdr *header = header_of(message);
	const struct nlmsgerr *error = (const void *)(message->bytes + NLMSG_HDRLEN);
	size_t skip = NLMSG_HDRLEN + sizeof(*error), length;
	const void *found;

	genl->reason[0] = '\0';
	genl->blamed = 0;
	genl->missing = 0;
	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return error->error;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		skip += error->msg.nlmsg_len - NLMSG_HDRLEN;
	if (skip >= message->length)
		return error->error;
	found = find(message->bytes + skip, message->length - skip, NLMSGERR_ATTR_MSG, &length);
	if (found && length <= sizeof(genl->reason))
		memcpy(genl->reason, found, length);
	found = find(message->bytes + skip, message->length - skip, NLMSGERR_ATTR_OFFS, NULL);
	if (found)
		genl->blamed = type_at(command, *(const __u32 *)found);
	found = find(message->bytes + skip, message->length - skip, NLMSGERR_ATTR_MISS_TYPE,
		     NULL);
	if (found)
		genl->missing = *(const __u32 *)found;
	return error->error;
}

static int keep_early(struct genl *genl, const struct genl_message *message)
{
	size_t size = offsetof(struct genl_message, bytes) + message->length;
	struct genl_message *copy;

	if (genl->early_count == sizeof(genl->early) / sizeof(genl->early[0]))
		return -ENOBUFS;
	copy = malloc(size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, message, size);
	genl->early[genl->early_count++] = copy;
	return 0;
}

int genl_do(struct genl *genl, struct genl_message *message)
{
	static _Thread_local struct genl_message answer;
	const struct nlmsghdr *header = header_of(&answer);
	int error = genl_send(genl, message, NLM_F_ACK);

	genl->reply.length = 0;
	while (!error) {
		error = receive(genl, &answer, 60000);
		if (error)
			return error;
		if (header->nlmsg_seq != genl->sequence) {
			error = keep_early(genl, &answer);
			continue;
		}
		if (header->nlmsg_type == NLMSG_ERROR)
			return read_answer(genl, message, &answer);
		memcpy(&genl->reply, &answer,
		       offsetof(struct genl_message, bytes) + answer.length);
	}
	return error;
}

int genl_do_all(struct genl *genl, struct genl_message *message,
		void (*visit)(const struct genl_message *message, void *context), void *context)
{
	static _Thread_local struct genl_message answer;
	const struct nlmsghdr *header = header_of(&answer);
	int error = genl_send(genl, message, NLM_F_DUMP), count = 0;

	while (!error) {
		error = receive(genl, &answer, 60000);
		if (error)
			break;
		if (header->nlmsg_seq != genl->sequence) {
			error = keep_early(genl, &answer);
			continue;
		}
		if (header->nlmsg_type == NLMSG_DONE)
			return count;
		if (header->nlmsg_type == NLMSG_ERROR)
			return *(const int *)(answer.bytes + NLMSG_HDRLEN);
		if (visit)
			visit(&answer, context);
		count++;
	}
	return error;
}

int genl_dump(struct genl *genl, __u8 command,
	      void (*visit)(const struct genl_message *message, void *context), void *context)
{
	static _Thread_local struct genl_message message;

	genl_begin(genl, &message, command);
	return genl_do_all(genl, &message, visit, context);
}

bool genl_falls_to(struct genl *genl, __u8 command, int left)
{
	for (int i = 0; i < 6000; i++) {
		if (genl_dump(genl, command, NULL, NULL) == left)
			return true;
		usleep(10000);
	}
	return false;
}

static int command_of(const struct genl_message *message)
{
	const struct genlmsghdr *header = (const void *)(message->bytes + NLMSG_HDRLEN);

	return header->cmd;
}

int genl_wait(struct genl *genl, int timeout)
{
	int error;

	if (genl->early_count) {
		struct genl_message *first = genl->early[0];

		memcpy(&genl->event, first,
		       offsetof(struct genl_message, bytes) + first->length);
		free(first);
		genl->early_count--;
		memmove(genl->early, genl->early + 1, genl->early_count * sizeof(*genl->early));
		return command_of(&genl->event);
	}
	error = receive(genl, &genl->event, timeout);
	return error ? error : command_of(&genl->event);
}

int genl_join(struct genl *genl, unsigned int group)
{
	return setsockopt(genl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &genl->groups[group],
			  sizeof(genl->groups[group])) ? -errno : 0;
}

static void read_groups(struct genl *genl, const __u8 *nest, size_t size)
{
	static const char *const names[] = {
		LLM_MCGRP_MODELS, LLM_MCGRP_MEMORY, LLM_MCGRP_SESSIONS, LLM_MCGRP_REQUESTS,
		LLM_MCGRP_TOKENS,
	};
	unsigned int i, j;

	for (i = 1; i <= GENL_GROUPS; i++) {
		size_t length;
		const __u8 *group = find(nest, size, i, &length);
		const char *name = group ? find(group, length, CTRL_ATTR_MCAST_GRP_NAME, NULL) :
					   NULL;

		for (j = 0; name && j < sizeof(names) / sizeof(names[0]); j++)
			if (!strcmp(name, names[j]))
				genl->groups[j] = *(const __u32 *)
					find(group, length, CTRL_ATTR_MCAST_GRP_ID, NULL);
	}
}

static int resolve(struct genl *genl)
{
	static _Thread_local struct genl_message message;
	size_t length;
	const void *found;
	int error;

	genl->family = GENL_ID_CTRL;
	genl_begin(genl, &message, CTRL_CMD_GETFAMILY);
	genl_put_string(&message, CTRL_ATTR_FAMILY_NAME, LLM_FAMILY_NAME);
	error = genl_do(genl, &message);
	if (error)
		return error;
	found = genl_find(&genl->reply, CTRL_ATTR_FAMILY_ID, NULL);
	if (!found)
		return -EPROTO;
	genl->family = *(const __u16 *)found;
	found = genl_find(&genl->reply, CTRL_ATTR_MCAST_GROUPS, &length);
	if (found)
		read_groups(genl, found, length);
	return 0;
}

int genl_open(struct genl *genl)
{
	return genl_open_number(genl, 0);
}

int genl_open_number(struct genl *genl, __u32 port)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_pid = port };
	socklen_t size = sizeof(address);
	int on = 1, error;

	memset(genl, 0, sizeof(*genl));
	genl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (genl->fd < 0)
		return -errno;
	if (bind(genl->fd, (struct sockaddr *)&address, size) ||
	    getsockname(genl->fd, (struct sockaddr *)&address, &size) ||
	    setsockopt(genl->fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on)))
		error = -errno;
	else
		error = resolve(genl);
	genl->port = address.nl_pid;
	if (error)
		close(genl->fd);
	return error;
}

void genl_close(struct genl *genl)
{
	close(genl->fd);
	while (genl->early_count)
		free(genl->early[--genl->early_count]);
}
