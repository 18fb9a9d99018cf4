/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_SETUP_H
#define LLM_SETUP_H

#include <linux/llm_netlink.h>
#include <linux/types.h>

#include "engine/sampler.h"

struct llm_call;
struct llm_model;
struct llm_sampling;
struct llm_sampling_bias;
struct llm_session;
struct llm_session_setup;
struct llm_stop;

/** llm_setup() - LLM_IOC_SETUP */
int llm_setup(struct llm_call *call);

/** llm_setup_sampling() - LLM_IOC_SAMPLING */
int llm_setup_sampling(struct llm_call *call);

/**
 * llm_setup_apply() - LLM_IOC_SETUP with the stop strings in kernel memory
 * @session: session
 * @args: what is asked, neither a system message nor a chat template; @args->stops is
 *	not used
 * @stops: @args->stops_count stop strings in memory of llm_alloc(), or NULL; NULL
 *	afterwards where the session took them
 *
 * Return: 0 or an error of LLM_IOC_SETUP, with nothing changed.
 */
int llm_setup_apply(struct llm_session *session, const struct llm_session_setup *args,
		    struct llm_stop **stops);

/**
 * llm_setup_apply_sampling() - LLM_IOC_SAMPLING with the biases in kernel memory
 * @session: session
 * @args: what is asked; @args->biases is not used
 * @biases: @args->biases_count biases in range, in memory of llm_alloc(), or NULL;
 *	NULL afterwards where the session took them
 *
 * Return: 0 or an error of LLM_IOC_SAMPLING, with nothing changed.
 */
int llm_setup_apply_sampling(struct llm_session *session, const struct llm_sampling *args,
			     const struct llm_sampling_bias **biases);

/**
 * struct llm_settings - what a session was like
 * @model: its model, a reference, or NULL
 * @context: positions it might use
 * @context_given: whether they were asked for
 * @max_tokens: tokens a reply might have
 * @priority: of its next job
 * @special: whether control tokens were text
 * @raw: whether text was computed as it was
 * @seeded: whether a seed was given
 * @stops: stop strings, copies
 * @stop_count: how many
 * @sampling: how tokens were chosen; its biases are copies
 */
struct llm_settings {
	struct llm_model *model;
	u32 context;
	bool context_given;
	u32 max_tokens;
	enum llm_priority priority;
	bool special;
	bool raw;
	bool seeded;
	struct llm_stop *stops;
	u32 stop_count;
	struct llm_sampling_params sampling;
};

/**
 * llm_setup_save() - remembers what a session is like
 * @session: session that nobody else changes meanwhile
 * @saved: filled; for llm_setup_restore() or llm_setup_forget()
 *
 * Return: 0 or -ENOMEM.
 */
int llm_setup_save(struct llm_session *session, struct llm_settings *saved);

/**
 * llm_setup_restore() - makes a session what it was
 * @session: session without a job under way, that got no token since
 * @saved: what it was; used up
 */
void llm_setup_restore(struct llm_session *session, struct llm_settings *saved);

/**
 * llm_setup_forget() - the session stays as it is now
 * @saved: what it was; used up
 */
void llm_setup_forget(struct llm_settings *saved);

#endif /* LLM_SETUP_H */
