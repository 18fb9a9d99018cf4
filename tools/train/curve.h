/* SPDX-License-Identifier: GPL-2.0 */
/* The record of a run: log.csv, and the picture of its losses, curve.svg. */
#ifndef TRAIN_CURVE_H
#define TRAIN_CURVE_H

#include "util.h"

/**
 * struct point - one step in the record
 * @step: its number, from 1
 * @loss: training loss, nats a token
 * @valid: validation loss, nats a token; NaN where there was no validation
 * @rate: learning rate
 * @speed: tokens a second
 */
struct point {
	long step;
	double loss;
	double valid;
	double rate;
	double speed;
};

/**
 * curve_add - append a step
 * @c: points
 * @p: the step
 */
void curve_add(struct buf *c, const struct point *p);

/**
 * curve_load - the record of the steps before a resume
 * @c: points, empty; filled
 * @dir: folder of the run
 * @step: last step to take
 */
void curve_load(struct buf *c, const char *dir, long step);

/**
 * curve_save - write log.csv and curve.svg
 * @c: points
 * @dir: folder of the run
 */
void curve_save(const struct buf *c, const char *dir);

#endif
