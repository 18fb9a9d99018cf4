/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_VOCAB_H
#define LLM_ENGINE_VOCAB_H

#include "image.h"

/**
 * struct llm_token_list - tokens as they are found
 * @tokens: where they go
 * @room: tokens that fit there
 * @count: how many there are, also where they did not fit
 */
struct llm_token_list {
	u32 *tokens;
	u32 room;
	u32 count;
};

/**
 * llm_token_list_add() - adds a token; counts it where there is no room
 * @list: list
 * @token: token
 */
static inline void llm_token_list_add(struct llm_token_list *list, u32 token)
{
	if (list->count < list->room)
		list->tokens[list->count] = token;
	list->count++;
}

/**
 * struct llm_index_entry - one place of a hash table
 * @tag: half of the hash of the token's text
 * @token: token, or LLM_IMAGE_NONE in a free place
 */
struct llm_index_entry {
	u32 tag;
	u32 token;
};

/**
 * struct llm_index - finds tokens by their text; open addressing, linear probing
 * @image: where the texts are
 * @entries: @mask + 1 places, a power of two, at most half of them taken
 * @mask: see @entries
 * @longest: bytes of the longest text in it; 0 where it is empty
 */
struct llm_index {
	const struct llm_image *image;
	struct llm_index_entry *entries;
	u32 mask;
	u32 longest;
};

/**
 * llm_index_init() - indexes a part of a vocabulary
 * @index: filled
 * @image: opened image; outlives the index
 * @kinds: which tokens: bits 1 << enum llm_token_kind. Those without text are
 *	left out; of those with the same text the lowest is found
 * @error: gets the reason for a refusal
 *
 * A look-up takes a bounded number of probes: a vocabulary whose texts were
 * chosen so that their hashes collide is refused.
 *
 * Return: 0, -EINVAL for such a vocabulary, -ENOMEM.
 */
int llm_index_init(struct llm_index *index, const struct llm_image *image, u32 kinds,
		   struct llm_error *error);

/**
 * llm_index_destroy() - frees its memory
 * @index: index, initialised or zeroed
 */
void llm_index_destroy(struct llm_index *index);

/**
 * llm_index_memory() - bytes it takes
 * @index: index
 */
u64 llm_index_memory(const struct llm_index *index);

/**
 * llm_index_find() - the token with a text
 * @index: index
 * @text: bytes
 * @length: how many, at least 1
 *
 * Return: the token, or LLM_IMAGE_NONE.
 */
u32 llm_index_find(const struct llm_index *index, const u8 *text, u32 length);

/**
 * struct llm_index_walk - a walk through the tokens that a text begins with; zeroed at first
 * @hash: of the bytes it has read
 * @end: where the last token ends, and how many it has read
 */
struct llm_index_walk {
	u64 hash;
	u32 end;
};

/**
 * llm_index_next() - the next longer token that a text begins with
 * @index: index
 * @walk: goes on
 * @text: bytes
 * @length: how many
 *
 * Return: the token, or LLM_IMAGE_NONE.
 */
u32 llm_index_next(const struct llm_index *index, struct llm_index_walk *walk, const u8 *text,
		   u32 length);

/** LLM_MATCHER_LENGTHS - lengths that the text of a token can have. */
#define LLM_MATCHER_LENGTHS 1024

/**
 * struct llm_matcher - finds tokens within a text that are not made by merging
 * @index: those tokens
 * @first: a bit for each byte that one of them begins with
 * @lengths: lengths of their texts, longest first, each once
 * @length_count: how many
 */
struct llm_matcher {
	struct llm_index index;
	u64 first[4];
	u16 lengths[LLM_MATCHER_LENGTHS];
	u32 length_count;
};

/**
 * llm_matcher_init() - prepares to find tokens of some kinds
 * @matcher: filled
 * @image: opened image; outlives the matcher
 * @kinds: as for llm_index_init()
 * @error: gets the reason for a refusal
 *
 * Return: as llm_index_init() does.
 */
int llm_matcher_init(struct llm_matcher *matcher, const struct llm_image *image, u32 kinds,
		     struct llm_error *error);

/**
 * llm_matcher_destroy() - frees its memory
 * @matcher: matcher, initialised or zeroed
 */
void llm_matcher_destroy(struct llm_matcher *matcher);

/**
 * llm_matcher_possible() - whether it is worth calling llm_matcher_mark()
 * @matcher: matcher
 * @text: text
 * @length: bytes
 */
bool llm_matcher_possible(const struct llm_matcher *matcher, const u8 *text, u32 length);

/** LLM_MATCHER_STRIPPED - owner of white space that belongs to nothing. */
#define LLM_MATCHER_STRIPPED	(LLM_IMAGE_NONE - 1)

/**
 * llm_matcher_mark() - finds all tokens in a text
 * @matcher: matcher
 * @text: text
 * @length: bytes
 * @plain: for each byte 1 where only tokens of kind LLM_TOKEN_USER may be found,
 *	else 0; NULL: nowhere
 * @owners: for each byte, set to the token it belongs to, LLM_MATCHER_STRIPPED
 *	where a token strips it, or LLM_IMAGE_NONE
 *
 * A longer token goes before a shorter one wherever in the text they are, then
 * the one further left: what llama.cpp's tokenizer_st_partition() does. Time
 * grows as length times the number of lengths that tokens have.
 */
void llm_matcher_mark(const struct llm_matcher *matcher, const u8 *text, u32 length,
		      const u8 *plain, u32 *owners);

#endif /* LLM_ENGINE_VOCAB_H */
