// SPDX-License-Identifier: GPL-2.0
/*
 * Attention to a page for AVX-512: as the AVX2 form has it, with a page's
 * positions in two registers and four queries that share what is loaded.
 */
#include "avx2.h"
#include "avx2_lanes.h"
#include "avx512.h"

#define LANES	16
#define VECTORS	(LLM_PAGE_POSITIONS / LANES)
#define SHARED	LLM_ATTEND_QUERIES

/* The weights of one query for the positions of a page. */
struct weights {
	float at[LLM_PAGE_POSITIONS] __aligned(64);
};

static __always_inline __m512 load_wide(const u16 *x)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)x));
}

/* Scores of @count queries for all positions, whoever may see them. */
static __always_inline void score(const struct llm_attend_page *page,
				  const struct llm_attend_query *queries, struct weights *weights,
				  const u32 count)
{
	__m512 even[SHARED][VECTORS], odd[SHARED][VECTORS], key[VECTORS], q;
	const u16 *keys = page->keys;
	u32 d, i, v;

#pragma GCC unroll 4
	for (i = 0; i < count; i++) {
#pragma GCC unroll 2
		for (v = 0; v < VECTORS; v++) {
			even[i][v] = _mm512_setzero_ps();
			odd[i][v] = _mm512_setzero_ps();
		}
	}
	for (d = 0; d + 2 <= page->key; d += 2, keys += 2 * LLM_PAGE_POSITIONS) {
#pragma GCC unroll 2
		for (v = 0; v < VECTORS; v++)
			key[v] = load_wide(keys + v * LANES);
#pragma GCC unroll 4
		for (i = 0; i < count; i++) {
			q = _mm512_set1_ps(queries[i].query[d]);
#pragma GCC unroll 2
			for (v = 0; v < VECTORS; v++)
				even[i][v] = _mm512_fmadd_ps(q, key[v], even[i][v]);
		}
#pragma GCC unroll 2
		for (v = 0; v < VECTORS; v++)
			key[v] = load_wide(keys + LLM_PAGE_POSITIONS + v * LANES);
#pragma GCC unroll 4
		for (i = 0; i < count; i++) {
			q = _mm512_set1_ps(queries[i].query[d + 1]);
#pragma GCC unroll 2
			for (v = 0; v < VECTORS; v++)
				odd[i][v] = _mm512_fmadd_ps(q, key[v], odd[i][v]);
		}
	}
#pragma GCC unroll 4
	for (i = 0; i < count; i++) {
#pragma GCC unroll 2
		for (v = 0; v < VECTORS; v++) {
			if (d < page->key)
				even[i][v] = _mm512_fmadd_ps(_mm512_set1_ps(queries[i].query[d]),
							     load_wide(keys + v * LANES),
							     even[i][v]);
			/* cppcheck-suppress uninitvar */
			_mm512_store_ps(weights[i].at + v * LANES,
					_mm512_add_ps(even[i][v], odd[i][v]));
		}
	}
}

/* llm_expf() in sixteen lanes. */
static __m512 exp_wide(__m512 x)
{
	__m512i exponent;
	__m512 n, p;

	/* The first operand of max is dropped where it is not a number. */
	x = _mm512_max_ps(x, _mm512_set1_ps(LLM_EXP_MIN));
	x = _mm512_min_ps(x, _mm512_set1_ps(LLM_EXP_MAX));
	n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(LLM_LOG2_E)),
				 _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
	x = _mm512_fnmadd_ps(n, _mm512_set1_ps(LLM_LN2_HIGH), x);
	x = _mm512_fnmadd_ps(n, _mm512_set1_ps(LLM_LN2_LOW), x);
	p = _mm512_set1_ps(LLM_EXP_E0);
	p = _mm512_fmadd_ps(p, x, _mm512_set1_ps(LLM_EXP_E1));
	p = _mm512_fmadd_ps(p, x, _mm512_set1_ps(LLM_EXP_E2));
	p = _mm512_fmadd_ps(p, x, _mm512_set1_ps(LLM_EXP_E3));
	p = _mm512_fmadd_ps(p, x, _mm512_set1_ps(LLM_EXP_E4));
	p = _mm512_fmadd_ps(p, x, _mm512_set1_ps(LLM_EXP_E5));
	p = _mm512_fmadd_ps(_mm512_mul_ps(p, x), x, _mm512_add_ps(x, _mm512_set1_ps(1.0f)));
	exponent = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
	return _mm512_mul_ps(p, _mm512_castsi512_ps(_mm512_slli_epi32(exponent, 23)));
}

/* c tanh(s / c), where tanh x = 1 - 2 / (exp(2x) + 1) */
static __m512 cap_wide(__m512 s, float cap)
{
	const __m512 one = _mm512_set1_ps(1.0f), two = _mm512_set1_ps(2.0f);
	__m512 e = exp_wide(_mm512_mul_ps(s, _mm512_set1_ps(2.0f / cap)));

	e = _mm512_div_ps(two, _mm512_add_ps(e, one));
	return _mm512_mul_ps(_mm512_set1_ps(cap), _mm512_sub_ps(one, e));
}

static void shrink_result(const struct llm_attend_query *q, float shrink, u32 columns)
{
	u32 d;

	for (d = 0; d + LANES <= columns; d += LANES)
		_mm512_storeu_ps(q->result + d, _mm512_mul_ps(_mm512_loadu_ps(q->result + d),
							      _mm512_set1_ps(shrink)));
	for (; d < columns; d++)
		q->result[d] *= shrink;
}

