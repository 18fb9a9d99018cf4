// SPDX-License-Identifier: GPL-2.0
#include "trie.h"

/* As for llm_index_init(). */
#define MAX_PROBES	512
#define RELAX_EVERY	4096

static bool is_taken(const struct llm_image *image, u32 token, u32 kinds)
{
	return image->vocab[token].length && kinds & 1U << image->vocab[token].kind;
}

/* Twice as many places as nodes. */
static u32 places_for(u32 nodes)
{
	u32 size = 4;

	while (size < 2 * nodes)
		size *= 2;
	return size;
}

static bool place_node(struct llm_trie *trie, u32 node)
{
	u32 from = trie->nodes[node].from;
	u32 probe, place;

	if (from < ARRAY_SIZE(trie->first)) {
		trie->first[from] = node;
		return true;
	}
	for (probe = 0; probe < MAX_PROBES; probe++) {
		place = (llm_trie_hash(trie, from) + probe) & trie->mask;
		if (!trie->places[place]) {
			trie->places[place] = node;
			return true;
		}
	}
	return false;
}

static bool add_node(struct llm_trie *trie, const struct llm_trie_node *node)
{
	trie->nodes[trie->count] = *node;
	trie->nodes[node->from >> 8].branches = true;
	return place_node(trie, trie->count++);
}

/* What a step leads to is another node from now on. */
static void replace_node(struct llm_trie *trie, u32 node, u32 other)
{
	u32 from = trie->nodes[node].from;
	u32 place = llm_trie_hash(trie, from);

	if (from < ARRAY_SIZE(trie->first)) {
		trie->first[from] = other;
		return;
	}
	while (trie->places[place & trie->mask] != node)
		place++;
	trie->places[place & trie->mask] = other;
}

/*
 * Puts a node where the first @length bytes of another's label end. That one keeps its
 * number, by which the nodes after it are found. Returns the new one, or 0.
 */
static u32 split_node(struct llm_trie *trie, u32 node, u32 length)
{
	struct llm_trie_node *after = &trie->nodes[node];
	u32 middle = trie->count++;

	trie->nodes[middle] = (struct llm_trie_node){
		.from = after->from,
		.label = after->label,
		.number = LLM_IMAGE_NONE,
		.length = length,
		.branches = true,
	};
	replace_node(trie, node, middle);
	after->label += length;
	after->length -= length;
	after->from = middle << 8 | trie->strings[after->label];
	return place_node(trie, node) ? middle : 0;
}

/* Bytes that a label and a text begin with in common. */
static u32 common(const struct llm_trie *trie, const struct llm_trie_node *node, u32 text,
		  u32 length)
{
	u32 most = min_t(u32, node->length, length);
	u32 i = 0;

	while (i < most && trie->strings[node->label + i] == trie->strings[text + i])
		i++;
	return i;
}

bool llm_trie_add(struct llm_trie *trie, u32 text, u32 length, u32 number)
{
	u32 node = 0;
	u32 next, same;

	trie->longest = max(trie->longest, length);
	while (length) {
		next = llm_trie_child(trie, node, trie->strings[text]);
		if (!next)
			return add_node(trie, &(struct llm_trie_node){
				.from = node << 8 | trie->strings[text],
				.label = text,
				.number = number,
				.length = length,
			});
		same = common(trie, &trie->nodes[next], text, length);
		node = same < trie->nodes[next].length ? split_node(trie, next, same) : next;
		if (!node)
			return false;
		text += same;
		length -= same;
	}
	if (trie->nodes[node].number == LLM_IMAGE_NONE)
		trie->nodes[node].number = number;
	return true;
}

static int allocate(struct llm_trie *trie, u32 nodes, struct llm_error *error)
{
	u32 places = places_for(nodes);

	trie->mask = places - 1;
	trie->shift = 32;
	while (trie->mask >> (32 - trie->shift))
		trie->shift--;
	trie->nodes = llm_alloc((u64)nodes * sizeof(*trie->nodes));
	trie->places = llm_alloc((u64)places * sizeof(*trie->places));
	if (!trie->nodes || !trie->places)
		return llm_refuse(error, -ENOMEM, "out of memory for a trie of %u nodes", nodes);
	return 0;
}

int llm_trie_create(struct llm_trie *trie, const u8 *strings, u32 texts, struct llm_error *error)
{
	int err = allocate(trie, 2 * texts + 1, error);

	if (err)
		return err;
	trie->strings = strings;
	trie->nodes[0].number = LLM_IMAGE_NONE;
	trie->count = 1;
	return 0;
}

int llm_trie_finish(struct llm_trie *trie, struct llm_error *error)
{
	struct llm_trie large = *trie;
	int err = allocate(trie, large.count, error);
	u32 i;

	if (!err)
		memcpy(trie->nodes, large.nodes, (u64)large.count * sizeof(*trie->nodes));
	for (i = 1; i < large.count && !err; i++) {
		if (i % RELAX_EVERY == 0)
			llm_relax_long();
		if (!place_node(trie, i))
			err = llm_refuse(error, -EINVAL, "too many texts with the same hash");
	}
	llm_free(large.nodes);
	llm_free(large.places);
	return err;
}

/* Tokens come in rising order, so one whose text is there already is left out. */
static bool add_token(struct llm_trie *trie, const struct llm_image *image, u32 token)
{
	return llm_trie_add(trie, image->vocab[token].offset, image->vocab[token].length, token);
}

int llm_trie_init(struct llm_trie *trie, const struct llm_image *image, u32 kinds,
		  struct llm_error *error)
{
	u32 texts = 0;
	int err;
	u32 i;

	for (i = 0; i < image->model.vocab_size; i++)
		texts += is_taken(image, i, kinds);
	err = llm_trie_create(trie, image->strings, texts, error);
	for (i = 0; i < image->model.vocab_size && !err; i++) {
		if (i % RELAX_EVERY == 0)
			llm_relax_long();
		if (is_taken(image, i, kinds) && !add_token(trie, image, i))
			err = llm_refuse(error, -EINVAL,
					 "token %u: too many texts with the same hash", i);
	}
	return err ? err : llm_trie_finish(trie, error);
}

void llm_trie_destroy(struct llm_trie *trie)
{
	llm_free(trie->nodes);
	llm_free(trie->places);
	trie->nodes = NULL;
	trie->places = NULL;
}

u64 llm_trie_memory(const struct llm_trie *trie)
{
	return (u64)trie->count * sizeof(*trie->nodes) +
	       ((u64)trie->mask + 1) * sizeof(*trie->places);
}

u32 llm_trie_longest(const struct llm_trie *trie, const u8 *text, u32 length, u32 at, u32 *end)
{
	struct llm_trie_walk walk = { .end = at };
	u32 found = LLM_IMAGE_NONE;
	u32 number;

	for (;;) {
		number = llm_trie_next(trie, &walk, text, length);
		if (number == LLM_IMAGE_NONE)
			return found;
		found = number;
		*end = walk.end;
	}
}
