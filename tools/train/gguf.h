/* SPDX-License-Identifier: GPL-2.0 */
/* The model as a GGUF file. */
#ifndef TRAIN_GGUF_H
#define TRAIN_GGUF_H

#include "model.h"
#include "vocab.h"

/**
 * gguf_save - write version 3 of the format, architecture llama
 * @m: model; its settings say the type of the matrices
 * @v: vocabulary
 * @dir: folder
 * @name: file name
 *
 * Norms are F32. Queries and keys are in the order of pairs that the architecture
 * wants, because they were trained in it. The output is tied: there is no
 * output.weight.
 */
void gguf_save(const struct model *m, const struct vocab *v, const char *dir, const char *name);

#endif
