// SPDX-License-Identifier: LGPL-2.1-or-later
/* Topics over netlink. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "error.h"

/* Room for the attributes of a command, but for text. */
#define ROOM 1024

static int put_owner(struct nl_msg *message, int type, const __u32 *owner)
{
	return owner ? nla_put_u32(message, type, *owner) : 0;
}

static int put_topic(struct nl_msg *message, const char *name, const __u32 *owner)
{
	return nla_put_string(message, LLM_A_TOPIC_NAME, name) ||
	       put_owner(message, LLM_A_TOPIC_OWNER, owner);
}

/* Frees the message where it was not filled. */
static int ask(struct llmctl_bus *bus, struct nl_msg *message, int failed, const char *what,
	       struct llmctl_error *error)
{
	if (message && !failed)
		return bus_ask(bus, message, what, NULL, NULL, error);
	nlmsg_free(message);
	return llmctl_fail(error, ENOMEM, "not enough memory");
}

int llmctl_bus_publish(struct llmctl_bus *bus, const char *name, const __u32 *owner,
		       const char *text, size_t length, int hops, struct llmctl_error *error)
{
	struct nl_msg *message;
	struct nlattr *copy;
	int failed = 1;

	if (length > LLM_MAX_MESSAGE)
		return llmctl_fail(error, E2BIG, "publish: the text is longer than %u bytes",
				   LLM_MAX_MESSAGE);
	message = bus_command(bus, LLM_CMD_PUBLISH, length + ROOM);
	copy = message ? nla_reserve(message, LLM_A_TOPIC_TEXT, length + 1) : NULL;
	if (copy) {
		memcpy(nla_data(copy), text, length);
		((char *)nla_data(copy))[length] = '\0';
		failed = put_topic(message, name, owner) ||
			 (hops >= 0 && nla_put_u32(message, LLM_A_TOPIC_HOPS, hops));
	}
	return ask(bus, message, failed, "publish", error);
}

int llmctl_bus_subscribe(struct llmctl_bus *bus, const struct llmctl_subscription *subscription,
			 struct llmctl_error *error)
{
	struct nl_msg *message = bus_command(bus, LLM_CMD_SUBSCRIBE, ROOM);
	int failed;

	failed = !message || put_topic(message, subscription->name, subscription->owner) ||
		 (subscription->session &&
		  nla_put_u64(message, LLM_A_TOPIC_SESSION, subscription->session)) ||
		 (subscription->history &&
		  nla_put_u32(message, LLM_A_TOPIC_HISTORY, subscription->history)) ||
		 (subscription->reply_name &&
		  nla_put_string(message, LLM_A_TOPIC_REPLY_NAME, subscription->reply_name)) ||
		 put_owner(message, LLM_A_TOPIC_REPLY_OWNER, subscription->reply_owner) ||
		 (subscription->turns &&
		  nla_put_u32(message, LLM_A_TOPIC_TURNS, subscription->turns));
	return ask(bus, message, failed, "subscribe", error);
}

int llmctl_bus_unsubscribe(struct llmctl_bus *bus, const struct llmctl_subscription *subscription,
			   struct llmctl_error *error)
{
	struct nl_msg *message = bus_command(bus, LLM_CMD_UNSUBSCRIBE, ROOM);
	int failed;

	failed = !message || put_topic(message, subscription->name, subscription->owner) ||
		 (subscription->session &&
		  nla_put_u64(message, LLM_A_TOPIC_SESSION, subscription->session));
	return ask(bus, message, failed, "unsubscribe", error);
}

int llmctl_bus_topic(struct llmctl_bus *bus, const struct llmctl_topic *topic, unsigned int set,
		     struct llmctl_error *error)
{
	const struct {
		unsigned int set;
		int type;
		__u32 value;
	} fields[] = {
		{ LLMCTL_TOPIC_QUEUE, LLM_A_TOPIC_QUEUE, topic->queue },
		{ LLMCTL_TOPIC_OVERFLOW, LLM_A_TOPIC_OVERFLOW, topic->overflow },
		{ LLMCTL_TOPIC_HISTORY, LLM_A_TOPIC_HISTORY, topic->history },
		{ LLMCTL_TOPIC_SHARE, LLM_A_TOPIC_SHARE, topic->share },
	};
	struct nl_msg *message = bus_command(bus, LLM_CMD_TOPIC_OPEN, ROOM);
	int failed = !message || put_topic(message, topic->name, NULL);
	size_t i;

	for (i = 0; !failed && i < sizeof(fields) / sizeof(fields[0]); i++)
		if (set & fields[i].set)
			failed = nla_put_u32(message, fields[i].type, fields[i].value);
	return ask(bus, message, failed, "topic", error);
}

/**
 * struct topics - topics that were told of
 * @topics: they
 * @count: how many
 * @failed: whether there was no memory for one
 */
struct topics {
	struct llmctl_topic *topics;
	size_t count;
	int failed;
};

static void take_topic(void *data, struct nlattr *const *attrs)
{
	struct topics *list = data;
	struct llmctl_topic *topics = realloc(list->topics, (list->count + 1) * sizeof(*topics));
	struct llmctl_topic *topic;

	if (!topics) {
		list->failed = 1;
		return;
	}
	list->topics = topics;
	topic = &topics[list->count++];
	*topic = (struct llmctl_topic){
		.owner = bus_u32(attrs, LLM_A_TOPIC_OWNER),
		.queue = bus_u32(attrs, LLM_A_TOPIC_QUEUE),
		.overflow = bus_u32(attrs, LLM_A_TOPIC_OVERFLOW),
		.history = bus_u32(attrs, LLM_A_TOPIC_HISTORY),
		.share = bus_u32(attrs, LLM_A_TOPIC_SHARE),
		.subscribers = bus_u32(attrs, LLM_A_TOPIC_SUBSCRIBERS),
		.waiting = bus_u32(attrs, LLM_A_TOPIC_WAITING),
		.kept = bus_u32(attrs, LLM_A_TOPIC_KEPT),
		.published = bus_u64(attrs, LLM_A_TOPIC_PUBLISHED),
		.delivered = bus_u64(attrs, LLM_A_TOPIC_DELIVERED),
		.dropped = bus_u64(attrs, LLM_A_TOPIC_DROPPED),
		.refused = bus_u64(attrs, LLM_A_TOPIC_REFUSED),
		.expired = bus_u64(attrs, LLM_A_TOPIC_EXPIRED),
	};
	if (attrs[LLM_A_TOPIC_NAME])
		nla_strlcpy(topic->name, attrs[LLM_A_TOPIC_NAME], sizeof(topic->name));
}

int llmctl_bus_topics(struct llmctl_bus *bus, struct llmctl_topic **topics, size_t *count,
		      struct llmctl_error *error)
{
	struct topics list = { 0 };
	int ret = bus_dump(bus, LLM_CMD_TOPIC_GET, "topics", take_topic, &list, error);

	if (!ret && list.failed)
		ret = llmctl_fail(error, ENOMEM, "not enough memory");
	if (ret) {
		free(list.topics);
		return ret;
	}
	*topics = list.topics;
	*count = list.count;
	return 0;
}
