// SPDX-License-Identifier: GPL-2.0
/*
 * Attention to a page for AVX-512: as the AVX2 form has it, with a page's
 * positions in two registers and all queries of a pass sharing what is loaded.
 */
#include "../kv_layout.h"
#include "avx2.h"
#include "avx2_lanes.h"
#include "avx512.h"
#include "fetch_page.h"

#define LANES	16
#define VECTORS	(LLM_PAGE_POSITIONS / LANES)
#define SHARED	LLM_ATTEND_QUERIES
/* Queries that have registers for two of numbers each; more have one at a time. */
#define FEW	4

/* The weights of one query for the positions of a page. */
struct weights {
	float at[LLM_PAGE_POSITIONS] __aligned(64);
};

/* A number for each query, where lane_of() says. */
struct lanes {
	float at[LANES] __aligned(64);
};

/*
 * The same weights, but not for the compiler, which would load each once for several vectors.
 * A product that loads what it broadcasts costs no more than one of registers, and what loads
 * a register costs time where numbers are converted beside it.
 */
static __always_inline const struct weights *hide(const struct weights *weights)
{
	__asm__("" : "+r"(weights));
	return weights;
}

static __always_inline __m512 load_halves(const u16 *x)
{
	return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)x));
}

/* Sixteen numbers from number @at on; of LLM_TENSOR_Q8_0 without their scales. */
static __always_inline __m512 load_wide(const void *numbers, u32 at, const u32 type)
{
	__m128i bytes;

	if (type == LLM_TENSOR_F32)
		return _mm512_loadu_ps((const float *)numbers + at);
	if (type == LLM_TENSOR_F16)
		return load_halves((const u16 *)numbers + at);
	bytes = _mm_loadu_si128((const __m128i *)((const s8 *)numbers + at));
	return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(bytes));
}

static __always_inline __m512 query_at(const struct llm_attend_query *q, u32 d)
{
	return _mm512_set1_ps(((const float *)q->query)[d]);
}

/* Scores of @count queries for @vectors vectors of positions from @first on. */
static __always_inline void score_strip(const struct llm_attend_page *page,
					const struct llm_attend_query *queries,
					struct weights *weights, u32 first, const u32 vectors,
					const u32 count, const u32 type)
{
	__m512 even[SHARED][VECTORS], odd[SHARED][VECTORS], key[VECTORS], q;
	u32 at = first, d, i, v;

#pragma GCC unroll 8
	for (i = 0; i < count; i++) {
#pragma GCC unroll 2
		for (v = 0; v < vectors; v++) {
			even[i][v] = _mm512_setzero_ps();
			odd[i][v] = _mm512_setzero_ps();
		}
	}
	for (d = 0; d + 2 <= page->key; d += 2, at += 2 * LLM_PAGE_POSITIONS) {
		if (!first)
			fetch_numbers(page->next_keys, at, 2 * LLM_PAGE_POSITIONS, type);
#pragma GCC unroll 2
		for (v = 0; v < vectors; v++)
			key[v] = load_wide(page->keys, at + v * LANES, type);
#pragma GCC unroll 8
		for (i = 0; i < count; i++) {
			q = query_at(&queries[i], d);
#pragma GCC unroll 2
			for (v = 0; v < vectors; v++)
				even[i][v] = _mm512_fmadd_ps(q, key[v], even[i][v]);
		}
#pragma GCC unroll 2
		for (v = 0; v < vectors; v++)
			key[v] = load_wide(page->keys, at + LLM_PAGE_POSITIONS + v * LANES, type);
#pragma GCC unroll 8
		for (i = 0; i < count; i++) {
			q = query_at(&queries[i], d + 1);
#pragma GCC unroll 2
			for (v = 0; v < vectors; v++)
				odd[i][v] = _mm512_fmadd_ps(q, key[v], odd[i][v]);
		}
	}
#pragma GCC unroll 8
	for (i = 0; i < count; i++) {
#pragma GCC unroll 2
		for (v = 0; v < vectors; v++) {
			if (d < page->key)
				even[i][v] = _mm512_fmadd_ps(query_at(&queries[i], d),
							     load_wide(page->keys, at + v * LANES,
								       type),
							     even[i][v]);
			/* cppcheck-suppress uninitvar */
			_mm512_store_ps(weights[i].at + first + v * LANES,
					_mm512_add_ps(even[i][v], odd[i][v]));
		}
	}
}

