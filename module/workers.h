/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_WORKERS_H
#define LLM_WORKERS_H

#include <linux/types.h>

#include "engine/step.h"

struct task_struct;

/**
 * llm_workers_run() - runs a step on this CPU and on those of workers
 * @step: step that has begun
 *
 * For the scheduler's thread alone. Returns when the step is complete and no
 * worker looks at it any more.
 *
 * Return: nanoseconds spent in slices, summed over the workers.
 */
u64 llm_workers_run(struct llm_step *step);

/** llm_workers_count() - CPUs that compute. */
u32 llm_workers_count(void);

/**
 * llm_workers_lead() - the thread that calls llm_workers_run()
 * @task: the thread, or NULL when it is about to end
 *
 * It gets the CPUs and the nice value of the workers, now and when these change.
 */
void llm_workers_lead(struct task_struct *task);

/** llm_workers_init() - starts the workers. Return: 0 or a negative errno. */
int llm_workers_init(void);

/** llm_workers_exit() - stops them; no step runs. */
void llm_workers_exit(void);

#endif /* LLM_WORKERS_H */
