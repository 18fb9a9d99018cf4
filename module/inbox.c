// SPDX-License-Identifier: GPL-2.0
#include "inbox.h"

#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "user.h"

static unsigned int max_user_subscriptions = 1024;
module_param(max_user_subscriptions, uint, 0644);
MODULE_PARM_DESC(max_user_subscriptions, "subscriptions one user may have (default 1024)");

bool llm_subscription_takes(const struct llm_subscription *subscription,
			    const struct llm_message *message)
{
	const struct llm_inbox *inbox = subscription->inbox;

	if (!llm_topic_allows(subscription->topic, inbox->user, subscription->admin,
			      LLM_SHARE_SUBSCRIBE))
		return false;
	return !inbox->session || (message->hops && message->session != inbox->session);
}

void llm_subscription_add(struct llm_subscription *subscription, struct llm_message *message)
{
	if (llm_backlog_add(&subscription->queue, message)) {
		subscription->topic->counts.dropped++;
		subscription->missed++;
	}
	subscription->inbox->arrived(subscription->inbox);
}

void llm_inbox_init(struct llm_inbox *inbox, struct llm_user *user, u64 session,
		    void (*arrived)(struct llm_inbox *inbox))
{
	INIT_LIST_HEAD(&inbox->subscriptions);
	inbox->user = user;
	inbox->session = session;
	inbox->arrived = arrived;
}

static struct llm_subscription *find(const struct llm_inbox *inbox, const struct llm_topic *topic)
{
	struct llm_subscription *subscription;

	lockdep_assert_held(&llm_topics_lock);
	list_for_each_entry(subscription, &inbox->subscriptions, in_inbox)
		if (subscription->topic == topic)
			return subscription;
	return NULL;
}

/* Gives the last texts of the topic to a new subscriber, as many as it can hold. */
static void add_history(struct llm_subscription *subscription, u32 wanted)
{
	const struct llm_backlog *history = &subscription->topic->history;
	u32 count = min3(wanted, history->count, subscription->queue.room);
	u32 i;

	for (i = history->count - count; i < history->count; i++)
		if (llm_subscription_takes(subscription, llm_backlog_at(history, i)))
			llm_subscription_add(subscription, llm_backlog_at(history, i));
}

static int insert(struct llm_subscription *subscription, u32 history)
{
	struct llm_inbox *inbox = subscription->inbox;
	struct llm_topic *topic = subscription->topic;

	if (find(inbox, topic))
		return -EEXIST;
	if (inbox->user->subscriptions >= READ_ONCE(max_user_subscriptions))
		return -EDQUOT;
	inbox->user->subscriptions++;
	topic->references++;
	list_add_tail(&subscription->in_topic, &topic->subscriptions);
	list_add_tail(&subscription->in_inbox, &inbox->subscriptions);
	add_history(subscription, history);
	return 0;
}

int llm_inbox_join(struct llm_inbox *inbox, struct llm_topic *topic, bool admin, u32 history)
{
	struct llm_subscription *subscription;
	int ret;

	subscription = kzalloc(sizeof(*subscription), GFP_KERNEL_ACCOUNT);
	if (!subscription)
		return -ENOMEM;
	subscription->topic = topic;
	subscription->inbox = inbox;
	subscription->admin = admin;
	ret = llm_backlog_create(&subscription->queue, READ_ONCE(topic->settings.queue));
	if (!ret) {
		mutex_lock(&llm_topics_lock);
		ret = insert(subscription, history);
		mutex_unlock(&llm_topics_lock);
	}
	if (!ret)
		return 0;
	llm_backlog_destroy(&subscription->queue);
	kfree(subscription);
	return ret == -EEXIST ? 0 : ret;
}

static struct llm_subscription *remove(struct llm_inbox *inbox, const struct llm_topic *topic)
{
	struct llm_subscription *subscription;

	mutex_lock(&llm_topics_lock);
	subscription = topic ? find(inbox, topic) :
			       list_first_entry_or_null(&inbox->subscriptions,
							struct llm_subscription, in_inbox);
	if (subscription) {
		list_del(&subscription->in_topic);
		list_del(&subscription->in_inbox);
		inbox->user->subscriptions--;
	}
	mutex_unlock(&llm_topics_lock);
	return subscription;
}

bool llm_inbox_leave(struct llm_inbox *inbox, const struct llm_topic *topic)
{
	struct llm_subscription *subscription;
	bool left = false;

	while ((subscription = remove(inbox, topic))) {
		llm_backlog_destroy(&subscription->queue);
		llm_topic_put(subscription->topic);
		kfree(subscription);
		left = true;
	}
	return left;
}

bool llm_inbox_empty(struct llm_inbox *inbox)
{
	bool empty;

	mutex_lock(&llm_topics_lock);
	empty = list_empty(&inbox->subscriptions);
	mutex_unlock(&llm_topics_lock);
	return empty;
}

/* The subscription whose oldest text came first, or NULL. */
static struct llm_subscription *oldest(const struct llm_inbox *inbox)
{
	struct llm_subscription *subscription, *found = NULL;
	u64 order = U64_MAX;

	list_for_each_entry(subscription, &inbox->subscriptions, in_inbox) {
		const struct llm_backlog *queue = &subscription->queue;

		if (queue->count && llm_backlog_at(queue, 0)->order < order) {
			order = llm_backlog_at(queue, 0)->order;
			found = subscription;
		}
	}
	return found;
}

static void take(struct llm_subscription *subscription, struct llm_delivery *delivery)
{
	struct llm_topic *topic = subscription->topic;

	delivery->message = llm_backlog_take(&subscription->queue);
	delivery->owner = topic->owner->uid;
	strscpy(delivery->name, topic->name, sizeof(delivery->name));
	delivery->missed = subscription->missed;
	subscription->missed = 0;
	topic->counts.delivered++;
}

bool llm_inbox_take(struct llm_inbox *inbox, struct llm_delivery *delivery)
{
	struct llm_subscription *subscription;

	mutex_lock(&llm_topics_lock);
	subscription = oldest(inbox);
	if (subscription)
		take(subscription, delivery);
	mutex_unlock(&llm_topics_lock);
	return subscription;
}
