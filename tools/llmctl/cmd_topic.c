// SPDX-License-Identifier: GPL-2.0
/* Topics: publish, subscribe, topics. */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "interrupt.h"
#include "json.h"
#include "listing.h"
#include "macros.h"
#include "utf8.h"

/* A user by name or number. */
static bool take_user(void *target, const char *text)
{
	const struct passwd *user = getpwnam(text);
	__u64 *uid = target;

	if (user)
		*uid = user->pw_uid;
	return user || parse_whole(text, 0, UINT32_MAX - 1, uid);
}

#define OWNER_OPTION(target)							\
	{ OPTION_CALL, "owner", 'o', target, 0, 0, take_user, "a user's name or number",	\
	  "USER", "whose topic it is (default: your own)" }

/* NULL where none was given. */
static const __u32 *given_owner(__u64 owner, __u32 *uid)
{
	*uid = owner;
	return owner == OPTION_UNSET ? NULL : uid;
}

static int run_publish(const struct command *command, int argc, char **argv)
{
	static const struct llmctl_bus_handlers handlers = { 0 };
	__u64 owner = OPTION_UNSET, hops = OPTION_UNSET;
	const struct option options[] = {
		OWNER_OPTION(&owner),
		{ OPTION_WHOLE, "hops", 0, &hops, 0, 255, NULL, NULL, "N",
		  "sessions that may pass it on, one after the other (default 16)" },
		{ .kind = OPTION_END },
	};
	struct llmctl_error error = { 0 };
	struct llmctl_bus *bus = NULL;
	struct operands operands;
	size_t length;
	char *text;
	int status;
	__u32 uid;

	if (!command_parse(command, options, argc, argv, &operands, 2, 2, &status))
		return status;
	if (command_input(operands.values[1], &text, &length, &error))
		return report(&error);
	if (!llmctl_bus_open(&bus, &handlers, NULL, &error))
		llmctl_bus_publish(bus, operands.values[0], given_owner(owner, &uid), text, length,
				   hops == OPTION_UNSET ? -1 : (int)hops, &error);
	llmctl_bus_close(bus);
	free(text);
	return error.code ? report(&error) : EXIT_OK;
}

const struct command command_publish = {
	.name = "publish",
	.arguments = "[-o USER] [--hops N] TOPIC TEXT|-",
	.summary = "publishes a text to a topic",
	.text = "The topic must be there: somebody subscribed to it. @N is what session N listens\n"
		"to.",
	.run = run_publish,
};

/**
 * struct watch - what is shown, and until when
 * @as_json: one JSON object a line
 * @left: texts still to show, or 0 for no end
 * @over: whether it has come to its end
 */
struct watch {
	bool as_json;
	__u64 left;
	bool over;
};

static void show_json(const struct llmctl_message *message)
{
	json_object(NULL);
	json_text("topic", message->topic);
	json_whole("number", message->number);
	json_whole("uid", message->uid);
	json_whole("session", message->session);
	json_whole("hops", message->hops);
	json_whole("missed", message->missed);
	json_bytes("text", message->bytes, message->length);
	json_object_end();
}

static void show(void *data, const struct llmctl_message *message)
{
	struct watch *watch = data;

	if (watch->over)
		return;
	if (watch->as_json) {
		show_json(message);
	} else {
		utf8_print(message->bytes, message->length);
		putchar('\n');
	}
	fflush(stdout);
	watch->over = watch->left && !--watch->left;
}

static void tell_refused(void *data, const struct llmctl_message *reply)
{
	(void)data;
	fprintf(stderr, "session %" PRIu64 ": nobody got its reply: a queue of %s is full\n",
		(uint64_t)reply->session, reply->topic);
}

static void stop(void *data, __u64 session, __u32 why, __u32 turns)
{
	static const char *const reasons[] = {
		[LLM_STOPPED_LEFT] = "left its topics",
		[LLM_STOPPED_TURNS] = "all turns made",
		[LLM_STOPPED_CONTEXT] = "its context is full",
		[LLM_STOPPED_MEMORY] = "out of memory",
		[LLM_STOPPED_ERROR] = "no model, or its reply may not be published",
	};
	struct watch *watch = data;

	fprintf(stderr, "session %" PRIu64 ": %s, %u replies\n", (uint64_t)session,
		why < ARRAY_SIZE(reasons) ? reasons[why] : "stopped", turns);
	watch->over = true;
}

static void watch_all(struct llmctl_bus *bus, const struct watch *watch,
		      struct llmctl_error *error)
{
	while (!watch->over && !interrupted() && !llmctl_bus_receive(bus, error))
		if (!watch->over)
			interrupt_poll(llmctl_bus_fd(bus));
}

/* Subscribes the socket, or a new session that replies. */
static int subscribe(struct llmctl_bus *bus, const struct llmctl_submission *setup,
		     struct llmctl_subscription *subscription, struct llmctl_error *error)
{
	int ret = 0;

	if (subscription->reply_name) {
		ret = llmctl_bus_session(bus, setup, &subscription->session, error);
		if (!ret)
			fprintf(stderr, "session %" PRIu64 ": replies to %s\n",
				(uint64_t)subscription->session, subscription->reply_name);
	}
	return ret ? ret : llmctl_bus_subscribe(bus, subscription, error);
}

