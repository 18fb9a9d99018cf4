/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the AVX2 form share: eight lanes at a time. */
#ifndef LLM_ENGINE_AVX2_LANES_H
#define LLM_ENGINE_AVX2_LANES_H

#include "../math.h"
#include "intrinsics.h"

static inline float sum_lanes(__m256 a)
{
	__m128 x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));

	x = _mm_add_ps(x, _mm_movehl_ps(x, x));
	x = _mm_add_ss(x, _mm_movehdup_ps(x));
	return _mm_cvtss_f32(x);
}

static inline __m256 load_f16(const u16 *x)
{
	return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)x));
}

static inline float f16_to_f32(u16 x)
{
	return _cvtsh_ss(x);
}

static inline float most_lane(__m256 a)
{
	__m128 x = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));

	x = _mm_max_ps(x, _mm_movehl_ps(x, x));
	x = _mm_max_ss(x, _mm_movehdup_ps(x));
	return _mm_cvtss_f32(x);
}

/* llm_expf() in eight lanes. */
static inline __m256 exp_lanes(__m256 x)
{
	__m256i exponent;
	__m256 n, p;

	/* The first operand of max is dropped where it is not a number. */
	x = _mm256_max_ps(x, _mm256_set1_ps(LLM_EXP_MIN));
	x = _mm256_min_ps(x, _mm256_set1_ps(LLM_EXP_MAX));
	n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(LLM_LOG2_E)),
			    _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	x = _mm256_fnmadd_ps(n, _mm256_set1_ps(LLM_LN2_HIGH), x);
	x = _mm256_fnmadd_ps(n, _mm256_set1_ps(LLM_LN2_LOW), x);
	p = _mm256_set1_ps(LLM_EXP_E0);
	p = _mm256_fmadd_ps(p, x, _mm256_set1_ps(LLM_EXP_E1));
	p = _mm256_fmadd_ps(p, x, _mm256_set1_ps(LLM_EXP_E2));
	p = _mm256_fmadd_ps(p, x, _mm256_set1_ps(LLM_EXP_E3));
	p = _mm256_fmadd_ps(p, x, _mm256_set1_ps(LLM_EXP_E4));
	p = _mm256_fmadd_ps(p, x, _mm256_set1_ps(LLM_EXP_E5));
	p = _mm256_fmadd_ps(_mm256_mul_ps(p, x), x, _mm256_add_ps(x, _mm256_set1_ps(1.0f)));
	exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
	return _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)));
}

#endif /* LLM_ENGINE_AVX2_LANES_H */
