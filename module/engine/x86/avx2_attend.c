// SPDX-License-Identifier: GPL-2.0
/*
 * Attention to a page for AVX2. Lanes are positions where scores are made, and
 * columns where values are summed, so that nothing is added across lanes but the
 * sum of the weights.
 */
#include "avx2.h"
#include "avx2_lanes.h"

#define LANES	8
#define VECTORS	(LLM_PAGE_POSITIONS / LANES)
/* Vectors of positions at a time, and queries that share what is loaded. */
#define STRIP	2
#define SHARED	2

/* The weights of one query for the positions of a page. */
struct weights {
	float at[LLM_PAGE_POSITIONS] __aligned(32);
};

/* Scores of @count queries for the STRIP vectors of positions from @first on. */
static __always_inline void score_strip(const struct llm_attend_page *page,
					const struct llm_attend_query *queries,
					struct weights *weights, u32 first, const u32 count)
{
	const u16 *keys = page->keys + first;
	__m256 even[SHARED][STRIP], odd[SHARED][STRIP], key[STRIP], q;
	u32 d, i, v;

#pragma GCC unroll 2
	for (i = 0; i < count; i++) {
#pragma GCC unroll 2
		for (v = 0; v < STRIP; v++) {
			even[i][v] = _mm256_setzero_ps();
			odd[i][v] = _mm256_setzero_ps();
		}
	}
	for (d = 0; d + 2 <= page->key; d += 2) {
#pragma GCC unroll 2
		for (v = 0; v < STRIP; v++)
			key[v] = load_f16(keys + d * LLM_PAGE_POSITIONS + v * LANES);
#pragma GCC unroll 2
		for (i = 0; i < count; i++) {
			q = _mm256_broadcast_ss(&queries[i].query[d]);
#pragma GCC unroll 2
			for (v = 0; v < STRIP; v++)
				even[i][v] = _mm256_fmadd_ps(q, key[v], even[i][v]);
		}
#pragma GCC unroll 2
		for (v = 0; v < STRIP; v++)
			key[v] = load_f16(keys + (d + 1) * LLM_PAGE_POSITIONS + v * LANES);
#pragma GCC unroll 2
		for (i = 0; i < count; i++) {
			q = _mm256_broadcast_ss(&queries[i].query[d + 1]);
#pragma GCC unroll 2
			for (v = 0; v < STRIP; v++)
				odd[i][v] = _mm256_fmadd_ps(q, key[v], odd[i][v]);
		}
	}
#pragma GCC unroll 2
	for (i = 0; i < count; i++) {
#pragma GCC unroll 2
		for (v = 0; v < STRIP; v++) {
			if (d < page->key) {
				key[v] = load_f16(keys + d * LLM_PAGE_POSITIONS + v * LANES);
				q = _mm256_broadcast_ss(&queries[i].query[d]);
				even[i][v] = _mm256_fmadd_ps(q, key[v], even[i][v]);
			}
			_mm256_store_ps(weights[i].at + first + v * LANES,
					_mm256_add_ps(even[i][v], odd[i][v]));
		}
	}
}

static __always_inline void score(const struct llm_attend_page *page,
				  const struct llm_attend_query *queries, struct weights *weights,
				  const u32 count)
{
	u32 first;

	for (first = 0; first < LLM_PAGE_POSITIONS; first += STRIP * LANES)
		score_strip(page, queries, weights, first, count);
}

/* c tanh(s / c), where tanh x = 1 - 2 / (exp(2x) + 1) */
static __m256 cap_lanes(__m256 s, float cap)
{
	const __m256 one = _mm256_set1_ps(1.0f), two = _mm256_set1_ps(2.0f);
	__m256 e = exp_lanes(_mm256_mul_ps(s, _mm256_set1_ps(2.0f / cap)));

	e = _mm256_div_ps(two, _mm256_add_ps(e, one));
	return _mm256_mul_ps(_mm256_set1_ps(cap), _mm256_sub_ps(one, e));
}

/* Lanes of vector @v that are within @q's positions: all bits set. */
static __m256 seen_lanes(const struct llm_attend_query *q, u32 v)
{
	__m256i at = _mm256_add_epi32(_mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7),
				      _mm256_set1_epi32((s32)(v * LANES)));
	__m256i late = _mm256_cmpgt_epi32(_mm256_set1_epi32((s32)q->to), at);
	__m256i early = _mm256_cmpgt_epi32(_mm256_set1_epi32((s32)q->from), at);

	return _mm256_castsi256_ps(_mm256_andnot_si256(early, late));
}

