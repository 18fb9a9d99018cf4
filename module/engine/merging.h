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
 * @next: where the piece after the one that begins here begins, 0 where none does
 * @prev: where the piece before begins, or LLM_IMAGE_NONE
 * @symbol: what the piece that begins here is, for @find and @merged
 * @heap: pairs, a heap
 * @heap_count: how many; at most as many at first as pieces, and each merge, of
 *	which there are fewer than pieces, takes out one and puts in two
 * @heap_most: how many there ever were
 */
struct llm_merging {
	bool (*find)(const struct llm_merging *m, u32 left, u32 right, u32 *order);
	void (*merged)(struct llm_merging *m, u32 left, u32 order);
	const void *model;
	const u8 *text;
	u32 length;
	u32 *next;
	u32 *prev;
	u32 *symbol;
	struct llm_pair *heap;
	u32 heap_count;
	u32 heap_most;
};

/** LLM_MERGING_BYTES - bytes of working memory for each byte of text, rounded up to 8. */
#define LLM_MERGING_BYTES	(2 * sizeof(struct llm_pair) + 3 * sizeof(u32))

/**
 * llm_merging_init() - divides working memory
 * @m: zeroed but for @find, @merged and @model
 * @memory: LLM_MERGING_BYTES times @room
 * @room: bytes of text it will do for, a multiple of 8
 */
void llm_merging_init(struct llm_merging *m, void *memory, u32 room);

/**
 * llm_merging_touched() - bytes at the start of the working memory that were written
 * @m: merging
 * @room: as above
 */
u64 llm_merging_touched(const struct llm_merging *m, u32 room);

/**
 * llm_merging_add() - adds a piece behind the others
 * @m: @text and @length set
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
