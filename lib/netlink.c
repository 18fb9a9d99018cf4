// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/socket.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "error.h"

/* Bytes that can wait for llmctl_bus_receive(), as far as the system allows. */
#define RECEIVE_ROOM (1 << 20)
/* Bytes of a message that comes, at most: the kernel's dumps have 32 KiB. */
#define MESSAGE_ROOM 65536
/* Bytes of one attribute at most, so that a long prompt becomes some. */
#define PIECE 32768

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
	struct nlattr *model = attrs[LLM_A_EVENT_MODEL];
	struct nlattr *bytes = attrs[LLM_A_EVENT_BYTES];
	const struct llmctl_event event = {
		.command = command,
		.model = model ? nla_get_string(model) : "",
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
		.bytes = bytes ? nla_data(bytes) : NULL,
		.length = bytes ? nla_len(bytes) : 0,
	};

	if (bus->handlers.event)
		bus->handlers.event(bus->data, &event);
}

static void pass_message(const struct llmctl_bus *bus, struct nlattr *const *attrs,
			 void (*handler)(void *data, const struct llmctl_message *message))
{
	struct nlattr *name = attrs[LLM_A_TOPIC_NAME];
	struct nlattr *bytes = attrs[LLM_A_TOPIC_BYTES];
	const struct llmctl_message message = {
		.topic = name ? nla_get_string(name) : "",
		.owner = bus_u32(attrs, LLM_A_TOPIC_OWNER),
		.uid = bus_u32(attrs, LLM_A_TOPIC_UID),
		.session = bus_u64(attrs, LLM_A_TOPIC_SESSION),
		.number = bus_u64(attrs, LLM_A_TOPIC_NUMBER),
		.hops = bus_u32(attrs, LLM_A_TOPIC_HOPS),
		.missed = bus_u32(attrs, LLM_A_TOPIC_MISSED),
		.bytes = bytes ? nla_data(bytes) : NULL,
		.length = bytes ? nla_len(bytes) : 0,
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
static void pass(const struct llmctl_bus *bus, struct nl_msg *message)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
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

static int keep(struct llmctl_bus *bus, struct nl_msg *message)
{
	if (bus->early_count == bus->early_room) {
		size_t room = bus->early_room ? 2 * bus->early_room : 16;
		struct nl_msg **early = realloc(bus->early, room * sizeof(*early));

		if (!early)
			return -NLE_NOMEM;
		bus->early = early;
		bus->early_room = room;
	}
	nlmsg_get(message);
	bus->early[bus->early_count++] = message;
	return NL_OK;
}

static int on_message(struct nl_msg *message, void *data)
{
	struct nlmsghdr *header = nlmsg_hdr(message);
	struct nlattr *attrs[BUS_ATTRIBUTES];
	struct llmctl_bus *bus = data;

	if (!bus->waiting) {
		pass(bus, message);
		return NL_OK;
	}
	if (header->nlmsg_seq != bus->waiting)
		return keep(bus, message);
	if (!genlmsg_parse(header, 0, attrs, BUS_ATTRIBUTES - 1, NULL) && bus->take)
		bus->take(bus->taken, attrs);
	return NL_OK;
}

static int on_ack(struct nl_msg *message, void *data)
{
	struct llmctl_bus *bus = data;

	if (nlmsg_hdr(message)->nlmsg_seq == bus->waiting)
		bus->waiting = 0;
	return NL_STOP;
}

/* The kernel's reason follows the command that it repeats. */
static void read_reason(struct llmctl_bus *bus, const struct nlmsgerr *error)
{
	const struct nlmsghdr *header = (const void *)((const char *)error - NLMSG_HDRLEN);
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

static int on_error(struct sockaddr_nl *sender, struct nlmsgerr *error, void *data)
{
	struct llmctl_bus *bus = data;

	(void)sender;
	if (error->msg.nlmsg_seq == bus->waiting) {
		bus->answer = error->error;
		bus->waiting = 0;
		read_reason(bus, error);
	}
	return NL_STOP;
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
	/* Refusals do not repeat the command, so that any message fits MESSAGE_ROOM. */
	setsockopt(nl_socket_get_fd(bus->socket), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	nl_socket_set_msg_buf_size(bus->socket, MESSAGE_ROOM);
	nl_socket_disable_msg_peek(bus->socket);
	bus->family = genl_ctrl_resolve(bus->socket, LLM_FAMILY_NAME);
	if (bus->family < 0)
		return refuse_open(error, bus->family);
	nl_socket_set_buffer_size(bus->socket, RECEIVE_ROOM, 0);
	nl_socket_disable_seq_check(bus->socket);
	nl_socket_set_nonblocking(bus->socket);
	nl_socket_modify_cb(bus->socket, NL_CB_VALID, NL_CB_CUSTOM, on_message, bus);
	nl_socket_modify_cb(bus->socket, NL_CB_ACK, NL_CB_CUSTOM, on_ack, bus);
	nl_socket_modify_cb(bus->socket, NL_CB_FINISH, NL_CB_CUSTOM, on_ack, bus);
	nl_socket_modify_err_cb(bus->socket, NL_CB_CUSTOM, on_error, bus);
	return 0;
}

int llmctl_bus_open(struct llmctl_bus **opened, const struct llmctl_bus_handlers *handlers,
		    void *data, struct llmctl_error *error)
{
	struct llmctl_bus *bus = calloc(1, sizeof(*bus));
	int ret;

	if (bus)
		bus->socket = nl_socket_alloc();
	if (!bus || !bus->socket) {
		free(bus);
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
		nlmsg_free(bus->early[--bus->early_count]);
	free(bus->early);
	nl_socket_free(bus->socket);
	free(bus);
}

int llmctl_bus_fd(const struct llmctl_bus *bus)
{
	/* cppcheck-suppress ctunullpointer */
	return nl_socket_get_fd(bus->socket);
}

int bus_ask(struct llmctl_bus *bus, struct nl_msg *message, const char *what, bus_take *take,
	    void *taken, struct llmctl_error *error)
{
	int ret;

	bus->answer = 0;
	bus->reason[0] = '\0';
	bus->take = take;
	bus->taken = taken;
	ret = nl_send_auto(bus->socket, message);
	bus->waiting = nlmsg_hdr(message)->nlmsg_seq;
	nlmsg_free(message);
	while (ret >= 0 && bus->waiting) {
		poll(&(struct pollfd){ llmctl_bus_fd(bus), POLLIN, 0 }, 1, -1);
		ret = nl_recvmsgs_default(bus->socket);
		if (ret == -NLE_AGAIN)
			ret = 0;
		/* Lost events do not concern the answer, but it may be among them. */
		if (bus->answer)
			ret = 0;
	}
	bus->waiting = 0;
	if (ret < 0)
		return llmctl_fail(error, EIO, "%s: netlink: %s", what, nl_geterror(ret));
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

/* Whole tokens fit a piece. */
static int put_tokens(struct nl_msg *message, const __u32 *tokens, size_t count)
{
	const size_t most = PIECE / sizeof(*tokens);
	size_t piece;

	for (; count; count -= piece, tokens += piece) {
		piece = count < most ? count : most;
		if (nla_put(message, LLM_A_REQUEST_TOKENS, piece * sizeof(*tokens), tokens))
			return -NLE_NOMEM;
	}
	return 0;
}

static int put_text(struct nl_msg *message, const char *text, size_t length)
{
	struct nlattr *attribute;
	size_t piece;

	for (; length; length -= piece, text += piece) {
		piece = length < PIECE ? length : PIECE;
		attribute = nla_reserve(message, LLM_A_REQUEST_TEXT, piece + 1);
		if (!attribute)
			return -NLE_NOMEM;
		memcpy(nla_data(attribute), text, piece);
		((char *)nla_data(attribute))[piece] = '\0';
	}
	return 0;
}

static int put_biases(struct nl_msg *message, const struct llm_sampling *sampling)
{
	const struct llm_bias *biases = (const void *)(uintptr_t)sampling->biases;
	size_t size = sampling->biases_count * sizeof(__u32);
	struct nlattr *tokens = nla_reserve(message, LLM_A_SAMPLING_BIAS_TOKENS, size);
	struct nlattr *values = nla_reserve(message, LLM_A_SAMPLING_BIAS_VALUES, size);
	__u32 i;

	if (!tokens || !values)
		return -NLE_NOMEM;
	for (i = 0; i < sampling->biases_count; i++) {
		((__u32 *)nla_data(tokens))[i] = biases[i].token;
		((__s32 *)nla_data(values))[i] = biases[i].bias;
	}
	return 0;
}

static int put_sampling(struct nl_msg *message, const struct llm_sampling *sampling)
{
	const struct {
		__u32 set;
		int type;
		__u32 value;
	} fields[] = {
		{ LLM_SAMPLING_TEMPERATURE, LLM_A_SAMPLING_TEMPERATURE, sampling->temperature },
		{ LLM_SAMPLING_TOP_K, LLM_A_SAMPLING_TOP_K, sampling->top_k },
		{ LLM_SAMPLING_TOP_P, LLM_A_SAMPLING_TOP_P, sampling->top_p },
		{ LLM_SAMPLING_MIN_P, LLM_A_SAMPLING_MIN_P, sampling->min_p },
		{ LLM_SAMPLING_REPEAT, LLM_A_SAMPLING_REPEAT, sampling->repeat },
		{ LLM_SAMPLING_PRESENCE, LLM_A_SAMPLING_PRESENCE, sampling->presence },
		{ LLM_SAMPLING_FREQUENCY, LLM_A_SAMPLING_FREQUENCY, sampling->frequency },
		{ LLM_SAMPLING_LAST_N, LLM_A_SAMPLING_LAST_N, sampling->last_n },
	};
	struct nlattr *nest = nla_nest_start(message, LLM_A_REQUEST_SAMPLING | NLA_F_NESTED);
	int failed = !nest;
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (sampling->set & fields[i].set)
			failed = failed || nla_put_u32(message, fields[i].type, fields[i].value);
	if (sampling->set & LLM_SAMPLING_SEED)
		failed = failed || nla_put_u64(message, LLM_A_SAMPLING_SEED, sampling->seed);
	if (sampling->set & LLM_SAMPLING_BIASES)
		failed = failed || put_biases(message, sampling);
	return failed || nla_nest_end(message, nest);
}

static int put_number(struct nl_msg *message, int type, __u32 value)
{
	return value ? nla_put_u32(message, type, value) : 0;
}

/* What a new session is like. */
static int put_setup(struct nl_msg *message, const struct llmctl_submission *submission)
{
	size_t i;

	for (i = 0; i < submission->stop_count; i++)
		if (nla_put_string(message, LLM_A_REQUEST_STOP, submission->stops[i]))
			return -NLE_NOMEM;
	return (submission->model &&
		nla_put_string(message, LLM_A_REQUEST_MODEL, submission->model)) ||
	       (submission->special && nla_put_flag(message, LLM_A_REQUEST_SPECIAL)) ||
	       (submission->raw && nla_put_flag(message, LLM_A_REQUEST_RAW)) ||
	       put_number(message, LLM_A_REQUEST_CONTEXT, submission->context) ||
	       put_number(message, LLM_A_REQUEST_MAX_TOKENS, submission->max_tokens) ||
	       (submission->sampling && put_sampling(message, submission->sampling));
}

static int put_submission(struct nl_msg *message, const struct llmctl_submission *submission)
{
	return put_setup(message, submission) ||
	       (submission->session &&
		nla_put_u64(message, LLM_A_REQUEST_SESSION, submission->session)) ||
	       (submission->keep && nla_put_flag(message, LLM_A_REQUEST_KEEP)) ||
	       put_number(message, LLM_A_REQUEST_DEADLINE_MS, submission->deadline_ms) ||
	       put_number(message, LLM_A_REQUEST_COALESCE_BYTES, submission->coalesce_bytes) ||
	       put_number(message, LLM_A_REQUEST_COALESCE_MS, submission->coalesce_ms) ||
	       (submission->priority &&
		nla_put_u32(message, LLM_A_REQUEST_PRIORITY, submission->level)) ||
	       (submission->tokens ?
		put_tokens(message, submission->tokens, submission->token_count) :
		put_text(message, submission->text, submission->length));
}

/**
 * struct submitted - what the answer told
 * @id: request
 * @session: its session
 */
struct submitted {
	__u32 id;
	__u64 session;
};

static void take_submitted(void *data, struct nlattr *const *attrs)
{
	struct submitted *submitted = data;

	submitted->id = bus_u32(attrs, LLM_A_REQUEST_ID);
	submitted->session = bus_u64(attrs, LLM_A_REQUEST_SESSION);
}

int llmctl_bus_submit(struct llmctl_bus *bus, const struct llmctl_submission *submission,
		      __u32 *id, __u64 *session, struct llmctl_error *error)
{
	size_t length = submission->tokens ? submission->token_count * sizeof(__u32) :
					     submission->length;
	size_t size = length + length / PIECE * 16 + 32768;
	struct submitted submitted = { 0 };
	struct nl_msg *message;
	int ret;

	if (length > LLM_MAX_TEXT || submission->token_count > LLM_MAX_TEXT)
		return llmctl_fail(error, E2BIG, "submit: the prompt is longer than %u bytes",
				   LLM_MAX_TEXT);
	message = bus_command(bus, LLM_CMD_SUBMIT, size);
	if (!message || put_submission(message, submission)) {
		nlmsg_free(message);
		return llmctl_fail(error, ENOMEM, "not enough memory");
	}
	/* The socket's room for sending must hold the message. */
	nl_socket_set_buffer_size(bus->socket, RECEIVE_ROOM, 2 * size);
	ret = bus_ask(bus, message, "submit", take_submitted, &submitted, error);
	if (ret)
		return ret;
	*id = submitted.id;
	if (session)
		*session = submitted.session;
	return 0;
}

int llmctl_bus_session(struct llmctl_bus *bus, const struct llmctl_submission *submission,
		       __u64 *session, struct llmctl_error *error)
{
	struct nl_msg *message = bus_command(bus, LLM_CMD_SESSION_OPEN, 32768);
	struct submitted submitted = { 0 };
	int ret;

	if (!message || put_setup(message, submission)) {
		nlmsg_free(message);
		return llmctl_fail(error, ENOMEM, "not enough memory");
	}
	ret = bus_ask(bus, message, "session", take_submitted, &submitted, error);
	if (!ret)
		*session = submitted.session;
	return ret;
}

int llmctl_bus_cancel(struct llmctl_bus *bus, __u32 id, struct llmctl_error *error)
{
	struct nl_msg *message = bus_command(bus, LLM_CMD_CANCEL, 256);

	if (!message || nla_put_u32(message, LLM_A_REQUEST_ID, id)) {
		nlmsg_free(message);
		return llmctl_fail(error, ENOMEM, "not enough memory");
	}
	return bus_ask(bus, message, "cancel", NULL, NULL, error);
}

int llmctl_bus_join(struct llmctl_bus *bus, const char *group, struct llmctl_error *error)
{
	struct nl_sock *asker = nl_socket_alloc();
	int number = -NLE_NOMEM, ret;

	/* The answer must not be mixed with what comes for the bus. */
	if (asker && !genl_connect(asker))
		number = genl_ctrl_resolve_grp(asker, LLM_FAMILY_NAME, group);
	nl_socket_free(asker);
	if (number < 0)
		return llmctl_fail(error, ENOENT, "group %s: %s", group, nl_geterror(number));
	ret = nl_socket_add_membership(bus->socket, number);
	if (ret == -NLE_PERM)
		return llmctl_fail(error, EPERM, "only root may watch the group %s", group);
	return ret ? llmctl_fail(error, EIO, "group %s: %s", group, nl_geterror(ret)) : 0;
}

static void pass_early(struct llmctl_bus *bus)
{
	size_t i;

	for (i = 0; i < bus->early_count; i++) {
		pass(bus, bus->early[i]);
		nlmsg_free(bus->early[i]);
	}
	bus->early_count = 0;
}

int llmctl_bus_receive(struct llmctl_bus *bus, struct llmctl_error *error)
{
	int ret;

	pass_early(bus);
	do {
		ret = nl_recvmsgs_default(bus->socket);
	} while (ret >= 0);
	if (ret == -NLE_AGAIN)
		return 0;
	if (ret == -NLE_NOMEM)
		return llmctl_fail(error, ENOBUFS,
				   "messages were lost: they came faster than they were read");
	return llmctl_fail(error, EIO, "netlink: %s", nl_geterror(ret));
}
