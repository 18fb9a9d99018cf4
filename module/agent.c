// SPDX-License-Identifier: GPL-2.0
#include "agent.h"

#include <linux/err.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uio.h>
#include <net/sock.h>

#include "engine/platform.h"
#include "netlink.h"
#include "port.h"
#include "session.h"
#include "turn.h"
#include "user.h"

/* Room for the attributes of a message, but for bytes. */
#define MESSAGE_SIZE	256

static struct llm_session *session_of(const struct llm_agent *agent)
{
	return agent->owned->session;
}

/* A text came. */
static void on_arrival(struct llm_inbox *inbox)
{
	llm_port_has_agents(container_of(inbox, struct llm_agent, inbox)->port);
}

/* Called where the session's readers are woken: at the end of a reply, or if it waits. */
static int on_wake(wait_queue_entry_t *wait, unsigned int mode, int flags, void *key)
{
	struct llm_agent *agent = container_of(wait, struct llm_agent, wait);

	if (llm_turn_ready(session_of(agent), U32_MAX))
		llm_port_has_agents(agent->port);
	return 0;
}

struct llm_agent *llm_agent_find(struct llm_port *port, u64 id)
{
	struct llm_agent *agent;

	lockdep_assert_held(&port->lock);
	list_for_each_entry(agent, &port->agents, link)
		if (session_of(agent)->id == id)
			return agent;
	return NULL;
}

static struct llm_agent *create(struct llm_port *port, struct llm_owned *owned)
{
	struct llm_agent *agent = kzalloc(sizeof(*agent), GFP_KERNEL_ACCOUNT);

	if (!agent)
		return NULL;
	agent->bytes = llm_alloc(LLM_MAX_MESSAGE);
	if (!agent->bytes) {
		kfree(agent);
		return NULL;
	}
	agent->port = port;
	agent->owned = owned;
	llm_inbox_init(&agent->inbox, port->user, owned->session->id, on_arrival);
	init_waitqueue_func_entry(&agent->wait, on_wake);
	add_wait_queue(owned->session->wait, &agent->wait);
	list_add_tail(&agent->link, &port->agents);
	return agent;
}

struct llm_agent *llm_agent_get(struct llm_port *port, u64 id)
{
	struct llm_agent *agent = llm_agent_find(port, id);
	struct llm_owned *owned;

	if (agent)
		return agent->ended ? ERR_PTR(-EBUSY) : agent;
	owned = llm_port_claim_locked(port, id);
	if (IS_ERR(owned))
		return ERR_CAST(owned);
	agent = create(port, owned);
	if (agent)
		return agent;
	llm_port_finish(port, owned);
	return ERR_PTR(-ENOMEM);
}

void llm_agent_reply_to(struct llm_agent *agent, struct llm_topic *topic, bool admin)
{
	llm_topic_put(agent->reply_to);
	agent->reply_to = topic ? llm_topic_hold(topic) : NULL;
	agent->admin = admin;
}

static void forget_refused(struct llm_agent *agent)
{
	llm_message_put(agent->refused);
	llm_topic_put(agent->refused_by);
	agent->refused = NULL;
	agent->refused_by = NULL;
}

void llm_agent_forget(struct llm_agent *agent)
{
	struct llm_owned *owned = agent->owned;
	struct llm_port *port = agent->port;

	list_del(&agent->link);
	llm_inbox_leave(&agent->inbox, NULL);
	llm_agent_reply_to(agent, NULL, false);
	forget_refused(agent);
	remove_wait_queue(session_of(agent)->wait, &agent->wait);
	llm_free_private(agent->bytes, LLM_MAX_MESSAGE);
	kfree(agent);
	llm_port_finish(port, owned);
}

/* It takes no texts any more; the socket is to be told. */
static void end(struct llm_agent *agent, enum llm_stopped why)
{
	agent->ended = true;
	agent->why = why;
	llm_inbox_leave(&agent->inbox, NULL);
	llm_agent_reply_to(agent, NULL, false);
	llm_port_has_messages(agent->port);
}

static enum llm_stopped why_stopped(int code)
{
	switch (code) {
	case -ENOSPC:
		return LLM_STOPPED_CONTEXT;
	case -ENOMEM:
	case -EDQUOT:
		return LLM_STOPPED_MEMORY;
	default:
		return LLM_STOPPED_ERROR;
	}
}

/*
 * Publishes the reply. One that a full queue refuses waits until the socket was told,
 * not until there is room: sessions could wait for each other.
 */
static int publish(struct llm_agent *agent)
{
	const struct llm_asker asker = {
		.net = sock_net(agent->port->sock),
		.user = agent->port->user,
		.admin = agent->admin,
	};
	struct llm_message *message;
	struct mem_cgroup *memcg;
	int ret;

	memcg = set_active_memcg(session_of(agent)->memcg);
	message = llm_message_create(asker.user, agent->bytes, agent->length,
				     session_of(agent)->id, agent->hops);
	set_active_memcg(memcg);
	if (IS_ERR(message))
		return PTR_ERR(message);
	ret = llm_topic_publish(agent->reply_to, &asker, message);
	if (ret != -EAGAIN) {
		llm_message_put(message);
		return ret;
	}
	agent->refused = message;
	agent->refused_by = llm_topic_hold(agent->reply_to);
	llm_port_has_messages(agent->port);
	return 0;
}

/* The reply is complete. */
static void finish_reply(struct llm_agent *agent)
{
	int ret = 0;

	agent->talking = false;
	agent->made++;
	if (agent->length && agent->reply_to)
		ret = publish(agent);
	memzero_explicit(agent->bytes, agent->length);
	agent->length = 0;
	if (ret)
		end(agent, why_stopped(ret));
}

