// SPDX-License-Identifier: GPL-2.0
#include "bpe.h"

#include "merging.h"

/* As for llm_index_init(). */
#define MAX_PROBES	512
#define RELAX_EVERY	4096
/* Bytes of a piece whose pairs are searched one by one for the first in order. */
#define SHORT		32

/* A text that is being tokenized, decoded and encoded again. */
struct work {
	const struct llm_bpe *bpe;
	struct llm_token_list *list;
	u8 *text;
	u32 *starts;
	u8 *marks;
	u32 characters;
	u64 size;
	struct llm_merging merging;
	u32 relax;
};

/* SplitMix64 (Steele, Lea, Flood 2014). */
static u64 hash_pair(u32 left, u32 right)
{
	u64 hash = ((u64)left << 32 | right) + 0x9e3779b97f4a7c15ULL;

	hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ULL;
	hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebULL;
	return hash ^ (hash >> 31);
}

/* Merges come in rising order: of the same pair the first is found. */
static bool add_merge(struct llm_bpe *bpe, u32 merge)
{
	const struct llm_image_merge *merges = bpe->image->merges;
	u64 hash = hash_pair(merges[merge].left, merges[merge].right);
	struct llm_merge_entry *entry;
	u32 probe;

	for (probe = 0; probe < MAX_PROBES; probe++) {
		entry = &bpe->entries[((u32)(hash >> 32) + probe) & bpe->mask];
		if (entry->merge == LLM_IMAGE_NONE) {
			entry->tag = (u32)hash;
			entry->merge = merge;
			return true;
		}
		if (merges[entry->merge].left == merges[merge].left &&
		    merges[entry->merge].right == merges[merge].right)
			return true;
	}
	return false;
}

/* The number of the merge of a pair, or LLM_IMAGE_NONE. */
static inline u32 find_merge(const struct llm_bpe *bpe, u32 left, u32 right)
{
	const struct llm_image_merge *merges = bpe->image->merges;
	u64 hash = hash_pair(left, right);
	const struct llm_merge_entry *entry;
	u32 place;

	for (place = (u32)(hash >> 32);; place++) {
		entry = &bpe->entries[place & bpe->mask];
		if (entry->merge == LLM_IMAGE_NONE)
			return LLM_IMAGE_NONE;
		if (entry->tag == (u32)hash && merges[entry->merge].left == left &&
		    merges[entry->merge].right == right)
			return entry->merge;
	}
}

static int index_merges(struct llm_bpe *bpe, struct llm_error *error)
{
	u32 count = bpe->image->merge_count;
	u32 size = 4;
	u32 i;

	while (size / 4 * 3 < count)
		size *= 2;
	bpe->mask = size - 1;
	bpe->entries = llm_alloc((u64)size * sizeof(*bpe->entries));
	if (!bpe->entries)
		return llm_refuse(error, -ENOMEM, "out of memory for an index of %u merges", count);
	for (i = 0; i < size; i++)
		bpe->entries[i].merge = LLM_IMAGE_NONE;
	for (i = 0; i < count; i++) {
		if (i % RELAX_EVERY == 0)
			llm_relax_long();
		if (!add_merge(bpe, i))
			return llm_refuse(error, -EINVAL,
					  "merge %u: too many pairs with the same hash", i);
	}
	return 0;
}

static void find_bytes(struct llm_bpe *bpe)
{
	u32 i;
	u8 byte;

	for (i = 0; i < ARRAY_SIZE(bpe->symbols); i++) {
		byte = i;
		bpe->symbols[i] = llm_index_find(&bpe->index, &byte, 1);
		if (bpe->symbols[i] == LLM_IMAGE_NONE)
			bpe->symbols[i] = bpe->image->model.vocab_size + i;
	}
}

int llm_bpe_init(struct llm_bpe *bpe, const struct llm_image *image, struct llm_error *error)
{
	int err;

	bpe->image = image;
	llm_split_init(&bpe->split, image);
	err = llm_index_init(&bpe->index, image, 1U << LLM_TOKEN_NORMAL, error);
	if (!err)
		err = index_merges(bpe, error);
	if (!err)
		find_bytes(bpe);
	return err;
}

void llm_bpe_destroy(struct llm_bpe *bpe)
{
	llm_index_destroy(&bpe->index);
	llm_free(bpe->entries);
	bpe->entries = NULL;
}

u64 llm_bpe_memory(const struct llm_bpe *bpe)
{
	return llm_index_memory(&bpe->index) + ((u64)bpe->mask + 1) * sizeof(*bpe->entries);
}

static u32 encoded_length(const u8 *text, u32 length)
{
	u32 sum = 0;
	u32 at = 0;
	u8 bytes[LLM_UTF8_MOST];
	u32 point;

	while (at < length) {
		at += llm_utf8_decode(text + at, length - at, &point);
		sum += llm_utf8_encode(point, bytes);
	}
	return sum;
}

static void decode_text(struct work *w, const u8 *text, u32 length)
{
	u32 count = 0;
	u32 to = 0;
	u32 at = 0;
	u32 point;

	while (at < length) {
		at += llm_utf8_decode(text + at, length - at, &point);
		w->starts[count] = to;
		w->marks[count++] = llm_split_class(&w->bpe->split, point);
		to += llm_utf8_encode(point, w->text + to);
		if (count % RELAX_EVERY == 0)
			llm_relax_long();
	}
	w->starts[count] = to;
	w->characters = count;
}

