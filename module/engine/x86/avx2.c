// SPDX-License-Identifier: GPL-2.0
/*
 * The hot loops for AVX2 with FMA and F16C. The order of every sum is: eight
 * lanes, two accumulators for even and odd steps, then lanes together, then what
 * is left past the last whole step.
 */
#include "../form.h"
#include "../math.h"
#include "avx2.h"
#include "avx2_lanes.h"

/* Input rows that share one pass over a weight row. */
#define ROWS 4

static __m256 load_bf16(const u16 *x)
{
	__m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)x));

	return _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16));
}

static __always_inline void dot_f32(const struct llm_matmul *m, u32 o, u32 r, const u32 rows)
{
	const float *w = (const float *)(m->w + o * m->w_stride);
	const u8 *x = m->x + r * m->x_stride;
	__m256 even[ROWS], odd[ROWS], w0, w1;
	u32 i, c;
	float sum;

#pragma GCC unroll 4
	for (i = 0; i < rows; i++) {
		even[i] = _mm256_setzero_ps();
		odd[i] = _mm256_setzero_ps();
	}
	for (c = 0; c + 16 <= m->columns; c += 16) {
		w0 = _mm256_loadu_ps(w + c);
		w1 = _mm256_loadu_ps(w + c + 8);
#pragma GCC unroll 4
		for (i = 0; i < rows; i++) {
			const float *xi = (const float *)(x + i * m->x_stride) + c;

			even[i] = _mm256_fmadd_ps(w0, _mm256_loadu_ps(xi), even[i]);
			odd[i] = _mm256_fmadd_ps(w1, _mm256_loadu_ps(xi + 8), odd[i]);
		}
	}
#pragma GCC unroll 4
	for (i = 0; i < rows; i++) {
		const float *xi = (const float *)(x + i * m->x_stride);
		u32 rest;

		sum = sum_lanes(_mm256_add_ps(even[i], odd[i]));
		for (rest = c; rest < m->columns; rest++)
			sum += w[rest] * xi[rest];
		llm_matmul_store(m, r + i, o, sum);
	}
}

static __always_inline void dot_f16(const struct llm_matmul *m, u32 o, u32 r, const u32 rows)
{
	const u16 *w = (const u16 *)(m->w + o * m->w_stride);
	const u8 *x = m->x + r * m->x_stride;
	__m256 even[ROWS], odd[ROWS], w0, w1;
	u32 i, c;
	float sum;

#pragma GCC unroll 4
	for (i = 0; i < rows; i++) {
		even[i] = _mm256_setzero_ps();
		odd[i] = _mm256_setzero_ps();
	}
	for (c = 0; c + 16 <= m->columns; c += 16) {
		w0 = load_f16(w + c);
		w1 = load_f16(w + c + 8);
#pragma GCC unroll 4
		for (i = 0; i < rows; i++) {
			const float *xi = (const float *)(x + i * m->x_stride) + c;

			even[i] = _mm256_fmadd_ps(w0, _mm256_loadu_ps(xi), even[i]);
			odd[i] = _mm256_fmadd_ps(w1, _mm256_loadu_ps(xi + 8), odd[i]);
		}
	}
#pragma GCC unroll 4
	for (i = 0; i < rows; i++) {
		const float *xi = (const float *)(x + i * m->x_stride);
		u32 rest;

		sum = sum_lanes(_mm256_add_ps(even[i], odd[i]));
		for (rest = c; rest < m->columns; rest++)
			sum += f16_to_f32(w[rest]) * xi[rest];
		llm_matmul_store(m, r + i, o, sum);
	}
}

static __always_inline void dot_bf16(const struct llm_matmul *m, u32 o, u32 r, const u32 rows)
{
	const u16 *w = (const u16 *)(m->w + o * m->w_stride);
	const u8 *x = m->x + r * m->x_stride;
	__m256 even[ROWS], odd[ROWS], w0, w1;
	u32 i, c;
	float sum;

#pragma GCC unroll 4
	for (i = 0; i < rows; i++) {
		even[i] = _mm256_setzero_ps();
		odd[i] = _mm256_setzero_ps();
	}
	for (c = 0; c + 16 <= m->columns; c += 16) {
		w0 = load_bf16(w + c);
		w1 = load_bf16(w + c + 8);
#pragma GCC unroll 4
		for (i = 0; i < rows; i++) {
			const float *xi = (const float *)(x + i * m->x_stride) + c;

			even[i] = _mm256_fmadd_ps(w0, _mm256_loadu_ps(xi), even[i]);
			odd[i] = _mm256_fmadd_ps(w1, _mm256_loadu_ps(xi + 8), odd[i]);
		}
	}
#pragma GCC unroll 4
	for (i = 0; i < rows; i++) {
		const float *xi = (const float *)(x + i * m->x_stride);
		u32 rest;

		sum = sum_lanes(_mm256_add_ps(even[i], odd[i]));
		for (rest = c; rest < m->columns; rest++)
			sum += llm_bf16_to_f32(w[rest]) * xi[rest];
		llm_matmul_store(m, r + i, o, sum);
	}
}

