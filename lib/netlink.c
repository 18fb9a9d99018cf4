// SPDX-License-Identifier: LGPL-2.1-or-later
/* Commands on requests and sessions. */
#include <errno.h>
#include <netlink/genl/ctrl.h>
#include <netlink/socket.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "error.h"

/* Bytes of one attribute at most, so that a long prompt becomes some. */
#define PIECE 32768

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
	size_t size = length + length / PIECE * 16 + BUS_COMMAND;
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
	bus_make_room(bus, size);
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
	struct nl_msg *message = bus_command(bus, LLM_CMD_SESSION_OPEN, BUS_COMMAND);
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

int llmctl_bus_close_session(struct llmctl_bus *bus, __u64 session, struct llmctl_error *error)
{
	struct nl_msg *message = bus_command(bus, LLM_CMD_SESSION_CLOSE, 256);

	if (!message || nla_put_u64(message, LLM_A_SESSION_ID, session)) {
		nlmsg_free(message);
		return llmctl_fail(error, ENOMEM, "not enough memory");
	}
	return bus_ask(bus, message, "close", NULL, NULL, error);
}

int llmctl_bus_give(struct llmctl_bus *bus, __u64 session, __u32 port,
		    struct llmctl_error *error)
{
	struct nl_msg *message = bus_command(bus, LLM_CMD_SESSION_GIVE, 256);

	if (!message || nla_put_u64(message, LLM_A_SESSION_ID, session) ||
	    nla_put_u32(message, LLM_A_SESSION_PORT, port)) {
		nlmsg_free(message);
		return llmctl_fail(error, ENOMEM, "not enough memory");
	}
	return bus_ask(bus, message, "give", NULL, NULL, error);
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
