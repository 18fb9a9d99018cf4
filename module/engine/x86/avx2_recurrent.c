// SPDX-License-Identifier: GPL-2.0
/* The recurrences of the AVX2 form: eight numbers of a state at a time. */
#include "avx2.h"
#include "avx2_lanes.h"

void llm_avx2_scan(const struct llm_scan *s)
{
	u32 i, j;

	for (i = 0; i < s->channels; i++) {
		float *state = s->state + i * s->states;
		const float *a = s->a + i * s->states;
		float input = s->t[i] * s->x[i];
		__m256 times = _mm256_set1_ps(s->t[i]), inputs = _mm256_set1_ps(input);
		__m256 sums = _mm256_setzero_ps(), v;
		float sum;

		for (j = 0; j + 8 <= s->states; j += 8) {
			v = exp_lanes(_mm256_mul_ps(times, _mm256_loadu_ps(a + j)));
			v = _mm256_mul_ps(v, _mm256_loadu_ps(state + j));
			v = _mm256_fmadd_ps(inputs, _mm256_loadu_ps(s->b + j), v);
			_mm256_storeu_ps(state + j, v);
			sums = _mm256_fmadd_ps(v, _mm256_loadu_ps(s->c + j), sums);
		}
		sum = sum_lanes(sums);
		for (; j < s->states; j++) {
			state[j] = state[j] * llm_expf(s->t[i] * a[j]) + input * s->b[j];
			sum += state[j] * s->c[j];
		}
		s->y[i] = s->d ? sum + s->d[i] * s->x[i] : sum;
	}
}

static float removed_of(const struct llm_wkv *w, const float *state)
{
	__m256 sums = _mm256_setzero_ps();
	float sum;
	u32 j;

	for (j = 0; j + 8 <= w->n; j += 8)
		sums = _mm256_fmadd_ps(_mm256_loadu_ps(state + j), _mm256_loadu_ps(w->read + j),
				       sums);
	sum = sum_lanes(sums);
	for (; j < w->n; j++)
		sum += state[j] * w->read[j];
	return sum;
}

void llm_avx2_wkv(const struct llm_wkv *w)
{
	u32 i, j;

	for (i = 0; i < w->n; i++) {
		float *state = w->state + i * w->n;
		float removed = removed_of(w, state);
		__m256 removes = _mm256_set1_ps(removed), values = _mm256_set1_ps(w->v[i]);
		__m256 sums = _mm256_setzero_ps(), v;
		float sum;

		for (j = 0; j + 8 <= w->n; j += 8) {
			v = _mm256_mul_ps(_mm256_loadu_ps(state + j),
					  _mm256_loadu_ps(w->decay + j));
			v = _mm256_fmadd_ps(values, _mm256_loadu_ps(w->k + j), v);
			v = _mm256_fnmadd_ps(removes, _mm256_loadu_ps(w->write + j), v);
			_mm256_storeu_ps(state + j, v);
			sums = _mm256_fmadd_ps(v, _mm256_loadu_ps(w->r + j), sums);
		}
		sum = sum_lanes(sums);
		for (; j < w->n; j++) {
			state[j] = state[j] * w->decay[j] + w->v[i] * w->k[j] -
				   removed * w->write[j];
			sum += state[j] * w->r[j];
		}
		w->y[i] = sum;
	}
}
