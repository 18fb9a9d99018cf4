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

/** LLM_MERGING_NEVER - above the order of any pair. */
#define LLM_MERGING_NEVER	(~0ULL)

/**
 * struct llm_merging - a text being merged
 * @find: whether the pieces at @left and @right can be merged, and in which order
 * @merged: told of pieces that are merged now, before they are; or NULL
 * @beyond: the least order in which the piece at @left, which ends at @edge, might ever be
 *	merged with one that begins there, or LLM_MERGING_NEVER; NULL where nothing follows
 * @model: what these go by
 * @text: bytes
 * @length: how many
 * @after: how many follow, with which they might be merged
 * @edge: up to where pieces are what they are whatever becomes of what follows, which is
 *	@length where nothing does
 * @last: the piece that ends at @edge, or LLM_IMAGE_NONE; only with @after
 * @limit: what @beyond says of it
 * @looks: how often it was asked
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
	u64 (*beyond)(const struct llm_merging *m, u32 left);
	const void *model;
	const u8 *text;
	u32 length;
	u32 after;
	u32 edge;
	u32 last;
	u64 limit;
	u32 looks;
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
 * @m: zeroed but for @find, @merged, @beyond and @model, or one that was used before
 * @text: bytes
 * @length: how many
 * @after: how many follow there, with which they might be merged; 0 without @beyond
 *
 * Return: 0 or -ENOMEM.
 */
int llm_merging_begin(struct llm_merging *m, const u8 *text, u32 length, u32 after);

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
 * Where bytes follow, the pieces up to @edge, which may be none, are those that the whole
 * text would have there, and what is behind it can be merged by itself.
 *
 * May sleep. Time grows as length * log(length).
 */
void llm_merging_run(struct llm_merging *m);

#endif /* LLM_ENGINE_MERGING_H */
