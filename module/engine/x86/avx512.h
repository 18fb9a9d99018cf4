/* SPDX-License-Identifier: GPL-2.0 */
/* The functions of the AVX-512 form that have files of their own; see struct llm_form. */
#ifndef LLM_ENGINE_AVX512_H
#define LLM_ENGINE_AVX512_H

#include "../form.h"

void llm_avx512_groups_f32(const struct llm_matmul *m);
void llm_avx512_groups_f16(const struct llm_matmul *m);
void llm_avx512_groups_bf16(const struct llm_matmul *m);
void llm_avx512_groups_q4_0(const struct llm_matmul *m);
void llm_avx512_groups_q4_1(const struct llm_matmul *m);
void llm_avx512_groups_q5_0(const struct llm_matmul *m);
void llm_avx512_groups_q5_1(const struct llm_matmul *m);
void llm_avx512_groups_q8_0(const struct llm_matmul *m);
void llm_avx512_groups_q2_k(const struct llm_matmul *m);
void llm_avx512_groups_q3_k(const struct llm_matmul *m);
void llm_avx512_groups_iq4_xs(const struct llm_matmul *m);
void llm_avx512_groups_mxfp4(const struct llm_matmul *m);
void llm_avx512_groups_q4_k(const struct llm_matmul *m);
void llm_avx512_groups_q5_k(const struct llm_matmul *m);
void llm_avx512_groups_q6_k(const struct llm_matmul *m);
void llm_avx512_groups_iq4_nl(const struct llm_matmul *m);
void llm_avx512_attend_f32(const struct llm_attend_page *page,
			   const struct llm_attend_query *queries, u32 count);
void llm_avx512_attend_f16(const struct llm_attend_page *page,
			   const struct llm_attend_query *queries, u32 count);
void llm_avx512_attend_q8_0(const struct llm_attend_page *page,
			    const struct llm_attend_query *queries, u32 count);

#endif /* LLM_ENGINE_AVX512_H */
