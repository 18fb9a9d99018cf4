// SPDX-License-Identifier: GPL-2.0
#include "publish.h"

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>
#include <net/sock.h>

#include "agent.h"
#include "netlink.h"
#include "port.h"
#include "session.h"
#include "topic.h"
#include "turn.h"
#include "user.h"

/* Room for the attributes of a message, but for bytes. */
#define MESSAGE_SIZE	256

static u32 get_u32(const struct genl_info *info, int type, u32 otherwise)
{
	return info->attrs[type] ? nla_get_u32(info->attrs[type]) : otherwise;
}

static struct llm_asker asker_of(struct sk_buff *skb, struct genl_info *info,
				 const struct llm_port *port)
{
	return (struct llm_asker){
		.net = genl_info_net(info),
		.user = port->user,
		.admin = llm_netlink_admin(skb),
	};
}

static int refuse_topic(struct genl_info *info, const struct nlattr *name, int code)
{
	switch (code) {
	case -EINVAL:
		return llm_netlink_refuse(info, name,
			"a name is 1 to 63 of A-Z a-z 0-9 . _ : / - or @ and the number of a session",
			code);
	case -ENOENT:
		return llm_netlink_refuse(info, name, "no topic that you may see has this name",
					  code);
	case -EACCES:
		return llm_netlink_refuse(info, name, "the owner of the topic does not allow that",
					  code);
	case -EDQUOT:
		return llm_netlink_refuse(info, name, "you have too many topics", code);
	default:
		return llm_netlink_refuse(info, NULL, "out of memory", code);
	}
}

/* The topic that a command names with two of its attributes, or an ERR_PTR(). */
static struct llm_topic *get_topic(struct genl_info *info, const struct llm_asker *asker,
				   int name, int owner, u32 use, bool make)
{
	kuid_t uid = INVALID_UID;
	struct llm_topic *topic;

	if (info->attrs[owner]) {
		uid = make_kuid(current_user_ns(), nla_get_u32(info->attrs[owner]));
		if (!uid_valid(uid))
			return ERR_PTR(llm_netlink_refuse(info, info->attrs[owner],
							  "there is no such user", -ENOENT));
	}
	topic = llm_topic_get(asker, nla_data(info->attrs[name]), uid, use, make);
	if (IS_ERR(topic))
		refuse_topic(info, info->attrs[name], PTR_ERR(topic));
	return topic;
}

/* Runs a function with the topic that a command names. */
static int with_topic(struct sk_buff *skb, struct genl_info *info, u32 use, bool make,
		      int (*function)(struct genl_info *info, struct llm_port *port,
				      const struct llm_asker *asker, struct llm_topic *topic))
{
	struct llm_topic *topic;
	struct llm_asker asker;
	struct llm_port *port;
	int ret;

	if (!info->attrs[LLM_A_TOPIC_NAME])
		return llm_netlink_missing(info, LLM_A_TOPIC_NAME, "name says which topic");
	port = llm_port_get(skb, info);
	if (IS_ERR(port))
		return PTR_ERR(port);
	asker = asker_of(skb, info, port);
	topic = get_topic(info, &asker, LLM_A_TOPIC_NAME, LLM_A_TOPIC_OWNER, use, make);
	ret = PTR_ERR_OR_ZERO(topic);
	if (!ret) {
		ret = function(info, port, &asker, topic);
		llm_topic_put(topic);
	}
	llm_port_put(port);
	return ret;
}

static int open(struct genl_info *info, struct llm_port *port, const struct llm_asker *asker,
		struct llm_topic *topic)
{
	const struct llm_topic_settings change = {
		.queue = get_u32(info, LLM_A_TOPIC_QUEUE, U32_MAX),
		.overflow = get_u32(info, LLM_A_TOPIC_OVERFLOW, U32_MAX),
		.history = get_u32(info, LLM_A_TOPIC_HISTORY, U32_MAX),
		.share = get_u32(info, LLM_A_TOPIC_SHARE, U32_MAX),
	};
	int ret = llm_topic_set(topic, &change);

