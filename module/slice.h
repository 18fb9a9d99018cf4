/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_SLICE_H
#define LLM_SLICE_H

#include <linux/types.h>

#include "engine/pooling.h"
#include "engine/scoring.h"
#include "engine/step.h"
#include "engine/trial.h"

struct seq_file;

/**
 * struct llm_slicer - what one thread knows about its slices
 * @longest_piece: nanoseconds of the longest piece of work lately; fades
 * @margin: nanoseconds of the budget kept free for interrupts
 * @spent: nanoseconds in slices since the thread last set it to zero
 * @uncounted_ns: of @uncounted slices
 * @uncounted: slices that the module's counters do not have yet
 *
 * Zeroed at first.
 */
struct llm_slicer {
	u64 longest_piece;
	u64 margin;
	u64 spent;
	u64 uncounted_ns;
	u32 uncounted;
};

/**
 * llm_slice_tiles() - one slice of a step
 * @slicer: the thread's
 * @step: step that has begun
 * @more: called with preemption off, before a tile is claimed that is not the last
 *	of its stage: another thread would find one too
 *
 * Claims tiles, with preemption off, until the budget is spent or there is none
 * to claim. For threads of the kernel.
 *
 * Return: what the last llm_step_tile() returned: LLM_TILE_RAN where the budget
 * was spent.
 */
enum llm_tile_result llm_slice_tiles(struct llm_slicer *slicer, struct llm_step *step,
				     void (*more)(void));

/**
 * llm_slice_count() - lets the module's counters have all slices of a thread
 * @slicer: the thread's
 *
 * For who stops before llm_slice_tiles() returned anything but LLM_TILE_RAN.
 */
void llm_slice_count(struct llm_slicer *slicer);

/**
 * llm_slice_score() - scores a token, in as many slices as it takes
 * @slicer: the thread's
 * @scoring: scoring that has begun
 */
void llm_slice_score(struct llm_slicer *slicer, struct llm_scoring *scoring);

/**
 * llm_slice_pool() - adds an embedding, in as many slices as it takes
 * @slicer: the thread's
 * @pooling: pooling that has begun on it
 */
void llm_slice_pool(struct llm_slicer *slicer, struct llm_pooling *pooling);

/**
 * llm_slice_trial() - times all forms, in as many slices as it takes
 * @trial: trial that has begun
 */
void llm_slice_trial(struct llm_trial *trial);

/** llm_slice_us() - budget of a slice, microseconds. */
u32 llm_slice_us(void);

/**
 * llm_slice_show() - writes the histogram of slices, for people
 * @file: where to
 */
void llm_slice_show(struct seq_file *file);

/** llm_slice_reset() - forgets all slices up to now. */
void llm_slice_reset(void);

/** llm_slice_init() - Return: 0 or -ENOMEM. */
int llm_slice_init(void);

/** llm_slice_exit() - no thread makes slices any more. */
void llm_slice_exit(void);

#endif /* LLM_SLICE_H */