static int work_init(struct work *w, const u8 *text, u32 length)
{
	u64 bytes;

	if (length > S32_MAX / LLM_UTF8_GROWTH)
		return -ENOMEM;
	bytes = encoded_length(text, length);
	w->size = ((u64)length + 1) * sizeof(*w->starts) + length + bytes;
	w->starts = llm_alloc_unset(w->size);
	if (!w->starts)
		return -ENOMEM;
	w->marks = (u8 *)(w->starts + length + 1);
	w->text = w->marks + length;
	decode_text(w, text, length);
	return 0;
}

static void work_destroy(struct work *w)
{
	llm_merging_destroy(&w->merging);
	llm_free_private(w->starts, w->size);
}

/* Where no merge made a token: only printable ASCII is still found, byte by byte. */
static void add_symbol(struct work *w, u32 symbol, const u8 *text, u32 length)
{
	u32 vocab_size = w->bpe->image->model.vocab_size;
	u32 i;

	if (symbol < vocab_size) {
		llm_token_list_add(w->list, symbol);
		return;
	}
	for (i = 0; i < length; i++)
		if (text[i] > 0x20 && text[i] < 0x7f && w->bpe->symbols[text[i]] < vocab_size)
			llm_token_list_add(w->list, w->bpe->symbols[text[i]]);
}

/* Between the ends of a piece: what begins where, and the merges of neighbours. */
static void merge_short(struct work *w, const u8 *text, u32 length)
{
	u32 symbol[SHORT], merge[SHORT];
	u8 start[SHORT + 1];
	u32 count = length;
	u32 best, i;

	for (i = 0; i < length; i++) {
		symbol[i] = w->bpe->symbols[text[i]];
		start[i] = i;
	}
	start[length] = length;
	for (i = 0; i + 1 < length; i++)
		merge[i] = find_merge(w->bpe, symbol[i], symbol[i + 1]);
	while (count > 1) {
		best = 0;
		for (i = 1; i + 1 < count; i++)
			if (merge[i] < merge[best])
				best = i;
		if (merge[best] == LLM_IMAGE_NONE)
			break;
		symbol[best] = w->bpe->image->merges[merge[best]].result;
		count--;
		for (i = best + 1; i < count; i++) {
			symbol[i] = symbol[i + 1];
			start[i] = start[i + 1];
			merge[i - 1] = merge[i];
		}
		start[count] = length;
		if (best + 1 < count)
			merge[best] = find_merge(w->bpe, symbol[best], symbol[best + 1]);
		if (best > 0)
			merge[best - 1] = find_merge(w->bpe, symbol[best - 1], symbol[best]);
	}
	for (i = 0; i < count; i++)
		add_symbol(w, symbol[i], text + start[i], start[i + 1] - start[i]);
}

static bool find_pair(const struct llm_merging *m, u32 left, u32 right, u32 *order)
{
	*order = find_merge(m->model, m->symbol[left], m->symbol[right]);
	return *order != LLM_IMAGE_NONE;
}

static void pair_merged(struct llm_merging *m, u32 left, u32 order)
{
	const struct llm_bpe *bpe = m->model;

	m->symbol[left] = bpe->image->merges[order].result;
}

static int merge_long(struct work *w, const u8 *text, u32 length)
{
	struct llm_merging *m = &w->merging;
	int err = llm_merging_begin(m, text, length, 0);
	u32 at;

	if (err)
		return err;
	for (at = 0; at < length; at++) {
		m->symbol[at] = w->bpe->symbols[text[at]];
		llm_merging_add(m, at, at + 1);
	}
	llm_merging_run(m);
	for (at = 0; at < length; at = m->next[at])
		add_symbol(w, m->symbol[at], text + at, m->next[at] - at);
	return 0;
}

static int tokenize_piece(struct work *w, const u8 *text, u32 length)
{
	u32 token;

	if (w->bpe->image->tokenizer.flags & LLM_TOKENIZER_WHOLE_PIECES) {
		token = llm_index_find(&w->bpe->index, text, length);
		if (token != LLM_IMAGE_NONE) {
			llm_token_list_add(w->list, token);
			return 0;
		}
	}
	if (length > SHORT)
		return merge_long(w, text, length);
	merge_short(w, text, length);
	return 0;
}

static int tokenize_pieces(struct work *w)
{
	u32 from, to;
	int err;

	for (from = 0; from < w->characters; from = to) {
		for (to = from + 1; to < w->characters && !(w->marks[to] & LLM_SPLIT_BEGIN);)
			to++;
		err = tokenize_piece(w, w->text + w->starts[from],
				     w->starts[to] - w->starts[from]);
		if (err)
			return err;
		if (++w->relax % RELAX_EVERY == 0)
			llm_relax_long();
	}
	return 0;
}

int llm_bpe_tokenize(const struct llm_bpe *bpe, const u8 *text, u32 length,
		     struct llm_token_list *list)
{
	struct work w = {
		.bpe = bpe,
		.list = list,
		.merging = { .find = find_pair, .merged = pair_merged, .model = bpe },
	};
	int err = work_init(&w, text, length);

	if (err)
		return err;
	llm_split_mark(&bpe->split, w.marks, w.characters);
	err = tokenize_pieces(&w);
	work_destroy(&w);
	return err;
}
