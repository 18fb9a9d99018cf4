/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_TRIE_H
#define LLM_ENGINE_TRIE_H

#include "image.h"

/**
 * struct llm_trie_node - what all texts have in common that begin alike
 * @from: the node before it and the first byte of its label: node << 8 | byte
 * @label: bytes that lead from there to here: where they are in @strings
 * @number: of the text that ends here, or LLM_IMAGE_NONE
 * @length: bytes of the label, at least 1 but for node 0, the empty text
 * @branches: whether there are nodes after it
 */
struct llm_trie_node {
	u32 from;
	u32 label;
	u32 number;
	u16 length;
	u16 branches;
};

/**
 * struct llm_trie - finds all tokens, or whatever has numbers, that a text begins with
 * @strings: where labels are
 * @nodes: nodes; but for the first each is the end of a text or where some part, so they
 *	are less than twice as many as texts, however long those are (D. R. Morrison,
 *	"PATRICIA", 1968)
 * @count: how many
 * @places: hash table of the nodes by @from: their numbers, or 0 in a free place;
 *	@mask + 1, a power of two, at most half of them taken
 * @mask: see @places
 * @shift: 32 less the bits of @mask
 * @longest: bytes of the longest text; 0 where there is none
 * @first: node that each first byte of a text leads to, or 0
 */
struct llm_trie {
	const u8 *strings;
	struct llm_trie_node *nodes;
	u32 count;
	u32 *places;
	u32 mask;
	u32 shift;
	u32 longest;
	u32 first[256];
};

/**
 * llm_trie_create() - makes an empty one
 * @trie: zeroed; filled
 * @strings: where texts that will be added are; outlives it
 * @texts: how many these are at most, at most 2^20
 * @error: gets the reason for a refusal
 *
 * Return: 0 or -ENOMEM.
 */
int llm_trie_create(struct llm_trie *trie, const u8 *strings, u32 texts, struct llm_error *error);

/**
 * llm_trie_add() - adds a text; does nothing where it is there already
 * @trie: trie that is not finished
 * @text: its first byte in the strings
 * @length: bytes, 1..1024
 * @number: its number
 *
 * A look-up takes a bounded number of probes. Return: false where this text would
 * take more; the trie is then only fit to be destroyed.
 */
bool llm_trie_add(struct llm_trie *trie, u32 text, u32 length, u32 number);

/**
 * llm_trie_finish() - gives back what memory was not needed
 * @trie: trie to which all texts were added
 * @error: gets the reason for a refusal
 *
 * Return: 0, -EINVAL where a look-up would take too many probes, -ENOMEM.
 */
int llm_trie_finish(struct llm_trie *trie, struct llm_error *error);

/**
 * llm_trie_init() - makes one of a part of a vocabulary
 * @trie: zeroed; filled
 * @image: opened image; outlives it
 * @kinds: which tokens: bits 1 << enum llm_token_kind. Those without text are
 *	left out; of those with the same text the lowest is found
 * @error: gets the reason for a refusal
 *
 * Return: 0, -EINVAL for texts chosen so that their hashes collide, -ENOMEM.
 */
int llm_trie_init(struct llm_trie *trie, const struct llm_image *image, u32 kinds,
		  struct llm_error *error);

/**
 * llm_trie_destroy() - frees its memory
 * @trie: initialised or zeroed
 */
void llm_trie_destroy(struct llm_trie *trie);

/**
 * llm_trie_memory() - bytes it takes, but for the struct
 * @trie: trie
 */
u64 llm_trie_memory(const struct llm_trie *trie);

/**
 * llm_trie_hash() - where to look for a node first
 * @trie: trie
 * @from: the node before it and the first byte of its label
 *
 * Fibonacci hashing (D. E. Knuth, "The Art of Computer Programming", 6.4): of the nodes that
 * follow one, whose numbers are near each other, few get the same place.
 */
static inline u32 llm_trie_hash(const struct llm_trie *trie, u32 from)
{
	return (u32)(from * 0x9e3779b9U) >> trie->shift;
}

/**
 * llm_trie_child() - the node that a byte leads to
 * @trie: trie
 * @node: node
 * @byte: byte that follows
 *
 * Return: the node, of whose label no more than the first byte is sure to be there,
 * or 0 where no text goes on like that.
 */
static inline u32 llm_trie_child(const struct llm_trie *trie, u32 node, u8 byte)
{
	u32 from = node << 8 | byte;
	u32 place, found;

	if (!node)
		return trie->first[byte];
	for (place = llm_trie_hash(trie, from);; place++) {
		found = trie->places[place & trie->mask];
		if (!found || trie->nodes[found].from == from)
			return found;
	}
}

/**
 * struct llm_trie_walk - the texts that another one begins with, the shortest first
 * @node: node of the last one found; 0 to begin with
 * @end: where it ends; where the others begin to begin with
 */
struct llm_trie_walk {
	u32 node;
	u32 end;
};

/**
 * llm_trie_next() - finds the next one
 * @trie: trie
 * @walk: walk
 * @text: text
 * @length: bytes
 *
 * Return: its number, or LLM_IMAGE_NONE where there is no more.
 */
static inline u32 llm_trie_next(const struct llm_trie *trie, struct llm_trie_walk *walk,
				const u8 *text, u32 length)
{
	const struct llm_trie_node *node;
	const u8 *label;
	u32 i;

	while (walk->end < length && trie->nodes[walk->node].branches) {
		walk->node = llm_trie_child(trie, walk->node, text[walk->end]);
		if (!walk->node)
			break;
		node = &trie->nodes[walk->node];
		if (node->length > length - walk->end)
			break;
		label = trie->strings + node->label;
		for (i = 1; i < node->length; i++)
			if (label[i] != text[walk->end + i])
				return LLM_IMAGE_NONE;
		/* Not its length: a CPU that guesses right does not wait for that. */
		walk->end += i;
		if (node->number != LLM_IMAGE_NONE)
			return node->number;
	}
	return LLM_IMAGE_NONE;
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
