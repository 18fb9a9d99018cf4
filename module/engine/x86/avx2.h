/* SPDX-License-Identifier: GPL-2.0 */
/* The functions of the AVX2 form, for forms that share some; see struct llm_form. */
#ifndef LLM_ENGINE_AVX2_H
#define LLM_ENGINE_AVX2_H

#include "../form.h"

void llm_avx2_matmul_f32(const struct llm_matmul *m);
void llm_avx2_matmul_f16(const struct llm_matmul *m);
void llm_avx2_matmul_bf16(const struct llm_matmul *m);
void llm_avx2_matmul_q4_0(const struct llm_matmul *m);
void llm_avx2_matmul_q4_1(const struct llm_matmul *m);
void llm_avx2_matmul_q5_0(const struct llm_matmul *m);
void llm_avx2_matmul_q5_1(const struct llm_matmul *m);
void llm_avx2_matmul_q8_0(const struct llm_matmul *m);
void llm_avx2_matmul_q2_k(const struct llm_matmul *m);
void llm_avx2_matmul_q3_k(const struct llm_matmul *m);
void llm_avx2_matmul_q4_k(const struct llm_matmul *m);
void llm_avx2_matmul_q5_k(const struct llm_matmul *m);
void llm_avx2_matmul_q6_k(const struct llm_matmul *m);
void llm_avx2_matmul_iq4_nl(const struct llm_matmul *m);
void llm_avx2_matmul_iq4_xs(const struct llm_matmul *m);
void llm_avx2_matmul_mxfp4(const struct llm_matmul *m);
void llm_avx2_groups_f32(const struct llm_matmul *m);
void llm_avx2_groups_f16(const struct llm_matmul *m);
void llm_avx2_groups_bf16(const struct llm_matmul *m);
void llm_avx2_groups_q4_0(const struct llm_matmul *m);
void llm_avx2_groups_q4_1(const struct llm_matmul *m);
void llm_avx2_groups_q5_0(const struct llm_matmul *m);
void llm_avx2_groups_q5_1(const struct llm_matmul *m);
void llm_avx2_groups_iq4_nl(const struct llm_matmul *m);
void llm_avx2_groups_q8_0(const struct llm_matmul *m);
void llm_avx2_groups_mxfp4(const struct llm_matmul *m);
void llm_avx2_groups_iq4_xs(const struct llm_matmul *m);
void llm_avx2_groups_q2_k(const struct llm_matmul *m);
void llm_avx2_groups_q3_k(const struct llm_matmul *m);
void llm_avx2_groups_q4_k(const struct llm_matmul *m);
void llm_avx2_groups_q5_k(const struct llm_matmul *m);
void llm_avx2_groups_q6_k(const struct llm_matmul *m);
void llm_avx2_quantize_q8_0(struct llm_block_x8 *y, const float *x, u32 n);
void llm_avx2_quantize_q8_1(struct llm_block_x8 *y, const float *x, u32 n);
void llm_avx2_quantize_q8_k(struct llm_block_x8 *y, const float *x, u32 n);
float llm_avx2_sum(const float *x, u32 n);
float llm_avx2_sum_squares(const float *x, u32 n);
float llm_avx2_sum_squares_from(const float *x, float middle, u32 n);
void llm_avx2_normalize(const struct llm_normal *normal);
void llm_avx2_rotate_adjacent(float *head, const float *angles, u32 columns);
void llm_avx2_rotate_halves(float *head, const float *angles, u32 columns);
void llm_avx2_f32_to_f16(u16 *y, const float *x, u32 n);
void llm_avx2_round_to_f16(float *y, const float *x, u32 n);
void llm_avx2_round_to_bf16(float *y, const float *x, u32 n);
void llm_avx2_attend_f32(const struct llm_attend_page *page, const struct llm_attend_query *queries,
			 u32 count);
void llm_avx2_attend_f16(const struct llm_attend_page *page, const struct llm_attend_query *queries,
			 u32 count);
void llm_avx2_attend_q8_0(const struct llm_attend_page *page,
			  const struct llm_attend_query *queries, u32 count);
