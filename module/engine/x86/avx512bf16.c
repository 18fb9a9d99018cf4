// SPDX-License-Identifier: GPL-2.0
/* The hot loops for AVX-512 with BF16: its products of BF16, the rest is AVX-512's. */
#include "avx2.h"
#include "avx512.h"
#include "avx512bf16.h"

const struct llm_form llm_form_avx512bf16 = {
	.name = "avx512bf16",
	.usable = llm_cpu_has_avx512bf16,
	LLM_AVX2_SHARED,
	LLM_AVX512_SHARED(llm_avx512bf16_groups_bf16),
};
