// SPDX-License-Identifier: GPL-2.0
/*
 * Attention to a page for AVX2. Lanes are positions where scores are made, and
 * columns where values are summed, so that nothing is added across lanes but the
 * sum of the weights.
 */
#include "../kv_layout.h"
#include "avx2.h"
#include "avx2_lanes.h"
#include "fetch_page.h"

#define LANES	8
#define VECTORS	(LLM_PAGE_POSITIONS / LANES)
/* Vectors of positions at a time, and queries that share what is loaded. */
#define STRIP	2
#define SHARED	2

/* The weights of one query for the positions of a page. */
struct weights {
	float at[LLM_PAGE_POSITIONS] __aligned(32);
};

/* Eight numbers from number @at on; of LLM_TENSOR_Q8_0 without their scales. */
static __always_inline __m256 load_lanes(const void *numbers, u32 at, const u32 type)
{
	__m128i bytes;

	if (type == LLM_TENSOR_F32)
		return _mm256_loadu_ps((const float *)numbers + at);
	if (type == LLM_TENSOR_F16)
		return load_f16((const u16 *)numbers + at);
	bytes = _mm_loadl_epi64((const __m128i *)((const s8 *)numbers + at));
	return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(bytes));
}

static __always_inline __m256 query_at(const struct llm_attend_query *q, u32 d)
{
	return _mm256_broadcast_ss((const float *)q->query + d);
}

/* Scores of @count queries for the STRIP vectors of positions from @first on. */
static __always_inline void score_strip(const struct llm_attend_page *page,
					const struct llm_attend_query *queries,
					struct weights *weights, u32 first, const u32 count,
					const u32 type)
{
	const void *keys = page->keys;
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
		if (!first)
			fetch_numbers(page->next_keys, d * LLM_PAGE_POSITIONS,
				      2 * LLM_PAGE_POSITIONS, type);
#pragma GCC unroll 2
		for (v = 0; v < STRIP; v++)
			key[v] = load_lanes(keys, first + d * LLM_PAGE_POSITIONS + v * LANES, type);
#pragma GCC unroll 2
		for (i = 0; i < count; i++) {
			q = query_at(&queries[i], d);
#pragma GCC unroll 2
			for (v = 0; v < STRIP; v++)
				even[i][v] = _mm256_fmadd_ps(q, key[v], even[i][v]);
		}
#pragma GCC unroll 2
		for (v = 0; v < STRIP; v++)
			key[v] = load_lanes(keys, first + (d + 1) * LLM_PAGE_POSITIONS + v * LANES,
					    type);
#pragma GCC unroll 2
		for (i = 0; i < count; i++) {
			q = query_at(&queries[i], d + 1);
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
				key[v] = load_lanes(keys, first + d * LLM_PAGE_POSITIONS +
						    v * LANES, type);
				q = query_at(&queries[i], d);
				even[i][v] = _mm256_fmadd_ps(q, key[v], even[i][v]);
			}
			_mm256_store_ps(weights[i].at + first + v * LANES,
					_mm256_add_ps(even[i][v], odd[i][v]));
		}
	}
}

/*
 * The products of four columns of eight keys with those of a query. 128 was added to
 * the keys, which are above -128 without it: two products fit 16 bits.
 */
static __always_inline __m256i multiply_fours(const u8 (*keys)[4], s32 four)
{
	__m256i key = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)keys),
				       _mm256_set1_epi8(-128));
	__m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(key),
					     _mm256_sign_epi8(_mm256_set1_epi32(four), key));

	return _mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

