// SPDX-License-Identifier: GPL-2.0
/*
 * Products of weights in blocks for AVX2. Each type says how 32 of its weights
 * come out of their block into a register; the rest is one loop.
 */
#include "../block.h"
#include "../math.h"
#include "avx2.h"
#include "intrinsics.h"

/* Input rows that share the work of taking weights out of their blocks. */
#define ROWS 4

/*
 * struct llm_numbers in registers. @values are 0..63, or signed where the type
 * says so; the lower halves of @values and @scales are the first sixteen.
 */
struct numbers {
	__m256i values;
	__m256 scales;
	float minima[2];
};

static __always_inline __m256 halves(float low, float high)
{
	return _mm256_setr_m128(_mm_set1_ps(low), _mm_set1_ps(high));
}

static __always_inline __m256i load_32(const u8 *bytes)
{
	return _mm256_loadu_si256((const __m256i *)bytes);
}

/* Sixteen bytes: the lower fours are the first numbers, the upper the rest. */
static __always_inline __m256i take_fours(const u8 *low_high)
{
	__m128i both = _mm_loadu_si128((const __m128i *)low_high);

	return _mm256_and_si256(_mm256_setr_m128i(both, _mm_srli_epi16(both, 4)),
				_mm256_set1_epi8(15));
}

/* Thirty-two bits to bytes of 16 or 0. */
static __always_inline __m256i fifth_bits(const u8 *fifth)
{
	const __m256i spread = _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202,
						  0x0303030303030303);
	const __m256i mask = _mm256_set1_epi64x((s64)0x8040201008040201);
	__m256i bits;
	s32 word;

	__builtin_memcpy(&word, fifth, sizeof(word));
	bits = _mm256_and_si256(_mm256_shuffle_epi8(_mm256_set1_epi32(word), spread), mask);
	return _mm256_and_si256(_mm256_cmpeq_epi8(bits, mask), _mm256_set1_epi8(16));
}

static __always_inline __m256i look_up(__m256i fours, const s8 *values)
{
	__m128i table = _mm_loadu_si128((const __m128i *)values);

	return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), fours);
}

/* Bits @shift.. of each byte, as many as @mask has. */
static __always_inline __m256i take_bits(__m256i bytes, u32 shift, u8 mask)
{
	return _mm256_and_si256(_mm256_srl_epi16(bytes, _mm_cvtsi32_si128((s32)shift)),
				_mm256_set1_epi8((s8)mask));
}

static __always_inline struct numbers with_scale(__m256i values, float scale, float minimum)
{
	return (struct numbers){
		.values = values,
		.scales = _mm256_set1_ps(scale),
		.minima = { minimum, minimum },
	};
}

static __always_inline struct numbers with_scales(__m256i values, float low, float high)
{
	return (struct numbers){ .values = values, .scales = halves(low, high) };
}

static __always_inline struct numbers take_q4_0(const u8 *block, u32 part)
{
	const struct llm_block_q4_0 *b = (const void *)block;
	float scale = _cvtsh_ss(b->scale);

	return with_scale(take_fours(b->low_high), scale, 8 * scale);
}

static __always_inline struct numbers take_q4_1(const u8 *block, u32 part)
{
	const struct llm_block_q4_1 *b = (const void *)block;

	return with_scale(take_fours(b->low_high), _cvtsh_ss(b->scale), -_cvtsh_ss(b->minimum));
}

static __always_inline struct numbers take_q5_0(const u8 *block, u32 part)
{
	const struct llm_block_q5_0 *b = (const void *)block;
	float scale = _cvtsh_ss(b->scale);

	return with_scale(_mm256_or_si256(take_fours(b->low_high), fifth_bits(b->fifth)), scale,
			  16 * scale);
}

static __always_inline struct numbers take_q5_1(const u8 *block, u32 part)
{
	const struct llm_block_q5_1 *b = (const void *)block;

	return with_scale(_mm256_or_si256(take_fours(b->low_high), fifth_bits(b->fifth)),
			  _cvtsh_ss(b->scale), -_cvtsh_ss(b->minimum));
}

static __always_inline struct numbers take_iq4_nl(const u8 *block, u32 part)
{
	static const s8 values[16] = LLM_KVALUES_IQ4;
	const struct llm_block_q4_0 *b = (const void *)block;

	return with_scale(look_up(take_fours(b->low_high), values), _cvtsh_ss(b->scale), 0);
}

