// SPDX-License-Identifier: GPL-2.0
#include "topic.h"

#include <linux/ctype.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "inbox.h"
#include "session.h"
#include "user.h"

static unsigned int max_user_topics = 256;
module_param(max_user_topics, uint, 0644);
MODULE_PARM_DESC(max_user_topics, "topics one user may have (default 256)");

#define ANY_USE	(LLM_SHARE_SUBSCRIBE | LLM_SHARE_PUBLISH)

/* See topic.h. */
DEFINE_MUTEX(llm_topics_lock);
/* In the order of their numbers. */
static LIST_HEAD(topics);
static u64 last_id;
/* Number of the last text. */
static u64 last_order;

/* Session whose own topic a name is: "@" and the number. 0 where it is no such name. */
static u64 session_of(const char *name)
{
	char again[LLM_TOPIC_NAME_SIZE];
	u64 session;

	if (name[0] != '@' || kstrtou64(name + 1, 10, &session))
		return 0;
	/* A number has one spelling. */
	scnprintf(again, sizeof(again), "@%llu", session);
	return strcmp(name, again) ? 0 : session;
}

static bool valid_name(const char *name)
{
	size_t length = strnlen(name, LLM_TOPIC_NAME_SIZE);
	size_t i;

	if (!length || length == LLM_TOPIC_NAME_SIZE)
		return false;
	if (name[0] == '@')
		return session_of(name);
	for (i = 0; i < length; i++)
		if (!isascii(name[i]) || (!isalnum(name[i]) && !strchr("._:/-", name[i])))
			return false;
	return true;
}

/* There is one topic of a session, whoever's it is. */
static struct llm_topic *find(const struct net *net, const char *name, kuid_t owner)
{
	struct llm_topic *topic;

	lockdep_assert_held(&llm_topics_lock);
	list_for_each_entry(topic, &topics, link)
		if (topic->net == net && !strcmp(topic->name, name) &&
		    (topic->session || uid_eq(topic->owner->uid, owner)))
			return topic;
	return NULL;
}

bool llm_topic_allows(const struct llm_topic *topic, const struct llm_user *user, bool admin,
		      u32 use)
{
	return admin || uid_eq(topic->owner->uid, user->uid) || topic->settings.share & use;
}

/* Takes a reference to a topic that is there. */
static struct llm_topic *take(struct llm_topic *topic, const struct llm_asker *asker, u32 use)
{
	if (!topic || !llm_topic_allows(topic, asker->user, asker->admin, ANY_USE))
		return ERR_PTR(-ENOENT);
	if (!llm_topic_allows(topic, asker->user, asker->admin, use))
		return ERR_PTR(-EACCES);
	topic->references++;
	return topic;
}

static struct llm_topic *create(const struct llm_asker *asker, const char *name)
{
	struct llm_topic *topic = kzalloc(sizeof(*topic), GFP_KERNEL_ACCOUNT);

	if (!topic)
		return NULL;
	topic->references = 1;
	topic->net = asker->net;
	topic->owner = llm_user_hold(asker->user);
	topic->session = session_of(name);
	strscpy(topic->name, name, sizeof(topic->name));
	topic->settings.queue = LLM_TOPIC_QUEUE;
	INIT_LIST_HEAD(&topic->subscriptions);
	return topic;
}

static void destroy(struct llm_topic *topic)
{
	llm_backlog_destroy(&topic->history);
	llm_user_put(topic->owner);
	kfree(topic);
}

/* The topic that was made, or the one that somebody else made meanwhile. */
static struct llm_topic *insert(struct llm_topic *created, const struct llm_asker *asker, u32 use)
{
	struct llm_user *owner = created->owner;
	struct llm_topic *topic = find(created->net, created->name, owner->uid);

	if (topic)
		return take(topic, asker, use);
	if (owner->topics >= READ_ONCE(max_user_topics))
		return ERR_PTR(-EDQUOT);
	owner->topics++;
	created->id = ++last_id;
	list_add_tail(&created->link, &topics);
	return created;
}

static struct llm_topic *make_topic(const struct llm_asker *asker, const char *name, u32 use)
{
	struct llm_topic *created, *topic;
	struct llm_session_info info;
	u64 session = session_of(name);

	if (session && (!llm_session_next(session - 1, asker->user->uid, false, &info) ||
			info.id != session))
		return ERR_PTR(-ENOENT);
	created = create(asker, name);
	if (!created)
		return ERR_PTR(-ENOMEM);
	mutex_lock(&llm_topics_lock);
	topic = insert(created, asker, use);
	mutex_unlock(&llm_topics_lock);
	if (topic != created)
		destroy(created);
	return topic;
}

