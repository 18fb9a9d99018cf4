// SPDX-License-Identifier: LGPL-2.1-or-later
/* The socket: what comes there, and the answers to commands. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "bus.h"
#include "error.h"

/* Bytes that can wait for llmctl_bus_receive(), as far as the system allows. */
#define RECEIVE_ROOM (1 << 20)
/* Bytes of a datagram at most: the kernel's dumps have 32 KiB. */
#define DATAGRAM_ROOM 65536
/* Datagrams that one system call takes: fewer than that tell that there are no more. */
#define DATAGRAMS 8

static const char *text_of(const struct nlattr *attribute)
{
	return attribute ? nla_get_string(attribute) : "";
}

static const void *bytes_of(const struct nlattr *attribute)
{
	return attribute ? nla_data(attribute) : NULL;
}

static size_t length_of(const struct nlattr *attribute)
{
	return attribute ? nla_len(attribute) : 0;
}

static void pass_token(const struct llmctl_bus *bus, struct nlattr *const *attrs)
{
	struct nlattr *bytes = attrs[LLM_A_REQUEST_BYTES];

	if (bus->handlers.token && bytes)
		bus->handlers.token(bus->data, bus_u32(attrs, LLM_A_REQUEST_ID), nla_data(bytes),
				    nla_len(bytes));
}

static void pass_done(const struct llmctl_bus *bus, struct nlattr *const *attrs)
{
	const struct llmctl_done done = {
		.id = bus_u32(attrs, LLM_A_REQUEST_ID),
		.reason = bus_u32(attrs, LLM_A_REQUEST_REASON),
		.session = bus_u64(attrs, LLM_A_REQUEST_SESSION),
		.tokens_in = bus_u32(attrs, LLM_A_REQUEST_TOKENS_IN),
		.tokens_out = bus_u32(attrs, LLM_A_REQUEST_TOKENS_OUT),
		.bytes = bus_u64(attrs, LLM_A_REQUEST_OFFSET),
		.queued_ns = bus_u64(attrs, LLM_A_REQUEST_QUEUED_NS),
		.first_token_ns = bus_u64(attrs, LLM_A_REQUEST_FIRST_TOKEN_NS),
		.cpu_ns = bus_u64(attrs, LLM_A_REQUEST_CPU_NS),
		.seed = bus_u64(attrs, LLM_A_REQUEST_SEED),
	};

	if (bus->handlers.done)
		bus->handlers.done(bus->data, &done);
}

static void pass_event(const struct llmctl_bus *bus, __u8 command, struct nlattr *const *attrs)
{
	const struct llmctl_event event = {
		.command = command,
		.model = text_of(attrs[LLM_A_EVENT_MODEL]),
		.session = bus_u64(attrs, LLM_A_EVENT_SESSION),
		.uid = bus_u32(attrs, LLM_A_EVENT_UID),
		.reason = bus_u32(attrs, LLM_A_EVENT_REASON),
		.refusal = bus_u32(attrs, LLM_A_EVENT_REFUSAL),
		.tokens_in = bus_u32(attrs, LLM_A_EVENT_TOKENS_IN),
		.tokens_out = bus_u32(attrs, LLM_A_EVENT_TOKENS_OUT),
		.queued_ns = bus_u64(attrs, LLM_A_EVENT_QUEUED_NS),
		.cpu_ns = bus_u64(attrs, LLM_A_EVENT_CPU_NS),
		.memory = bus_u64(attrs, LLM_A_EVENT_MEMORY),
		.limit = bus_u64(attrs, LLM_A_EVENT_LIMIT),
		.missed = bus_u32(attrs, LLM_A_EVENT_MISSED),
		.bytes = bytes_of(attrs[LLM_A_EVENT_BYTES]),
		.length = length_of(attrs[LLM_A_EVENT_BYTES]),
	};

	if (bus->handlers.event)
		bus->handlers.event(bus->data, &event);
}

