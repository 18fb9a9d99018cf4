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

/*
 * What the forms for AVX-512 have in common beside LLM_AVX2_SHARED: all but their names,
 * what they need, and products of BF16.
 */
#define LLM_AVX512_SHARED(groups_bf16)							\
	.macs_per_us = 15000,								\
	.group_macs_per_us = 150000,							\
	.float_macs_per_us = 36000,							\
	.matmul_groups = {								\
		[LLM_TENSOR_F32] = llm_avx512_groups_f32,				\
		[LLM_TENSOR_F16] = llm_avx512_groups_f16,				\
		[LLM_TENSOR_BF16] = groups_bf16,					\
		[LLM_TENSOR_Q4_0] = llm_avx512_groups_q4_0,				\
		[LLM_TENSOR_Q4_1] = llm_avx512_groups_q4_1,				\
		[LLM_TENSOR_Q5_0] = llm_avx512_groups_q5_0,				\
		[LLM_TENSOR_Q5_1] = llm_avx512_groups_q5_1,				\
		[LLM_TENSOR_Q8_0] = llm_avx512_groups_q8_0,				\
		[LLM_TENSOR_Q2_K] = llm_avx512_groups_q2_k,				\
		[LLM_TENSOR_Q3_K] = llm_avx512_groups_q3_k,				\
		[LLM_TENSOR_Q4_K] = llm_avx512_groups_q4_k,				\
		[LLM_TENSOR_Q5_K] = llm_avx512_groups_q5_k,				\
		[LLM_TENSOR_Q6_K] = llm_avx512_groups_q6_k,				\
		[LLM_TENSOR_IQ4_NL] = llm_avx512_groups_iq4_nl,				\
		[LLM_TENSOR_IQ4_XS] = llm_avx512_groups_iq4_xs,				\
		[LLM_TENSOR_MXFP4] = llm_avx512_groups_mxfp4,				\
	},										\
	.attend = {									\
		[LLM_TENSOR_F32] = llm_avx512_attend_f32,				\
		[LLM_TENSOR_F16] = llm_avx512_attend_f16,				\
		[LLM_TENSOR_Q8_0] = llm_avx512_attend_q8_0,				\
	}

#endif /* LLM_ENGINE_AVX512_H */
