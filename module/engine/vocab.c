// SPDX-License-Identifier: GPL-2.0
#include "vocab.h"

/* Chance makes runs of some 100 places in a table of a million; see llm_index_init(). */
#define MAX_PROBES	512
#define RELAX_EVERY	4096

/* FNV-1a (Fowler, Noll, Vo), */
#define HASH_START	0xcbf29ce484222325ULL

static u64 hash_byte(u64 hash, u8 byte)
{
	return (hash ^ byte) * 0x100000001b3ULL;
}

/* its bits mixed once more by a step of SplitMix64. */
static u64 hash_end(u64 hash)
{
	hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ULL;
	return hash ^ (hash >> 31);
}

static u64 hash_text(const u8 *text, u32 length)
{
	u64 hash = HASH_START;
	u32 i;

	for (i = 0; i < length; i++)
		hash = hash_byte(hash, text[i]);
	return hash_end(hash);
}

static bool is_text_of(const struct llm_image *image, u32 token, const u8 *text, u32 length)
{
	const struct llm_image_token *t = &image->vocab[token];

	return t->length == length && !memcmp(image->strings + t->offset, text, length);
}

static bool is_indexed(const struct llm_image *image, u32 token, u32 kinds)
{
	const struct llm_image_token *t = &image->vocab[token];

	return t->length && kinds & 1U << t->kind;
}

/* Tokens come in rising order, so one whose text is there already is left out. */
static bool index_add(struct llm_index *index, u32 token)
{
	const struct llm_image_token *t = &index->image->vocab[token];
	const u8 *text = index->image->strings + t->offset;
	u64 hash = hash_text(text, t->length);
	struct llm_index_entry *entry;
	u32 probe;

	for (probe = 0; probe < MAX_PROBES; probe++) {
		entry = &index->entries[((u32)(hash >> 32) + probe) & index->mask];
		if (entry->token == LLM_IMAGE_NONE) {
			entry->tag = (u32)hash;
			entry->token = token;
			index->longest = max_t(u32, index->longest, t->length);
			return true;
		}
		if (entry->tag == (u32)hash &&
		    is_text_of(index->image, entry->token, text, t->length))
			return true;
	}
	return false;
}

int llm_index_init(struct llm_index *index, const struct llm_image *image, u32 kinds,
		   struct llm_error *error)
{
	u32 count = 0;
	u32 size = 4;
	u32 i;

	for (i = 0; i < image->model.vocab_size; i++)
		count += is_indexed(image, i, kinds);
	while (size < 2 * count)
		size *= 2;
	index->image = image;
	index->longest = 0;
	index->mask = size - 1;
	index->entries = llm_alloc((u64)size * sizeof(*index->entries));
	if (!index->entries)
		return llm_refuse(error, -ENOMEM, "out of memory for an index of %u tokens", count);
	for (i = 0; i < size; i++)
		index->entries[i].token = LLM_IMAGE_NONE;
	for (i = 0; i < image->model.vocab_size; i++) {
		if (i % RELAX_EVERY == 0)
			llm_relax_long();
		if (is_indexed(image, i, kinds) && !index_add(index, i)) {
			llm_index_destroy(index);
			return llm_refuse(error, -EINVAL,
					  "token %u: too many texts with the same hash", i);
		}
	}
	return 0;
}

void llm_index_destroy(struct llm_index *index)
{
	llm_free(index->entries);
	index->entries = NULL;
}

u64 llm_index_memory(const struct llm_index *index)
{
	return ((u64)index->mask + 1) * sizeof(*index->entries);
}

static u32 find_hash(const struct llm_index *index, u64 hash, const u8 *text, u32 length)
{
	const struct llm_index_entry *entry;
	u32 place;

	for (place = (u32)(hash >> 32);; place++) {
		entry = &index->entries[place & index->mask];
		if (entry->token == LLM_IMAGE_NONE)
			return LLM_IMAGE_NONE;
		if (entry->tag == (u32)hash &&
		    is_text_of(index->image, entry->token, text, length))
			return entry->token;
	}
}

u32 llm_index_find(const struct llm_index *index, const u8 *text, u32 length)
{
	if (length > index->longest)
		return LLM_IMAGE_NONE;
	return find_hash(index, hash_text(text, length), text, length);
}

