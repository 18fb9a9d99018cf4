// SPDX-License-Identifier: GPL-2.0
#include "submit.h"

#include <linux/err.h>
#include <linux/sched/mm.h>
#include <linux/uio.h>

#include "netlink.h"
#include "port.h"
#include "posted.h"
#include "session.h"
#include "setup.h"
#include "turn.h"
#include "user.h"

static u32 get_u32(const struct genl_info *info, int type)
{
	return info->attrs[type] ? nla_get_u32(info->attrs[type]) : 0;
}

static int read_stops(struct genl_info *info, struct llm_session_setup *setup,
		      struct llm_stop **stops)
{
	const struct nlattr *attribute;
	struct llm_stop *stop;
	int rest, ret;

	if (!info->attrs[LLM_A_REQUEST_STOP])
		return 0;
	*stops = llm_alloc(LLM_MAX_STOPS * sizeof(**stops));
	if (!*stops)
		return -ENOMEM;
	nlmsg_for_each_attr(attribute, info->nlhdr, GENL_HDRLEN, rest) {
		if (nla_type(attribute) != LLM_A_REQUEST_STOP)
			continue;
		if (setup->stops_count == LLM_MAX_STOPS)
			return llm_netlink_refuse(info, attribute, "more than 16 stops", -E2BIG);
		stop = &(*stops)[setup->stops_count++];
		ret = llm_netlink_text(info, attribute, &stop->length);
		if (ret)
			return ret;
		if (!stop->length)
			return llm_netlink_refuse(info, attribute, "a stop is empty", -EINVAL);
		memcpy(stop->bytes, nla_data(attribute), stop->length);
	}
	setup->set |= LLM_SETUP_STOPS;
	return 0;
}

static void read_setup(const struct genl_info *info, struct llm_session_setup *setup)
{
	if (info->attrs[LLM_A_REQUEST_MODEL]) {
		setup->set |= LLM_SETUP_MODEL;
		nla_strscpy((char *)setup->model, info->attrs[LLM_A_REQUEST_MODEL],
			    sizeof(setup->model));
	}
	if (info->attrs[LLM_A_REQUEST_CONTEXT]) {
		setup->set |= LLM_SETUP_CONTEXT;
		setup->context = get_u32(info, LLM_A_REQUEST_CONTEXT);
	}
	if (info->attrs[LLM_A_REQUEST_MAX_TOKENS]) {
		setup->set |= LLM_SETUP_MAX_TOKENS;
		setup->max_tokens = get_u32(info, LLM_A_REQUEST_MAX_TOKENS);
	}
	if (info->attrs[LLM_A_REQUEST_SPECIAL]) {
		setup->set |= LLM_SETUP_SPECIAL;
		setup->special = 1;
	}
	if (info->attrs[LLM_A_REQUEST_RAW]) {
		setup->set |= LLM_SETUP_RAW;
		setup->raw = 1;
	}
}

/* What went wrong in llm_setup_apply(). */
static int refuse_setup(struct genl_info *info, int code)
{
	struct nlattr **attrs = info->attrs;
	const struct nlattr *blamed = attrs[LLM_A_REQUEST_CONTEXT] ?: attrs[LLM_A_REQUEST_MODEL];

	switch (code) {
	case -ENOENT:
		return llm_netlink_refuse(info, attrs[LLM_A_REQUEST_MODEL],
					  "no model has this name", code);
	case -ENODEV:
		return llm_netlink_refuse(info, NULL, "there is no model; load one first", code);
	case -EBUSY:
		return llm_netlink_refuse(info, blamed,
					  "model and context stay once the session holds a token",
					  code);
	case -EINVAL:
		return llm_netlink_refuse(info, blamed,
					  "not a model's name, or more context than the model has",
					  code);
	default:
		return llm_netlink_refuse(info, NULL, "out of memory or interrupted", code);
	}
}

