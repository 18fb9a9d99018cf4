/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Elementary functions for files built with floating point. All of them take
 * any number, infinities and what is not a number included, and none depends on
 * a C library, so that the same bits come out everywhere.
 */
#ifndef LLM_ENGINE_MATH_H
#define LLM_ENGINE_MATH_H

#include "platform.h"

/*
 * __builtin_memcpy() and not memcpy(), here and in loops: in a kernel that is a
 * call, before which all vector registers are saved.
 */

/** llm_float() - the number whose IEEE 754 representation is @bits. */
static inline float llm_float(u32 bits)
{
	float f;

	__builtin_memcpy(&f, &bits, sizeof(f));
	return f;
}

/** llm_float_bits() - the IEEE 754 representation of @f. */
static inline u32 llm_float_bits(float f)
{
	u32 bits;

	__builtin_memcpy(&bits, &f, sizeof(bits));
	return bits;
}

/** LLM_EXP_MIN - arguments of llm_expf() below this are taken for it. */
#define LLM_EXP_MIN	(-87.0f)
/** LLM_EXP_MAX - arguments of llm_expf() above this are taken for it. */
#define LLM_EXP_MAX	88.0f
/** LLM_LOG2_E - log2(e). */
#define LLM_LOG2_E	1.44269504088896341f
/** LLM_LN2_HIGH - the upper bits of ln 2, exact when multiplied by an exponent. */
#define LLM_LN2_HIGH	0.693359375f
/** LLM_LN2_LOW - ln 2 less LLM_LN2_HIGH. */
#define LLM_LN2_LOW	(-2.12194440e-4f)
/* exp(r) = 1 + r + r^2 (E0 r^5 + ... + E5), |r| < ln2 / 2; from Cephes' expf. */
#define LLM_EXP_E0	1.9875691500e-4f
#define LLM_EXP_E1	1.3981999507e-3f
#define LLM_EXP_E2	8.3334519073e-3f
#define LLM_EXP_E3	4.1665795894e-2f
#define LLM_EXP_E4	1.6666665459e-1f
#define LLM_EXP_E5	5.0000001201e-1f

/**
 * llm_expf() - e to the power of @x, to 2 units in the last place
 * @x: clamped to LLM_EXP_MIN..LLM_EXP_MAX; what is not a number counts as
 *	LLM_EXP_MIN
 */
static inline float llm_expf(float x)
{
	float n, r, p;
	s32 exponent;

	x = x > LLM_EXP_MIN ? x : LLM_EXP_MIN;
	x = x < LLM_EXP_MAX ? x : LLM_EXP_MAX;
	n = x * LLM_LOG2_E;
	exponent = (s32)(n + (n < 0 ? -0.5f : 0.5f));
	n = (float)exponent;
	r = x - n * LLM_LN2_HIGH;
	r = r - n * LLM_LN2_LOW;
	p = LLM_EXP_E0;
	p = p * r + LLM_EXP_E1;
	p = p * r + LLM_EXP_E2;
	p = p * r + LLM_EXP_E3;
	p = p * r + LLM_EXP_E4;
	p = p * r + LLM_EXP_E5;
	p = p * r * r + r + 1.0f;
	return p * llm_float((u32)(exponent + 127) << 23);
}

/** LLM_GELU_LINEAR - 2 sqrt(2 / pi), of llm_gelu(). */
#define LLM_GELU_LINEAR	1.59576912160573071f
/** LLM_GELU_CUBIC - that times 0.044715. */
#define LLM_GELU_CUBIC	0.0713548162726002527f

/** llm_silu() - LLM_ACT_SILU of @x. */
static inline float llm_silu(float x)
{
	return x / (1.0f + llm_expf(-x));
}

/** llm_gelu() - LLM_ACT_GELU of @x: (1 + tanh(y)) / 2 = 1 / (1 + exp(-2y)). */
static inline float llm_gelu(float x)
{
	return x / (1.0f + llm_expf(-x * (LLM_GELU_LINEAR + LLM_GELU_CUBIC * (x * x))));
}

/** llm_sigmoid() - LLM_ACT_SIGMOID of @x. */
static inline float llm_sigmoid(float x)
{
	return 1.0f / (1.0f + llm_expf(-x));
}

/** llm_relu2() - LLM_ACT_RELU2 of @x. */
static inline float llm_relu2(float x)
{
	return x > 0 ? x * x : 0;
}

/** llm_tanh() - LLM_ACT_TANH of @x, to 2e-7. */
static inline float llm_tanh(float x)
{
	return 1.0f - 2.0f / (llm_expf(2.0f * x) + 1.0f);
}

/**
 * llm_log() - natural logarithm, to 1e-15
 * @x: positive, finite and not subnormal
 *
 * x = m 2^e with m about 1, and ln m = 2 artanh((m - 1) / (m + 1)), as a series.
 */
static inline double llm_log(double x)
{
	double s, s2, series;
	s32 exponent;
	u64 bits;

	__builtin_memcpy(&bits, &x, sizeof(bits));
	exponent = (s32)(bits >> 52) - 1023;
	bits = (bits & 0xfffffffffffffULL) | 1023ULL << 52;
	__builtin_memcpy(&x, &bits, sizeof(x));
	if (x > 1.41421356237309504880) {
		x /= 2;
		exponent++;
	}
	s = (x - 1) / (x + 1);
	s2 = s * s;
	series = 1.0 / 13 + s2 * (1.0 / 15 + s2 * (1.0 / 17 + s2 * (1.0 / 19)));
	series = 1.0 / 5 + s2 * (1.0 / 7 + s2 * (1.0 / 9 + s2 * (1.0 / 11 + s2 * series)));
	series = 1 + s2 * (1.0 / 3 + s2 * series);
	return exponent * 0.69314718055994530942 + 2 * s * series;
}

