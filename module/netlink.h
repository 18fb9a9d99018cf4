/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_NETLINK_H
#define LLM_NETLINK_H

#include <linux/llm_netlink.h>
#include <net/genetlink.h>

/** llm_family - the generic netlink family "llm". */
extern struct genl_family llm_family;

/** enum llm_group - multicast groups of the family, in the order of its table. */
enum llm_group {
	LLM_GROUP_MODELS,
	LLM_GROUP_MEMORY,
	LLM_GROUP_SESSIONS,
	LLM_GROUP_REQUESTS,
	LLM_GROUP_TOKENS,
};

/**
 * llm_netlink_refuse() - says why a command is refused
 * @info: command
 * @attribute: attribute that is to blame, or NULL
 * @text: reason, a constant
 * @code: negative errno
 *
 * Return: @code.
 */
#define llm_netlink_refuse(info, attribute, text, code) ({		\
	const struct nlattr *__blamed = (attribute);			\
									\
	if (__blamed)						\
		NL_SET_ERR_MSG_ATTR((info)->extack, __blamed, text);	\
	else								\
		NL_SET_ERR_MSG((info)->extack, text);			\
	code;								\
})

/**
 * llm_netlink_missing() - refuses a command that lacks an attribute
 * @info: command
 * @type: type of the attribute
 * @text: reason, a constant
 *
 * Return: -EINVAL.
 */
#define llm_netlink_missing(info, type, text) ({			\
	NL_SET_ERR_ATTR_MISS((info)->extack, NULL, type);		\
	NL_SET_ERR_MSG((info)->extack, text);				\
	-EINVAL;							\
})

/**
 * llm_netlink_text() - measures a text
 * @info: command; gets the reason for a refusal
 * @attribute: the text
 * @length: its bytes, without the NUL
 *
 * Return: 0, or -EINVAL where more follows the NUL.
 */
int llm_netlink_text(struct genl_info *info, const struct nlattr *attribute, u32 *length);

/**
 * llm_netlink_admin() - whether the sender of a message may see everybody's
 * @skb: message
 *
 * Return: whether.
 */
bool llm_netlink_admin(const struct sk_buff *skb);

/**
 * llm_netlink_uid() - the user who opened the socket a message came from
 * @skb: message that is being received
 *
 * Return: the user, or INVALID_UID.
 */
kuid_t llm_netlink_uid(const struct sk_buff *skb);

/**
 * llm_netlink_user_ns() - the user namespace that the socket was opened in
 * @skb: message that is being received, whose sender was found to be permitted
 *
 * Return: the namespace, without a reference.
 */
struct user_namespace *llm_netlink_user_ns(const struct sk_buff *skb);

/** llm_netlink_active() - whether messages can be sent. */
bool llm_netlink_active(void);

/**
 * llm_netlink_init() - registers the family, which refuses everything still
 *
 * Return: 0 or a negative errno.
 */
int llm_netlink_init(void);

/** llm_netlink_start() - takes commands from now on. */
void llm_netlink_start(void);

/** llm_netlink_exit() - takes none any more; no socket has anything left. */
void llm_netlink_exit(void);

#endif /* LLM_NETLINK_H */