static void pass_message(const struct llmctl_bus *bus, struct nlattr *const *attrs,
			 void (*handler)(void *data, const struct llmctl_message *message))
{
	const struct llmctl_message message = {
		.topic = text_of(attrs[LLM_A_TOPIC_NAME]),
		.owner = bus_u32(attrs, LLM_A_TOPIC_OWNER),
		.uid = bus_u32(attrs, LLM_A_TOPIC_UID),
		.session = bus_u64(attrs, LLM_A_TOPIC_SESSION),
		.number = bus_u64(attrs, LLM_A_TOPIC_NUMBER),
		.hops = bus_u32(attrs, LLM_A_TOPIC_HOPS),
		.missed = bus_u32(attrs, LLM_A_TOPIC_MISSED),
		.bytes = bytes_of(attrs[LLM_A_TOPIC_BYTES]),
		.length = length_of(attrs[LLM_A_TOPIC_BYTES]),
	};

	if (handler)
		handler(bus->data, &message);
}

static void pass_stopped(const struct llmctl_bus *bus, struct nlattr *const *attrs)
{
	if (bus->handlers.stopped)
		bus->handlers.stopped(bus->data, bus_u64(attrs, LLM_A_TOPIC_SESSION),
				      bus_u32(attrs, LLM_A_TOPIC_STOPPED),
				      bus_u32(attrs, LLM_A_TOPIC_TURNS));
}

/* A message that answers nothing. */
static void pass(const struct llmctl_bus *bus, struct nlmsghdr *header)
{
	const struct genlmsghdr *genl = genlmsg_hdr(header);
	struct nlattr *attrs[BUS_ATTRIBUTES];

	if (header->nlmsg_type != bus->family ||
	    genlmsg_parse(header, 0, attrs, BUS_ATTRIBUTES - 1, NULL))
		return;
	if (genl->cmd == LLM_CMD_TOKEN)
		pass_token(bus, attrs);
	else if (genl->cmd == LLM_CMD_DONE)
		pass_done(bus, attrs);
	else if (genl->cmd == LLM_CMD_MESSAGE)
		pass_message(bus, attrs, bus->handlers.message);
	else if (genl->cmd == LLM_CMD_REPLY_REFUSED)
		pass_message(bus, attrs, bus->handlers.refused);
	else if (genl->cmd == LLM_CMD_SESSION_STOPPED)
		pass_stopped(bus, attrs);
	else
		pass_event(bus, genl->cmd, attrs);
}

static int keep(struct llmctl_bus *bus, const struct nlmsghdr *header)
{
	struct nlmsghdr *copy = malloc(header->nlmsg_len);

	if (copy && bus->early_count == bus->early_room) {
		size_t room = bus->early_room ? 2 * bus->early_room : 16;
		struct nlmsghdr **early = realloc(bus->early, room * sizeof(*early));

		if (early) {
			bus->early = early;
			bus->early_room = room;
		}
	}
	if (!copy || bus->early_count == bus->early_room) {
		free(copy);
		return -ENOMEM;
	}
	memcpy(copy, header, header->nlmsg_len);
	bus->early[bus->early_count++] = copy;
	return 0;
}

