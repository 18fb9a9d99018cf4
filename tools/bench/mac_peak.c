// SPDX-License-Identifier: GPL-2.0
/*
 * mac_peak [THREADS]
 *
 * How many multiply-adds THREADS threads do in a nanosecond, from registers alone:
 * the best of some passes, a line for each kind of number and instruction set that
 * this processor has. What reads weights and keeps sums can't do more.
 */
#include <immintrin.h>

#include "threads.h"

#define PASSES	10
#define ROUNDS	2000000
/* Chains of additions that go on at once: more than an addition takes cycles. */
#define CHAINS	12

struct work {
	void (*run)(struct work *work);
	int sum;
};

/* All loops over chains are unrolled, or the chains would lie in memory. */
#define ZERO_CHAINS(chains, zero)				\
	do {							\
		_Pragma("GCC unroll 12")			\
		for (int i = 0; i < CHAINS; i++)		\
			(chains)[i] = (zero);			\
	} while (0)

/* A round is CHAINS operations; the compiler must not see through the operands. */
#define ROUNDS_OF(operation)					\
	do {							\
		for (int round = 0; round < ROUNDS; round++) {	\
			_Pragma("GCC unroll 12")		\
			for (int i = 0; i < CHAINS; i++)	\
				operation;			\
		}						\
	} while (0)

__attribute__((target("avx512f,avx512bw,avx512vnni")))
static void int8_avx512(struct work *work)
{
	__m512i sums[CHAINS], x = _mm512_set1_epi8(3);

	asm volatile("" : "+v"(x));
	ZERO_CHAINS(sums, x);
	ROUNDS_OF(asm volatile("vpdpbusd %1, %1, %0" : "+v"(sums[i]) : "v"(x)));
#pragma GCC unroll 12
	for (int i = 0; i < CHAINS; i++)
		work->sum += _mm512_reduce_add_epi32(sums[i]);
}

__attribute__((target("avx512f")))
static void float_avx512(struct work *work)
{
	__m512 sums[CHAINS], x = _mm512_set1_ps(0.001f);

	ZERO_CHAINS(sums, x);
	ROUNDS_OF(asm volatile("vfmadd231ps %1, %1, %0" : "+v"(sums[i]) : "v"(x)));
#pragma GCC unroll 12
	for (int i = 0; i < CHAINS; i++)
		work->sum += (int)_mm512_reduce_add_ps(sums[i]);
}

/* As ggml and everybody does it without VNNI: three instructions for 32 products. */
__attribute__((target("avx2")))
static void int8_avx2(struct work *work)
{
	__m256i sums[CHAINS], x = _mm256_set1_epi8(1), ones = _mm256_set1_epi16(1), t;

	ZERO_CHAINS(sums, x);
	ROUNDS_OF(asm volatile("vpmaddubsw %2, %2, %1\n\tvpmaddwd %3, %1, %1\n\t"
			       "vpaddd %1, %0, %0"
			       : "+v"(sums[i]), "=&v"(t) : "v"(x), "v"(ones)));
#pragma GCC unroll 12
	for (int i = 0; i < CHAINS; i++)
		work->sum += _mm256_extract_epi32(sums[i], 0);
}

__attribute__((target("avx2,fma")))
static void float_avx2(struct work *work)
{
	__m256 sums[CHAINS], x = _mm256_set1_ps(0.001f);

	ZERO_CHAINS(sums, x);
	ROUNDS_OF(asm volatile("vfmadd231ps %1, %1, %0" : "+v"(sums[i]) : "v"(x)));
#pragma GCC unroll 12
	for (int i = 0; i < CHAINS; i++)
		work->sum += (int)_mm256_cvtss_f32(sums[i]);
}

static void *run_work(void *argument)
{
	struct work *work = argument;

	work->run(work);
	return NULL;
}

static void measure(const char *name, void (*run)(struct work *work), int lanes,
		    unsigned long threads)
{
	static struct work works[THREADS_MOST];
	double products = (double)ROUNDS * CHAINS * lanes * threads;
	uint64_t best = UINT64_MAX;

	for (unsigned long i = 0; i < threads; i++)
		works[i] = (struct work) { .run = run };
	for (int i = 0; i < PASSES; i++) {
		uint64_t took = threads_run(threads, run_work, works, sizeof(*works));

		best = took < best ? took : best;
	}
	printf("%s %.1f\n", name, products / (double)best);
}

int main(int argc, char **argv)
{
	unsigned long threads = threads_number(argc, argv, 1, 1, THREADS_MOST);

	if (__builtin_cpu_supports("avx512vnni"))
		measure("int8", int8_avx512, 64, threads);
	if (__builtin_cpu_supports("avx512f"))
		measure("float", float_avx512, 16, threads);
	if (__builtin_cpu_supports("avx2"))
		measure("int8_avx2", int8_avx2, 32, threads);
	if (__builtin_cpu_supports("fma"))
		measure("float_avx2", float_avx2, 8, threads);
	return 0;
}