/*
 * Takes what there is of the reply, of which no more is kept than a message holds:
 * it ends there. Returns whether it is complete.
 */
static bool take_reply(struct llm_agent *agent)
{
	u8 rest[64];
	struct kvec vec;
	struct iov_iter to;
	ssize_t length;

	for (;;) {
		bool full = agent->length == LLM_MAX_MESSAGE;

		vec.iov_base = full ? rest : agent->bytes + agent->length;
		vec.iov_len = full ? sizeof(rest) : LLM_MAX_MESSAGE - agent->length;
		iov_iter_kvec(&to, ITER_DEST, &vec, 1, vec.iov_len);
		length = llm_turn_read(session_of(agent), &to, true);
		if (length <= 0)
			break;
		if (full)
			continue;
		agent->length += length;
		if (agent->length == LLM_MAX_MESSAGE)
			llm_turn_cancel(session_of(agent));
	}
	memzero_explicit(rest, sizeof(rest));
	return !length;
}

static int prompt(struct llm_session *session, const struct llm_message *message)
{
	struct kvec vec = { .iov_base = (void *)message->bytes, .iov_len = message->length };
	struct iov_iter from;
	ssize_t taken;
	int ret;

	iov_iter_kvec(&from, ITER_SOURCE, &vec, 1, vec.iov_len);
	taken = llm_turn_write(session, &from);
	ret = taken < 0 ? taken : llm_turn_start(session);
	if (ret)
		llm_turn_discard(session);
	return ret;
}

/* Begins a reply to the next text. Returns whether there is one under way. */
static bool begin_reply(struct llm_agent *agent)
{
	struct llm_delivery delivery;
	int ret;

	if (!llm_inbox_take(&agent->inbox, &delivery))
		return false;
	ret = prompt(session_of(agent), delivery.message);
	agent->hops = delivery.message->hops - 1;
	agent->talking = !ret;
	llm_message_put(delivery.message);
	if (ret)
		end(agent, why_stopped(ret));
	return !ret;
}

static void run(struct llm_agent *agent)
{
	while (!agent->ended && !agent->refused) {
		if (agent->talking) {
			if (!take_reply(agent))
				return;
			finish_reply(agent);
		} else if (agent->turns && agent->made >= agent->turns) {
			end(agent, LLM_STOPPED_TURNS);
		} else if (llm_inbox_empty(&agent->inbox)) {
			end(agent, LLM_STOPPED_LEFT);
		} else if (!begin_reply(agent)) {
			return;
		}
	}
}

void llm_agent_run_all(struct llm_port *port)
{
	struct llm_agent *agent;

	lockdep_assert_held(&port->lock);
	list_for_each_entry(agent, &port->agents, link)
		run(agent);
}

static int tell_refused(const struct llm_agent *agent)
{
	const struct llm_message *message = agent->refused;
	const struct llm_topic *topic = agent->refused_by;
	struct sk_buff *skb;
	void *header;

	skb = genlmsg_new(MESSAGE_SIZE + message->length, GFP_KERNEL);
	if (!skb)
		return -EAGAIN;
	header = genlmsg_put(skb, 0, 0, &llm_family, 0, LLM_CMD_REPLY_REFUSED);
	if (WARN_ON(!header || nla_put_string(skb, LLM_A_TOPIC_NAME, topic->name) ||
		    nla_put_u32(skb, LLM_A_TOPIC_OWNER,
				from_kuid_munged(agent->port->user_ns, topic->owner->uid)) ||
		    nla_put_u64_64bit(skb, LLM_A_TOPIC_SESSION, message->session,
				      LLM_A_TOPIC_PAD) ||
		    nla_put_u32(skb, LLM_A_TOPIC_HOPS, message->hops) ||
		    nla_put(skb, LLM_A_TOPIC_BYTES, message->length, message->bytes))) {
		nlmsg_free(skb);
		return 0;
	}
	genlmsg_end(skb, header);
	return llm_port_send(agent->port, skb);
}

static int tell_stopped(const struct llm_agent *agent)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *header;

	if (!skb)
		return -EAGAIN;
	header = genlmsg_put(skb, 0, 0, &llm_family, 0, LLM_CMD_SESSION_STOPPED);
	if (WARN_ON(!header ||
		    nla_put_u64_64bit(skb, LLM_A_TOPIC_SESSION, session_of(agent)->id,
				      LLM_A_TOPIC_PAD) ||
		    nla_put_u32(skb, LLM_A_TOPIC_STOPPED, agent->why) ||
		    nla_put_u32(skb, LLM_A_TOPIC_TURNS, agent->made))) {
		nlmsg_free(skb);
		return 0;
	}
	genlmsg_end(skb, header);
	return llm_port_send(agent->port, skb);
}

int llm_agent_tell_all(struct llm_port *port)
{
	struct llm_agent *agent, *next;
	int ret;

	lockdep_assert_held(&port->lock);
	list_for_each_entry_safe(agent, next, &port->agents, link) {
		if (agent->refused) {
			ret = tell_refused(agent);
			if (ret)
				return ret;
			forget_refused(agent);
			llm_port_has_agents(port);
		}
		if (!agent->ended)
			continue;
		ret = tell_stopped(agent);
		if (ret)
			return ret;
		llm_agent_forget(agent);
	}
	return 0;
}

void llm_agent_drop_all(struct llm_port *port)
{
	struct llm_agent *agent, *next;

	lockdep_assert_held(&port->lock);
	list_for_each_entry_safe(agent, next, &port->agents, link) {
		/* A reply that is not read to its end leaves its session unusable. */
		llm_turn_cancel(session_of(agent));
		agent->owned->keep = false;
		llm_agent_forget(agent);
	}
}
