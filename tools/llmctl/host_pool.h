/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HOST_POOL_H
#define HOST_POOL_H

#include "engine/step.h"

struct host_pool;

/**
 * host_pool_create() - threads that compute steps
 * @created: where the result goes
 * @threads: how many compute, the calling one included; 0: one a processor that
 *	this process may use
 *
 * Return: 0 or a negative errno.
 */
int host_pool_create(struct host_pool **created, u32 threads);

/**
 * host_pool_run() - computes a step
 * @pool: threads
 * @step: step whose rows are filled
 * @row_count: how many
 *
 * Returns when it is complete and no thread is at it any more.
 */
void host_pool_run(struct host_pool *pool, struct llm_step *step, u32 row_count);

/**
 * host_pool_destroy() - ends the threads
 * @pool: threads, or NULL
 */
void host_pool_destroy(struct host_pool *pool);

#endif /* HOST_POOL_H */