/*
 * The products of 32 pairs of signed bytes, summed to eight lanes. maddubs takes
 * one unsigned side, so the sign of w moves to x; two products of it fit 16 bits
 * because |w| <= 128 and |x| <= 127.
 */
static __always_inline __m256 block_products(__m256i w, __m256i magnitude, __m256i x)
{
	__m256i pairs = _mm256_maddubs_epi16(magnitude, _mm256_sign_epi8(x, w));

	return _mm256_cvtepi32_ps(_mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

/* Adds block @b of weight row @w times input row @x, shared by rows, to @sum. */
static __always_inline __m256 add_block(__m256 sum, float scale, __m256i values,
					__m256i magnitude, const struct llm_block_x8 *x)
{
	__m256i xv = _mm256_loadu_si256((const __m256i *)x->values);

	return _mm256_fmadd_ps(_mm256_set1_ps(scale * llm_float(x->scale_bits)),
			       block_products(values, magnitude, xv), sum);
}

static __always_inline void dot_q8_0(const struct llm_matmul *m, u32 o, u32 r, const u32 rows)
{
	const struct llm_block_q8_0 *w = (const void *)(m->w + o * m->w_stride);
	const struct llm_block_x8 *x[ROWS];
	__m256 even[ROWS], odd[ROWS];
	u32 blocks = m->columns / LLM_BLOCK;
	__m256i values, magnitude;
	u32 i, b;

#pragma GCC unroll 4
	for (i = 0; i < rows; i++) {
		x[i] = (const void *)(m->x + (r + i) * m->x_stride);
		even[i] = _mm256_setzero_ps();
		odd[i] = _mm256_setzero_ps();
	}
	for (b = 0; b + 2 <= blocks; b += 2) {
		values = _mm256_loadu_si256((const __m256i *)w[b].values);
		magnitude = _mm256_sign_epi8(values, values);
#pragma GCC unroll 4
		for (i = 0; i < rows; i++)
			even[i] = add_block(even[i], f16_to_f32(w[b].scale), values, magnitude,
					    &x[i][b]);
		values = _mm256_loadu_si256((const __m256i *)w[b + 1].values);
		magnitude = _mm256_sign_epi8(values, values);
#pragma GCC unroll 4
		for (i = 0; i < rows; i++)
			odd[i] = add_block(odd[i], f16_to_f32(w[b + 1].scale), values, magnitude,
					   &x[i][b + 1]);
	}
	if (b < blocks) {
		values = _mm256_loadu_si256((const __m256i *)w[b].values);
		magnitude = _mm256_sign_epi8(values, values);
#pragma GCC unroll 4
		for (i = 0; i < rows; i++)
			even[i] = add_block(even[i], f16_to_f32(w[b].scale), values, magnitude,
					    &x[i][b]);
	}
#pragma GCC unroll 4
	for (i = 0; i < rows; i++)
		llm_matmul_store(m, r + i, o, sum_lanes(_mm256_add_ps(even[i], odd[i])));
}

#define DEFINE_MATMUL(type)							\
void llm_avx2_matmul_##type(const struct llm_matmul *m)			\
{										\
	u32 o, r;								\
										\
	for (o = 0; o < m->outputs; o++) {					\
		for (r = 0; r + ROWS <= m->rows; r += ROWS)			\
			dot_##type(m, o, r, ROWS);				\
		for (; r < m->rows; r++)					\
			dot_##type(m, o, r, 1);					\
	}									\
}

DEFINE_MATMUL(f32)
DEFINE_MATMUL(f16)
DEFINE_MATMUL(bf16)
DEFINE_MATMUL(q8_0)

/* Eight numbers to integers in -127..127, to nearest, ties to even. */
static __m256i round_lanes(const float *x, __m256 inverse)
{
	__m256 v = _mm256_mul_ps(_mm256_loadu_ps(x), inverse);

	v = _mm256_max_ps(v, _mm256_set1_ps(-127.0f));
	v = _mm256_min_ps(v, _mm256_set1_ps(127.0f));
	return _mm256_cvtps_epi32(v);
}

static s32 sum_integers(__m128i x)
{
	x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0x4e));
	x = _mm_add_epi32(x, _mm_shuffle_epi32(x, 0xb1));
	return _mm_cvtsi128_si32(x);
}

