/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_LISTING_H
#define LLM_LISTING_H

struct llm_call;

/** llm_device_info() - LLM_IOC_INFO */
int llm_device_info(struct llm_call *call);

/** llm_list_models() - LLM_IOC_MODEL_LIST */
int llm_list_models(struct llm_call *call);

/** llm_list_sessions() - LLM_IOC_SESSION_LIST */
int llm_list_sessions(struct llm_call *call);

#endif /* LLM_LISTING_H */
