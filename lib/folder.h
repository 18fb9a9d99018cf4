/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LLMCTL_FOLDER_H
#define LLMCTL_FOLDER_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct folder_options - what is to become of characters
 * @lowercase: letters become small
 * @strip_accents: characters lose their marks
 */
struct folder_options {
	bool lowercase;
	bool strip_accents;
};

/**
 * folder_build() - makes LLM_SECTION_FOLD for WordPiece, as BERT reads texts
 * @bytes: set to the section, for free()
 * @length: set to its bytes
 * @options: what is to become of characters
 *
 * Return: 0 or -ENOMEM.
 */
int folder_build(void **bytes, size_t *length, const struct folder_options *options);

#endif /* LLMCTL_FOLDER_H */
