/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_TRIE_H
#define LLM_ENGINE_TRIE_H

#include "image.h"

/** LLM_TRIE_ROOT - node of the empty text. */
#define LLM_TRIE_ROOT	0U

/**
 * struct llm_trie_entry - one place of a hash table
 * @from: node and byte that follows it: node << 8 | byte
 * @to: node they lead to, or LLM_TRIE_ROOT in a free place
 */
struct llm_trie_entry {
	u32 from;
	u32 to;
};

/**
 * struct llm_trie - finds all tokens, or whatever has numbers, that a text begins with
 * @entries: steps; @mask + 1 places, a power of two, at most half of them taken
 * @mask: see @entries
 * @tokens: token that ends at each node, or LLM_IMAGE_NONE
 * @room: nodes there is room for
 * @nodes: nodes there are
 */
struct llm_trie {
	struct llm_trie_entry *entries;
	u32 mask;
	u32 *tokens;
	u32 room;
	u32 nodes;
};

/**
 * llm_trie_create() - makes an empty one
 * @trie: zeroed; filled
 * @bytes: bytes of all texts that will be added
 * @error: gets the reason for a refusal
 *
 * Return: 0, -E2BIG where that is more than 2^23, -ENOMEM.
 */
int llm_trie_create(struct llm_trie *trie, u64 bytes, struct llm_error *error);

/**
 * llm_trie_add() - adds a text; does nothing where it is there already
 * @trie: trie
 * @text: text
 * @length: bytes, at least 1
 * @token: its number
 *
 * A look-up takes a bounded number of probes. Return: false where this text would
 * take more; the trie is then only fit to be destroyed.
 */
bool llm_trie_add(struct llm_trie *trie, const u8 *text, u32 length, u32 token);

/**
 * llm_trie_init() - makes one of a part of a vocabulary
 * @trie: zeroed; filled
 * @image: opened image
 * @kinds: which tokens: bits 1 << enum llm_token_kind. Those without text are
 *	left out; of those with the same text the lowest is found
 * @error: gets the reason for a refusal
 *
 * Return: 0, -EINVAL for texts chosen so that their hashes collide, -E2BIG where
 * the texts have more than 2^23 bytes, -ENOMEM.
 */
int llm_trie_init(struct llm_trie *trie, const struct llm_image *image, u32 kinds,
		  struct llm_error *error);

/**
 * llm_trie_destroy() - frees its memory
 * @trie: initialised or zeroed
 */
void llm_trie_destroy(struct llm_trie *trie);

/**
 * llm_trie_memory() - bytes it takes
 * @trie: trie
 */
u64 llm_trie_memory(const struct llm_trie *trie);

/** llm_trie_hash() - where to look for a step first, before it is masked. */
static inline u32 llm_trie_hash(u32 from)
{
	u64 hash = from * 0x9e3779b97f4a7c15ULL;

	return (u32)(hash >> 32) ^ (u32)(hash >> 48);
}

/**
 * llm_trie_step() - the node that a byte leads to
 * @trie: trie
 * @node: node
 * @byte: byte that follows
 *
 * Return: the node, or LLM_TRIE_ROOT where no token goes on like that.
 */
static inline u32 llm_trie_step(const struct llm_trie *trie, u32 node, u8 byte)
{
	u32 from = node << 8 | byte;
	u32 place = llm_trie_hash(from);

	while (trie->entries[place & trie->mask].to &&
	       trie->entries[place & trie->mask].from != from)
		place++;
	return trie->entries[place & trie->mask].to;
}

/**
 * llm_trie_longest() - the longest token at a place of a text
 * @trie: trie
 * @text: text
 * @length: bytes
 * @at: place
 * @end: set to where the token ends, left alone where there is none
 *
 * Return: the token, or LLM_IMAGE_NONE.
 */
u32 llm_trie_longest(const struct llm_trie *trie, const u8 *text, u32 length, u32 at, u32 *end);

#endif /* LLM_ENGINE_TRIE_H */
