/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Checkpoints: parameters and optimiser state, cut into shards. A shard is a file
 * NAME.STEP.I; the file NAME lists them and is replaced, atomically, when all of
 * them are on the disk, so there is a whole checkpoint at every moment.
 */
#ifndef TRAIN_CHECKPOINT_H
#define TRAIN_CHECKPOINT_H

#include "optim.h"

/**
 * struct progress - where a run is
 * @step: steps done
 * @best: smallest validation loss so far, nats a token
 * @worse: validations since then
 */
struct progress {
	long step;
	double best;
	long worse;
};

/**
 * checkpoint_save - write one; the processes share the shards among them
 * @name: of the checkpoint
 * @m: model
 * @o: optimiser state
 * @p: where the run is
 *
 * The shards of checkpoints of that name before it are removed after it.
 */
void checkpoint_save(const char *name, const struct model *m, const struct optim *o,
		     const struct progress *p);

/**
 * checkpoint_load - read one, with as many processes as there are
 * @name: of the checkpoint
 * @m: model of the same shape; dies when it is not
 * @o: gets the optimiser state, or %NULL
 * @p: gets where the run was
 *
 * Return: false when there is none of that name.
 */
bool checkpoint_load(const char *name, struct model *m, struct optim *o, struct progress *p);

#endif
