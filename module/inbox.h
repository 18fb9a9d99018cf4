/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where texts of topics wait for a socket or a session that subscribed.
 */
#ifndef LLM_INBOX_H
#define LLM_INBOX_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "message.h"
#include "topic.h"

/**
 * struct llm_inbox - the subscriptions of one subscriber
 * @subscriptions: struct llm_subscription, under llm_topics_lock
 * @user: who that is, or on whose behalf
 * @session: number of the session that subscribes, or 0
 * @arrived: called when a text came, under llm_topics_lock; does not sleep
 */
struct llm_inbox {
	struct list_head subscriptions;
	struct llm_user *user;
	u64 session;
	void (*arrived)(struct llm_inbox *inbox);
};

/**
 * struct llm_subscription - one of them; under llm_topics_lock
 * @in_topic: in the topic's list
 * @in_inbox: in the inbox's list
 * @topic: topic; a reference
 * @inbox: inbox
 * @admin: an administrator subscribed
 * @queue: texts that wait
 * @missed: texts that were dropped since one was taken
 */
struct llm_subscription {
	struct list_head in_topic;
	struct list_head in_inbox;
	struct llm_topic *topic;
	struct llm_inbox *inbox;
	bool admin;
	struct llm_backlog queue;
	u32 missed;
};

/**
 * struct llm_delivery - a text taken out of an inbox
 * @message: text; a reference
 * @name: its topic
 * @owner: whose that is
 * @missed: texts that were dropped before it
 */
struct llm_delivery {
	struct llm_message *message;
	char name[LLM_TOPIC_NAME_SIZE];
	kuid_t owner;
	u32 missed;
};

/**
 * llm_subscription_takes() - whether a subscriber is to get a text
 * @subscription: subscription; llm_topics_lock is held
 * @message: text
 *
 * Return: whether. Sessions get nothing that has no hops left or that they said
 * themselves, and nobody what its owner does not share any more.
 */
bool llm_subscription_takes(const struct llm_subscription *subscription,
			    const struct llm_message *message);

/**
 * llm_subscription_add() - puts a text into the queue; a full one drops its oldest
 * @subscription: subscription; llm_topics_lock is held
 * @message: text
 */
void llm_subscription_add(struct llm_subscription *subscription, struct llm_message *message);

/**
 * llm_inbox_init() - an inbox without subscriptions
 * @inbox: inbox
 * @user: who subscribes
 * @session: number of a session, or 0
 * @arrived: what to call when a text came
 */
void llm_inbox_init(struct llm_inbox *inbox, struct llm_user *user, u64 session,
		    void (*arrived)(struct llm_inbox *inbox));

/**
 * llm_inbox_join() - subscribes
 * @inbox: inbox
 * @topic: topic; the subscription takes a reference of its own
 * @admin: whether an administrator does it
 * @history: texts of the history that are wanted
 *
 * Return: 0, also where it is subscribed already, -EDQUOT where the user has too
 * many subscriptions, -ENOMEM.
 */
int llm_inbox_join(struct llm_inbox *inbox, struct llm_topic *topic, bool admin, u32 history);

/**
 * llm_inbox_leave() - ends a subscription
 * @inbox: inbox
 * @topic: topic, or NULL for all
 *
 * Return: whether there was one.
 */
bool llm_inbox_leave(struct llm_inbox *inbox, const struct llm_topic *topic);

/**
 * llm_inbox_empty() - whether there is no subscription
 * @inbox: inbox
 *
 * Return: whether.
 */
bool llm_inbox_empty(struct llm_inbox *inbox);

/**
 * llm_inbox_take() - takes the oldest text of all subscriptions
 * @inbox: inbox
 * @delivery: filled
 *
 * Return: whether there was one.
 */
bool llm_inbox_take(struct llm_inbox *inbox, struct llm_delivery *delivery);

#endif /* LLM_INBOX_H */