static int apply_setup(struct genl_info *info, struct llm_session *session)
{
	struct llm_session_setup setup = {};
	struct mem_cgroup *memcg;
	struct llm_stop *stops = NULL;
	int ret;

	read_setup(info, &setup);
	memcg = set_active_memcg(session->memcg);
	ret = read_stops(info, &setup, &stops);
	set_active_memcg(memcg);
	if (!ret) {
		ret = llm_setup_apply(session, &setup, &stops);
		if (ret)
			refuse_setup(info, ret);
	}
	llm_free_private(stops, LLM_MAX_STOPS * sizeof(*stops));
	return ret;
}

static void read_sampling(struct nlattr **attrs, struct llm_sampling *sampling)
{
	static const struct {
		u16 type;
		u16 offset;
		u32 set;
	} fields[] = {
		{ LLM_A_SAMPLING_TEMPERATURE, offsetof(struct llm_sampling, temperature),
		  LLM_SAMPLING_TEMPERATURE },
		{ LLM_A_SAMPLING_TOP_K, offsetof(struct llm_sampling, top_k),
		  LLM_SAMPLING_TOP_K },
		{ LLM_A_SAMPLING_TOP_P, offsetof(struct llm_sampling, top_p),
		  LLM_SAMPLING_TOP_P },
		{ LLM_A_SAMPLING_MIN_P, offsetof(struct llm_sampling, min_p),
		  LLM_SAMPLING_MIN_P },
		{ LLM_A_SAMPLING_REPEAT, offsetof(struct llm_sampling, repeat),
		  LLM_SAMPLING_REPEAT },
		{ LLM_A_SAMPLING_PRESENCE, offsetof(struct llm_sampling, presence),
		  LLM_SAMPLING_PRESENCE },
		{ LLM_A_SAMPLING_FREQUENCY, offsetof(struct llm_sampling, frequency),
		  LLM_SAMPLING_FREQUENCY },
		{ LLM_A_SAMPLING_LAST_N, offsetof(struct llm_sampling, last_n),
		  LLM_SAMPLING_LAST_N },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (!attrs[fields[i].type])
			continue;
		*(u32 *)((u8 *)sampling + fields[i].offset) = nla_get_u32(attrs[fields[i].type]);
		sampling->set |= fields[i].set;
	}
	if (attrs[LLM_A_SAMPLING_SEED]) {
		sampling->seed = nla_get_u64(attrs[LLM_A_SAMPLING_SEED]);
		sampling->set |= LLM_SAMPLING_SEED;
	}
}

/* The biases of a command, NULL where it has none, or an ERR_PTR(). */
static struct llm_sampling_bias *read_biases(struct genl_info *info, struct nlattr **attrs,
					     struct llm_sampling *sampling)
{
	const struct nlattr *tokens = attrs[LLM_A_SAMPLING_BIAS_TOKENS];
	const struct nlattr *values = attrs[LLM_A_SAMPLING_BIAS_VALUES];
	struct llm_sampling_bias *biases;
	u32 count, i;

	if (!tokens && !values)
		return NULL;
	if (!tokens || !values || nla_len(tokens) != nla_len(values) ||
	    nla_len(tokens) % sizeof(u32))
		return ERR_PTR(llm_netlink_refuse(info, tokens ?: values,
				"bias-tokens and bias-values are not equally many", -EINVAL));
	count = nla_len(tokens) / sizeof(u32);
	sampling->set |= LLM_SAMPLING_BIASES;
	sampling->biases_count = count;
	if (!count)
		return NULL;
	biases = llm_alloc((u64)count * sizeof(*biases));
	if (!biases)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < count; i++) {
		biases[i].token = ((const u32 *)nla_data(tokens))[i];
		biases[i].bias = ((const s32 *)nla_data(values))[i];
		if (abs((s64)biases[i].bias) > 100 * LLM_FIXED_ONE)
			break;
	}
	if (i == count)
		return biases;
	llm_free_private(biases, (u64)count * sizeof(*biases));
	return ERR_PTR(llm_netlink_refuse(info, values, "a bias is beyond 100.0", -EINVAL));
}