	return ret ?: llm_port_opened(port, topic);
}

int llm_publish_open(struct sk_buff *skb, struct genl_info *info)
{
	return with_topic(skb, info, 0, true, open);
}

static int put_counts(struct sk_buff *skb, const struct llm_topic_counts *counts)
{
	return nla_put_u64_64bit(skb, LLM_A_TOPIC_PUBLISHED, counts->published,
				 LLM_A_TOPIC_PAD) ||
	       nla_put_u64_64bit(skb, LLM_A_TOPIC_DELIVERED, counts->delivered,
				 LLM_A_TOPIC_PAD) ||
	       nla_put_u64_64bit(skb, LLM_A_TOPIC_DROPPED, counts->dropped, LLM_A_TOPIC_PAD) ||
	       nla_put_u64_64bit(skb, LLM_A_TOPIC_REFUSED, counts->refused, LLM_A_TOPIC_PAD) ||
	       nla_put_u64_64bit(skb, LLM_A_TOPIC_EXPIRED, counts->expired, LLM_A_TOPIC_PAD);
}

static int put_topic(struct sk_buff *skb, const struct llm_topic_facts *facts, u32 portid, u32 seq,
		     int flags)
{
	void *header = genlmsg_put(skb, portid, seq, &llm_family, flags, LLM_CMD_TOPIC_GET);
	const struct llm_topic_settings *settings = &facts->settings;

	if (!header)
		return -EMSGSIZE;
	if (nla_put_string(skb, LLM_A_TOPIC_NAME, facts->name) ||
	    nla_put_u32(skb, LLM_A_TOPIC_OWNER,
			from_kuid_munged(current_user_ns(), facts->owner)) ||
	    nla_put_u32(skb, LLM_A_TOPIC_QUEUE, settings->queue) ||
	    nla_put_u32(skb, LLM_A_TOPIC_OVERFLOW, settings->overflow) ||
	    nla_put_u32(skb, LLM_A_TOPIC_HISTORY, settings->history) ||
	    nla_put_u32(skb, LLM_A_TOPIC_SHARE, settings->share) ||
	    nla_put_u32(skb, LLM_A_TOPIC_SUBSCRIBERS, facts->subscribers) ||
	    nla_put_u32(skb, LLM_A_TOPIC_WAITING, facts->waiting) ||
	    nla_put_u32(skb, LLM_A_TOPIC_KEPT, facts->kept) || put_counts(skb, &facts->counts)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

/* Looks through those that may be seen, so that looking makes none. */
static bool find_facts(const struct llm_asker *asker, const char *name, kuid_t owner,
		       struct llm_topic_facts *facts)
{
	u64 id = 0;

	for (; llm_topic_next(id, asker, facts); id = facts->id)
		if (!strcmp(facts->name, name) &&
		    (name[0] == '@' || uid_eq(facts->owner, owner)))
			return true;
	return false;
}

int llm_publish_topic(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *name = info->attrs[LLM_A_TOPIC_NAME];
	const struct nlattr *owner = info->attrs[LLM_A_TOPIC_OWNER];
	struct llm_topic_facts facts;
	struct llm_asker asker;
	struct sk_buff *reply;
	kuid_t uid;
	bool found;

	if (!name)
		return llm_netlink_missing(info, LLM_A_TOPIC_NAME, "name says which topic");
	asker = (struct llm_asker){
		.net = genl_info_net(info),
		.user = llm_user_get(llm_netlink_uid(skb)),
		.admin = llm_netlink_admin(skb),
	};
	if (!asker.user)
		return -ENOMEM;
	uid = owner ? make_kuid(current_user_ns(), nla_get_u32(owner)) : asker.user->uid;
	found = find_facts(&asker, nla_data(name), uid, &facts);
	llm_user_put(asker.user);
	if (!found)
		return refuse_topic(info, name, -ENOENT);
	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;
	if (!put_topic(reply, &facts, info->snd_portid, info->snd_seq, 0))
		return genlmsg_reply(reply, info);
	nlmsg_free(reply);
	return -EMSGSIZE;
}

/* Goes on after the number it came to, whatever came and went meanwhile. */
int llm_publish_topics(struct sk_buff *skb, struct netlink_callback *callback)
{
	struct llm_user *user = llm_user_get(llm_netlink_uid(callback->skb));
	const struct llm_asker asker = {
		.net = sock_net(callback->skb->sk),
		.user = user,
		.admin = llm_netlink_admin(callback->skb),
	};
	struct llm_topic_facts facts;

	if (!user)
		return -ENOMEM;
	while (llm_topic_next(callback->args[0], &asker, &facts)) {
		if (put_topic(skb, &facts, NETLINK_CB(callback->skb).portid,
			      callback->nlh->nlmsg_seq, NLM_F_MULTI))
			break;
		callback->args[0] = facts.id;
	}
	llm_user_put(user);
	return skb->len;
}

static int refuse_join(struct genl_info *info, int code)
{
	if (code == -EDQUOT)
		return llm_netlink_refuse(info, NULL, "you have too many subscriptions", code);
	return code ? llm_netlink_refuse(info, NULL, "out of memory", code) : 0;
}

/* The session of a command as a subscriber, or an ERR_PTR(). */
static struct llm_agent *get_agent(struct genl_info *info, struct llm_port *port)
{
	const struct nlattr *session = info->attrs[LLM_A_TOPIC_SESSION];
	struct llm_agent *agent = llm_agent_get(port, nla_get_u64(session));

	if (agent == ERR_PTR(-ENOENT))
		NL_SET_ERR_MSG_ATTR(info->extack, session,
				    "the socket has no session of this number");
	else if (agent == ERR_PTR(-EBUSY))
		NL_SET_ERR_MSG_ATTR(info->extack, session,
				    "a request uses the session, or it is being stopped");
	else if (IS_ERR(agent))
		NL_SET_ERR_MSG(info->extack, "out of memory");
	return agent;
}

static int join_session(struct genl_info *info, struct llm_port *port,
			const struct llm_asker *asker, struct llm_topic *topic,
			struct llm_topic *reply)
{
	struct llm_agent *agent;
	int ret;

	mutex_lock(&port->lock);
	agent = get_agent(info, port);
	ret = PTR_ERR_OR_ZERO(agent);
	if (!ret) {
		ret = llm_inbox_join(&agent->inbox, topic, asker->admin,
				     get_u32(info, LLM_A_TOPIC_HISTORY, 0));
		refuse_join(info, ret);
		if (!ret && reply)
			llm_agent_reply_to(agent, reply, asker->admin);
		if (!ret && info->attrs[LLM_A_TOPIC_TURNS])
			agent->turns = get_u32(info, LLM_A_TOPIC_TURNS, 0);
		if (ret && llm_inbox_empty(&agent->inbox) && !agent->talking)
			llm_agent_forget(agent);
	}
	mutex_unlock(&port->lock);
	return ret;
}

static int subscribe_session(struct genl_info *info, struct llm_port *port,
			     const struct llm_asker *asker, struct llm_topic *topic)
{
	const struct nlattr *session = info->attrs[LLM_A_TOPIC_SESSION];
	struct llm_topic *reply = NULL;
	int ret;

	if (topic->session && topic->session != nla_get_u64(session))
		return llm_netlink_refuse(info, session, "the topic is another session's own",
					  -EINVAL);
	if (info->attrs[LLM_A_TOPIC_REPLY_NAME]) {
		reply = get_topic(info, asker, LLM_A_TOPIC_REPLY_NAME, LLM_A_TOPIC_REPLY_OWNER,
				  LLM_SHARE_PUBLISH, true);
		if (IS_ERR(reply))
			return PTR_ERR(reply);
	}
	ret = join_session(info, port, asker, topic, reply);
	llm_topic_put(reply);
	return ret;
}

static int subscribe_socket(struct genl_info *info, struct llm_port *port,
			    const struct llm_asker *asker, struct llm_topic *topic)
{
	static const int session_only[] = {
		LLM_A_TOPIC_REPLY_NAME, LLM_A_TOPIC_REPLY_OWNER, LLM_A_TOPIC_TURNS,
	};
	size_t i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(session_only); i++)
		if (info->attrs[session_only[i]])
			return llm_netlink_refuse(info, info->attrs[session_only[i]],
						  "that is for a session", -EINVAL);
	if (topic->session)
		return llm_netlink_refuse(info, info->attrs[LLM_A_TOPIC_NAME],
					  "only the session itself can subscribe to its topic",
					  -EINVAL);
	mutex_lock(&port->lock);
	ret = llm_inbox_join(&port->inbox, topic, asker->admin,
			     get_u32(info, LLM_A_TOPIC_HISTORY, 0));
	mutex_unlock(&port->lock);
	return refuse_join(info, ret);
}

static int subscribe(struct genl_info *info, struct llm_port *port, const struct llm_asker *asker,
		     struct llm_topic *topic)
{
	if (info->attrs[LLM_A_TOPIC_SESSION])
		return subscribe_session(info, port, asker, topic);
	return subscribe_socket(info, port, asker, topic);
}

int llm_publish_subscribe(struct sk_buff *skb, struct genl_info *info)
{
	return with_topic(skb, info, LLM_SHARE_SUBSCRIBE, true, subscribe);
}

/* A session that left its last topic is not to go on. */
static int leave_session(struct genl_info *info, struct llm_port *port, struct llm_topic *topic)
{
	const struct nlattr *session = info->attrs[LLM_A_TOPIC_SESSION];
	struct llm_agent *agent = llm_agent_find(port, nla_get_u64(session));

	if (!agent || !llm_inbox_leave(&agent->inbox, topic))
		return llm_netlink_refuse(info, session, "the session is not subscribed", -ENOENT);
	if (llm_inbox_empty(&agent->inbox)) {
		llm_agent_reply_to(agent, NULL, false);
		llm_turn_cancel(agent->owned->session);
		llm_port_has_agents(port);
	}
	return 0;
}

static int leave_socket(struct genl_info *info, struct llm_port *port, struct llm_topic *topic)
{
	bool left = llm_inbox_leave(&port->inbox, topic);

	if (llm_port_forget(port, topic) || left)
		return 0;
	return llm_netlink_refuse(info, info->attrs[LLM_A_TOPIC_NAME],
				  "the socket is not subscribed, nor did it open the topic",
				  -ENOENT);
}

static int leave(struct genl_info *info, struct llm_port *port, const struct llm_asker *asker,
		 struct llm_topic *topic)
{
	int ret;

	mutex_lock(&port->lock);
	if (info->attrs[LLM_A_TOPIC_SESSION])
		ret = leave_session(info, port, topic);
	else
		ret = leave_socket(info, port, topic);
	mutex_unlock(&port->lock);
	return ret;
}

int llm_publish_unsubscribe(struct sk_buff *skb, struct genl_info *info)
{
	return with_topic(skb, info, LLM_SHARE_SUBSCRIBE, false, leave);
}

static int refuse_text(struct genl_info *info, int code)
{
	const struct nlattr *text = info->attrs[LLM_A_TOPIC_TEXT];

	switch (code) {
	case -EDQUOT:
		return llm_netlink_refuse(info, text, "too many of your texts wait for readers",
					  code);
	case -EAGAIN:
		return llm_netlink_refuse(info, text, "a subscriber's queue is full", code);
	case -EACCES:
		return refuse_topic(info, info->attrs[LLM_A_TOPIC_NAME], code);
	default:
		return llm_netlink_refuse(info, NULL, "out of memory", code);
	}
}

/* Answers with the number of a text, once the answer can't fail any more. */
static int publish_text(struct genl_info *info, const struct llm_asker *asker,
			struct llm_topic *topic, struct llm_message *message)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *header;
	int ret;

	if (!skb)
		return refuse_text(info, -ENOMEM);
	header = genlmsg_put_reply(skb, info, &llm_family, 0, info->genlhdr->cmd);
	ret = header ? llm_topic_publish(topic, asker, message) : -EMSGSIZE;
	if (ret || nla_put_u64_64bit(skb, LLM_A_TOPIC_NUMBER, message->number, LLM_A_TOPIC_PAD)) {
		nlmsg_free(skb);
		return refuse_text(info, ret);
	}
	genlmsg_end(skb, header);
	return genlmsg_reply(skb, info);
}

