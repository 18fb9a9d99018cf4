/* SPDX-License-Identifier: GPL-2.0 */
/* The compiler's intrinsics, in the kernel too, where there is no malloc(). */
#ifndef LLM_ENGINE_INTRINSICS_H
#define LLM_ENGINE_INTRINSICS_H

#ifdef __KERNEL__
#define _MM_MALLOC_H_INCLUDED
#endif
#include <immintrin.h>

#endif /* LLM_ENGINE_INTRINSICS_H */
