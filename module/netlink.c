// SPDX-License-Identifier: GPL-2.0
/*
 * The family: which commands there are, what attributes each takes, and who may
 * send them.
 */
#include "netlink.h"

#include <linux/bits.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/fs.h>
#include <linux/llm.h>
#include <linux/moduleparam.h>
#include <linux/net.h>
#include <net/sock.h>

#include "facts.h"
#include "port.h"
#include "posted.h"
#include "publish.h"
#include "submit.h"
#include "topic.h"

static unsigned int netlink_gid;
module_param(netlink_gid, uint, 0644);
MODULE_PARM_DESC(netlink_gid, "group that may use the netlink family (default 0)");

static bool registered;
static bool started;

/* Not const: Linux 6.1 has pointers to these that are not. */
static struct netlink_range_validation_signed temperature_range = { .max = 6553600 };
static struct netlink_range_validation_signed share_range = { .max = 65536 };
static struct netlink_range_validation_signed repeat_range = {
	.min = 655, .max = 655360
};
static struct netlink_range_validation wait_range = { .min = 1, .max = 60000 };
static struct netlink_range_validation deadline_range = { .min = 1, .max = 86400000 };

/* These agree with specs/llm.yaml, which a test holds against them. */
static const struct nla_policy sampling_policy[LLM_A_SAMPLING_MAX + 1] = {
	[LLM_A_SAMPLING_TEMPERATURE] = NLA_POLICY_FULL_RANGE_SIGNED(NLA_S32, &temperature_range),
	[LLM_A_SAMPLING_TOP_K] = { .type = NLA_U32 },
	[LLM_A_SAMPLING_TOP_P] = NLA_POLICY_FULL_RANGE_SIGNED(NLA_S32, &share_range),
	[LLM_A_SAMPLING_MIN_P] = NLA_POLICY_FULL_RANGE_SIGNED(NLA_S32, &share_range),
	[LLM_A_SAMPLING_REPEAT] = NLA_POLICY_FULL_RANGE_SIGNED(NLA_S32, &repeat_range),
	[LLM_A_SAMPLING_PRESENCE] = { .type = NLA_S32 },
	[LLM_A_SAMPLING_FREQUENCY] = { .type = NLA_S32 },
	[LLM_A_SAMPLING_LAST_N] = NLA_POLICY_MAX(NLA_U32, 4096),
	[LLM_A_SAMPLING_SEED] = { .type = NLA_U64 },
	[LLM_A_SAMPLING_BIAS_TOKENS] = { .type = NLA_BINARY, .len = 4096 },
	[LLM_A_SAMPLING_BIAS_VALUES] = { .type = NLA_BINARY, .len = 4096 },
};

static const struct nla_policy model_get_policy[] = {
	[LLM_A_MODEL_NAME] = { .type = NLA_NUL_STRING, .len = LLM_NAME_SIZE - 1 },
};

static const struct nla_policy session_id_policy[] = {
	[LLM_A_SESSION_ID] = { .type = NLA_U64 },
};

static const struct nla_policy session_give_policy[] = {
	[LLM_A_SESSION_ID] = { .type = NLA_U64 },
	[LLM_A_SESSION_PORT] = NLA_POLICY_MIN(NLA_U32, 1),
};

#define SETUP_POLICY							\
	[LLM_A_REQUEST_MODEL] = { .type = NLA_NUL_STRING, .len = LLM_NAME_SIZE - 1 },	\
	[LLM_A_REQUEST_CONTEXT] = NLA_POLICY_MIN(NLA_U32, 1),		\
	[LLM_A_REQUEST_SPECIAL] = { .type = NLA_FLAG },			\
	[LLM_A_REQUEST_RAW] = { .type = NLA_FLAG },			\
	[LLM_A_REQUEST_MAX_TOKENS] = { .type = NLA_U32 },		\
	[LLM_A_REQUEST_STOP] = { .type = NLA_NUL_STRING, .len = LLM_MAX_STOP_LENGTH },	\
	[LLM_A_REQUEST_SAMPLING] = NLA_POLICY_NESTED(sampling_policy)

