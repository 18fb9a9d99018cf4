/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_SETUP_H
#define LLM_SETUP_H

struct llm_call;
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

#endif /* LLM_SETUP_H */
