/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mixtures of experts (arXiv:2101.03961, arXiv:2401.04088): each token goes through
 * some of many feed-forward parts, which it chooses.
 */
#ifndef LLMCTL_EXPERTS_H
#define LLMCTL_EXPERTS_H

#include "compile.h"

struct transformer;

/**
 * struct experts - the experts of a model
 * @count: how many there are, or 0
 * @used: how many a token chooses
 * @hidden: width of one
 * @shared: width of the one that is there for all, or 0
 * @normalise: whether the weights of those that are chosen sum to one
 *
 * Registers:
 *
 * @scores: of all experts
 * @route: weights and numbers of the chosen ones
 * @up: gates of the chosen ones, side by side, then what goes with them
 * @gated: their products
 * @down: results of the chosen ones, side by side
 * @shared_score: of the shared expert
 * @shared_route: its weight
 * @shared_up: its gate and what goes with it
 * @shared_gated: their product
 * @shared_down: its result
 */
struct experts {
	__u32 count;
	__u32 used;
	__u32 hidden;
	__u32 shared;
	bool normalise;
	__u16 scores;
	__u16 route;
	__u16 up;
	__u16 gated;
	__u16 down;
	__u16 shared_score;
	__u16 shared_route;
	__u16 shared_up;
	__u16 shared_gated;
	__u16 shared_down;
};

/**
 * experts_read() - reads the keys of experts, which then are the feed-forward part
 * @c: compilation
 * @t: model, read by transformer_read()
 * @normalise: whether the weights of those that are chosen sum to one
 *
 * Where the file has none nothing changes.
 */
void experts_read(struct compile *c, struct transformer *t, bool normalise);

#endif /* LLMCTL_EXPERTS_H */
