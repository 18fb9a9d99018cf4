// SPDX-License-Identifier: GPL-2.0
/* See dist.h. Only this file knows MPI. */
#include "dist.h"

#ifdef WITH_MPI
#include <mpi.h>
#include <stdlib.h>

#define PIECE ((size_t)1 << 24)	/* elements in one call: MPI counts in int */

static int rank, size = 1;

void dist_init(int *argc, char ***argv)
{
	int got;

	/* Set by every launcher of Open MPI, MPICH and Slurm. */
	if (!getenv("OMPI_COMM_WORLD_SIZE") && !getenv("PMI_SIZE") && !getenv("PMIX_RANK"))
		return;
	MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &got);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &size);
}

static int joined(void)
{
	int yes = 0, ended = 0;

	MPI_Initialized(&yes);
	MPI_Finalized(&ended);
	return yes && !ended;
}

void dist_end(void)
{
	if (joined())
		MPI_Finalize();
}

void dist_abort(void)
{
	if (joined())
		MPI_Abort(MPI_COMM_WORLD, 1);
}

int dist_rank(void)
{
	return rank;
}

int dist_size(void)
{
	return size;
}

void dist_sum(float *x, size_t n)
{
	if (size == 1)
		return;
	for (size_t i = 0; i < n; i += PIECE) {
		int count = n - i < PIECE ? n - i : PIECE;

		/* Reduced in one place and sent out, so that no process differs by a bit. */
		MPI_Reduce(rank ? x + i : MPI_IN_PLACE, x + i, count, MPI_FLOAT, MPI_SUM, 0,
			   MPI_COMM_WORLD);
		MPI_Bcast(x + i, count, MPI_FLOAT, 0, MPI_COMM_WORLD);
	}
}

double dist_sum1(double x)
{
	double sum = x;

	if (size == 1)
		return x;
	MPI_Reduce(&x, &sum, 1, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
	MPI_Bcast(&sum, 1, MPI_DOUBLE, 0, MPI_COMM_WORLD);
	return sum;
}

void dist_barrier(void)
{
	if (size > 1)
		MPI_Barrier(MPI_COMM_WORLD);
}

#else

void dist_init(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
}

void dist_end(void)
{
}

void dist_abort(void)
{
}

int dist_rank(void)
{
	return 0;
}

int dist_size(void)
{
	return 1;
}

void dist_sum(float *x, size_t n)
{
	(void)x;
	(void)n;
}

double dist_sum1(double x)
{
	return x;
}

void dist_barrier(void)
{
}
#endif
