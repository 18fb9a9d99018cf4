/* SPDX-License-Identifier: GPL-2.0 */
/* Optimisers, penalties and learning-rate schedules. */
#ifndef TRAIN_OPTIM_H
#define TRAIN_OPTIM_H

#include "model.h"

/**
 * struct optim - the state of an optimiser
 * @m: first moment of each parameter; the momentum of sgd
 * @v: second moment of each parameter
 */
struct optim {
	float *m;
	float *v;
};

/**
 * optim_new - state for a model, all zero
 * @m: model
 *
 * Return: the state.
 */
struct optim optim_new(const struct model *m);

/**
 * optim_free - give it back
 * @o: state
 */
void optim_free(struct optim *o);

/**
 * optim_rate - learning rate of a step
 * @s: settings
 * @step: number of the step, from 0
 *
 * Return: the rate: rising over the warm-up, then by the schedule.
 */
double optim_rate(const struct settings *s, long step);

/**
 * optim_step - clip the gradient, add the penalties, change the parameters
 * @o: state
 * @m: model with its gradient
 * @step: number of the step, from 0
 *
 * sgd:     m = beta1 m + g, p -= rate m
 * rmsprop: v = beta2 v + (1 − beta2) g², p -= rate g / (sqrt(v) + 1e-8)
 * adam:    Kingma and Ba 2015, with their corrections of the bias
 * adamw:   the same and p -= rate decay p (Loshchilov and Hutter 2019)
 * The penalties add l1 sign(p) + l2 p to g, after clipping. They and the decay
 * apply to matrices, not to the gains of the norms.
 *
 * Return: the norm of the gradient before clipping.
 */
double optim_step(struct optim *o, struct model *m, long step);

#endif
