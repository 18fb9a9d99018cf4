/* SPDX-License-Identifier: GPL-2.0 */
/* The function of the form for AVX-512 with BF16; see struct llm_form. */
#ifndef LLM_ENGINE_AVX512BF16_H
#define LLM_ENGINE_AVX512BF16_H

#include "../form.h"

void llm_avx512bf16_groups_bf16(const struct llm_matmul *m);

#endif /* LLM_ENGINE_AVX512BF16_H */
