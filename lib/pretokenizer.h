/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LLMCTL_PRETOKENIZER_H
#define LLMCTL_PRETOKENIZER_H

#include <stdbool.h>

#include <linux/llm_image.h>

/**
 * struct pretokenizer - how byte-level tokenizers split a text into pieces
 * @names: what tokenizer.ggml.pre calls it, up to NULL
 * @expressions: a regular expression a pass, see regex.h, up to NULL
 * @whole_pieces: a piece that is a token is not merged
 * @adds_bos: a text begins with a BOS where no key says otherwise
 * @adds_separator: likewise the second of two texts with a separator
 */
struct pretokenizer {
	const char *names[16];
	const char *expressions[LLM_SPLIT_MAX_PASSES + 1];
	bool whole_pieces;
	bool adds_bos;
	bool adds_separator;
};

/**
 * pretokenizer_find() - finds one by its name
 * @name: not NUL-terminated
 * @length: bytes
 *
 * Return: the pre-tokenizer or NULL.
 */
const struct pretokenizer *pretokenizer_find(const char *name, size_t length);

#endif /* LLMCTL_PRETOKENIZER_H */
