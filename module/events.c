// SPDX-License-Identifier: GPL-2.0
#include "events.h"

#include <linux/moduleparam.h>
#include <linux/ratelimit.h>

#include "model.h"
#include "netlink.h"
#include "session.h"
#include "user.h"

static unsigned int token_events = 1000;
module_param(token_events, uint, 0644);
MODULE_PARM_DESC(token_events,
		 "messages a second to those who watch tokens, at most (default 1000)");

/* Room for the attributes of an event, but for bytes. */
#define EVENT_SIZE	256

/**
 * struct event - a message being made
 * @skb: message
 * @header: its header
 * @group: who gets it
 * @failed: whether it lacks something
 */
struct event {
	struct sk_buff *skb;
	void *header;
	enum llm_group group;
	bool failed;
};

static bool is_watched(enum llm_group group)
{
	return llm_netlink_active() && genl_has_listeners(&llm_family, &init_net, group);
}

/* Returns whether anybody listens and there is memory. */
static bool begin(struct event *event, enum llm_group group, u8 command, u32 size)
{
	*event = (struct event){ .group = group };
	if (!is_watched(group))
		return false;
	event->skb = genlmsg_new(EVENT_SIZE + size, GFP_ATOMIC | __GFP_NOWARN);
	if (!event->skb)
		return false;
	event->header = genlmsg_put(event->skb, 0, 0, &llm_family, 0, command);
	event->failed = !event->header;
	return true;
}

static void send(struct event *event)
{
	if (WARN_ON_ONCE(event->failed)) {
		nlmsg_free(event->skb);
		return;
	}
	genlmsg_end(event->skb, event->header);
	genlmsg_multicast(&llm_family, event->skb, 0, event->group, GFP_ATOMIC);
}

static void put_u32(struct event *event, int type, u32 value)
{
	event->failed = event->failed || nla_put_u32(event->skb, type, value);
}

static void put_u64(struct event *event, int type, u64 value)
{
	event->failed = event->failed ||
			nla_put_u64_64bit(event->skb, type, value, LLM_A_EVENT_PAD);
}

static void put_string(struct event *event, int type, const char *value)
{
	event->failed = event->failed || nla_put_string(event->skb, type, value);
}

static void put_whose(struct event *event, u64 session, kuid_t uid)
{
	put_u64(event, LLM_A_EVENT_SESSION, session);
	put_u32(event, LLM_A_EVENT_UID, from_kuid_munged(&init_user_ns, uid));
}

void llm_event_model(const char *name, bool loaded)
{
	struct event event;

	if (!begin(&event, LLM_GROUP_MODELS,
		   loaded ? LLM_CMD_MODEL_LOADED : LLM_CMD_MODEL_UNLOADED, 0))
		return;
	put_string(&event, LLM_A_EVENT_MODEL, name);
	send(&event);
}

void llm_event_session(const struct llm_session *session, bool opened)
{
	struct event event;

	if (!begin(&event, LLM_GROUP_SESSIONS,
		   opened ? LLM_CMD_SESSION_OPENED : LLM_CMD_SESSION_CLOSED, 0))
		return;
	put_whose(&event, session->id, session->user->uid);
	send(&event);
}

static bool begin_job(struct event *event, const struct llm_job *job, u8 command)
{
	if (!begin(event, LLM_GROUP_REQUESTS, command, 0))
		return false;
	put_whose(event, job->session, job->owner);
	put_string(event, LLM_A_EVENT_MODEL, job->model->name);
	return true;
}

void llm_event_queued(const struct llm_job *job)
{
	struct event event;

	if (!begin_job(&event, job, LLM_CMD_REQUEST_QUEUED))
		return;
	put_u32(&event, LLM_A_EVENT_TOKENS_IN, job->request.prompt_count);
	send(&event);
}

void llm_event_started(const struct llm_job *job)
{
	struct event event;

	if (!begin_job(&event, job, LLM_CMD_REQUEST_STARTED))
		return;
	put_u64(&event, LLM_A_EVENT_QUEUED_NS, job->queued_ns);
	send(&event);
}

void llm_event_finished(const struct llm_job *job)
{
	struct event event;

	if (!begin_job(&event, job, LLM_CMD_REQUEST_FINISHED))
		return;
	put_u32(&event, LLM_A_EVENT_REASON, job->request.end);
	put_u32(&event, LLM_A_EVENT_TOKENS_IN, job->tokens_in);
	put_u32(&event, LLM_A_EVENT_TOKENS_OUT, job->tokens_out);
	put_u64(&event, LLM_A_EVENT_QUEUED_NS, job->queued_ns);
	put_u64(&event, LLM_A_EVENT_CPU_NS, job->cpu_ns);
	send(&event);
}

static enum llm_refusal refusal(int code)
{
	switch (code) {
	case -ENOMEM:
		return LLM_REFUSAL_MEMORY;
	case -ENOSPC:
		return LLM_REFUSAL_CONTEXT;
	case -ENODEV:
		return LLM_REFUSAL_MODEL;
	default:
		return LLM_REFUSAL_OTHER;
	}
}

void llm_event_refused(const struct llm_session *session, int code)
{
	struct event event;

	if (!begin(&event, LLM_GROUP_REQUESTS, LLM_CMD_REQUEST_REFUSED, 0))
		return;
	put_whose(&event, session->id, session->user->uid);
	put_u32(&event, LLM_A_EVENT_REFUSAL, refusal(code));
	send(&event);
}

void llm_event_memory(u64 used, u64 limit)
{
	static DEFINE_RATELIMIT_STATE(rate, HZ, 1);
	struct event event;

	ratelimit_set_flags(&rate, RATELIMIT_MSG_ON_RELEASE);
	if (!__ratelimit(&rate) ||
	    !begin(&event, LLM_GROUP_MEMORY, LLM_CMD_MEMORY_PRESSURE, 0))
		return;
	put_u64(&event, LLM_A_EVENT_MEMORY, used);
	put_u64(&event, LLM_A_EVENT_LIMIT, limit);
	send(&event);
}

/* The scheduler's thread alone calls this. */
void llm_event_token(const struct llm_job *job, const u8 *bytes, u32 length)
{
	static unsigned long second;
	static u32 sent, missed;
	struct event event;

	if (!is_watched(LLM_GROUP_TOKENS)) {
		missed = 0;
		return;
	}
	if (time_after_eq(jiffies, second + HZ)) {
		second = jiffies;
		sent = 0;
	}
	if (sent >= READ_ONCE(token_events)) {
		missed++;
		return;
	}
	if (!begin(&event, LLM_GROUP_TOKENS, LLM_CMD_TOKEN_MADE, length))
		return;
	put_whose(&event, job->session, job->owner);
	event.failed = event.failed || nla_put(event.skb, LLM_A_EVENT_BYTES, length, bytes);
	put_u32(&event, LLM_A_EVENT_MISSED, missed);
	missed = 0;
	sent++;
	send(&event);
}
