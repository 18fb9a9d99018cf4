/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sessions and requests as netlink commands make them.
 */
#ifndef LLM_SUBMIT_H
#define LLM_SUBMIT_H

#include <net/genetlink.h>

/**
 * llm_submit_open() - LLM_CMD_SESSION_OPEN
 * @skb: command
 * @info: its attributes; gets the reason for a refusal
 *
 * Return: 0 or a negative errno.
 */
int llm_submit_open(struct sk_buff *skb, struct genl_info *info);

/**
 * llm_submit_close() - LLM_CMD_SESSION_CLOSE
 * @skb: command
 * @info: its attributes; gets the reason for a refusal
 *
 * Return: 0 or a negative errno.
 */
int llm_submit_close(struct sk_buff *skb, struct genl_info *info);

/**
 * llm_submit_give() - LLM_CMD_SESSION_GIVE
 * @skb: command
 * @info: its attributes; gets the reason for a refusal
 *
 * Return: 0 or a negative errno.
 */
int llm_submit_give(struct sk_buff *skb, struct genl_info *info);

/**
 * llm_submit() - LLM_CMD_SUBMIT
 * @skb: command
 * @info: its attributes; gets the reason for a refusal
 *
 * Return: 0 or a negative errno.
 */
int llm_submit(struct sk_buff *skb, struct genl_info *info);

#endif /* LLM_SUBMIT_H */