struct llm_topic *llm_topic_get(const struct llm_asker *asker, const char *name, kuid_t owner,
				u32 use, bool make)
{
	bool own = !uid_valid(owner) || uid_eq(owner, asker->user->uid);
	struct llm_topic *topic;

	if (!valid_name(name))
		return ERR_PTR(-EINVAL);
	mutex_lock(&llm_topics_lock);
	topic = take(find(asker->net, name, own ? asker->user->uid : owner), asker, use);
	mutex_unlock(&llm_topics_lock);
	return topic == ERR_PTR(-ENOENT) && own && make ? make_topic(asker, name, use) : topic;
}

struct llm_topic *llm_topic_hold(struct llm_topic *topic)
{
	mutex_lock(&llm_topics_lock);
	topic->references++;
	mutex_unlock(&llm_topics_lock);
	return topic;
}

void llm_topic_put(struct llm_topic *topic)
{
	bool last;

	if (!topic)
		return;
	mutex_lock(&llm_topics_lock);
	last = --topic->references == 0;
	if (last) {
		list_del(&topic->link);
		topic->owner->topics--;
	}
	mutex_unlock(&llm_topics_lock);
	if (last)
		destroy(topic);
}

static void set(struct llm_topic *topic, const struct llm_topic_settings *change,
		struct llm_backlog *history)
{
	struct llm_topic_settings *settings = &topic->settings;
	u32 i;

	lockdep_assert_held(&llm_topics_lock);
	if (change->queue != U32_MAX)
		settings->queue = change->queue;
	if (change->overflow != U32_MAX)
		settings->overflow = change->overflow;
	if (change->share != U32_MAX)
		settings->share = change->share;
	if (change->history == U32_MAX)
		return;
	settings->history = change->history;
	for (i = 0; i < topic->history.count; i++)
		llm_backlog_add(history, llm_backlog_at(&topic->history, i));
	swap(topic->history, *history);
}

int llm_topic_set(struct llm_topic *topic, const struct llm_topic_settings *change)
{
	struct llm_backlog history = {};
	int ret;

	if (change->history != U32_MAX) {
		ret = llm_backlog_create(&history, change->history);
		if (ret)
			return ret;
	}
	mutex_lock(&llm_topics_lock);
	set(topic, change, &history);
	mutex_unlock(&llm_topics_lock);
	llm_backlog_destroy(&history);
	return 0;
}

static bool refuses(const struct llm_topic *topic, const struct llm_message *message)
{
	const struct llm_subscription *subscription;

	if (topic->settings.overflow != LLM_OVERFLOW_REFUSE)
		return false;
	list_for_each_entry(subscription, &topic->subscriptions, in_topic)
		if (llm_subscription_takes(subscription, message) &&
		    subscription->queue.count == subscription->queue.room)
			return true;
	return false;
}

static int publish(struct llm_topic *topic, struct llm_message *message)
{
	struct llm_subscription *subscription;

	if (refuses(topic, message)) {
		topic->counts.refused++;
		return -EAGAIN;
	}
	message->number = ++topic->counts.published;
	message->order = ++last_order;
	list_for_each_entry(subscription, &topic->subscriptions, in_topic)
		if (llm_subscription_takes(subscription, message))
			llm_subscription_add(subscription, message);
	if (!message->hops)
		topic->counts.expired++;
	llm_backlog_add(&topic->history, message);
	return 0;
}

int llm_topic_publish(struct llm_topic *topic, const struct llm_asker *asker,
		      struct llm_message *message)
{
	int ret = -EACCES;

	mutex_lock(&llm_topics_lock);
	if (llm_topic_allows(topic, asker->user, asker->admin, LLM_SHARE_PUBLISH))
		ret = publish(topic, message);
	mutex_unlock(&llm_topics_lock);
	return ret;
}

static void fill_facts(const struct llm_topic *topic, struct llm_topic_facts *facts)
{
	const struct llm_subscription *subscription;

	*facts = (struct llm_topic_facts){
		.id = topic->id,
		.owner = topic->owner->uid,
		.settings = topic->settings,
		.kept = topic->history.count,
		.counts = topic->counts,
	};
	strscpy(facts->name, topic->name, sizeof(facts->name));
	list_for_each_entry(subscription, &topic->subscriptions, in_topic) {
		facts->subscribers++;
		facts->waiting += subscription->queue.count;
	}
}

void llm_topic_facts(struct llm_topic *topic, struct llm_topic_facts *facts)
{
	mutex_lock(&llm_topics_lock);
	fill_facts(topic, facts);
	mutex_unlock(&llm_topics_lock);
}

bool llm_topic_next(u64 after, const struct llm_asker *asker, struct llm_topic_facts *facts)
{
	struct llm_topic *topic;
	bool found = false;

	mutex_lock(&llm_topics_lock);
	list_for_each_entry(topic, &topics, link) {
		if (topic->id <= after || topic->net != asker->net ||
		    !llm_topic_allows(topic, asker->user, asker->admin, ANY_USE))
			continue;
		fill_facts(topic, facts);
		found = true;
		break;
	}
	mutex_unlock(&llm_topics_lock);
	return found;
}
