// SPDX-License-Identifier: GPL-2.0
/*
 * The hot loops for AVX-512 with VNNI. What gains nothing from the wider
 * registers is shared with the AVX2 form.
 */
#include "avx2.h"
#include "avx512.h"

const struct llm_form llm_form_avx512 = {
	.name = "avx512",
	.usable = llm_cpu_has_avx512,
	LLM_AVX2_SHARED,
	LLM_AVX512_SHARED(llm_avx512_groups_bf16),
};
