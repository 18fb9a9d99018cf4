/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LLMCTL_SPLITTER_H
#define LLMCTL_SPLITTER_H

#include <stddef.h>

#include <linux/llm_image.h>

/**
 * splitter_build() - makes LLM_SECTION_SPLIT of regular expressions
 * @bytes: set to the section, for free()
 * @length: set to its bytes
 * @name: what it is called; cut to fit
 * @expressions: an expression a pass, see regex.h
 * @count: how many, 1..LLM_SPLIT_MAX_PASSES
 *
 * Return: 0, -EINVAL for an expression that is not understood, -E2BIG where it
 * does not fit the format, -ENOMEM.
 */
int splitter_build(void **bytes, size_t *length, const char *name,
		   const char *const *expressions, size_t count);

#endif /* LLMCTL_SPLITTER_H */