static int apply_sampling(struct genl_info *info, struct llm_session *session)
{
	const struct nlattr *nest = info->attrs[LLM_A_REQUEST_SAMPLING];
	struct nlattr *attrs[LLM_A_SAMPLING_MAX + 1];
	const struct llm_sampling_bias *biases;
	struct llm_sampling sampling = {};
	struct mem_cgroup *memcg;
	int ret;

	if (!nest)
		return 0;
	/* It was validated with the command. */
	ret = nla_parse_nested(attrs, LLM_A_SAMPLING_MAX, nest, NULL, info->extack);
	if (ret)
		return ret;
	read_sampling(attrs, &sampling);
	memcg = set_active_memcg(session->memcg);
	biases = read_biases(info, attrs, &sampling);
	set_active_memcg(memcg);
	if (IS_ERR(biases))
		return PTR_ERR(biases);
	ret = llm_setup_apply_sampling(session, &sampling, &biases);
	llm_free_private((void *)biases, (u64)sampling.biases_count * sizeof(*biases));
	if (ret)
		llm_netlink_refuse(info, nest,
				   "a value is out of range, or the model lacks a bias's token",
				   ret);
	return ret;
}

static int apply(struct genl_info *info, struct llm_session *session)
{
	int ret = apply_setup(info, session);

	return ret ?: apply_sampling(info, session);
}

/* A new session, or an ERR_PTR(). */
static struct llm_session *create(struct genl_info *info, struct llm_port *port)
{
	struct llm_session *session = llm_session_create(port->user, LLM_SESSION_TALK);
	int ret;

	if (IS_ERR(session)) {
		NL_SET_ERR_MSG(info->extack, "out of memory, or too many sessions already");
		return session;
	}
	ret = apply(info, session);
	if (!ret)
		return session;
	llm_session_put(session);
	return ERR_PTR(ret);
}

static struct llm_owned *open(struct genl_info *info, struct llm_port *port, bool busy, bool keep)
{
	struct llm_session *session = create(info, port);
	struct llm_owned *owned;

	if (IS_ERR(session))
		return ERR_CAST(session);
	owned = llm_port_add(port, session, busy, keep);
	if (owned)
		return owned;
	llm_session_put(session);
	return ERR_PTR(-ENOMEM);
}

static struct llm_owned *claim(struct genl_info *info, struct llm_port *port,
			       const struct nlattr *number)
{
	struct llm_owned *owned = llm_port_claim(port, nla_get_u64(number));

	if (PTR_ERR_OR_ZERO(owned) == -ENOENT)
		NL_SET_ERR_MSG_ATTR(info->extack, number, "the socket has no session of this number");
	else if (IS_ERR(owned))
		NL_SET_ERR_MSG_ATTR(info->extack, number, "a request uses the session");
	return owned;
}

/* Answers with the number of a session and, but where it is 0, of a request. */
static int answer(struct genl_info *info, u64 session, u32 request)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *header;

	if (!skb)
		return -ENOMEM;
	header = genlmsg_put_reply(skb, info, &llm_family, 0, info->genlhdr->cmd);
	if (!header ||
	    nla_put_u64_64bit(skb, LLM_A_REQUEST_SESSION, session, LLM_A_REQUEST_PAD) ||
	    (request && nla_put_u32(skb, LLM_A_REQUEST_ID, request))) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);
}

int llm_submit_open(struct sk_buff *skb, struct genl_info *info)
{
	struct llm_port *port = llm_port_get(skb, info);
	struct llm_owned *owned;
	int ret;

	if (IS_ERR(port))
		return PTR_ERR(port);
	owned = open(info, port, true, true);
	ret = PTR_ERR_OR_ZERO(owned);
	if (!ret) {
		ret = answer(info, owned->session->id, 0);
		llm_port_release(port, owned, !ret);
	}
	llm_port_put(port);
	return ret;
}

/* Runs a function with a session that a command names claimed. */
static int with_session(struct sk_buff *skb, struct genl_info *info,
			int (*function)(struct genl_info *info, struct llm_port *port,
					struct llm_owned *owned))
{
	const struct nlattr *number = info->attrs[LLM_A_SESSION_ID];
	struct llm_owned *owned;
	struct llm_port *port;
	int ret;