static const struct nla_policy session_open_policy[] = { SETUP_POLICY };

static const struct nla_policy submit_policy[] = {
	SETUP_POLICY,
	[LLM_A_REQUEST_SESSION] = { .type = NLA_U64 },
	[LLM_A_REQUEST_TEXT] = { .type = NLA_NUL_STRING },
	[LLM_A_REQUEST_TOKENS] = { .type = NLA_BINARY, .len = U16_MAX },
	[LLM_A_REQUEST_PRIORITY] = NLA_POLICY_MAX(NLA_U32, LLM_PRIORITY_HIGH),
	[LLM_A_REQUEST_KEEP] = { .type = NLA_FLAG },
	[LLM_A_REQUEST_COALESCE_BYTES] = NLA_POLICY_MAX(NLA_U32, 8192),
	[LLM_A_REQUEST_COALESCE_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &wait_range),
	[LLM_A_REQUEST_DEADLINE_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &deadline_range),
};

static const struct nla_policy request_id_policy[] = {
	[LLM_A_REQUEST_ID] = { .type = NLA_U32 },
};

#define TOPIC_POLICY							\
	[LLM_A_TOPIC_NAME] = { .type = NLA_NUL_STRING, .len = LLM_TOPIC_NAME_SIZE - 1 }

static const struct nla_policy topic_open_policy[] = {
	TOPIC_POLICY,
	[LLM_A_TOPIC_QUEUE] = NLA_POLICY_RANGE(NLA_U32, 1, LLM_TOPIC_MAX_TEXTS),
	[LLM_A_TOPIC_OVERFLOW] = NLA_POLICY_MAX(NLA_U32, LLM_OVERFLOW_DROP_OLDEST),
	[LLM_A_TOPIC_HISTORY] = NLA_POLICY_MAX(NLA_U32, LLM_TOPIC_MAX_TEXTS),
	[LLM_A_TOPIC_SHARE] = NLA_POLICY_MASK(NLA_U32, LLM_SHARE_SUBSCRIBE | LLM_SHARE_PUBLISH),
};

static const struct nla_policy topic_get_policy[] = {
	TOPIC_POLICY,
	[LLM_A_TOPIC_OWNER] = { .type = NLA_U32 },
};

static const struct nla_policy subscribe_policy[] = {
	TOPIC_POLICY,
	[LLM_A_TOPIC_OWNER] = { .type = NLA_U32 },
	[LLM_A_TOPIC_SESSION] = { .type = NLA_U64 },
	[LLM_A_TOPIC_HISTORY] = NLA_POLICY_MAX(NLA_U32, LLM_TOPIC_MAX_TEXTS),
	[LLM_A_TOPIC_REPLY_NAME] = { .type = NLA_NUL_STRING, .len = LLM_TOPIC_NAME_SIZE - 1 },
	[LLM_A_TOPIC_REPLY_OWNER] = { .type = NLA_U32 },
	[LLM_A_TOPIC_TURNS] = NLA_POLICY_MIN(NLA_U32, 1),
};

static const struct nla_policy unsubscribe_policy[] = {
	TOPIC_POLICY,
	[LLM_A_TOPIC_OWNER] = { .type = NLA_U32 },
	[LLM_A_TOPIC_SESSION] = { .type = NLA_U64 },
};

static const struct nla_policy publish_policy[] = {
	TOPIC_POLICY,
	[LLM_A_TOPIC_OWNER] = { .type = NLA_U32 },
	[LLM_A_TOPIC_TEXT] = { .type = NLA_NUL_STRING, .len = LLM_MAX_MESSAGE },
	[LLM_A_TOPIC_HOPS] = NLA_POLICY_MAX(NLA_U32, LLM_TOPIC_MAX_HOPS),
};

/**
 * struct command - what runs a command
 * @run: once
 * @dump: for all there are
 * @many: bits of the attributes that may be given more than once
 * @anyone: whether those may send it whom the group does not name
 */
struct command {
	int (*run)(struct sk_buff *skb, struct genl_info *info);
	int (*dump)(struct sk_buff *skb, struct netlink_callback *callback);
	u64 many;
	bool anyone;
};

