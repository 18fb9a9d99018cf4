/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Facts of models and sessions as netlink messages.
 */
#ifndef LLM_FACTS_H
#define LLM_FACTS_H

#include <net/genetlink.h>

/**
 * llm_facts_model() - LLM_CMD_MODEL_GET
 * @skb: command
 * @info: its attributes; gets the reason for a refusal
 *
 * Return: 0 or a negative errno.
 */
int llm_facts_model(struct sk_buff *skb, struct genl_info *info);

/**
 * llm_facts_models() - LLM_CMD_MODEL_GET of all
 * @skb: where they go
 * @callback: how far the dump is
 *
 * Return: bytes of @skb, 0 at the end.
 */
int llm_facts_models(struct sk_buff *skb, struct netlink_callback *callback);

/**
 * llm_facts_session() - LLM_CMD_SESSION_GET
 * @skb: command
 * @info: its attributes; gets the reason for a refusal
 *
 * Return: 0 or a negative errno.
 */
int llm_facts_session(struct sk_buff *skb, struct genl_info *info);

/**
 * llm_facts_sessions() - LLM_CMD_SESSION_GET of all that may be seen
 * @skb: where they go
 * @callback: how far the dump is
 *
 * Return: bytes of @skb, 0 at the end.
 */
int llm_facts_sessions(struct sk_buff *skb, struct netlink_callback *callback);

#endif /* LLM_FACTS_H */
