/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_SPLIT_H
#define LLM_ENGINE_SPLIT_H

#include "image.h"

/** LLM_SPLIT_BEGIN - bit of a mark: a piece begins here. */
#define LLM_SPLIT_BEGIN		0x80U

/**
 * struct llm_split - tables that split a text, in an image
 * @head: numbers
 * @page: page of each LLM_SPLIT_PAGE code points
 * @class: class of each code point of a page
 * @transition: transitions of the first pass; those of the others follow
 */
struct llm_split {
	const struct llm_image_split *head;
	const u16 *page;
	const u8 *class;
	const u16 *transition;
};

/**
 * llm_split_verify() - proves that splitting touches only its tables
 * @bytes: private copy of LLM_SECTION_SPLIT, aligned to 8
 * @length: bytes
 * @error: gets the reason for a refusal
 *
 * Return: 0 or -EINVAL.
 */
int llm_split_verify(const u8 *bytes, u64 length, struct llm_error *error);

/**
 * llm_split_init() - finds the tables
 * @split: filled
 * @image: opened image that has LLM_SECTION_SPLIT; outlives @split
 */
void llm_split_init(struct llm_split *split, const struct llm_image *image);

/**
 * llm_split_class() - class of a character
 * @split: tables
 * @point: code point, below LLM_UTF8_END
 */
static inline u8 llm_split_class(const struct llm_split *split, u32 point)
{
	return split->class[split->page[point / LLM_SPLIT_PAGE] * LLM_SPLIT_PAGE +
			    point % LLM_SPLIT_PAGE];
}

/**
 * llm_split_mark() - finds where pieces begin
 * @split: tables
 * @marks: for each character its class; gets LLM_SPLIT_BEGIN, also at the first
 * @count: characters
 *
 * May sleep. Time grows as @count: see LLM_SPLIT_MOST_STEPS.
 */
void llm_split_mark(const struct llm_split *split, u8 *marks, u32 count);

#endif /* LLM_ENGINE_SPLIT_H */
