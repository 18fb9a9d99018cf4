/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_EMBED_H
#define LLM_EMBED_H

struct llm_call;

/** llm_embed_text() - LLM_IOC_EMBED */
int llm_embed_text(struct llm_call *call);

#endif /* LLM_EMBED_H */
