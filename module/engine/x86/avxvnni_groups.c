// SPDX-License-Identifier: GPL-2.0
/*
 * Products of weights in groups for AVX-VNNI: the instruction that AVX-512 has, for
 * 256 bits and without the rest of it.
 */
#include "avxvnni.h"

#define PRODUCT(type) llm_avxvnni_groups_##type
#include "avx2_rows.h"

/* The rows take turns: a sum waits for what was added before. */
static __always_inline void add_columns(struct products *p, const struct llm_matmul *m, u32 r,
					const u32 rows, const u8 *group, u32 block, u32 part,
					const u32 from, const u32 to, take take_columns)
{
	__m256i w, x;
	u32 i, k;

#pragma GCC unroll 8
	for (i = from; i < to; i++) {
		w = take_columns(group, part, i);
#pragma GCC unroll 8
		for (k = 0; k < rows; k++) {
			x = broadcast_four(input_at(m, r + k, block)->values + 4 * i);
			p->at[k] = _mm256_dpbusd_epi32(p->at[k], w, x);
		}
	}
}

static __always_inline void add_scaled(struct products *p, const struct llm_matmul *m, u32 r,
				       const u32 rows, const u8 *group, u32 block, u32 part,
				       const u32 from, const u32 to, const __m256i *scales,
				       take take_columns)
{
	struct products unscaled;
	__m256i factors;
	u32 i;

	if (!scales) {
		add_columns(p, m, r, rows, group, block, part, from, to, take_columns);
		return;
	}
	clear_products(&unscaled, rows);
	add_columns(&unscaled, m, r, rows, group, block, part, from, to, take_columns);
	factors = _mm256_srai_epi32(*scales, 16);
#pragma GCC unroll 8
	for (i = 0; i < rows; i++)
		p->at[i] = _mm256_add_epi32(p->at[i], _mm256_mullo_epi32(unscaled.at[i], factors));
}

static __always_inline __m256i take_iq4_nl(const u8 *group, u32 part, u32 i)
{
	return look_up_iq4(take_q4_0(group, part, i), -128);
}

static __always_inline __m256i take_iq4_xs(const u8 *group, u32 part, u32 i)
{
	return look_up_iq4(fours_iq4_xs(group, part, i), -128);
}

DEFINE_ADD(q4_0, add_scaled, take_q4_0)
DEFINE_ADD(q4_1, add_scaled, take_q4_1)
DEFINE_ADD(q5_0, add_scaled, take_q5_0)
DEFINE_ADD(q5_1, add_scaled, take_q5_1)
DEFINE_ADD(q8_0, add_scaled, take_q8_0)
DEFINE_ADD(iq4_nl, add_scaled, take_iq4_nl)
DEFINE_ADD(mxfp4, add_scaled, take_mxfp4)
DEFINE_ADD(q2_k, add_scaled, take_q2_k)
DEFINE_ADD(q3_k, add_scaled, take_q3_k)
DEFINE_ADD(q4_k, add_scaled, take_q4_k)
DEFINE_ADD(q5_k, add_scaled, take_q5_k)
DEFINE_ADD(q6_k, add_scaled, take_q6_k)
DEFINE_ADD(iq4_xs, add_scaled, take_iq4_xs)

DEFINE_BLOCKS(q4_0, struct llm_block_q4_0, 8, false)
DEFINE_BLOCKS(q4_1, struct llm_block_q4_1, 0, true)
DEFINE_BLOCKS(q5_0, struct llm_block_q5_0, 16, false)
DEFINE_BLOCKS(q5_1, struct llm_block_q5_1, 0, true)
DEFINE_BLOCKS(q8_0, struct llm_block_q8_0, 128, false)
DEFINE_BLOCKS(iq4_nl, struct llm_block_q4_0, 128, false)
DEFINE_PRODUCT(mxfp4, struct llm_block_mxfp4, 1, add_one_scale, load_exponents, 1, 12, false)
DEFINE_PRODUCT(q2_k, struct llm_block_q2_k, PARTS, add_block_q2_k)
DEFINE_PRODUCT(q4_k, struct llm_block_q4_k, PARTS, add_with_minima)
DEFINE_PRODUCT(q5_k, struct llm_block_q5_k, PARTS, add_with_minima)
DEFINE_HALVES(q3_k, 4)
DEFINE_HALVES(q6_k, 32)
DEFINE_HALVES(iq4_xs, 128)