/* The sum of sixteen 16-bit integers. */
static s16 sum_halves(__m256i a)
{
	__m256i fours = _mm256_madd_epi16(a, _mm256_set1_epi16(1));

	return (s16)sum_integers(_mm_add_epi32(_mm256_castsi256_si128(fours),
					       _mm256_extracti128_si256(fours, 1)));
}

static __always_inline float largest_magnitude(const float *x, const u32 n)
{
	const __m256 sign = _mm256_set1_ps(-0.0f);
	__m256 most = _mm256_setzero_ps();
	u32 i;

	for (i = 0; i < n; i += 8)
		most = _mm256_max_ps(_mm256_andnot_ps(sign, _mm256_loadu_ps(x + i)), most);
	return most_lane(most);
}

static __always_inline void quantize_block(struct llm_block_x8 *y, const float *x, float inverse)
{
	const __m256 inverses = _mm256_set1_ps(inverse);
	__m256i low, high;

	low = _mm256_packs_epi32(round_lanes(x, inverses), round_lanes(x + 8, inverses));
	high = _mm256_packs_epi32(round_lanes(x + 16, inverses), round_lanes(x + 24, inverses));
	y->sums[0] = sum_halves(low);
	y->sums[1] = sum_halves(high);
	low = _mm256_packs_epi16(low, high);
	/* The packs work within halves: put the fours back in order. */
	low = _mm256_permutevar8x32_epi32(low, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
	_mm256_storeu_si256((__m256i *)y->values, low);
	y->offset = -128 * (y->sums[0] + y->sums[1]);
	y->sum_bits = 0;
}

static float round_to_f16(float x)
{
	return f16_to_f32(_cvtss_sh(x, 0));
}

static __always_inline __m256 round_lanes_to_f16(__m256 x)
{
	return _mm256_cvtph_ps(_mm256_cvtps_ph(x, 0));
}

static __always_inline void quantize_blocks(struct llm_block_x8 *y, const float *x, u32 n,
					    const bool with_sums)
{
	float most;
	u32 b;

	for (b = 0; b < n / LLM_BLOCK; b++, x += LLM_BLOCK) {
		most = largest_magnitude(x, LLM_BLOCK);
		quantize_block(&y[b], x, most > 0 ? 127.0f / most : 0);
		y[b].scale_bits = llm_float_bits(round_to_f16(most / 127.0f));
		if (with_sums)
			y[b].sum_bits = llm_float_bits(round_to_f16(most / 127.0f *
				(float)(y[b].sums[0] + y[b].sums[1])));
	}
}

void llm_avx2_quantize_q8_0(struct llm_block_x8 *y, const float *x, u32 n)
{
	quantize_blocks(y, x, n, false);
}

void llm_avx2_quantize_q8_1(struct llm_block_x8 *y, const float *x, u32 n)
{
	quantize_blocks(y, x, n, true);
}

void llm_avx2_quantize_q8_k(struct llm_block_x8 *y, const float *x, u32 n)
{
	float most, inverse;
	u32 at, b;

	for (at = 0; at < n; at += LLM_BLOCK_K) {
		most = largest_magnitude(x + at, LLM_BLOCK_K);
		inverse = most > 0 ? 127.0f / most : 0;
		for (b = at / LLM_BLOCK; b < (at + LLM_BLOCK_K) / LLM_BLOCK; b++) {
			quantize_block(&y[b], x + b * LLM_BLOCK, inverse);
			y[b].scale_bits = llm_float_bits(most > 0 ? 1 / inverse : 0);
		}
		llm_sum_both(&y[at / LLM_BLOCK]);
	}
}

/* Eight numbers to the sums of four lanes in binary64. */
static __always_inline void add_wide(__m256d sums[2], __m256 x)
{
	sums[0] = _mm256_add_pd(sums[0], _mm256_cvtps_pd(_mm256_castps256_ps128(x)));
	sums[1] = _mm256_add_pd(sums[1], _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1)));
}

static __always_inline double sum_wide(const __m256d sums[2])
{
	__m256d four = _mm256_add_pd(sums[0], sums[1]);
	__m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));

	return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

