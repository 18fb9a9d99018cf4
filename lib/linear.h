/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LLMCTL_LINEAR_H
#define LLMCTL_LINEAR_H

#include "compile.h"

/**
 * struct linear - one of the matrices that are applied to the same input
 * @name: its name in the layer
 * @rows: numbers it makes
 */
struct linear {
	const char *name;
	__u32 rows;
};

/**
 * struct linear_place - where matrices are applied
 * @layer: layer they are in
 * @dst: register that gets the results side by side, from column 0
 * @src: register of their input
 * @columns: columns of @src that are read, from column 0
 * @residual: register that is added, or LLM_IMAGE_NONE16
 */
struct linear_place {
	__u32 layer;
	__u16 dst;
	__u16 src;
	__u32 columns;
	__u16 residual;
};

/**
 * linear_add() - adds the instructions for matrices that must be in the file,
 *	with the biases that are there
 * @c: compilation
 * @place: where
 * @linears: matrices
 * @count: how many, 1..COMPILE_MAX_PARTS
 *
 * One instruction where that can be: a long one keeps the workers busier than
 * three short ones.
 */
void linear_add(struct compile *c, const struct linear_place *place, const struct linear *linears,
		__u32 count);

#endif /* LLMCTL_LINEAR_H */