/** llm_softplus() - log(1 + exp(@x)), to 1e-7; what is not a number counts as LLM_EXP_MIN. */
static inline float llm_softplus(float x)
{
	return x > 20 ? x : (float)llm_log(1.0 + (double)llm_expf(x));
}

/**
 * llm_sincos() - sine and cosine
 * @x: angle, radians; beyond 1e9 either way, or not a number, it counts as 0
 * @sine: result, to 1e-7
 * @cosine: result, to 1e-7
 *
 * Reduction to a quarter turn in binary64, then Taylor series.
 */
static inline void llm_sincos(double x, float *sine, float *cosine)
{
	double turns, r, r2, s, c;
	s64 quarter;

	if (!(x > -1e9 && x < 1e9))
		x = 0;
	turns = x * 0.63661977236758134308;
	quarter = (s64)(turns + (turns < 0 ? -0.5 : 0.5));
	r = x - (double)quarter * 1.57079632679489655800;
	r -= (double)quarter * 6.12323399573676603587e-17;
	r2 = r * r;
	s = r * (1 + r2 * (-1.0 / 6 + r2 * (1.0 / 120 + r2 * (-1.0 / 5040 +
		r2 * (1.0 / 362880 + r2 * (-1.0 / 39916800))))));
	c = 1 + r2 * (-1.0 / 2 + r2 * (1.0 / 24 + r2 * (-1.0 / 720 +
		r2 * (1.0 / 40320 + r2 * (-1.0 / 3628800 + r2 * (1.0 / 479001600))))));
	switch (quarter & 3) {
	case 0:
		*sine = (float)s;
		*cosine = (float)c;
		break;
	case 1:
		*sine = (float)c;
		*cosine = (float)-s;
		break;
	case 2:
		*sine = (float)-s;
		*cosine = (float)-c;
		break;
	default:
		*sine = (float)-c;
		*cosine = (float)s;
	}
}

/**
 * llm_f16_to_f32() - binary16 to binary32, exact
 * @h: the number
 */
static inline float llm_f16_to_f32(u16 h)
{
	u32 sign = (u32)(h & 0x8000) << 16;
	u32 exponent = (h >> 10) & 31;
	u32 fraction = h & 0x3ff;

	if (exponent == 31)
		return llm_float(sign | 0x7f800000 | fraction << 13);
	if (exponent)
		return llm_float(sign | (exponent + 112) << 23 | fraction << 13);
	/* Zero or subnormal: a whole number of 2^-24. */
	return llm_float(sign | llm_float_bits((float)fraction * 0x1p-24f));
}

/**
 * llm_bf16_to_f32() - the upper half of binary32 to binary32, exact
 * @h: the number
 */
static inline float llm_bf16_to_f32(u16 h)
{
	return llm_float((u32)h << 16);
}

/**
 * llm_mxfp4_scale() - half of two to the power of @exponent - 127
 * @exponent: as MXFP4 has it
 */
static inline float llm_mxfp4_scale(u8 exponent)
{
	if (exponent < 2)
		return llm_float(0x00200000U << exponent);
	return llm_float((u32)(exponent - 1) << 23);
}

/**
 * llm_f32_to_f16() - binary32 to binary16, to nearest, ties to even
 * @f: the number; beyond the range of binary16 it becomes infinite
 */
static inline u16 llm_f32_to_f16(float f)
{
	u32 bits = llm_float_bits(f);
	u16 sign = (bits >> 16) & 0x8000;
	u32 magnitude = bits & 0x7fffffff;

	if (magnitude > 0x7f800000)
		return sign | 0x7e00;
	if (magnitude >= 0x477ff000)
		return sign | 0x7c00;
	if (magnitude < 0x38800000) {
		/* Adding 0.5 makes the last bit worth 2^-24, and rounds. */
		float shifted = llm_float(magnitude) + 0.5f;

		return sign | (u16)(llm_float_bits(shifted) - 0x3f000000);
	}
	magnitude += 0xfff + ((magnitude >> 13) & 1);
	return sign | (u16)((magnitude >> 13) - (112 << 10));
}

/** llm_round_to_f16() - @x as binary16 has it, to nearest, ties to even. */
static inline float llm_round_to_f16(float x)
{
	return llm_f16_to_f32(llm_f32_to_f16(x));
}

/** llm_round_to_bf16() - @x as the upper half of binary32 has it, likewise. */
static inline float llm_round_to_bf16(float x)
{
	u32 bits = llm_float_bits(x);

	if ((bits & 0x7fffffff) > 0x7f800000)
		bits |= 0x400000;
	else
		bits += 0x7fff + ((bits >> 16) & 1);
	return llm_float(bits & 0xffff0000);
}

/** LLM_GELU_F16_MOST - beyond this either way llm_gelu_f16() is its argument or zero. */
#define LLM_GELU_F16_MOST	10.0f

/**
 * llm_gelu_f16() - LLM_ACT_GELU_F16
 * @x: its argument
 *
 * The table has what is left of tanh() in binary32 where it is close to -1: so does this.
 */
static inline float llm_gelu_f16(float x)
{
	float t;

	if (x >= LLM_GELU_F16_MOST)
		return x;
	if (x <= -LLM_GELU_F16_MOST)
		return 0;
	x = llm_round_to_f16(x);
	t = 2.0f * llm_sigmoid(x * (LLM_GELU_LINEAR + LLM_GELU_CUBIC * (x * x))) - 1.0f;
	return llm_round_to_f16(0.5f * x * (1.0f + t));
}

#endif /* LLM_ENGINE_MATH_H */
