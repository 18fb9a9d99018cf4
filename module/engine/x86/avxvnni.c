// SPDX-License-Identifier: GPL-2.0
/*
 * The hot loops for AVX2 with AVX-VNNI: products of weights in groups are its own,
 * the rest is that of the AVX2 form.
 */
#include "avx2.h"
#include "avxvnni.h"

const struct llm_form llm_form_avxvnni = {
	.name = "avxvnni",
	.usable = llm_cpu_has_avxvnni,
	.macs_per_us = 10000,
	.group_macs_per_us = 100000,
	.float_macs_per_us = 16000,
	LLM_AVX2_SHARED,
	.matmul_groups = {
		[LLM_TENSOR_F32] = llm_avx2_groups_f32,
		[LLM_TENSOR_F16] = llm_avx2_groups_f16,
		[LLM_TENSOR_BF16] = llm_avx2_groups_bf16,
		[LLM_TENSOR_Q4_0] = llm_avxvnni_groups_q4_0,
		[LLM_TENSOR_Q4_1] = llm_avxvnni_groups_q4_1,
		[LLM_TENSOR_Q5_0] = llm_avxvnni_groups_q5_0,
		[LLM_TENSOR_Q5_1] = llm_avxvnni_groups_q5_1,
		[LLM_TENSOR_Q8_0] = llm_avxvnni_groups_q8_0,
		[LLM_TENSOR_Q2_K] = llm_avxvnni_groups_q2_k,
		[LLM_TENSOR_Q3_K] = llm_avxvnni_groups_q3_k,
		[LLM_TENSOR_Q4_K] = llm_avxvnni_groups_q4_k,
		[LLM_TENSOR_Q5_K] = llm_avxvnni_groups_q5_k,
		[LLM_TENSOR_Q6_K] = llm_avxvnni_groups_q6_k,
		[LLM_TENSOR_IQ4_NL] = llm_avxvnni_groups_iq4_nl,
		[LLM_TENSOR_IQ4_XS] = llm_avxvnni_groups_iq4_xs,
		[LLM_TENSOR_MXFP4] = llm_avxvnni_groups_mxfp4,
	},
	.attend = {
		[LLM_TENSOR_F32] = llm_avx2_attend_f32,
		[LLM_TENSOR_F16] = llm_avx2_attend_f16,
		[LLM_TENSOR_Q8_0] = llm_avx2_attend_q8_0,
	},
};
