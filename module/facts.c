// SPDX-License-Identifier: GPL-2.0
#include "facts.h"

#include <linux/string.h>

#include "model.h"
#include "netlink.h"
#include "session.h"

static int put_model(struct sk_buff *skb, const struct llm_model_info *info)
{
	return nla_put_string(skb, LLM_A_MODEL_NAME, info->name) ||
	       nla_put_string(skb, LLM_A_MODEL_TITLE, info->title) ||
	       nla_put_string(skb, LLM_A_MODEL_ARCHITECTURE, info->architecture) ||
	       nla_put_u64_64bit(skb, LLM_A_MODEL_SIZE, info->size, LLM_A_MODEL_PAD) ||
	       nla_put_u64_64bit(skb, LLM_A_MODEL_MEMORY, info->memory, LLM_A_MODEL_PAD) ||
	       nla_put_u64_64bit(skb, LLM_A_MODEL_SESSION_MEMORY, info->session_memory,
				 LLM_A_MODEL_PAD) ||
	       nla_put_u64_64bit(skb, LLM_A_MODEL_PARAMETERS, info->parameters,
				 LLM_A_MODEL_PAD) ||
	       nla_put_u32(skb, LLM_A_MODEL_CONTEXT_LENGTH, info->context_length) ||
	       nla_put_u32(skb, LLM_A_MODEL_VOCAB_SIZE, info->vocab_size) ||
	       nla_put_u32(skb, LLM_A_MODEL_SESSIONS, info->sessions) ||
	       (info->flags & LLM_MODEL_DEFAULT && nla_put_flag(skb, LLM_A_MODEL_DEFAULT));
}

static int put_session(struct sk_buff *skb, const struct llm_session_info *info)
{
	return nla_put_u64_64bit(skb, LLM_A_SESSION_ID, info->id, LLM_A_SESSION_PAD) ||
	       (info->model[0] && nla_put_string(skb, LLM_A_SESSION_MODEL, info->model)) ||
	       nla_put_u32(skb, LLM_A_SESSION_PID, info->pid) ||
	       nla_put_u32(skb, LLM_A_SESSION_UID, info->uid) ||
	       nla_put_u32(skb, LLM_A_SESSION_STATE, info->state) ||
	       nla_put_u32(skb, LLM_A_SESSION_REASON, info->reason) ||
	       nla_put_u32(skb, LLM_A_SESSION_CONTEXT, info->context) ||
	       nla_put_u32(skb, LLM_A_SESSION_USED, info->used) ||
	       nla_put_u64_64bit(skb, LLM_A_SESSION_MEMORY, info->memory, LLM_A_SESSION_PAD) ||
	       nla_put_u64_64bit(skb, LLM_A_SESSION_TOKENS_IN, info->tokens_in,
				 LLM_A_SESSION_PAD) ||
	       nla_put_u64_64bit(skb, LLM_A_SESSION_TOKENS_OUT, info->tokens_out,
				 LLM_A_SESSION_PAD) ||
	       nla_put_u64_64bit(skb, LLM_A_SESSION_QUEUED_NS, info->queued_ns,
				 LLM_A_SESSION_PAD) ||
	       nla_put_u64_64bit(skb, LLM_A_SESSION_FIRST_TOKEN_NS, info->first_token_ns,
				 LLM_A_SESSION_PAD) ||
	       nla_put_u64_64bit(skb, LLM_A_SESSION_CPU_NS, info->cpu_ns, LLM_A_SESSION_PAD);
}

/* A message of a dump. Returns 0 or -EMSGSIZE where there is no room for it. */
#define put_message(skb, callback, command, put, info) ({		\
	void *__header = genlmsg_put(skb, NETLINK_CB((callback)->skb).portid,	\
				     (callback)->nlh->nlmsg_seq, &llm_family,	\
				     NLM_F_MULTI, command);		\
	int __ret = !__header || put(skb, info) ? -EMSGSIZE : 0;	\
									\
	if (__header && __ret)						\
		genlmsg_cancel(skb, __header);				\
	else if (__header)						\
		genlmsg_end(skb, __header);				\
	__ret;								\
})

/* Answers a command with one message. */
#define reply_message(info, put, facts) ({				\
	struct sk_buff *__reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);	\
	void *__header = __reply ? genlmsg_put_reply(__reply, info, &llm_family, 0,	\
						     (info)->genlhdr->cmd) : NULL;	\
	int __ret = -ENOMEM;						\
									\
	if (__header && !put(__reply, facts)) {				\
		genlmsg_end(__reply, __header);				\
		__ret = genlmsg_reply(__reply, info);			\
	} else {							\
		nlmsg_free(__reply);					\
	}								\
	__ret;								\
})

int llm_facts_model(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *name = info->attrs[LLM_A_MODEL_NAME];
	struct llm_model_info facts;
	u64 id = 0;

	if (!name)
		return llm_netlink_missing(info, LLM_A_MODEL_NAME, "name says which model");
	while (llm_model_next(&id, &facts))
		if (!nla_strcmp(name, facts.name))
			return reply_message(info, put_model, &facts);
	return llm_netlink_refuse(info, name, "no model has this name", -ENOENT);
}

int llm_facts_models(struct sk_buff *skb, struct netlink_callback *callback)
{
	u64 id = callback->args[0];
	struct llm_model_info facts;

	while (llm_model_next(&id, &facts)) {
		if (put_message(skb, callback, LLM_CMD_MODEL_GET, put_model, &facts))
			break;
		callback->args[0] = id;
	}
	return skb->len;
}

int llm_facts_session(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *number = info->attrs[LLM_A_SESSION_ID];
	struct llm_session_info facts;
	u64 id;

	if (!number)
		return llm_netlink_missing(info, LLM_A_SESSION_ID, "id says which session");
	id = nla_get_u64(number);
	if (id && llm_session_next(id - 1, llm_netlink_uid(skb), llm_netlink_admin(skb), &facts) &&
	    facts.id == id)
		return reply_message(info, put_session, &facts);
	return llm_netlink_refuse(info, number, "no session of yours has this number", -ENOENT);
}

/* Goes on after the number it came to, whatever came and went meanwhile. */
int llm_facts_sessions(struct sk_buff *skb, struct netlink_callback *callback)
{
	kuid_t uid = llm_netlink_uid(callback->skb);
	bool all = llm_netlink_admin(callback->skb);
	struct llm_session_info facts;

	while (llm_session_next(callback->args[0], uid, all, &facts)) {
		if (put_message(skb, callback, LLM_CMD_SESSION_GET, put_session, &facts))
			break;
		callback->args[0] = facts.id;
	}
	return skb->len;
}
