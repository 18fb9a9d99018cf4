// SPDX-License-Identifier: GPL-2.0
/* Matrix products: CBLAS for the arithmetic, OpenMP for the threads. */
#include <cblas.h>

#include "internal.h"

/* OpenBLAS and BLIS each have their own switch; the one linked is there. */
extern void openblas_set_num_threads(int n) __attribute__((weak));
extern void bli_thread_set_num_threads(long n) __attribute__((weak));

void nn_threads_init(void)
{
	if (openblas_set_num_threads)
		openblas_set_num_threads(1);
	if (bli_thread_set_num_threads)
		bli_thread_set_num_threads(1);
}

void nn_mm1(bool ta, bool tb, int m, int n, int k, real alpha, const real *a, int lda,
	    const real *b, int ldb, real beta, real *c, int ldc)
{
#ifdef NN_DOUBLE
	cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
		    m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
#else
	cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
		    m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
#endif
}

void nn_mm(bool ta, bool tb, int m, int n, int k, const real *a, int lda,
	   const real *b, int ldb, real beta, real *c)
{
	int tile = (m / 8 + 15) & ~15;

	if (tile < 32)
		tile = 32;
	if (tile > 256)
		tile = 256;
#pragma omp parallel for schedule(dynamic)
	for (int i = 0; i < m; i += tile) {
		int rows = m - i < tile ? m - i : tile;
		const real *ai = ta ? a + i : a + (size_t)i * lda;

		nn_mm1(ta, tb, rows, n, k, 1, ai, lda, b, ldb, beta, c + (size_t)i * n, n);
	}
}