static __always_inline struct numbers take_mxfp4(const u8 *block, u32 part)
{
	static const s8 values[16] = LLM_KVALUES_MXFP4;
	const struct llm_block_mxfp4 *b = (const void *)block;

	return with_scale(look_up(take_fours(b->low_high), values), llm_mxfp4_scale(b->exponent),
			  0);
}

static __always_inline struct numbers take_q2_k(const u8 *block, u32 part)
{
	const struct llm_block_q2_k *b = (const void *)block;
	float scale = _cvtsh_ss(b->scale), minimum = _cvtsh_ss(b->minimum);
	const u8 *scales = b->scales + 2 * part;
	struct numbers n;

	n = with_scales(take_bits(load_32(b->quarters + part / 4 * 32), 2 * (part % 4), 3),
			scale * (float)(scales[0] & 15), scale * (float)(scales[1] & 15));
	n.minima[0] = minimum * (float)(scales[0] >> 4);
	n.minima[1] = minimum * (float)(scales[1] >> 4);
	return n;
}

static __always_inline struct numbers take_q3_k(const u8 *block, u32 part)
{
	const struct llm_block_q3_k *b = (const void *)block;
	float scale = _cvtsh_ss(b->scale);
	float low = scale * (float)llm_q3_k_scale(b->scales, 2 * part);
	float high = scale * (float)llm_q3_k_scale(b->scales, 2 * part + 1);
	__m256i third = _mm256_slli_epi16(take_bits(load_32(b->third), part, 1), 2);
	struct numbers n;

	n = with_scales(_mm256_or_si256(take_bits(load_32(b->quarters + part / 4 * 32),
						  2 * (part % 4), 3), third), low, high);
	n.minima[0] = 4 * low;
	n.minima[1] = 4 * high;
	return n;
}

static __always_inline struct numbers take_q4_k(const u8 *block, u32 part)
{
	const struct llm_block_q4_k *b = (const void *)block;

	return with_scale(take_bits(load_32(b->low_high + part / 2 * 32), 4 * (part % 2), 15),
			  _cvtsh_ss(b->scale) * (float)llm_k_scale(b->scales, part),
			  _cvtsh_ss(b->minimum) * (float)llm_k_minimum(b->scales, part));
}

static __always_inline struct numbers take_q5_k(const u8 *block, u32 part)
{
	const struct llm_block_q5_k *b = (const void *)block;
	__m256i fours = take_bits(load_32(b->low_high + part / 2 * 32), 4 * (part % 2), 15);
	__m256i fifth = _mm256_slli_epi16(take_bits(load_32(b->fifth), part, 1), 4);

	return with_scale(_mm256_or_si256(fours, fifth),
			  _cvtsh_ss(b->scale) * (float)llm_k_scale(b->scales, part),
			  _cvtsh_ss(b->minimum) * (float)llm_k_minimum(b->scales, part));
}

static __always_inline struct numbers take_q6_k(const u8 *block, u32 part)
{
	const struct llm_block_q6_k *b = (const void *)block;
	float scale = _cvtsh_ss(b->scale);
	float low = scale * (float)b->scales[2 * part];
	float high = scale * (float)b->scales[2 * part + 1];
	__m256i fours = take_bits(load_32(b->low_high + part / 4 * 64 + part % 2 * 32),
				  part % 4 / 2 * 4, 15);
	__m256i upper = take_bits(load_32(b->upper + part / 4 * 32), 2 * (part % 4), 3);
	struct numbers n;

	n = with_scales(_mm256_or_si256(fours, _mm256_slli_epi16(upper, 4)), low, high);
	n.minima[0] = 32 * low;
	n.minima[1] = 32 * high;
	return n;
}

static __always_inline struct numbers take_iq4_xs(const u8 *block, u32 part)
{
	static const s8 values[16] = LLM_KVALUES_IQ4;
	const struct llm_block_iq4_xs *b = (const void *)block;

	return with_scale(look_up(take_fours(b->low_high + 16 * part), values),
			  _cvtsh_ss(b->scale) * (float)llm_iq4_xs_scale(b, part), 0);
}

/* Whether values have a sign, or else a minimum of each half or of the whole block. */
enum kind { SIGNED, HALVES, WHOLE };

/*
 * The sums of one output: eight lanes of products, and what the minima take off.
 * Values are below 64, or signed and at least -127: two products fit 16 bits.
 */
