/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Models that say how well a document answers a query. */
#ifndef LLMCTL_RANKING_H
#define LLMCTL_RANKING_H

#include "transformer.h"

/**
 * ranking_add() - adds the way from what a text is represented by to its scores:
 *	output (tanh (cls x)), or output x alone, and the softmax of these where the
 *	architecture has it; and puts what goes around query and document into the image
 * @c: compilation of a model whose pooling is LLM_POOLING_RANK
 * @t: model
 * @src: register of what the text is represented by
 *
 * Return: the register of the scores.
 */
__u16 ranking_add(struct compile *c, const struct transformer *t, __u16 src);

#endif /* LLMCTL_RANKING_H */
