/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rotary positions (arXiv:2104.09864): the frequencies that a file asks for. */
#ifndef LLMCTL_ROPE_H
#define LLMCTL_ROPE_H

#include "compile.h"

/**
 * struct rope - rotary positions of a model
 * @dims: columns of a head that are rotated, even
 * @base: base of the frequencies
 * @factor: what positions are divided by (linear scaling, arXiv:2306.15595)
 * @original: positions the model was trained for before it was made to take more
 * @yarn: how much of YaRN (arXiv:2309.00071) there is, 0 or 1 as a rule
 * @beta_fast: frequencies that turn more often than this within @original
 *	positions are not scaled by YaRN
 * @beta_slow: those that turn less often than this are scaled fully
 * @magnitude: what queries and keys are multiplied by on top of being rotated
 */
struct rope {
	__u32 dims;
	double base;
	double factor;
	__u32 original;
	double yarn;
	double beta_fast;
	double beta_slow;
	double magnitude;
};

/**
 * rope_read() - reads the keys of the architecture that tell of rotary positions
 * @c: compilation whose context length is known
 * @rope: filled
 * @head: columns of a head
 */
void rope_read(struct compile *c, struct rope *rope, __u32 head);

/**
 * rope_add() - adds the instruction that computes a step's angles
 * @c: compilation
 * @rope: rotary positions
 * @name: name of the tensor of frequencies in the image
 *
 * The frequencies are base^(-2i / dims), divided by those of a tensor
 * rope_freqs.weight, if there is one, and scaled. Where there are the tensors
 * rope_factors_short.weight and rope_factors_long.weight, those divide them in
 * sessions of up to @original positions and in longer ones (arXiv:2402.13753).
 *
 * Return: register of the angles, for LLM_OP_ROPE.
 */
__u16 rope_add(struct compile *c, const struct rope *rope, const char *name);

#endif /* LLMCTL_ROPE_H */