/* Scores of @count queries for all positions, whoever may see them. */
static __always_inline void score_numbers(const struct llm_attend_page *page,
					  const struct llm_attend_query *queries,
					  struct weights *weights, const u32 count, const u32 type)
{
	/* With one vector it is products that load numbers of queries: see hide(). */
	const u32 vectors = count > (type == LLM_TENSOR_F32 ? FEW : 2) ? 1 : VECTORS;
	u32 first;

	for (first = 0; first < LLM_PAGE_POSITIONS; first += vectors * LANES)
		score_strip(page, queries, weights, first, vectors, count, type);
}

/* Adds the products of a block of columns to the sums of a query. */
static __always_inline void add_block(__m512 *sums, const struct llm_kv_q8_0 *key,
				      const struct llm_block_x8 *x)
{
	__m512i products[VECTORS], four, keys;
	__m512 scales;
	u32 c, v;

#pragma GCC unroll 2
	for (v = 0; v < VECTORS; v++)
		products[v] = _mm512_set1_epi32(x->offset);
#pragma GCC unroll 8
	for (c = 0; c < LLM_BLOCK / 4; c++) {
		four = _mm512_set1_epi32(((const s32 *)x->values)[c]);
#pragma GCC unroll 2
		for (v = 0; v < VECTORS; v++) {
			keys = _mm512_loadu_si512(key->keys[c][v * LANES]);
			/* cppcheck-suppress uninitvar */
			products[v] = _mm512_dpbusd_epi32(products[v], keys, four);
		}
	}
#pragma GCC unroll 2
	for (v = 0; v < VECTORS; v++) {
		scales = _mm512_mul_ps(load_halves(key->scales + v * LANES),
				       _mm512_set1_ps(llm_float(x->scale_bits)));
		sums[v] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products[v]), scales, sums[v]);
	}
}

static __always_inline void score_blocks(const struct llm_attend_page *page,
					 const struct llm_attend_query *queries,
					 struct weights *weights, const u32 count)
{
	const struct llm_kv_q8_0 *keys = page->keys, *next = page->next_keys;
	__m512 sums[SHARED][VECTORS];
	u32 b, i, v;

#pragma GCC unroll 4
	for (i = 0; i < count; i++)
#pragma GCC unroll 2
		for (v = 0; v < VECTORS; v++)
			sums[i][v] = _mm512_setzero_ps();
	for (b = 0; b < page->key / LLM_BLOCK; b++) {
		fetch_bytes(&next[b], sizeof(next[b]));
#pragma GCC unroll 4
		for (i = 0; i < count; i++)
			add_block(sums[i], &keys[b],
				  (const struct llm_block_x8 *)queries[i].query + b);
	}
#pragma GCC unroll 4
	for (i = 0; i < count; i++)
#pragma GCC unroll 2
		for (v = 0; v < VECTORS; v++)
			_mm512_store_ps(&weights[i].at[v * LANES], sums[i][v]);
}

static __always_inline void score(const struct llm_attend_page *page,
				  const struct llm_attend_query *queries, struct weights *weights,
				  const u32 count, const u32 type)
{
	if (type == LLM_TENSOR_Q8_0)
		score_blocks(page, queries, weights, count);
	else
		score_numbers(page, queries, weights, count, type);
}

/* llm_expf() in sixteen lanes. */
static __always_inline __m512 exp_wide(__m512 x)
{
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
	return _mm512_scalef_ps(p, n);
}

/* c tanh(s / c), where tanh x = 1 - 2 / (exp(2x) + 1) */
static noinline __m512 cap_wide(__m512 s, float cap)
{
	const __m512 one = _mm512_set1_ps(1.0f), two = _mm512_set1_ps(2.0f);
	__m512 e = exp_wide(_mm512_mul_ps(s, _mm512_set1_ps(2.0f / cap)));

	e = _mm512_div_ps(two, _mm512_add_ps(e, one));
	return _mm512_mul_ps(_mm512_set1_ps(cap), _mm512_sub_ps(one, e));
}

