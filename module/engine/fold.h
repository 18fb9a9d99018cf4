/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_FOLD_H
#define LLM_ENGINE_FOLD_H

#include "image.h"

/**
 * llm_fold_verify() - proves that each code point has an entry and becomes one
 * @bytes: private copy of LLM_SECTION_FOLD, aligned to 8
 * @length: bytes
 * @error: gets the reason for a refusal
 *
 * Return: 0, -EINVAL or -EOPNOTSUPP.
 */
int llm_fold_verify(const u8 *bytes, u64 length, struct llm_error *error);

/**
 * struct llm_fold - tables that say what becomes of characters, in an image
 * @page: page of each LLM_FOLD_PAGE code points
 * @entry: entries of the pages
 */
struct llm_fold {
	const u16 *page;
	const u32 *entry;
};

/**
 * llm_fold_init() - finds the tables
 * @fold: filled
 * @image: opened image that has LLM_SECTION_FOLD; outlives @fold
 */
void llm_fold_init(struct llm_fold *fold, const struct llm_image *image);

/**
 * llm_fold_point() - what becomes of a character
 * @fold: tables
 * @point: code point, below 0x110000; set to what it becomes, below it too
 *
 * Return: LLM_FOLD_SPACE, _DROP and _ALONE.
 */
static inline u32 llm_fold_point(const struct llm_fold *fold, u32 *point)
{
	u32 entry = fold->entry[fold->page[*point / LLM_FOLD_PAGE] * LLM_FOLD_PAGE +
				*point % LLM_FOLD_PAGE];

	*point = (*point + entry) & LLM_FOLD_DELTA;
	return entry & ~LLM_FOLD_DELTA;
}

#endif /* LLM_ENGINE_FOLD_H */