float llm_avx2_sum(const float *x, u32 n)
{
	__m256d sums[2] = { _mm256_setzero_pd(), _mm256_setzero_pd() };
	double sum;
	u32 i;

	for (i = 0; i + 8 <= n; i += 8)
		add_wide(sums, _mm256_loadu_ps(x + i));
	sum = sum_wide(sums);
	for (; i < n; i++)
		sum += (double)x[i];
	return (float)sum;
}

float llm_avx2_sum_squares_from(const float *x, float middle, u32 n)
{
	__m256d sums[2] = { _mm256_setzero_pd(), _mm256_setzero_pd() };
	__m256 middles = _mm256_set1_ps(middle), a;
	double sum;
	u32 i;

	for (i = 0; i + 8 <= n; i += 8) {
		a = _mm256_sub_ps(_mm256_loadu_ps(x + i), middles);
		add_wide(sums, _mm256_mul_ps(a, a));
	}
	sum = sum_wide(sums);
	for (; i < n; i++)
		sum += (double)((x[i] - middle) * (x[i] - middle));
	return (float)sum;
}

float llm_avx2_sum_squares(const float *x, u32 n)
{
	return llm_avx2_sum_squares_from(x, 0, n);
}

void llm_avx2_f32_to_f16(u16 *y, const float *x, u32 n)
{
	u32 i;

	for (i = 0; i + 8 <= n; i += 8)
		_mm_storeu_si128((__m128i *)(y + i), _mm256_cvtps_ph(_mm256_loadu_ps(x + i), 0));
	for (; i < n; i++)
		y[i] = _cvtss_sh(x[i], 0);
}

void llm_avx2_round_to_f16(float *y, const float *x, u32 n)
{
	u32 i;

	for (i = 0; i + 8 <= n; i += 8)
		_mm256_storeu_ps(y + i, round_lanes_to_f16(_mm256_loadu_ps(x + i)));
	for (; i < n; i++)
		y[i] = round_to_f16(x[i]);
}

/* llm_round_to_bf16() in eight lanes. */
static __always_inline __m256 round_lanes_to_bf16(__m256 x)
{
	__m256i bits = _mm256_castps_si256(x);
	__m256i last = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
	__m256i up = _mm256_add_epi32(_mm256_add_epi32(bits, last), _mm256_set1_epi32(0x7fff));
	__m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
	__m256 is_none = _mm256_cmp_ps(x, x, _CMP_UNORD_Q);

	x = _mm256_blendv_ps(_mm256_castsi256_ps(up), _mm256_castsi256_ps(quiet), is_none);
	return _mm256_and_ps(x, _mm256_castsi256_ps(_mm256_set1_epi32(0xffff0000)));
}

void llm_avx2_round_to_bf16(float *y, const float *x, u32 n)
{
	u32 i;

	for (i = 0; i + 8 <= n; i += 8)
		_mm256_storeu_ps(y + i, round_lanes_to_bf16(_mm256_loadu_ps(x + i)));
	for (; i < n; i++)
		y[i] = llm_round_to_bf16(x[i]);
}

static __always_inline __m256 none_lanes(__m256 x)
{
	return x;
}

static __always_inline float none(float x)
{
	return x;
}

/* x / (1 + exp(-z)) */
static __always_inline __m256 gate_lanes(__m256 x, __m256 z)
{
	__m256 e = exp_lanes(_mm256_sub_ps(_mm256_setzero_ps(), z));

	return _mm256_div_ps(x, _mm256_add_ps(_mm256_set1_ps(1.0f), e));
}

static __always_inline __m256 silu_lanes(__m256 x)
{
	return gate_lanes(x, x);
}

static __always_inline __m256 gelu_argument(__m256 x)
{
	__m256 slope = _mm256_fmadd_ps(_mm256_set1_ps(LLM_GELU_CUBIC), _mm256_mul_ps(x, x),
				       _mm256_set1_ps(LLM_GELU_LINEAR));

	return _mm256_mul_ps(x, slope);
}

static __always_inline __m256 gelu_lanes(__m256 x)
{
	return gate_lanes(x, gelu_argument(x));
}

static __always_inline __m256 gelu_f16_lanes(__m256 x)
{
	const __m256 one = _mm256_set1_ps(1.0f), two = _mm256_set1_ps(2.0f);
	__m256 is_most = _mm256_cmp_ps(x, _mm256_set1_ps(LLM_GELU_F16_MOST), _CMP_GE_OQ);
	__m256 is_least = _mm256_cmp_ps(x, _mm256_set1_ps(-LLM_GELU_F16_MOST), _CMP_LE_OQ);
	__m256 half = round_lanes_to_f16(x), y;

	y = gate_lanes(one, gelu_argument(half));
	y = _mm256_add_ps(one, _mm256_fmsub_ps(two, y, one));
	y = round_lanes_to_f16(_mm256_mul_ps(_mm256_mul_ps(_mm256_set1_ps(0.5f), half), y));
	return _mm256_andnot_ps(is_least, _mm256_blendv_ps(y, x, is_most));
}

