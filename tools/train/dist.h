/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The processes of a run. Built without MPI there is always one. A run of one
 * process is not started with mpirun and touches no MPI.
 */
#ifndef TRAIN_DIST_H
#define TRAIN_DIST_H

#include <stddef.h>

/**
 * dist_init - join the run this process was started in
 * @argc: of main()
 * @argv: of main()
 */
void dist_init(int *argc, char ***argv);

/** dist_end - leave it */
void dist_end(void);

/** dist_abort - end all processes of the run with status 1; returns when there is one */
void dist_abort(void);

/**
 * dist_rank - which process this is
 *
 * Return: 0 to dist_size() - 1.
 */
int dist_rank(void);

/**
 * dist_size - how many there are
 *
 * Return: 1 or more.
 */
int dist_size(void);

/**
 * dist_sum - replace x by its sum over all processes, the same bits in each
 * @x: elements
 * @n: how many
 */
void dist_sum(float *x, size_t n);

/**
 * dist_sum1 - the sum of one number over all processes
 * @x: number
 *
 * Return: the sum.
 */
double dist_sum1(double x);

/** dist_barrier - wait until every process is here */
void dist_barrier(void);

#endif
