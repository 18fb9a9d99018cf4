/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What recurrent models have in common: layers over one running representation, as
 * transformers have, but with state that each position makes anew.
 */
#ifndef LLMCTL_RECURRENT_H
#define LLMCTL_RECURRENT_H

#include "transformer.h"

/** RECURRENT_MAX_LAYERS - layers a model can have: two slots each. */
#define RECURRENT_MAX_LAYERS	512

/**
 * recurrent_read() - reads the keys that all recurrent models have
 * @c: compilation
 * @t: zeroed but for @arch; @layers, @width, @epsilon, @x, @normed and what
 *	transformer_embed() and transformer_output() need are filled
 */
void recurrent_read(struct compile *c, struct transformer *t);

/**
 * recurrent_convolve() - adds LLM_OP_CONVOLVE, with a slot
 * @c: compilation
 * @dst: register
 * @src: register
 * @channels: columns of @src, from column 0
 * @weight: number of the tensor of weights
 * @taps: its columns
 * @bias: number of the tensor of biases, or LLM_IMAGE_NONE
 * @activation: enum llm_activation
 */
void recurrent_convolve(struct compile *c, __u16 dst, __u16 src, __u32 channels, __u32 weight,
			__u32 taps, __u32 bias, __u32 activation);

/**
 * recurrent_embed() - adds the embedding of tokens
 * @c: compilation
 * @t: model
 * @dst: register
 *
 * Return: the table's number in the image.
 */
__u32 recurrent_embed(struct compile *c, const struct transformer *t, __u16 dst);

/**
 * recurrent_layers() - adds all layers, and the way to the logits
 * @c: compilation
 * @t: model
 * @embedding: what recurrent_embed() returned
 * @add_layer: adds one layer
 * @model: for @add_layer
 */
void recurrent_layers(struct compile *c, const struct transformer *t, __u32 embedding,
		      void (*add_layer)(struct compile *c, const void *model, __u32 layer),
		      const void *model);

#endif /* LLMCTL_RECURRENT_H */