#define MANY_SETUP	BIT_ULL(LLM_A_REQUEST_STOP)

static const struct command commands[] = {
	[LLM_CMD_MODEL_GET] = { llm_facts_model, llm_facts_models, 0, true },
	[LLM_CMD_SESSION_GET] = { llm_facts_session, llm_facts_sessions, 0, true },
	[LLM_CMD_SESSION_OPEN] = { llm_submit_open, NULL, MANY_SETUP },
	[LLM_CMD_SESSION_CLOSE] = { llm_submit_close },
	[LLM_CMD_SESSION_GIVE] = { llm_submit_give },
	[LLM_CMD_SUBMIT] = { llm_submit, NULL, MANY_SETUP | BIT_ULL(LLM_A_REQUEST_TEXT) |
			     BIT_ULL(LLM_A_REQUEST_TOKENS) },
	[LLM_CMD_CANCEL] = { llm_posted_cancel },
	[LLM_CMD_REQUEST_GET] = { llm_posted_get, llm_posted_dump },
	[LLM_CMD_TOPIC_OPEN] = { llm_publish_open },
	[LLM_CMD_TOPIC_GET] = { llm_publish_topic, llm_publish_topics },
	[LLM_CMD_SUBSCRIBE] = { llm_publish_subscribe },
	[LLM_CMD_UNSUBSCRIBE] = { llm_publish_unsubscribe },
	[LLM_CMD_PUBLISH] = { llm_publish },
};

int llm_netlink_text(struct genl_info *info, const struct nlattr *attribute, u32 *length)
{
	*length = strnlen(nla_data(attribute), nla_len(attribute));
	if (*length + 1 != nla_len(attribute))
		return llm_netlink_refuse(info, attribute, "text holds a NUL", -EINVAL);
	return 0;
}

static const struct cred *opener(const struct sk_buff *skb)
{
	const struct socket *socket = NETLINK_CB(skb).sk->sk_socket;

	return socket && socket->file ? socket->file->f_cred : NULL;
}

kuid_t llm_netlink_uid(const struct sk_buff *skb)
{
	const struct cred *cred = opener(skb);

	return cred ? cred->euid : INVALID_UID;
}

struct user_namespace *llm_netlink_user_ns(const struct sk_buff *skb)
{
	return opener(skb)->user_ns;
}

bool llm_netlink_admin(const struct sk_buff *skb)
{
	return netlink_capable(skb, CAP_SYS_ADMIN);
}

/* What a more privileged process sends through another's socket does not count. */
static int check_sender(const struct sk_buff *skb, bool anyone, struct netlink_ext_ack *extack)
{
	kgid_t group = make_kgid(&init_user_ns, READ_ONCE(netlink_gid));
	const struct cred *cred = opener(skb);

	if (!READ_ONCE(started)) {
		NL_SET_ERR_MSG(extack, "the module is not ready");
		return -ENODEV;
	}
	if (cred && netlink_capable(skb, CAP_SYS_ADMIN))
		return 0;
	if (!cred || !uid_eq(cred->euid, current_euid())) {
		NL_SET_ERR_MSG(extack, "another user opened this socket");
		return -EPERM;
	}
	if (!anyone && !in_egroup_p(group)) {
		NL_SET_ERR_MSG(extack,
			       "only members of the group that the module parameter netlink_gid names may do this");
		return -EPERM;
	}
	return 0;
}

static int check_once(const struct genl_info *info, u64 many)
{
	const struct nlattr *attribute;
	u64 seen = 0;
	int rest;

	nlmsg_for_each_attr(attribute, info->nlhdr, GENL_HDRLEN, rest) {
		u64 bit = BIT_ULL(nla_type(attribute));

		if (seen & bit & ~many)
			return llm_netlink_refuse(info, attribute,
						  "the attribute is given twice", -EINVAL);
		seen |= bit;
	}
	return 0;
}

