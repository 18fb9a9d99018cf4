/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_MERGING_H
#define LLM_ENGINE_MERGING_H

#include "platform.h"

/**
 * struct llm_pair - two neighbours that can be merged
 * @order: pairs with less are merged first, of equals the leftmost
 * @left: piece that comes first
 * @size: bytes of both
 *
 * It is out of date when the piece at @left is gone, or it and the one after it
 * are not @size bytes any more.
 */
struct llm_pair {
	u32 order;
	u32 left;
	u32 size;
};

/**
 * struct llm_merging - a text being merged
 * @find: whether the pieces at @left and @right can be merged, and in which order
 * @merged: told of pieces that are merged now, before they are; or NULL
 * @model: what these go by
 * @text: bytes
 * @length: how many
 * @room: bytes of text there is memory for
 * @next: that memory; where the piece after the one that begins here begins, 0 where none
 *	does
 * @prev: where the piece before begins, or LLM_IMAGE_NONE
 * @symbol: what the piece that begins here is, for @find and @merged; only with @merged
 * @heap: pairs, a heap. Those that are not out of date are fewer than pieces, so a quarter
 *	more than pieces is enough: when it is full the others are taken out
 * @heap_count: how many
 * @heap_most: how many there ever were
 */
struct llm_merging {
	bool (*find)(const struct llm_merging *m, u32 left, u32 right, u32 *order);
	void (*merged)(struct llm_merging *m, u32 left, u32 order);
	const void *model;
	const u8 *text;
	u32 length;
	u32 room;
	u32 *next;
	u32 *prev;
	u32 *symbol;
	struct llm_pair *heap;
	u32 heap_count;
	u32 heap_most;
};

/**
 * llm_merging_begin() - a text that has no pieces yet
 * @m: zeroed but for @find, @merged and @model, or one that was used before
 * @text: bytes
 * @length: how many
 *
 * Return: 0 or -ENOMEM.
 */
int llm_merging_begin(struct llm_merging *m, const u8 *text, u32 length);

/**
 * llm_merging_destroy() - frees its memory
 * @m: merging
 */
void llm_merging_destroy(struct llm_merging *m);

/**
 * llm_merging_add() - adds a piece behind the others
 * @m: merging
 * @at: where it begins, which is where the one before ended
 * @end: where it ends
 */
void llm_merging_add(struct llm_merging *m, u32 at, u32 end);

/**
 * llm_merging_run() - merges all pairs there are, the first in order first
 * @m: pieces added up to @length
 *
 * May sleep. Time grows as length * log(length).
 */
void llm_merging_run(struct llm_merging *m);

#endif /* LLM_ENGINE_MERGING_H */