static __always_inline __m256 tanh_lanes(__m256 x)
{
	const __m256 one = _mm256_set1_ps(1.0f), two = _mm256_set1_ps(2.0f);
	__m256 e = exp_lanes(_mm256_mul_ps(two, x));

	return _mm256_sub_ps(one, _mm256_div_ps(two, _mm256_add_ps(e, one)));
}

static __always_inline __m256 sigmoid_lanes(__m256 x)
{
	return gate_lanes(_mm256_set1_ps(1.0f), x);
}

/* The first operand of max is dropped where it is not a number. */
static __always_inline __m256 relu2_lanes(__m256 x)
{
	x = _mm256_max_ps(x, _mm256_setzero_ps());
	return _mm256_mul_ps(x, x);
}

/* One enum llm_activation: its function in eight lanes and in one. */
#define DEFINE_ACTIVATE(name, lanes, scalar)						\
void llm_avx2_activate_##name(float *y, const float *x, const float *u, u32 n)		\
{											\
	__m256 v;									\
	u32 i;										\
											\
	for (i = 0; i + 8 <= n; i += 8) {						\
		v = lanes(_mm256_loadu_ps(x + i));					\
		if (u)									\
			v = _mm256_mul_ps(v, _mm256_loadu_ps(u + i));			\
		_mm256_storeu_ps(y + i, v);						\
	}										\
	for (; i < n; i++)								\
		y[i] = u ? scalar(x[i]) * u[i] : scalar(x[i]);				\
}

DEFINE_ACTIVATE(none, none_lanes, none)
DEFINE_ACTIVATE(silu, silu_lanes, llm_silu)
DEFINE_ACTIVATE(gelu, gelu_lanes, llm_gelu)
DEFINE_ACTIVATE(tanh, tanh_lanes, llm_tanh)
DEFINE_ACTIVATE(sigmoid, sigmoid_lanes, llm_sigmoid)
DEFINE_ACTIVATE(relu2, relu2_lanes, llm_relu2)
DEFINE_ACTIVATE(gelu_f16, gelu_f16_lanes, llm_gelu_f16)

const struct llm_form llm_form_avx2 = {
	.name = "avx2",
	.usable = llm_cpu_has_avx2,
	.macs_per_us = 10000,
	.group_macs_per_us = 60000,
	.float_macs_per_us = 16000,
	LLM_AVX2_SHARED,
	.matmul_groups = {
		[LLM_TENSOR_F32] = llm_avx2_groups_f32,
		[LLM_TENSOR_F16] = llm_avx2_groups_f16,
		[LLM_TENSOR_BF16] = llm_avx2_groups_bf16,
		[LLM_TENSOR_Q4_0] = llm_avx2_groups_q4_0,
		[LLM_TENSOR_Q4_1] = llm_avx2_groups_q4_1,
		[LLM_TENSOR_Q5_0] = llm_avx2_groups_q5_0,
		[LLM_TENSOR_Q5_1] = llm_avx2_groups_q5_1,
		[LLM_TENSOR_Q8_0] = llm_avx2_groups_q8_0,
		[LLM_TENSOR_Q2_K] = llm_avx2_groups_q2_k,
		[LLM_TENSOR_Q3_K] = llm_avx2_groups_q3_k,
		[LLM_TENSOR_Q4_K] = llm_avx2_groups_q4_k,
		[LLM_TENSOR_Q5_K] = llm_avx2_groups_q5_k,
		[LLM_TENSOR_Q6_K] = llm_avx2_groups_q6_k,
		[LLM_TENSOR_IQ4_NL] = llm_avx2_groups_iq4_nl,
		[LLM_TENSOR_IQ4_XS] = llm_avx2_groups_iq4_xs,
		[LLM_TENSOR_MXFP4] = llm_avx2_groups_mxfp4,
	},
	.attend = {
		[LLM_TENSOR_F32] = llm_avx2_attend_f32,
		[LLM_TENSOR_F16] = llm_avx2_attend_f16,
		[LLM_TENSOR_Q8_0] = llm_avx2_attend_q8_0,
	},
};
