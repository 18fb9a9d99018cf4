// SPDX-License-Identifier: GPL-2.0
/*
 * The hot loops for AVX-512 with VNNI. What gains nothing from the wider
 * registers is shared with the AVX2 form.
 */
#include "avx2.h"
#include "avx512.h"

const struct llm_form llm_form_avx512 = {
	.name = "avx512",
	.usable = llm_cpu_has_avx512,
	.macs_per_us = 15000,
	.group_macs_per_us = 150000,
	.float_macs_per_us = 36000,
	LLM_AVX2_SHARED,
	.matmul_groups = {
		[LLM_TENSOR_F32] = llm_avx512_groups_f32,
		[LLM_TENSOR_F16] = llm_avx512_groups_f16,
		[LLM_TENSOR_BF16] = llm_avx512_groups_bf16,
		[LLM_TENSOR_Q4_0] = llm_avx512_groups_q4_0,
		[LLM_TENSOR_Q4_1] = llm_avx512_groups_q4_1,
		[LLM_TENSOR_Q5_0] = llm_avx512_groups_q5_0,
		[LLM_TENSOR_Q5_1] = llm_avx512_groups_q5_1,
		[LLM_TENSOR_Q8_0] = llm_avx512_groups_q8_0,
		[LLM_TENSOR_Q2_K] = llm_avx512_groups_q2_k,
		[LLM_TENSOR_Q3_K] = llm_avx512_groups_q3_k,
		[LLM_TENSOR_Q4_K] = llm_avx512_groups_q4_k,
		[LLM_TENSOR_Q5_K] = llm_avx512_groups_q5_k,
		[LLM_TENSOR_Q6_K] = llm_avx512_groups_q6_k,
		[LLM_TENSOR_IQ4_NL] = llm_avx512_groups_iq4_nl,
		[LLM_TENSOR_IQ4_XS] = llm_avx512_groups_iq4_xs,
		[LLM_TENSOR_MXFP4] = llm_avx512_groups_mxfp4,
	},
	.attend = {
		[LLM_TENSOR_F32] = llm_avx512_attend_f32,
		[LLM_TENSOR_F16] = llm_avx512_attend_f16,
		[LLM_TENSOR_Q8_0] = llm_avx512_attend_q8_0,
	},
};
