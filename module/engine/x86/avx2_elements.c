// SPDX-License-Identifier: GPL-2.0
/*
 * What the AVX2 form does number by number: eight at a time, each operation rounded, so
 * that the bits are those of the portable form.
 */
#include "avx2.h"
#include "avx2_lanes.h"

void llm_avx2_normalize(const struct llm_normal *normal)
{
	const float *x = normal->x, *weight = normal->weight, *bias = normal->bias;
	__m256 middles = _mm256_set1_ps(normal->middle);
	__m256 scales = _mm256_set1_ps(normal->scale);
	const float *residual = normal->residual;
	u32 n = normal->n, i;
	__m256 v;

	for (i = 0; i + 8 <= n; i += 8) {
		v = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(x + i), middles), scales);
		if (weight)
			v = _mm256_mul_ps(v, _mm256_loadu_ps(weight + i));
		if (bias)
			v = _mm256_add_ps(v, _mm256_loadu_ps(bias + i));
		if (residual)
			v = _mm256_add_ps(v, _mm256_loadu_ps(residual + i));
		_mm256_storeu_ps(normal->y + i, v);
	}
	for (; i < n; i++)
		llm_normal_store(normal, i);
}

void llm_avx2_rotate_adjacent(float *head, const float *angles, u32 columns)
{
	__m256 angle, pairs, cosines, sines;
	u32 i;

	for (i = 0; i + 8 <= columns; i += 8) {
		angle = _mm256_loadu_ps(angles + i);
		pairs = _mm256_loadu_ps(head + i);
		cosines = _mm256_mul_ps(pairs, _mm256_moveldup_ps(angle));
		sines = _mm256_mul_ps(_mm256_permute_ps(pairs, 0xb1), _mm256_movehdup_ps(angle));
		_mm256_storeu_ps(head + i, _mm256_addsub_ps(cosines, sines));
	}
	for (; i < columns; i += 2)
		llm_rotate_pair(&head[i], &head[i + 1], &angles[i]);
}

/* Lanes in the order of memory, of two that were shuffled within their halves. */
static __m256 in_order(__m256 lanes)
{
	return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(lanes), 0xd8));
}

void llm_avx2_rotate_halves(float *head, const float *angles, u32 columns)
{
	u32 half = columns / 2;
	float *other = head + half;
	__m256 low, high, cosines, sines, a, b;
	u32 i;

	for (i = 0; i + 8 <= half; i += 8) {
		low = _mm256_loadu_ps(angles + 2 * i);
		high = _mm256_loadu_ps(angles + 2 * i + 8);
		cosines = in_order(_mm256_shuffle_ps(low, high, 0x88));
		sines = in_order(_mm256_shuffle_ps(low, high, 0xdd));
		a = _mm256_loadu_ps(head + i);
		b = _mm256_loadu_ps(other + i);
		_mm256_storeu_ps(head + i, _mm256_sub_ps(_mm256_mul_ps(a, cosines),
							 _mm256_mul_ps(b, sines)));
		_mm256_storeu_ps(other + i, _mm256_add_ps(_mm256_mul_ps(a, sines),
							  _mm256_mul_ps(b, cosines)));
	}
	for (; i < half; i++)
		llm_rotate_pair(&head[i], &other[i], &angles[2 * i]);
}