/* Adds the products of a block of columns to the sums of a query, from @first on. */
static __always_inline void add_block(__m256 *sums, const struct llm_kv_q8_0 *key,
				      const struct llm_block_x8 *x, u32 first)
{
	__m256 scale = _mm256_set1_ps(llm_float(x->scale_bits));
	__m256i products, fours;
	u32 c, v;

#pragma GCC unroll 2
	for (v = 0; v < STRIP; v++) {
		products = _mm256_setzero_si256();
#pragma GCC unroll 8
		for (c = 0; c < LLM_BLOCK / 4; c++) {
			fours = multiply_fours(&key->keys[c][first + v * LANES],
					       ((const s32 *)x->values)[c]);
			products = _mm256_add_epi32(products, fours);
		}
		sums[v] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(products),
					  _mm256_mul_ps(load_f16(key->scales + first + v * LANES),
							scale), sums[v]);
	}
}

static __always_inline void score_blocks(const struct llm_attend_page *page,
					 const struct llm_attend_query *query,
					 struct weights *weights, u32 first)
{
	const struct llm_block_x8 *x = query->query;
	const struct llm_kv_q8_0 *keys = page->keys, *next = page->next_keys;
	__m256 sums[STRIP];
	u32 b, v;

#pragma GCC unroll 2
	for (v = 0; v < STRIP; v++)
		sums[v] = _mm256_setzero_ps();
	for (b = 0; b < page->key / LLM_BLOCK; b++) {
		if (!first)
			fetch_bytes(&next[b], sizeof(next[b]));
		add_block(sums, &keys[b], &x[b], first);
	}
#pragma GCC unroll 2
	for (v = 0; v < STRIP; v++)
		_mm256_store_ps(weights->at + first + v * LANES, sums[v]);
}