static void shrink_result(const struct llm_attend_query *q, float shrink, u32 columns)
{
	u32 d;

	for (d = 0; d + LANES <= columns; d += LANES)
		_mm256_storeu_ps(q->result + d, _mm256_mul_ps(_mm256_loadu_ps(q->result + d),
							      _mm256_set1_ps(shrink)));
	for (; d < columns; d++)
		q->result[d] *= shrink;
}

/* Scores to weights; what @q had is brought to the new maximum. */
static void weigh(const struct llm_attend_page *page, const struct llm_attend_query *q,
		  struct weights *weights)
{
	__m256 most = _mm256_set1_ps(*q->maximum), sum = _mm256_setzero_ps();
	__m256 s[VECTORS], seen[VECTORS];
	float maximum, shrink;
	u32 v;

	for (v = 0; v < VECTORS; v++) {
		s[v] = _mm256_mul_ps(_mm256_load_ps(weights->at + v * LANES),
				     _mm256_set1_ps(page->scale));
		if (page->cap != 0)
			s[v] = cap_lanes(s[v], page->cap);
		seen[v] = seen_lanes(q, v);
		most = _mm256_max_ps(_mm256_blendv_ps(most, s[v], seen[v]), most);
	}
	maximum = most_lane(most);
	for (v = 0; v < VECTORS; v++) {
		s[v] = exp_lanes(_mm256_sub_ps(s[v], _mm256_set1_ps(maximum)));
		s[v] = _mm256_and_ps(s[v], seen[v]);
		sum = _mm256_add_ps(sum, s[v]);
		_mm256_store_ps(weights->at + v * LANES, s[v]);
	}
	if (maximum > *q->maximum) {
		shrink = llm_expf(*q->maximum - maximum);
		shrink_result(q, shrink, page->value);
		*q->sum *= shrink;
		*q->maximum = maximum;
	}
	*q->sum += sum_lanes(sum);
}

/* Adds positions @from up to @to, @vectors vectors of columns from @d on. */
static __always_inline void add_columns(const struct llm_attend_page *page,
					const struct llm_attend_query *queries,
					const struct weights *weights, u32 from, u32 to, u32 d,
					const u32 vectors, const u32 count)
{
	__m256 sum[SHARED][4], value[4], p;
	u32 at, i, v;

#pragma GCC unroll 2
	for (i = 0; i < count; i++)
#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			sum[i][v] = _mm256_loadu_ps(queries[i].result + d + v * LANES);
	for (at = from; at < to; at++) {
		const u16 *values = page->values + at * page->value_stride + d;

#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			value[v] = load_f16(values + v * LANES);
#pragma GCC unroll 2
		for (i = 0; i < count; i++) {
			p = _mm256_broadcast_ss(&weights[i].at[at]);
#pragma GCC unroll 4
			for (v = 0; v < vectors; v++)
				sum[i][v] = _mm256_fmadd_ps(p, value[v], sum[i][v]);
		}
	}
#pragma GCC unroll 2
	for (i = 0; i < count; i++)
#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			_mm256_storeu_ps(queries[i].result + d + v * LANES, sum[i][v]);
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

/* What both see is added together, what one sees before and after it alone. */
static void attend_two(const struct llm_attend_page *page, const struct llm_attend_query *q)
{
	u32 from = max(q[0].from, q[1].from);
	/* Where there is nothing that both see, each is alone. */
	u32 to = max(from, min(q[0].to, q[1].to));
	struct weights weights[SHARED];
	u32 i;

	score(page, q, weights, SHARED);
	for (i = 0; i < SHARED; i++) {
		weigh(page, &q[i], &weights[i]);
		add_values(page, &q[i], &weights[i], q[i].from, min(from, q[i].to), 1);
	}
	add_values(page, q, weights, from, to, SHARED);
	for (i = 0; i < SHARED; i++)
		add_values(page, &q[i], &weights[i], max(to, q[i].from), q[i].to, 1);
}

void llm_avx2_attend_f16(const struct llm_attend_page *page,
			 const struct llm_attend_query *queries, u32 count)
{
	u32 i;

	for (i = 0; i + SHARED <= count; i += SHARED)
		attend_two(page, queries + i);
	if (i < count)
		attend_one(page, queries + i);
}