u32 llm_index_next(const struct llm_index *index, struct llm_index_walk *walk, const u8 *text,
		   u32 length)
{
	u32 token = LLM_IMAGE_NONE;

	if (!walk->end)
		walk->hash = HASH_START;
	while (token == LLM_IMAGE_NONE && walk->end < min(length, index->longest)) {
		walk->hash = hash_byte(walk->hash, text[walk->end++]);
		token = find_hash(index, hash_end(walk->hash), text, walk->end);
	}
	return token;
}

int llm_matcher_init(struct llm_matcher *matcher, const struct llm_image *image, u32 kinds,
		     struct llm_error *error)
{
	u64 lengths[LLM_MATCHER_LENGTHS / 64] = { 0 };
	u32 length, i;
	u8 first;
	int err;

	err = llm_index_init(&matcher->index, image, kinds, error);
	if (err)
		return err;
	memset(matcher->first, 0, sizeof(matcher->first));
	for (i = 0; i < image->model.vocab_size; i++) {
		if (!is_indexed(image, i, kinds))
			continue;
		first = image->strings[image->vocab[i].offset];
		matcher->first[first / 64] |= 1ULL << first % 64;
		length = image->vocab[i].length - 1;
		lengths[length / 64] |= 1ULL << length % 64;
	}
	matcher->length_count = 0;
	for (length = LLM_MATCHER_LENGTHS; length > 0; length--)
		if (lengths[(length - 1) / 64] & 1ULL << (length - 1) % 64)
			matcher->lengths[matcher->length_count++] = length;
	return 0;
}

void llm_matcher_destroy(struct llm_matcher *matcher)
{
	llm_index_destroy(&matcher->index);
}

static bool may_begin(const struct llm_matcher *matcher, u8 byte)
{
	return matcher->first[byte / 64] & 1ULL << byte % 64;
}

bool llm_matcher_possible(const struct llm_matcher *matcher, const u8 *text, u32 length)
{
	u32 i;

	for (i = 0; i < length; i++)
		if (may_begin(matcher, text[i]))
			return true;
	return false;
}

/* Whether it is a control token, and a byte of it lies where none may be found. */
static bool is_barred(const struct llm_matcher *matcher, u32 token, const u8 *plain, u32 length)
{
	return plain && matcher->index.image->vocab[token].kind != LLM_TOKEN_USER &&
	       memchr(plain, 1, length);
}

static bool is_space(u8 byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* White space after a token; returns where it ends. */
static u32 strip(const u8 *text, u32 from, u32 length, u32 *owners)
{
	while (from < length && owners[from] == LLM_IMAGE_NONE && is_space(text[from]))
		owners[from++] = LLM_MATCHER_STRIPPED;
	return from;
}

/*
 * Whatever is marked when it is this length's turn is at least as long, so a
 * match that overlaps it has its first or its last byte in it.
 */
static void mark_length(const struct llm_matcher *matcher, const u8 *text, u32 length, u32 wanted,
			const u8 *plain, u32 *owners)
{
	u32 token, i, j;

	for (i = 0; i + wanted <= length; i++) {
		if (i % RELAX_EVERY == 0)
			llm_relax_long();
		if (!may_begin(matcher, text[i]) || owners[i] != LLM_IMAGE_NONE ||
		    owners[i + wanted - 1] != LLM_IMAGE_NONE)
			continue;
		token = llm_index_find(&matcher->index, text + i, wanted);
		if (token == LLM_IMAGE_NONE ||
		    is_barred(matcher, token, plain ? plain + i : NULL, wanted))
			continue;
		for (j = 0; j < wanted; j++)
			owners[i + j] = token;
		i += wanted - 1;
		if (matcher->index.image->vocab[token].flags & LLM_TOKEN_STRIPS)
			i = strip(text, i + 1, length, owners) - 1;
	}
}

void llm_matcher_mark(const struct llm_matcher *matcher, const u8 *text, u32 length,
		      const u8 *plain, u32 *owners)
{
	u32 i;

	for (i = 0; i < length; i++)
		owners[i] = LLM_IMAGE_NONE;
	for (i = 0; i < matcher->length_count; i++)
		mark_length(matcher, text, length, matcher->lengths[i], plain, owners);
}
