// SPDX-License-Identifier: GPL-2.0
#include "trie.h"

/* As for llm_index_init(). */
#define MAX_PROBES	512
#define RELAX_EVERY	4096
/* A node and a byte must fit 32 bits. */
#define MAX_NODES	(1U << 23)

static bool is_taken(const struct llm_image *image, u32 token, u32 kinds)
{
	return image->vocab[token].length && kinds & 1U << image->vocab[token].kind;
}

/* The node that a byte leads to, a new one if need be, or LLM_TRIE_ROOT. */
static u32 add_step(struct llm_trie *trie, u32 node, u8 byte)
{
	u32 from = node << 8 | byte;
	struct llm_trie_entry *entry;
	u32 probe;

	for (probe = 0; probe < MAX_PROBES; probe++) {
		entry = &trie->entries[(llm_trie_hash(from) + probe) & trie->mask];
		if (!entry->to) {
			entry->from = from;
			entry->to = trie->nodes;
			trie->tokens[trie->nodes] = LLM_IMAGE_NONE;
			return trie->nodes++;
		}
		if (entry->from == from)
			return entry->to;
	}
	return LLM_TRIE_ROOT;
}

bool llm_trie_add(struct llm_trie *trie, const u8 *text, u32 length, u32 token)
{
	u32 node = LLM_TRIE_ROOT;
	u32 i;

	for (i = 0; i < length; i++) {
		node = add_step(trie, node, text[i]);
		if (node == LLM_TRIE_ROOT)
			return false;
	}
	if (trie->tokens[node] == LLM_IMAGE_NONE)
		trie->tokens[node] = token;
	return true;
}

int llm_trie_create(struct llm_trie *trie, u64 bytes, struct llm_error *error)
{
	u32 size = 4;

	if (bytes >= MAX_NODES)
		return llm_refuse(error, -E2BIG,
				  "vocabulary: texts of %llu bytes, this kind can have %u",
				  (unsigned long long)bytes, MAX_NODES - 1);
	trie->room = bytes + 1;
	while (size < 2 * trie->room)
		size *= 2;
	trie->mask = size - 1;
	trie->entries = llm_alloc((u64)size * sizeof(*trie->entries));
	trie->tokens = llm_alloc((u64)trie->room * sizeof(*trie->tokens));
	if (!trie->entries || !trie->tokens)
		return llm_refuse(error, -ENOMEM, "out of memory for a trie of %u nodes",
				  trie->room);
	trie->tokens[LLM_TRIE_ROOT] = LLM_IMAGE_NONE;
	trie->nodes = 1;
	return 0;
}

/* Tokens come in rising order, so one whose text is there already is left out. */
static bool add_token(struct llm_trie *trie, const struct llm_image *image, u32 token)
{
	return llm_trie_add(trie, image->strings + image->vocab[token].offset,
			    image->vocab[token].length, token);
}

int llm_trie_init(struct llm_trie *trie, const struct llm_image *image, u32 kinds,
		  struct llm_error *error)
{
	u64 bytes = 0;
	int err;
	u32 i;

	for (i = 0; i < image->model.vocab_size; i++)
		if (is_taken(image, i, kinds))
			bytes += image->vocab[i].length;
	err = llm_trie_create(trie, bytes, error);
	for (i = 0; i < image->model.vocab_size && !err; i++) {
		if (i % RELAX_EVERY == 0)
			llm_relax_long();
		if (is_taken(image, i, kinds) && !add_token(trie, image, i))
			err = llm_refuse(error, -EINVAL,
					 "token %u: too many texts with the same hash", i);
	}
	return err;
}

void llm_trie_destroy(struct llm_trie *trie)
{
	llm_free(trie->entries);
	llm_free(trie->tokens);
	trie->entries = NULL;
	trie->tokens = NULL;
}

u64 llm_trie_memory(const struct llm_trie *trie)
{
	return ((u64)trie->mask + 1) * sizeof(*trie->entries) +
	       (u64)trie->room * sizeof(*trie->tokens);
}

u32 llm_trie_longest(const struct llm_trie *trie, const u8 *text, u32 length, u32 at, u32 *end)
{
	u32 found = LLM_IMAGE_NONE;
	u32 node = LLM_TRIE_ROOT;

	while (at < length) {
		node = llm_trie_step(trie, node, text[at++]);
		if (node == LLM_TRIE_ROOT)
			break;
		if (trie->tokens[node] != LLM_IMAGE_NONE) {
			found = trie->tokens[node];
			*end = at;
		}
	}
	return found;
}
