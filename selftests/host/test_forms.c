// SPDX-License-Identifier: GPL-2.0
/* The forms of the hot loops, each against the portable one. */
#include <math.h>
#include <stdio.h>

#define LLM_FLOAT
#include "check.h"
#include "math.h"
#include "tap.h"

#define SEEDS 64

static void check_form(const struct llm_form *form)
{
	static struct llm_check check;
	struct llm_error error = {};

	if (!form->usable()) {
		tap_skip("this processor can't run it");
		return;
	}
	check.form = form;
	check.error = &error;
	for (int seed = 0; seed < SEEDS; seed++) {
		check.random = seed;
		if (!tap_check(llm_check_form(&check) == 0)) {
			printf("# seed %d: %s\n", seed, error.text);
			return;
		}
	}
}

static void portable_agrees(void)
{
	check_form(&llm_form_portable);
}

#ifdef LLM_X86
static void avx2_agrees(void)
{
	check_form(&llm_form_avx2);
}

static void avxvnni_agrees(void)
{
	check_form(&llm_form_avxvnni);
}

static void avx512_agrees(void)
{
	check_form(&llm_form_avx512);
}

static void avx512bf16_agrees(void)
{
	check_form(&llm_form_avx512bf16);
}
#endif

#define NUMBERS 2048

/* Sums of what ggml's AVX2 quantize_row_q8_0(), _q8_1() and _q8_K() make of x. */
static const u64 known_roundings[LLM_INPUTS] = {
	[LLM_INPUT_Q8_0] = 0x44e99e784fccbc14ULL,
	[LLM_INPUT_Q8_1] = 0xf5e966dc36013a53ULL,
	[LLM_INPUT_Q8_K] = 0x026bb95beddc7a2eULL,
};

/* FNV-1a, byte by byte. */
static u64 add_number(u64 sum, float number)
{
	u32 bits = llm_float_bits(number + 0.0f);

	for (int i = 0; i < 4; i++)
		sum = (sum ^ (bits >> (8 * i) & 0xff)) * 0x100000001b3ULL;
	return sum;
}

static u64 sum_blocks(const struct llm_block_x8 *y, u32 input)
{
	u64 sum = 0xcbf29ce484222325ULL;

	for (u32 i = 0; i < NUMBERS; i++)
		sum = add_number(sum, llm_float(y[i / LLM_BLOCK].scale_bits) *
				 (float)y[i / LLM_BLOCK].values[i % LLM_BLOCK]);
	for (u32 b = 0; b < NUMBERS / LLM_BLOCK && input == LLM_INPUT_Q8_1; b++)
		sum = add_number(sum, llm_float(y[b].sum_bits));
	return sum;
}

/* Numbers of many sizes, of a linear congruential generator. */
static void activations_are_rounded_as_by_ggml(void)
{
	static struct llm_block_x8 y[NUMBERS / LLM_BLOCK];
	static float x[NUMBERS];
	u32 state = 1;

	for (u32 i = 0; i < NUMBERS; i++) {
		state = state * 1664525 + 1013904223;
		x[i] = (float)((s32)(state >> 8) - (1 << 23)) *
		       llm_float((u32)(127 - 30 + i / 32 % 9) << 23);
	}
	for (u32 input = LLM_INPUT_Q8_0; input < LLM_INPUTS; input++) {
		llm_form_portable.quantize[input](y, x, NUMBERS);
		if (!tap_check(sum_blocks(y, input) == known_roundings[input]))
			printf("# input %u: 0x%016llx\n", input,
			       (unsigned long long)sum_blocks(y, input));
	}
}

#define HALVES 65536

/* What ggml's table of GELU has for a number of binary16. */
static u16 table_entry(u16 half)
{
	float x = llm_f16_to_f32(half);
	float t = tanhf(0.79788456080286535587989211986876f * x * (1.0f + 0.044715f * x * x));

	return llm_f32_to_f16(0.5f * x * (1.0f + t));
}

/* Our tanh() and libm's may be rounded differently, rarely, and never by more than a bit. */
static bool gelu_matches(const float *y)
{
	u32 wrong = 0;

	for (u32 i = 0; i < HALVES; i++) {
		float x = llm_f16_to_f32(i);
		u16 ours = llm_f32_to_f16(y[i]);
		s32 apart = ours - table_entry(i);

		if (x >= 10 || x <= -10) {
			if (y[i] != (x > 0 ? x : 0))
				return false;
		} else if (x > -10) {
			if (apart < -1 || apart > 1 || y[i] != llm_f16_to_f32(ours))
				return false;
			wrong += apart != 0;
		}
	}
	return wrong <= 16;
}

static void gelu_is_rounded_as_by_ggml(void)
{
	static float x[HALVES], y[HALVES], z[HALVES];
	const struct llm_form *form;

	for (u32 f = 0; (form = llm_form_at(f)); f++) {
		if (!form->usable())
			continue;
		for (u32 i = 0; i < HALVES; i++)
			x[i] = llm_f16_to_f32(i);
		form->activate[LLM_ACT_GELU_F16](y, x, NULL, HALVES);
		tap_check(gelu_matches(y));
		/* What binary16 rounds to the same: normal numbers and a quarter of a bit more. */
		for (u32 i = 0; i < HALVES; i++)
			x[i] = llm_float(llm_float_bits(x[i]) + 0x800);
		form->activate[LLM_ACT_GELU_F16](z, x, NULL, HALVES);
		for (u32 i = 0; i < HALVES; i++)
			if ((i & 0x7c00) && x[i] > -10 && x[i] < 10)
				tap_check(z[i] == y[i]);
	}
}

static void forms_are_found_by_name(void)
{
	const struct llm_form *form;

	for (u32 i = 0; (form = llm_form_at(i)); i++) {
		tap_check(llm_form_find(form->name) == (form->usable() ? form : NULL));
		tap_check(strstr(LLM_FORM_NAMES, form->name));
	}
	tap_check(llm_form_find("portable") == &llm_form_portable);
	tap_check(!llm_form_find("no such form"));
}

static const struct tap_test tests[] = {
	{ "the portable form agrees with itself", portable_agrees },
#ifdef LLM_X86
	{ "the avx2 form agrees with the portable form", avx2_agrees },
	{ "the avxvnni form agrees with the portable form", avxvnni_agrees },
	{ "the avx512 form agrees with the portable form", avx512_agrees },
	{ "the avx512bf16 form agrees with the portable form", avx512bf16_agrees },
#endif
	{ "activations are rounded as by ggml", activations_are_rounded_as_by_ggml },
	{ "GELU is rounded as by ggml", gelu_is_rounded_as_by_ggml },
	{ "forms are found by name", forms_are_found_by_name },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
