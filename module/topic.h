/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A topic: carries texts from those who publish to those who subscribed.
 */
#ifndef LLM_TOPIC_H
#define LLM_TOPIC_H

#include <linux/list.h>
#include <linux/llm_netlink.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/uidgid.h>

#include "message.h"

struct llm_user;
struct net;

/** LLM_TOPIC_NAME_SIZE - bytes of a topic's name, the terminating NUL included. */
#define LLM_TOPIC_NAME_SIZE	64
/** LLM_TOPIC_QUEUE - texts that wait for a subscriber where nothing is said. */
#define LLM_TOPIC_QUEUE		16
/** LLM_TOPIC_MAX_TEXTS - texts that a queue or a history may be asked to hold. */
#define LLM_TOPIC_MAX_TEXTS	256
/** LLM_TOPIC_HOPS - sessions that may pass a text on where nothing is said. */
#define LLM_TOPIC_HOPS		16
/** LLM_TOPIC_MAX_HOPS - sessions that may be asked for to pass a text on. */
#define LLM_TOPIC_MAX_HOPS	255

/**
 * struct llm_asker - who asks for something
 * @net: network namespace
 * @user: user; a reference of whoever holds this
 * @admin: whether it is an administrator
 */
struct llm_asker {
	struct net *net;
	struct llm_user *user;
	bool admin;
};

/**
 * struct llm_topic_settings - what a topic is like
 * @queue: texts that wait for those who subscribe from now on, 1..LLM_TOPIC_MAX_TEXTS
 * @overflow: enum llm_overflow
 * @history: texts kept, 0..LLM_TOPIC_MAX_TEXTS
 * @share: enum llm_share, any of them
 */
struct llm_topic_settings {
	u32 queue;
	u32 overflow;
	u32 history;
	u32 share;
};

/**
 * struct llm_topic_counts - what became of texts
 * @published: taken
 * @delivered: came to a subscriber
 * @dropped: dropped from queues
 * @refused: not taken, because a queue was full
 * @expired: that no session was given, because they had no hops left
 */
struct llm_topic_counts {
	u64 published;
	u64 delivered;
	u64 dropped;
	u64 refused;
	u64 expired;
};

/**
 * struct llm_topic - a topic
 * @link: in the list of topics
 * @id: number in the order of the list, from 1
 * @references: who points here
 * @net: network namespace; whoever points here is in it
 * @owner: whose it is; a reference
 * @session: session whose own it is, or 0
 * @name: name
 * @settings: what it is like
 * @history: the last texts
 * @subscriptions: struct llm_subscription
 * @counts: what became of texts
 *
 * All of it is under llm_topics_lock, but for what does not change: @id, @net,
 * @owner, @session, @name.
 */
struct llm_topic {
	struct list_head link;
	u64 id;
	u32 references;
	struct net *net;
	struct llm_user *owner;
	u64 session;
	char name[LLM_TOPIC_NAME_SIZE];
	struct llm_topic_settings settings;
	struct llm_backlog history;
	struct list_head subscriptions;
	struct llm_topic_counts counts;
};

/**
 * struct llm_topic_facts - a topic as it is told of
 * @id: its number
 * @name: its name
 * @owner: whose it is
 * @settings: what it is like
 * @subscribers: how many
 * @waiting: texts in their queues
 * @kept: texts in the history
 * @counts: what became of texts
 */
struct llm_topic_facts {
	u64 id;
	char name[LLM_TOPIC_NAME_SIZE];
	kuid_t owner;
	struct llm_topic_settings settings;
	u32 subscribers;
	u32 waiting;
	u32 kept;
	struct llm_topic_counts counts;
};

/*
 * Protects topics, subscriptions, and the counts of both that users have. Taken
 * after the lock of a port. Nothing is allocated under it.
 */
extern struct mutex llm_topics_lock;

/**
 * llm_topic_get() - finds a topic, or makes one of the asker's own
 * @asker: who asks
 * @name: its name
 * @owner: whose it is; INVALID_UID: the asker's
 * @use: what for, one of enum llm_share; 0: to change it, which is its owner's right
 * @make: whether to make it where it is not there and would be the asker's own
 *
 * The topic of a session is the asker's own where the session is.
 *
 * Return: the topic, to be given back with llm_topic_put(), or an ERR_PTR(): -EINVAL
 * for what is no name, -ENOENT, -EACCES where one may see it but not that, -EDQUOT
 * where the user has too many, -ENOMEM.
 */
struct llm_topic *llm_topic_get(const struct llm_asker *asker, const char *name, kuid_t owner,
				u32 use, bool make);

/**
 * llm_topic_hold() - takes one more reference
 * @topic: a topic the caller has a reference to
 *
 * Return: @topic.
 */
struct llm_topic *llm_topic_hold(struct llm_topic *topic);

/**
 * llm_topic_put() - gives a reference back; the last one forgets topic and history
 * @topic: the topic, or NULL
 */
void llm_topic_put(struct llm_topic *topic);

/**
 * llm_topic_allows() - whether somebody may do something
 * @topic: topic; llm_topics_lock is held
 * @user: who
 * @admin: whether that is an administrator
 * @use: any of enum llm_share, or 0: what only its owner may
 *
 * Return: whether.
 */
bool llm_topic_allows(const struct llm_topic *topic, const struct llm_user *user, bool admin,
		      u32 use);

/**
 * llm_topic_set() - changes what a topic is like
 * @topic: topic
 * @change: fields that are not U32_MAX are taken
 *
 * Return: 0, or -ENOMEM with nothing changed.
 */
int llm_topic_set(struct llm_topic *topic, const struct llm_topic_settings *change);

/**
 * llm_topic_publish() - gives a text to all who subscribed
 * @topic: topic
 * @asker: who publishes
 * @message: text; gets its number
 *
 * Return: 0, -EACCES, or -EAGAIN where a queue is full that nothing may be dropped
 * from.
 */
int llm_topic_publish(struct llm_topic *topic, const struct llm_asker *asker,
		      struct llm_message *message);

/**
 * llm_topic_facts() - facts of a topic
 * @topic: topic
 * @facts: filled, all of it
 */
void llm_topic_facts(struct llm_topic *topic, struct llm_topic_facts *facts);

/**
 * llm_topic_next() - facts of the next topic that somebody may see
 * @after: number of the one before, or 0
 * @asker: who asks
 * @facts: filled, all of it
 *
 * Return: whether there is one.
 */
bool llm_topic_next(u64 after, const struct llm_asker *asker, struct llm_topic_facts *facts);

#endif /* LLM_TOPIC_H */
