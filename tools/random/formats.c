// SPDX-License-Identifier: GPL-2.0
/*
 * The number formats of ggml (ggml-common.h there), filled with random bits and
 * scales that give them the spread that is asked for. Each is as far above zero as
 * below: by its minimum, or by scales of both signs.
 */
#include <math.h>
#include <string.h>
#include <strings.h>

#include "random.h"

/* splitmix64, https://prng.di.unimi.it/splitmix64.c */
uint64_t random_bits(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

double random_number(uint64_t *state)
{
	/* Evenly from -sqrt(3) to sqrt(3). */
	return ((double)(random_bits(state) >> 11) / (1ULL << 52) - 1) * 1.7320508075688772;
}

static void put_half(uint8_t *to, double value)
{
	_Float16 half = value;

	memcpy(to, &half, sizeof(half));
}

static void random_bytes(uint8_t *to, uint32_t count, uint64_t *random)
{
	uint64_t bits = 0;
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (i % 8 == 0)
			bits = random_bits(random);
		to[i] = bits >> (i % 8 * 8);
	}
}

/* Blocks have scales of 0.75 to 1.25 times what is asked for. */
static double varied(double scale, uint64_t *random)
{
	return scale * (0.75 + (double)(random_bits(random) >> 11) / (1ULL << 54));
}

static double signed_varied(double scale, uint64_t *random)
{
	return varied(random_bits(random) & 1 ? scale : -scale, random);
}

static void fill_f32(uint8_t *block, double spread, uint64_t *random)
{
	float value = spread * random_number(random);

	memcpy(block, &value, sizeof(value));
}

static void fill_f16(uint8_t *block, double spread, uint64_t *random)
{
	put_half(block, spread * random_number(random));
}

static void fill_bf16(uint8_t *block, double spread, uint64_t *random)
{
	float value = spread * random_number(random);
	uint8_t bytes[4];

	memcpy(bytes, &value, sizeof(value));
	memcpy(block, bytes + 2, 2);
}

/* The numbers that divide spreads are those of the values without their scale. */
#define SPREAD_4	4.61	/* 0..15 */
#define SPREAD_5	9.23	/* 0..31 */
#define SPREAD_IQ4	70.7	/* the table of IQ4_NL */

static void fill_q4_0(uint8_t *block, double spread, uint64_t *random)
{
	random_bytes(block, 18, random);
	put_half(block, signed_varied(spread / SPREAD_4, random));
}

static void fill_q4_1(uint8_t *block, double spread, uint64_t *random)
{
	double scale = varied(spread / SPREAD_4, random);

	random_bytes(block, 20, random);
	put_half(block, scale);
	put_half(block + 2, -7.5 * scale);
}

static void fill_q5_0(uint8_t *block, double spread, uint64_t *random)
{
	random_bytes(block, 22, random);
	put_half(block, signed_varied(spread / SPREAD_5, random));
}

static void fill_q5_1(uint8_t *block, double spread, uint64_t *random)
{
	double scale = varied(spread / SPREAD_5, random);

	random_bytes(block, 24, random);
	put_half(block, scale);
	put_half(block + 2, -15.5 * scale);
}

static void fill_q8_0(uint8_t *block, double spread, uint64_t *random)
{
	uint32_t i;

	random_bytes(block, 34, random);
	put_half(block, varied(spread / 73.6, random));
	for (i = 2; i < 34; i++)
		if (block[i] == 0x80)
			block[i] = 0;
}

static void fill_q2_k(uint8_t *block, double spread, uint64_t *random)
{
	double scale = varied(spread / 9.85, random);
	uint32_t i;

	random_bytes(block, 84, random);
	/* The minimum of each half is its scale: half of the way, with what follows. */
	for (i = 0; i < 16; i++)
		block[i] = (block[i] & 15) * 17;
	put_half(block + 80, scale);
	put_half(block + 82, 1.5 * scale);
}

static void fill_q3_k(uint8_t *block, double spread, uint64_t *random)
{
	random_bytes(block, 110, random);
	put_half(block + 108, signed_varied(spread / 43.3, random));
}

/* The twelve bytes of scales and minima, with minima like the scales. */
static void pair_scales(uint8_t *scales)
{
	uint32_t i;

	memcpy(scales + 4, scales, 4);
	for (i = 8; i < 12; i++)
		scales[i] = (scales[i] & 15) * 17;
}

static void fill_q4_k(uint8_t *block, double spread, uint64_t *random)
{
	double scale = varied(spread / (SPREAD_4 * 36.5), random);

	random_bytes(block, 144, random);
	pair_scales(block + 4);
	put_half(block, scale);
	put_half(block + 2, 7.5 * scale);
}

static void fill_q5_k(uint8_t *block, double spread, uint64_t *random)
{
	double scale = varied(spread / (SPREAD_5 * 36.5), random);

	random_bytes(block, 176, random);
	pair_scales(block + 4);
	put_half(block, scale);
	put_half(block + 2, 15.5 * scale);
}

static void fill_q6_k(uint8_t *block, double spread, uint64_t *random)
{
	random_bytes(block, 210, random);
	put_half(block + 208, signed_varied(spread / (18.5 * 73.9), random));
}

static void fill_iq4_nl(uint8_t *block, double spread, uint64_t *random)
{
	random_bytes(block, 18, random);
	put_half(block, signed_varied(spread / SPREAD_IQ4, random));
}

static void fill_iq4_xs(uint8_t *block, double spread, uint64_t *random)
{
	random_bytes(block, 136, random);
	put_half(block, signed_varied(spread / (18.5 * SPREAD_IQ4), random));
}

static void fill_mxfp4(uint8_t *block, double spread, uint64_t *random)
{
	random_bytes(block, 17, random);
	block[0] = lround(127 + log2(spread / 2.93));
}

static const struct format formats[] = {
	{ "F32", 0, 1, 4, fill_f32 },
	{ "F16", 1, 1, 2, fill_f16 },
	{ "Q4_0", 2, 32, 18, fill_q4_0 },
	{ "Q4_1", 3, 32, 20, fill_q4_1 },
	{ "Q5_0", 6, 32, 22, fill_q5_0 },
	{ "Q5_1", 7, 32, 24, fill_q5_1 },
	{ "Q8_0", 8, 32, 34, fill_q8_0 },
	{ "Q2_K", 10, 256, 84, fill_q2_k },
	{ "Q3_K", 11, 256, 110, fill_q3_k },
	{ "Q4_K", 12, 256, 144, fill_q4_k },
	{ "Q5_K", 13, 256, 176, fill_q5_k },
	{ "Q6_K", 14, 256, 210, fill_q6_k },
	{ "IQ4_NL", 20, 32, 18, fill_iq4_nl },
	{ "IQ4_XS", 23, 256, 136, fill_iq4_xs },
	{ "BF16", 30, 1, 2, fill_bf16 },
	{ "MXFP4", 39, 32, 17, fill_mxfp4 },
};

const struct format *format_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcasecmp(name, formats[i].name))
			return &formats[i];
	return NULL;
}
