/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The only door between the engine and what it runs on. In the kernel it opens
 * on the kernel's headers, elsewhere on the C library; the engine's files
 * include this and each other, nothing else.
 */
#ifndef LLM_ENGINE_PLATFORM_H
#define LLM_ENGINE_PLATFORM_H

#ifdef __KERNEL__

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/vmalloc.h>
#if defined(CONFIG_X86) || defined(CONFIG_UML)
#include <asm/cpufeature.h>
#endif

#ifdef __BIG_ENDIAN
#error "images are little-endian and used as they are; big-endian machines are not supported"
#endif

/**
 * llm_alloc() - zeroed memory, charged to the caller's memory cgroup
 * @size: bytes
 *
 * May sleep. Fails rather than have somebody killed for it. Return: the memory,
 * or NULL.
 */
static inline void *llm_alloc(u64 size)
{
	if (size > SIZE_MAX)
		return NULL;
	return kvzalloc(size, GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
}

/**
 * llm_alloc_unset() - the same, not zeroed: for what is written before it is read
 * @size: bytes
 */
static inline void *llm_alloc_unset(u64 size)
{
	if (size > SIZE_MAX)
		return NULL;
	return kvmalloc(size, GFP_KERNEL_ACCOUNT | __GFP_RETRY_MAYFAIL | __GFP_NOWARN);
}

/**
 * llm_alloc_exact() - zeroed memory of no more than whole pages: for what there is much of
 * @size: bytes
 *
 * It is a part of one block where one is at hand, as kvzalloc() has it; but that takes all
 * of the block, which is a power of two. Charged and failing as llm_alloc() does. Return:
 * memory for llm_free_exact(), or NULL.
 */
static inline void *llm_alloc_exact(u64 size)
{
	const gfp_t how = GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN;
	void *memory;

	if (size > SIZE_MAX)
		return NULL;
	memory = alloc_pages_exact(size, how & ~__GFP_DIRECT_RECLAIM);
	return memory ? memory : __vmalloc(size, how | __GFP_RETRY_MAYFAIL);
}

/**
 * llm_free_exact() - gives back what llm_alloc_exact() gave, cleared
 * @memory: the memory, or NULL
 * @size: bytes it was asked for
 */
static inline void llm_free_exact(void *memory, u64 size)
{
	if (!memory)
		return;
	memzero_explicit(memory, size);
	if (is_vmalloc_addr(memory))
		vfree(memory);
	else
		free_pages_exact(memory, size);
}

/**
 * llm_free() - gives back what llm_alloc() gave
 * @memory: the memory, or NULL
 */
static inline void llm_free(const void *memory)
{
	kvfree(memory);
}

/**
 * llm_free_private() - the same for memory that held a user's text or state
 * @memory: the memory, or NULL
 * @size: bytes to clear
 */
static inline void llm_free_private(void *memory, u64 size)
{
	kvfree_sensitive(memory, size);
}

/** llm_now_ns() - nanoseconds of a clock that only goes forward. */
static inline u64 llm_now_ns(void)
{
	return ktime_get_ns();
}

/** llm_relax_long() - a place in long integer work where others may run. */
static inline void llm_relax_long(void)
{
	cond_resched();
}

#if defined(CONFIG_X86_64) || (defined(CONFIG_UML) && defined(CONFIG_64BIT))
#define LLM_X86 1
static inline bool llm_cpu_has_avx2(void)
{
	return boot_cpu_has(X86_FEATURE_AVX2) && boot_cpu_has(X86_FEATURE_FMA) &&
	       boot_cpu_has(X86_FEATURE_F16C);
}

static inline bool llm_cpu_has_avxvnni(void)
{
	return llm_cpu_has_avx2() && boot_cpu_has(X86_FEATURE_AVX_VNNI);
}

static inline bool llm_cpu_has_avx512(void)
{
	return llm_cpu_has_avx2() && boot_cpu_has(X86_FEATURE_AVX512F) &&
	       boot_cpu_has(X86_FEATURE_AVX512BW) && boot_cpu_has(X86_FEATURE_AVX512VL) &&
	       boot_cpu_has(X86_FEATURE_AVX512DQ) && boot_cpu_has(X86_FEATURE_AVX512_VNNI);
}

static inline bool llm_cpu_has_avx512bf16(void)
{
	return llm_cpu_has_avx512() && boot_cpu_has(X86_FEATURE_AVX512_BF16);
}
#endif

#else /* !__KERNEL__ */

#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "images are little-endian and used as they are; big-endian machines are not supported"
#endif

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define U16_MAX UINT16_MAX
#define S16_MAX INT16_MAX
#define S32_MAX INT32_MAX
#define S64_MIN INT64_MIN
#define S32_MIN INT32_MIN
#define U32_MAX UINT32_MAX
#define U64_MAX UINT64_MAX

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define min(a, b)		((a) < (b) ? (a) : (b))
#define max(a, b)		((a) > (b) ? (a) : (b))
#define min_t(t, a, b)		min((t)(a), (t)(b))
#define max_t(t, a, b)		max((t)(a), (t)(b))
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define ALIGN(n, a)		(((n) + (a) - 1) & ~((typeof(n))(a) - 1))
#define IS_ALIGNED(n, a)	(((n) & ((typeof(n))(a) - 1)) == 0)
#define READ_ONCE(x)		(*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile typeof(x) *)&(x) = (v))
#define check_add_overflow(a, b, d)	__builtin_add_overflow(a, b, d)
#define check_mul_overflow(a, b, d)	__builtin_mul_overflow(a, b, d)
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#undef __aligned
#define __aligned(n)		__attribute__((__aligned__(n)))
#undef __packed
#define __packed		__attribute__((__packed__))
#define __printf(a, b)		__attribute__((__format__(printf, a, b)))
#define noinline		__attribute__((__noinline__))
#define fallthrough		__attribute__((__fallthrough__))
#define container_of(p, t, m)	((t *)((char *)(p) - offsetof(t, m)))
#define EXPORT_SYMBOL_GPL(s)

typedef struct { _Atomic s64 counter; } atomic64_t;
typedef struct { _Atomic s32 counter; } atomic_t;

static inline s64 atomic64_read(const atomic64_t *v)
{
	return atomic_load_explicit(&((atomic64_t *)v)->counter, memory_order_relaxed);
}

static inline s64 atomic64_read_acquire(const atomic64_t *v)
{
	return atomic_load_explicit(&((atomic64_t *)v)->counter, memory_order_acquire);
}

static inline void atomic64_set(atomic64_t *v, s64 i)
{
	atomic_store_explicit(&v->counter, i, memory_order_relaxed);
}

static inline void atomic64_set_release(atomic64_t *v, s64 i)
{
	atomic_store_explicit(&v->counter, i, memory_order_release);
}

static inline bool atomic64_try_cmpxchg(atomic64_t *v, s64 *old, s64 new)
{
	return atomic_compare_exchange_strong(&v->counter, old, new);
}

static inline void atomic_set(atomic_t *v, s32 i)
{
	atomic_store_explicit(&v->counter, i, memory_order_relaxed);
}

static inline s32 atomic_inc_return(atomic_t *v)
{
	return atomic_fetch_add(&v->counter, 1) + 1;
}

static inline bool atomic_dec_and_test(atomic_t *v)
{
	return atomic_fetch_sub(&v->counter, 1) == 1;
}

static inline void atomic_inc(atomic_t *v)
{
	atomic_fetch_add(&v->counter, 1);
}

static inline u64 div_u64(u64 dividend, u32 divisor)
{
	return dividend / divisor;
}

static inline u64 div64_u64(u64 dividend, u64 divisor)
{
	return dividend / divisor;
}

/* Lies in whole cache lines, as in the kernel: vectors that cross them cost twice. */
static inline void *llm_alloc_unset(u64 size)
{
	void *memory;

	return size > SIZE_MAX || posix_memalign(&memory, 64, size ? size : 1) ? NULL : memory;
}

static inline void *llm_alloc(u64 size)
{
	void *memory = llm_alloc_unset(size);

	if (memory)
		memset(memory, 0, size);
	return memory;
}

static inline void llm_free(const void *memory)
{
	free((void *)memory);
}

static inline void llm_free_private(void *memory, u64 size)
{
	if (memory)
		explicit_bzero(memory, size);
	free(memory);
}

static inline void *llm_alloc_exact(u64 size)
{
	return llm_alloc(size);
}

static inline void llm_free_exact(void *memory, u64 size)
{
	llm_free_private(memory, size);
}

static inline u64 llm_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline void llm_relax_long(void)
{
}

#ifdef __x86_64__
#define LLM_X86 1
/* Some compilers' __builtin_cpu_supports() does not know F16C. */
static inline bool llm_cpu_has_f16c(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}

static inline bool llm_cpu_has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	       llm_cpu_has_f16c();
}

static inline bool llm_cpu_has_avx512(void)
{
	return llm_cpu_has_avx2() && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni");
}

static inline bool llm_cpu_has_avx512bf16(void)
{
	return llm_cpu_has_avx512() && __builtin_cpu_supports("avx512bf16");
}

/* The same instruction has two encodings: what is asked is which one this is built for. */
static inline bool llm_cpu_has_avxvnni(void)
{
#ifdef __AVX512VNNI__
	return llm_cpu_has_avx512();
#else
	unsigned int a, b, c, d;

	return llm_cpu_has_avx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && a & 1 << 4;
#endif
}
#endif

#endif /* __KERNEL__ */

#endif /* LLM_ENGINE_PLATFORM_H */
