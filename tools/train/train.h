/* SPDX-License-Identifier: GPL-2.0 */
/* The training loop and the measures of a trained model. */
#ifndef TRAIN_TRAIN_H
#define TRAIN_TRAIN_H

#include "data.h"
#include "model.h"

/**
 * train_watch_signals - let SIGINT and SIGTERM end the run after its step, with a checkpoint
 */
void train_watch_signals(void);

/**
 * train_run - from the checkpoint, or from the beginning, to the last step
 * @s: settings
 * @vocab: tokens in the vocabulary
 * @train: text to learn
 * @valid: text held out; may be empty
 *
 * Leaves checkpoint, best (where the validation loss was smallest), log.csv and
 * curve.svg in the folder of the run.
 *
 * Return: false when a signal ended it early.
 */
bool train_run(const struct settings *s, int vocab, const struct tokens *train,
	       const struct tokens *valid);

/**
 * train_validate - loss on a text, window by window
 * @m: model
 * @t: text
 *
 * The last tokens, less than a window, do not count; nor does the beginning of a
 * document as a target. All processes share the work.
 *
 * Return: nats a token; NaN when the text has no window.
 */
double train_validate(struct model *m, const struct tokens *t);

/**
 * train_bits - bits a byte on a text
 * @m: model of one sequence
 * @t: text
 *
 * Windows overlap by half, so every token but the first few has at least half a
 * context before it. Ends of documents count, beginnings do not.
 *
 * Return: bits for each byte of text.
 */
double train_bits(struct model *m, const struct tokens *t);

#endif