void llm_avx2_scan(const struct llm_scan *s);
void llm_avx2_wkv(const struct llm_wkv *w);
void llm_avx2_activate_none(float *y, const float *x, const float *u, u32 n);
void llm_avx2_activate_silu(float *y, const float *x, const float *u, u32 n);
void llm_avx2_activate_gelu(float *y, const float *x, const float *u, u32 n);
void llm_avx2_activate_tanh(float *y, const float *x, const float *u, u32 n);
void llm_avx2_activate_sigmoid(float *y, const float *x, const float *u, u32 n);
void llm_avx2_activate_relu2(float *y, const float *x, const float *u, u32 n);
void llm_avx2_activate_gelu_f16(float *y, const float *x, const float *u, u32 n);

/*
 * What all forms of this architecture have in common: all but the products of weights in
 * groups, attention, their names and costs, and what they need.
 */
#define LLM_AVX2_SHARED									\
	.matmul = {									\
		[LLM_TENSOR_F32] = llm_avx2_matmul_f32,					\
		[LLM_TENSOR_F16] = llm_avx2_matmul_f16,					\
		[LLM_TENSOR_BF16] = llm_avx2_matmul_bf16,				\
		[LLM_TENSOR_Q8_0] = llm_avx2_matmul_q8_0,				\
		[LLM_TENSOR_Q4_0] = llm_avx2_matmul_q4_0,				\
		[LLM_TENSOR_Q4_1] = llm_avx2_matmul_q4_1,				\
		[LLM_TENSOR_Q5_0] = llm_avx2_matmul_q5_0,				\
		[LLM_TENSOR_Q5_1] = llm_avx2_matmul_q5_1,				\
		[LLM_TENSOR_Q2_K] = llm_avx2_matmul_q2_k,				\
		[LLM_TENSOR_Q3_K] = llm_avx2_matmul_q3_k,				\
		[LLM_TENSOR_Q4_K] = llm_avx2_matmul_q4_k,				\
		[LLM_TENSOR_Q5_K] = llm_avx2_matmul_q5_k,				\
		[LLM_TENSOR_Q6_K] = llm_avx2_matmul_q6_k,				\
		[LLM_TENSOR_IQ4_NL] = llm_avx2_matmul_iq4_nl,				\
		[LLM_TENSOR_IQ4_XS] = llm_avx2_matmul_iq4_xs,				\
		[LLM_TENSOR_MXFP4] = llm_avx2_matmul_mxfp4,				\
	},										\
	.quantize = {									\
		[LLM_INPUT_Q8_0] = llm_avx2_quantize_q8_0,				\
		[LLM_INPUT_Q8_1] = llm_avx2_quantize_q8_1,				\
		[LLM_INPUT_Q8_K] = llm_avx2_quantize_q8_k,				\
	},										\
	.sum = llm_avx2_sum,								\
	.sum_squares = llm_avx2_sum_squares,						\
	.sum_squares_from = llm_avx2_sum_squares_from,					\
	.normalize = llm_avx2_normalize,						\
	.rotate = {									\
		[LLM_PAIRING_ADJACENT] = llm_avx2_rotate_adjacent,			\
		[LLM_PAIRING_HALVES] = llm_avx2_rotate_halves,				\
	},										\
	.f32_to_f16 = llm_avx2_f32_to_f16,						\
	.round_to_f16 = llm_avx2_round_to_f16,						\
	.round_to_bf16 = llm_avx2_round_to_bf16,					\
	.scan = llm_avx2_scan,								\
	.wkv = llm_avx2_wkv,								\
	.activate = {									\
		[LLM_ACT_NONE] = llm_avx2_activate_none,				\
		[LLM_ACT_SILU] = llm_avx2_activate_silu,				\
		[LLM_ACT_GELU] = llm_avx2_activate_gelu,				\
		[LLM_ACT_TANH] = llm_avx2_activate_tanh,				\
		[LLM_ACT_SIGMOID] = llm_avx2_activate_sigmoid,				\
		[LLM_ACT_RELU2] = llm_avx2_activate_relu2,				\
		[LLM_ACT_GELU_F16] = llm_avx2_activate_gelu_f16,			\
	}

#endif /* LLM_ENGINE_AVX2_H */
