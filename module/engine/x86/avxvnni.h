/* SPDX-License-Identifier: GPL-2.0 */
/* The functions of the AVX-VNNI form that have files of their own; see struct llm_form. */
#ifndef LLM_ENGINE_AVXVNNI_H
#define LLM_ENGINE_AVXVNNI_H

#include "../form.h"

void llm_avxvnni_groups_q4_0(const struct llm_matmul *m);
void llm_avxvnni_groups_q4_1(const struct llm_matmul *m);
void llm_avxvnni_groups_q5_0(const struct llm_matmul *m);
void llm_avxvnni_groups_q5_1(const struct llm_matmul *m);
void llm_avxvnni_groups_q8_0(const struct llm_matmul *m);
void llm_avxvnni_groups_q2_k(const struct llm_matmul *m);
void llm_avxvnni_groups_q3_k(const struct llm_matmul *m);
void llm_avxvnni_groups_q4_k(const struct llm_matmul *m);
void llm_avxvnni_groups_q5_k(const struct llm_matmul *m);
void llm_avxvnni_groups_q6_k(const struct llm_matmul *m);
void llm_avxvnni_groups_iq4_nl(const struct llm_matmul *m);
void llm_avxvnni_groups_iq4_xs(const struct llm_matmul *m);
void llm_avxvnni_groups_mxfp4(const struct llm_matmul *m);

#endif /* LLM_ENGINE_AVXVNNI_H */