/* Where fold_lanes() leaves what it makes of register @i; the lane after it has the same. */
static __always_inline u32 lane_of(u32 i)
{
	return i % 4 * 4 + i / 4 * 2;
}

static __always_inline __m512 combine(__m512 a, __m512 b, const bool most)
{
	return most ? _mm512_max_ps(a, b) : _mm512_add_ps(a, b);
}

/* The largest lanes of @count registers, or sums of their lanes, of all in the same order. */
static __always_inline __m512 fold_lanes(const __m512 *x, const u32 count, const bool most)
{
	__m512 pairs[4], fours[2], all;
	u32 i;

#pragma GCC unroll 4
	for (i = 0; i < 4; i++) {
		/* cppcheck-suppress uninitvar */
		const __m512 a = x[min(2 * i, count - 1)], b = x[min(2 * i + 1, count - 1)];

		pairs[i] = combine(_mm512_shuffle_f32x4(a, b, 0x44),
				   _mm512_shuffle_f32x4(a, b, 0xee), most);
	}
#pragma GCC unroll 2
	for (i = 0; i < 2; i++)
		fours[i] = combine(_mm512_shuffle_f32x4(pairs[2 * i], pairs[2 * i + 1], 0x88),
				   _mm512_shuffle_f32x4(pairs[2 * i], pairs[2 * i + 1], 0xdd),
				   most);
	all = combine(_mm512_shuffle_ps(fours[0], fours[count > 4], 0x44),
		      _mm512_shuffle_ps(fours[0], fours[count > 4], 0xee), most);
	return combine(all, _mm512_permute_ps(all, 0xb1), most);
}

/*
 * Scores to weights. What the queries had is brought to the new maxima but for results, which
 * are to be multiplied with @shrink: in the lanes that are returned it is not 1.
 */
static __always_inline __mmask16 weigh(const struct llm_attend_page *page,
				       const struct llm_attend_query *queries,
				       struct weights *weights, struct lanes *shrink,
				       const u32 count)
{
	__m512 most[SHARED], sum[SHARED], s, old = _mm512_setzero_ps(), maxima;
	struct lanes maximum, total;
	u32 seen[SHARED], i, v;
	__mmask16 grown;

#pragma GCC unroll 8
	for (i = 0; i < count; i++) {
		seen[i] = (u32)(((1ULL << queries[i].to) - 1) & ~((1ULL << queries[i].from) - 1));
		most[i] = _mm512_set1_ps(*queries[i].maximum);
		old = _mm512_mask_mov_ps(old, (__mmask16)(3 << lane_of(i)), most[i]);
#pragma GCC unroll 2
		for (v = 0; v < VECTORS; v++) {
			s = _mm512_mul_ps(_mm512_load_ps(weights[i].at + v * LANES),
					  _mm512_set1_ps(page->scale));
			if (page->cap != 0)
				s = cap_wide(s, page->cap);
			_mm512_store_ps(weights[i].at + v * LANES, s);
			most[i] = _mm512_mask_max_ps(most[i], (__mmask16)(seen[i] >> v * LANES), s,
						     most[i]);
		}
	}
	maxima = fold_lanes(most, count, true);
	grown = _mm512_cmp_ps_mask(maxima, old, _CMP_GT_OQ);
	_mm512_store_ps(maximum.at, maxima);
	_mm512_store_ps(shrink->at, exp_wide(_mm512_sub_ps(old, maxima)));
#pragma GCC unroll 8
	for (i = 0; i < count; i++) {
		sum[i] = _mm512_setzero_ps();
#pragma GCC unroll 2
		for (v = 0; v < VECTORS; v++) {
			s = _mm512_sub_ps(_mm512_load_ps(weights[i].at + v * LANES),
					  _mm512_set1_ps(maximum.at[lane_of(i)]));
			s = _mm512_maskz_mov_ps((__mmask16)(seen[i] >> v * LANES), exp_wide(s));
			sum[i] = _mm512_add_ps(sum[i], s);
			_mm512_store_ps(weights[i].at + v * LANES, s);
		}
	}
	_mm512_store_ps(total.at, fold_lanes(sum, count, false));
#pragma GCC unroll 8
	for (i = 0; i < count; i++) {
		*queries[i].maximum = maximum.at[lane_of(i)];
		*queries[i].sum = *queries[i].sum * shrink->at[lane_of(i)] +
				  total.at[lane_of(i)];
	}
	return grown;
}