	if (!number)
		return llm_netlink_missing(info, LLM_A_SESSION_ID, "id says which session");
	port = llm_port_get(skb, info);
	if (IS_ERR(port))
		return PTR_ERR(port);
	owned = claim(info, port, number);
	ret = PTR_ERR_OR_ZERO(owned) ?: function(info, port, owned);
	llm_port_put(port);
	return ret;
}

static int close(struct genl_info *info, struct llm_port *port, struct llm_owned *owned)
{
	llm_port_release(port, owned, false);
	return 0;
}

int llm_submit_close(struct sk_buff *skb, struct genl_info *info)
{
	return with_session(skb, info, close);
}

static int give(struct genl_info *info, struct llm_port *port, struct llm_owned *owned)
{
	const struct nlattr *to = info->attrs[LLM_A_SESSION_PORT];

	if (!llm_port_give(port, owned, nla_get_u32(to)))
		return 0;
	return llm_netlink_refuse(info, to, "no socket of yours that used this family is there",
				  -ENOENT);
}

int llm_submit_give(struct sk_buff *skb, struct genl_info *info)
{
	if (!info->attrs[LLM_A_SESSION_PORT])
		return llm_netlink_missing(info, LLM_A_SESSION_PORT, "port says to whom");
	return with_session(skb, info, give);
}

static int write_piece(struct genl_info *info, struct llm_session *session,
		       const struct nlattr *piece)
{
	struct iov_iter from;
	struct kvec vec;
	ssize_t ret;
	u32 length;

	ret = llm_netlink_text(info, piece, &length);
	if (ret || !length)
		return ret;
	vec = (struct kvec){ .iov_base = nla_data(piece), .iov_len = length };
	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, length);
	ret = llm_turn_write(session, &from);
	if (ret == length)
		return 0;
	if (ret < 0 && ret != -ENOSPC)
		return llm_netlink_refuse(info, piece, "out of memory or interrupted", ret);
	return llm_netlink_refuse(info, piece, "the text is longer than 1 MiB", -ENOSPC);
}

static int write_text(struct genl_info *info, struct llm_session *session)
{
	const struct nlattr *piece;
	int rest, ret;

	nlmsg_for_each_attr(piece, info->nlhdr, GENL_HDRLEN, rest) {
		if (nla_type(piece) != LLM_A_REQUEST_TEXT)
			continue;
		ret = write_piece(info, session, piece);
		if (ret)
			return ret;
	}
	return 0;
}

static int write_tokens(struct genl_info *info, struct llm_session *session)
{
	const struct nlattr *piece;
	int rest, ret;

	nlmsg_for_each_attr(piece, info->nlhdr, GENL_HDRLEN, rest) {
		if (nla_type(piece) != LLM_A_REQUEST_TOKENS)
			continue;
		if (nla_len(piece) % sizeof(u32))
			return llm_netlink_refuse(info, piece, "a token has four bytes", -EINVAL);
		ret = llm_turn_write_tokens(session, nla_data(piece),
					    nla_len(piece) / sizeof(u32));
		if (ret)
			return llm_netlink_refuse(info, piece, "the prompt is too long", ret);
	}
	return 0;
}

static int start(struct genl_info *info, struct llm_session *session)
{
	const struct nlattr *text = info->attrs[LLM_A_REQUEST_TEXT] ?:
				    info->attrs[LLM_A_REQUEST_TOKENS];
	int ret = llm_turn_start(session);

	switch (ret) {
	case 0:
		return 0;
	case -ENODATA:
		return llm_netlink_refuse(info, text, "the prompt is empty", ret);
	case -EINVAL:
		return llm_netlink_refuse(info, text, "the model has no such token", ret);
	case -ENOSPC:
		return llm_netlink_refuse(info, text, "the prompt does not fit the context", ret);
	case -ENODEV:
		return llm_netlink_refuse(info, NULL, "there is no model; load one first", ret);
	case -EOPNOTSUPP:
		return llm_netlink_refuse(info, NULL,
					  "the model makes no text, or has an unknown chat template: ask for raw",
					  ret);
	default:
		return llm_netlink_refuse(info, NULL, "out of memory or interrupted", ret);
	}
}