static int publish(struct genl_info *info, struct llm_port *port, const struct llm_asker *asker,
		   struct llm_topic *topic)
{
	const struct nlattr *text = info->attrs[LLM_A_TOPIC_TEXT];
	struct llm_message *message;
	u32 length;
	int ret;

	ret = llm_netlink_text(info, text, &length);
	if (ret)
		return ret;
	if (!length)
		return llm_netlink_refuse(info, text, "the text is empty", -EINVAL);
	message = llm_message_create(port->user, nla_data(text), length, 0,
				     get_u32(info, LLM_A_TOPIC_HOPS, LLM_TOPIC_HOPS));
	if (IS_ERR(message))
		return refuse_text(info, PTR_ERR(message));
	ret = publish_text(info, asker, topic, message);
	llm_message_put(message);
	return ret;
}

int llm_publish(struct sk_buff *skb, struct genl_info *info)
{
	if (!info->attrs[LLM_A_TOPIC_TEXT])
		return llm_netlink_missing(info, LLM_A_TOPIC_TEXT, "text is what is published");
	return with_topic(skb, info, LLM_SHARE_PUBLISH, false, publish);
}

static int put_delivery(struct sk_buff *skb, const struct llm_port *port,
			const struct llm_delivery *delivery)
{
	const struct llm_message *message = delivery->message;

	return nla_put_string(skb, LLM_A_TOPIC_NAME, delivery->name) ||
	       nla_put_u32(skb, LLM_A_TOPIC_OWNER,
			   from_kuid_munged(port->user_ns, delivery->owner)) ||
	       nla_put_u64_64bit(skb, LLM_A_TOPIC_NUMBER, message->number, LLM_A_TOPIC_PAD) ||
	       nla_put_u32(skb, LLM_A_TOPIC_UID,
			   from_kuid_munged(port->user_ns, message->user->uid)) ||
	       (message->session && nla_put_u64_64bit(skb, LLM_A_TOPIC_SESSION, message->session,
						      LLM_A_TOPIC_PAD)) ||
	       nla_put_u32(skb, LLM_A_TOPIC_HOPS, message->hops) ||
	       nla_put_u32(skb, LLM_A_TOPIC_MISSED, delivery->missed) ||
	       nla_put(skb, LLM_A_TOPIC_BYTES, message->length, message->bytes);
}

/* Without memory for a message the socket is as good as full. */
static int send_delivery(struct llm_port *port, const struct llm_delivery *delivery)
{
	struct sk_buff *skb;
	void *header;

	skb = genlmsg_new(MESSAGE_SIZE + delivery->message->length, GFP_KERNEL);
	if (!skb)
		return -EAGAIN;
	header = genlmsg_put(skb, 0, 0, &llm_family, 0, LLM_CMD_MESSAGE);
	if (WARN_ON(!header || put_delivery(skb, port, delivery))) {
		nlmsg_free(skb);
		return 0;
	}
	genlmsg_end(skb, header);
	return llm_port_send(port, skb);
}

int llm_publish_send_all(struct llm_port *port)
{
	struct llm_delivery *unsent = &port->unsent;
	int ret;

	lockdep_assert_held(&port->lock);
	while (unsent->message || llm_inbox_take(&port->inbox, unsent)) {
		ret = send_delivery(port, unsent);
		if (ret)
			return ret;
		llm_message_put(unsent->message);
		unsent->message = NULL;
	}
	return 0;
}