static noinline void shrink_result(const struct llm_attend_query *q, float shrink, u32 columns)
{
	u32 d;

	for (d = 0; d + LANES <= columns; d += LANES)
		_mm512_storeu_ps(q->result + d, _mm512_mul_ps(_mm512_loadu_ps(q->result + d),
							      _mm512_set1_ps(shrink)));
	for (; d < columns; d++)
		q->result[d] *= shrink;
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
	const struct weights *same[4];
	__m512 sum[SHARED][4], value[4];
	u32 at, i, v;

#pragma GCC unroll 4
	for (v = 0; v < vectors; v++)
		same[v] = v && type != LLM_TENSOR_F32 ? hide(weights) : weights;
#pragma GCC unroll 8
	for (i = 0; i < count; i++)
#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			sum[i][v] = _mm512_loadu_ps(queries[i].result + columns.d + v * LANES);
	for (at = from; at < to; at++) {
		if (type == LLM_TENSOR_Q8_0)
			fetch_share(columns.next, at);
		else
			fetch_numbers(columns.next, columns.first + at * columns.stride,
				      vectors * LANES, type);
#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			value[v] = load_wide(columns.values,
					     columns.first + at * columns.stride + v * LANES, type);
#pragma GCC unroll 8
		for (i = 0; i < count; i++)
#pragma GCC unroll 4
			for (v = 0; v < vectors; v++)
				sum[i][v] = _mm512_fmadd_ps(_mm512_set1_ps(same[v][i].at[at]),
							    value[v], sum[i][v]);
	}
#pragma GCC unroll 8
	for (i = 0; i < count; i++)
#pragma GCC unroll 4
		for (v = 0; v < vectors; v++)
			_mm512_storeu_ps(queries[i].result + columns.d + v * LANES, sum[i][v]);
}

/* Weights times the scales of the values of a block. */
static __always_inline void scale_weights(struct weights *scaled, const struct weights *weights,
					  const u16 *scales, const u32 count)
{
	u32 i, v;

#pragma GCC unroll 4
	for (i = 0; i < count; i++)
#pragma GCC unroll 2
		for (v = 0; v < VECTORS; v++)
			_mm512_store_ps(scaled[i].at + v * LANES,
					_mm512_mul_ps(_mm512_load_ps(weights[i].at + v * LANES),
						      load_halves(scales + v * LANES)));
}

static __always_inline void add_blocks(const struct llm_attend_page *page,
				       const struct llm_attend_query *queries,
				       const struct weights *weights, u32 from, u32 to,
				       const u32 count)
{
	const struct llm_kv_q8_0 *block = page->values, *next = page->next_values;
	struct columns columns = { .stride = LLM_BLOCK };
	struct weights scaled[FEW];

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
	const u32 vectors = count > FEW ? 2 : 4;
	u32 i, at;

	for (; c.d + vectors * LANES <= page->value; c.d += vectors * LANES, c.first = c.d)
		add_columns(c, queries, weights, from, to, vectors, count, type);
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
	if (type == LLM_TENSOR_Q8_0)
		add_blocks(page, queries, weights, from, to, count);
	else
		add_numbers(page, queries, weights, from, to, count, type);
}

/* Likewise to the result of one query. */
static noinline void add_alone(const struct llm_attend_page *page,
			       const struct llm_attend_query *query,
			       const struct weights *weights, u32 from, u32 to, u32 type)
{
	if (type == LLM_TENSOR_F32)
		add_values(page, query, weights, from, to, 1, LLM_TENSOR_F32);
	else if (type == LLM_TENSOR_F16)
		add_values(page, query, weights, from, to, 1, LLM_TENSOR_F16);
	else
		add_values(page, query, weights, from, to, 1, LLM_TENSOR_Q8_0);
}