/* Scores to weights; what @q had is brought to the new maximum. */
static void weigh(const struct llm_attend_page *page, const struct llm_attend_query *q,
		  struct weights *weights)
{
	u32 seen = (u32)(((1ULL << q->to) - 1) & ~((1ULL << q->from) - 1));
	__m512 most = _mm512_set1_ps(*q->maximum), sum = _mm512_setzero_ps();
	float maximum, shrink;
	__m512 s[VECTORS];
	u32 v;

#pragma GCC unroll 2
	for (v = 0; v < VECTORS; v++) {
		s[v] = _mm512_mul_ps(_mm512_load_ps(weights->at + v * LANES),
				     _mm512_set1_ps(page->scale));
		if (page->cap != 0)
			s[v] = cap_wide(s[v], page->cap);
		most = _mm512_mask_max_ps(most, (__mmask16)(seen >> v * LANES), s[v], most);
	}
	maximum = _mm512_reduce_max_ps(most);
#pragma GCC unroll 2
	for (v = 0; v < VECTORS; v++) {
		s[v] = exp_wide(_mm512_sub_ps(s[v], _mm512_set1_ps(maximum)));
		s[v] = _mm512_maskz_mov_ps((__mmask16)(seen >> v * LANES), s[v]);
		sum = _mm512_add_ps(sum, s[v]);
		_mm512_store_ps(weights->at + v * LANES, s[v]);
	}
	if (maximum > *q->maximum) {
		shrink = llm_expf(*q->maximum - maximum);
		shrink_result(q, shrink, page->value);
		*q->sum *= shrink;
		*q->maximum = maximum;
	}
	*q->sum += _mm512_reduce_add_ps(sum);
}

/* Adds positions @from up to @to, @vectors vectors of columns from @d on. */
static __always_inline void add_columns(const struct llm_attend_page *page,
					const struct llm_attend_query *queries,
					const struct weights *weights, u32 from, u32 to, u32 d,
					const u32 vectors, const u32 count)
{
	__m512 sum[SHARED][4], value[4], p;
	u32 at, i, v;

#pragma GCC unroll 4
	for (i = 0; i < count; i++)
#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			sum[i][v] = _mm512_loadu_ps(queries[i].result + d + v * LANES);
	for (at = from; at < to; at++) {
		const u16 *values = page->values + at * page->value_stride + d;

#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			value[v] = load_wide(values + v * LANES);
#pragma GCC unroll 4
		for (i = 0; i < count; i++) {
			p = _mm512_set1_ps(weights[i].at[at]);
#pragma GCC unroll 4
			for (v = 0; v < vectors; v++)
				sum[i][v] = _mm512_fmadd_ps(p, value[v], sum[i][v]);
		}
	}
#pragma GCC unroll 4
	for (i = 0; i < count; i++)
#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			_mm512_storeu_ps(queries[i].result + d + v * LANES, sum[i][v]);
}

/* Adds positions @from up to @to, in their order, to the results. */
static __always_inline void add_values(const struct llm_attend_page *page,
				       const struct llm_attend_query *queries,
				       const struct weights *weights, u32 from, u32 to,
				       const u32 count)
{
	u32 d, i, at;

	if (from >= to)
		return;
	for (d = 0; d + 4 * LANES <= page->value; d += 4 * LANES)
		add_columns(page, queries, weights, from, to, d, 4, count);
	for (; d + LANES <= page->value; d += LANES)
		add_columns(page, queries, weights, from, to, d, 1, count);
	for (; d < page->value; d++)
		for (i = 0; i < count; i++)
			for (at = from; at < to; at++)
				queries[i].result[d] +=
					weights[i].at[at] *
					f16_to_f32(page->values[at * page->value_stride + d]);
}

static void attend_one(const struct llm_attend_page *page, const struct llm_attend_query *q)
{
	struct weights weights;

	score(page, q, &weights, 1);
	weigh(page, q, &weights);
	add_values(page, q, &weights, q->from, q->to, 1);
}

/* What all see is added together, what one sees before and after it alone. */
static void attend_all(const struct llm_attend_page *page, const struct llm_attend_query *q)
{
	struct weights weights[SHARED];
	u32 from = 0, to = LLM_PAGE_POSITIONS, i;

	for (i = 0; i < SHARED; i++) {
		from = max(from, q[i].from);
		to = min(to, q[i].to);
	}
	/* Where there is nothing that all see, each is alone. */
	to = max(from, to);
	score(page, q, weights, SHARED);
	for (i = 0; i < SHARED; i++) {
		weigh(page, &q[i], &weights[i]);
		add_values(page, &q[i], &weights[i], q[i].from, min(from, q[i].to), 1);
	}
	add_values(page, q, weights, from, to, SHARED);
	for (i = 0; i < SHARED; i++)
		add_values(page, &q[i], &weights[i], max(to, q[i].from), q[i].to, 1);
}

void llm_avx512_attend_f16(const struct llm_attend_page *page,
			   const struct llm_attend_query *queries, u32 count)
{
	u32 i;

	if (count == SHARED) {
		attend_all(page, queries);
		return;
	}
	for (i = 0; i < count; i++)
		attend_one(page, queries + i);
}