static __always_inline void add_block(__m256 *sum, float *minimum, const struct numbers *w,
				      const struct llm_block_x8 *x, const enum kind kind)
{
	__m256i xv = _mm256_loadu_si256((const __m256i *)x->values);
	float scale = llm_float(x->scale_bits);
	__m256i pairs;

	if (kind == SIGNED)
		pairs = _mm256_maddubs_epi16(_mm256_sign_epi8(w->values, w->values),
					     _mm256_sign_epi8(xv, w->values));
	else
		pairs = _mm256_maddubs_epi16(w->values, xv);
	*sum = _mm256_fmadd_ps(_mm256_mul_ps(w->scales, _mm256_set1_ps(scale)),
			       _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1))),
			       *sum);
	if (kind == WHOLE)
		*minimum += w->minima[0] * llm_float(x->sum_bits);
	else if (kind == HALVES)
		*minimum += scale * (w->minima[0] * (float)x->sums[0] +
				     w->minima[1] * (float)x->sums[1]);
}

static float sum_lanes(__m256 a)
{
	__m128 x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));

	x = _mm_add_ps(x, _mm_movehl_ps(x, x));
	x = _mm_add_ss(x, _mm_movehdup_ps(x));
	return _mm_cvtss_f32(x);
}

typedef struct numbers (*take)(const u8 *block, u32 part);

static __always_inline void dot(const struct llm_matmul *m, u32 o, u32 r, const u32 rows,
				take take_numbers, const u32 bytes, const u32 parts,
				const enum kind kind)
{
	const u8 *block = m->w + o * m->w_stride;
	const struct llm_block_x8 *x[ROWS];
	__m256 sums[ROWS];
	float minima[ROWS];
	struct numbers w;
	u32 i, b, part;

#pragma GCC unroll 4
	for (i = 0; i < rows; i++) {
		x[i] = (const void *)(m->x + (r + i) * m->x_stride);
		sums[i] = _mm256_setzero_ps();
		minima[i] = 0;
	}
	for (b = 0; b < m->columns / LLM_BLOCK; b += parts, block += bytes) {
		for (part = 0; part < parts; part++) {
			w = take_numbers(block, part);
#pragma GCC unroll 4
			for (i = 0; i < rows; i++)
				add_block(&sums[i], &minima[i], &w, &x[i][b + part], kind);
		}
	}
#pragma GCC unroll 4
	for (i = 0; i < rows; i++)
		llm_matmul_store(m, r + i, o, sum_lanes(sums[i]) - minima[i]);
}

/* A matrix product for one type: its name, its block, 32 numbers in it, their kind. */
#define DEFINE_MATMUL(type, block, parts, kind)						\
void llm_avx2_matmul_##type(const struct llm_matmul *m)					\
{											\
	u32 o, r;									\
											\
	for (o = 0; o < m->outputs; o++) {						\
		for (r = 0; r + ROWS <= m->rows; r += ROWS)				\
			dot(m, o, r, ROWS, take_##type, sizeof(block), parts, kind);	\
		for (; r < m->rows; r++)						\
			dot(m, o, r, 1, take_##type, sizeof(block), parts, kind);	\
	}										\
}

DEFINE_MATMUL(q4_0, struct llm_block_q4_0, 1, HALVES)
DEFINE_MATMUL(q4_1, struct llm_block_q4_1, 1, WHOLE)
DEFINE_MATMUL(q5_0, struct llm_block_q5_0, 1, HALVES)
DEFINE_MATMUL(q5_1, struct llm_block_q5_1, 1, WHOLE)
DEFINE_MATMUL(iq4_nl, struct llm_block_q4_0, 1, SIGNED)
DEFINE_MATMUL(mxfp4, struct llm_block_mxfp4, 1, SIGNED)
DEFINE_MATMUL(q2_k, struct llm_block_q2_k, 8, HALVES)
DEFINE_MATMUL(q3_k, struct llm_block_q3_k, 8, HALVES)
DEFINE_MATMUL(q4_k, struct llm_block_q4_k, 8, HALVES)
DEFINE_MATMUL(q5_k, struct llm_block_q5_k, 8, HALVES)
DEFINE_MATMUL(q6_k, struct llm_block_q6_k, 8, HALVES)
DEFINE_MATMUL(iq4_xs, struct llm_block_iq4_xs, 8, SIGNED)