/*
 * What all @count queries see is added together, what one sees before and after it
 * alone.
 */
static __always_inline void attend_some(const struct llm_attend_page *page,
					const struct llm_attend_query *q,
					struct weights *weights, const u32 count, const u32 type)
{
	u32 from = 0, to = LLM_PAGE_POSITIONS, i;
	struct lanes shrink;
	__mmask16 grown;

#pragma GCC unroll 8
	for (i = 0; i < count; i++) {
		from = max(from, q[i].from);
		to = min(to, q[i].to);
	}
	/* Where there is nothing that all see, each is alone. */
	to = max(from, to);
	score(page, q, weights, count, type);
	grown = weigh(page, q, weights, &shrink, count);
#pragma GCC unroll 8
	for (i = 0; i < count; i++)
		if (grown & 1 << lane_of(i))
			shrink_result(&q[i], shrink.at[lane_of(i)], page->value);
	for (i = 0; count > 1 && i < count; i++)
		if (q[i].from < from)
			add_alone(page, &q[i], &weights[i], q[i].from, min(from, q[i].to), type);
	if (from < to)
		add_values(page, q, weights, from, to, count, type);
	for (i = 0; count > 1 && i < count; i++)
		if (q[i].to > to)
			add_alone(page, &q[i], &weights[i], max(to, q[i].from), q[i].to, type);
}

/* Each in a frame of its own. */
#define DEFINE_ATTEND_SOME(name, count, type)						\
static noinline void name##_##count(const struct llm_attend_page *page,			\
				    const struct llm_attend_query *queries)		\
{											\
	struct weights weights[count];							\
											\
	attend_some(page, queries, weights, count, type);				\
}

#define DEFINE_ATTEND_FEW(name, type)							\
DEFINE_ATTEND_SOME(name, 1, type)							\
DEFINE_ATTEND_SOME(name, 2, type)							\
DEFINE_ATTEND_SOME(name, 3, type)							\
DEFINE_ATTEND_SOME(name, 4, type)							\
											\
static void name##_few(const struct llm_attend_page *page,				\
		       const struct llm_attend_query *queries, u32 count)		\
{											\
	if (count == 4)									\
		name##_4(page, queries);						\
	else if (count == 3)								\
		name##_3(page, queries);						\
	else if (count == 2)								\
		name##_2(page, queries);						\
	else										\
		name##_1(page, queries);						\
}

#define DEFINE_ATTEND(name, type)							\
DEFINE_ATTEND_FEW(name, type)								\
DEFINE_ATTEND_SOME(name, 5, type)							\
DEFINE_ATTEND_SOME(name, 6, type)							\
DEFINE_ATTEND_SOME(name, 7, type)							\
DEFINE_ATTEND_SOME(name, 8, type)							\
											\
void llm_avx512_##name(const struct llm_attend_page *page,				\
		       const struct llm_attend_query *queries, u32 count)		\
{											\
	if (count == 8)									\
		name##_8(page, queries);						\
	else if (count == 7)								\
		name##_7(page, queries);						\
	else if (count == 6)								\
		name##_6(page, queries);						\
	else if (count == 5)								\
		name##_5(page, queries);						\
	else										\
		name##_few(page, queries, count);					\
}

DEFINE_ATTEND(attend_f32, LLM_TENSOR_F32)
DEFINE_ATTEND(attend_f16, LLM_TENSOR_F16)
DEFINE_ATTEND_FEW(attend_q8_0, LLM_TENSOR_Q8_0)

/* Blocks have twice as much at hand: few share them. */
void llm_avx512_attend_q8_0(const struct llm_attend_page *page,
			    const struct llm_attend_query *queries, u32 count)
{
	for (; count > FEW; count -= FEW, queries += FEW)
		attend_q8_0_4(page, queries);
	attend_q8_0_few(page, queries, count);
}