static __always_inline void score(const struct llm_attend_page *page,
				  const struct llm_attend_query *queries, struct weights *weights,
				  const u32 count, const u32 type)
{
	u32 first, i;

	for (first = 0; first < LLM_PAGE_POSITIONS; first += STRIP * LANES) {
		if (type != LLM_TENSOR_Q8_0)
			score_strip(page, queries, weights, first, count, type);
		for (i = 0; i < count && type == LLM_TENSOR_Q8_0; i++)
			score_blocks(page, &queries[i], &weights[i], first);
	}
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

/*
 * What is added up at a time: columns from @d on, number @first of @values.. first, and
 * what is wanted after @values.
 */
struct columns {
	const void *values;
	const void *next;
	u32 first;
	u32 stride;
	u32 d;
};

/* Adds positions @from up to @to, @vectors vectors of columns. */
static __always_inline void add_columns(struct columns columns,
					const struct llm_attend_query *queries,
					const struct weights *weights, u32 from, u32 to,
					const u32 vectors, const u32 count, const u32 type)
{
	__m256 sum[SHARED][4], value[4], p;
	u32 at, i, v;

#pragma GCC unroll 2
	for (i = 0; i < count; i++)
#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			sum[i][v] = _mm256_loadu_ps(queries[i].result + columns.d + v * LANES);
	for (at = from; at < to; at++) {
		if (type == LLM_TENSOR_Q8_0)
			fetch_share(columns.next, at);
		else
			fetch_numbers(columns.next, columns.first + at * columns.stride,
				      vectors * LANES, type);
#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			value[v] = load_lanes(columns.values, columns.first +
					      at * columns.stride + v * LANES, type);
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
			_mm256_storeu_ps(queries[i].result + columns.d + v * LANES, sum[i][v]);
}

/* Weights times the scales of the values of a block. */
static __always_inline void scale_weights(struct weights *scaled, const struct weights *weights,
					  const u16 *scales, const u32 count)
{
	u32 i, v;

#pragma GCC unroll 2
	for (i = 0; i < count; i++)
#pragma GCC unroll 4
		for (v = 0; v < VECTORS; v++)
			_mm256_store_ps(scaled[i].at + v * LANES,
					_mm256_mul_ps(_mm256_load_ps(weights[i].at + v * LANES),
						      load_f16(scales + v * LANES)));
}

static __always_inline void add_blocks(const struct llm_attend_page *page,
				       const struct llm_attend_query *queries,
				       const struct weights *weights, u32 from, u32 to,
				       const u32 count)
{
	const struct llm_kv_q8_0 *block = page->values, *next = page->next_values;
	struct columns columns = { .stride = LLM_BLOCK };
	struct weights scaled[SHARED];

	for (; columns.d < page->value; columns.d += LLM_BLOCK, block++, next++) {
		scale_weights(scaled, weights, block->scales, count);
		columns.values = block->values;
		columns.next = next;
		add_columns(columns, queries, scaled, from, to, LLM_BLOCK / LANES, count,
			    LLM_TENSOR_Q8_0);
	}
}

static __always_inline float number_at(const void *numbers, u32 at, const u32 type)
{
	return type == LLM_TENSOR_F32 ? ((const float *)numbers)[at] :
					f16_to_f32(((const u16 *)numbers)[at]);
}

static __always_inline void add_numbers(const struct llm_attend_page *page,
					const struct llm_attend_query *queries,
					const struct weights *weights, u32 from, u32 to,
					const u32 count, const u32 type)
{
	struct columns c = {
		.values = page->values, .next = page->next_values, .stride = page->value_stride,
	};
	u32 i, at;

	for (; c.d + 4 * LANES <= page->value; c.d += 4 * LANES, c.first = c.d)
		add_columns(c, queries, weights, from, to, 4, count, type);
	for (; c.d + LANES <= page->value; c.d += LANES, c.first = c.d)
		add_columns(c, queries, weights, from, to, 1, count, type);
	for (; c.d < page->value; c.d++)
		for (i = 0; i < count; i++)
			for (at = from; at < to; at++)
				queries[i].result[c.d] += weights[i].at[at] *
					number_at(page->values, at * c.stride + c.d, type);
}

/* Adds positions @from up to @to, in their order, to the results. */
static __always_inline void add_values(const struct llm_attend_page *page,
				       const struct llm_attend_query *queries,
				       const struct weights *weights, u32 from, u32 to,
				       const u32 count, const u32 type)
{
	if (from >= to)
		return;
	if (type == LLM_TENSOR_Q8_0)
		add_blocks(page, queries, weights, from, to, count);
	else
		add_numbers(page, queries, weights, from, to, count, type);
}

static __always_inline void attend_one(const struct llm_attend_page *page,
				       const struct llm_attend_query *q, const u32 type)
{
	struct weights weights;

	score(page, q, &weights, 1, type);
	weigh(page, q, &weights);
	add_values(page, q, &weights, q->from, q->to, 1, type);
}

/* What both see is added together, what one sees before and after it alone. */
static __always_inline void attend_two(const struct llm_attend_page *page,
				       const struct llm_attend_query *q, const u32 type)
{
	u32 from = max(q[0].from, q[1].from);
	/* Where there is nothing that both see, each is alone. */
	u32 to = max(from, min(q[0].to, q[1].to));
	struct weights weights[SHARED];
	u32 i;

	score(page, q, weights, SHARED, type);
	for (i = 0; i < SHARED; i++) {
		weigh(page, &q[i], &weights[i]);
		add_values(page, &q[i], &weights[i], q[i].from, min(from, q[i].to), 1, type);
	}
	add_values(page, q, weights, from, to, SHARED, type);
	for (i = 0; i < SHARED; i++)
		add_values(page, &q[i], &weights[i], max(to, q[i].from), q[i].to, 1, type);
}

/* Attention to a page whose slot has one number format. */
#define DEFINE_ATTEND(name, type)							\
void llm_avx2_##name(const struct llm_attend_page *page,				\
		     const struct llm_attend_query *queries, u32 count)			\
{											\
	u32 i;										\
											\
	for (i = 0; i + SHARED <= count; i += SHARED)					\
		attend_two(page, queries + i, type);					\
	if (i < count)									\
		attend_one(page, queries + i, type);					\
}

DEFINE_ATTEND(attend_f32, LLM_TENSOR_F32)
DEFINE_ATTEND(attend_f16, LLM_TENSOR_F16)
DEFINE_ATTEND(attend_q8_0, LLM_TENSOR_Q8_0)