static int run_subscribe(const struct command *command, int argc, char **argv)
{
	static const struct llmctl_bus_handlers handlers = {
		.message = show, .refused = tell_refused, .stopped = stop,
	};
	struct llmctl_subscription subscription = { 0 };
	struct llmctl_submission setup = { 0 };
	struct watch watch = { 0 };
	__u64 owner = OPTION_UNSET, history = 0, turns = 0, most = 0;
	const struct option options[] = {
		OWNER_OPTION(&owner),
		{ OPTION_FLAG, "json", 0, &watch.as_json, 0, 0, NULL, NULL, NULL,
		  "one JSON object for each text" },
		{ OPTION_WHOLE, "count", 'c', &watch.left, 0, UINT32_MAX, NULL, NULL, "COUNT",
		  "end after so many (default: never)" },
		{ OPTION_WHOLE, "history", 0, &history, 0, 256, NULL, NULL, "N",
		  "texts wanted that were published before" },
		{ OPTION_TEXT, "reply", 0, &subscription.reply_name, 0, 0, NULL, NULL, "TOPIC",
		  "open a session that replies to each text, to this topic" },
		{ OPTION_TEXT, "model", 'm', &setup.model, 0, 0, NULL, NULL, "MODEL",
		  "its model (default: the default model)" },
		{ OPTION_WHOLE, "max", 'n', &most, 0, UINT32_MAX, NULL, NULL, "MAX",
		  "tokens of each of its replies at most" },
		{ OPTION_WHOLE, "turns", 0, &turns, 0, UINT32_MAX, NULL, NULL, "N",
		  "replies it makes at most (default: as many as fit its context)" },
		{ .kind = OPTION_END },
	};
	struct llmctl_error error = { 0 };
	struct llmctl_bus *bus = NULL;
	struct operands operands;
	int status;
	__u32 uid;

	if (!command_parse(command, options, argc, argv, &operands, 1, 1, &status))
		return status;
	if (!subscription.reply_name && (setup.model || most || turns))
		return usage_error("-m, -n and --turns are for a session that replies: --reply");
	setup.max_tokens = most;
	subscription.name = operands.values[0];
	subscription.owner = given_owner(owner, &uid);
	subscription.history = history;
	subscription.turns = turns;
	interrupt_catch();
	if (!llmctl_bus_open(&bus, &handlers, &watch, &error) &&
	    !subscribe(bus, &setup, &subscription, &error))
		watch_all(bus, &watch, &error);
	llmctl_bus_close(bus);
	return error.code ? report(&error) : EXIT_OK;
}

const struct command command_subscribe = {
	.name = "subscribe",
	.arguments = "[-o USER] [--json] [-c COUNT] [--history N]\n"
		     "[--reply TOPIC [-m MODEL] [-n MAX] [--turns N]] TOPIC",
	.summary = "prints what is published to a topic, or has a session reply to it",
	.text = "The topic is there as long as somebody subscribes to it.",
	.run = run_subscribe,
};

static int get_topics(struct llmctl_bus *bus, void **entries, size_t *count,
		      struct llmctl_error *error)
{
	struct llmctl_topic *topics = NULL;
	int ret = llmctl_bus_topics(bus, &topics, count, error);

	*entries = topics;
	return ret;
}

static void topic_json(const void *entry)
{
	const struct llmctl_topic *topic = entry;

	json_text("name", topic->name);
	json_whole("owner", topic->owner);
	json_whole("queue", topic->queue);
	json_text("overflow", topic->overflow == LLM_OVERFLOW_REFUSE ? "refuse" : "drop-oldest");
	json_whole("history", topic->history);
	json_bool("shared_subscribe", topic->share & LLM_SHARE_SUBSCRIBE);
	json_bool("shared_publish", topic->share & LLM_SHARE_PUBLISH);
	json_whole("subscribers", topic->subscribers);
	json_whole("waiting", topic->waiting);
	json_whole("kept", topic->kept);
	json_whole("published", topic->published);
	json_whole("delivered", topic->delivered);
	json_whole("dropped", topic->dropped);
	json_whole("refused", topic->refused);
	json_whole("expired", topic->expired);
}

static void print_topics_head(void)
{
	printf("%-24s %-12s %6s %8s %10s %10s %8s %8s %8s\n", "TOPIC", "OWNER", "SUBS", "WAITING",
	       "PUBLISHED", "DELIVERED", "DROPPED", "REFUSED", "EXPIRED");
}

static void print_topic(const void *entry)
{
	const struct llmctl_topic *topic = entry;
	const struct passwd *user = getpwuid(topic->owner);
	char number[16];

	snprintf(number, sizeof(number), "%u", topic->owner);
	printf("%-24s %-12s %6u %8u %10" PRIu64 " %10" PRIu64 " %8" PRIu64 " %8" PRIu64
	       " %8" PRIu64 "\n",
	       topic->name, user ? user->pw_name : number, topic->subscribers, topic->waiting,
	       (uint64_t)topic->published, (uint64_t)topic->delivered, (uint64_t)topic->dropped,
	       (uint64_t)topic->refused, (uint64_t)topic->expired);
}

static int run_topics(const struct command *command, int argc, char **argv)
{
	static const struct listing topics = {
		sizeof(struct llmctl_topic), get_topics, print_topics_head, print_topic,
		topic_json,
	};

	return listing_run(&topics, command, argc, argv);
}

const struct command command_topics = {
	.name = "topics",
	.arguments = "[--json]",
	.summary = "lists topics: your own and those shared with you, or as root all",
	.text = "WAITING are texts in the queues of subscribers; EXPIRED were given to no session\n"
		"because they had been passed on as often as their publishers allowed.",
	.run = run_topics,
};