static int run_command(struct sk_buff *skb, struct genl_info *info)
{
	const struct command *command = &commands[info->genlhdr->cmd];
	int ret;

	ret = check_sender(skb, command->anyone, info->extack);
	if (!ret)
		ret = check_once(info, command->many);
	return ret ?: command->run(skb, info);
}

static int start_dump(struct netlink_callback *callback)
{
	const struct genlmsghdr *header = nlmsg_data(callback->nlh);

	/* The policy is that of the command for one of them. */
	if (nlmsg_attrlen(callback->nlh, GENL_HDRLEN) > 0) {
		NL_SET_ERR_MSG(callback->extack, "a list of all takes no attributes");
		return -EINVAL;
	}
	return check_sender(callback->skb, commands[header->cmd].anyone, callback->extack);
}

static int run_dump(struct sk_buff *skb, struct netlink_callback *callback)
{
	const struct genlmsghdr *header = nlmsg_data(callback->nlh);

	return commands[header->cmd].dump(skb, callback);
}

#define OP(name, its_policy)						\
	.cmd = name,							\
	.doit = run_command,						\
	.policy = its_policy,						\
	.maxattr = ARRAY_SIZE(its_policy) - 1

#define DUMP .start = start_dump, .dumpit = run_dump

static const struct genl_ops ops[] = {
	{ OP(LLM_CMD_MODEL_GET, model_get_policy), DUMP },
	{ OP(LLM_CMD_SESSION_GET, session_id_policy), DUMP },
	{ OP(LLM_CMD_SESSION_OPEN, session_open_policy) },
	{ OP(LLM_CMD_SESSION_CLOSE, session_id_policy) },
	{ OP(LLM_CMD_SESSION_GIVE, session_give_policy) },
	{ OP(LLM_CMD_SUBMIT, submit_policy) },
	{ OP(LLM_CMD_CANCEL, request_id_policy) },
	{ OP(LLM_CMD_REQUEST_GET, request_id_policy), DUMP },
	{ OP(LLM_CMD_TOPIC_OPEN, topic_open_policy) },
	{ OP(LLM_CMD_TOPIC_GET, topic_get_policy), DUMP },
	{ OP(LLM_CMD_SUBSCRIBE, subscribe_policy) },
	{ OP(LLM_CMD_UNSUBSCRIBE, unsubscribe_policy) },
	{ OP(LLM_CMD_PUBLISH, publish_policy) },
};

/*
 * Events go to the first network namespace only, where the flag means the
 * capability in the first user namespace.
 */
static const struct genl_multicast_group groups[] = {
	[LLM_GROUP_MODELS] = { .name = LLM_MCGRP_MODELS },
	[LLM_GROUP_MEMORY] = { .name = LLM_MCGRP_MEMORY },
	[LLM_GROUP_SESSIONS] = { .name = LLM_MCGRP_SESSIONS,
				 .flags = GENL_MCAST_CAP_NET_ADMIN },
	[LLM_GROUP_REQUESTS] = { .name = LLM_MCGRP_REQUESTS,
				 .flags = GENL_MCAST_CAP_NET_ADMIN },
	[LLM_GROUP_TOKENS] = { .name = LLM_MCGRP_TOKENS, .flags = GENL_MCAST_CAP_NET_ADMIN },
};

struct genl_family llm_family __ro_after_init = {
	.name = LLM_FAMILY_NAME,
	.version = LLM_FAMILY_VERSION,
	.module = THIS_MODULE,
	.netnsok = true,
	.parallel_ops = true,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
	.resv_start_op = LLM_CMD_MODEL_GET,
};

bool llm_netlink_active(void)
{
	return READ_ONCE(registered);
}

int llm_netlink_init(void)
{
	int ret;

	ret = llm_port_init();
	if (ret)
		return ret;
	ret = genl_register_family(&llm_family);
	if (ret)
		llm_port_exit();
	else
		WRITE_ONCE(registered, true);
	return ret;
}

void llm_netlink_start(void)
{
	WRITE_ONCE(started, true);
}

void llm_netlink_exit(void)
{
	WRITE_ONCE(started, false);
	WRITE_ONCE(registered, false);
	genl_unregister_family(&llm_family);
	llm_port_exit();
}
