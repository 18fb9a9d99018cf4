/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <llmctl.h>

/**
 * progress_show() - draws a bar on stderr, if that is a terminal and the work is
 *	long enough to wait for
 * @label: char *, what is done
 * @done: bytes done
 * @total: bytes there are
 *
 * Of type llmctl_progress. The bar goes away when all is done.
 */
void progress_show(void *label, __u64 done, __u64 total);

/**
 * progress_write() - llmctl_model_write() with a bar
 * @model: model file
 * @image: where the image goes
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
int progress_write(struct llmctl_model *model, void *image, struct llmctl_error *error);

#endif /* PROGRESS_H */