/* The kernel's reason follows the command, which it does not repeat. */
static void read_reason(struct llmctl_bus *bus, const struct nlmsghdr *header)
{
	const struct nlmsgerr *error = nlmsg_data(header);
	size_t skip = sizeof(*error);
	struct nlattr *text;

	bus->reason[0] = '\0';
	if (!(header->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(header->nlmsg_flags & NLM_F_CAPPED))
		skip += error->msg.nlmsg_len - NLMSG_HDRLEN;
	if (NLMSG_HDRLEN + skip >= header->nlmsg_len)
		return;
	text = nla_find((struct nlattr *)((char *)error + skip),
			header->nlmsg_len - NLMSG_HDRLEN - skip, NLMSGERR_ATTR_MSG);
	if (text)
		nla_strlcpy(bus->reason, text, sizeof(bus->reason));
}

/* A message that belongs to the answer to the command that is under way. */
static void take_answer(struct llmctl_bus *bus, struct nlmsghdr *header)
{
	struct nlattr *attrs[BUS_ATTRIBUTES];

	if (header->nlmsg_type == NLMSG_ERROR) {
		bus->answer = ((struct nlmsgerr *)nlmsg_data(header))->error;
		bus->answered = 1;
		read_reason(bus, header);
	} else if (header->nlmsg_type == NLMSG_DONE) {
		/* How the list ended. */
		if (nlmsg_datalen(header) >= (int)sizeof(int))
			bus->answer = *(const int *)nlmsg_data(header);
		bus->answered = 1;
	} else if (!genlmsg_parse(header, 0, attrs, BUS_ATTRIBUTES - 1, NULL) && bus->take) {
		bus->take(bus->taken, attrs);
	}
}

/* Handlers are not called while a command is under way. */
static int take_message(struct llmctl_bus *bus, struct nlmsghdr *header)
{
	if (bus->waiting && header->nlmsg_seq == bus->waiting) {
		take_answer(bus, header);
		return 0;
	}
	if (bus->waiting)
		return keep(bus, header);
	pass(bus, header);
	return 0;
}

static int take_datagram(struct llmctl_bus *bus, void *bytes, int length)
{
	struct nlmsghdr *header;
	int ret = 0;

	for (header = bytes; !ret && nlmsg_ok(header, length);
	     header = nlmsg_next(header, &length))
		ret = take_message(bus, header);
	return ret;
}

/* Takes some datagrams. Returns whether there may be more, or a negative errno. */
static int receive(struct llmctl_bus *bus, int flags)
{
	struct iovec places[DATAGRAMS];
	struct mmsghdr datagrams[DATAGRAMS] = { 0 };
	int i, count, ret = 0;

	for (i = 0; i < DATAGRAMS; i++) {
		places[i].iov_base = bus->room + (size_t)i * DATAGRAM_ROOM;
		places[i].iov_len = DATAGRAM_ROOM;
		datagrams[i].msg_hdr.msg_iov = &places[i];
		datagrams[i].msg_hdr.msg_iovlen = 1;
	}
	count = recvmmsg(llmctl_bus_fd(bus), datagrams, DATAGRAMS, flags, NULL);
	if (count < 0)
		return -errno;
	for (i = 0; !ret && i < count; i++)
		ret = datagrams[i].msg_hdr.msg_flags & MSG_TRUNC ? -EMSGSIZE :
		      take_datagram(bus, places[i].iov_base, datagrams[i].msg_len);
	return ret ? ret : count == DATAGRAMS;
}

static int refuse_open(struct llmctl_error *error, int code)
{
	if (code == -NLE_OBJ_NOTFOUND)
		return llmctl_fail(error, ENOENT,
				   "there is no netlink family llm: the module is not loaded; try 'insmod llm.ko' as root");
	return llmctl_fail(error, EIO, "netlink: %s", nl_geterror(code));
}

static int connect_bus(struct llmctl_bus *bus, struct llmctl_error *error)
{
	int on = 1, ret;

	ret = genl_connect(bus->socket);
	if (ret)
		return refuse_open(error, ret);
	setsockopt(nl_socket_get_fd(bus->socket), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	/* Refusals do not repeat the command, so that any message fits DATAGRAM_ROOM. */
	setsockopt(nl_socket_get_fd(bus->socket), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	bus->family = genl_ctrl_resolve(bus->socket, LLM_FAMILY_NAME);
	if (bus->family < 0)
		return refuse_open(error, bus->family);
	bus_make_room(bus, BUS_COMMAND);
	return 0;
}

int llmctl_bus_open(struct llmctl_bus **opened, const struct llmctl_bus_handlers *handlers,
		    void *data, struct llmctl_error *error)
{
	struct llmctl_bus *bus = calloc(1, sizeof(*bus));
	int ret;

	if (bus) {
		bus->socket = nl_socket_alloc();
		bus->room = malloc((size_t)DATAGRAMS * DATAGRAM_ROOM);
	}
	if (!bus || !bus->socket || !bus->room) {
		llmctl_bus_close(bus);
		return llmctl_fail(error, ENOMEM, "not enough memory");
	}
	bus->handlers = *handlers;
	bus->data = data;
	ret = connect_bus(bus, error);
	if (ret)
		llmctl_bus_close(bus);
	else
		*opened = bus;
	return ret;
}

void llmctl_bus_close(struct llmctl_bus *bus)
{
	if (!bus)
		return;
	while (bus->early_count)
		free(bus->early[--bus->early_count]);
	free(bus->early);
	free(bus->room);
	nl_socket_free(bus->socket);
	free(bus);
}

int llmctl_bus_fd(const struct llmctl_bus *bus)
{
	/* cppcheck-suppress ctunullpointer */
	return nl_socket_get_fd(bus->socket);
}

__u32 llmctl_bus_port(const struct llmctl_bus *bus)
{
	return nl_socket_get_local_port(bus->socket);
}

void bus_make_room(struct llmctl_bus *bus, size_t size)
{
	if (size <= bus->send_room)
		return;
	/* The kernel counts what it needs beside the bytes, too. */
	nl_socket_set_buffer_size(bus->socket, RECEIVE_ROOM, 2 * size);
	bus->send_room = size;
}

int bus_ask(struct llmctl_bus *bus, struct nl_msg *message, const char *what, bus_take *take,
	    void *taken, struct llmctl_error *error)
{
	int sent, ret = 0;

	bus->answer = 0;
	bus->answered = 0;
	bus->reason[0] = '\0';
	bus->take = take;
	bus->taken = taken;
	sent = nl_send_auto(bus->socket, message);
	bus->waiting = nlmsg_hdr(message)->nlmsg_seq;
	nlmsg_free(message);
	while (sent >= 0 && !bus->answered && (ret >= 0 || ret == -EINTR))
		ret = receive(bus, MSG_WAITFORONE);
	bus->waiting = 0;
	if (sent < 0)
		return llmctl_fail(error, EIO, "%s: netlink: %s", what, nl_geterror(sent));
	if (!bus->answered)
		return llmctl_fail(error, -ret, "%s: netlink: %s", what, strerror(-ret));
	if (!bus->answer)
		return 0;
	return llmctl_fail(error, -bus->answer, "%s: %s", what,
			   bus->reason[0] ? bus->reason : strerror(-bus->answer));
}

static struct nl_msg *begin(const struct llmctl_bus *bus, __u8 number, size_t size, int flags)
{
	struct nl_msg *message = nlmsg_alloc_size(size);

	if (message)
		genlmsg_put(message, NL_AUTO_PORT, NL_AUTO_SEQ, bus->family, 0, flags, number,
			    LLM_FAMILY_VERSION);
	return message;
}

struct nl_msg *bus_command(const struct llmctl_bus *bus, __u8 number, size_t size)
{
	return begin(bus, number, size, NLM_F_ACK);
}

int bus_dump(struct llmctl_bus *bus, __u8 number, const char *what, bus_take *take, void *taken,
	     struct llmctl_error *error)
{
	struct nl_msg *message = begin(bus, number, 256, NLM_F_DUMP);

	if (!message)
		return llmctl_fail(error, ENOMEM, "not enough memory");
	return bus_ask(bus, message, what, take, taken, error);
}

static void pass_early(struct llmctl_bus *bus)
{
	size_t i;

	for (i = 0; i < bus->early_count; i++) {
		pass(bus, bus->early[i]);
		free(bus->early[i]);
	}
	bus->early_count = 0;
}

int llmctl_bus_receive(struct llmctl_bus *bus, struct llmctl_error *error)
{
	int ret;

	pass_early(bus);
	do {
		ret = receive(bus, MSG_DONTWAIT);
	} while (ret > 0 || ret == -EINTR);
	if (!ret || ret == -EAGAIN)
		return 0;
	if (ret == -ENOBUFS)
		return llmctl_fail(error, ENOBUFS,
				   "messages were lost: they came faster than they were read");
	return llmctl_fail(error, -ret, "netlink: %s", strerror(-ret));
}
