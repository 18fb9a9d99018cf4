/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_SCORE_H
#define LLM_SCORE_H

struct llm_call;

/** llm_score_text() - LLM_IOC_SCORE */
int llm_score_text(struct llm_call *call);

#endif /* LLM_SCORE_H */
