/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_SETUP_H
#define LLM_SETUP_H

struct llm_call;

/** llm_setup() - LLM_IOC_SETUP */
int llm_setup(struct llm_call *call);

/** llm_setup_sampling() - LLM_IOC_SAMPLING */
int llm_setup_sampling(struct llm_call *call);

#endif /* LLM_SETUP_H */
