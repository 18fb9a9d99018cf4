/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Topics as netlink commands and messages.
 */
#ifndef LLM_PUBLISH_H
#define LLM_PUBLISH_H

#include <net/genetlink.h>

struct llm_port;

/**
 * llm_publish_open() - LLM_CMD_TOPIC_OPEN
 * @skb: command
 * @info: its attributes; gets the reason for a refusal
 *
 * Return: 0 or a negative errno.
 */
int llm_publish_open(struct sk_buff *skb, struct genl_info *info);

/**
 * llm_publish_topic() - LLM_CMD_TOPIC_GET
 * @skb: command
 * @info: its attributes; gets the reason for a refusal
 *
 * Return: 0 or a negative errno.
 */
int llm_publish_topic(struct sk_buff *skb, struct genl_info *info);

/**
 * llm_publish_topics() - LLM_CMD_TOPIC_GET of all that may be seen
 * @skb: where they go
 * @callback: how far the dump is
 *
 * Return: bytes of @skb, 0 at the end.
 */
int llm_publish_topics(struct sk_buff *skb, struct netlink_callback *callback);

/**
 * llm_publish_subscribe() - LLM_CMD_SUBSCRIBE
 * @skb: command
 * @info: its attributes; gets the reason for a refusal
 *
 * Return: 0 or a negative errno.
 */
int llm_publish_subscribe(struct sk_buff *skb, struct genl_info *info);

/**
 * llm_publish_unsubscribe() - LLM_CMD_UNSUBSCRIBE
 * @skb: command
 * @info: its attributes; gets the reason for a refusal
 *
 * Return: 0 or a negative errno.
 */
int llm_publish_unsubscribe(struct sk_buff *skb, struct genl_info *info);

/**
 * llm_publish() - LLM_CMD_PUBLISH
 * @skb: command
 * @info: its attributes; gets the reason for a refusal
 *
 * Return: 0 or a negative errno.
 */
int llm_publish(struct sk_buff *skb, struct genl_info *info);

/**
 * llm_publish_send_all() - sends the texts that came for a socket
 * @port: socket; @lock is held
 *
 * Return: 0 or -EAGAIN where there is more than the socket has room for.
 */
int llm_publish_send_all(struct llm_port *port);

#endif /* LLM_PUBLISH_H */
