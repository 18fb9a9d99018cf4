/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Encoders: transformers that see a text whole and make no text but vectors, or
 * scores where they end in a classification.
 */
#ifndef LLMCTL_ENCODER_H
#define LLMCTL_ENCODER_H

#include "arch.h"

/**
 * compile_encoder() - compiles an encoder: what a part of a layer makes is added to
 *	what it took, and the sum normed
 * @c: compilation whose vocabulary is compiled
 * @arch: architecture, with the traits of its attention and feed-forward part
 */
void compile_encoder(struct compile *c, const struct arch *arch);

#endif /* LLMCTL_ENCODER_H */