/* Its reply is announced before the first message of it. */
static int post(struct genl_info *info, struct llm_port *port, struct llm_owned *owned)
{
	struct llm_posting posting = {
		.bytes = get_u32(info, LLM_A_REQUEST_COALESCE_BYTES),
		.wait_ms = get_u32(info, LLM_A_REQUEST_COALESCE_MS),
		.deadline_ms = get_u32(info, LLM_A_REQUEST_DEADLINE_MS),
	};
	struct llm_session *session = owned->session;
	struct llm_posted *posted;
	int ret;

	session->priority = info->attrs[LLM_A_REQUEST_PRIORITY] ?
			    get_u32(info, LLM_A_REQUEST_PRIORITY) : LLM_PRIORITY_NORMAL;
	ret = info->attrs[LLM_A_REQUEST_TEXT] ? write_text(info, session) :
						write_tokens(info, session);
	if (ret)
		return ret;
	posted = llm_posted_create(port, owned, &posting);
	if (!posted)
		return -ENOMEM;
	ret = start(info, session);
	if (!ret) {
		llm_posted_show(posted);
		ret = answer(info, session->id, posted->id);
	}
	if (ret)
		llm_posted_destroy(posted);
	else
		llm_posted_arm(posted);
	return ret;
}

static int submit_new(struct genl_info *info, struct llm_port *port)
{
	struct llm_owned *owned = open(info, port, true, info->attrs[LLM_A_REQUEST_KEEP]);
	int ret;

	if (IS_ERR(owned))
		return PTR_ERR(owned);
	ret = post(info, port, owned);
	if (ret)
		llm_port_release(port, owned, false);
	return ret;
}

/*
 * The session is again what it was before a submission that failed; but a reply that
 * was begun and is not told of can't be read to its end.
 */
static void undo(struct llm_port *port, struct llm_owned *owned, struct llm_settings *saved)
{
	bool idle = llm_session_state(owned->session) == LLM_SESSION_IDLE;

	llm_turn_discard(owned->session);
	if (idle)
		llm_setup_restore(owned->session, saved);
	else
		llm_setup_forget(saved);
	llm_port_release(port, owned, idle);
}

static int submit_next(struct genl_info *info, struct llm_port *port,
		       const struct nlattr *number)
{
	struct llm_owned *owned = claim(info, port, number);
	struct llm_settings saved;
	int ret;

	if (IS_ERR(owned))
		return PTR_ERR(owned);
	ret = llm_setup_save(owned->session, &saved);
	if (ret) {
		llm_port_release(port, owned, true);
		return ret;
	}
	ret = apply(info, owned->session);
	if (!ret)
		ret = post(info, port, owned);
	if (ret)
		undo(port, owned, &saved);
	else
		llm_setup_forget(&saved);
	return ret;
}

int llm_submit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *number = info->attrs[LLM_A_REQUEST_SESSION];
	const struct nlattr *text = info->attrs[LLM_A_REQUEST_TEXT];
	const struct nlattr *tokens = info->attrs[LLM_A_REQUEST_TOKENS];
	struct llm_port *port;
	int ret;

	if (!text && !tokens)
		return llm_netlink_missing(info, LLM_A_REQUEST_TEXT,
					   "text or tokens are the prompt");
	if (text && tokens)
		return llm_netlink_refuse(info, tokens, "the prompt is text or tokens, not both",
					  -EINVAL);
	if (get_u32(info, LLM_A_REQUEST_PRIORITY) == LLM_PRIORITY_HIGH &&
	    !llm_netlink_admin(skb))
		return llm_netlink_refuse(info, info->attrs[LLM_A_REQUEST_PRIORITY],
					  "only administrators come before all others", -EPERM);
	port = llm_port_get(skb, info);
	if (IS_ERR(port))
		return PTR_ERR(port);
	ret = number ? submit_next(info, port, number) : submit_new(info, port);
	llm_port_put(port);
	return ret;
}
