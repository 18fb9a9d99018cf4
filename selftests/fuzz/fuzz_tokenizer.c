// SPDX-License-Identifier: GPL-2.0
/*
 * Any vocabulary of any kind, any text. The input is a vocabulary, as read_vocab()
 * takes it apart, then changes to the tables that go with it, and then the text.
 */
#include <string.h>

#include "folder.h"
#include "fuzz.h"
#include "merging.h"
#include "pretokenizer.h"
#include "splitter.h"
#include "tokenizer.h"
#include "utf8.h"
#include "vocab.h"

#define MAX_TOKENS	300
#define MAX_ROOM	65536
#define MAX_MERGES	64
#define MAX_REPLACEMENTS 32
/* Bytes of text that are several windows of the tokenizers that have some. */
#define LONG		12000

struct input {
	const u8 *data;
	size_t size;
};

static u8 take(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

/* Tables as the library makes them, of which each input gets copies. */
static struct {
	void *split;
	size_t split_length;
	void *fold;
	size_t fold_length;
} tables;

static void make_tables(void)
{
	const struct folder_options options = { .lowercase = true, .strip_accents = true };
	const struct pretokenizer *llama3 = pretokenizer_find("llama3", 6);

	must(!splitter_build(&tables.split, &tables.split_length, "fuzz", llama3->expressions, 1));
	must(!folder_build(&tables.fold, &tables.fold_length, &options));
}

static u8 *copy_of(const void *bytes, size_t length)
{
	u8 *copy = malloc(length);

	must(copy);
	memcpy(copy, bytes, length);
	return copy;
}

/* Changes to bytes of a table, most of them in its head or its last KiB. */
static void spoil(struct input *in, u8 *bytes, u64 length)
{
	for (u32 changes = take(in) % 8; changes > 0; changes--) {
		u32 at = take(in) | take(in) << 8;
		u8 value = take(in);

		bytes[at & 0x8000 ? length - 1 - at % 1024 : at % length] = value;
	}
}

/* Merges of tokens or what is none, then the tables the kind of tokenizer needs. */
static void read_tables(struct input *in, struct llm_image *image)
{
	u32 kind = image->tokenizer.kind;

	while (kind == LLM_TOKENIZER_BPE && image->merge_count < MAX_MERGES && take(in) % 4) {
		struct llm_image_merge *merge = &image->merges[image->merge_count++];

		merge->left = take(in) | take(in) << 8;
		merge->right = take(in) | take(in) << 8;
		merge->result = take(in) | take(in) << 8;
	}
	if (kind == LLM_TOKENIZER_BPE) {
		image->split = copy_of(tables.split, tables.split_length);
		image->split_length = tables.split_length;
		spoil(in, image->split, image->split_length);
	}
	while (kind == LLM_TOKENIZER_UNIGRAM && image->replacement_count < MAX_REPLACEMENTS &&
	       take(in) % 4) {
		struct llm_image_replacement *r = &image->replacements[image->replacement_count++];

		/* Of the texts of tokens. */
		r->from = take(in);
		r->from_length = take(in) % 8;
		r->to = take(in);
		r->to_length = take(in) % 64;
	}
	if (kind == LLM_TOKENIZER_WORDPIECE) {
		image->fold = copy_of(tables.fold, tables.fold_length);
		image->fold_length = tables.fold_length;
		spoil(in, image->fold, image->fold_length);
	}
}

/*
 * Flags and kind, then tokens: kind, length and rank in three bytes, then the text; a
 * kind of 0 ends them. Every byte can have a token without taking up input.
 */
static void read_vocab(struct input *in, struct llm_image *image)
{
	struct llm_image_tokenizer *tokenizer = &image->tokenizer;
	u8 flags = take(in);

	tokenizer->kind = LLM_TOKENIZER_SPM + (flags >> 6);
	tokenizer->flags = flags & (LLM_TOKENIZER_ADD_BOS | LLM_TOKENIZER_SPACE_PREFIX);
	if (tokenizer->kind == LLM_TOKENIZER_GREEDY && flags & LLM_TOKENIZER_ADD_SEP) {
		tokenizer->kind = LLM_TOKENIZER_UNIGRAM;
		if (flags & LLM_TOKENIZER_ADD_EOS)
			tokenizer->flags |= LLM_TOKENIZER_MERGE_SPACES;
	} else if (tokenizer->kind != LLM_TOKENIZER_SPM) {
		tokenizer->flags &= ~LLM_TOKENIZER_SPACE_PREFIX;
	}
	if (tokenizer->kind == LLM_TOKENIZER_BPE && flags & LLM_TOKENIZER_ADD_SEP)
		tokenizer->flags |= LLM_TOKENIZER_WHOLE_PIECES;
	tokenizer->bos = 0;
	tokenizer->eos = LLM_IMAGE_NONE;
	tokenizer->unknown = flags & 0x10 ? 0 : LLM_IMAGE_NONE;
	for (u32 i = 0; flags & 0x20 && i < 256; i++) {
		image->vocab[i].kind = LLM_TOKEN_BYTE;
		image->vocab[i].rank = i;
		image->model.vocab_size++;
	}
	while (image->model.vocab_size < MAX_TOKENS) {
		struct llm_image_token *token = &image->vocab[image->model.vocab_size];
		u8 kind = take(in) % (LLM_TOKEN_BYTE + 1);
		u8 length = take(in);

		if (!kind)
			break;
		token->kind = kind;
		token->rank = kind == LLM_TOKEN_BYTE ? take(in) : (s8)take(in);
		token->length = min(length % 32, in->size);
		token->offset = image->strings_length;
		if (token->length)
			memcpy(image->strings + token->offset, in->data, token->length);
		in->data += token->length;
		in->size -= token->length;
		image->strings_length += token->length;
		image->model.vocab_size++;
	}
}

static bool has_space_mark(const u8 *text, size_t length)
{
	for (size_t i = 0; i + 3 <= length; i++)
		if (!memcmp(text + i, "\xe2\x96\x81", 3))
			return true;
	return false;
}

/* A character that is cut off takes part of the space behind it. */
static bool is_whole(const u8 *text, size_t length)
{
	u32 point, size;

	for (size_t at = 0; at < length; at += size) {
		size = llm_utf8_decode(text + at, length - at, &point);
		if (size != llm_utf8_claimed(text[at]))
			return false;
	}
	return true;
}

/* What was not changed on the way must come back. */
static void check_round_trip(const struct llm_tokenizer *tokenizer, const struct llm_image *image,
			     const struct input *in, u32 flags, const u32 *tokens, u32 count)
{
	size_t at = 0;

	if (image->tokenizer.kind != LLM_TOKENIZER_SPM || image->tokenizer.flags ||
	    image->tokenizer.unknown != LLM_IMAGE_NONE ||
	    has_space_mark(in->data, in->size) || !is_whole(in->data, in->size))
		return;
	for (u32 i = 0; i < count; i++) {
		u32 length;
		const u8 *bytes = llm_token_text(tokenizer, tokens[i], flags, &length);

		must(at + length <= in->size && !memcmp(in->data + at, bytes, length));
		at += length;
	}
	must(at == in->size);
}

static void check_text(const struct llm_tokenizer *tokenizer, const struct llm_image *image,
		       const struct input *in, u32 flags)
{
	static u32 tokens[MAX_ROOM];
	u32 count, again;
	u32 room;

	must(!llm_tokenize(tokenizer, in->data, in->size, flags, tokens, MAX_ROOM, &count));
	must(count <= llm_tokenizer_most(tokenizer, in->size));
	for (u32 i = 0; i < count; i++)
		must(tokens[i] < image->model.vocab_size);
	check_round_trip(tokenizer, image, in, flags, tokens, count);
	room = count / 2;
	tokens[room] = LLM_IMAGE_NONE;
	must(llm_tokenize(tokenizer, in->data, in->size, flags, tokens, room, &again) ==
	     (count ? -ENOSPC : 0));
	must(again == count && tokens[room] == LLM_IMAGE_NONE);
}

static u32 order_of(const struct llm_merging *m, u32 token)
{
	const struct llm_index *index = m->model;

	return (u32)index->image->vocab[token].rank ^ 0x7fffffff;
}

static bool find_pair(const struct llm_merging *m, u32 left, u32 right, u32 *order)
{
	u32 token = llm_index_find(m->model, m->text + left, m->next[right] - left);

	if (token != LLM_IMAGE_NONE)
		*order = order_of(m, token);
	return token != LLM_IMAGE_NONE;
}

static u64 find_beyond(const struct llm_merging *m, u32 left)
{
	u64 least = LLM_MERGING_NEVER;

	for (u32 size = m->edge - left + 1; size <= m->length + m->after - left; size++) {
		u32 token = llm_index_find(m->model, m->text + left, size);

		if (token != LLM_IMAGE_NONE)
			least = min_t(u64, least, order_of(m, token));
	}
	return least;
}

static u32 character_end(const struct input *in, u32 at)
{
	return at + min_t(size_t, llm_utf8_claimed(in->data[at]), in->size - at);
}

static void merge(struct llm_merging *m, const struct input *in, u32 length)
{
	must(!llm_merging_begin(m, in->data, length, in->size - length));
	for (u32 at = 0; at < length; at = character_end(in, at))
		llm_merging_add(m, at, character_end(in, at));
	llm_merging_run(m);
}

/* The first part of a text has, up to its edge, the pieces of the whole. */
static void check_window(const struct llm_image *image, const struct input *in)
{
	struct llm_index index;
	struct llm_merging whole = { .find = find_pair, .model = &index };
	struct llm_merging part = { .find = find_pair, .beyond = find_beyond, .model = &index };
	struct llm_error error = { "" };
	u32 length = 0, at;

	if (llm_index_init(&index, image, 1U << LLM_TOKEN_NORMAL | 1U << LLM_TOKEN_USER, &error))
		return;
	while (length < in->size / 2)
		length = character_end(in, length);
	if (length) {
		merge(&whole, in, in->size);
		merge(&part, in, length);
		must(part.edge <= length);
		for (at = 0; at < part.edge; at = part.next[at])
			must(part.next[at] == whole.next[at]);
		must(at == part.edge);
	}
	llm_merging_destroy(&part);
	llm_merging_destroy(&whole);
	llm_index_destroy(&index);
}

/* The text again and again, without end as tokenizers see it that have windows. */
static void check_long(const struct llm_tokenizer *tokenizer, const struct llm_image *image,
		       const struct input *in)
{
	static u8 text[LONG];
	struct input repeated = { .data = text, .size = LONG };

	for (size_t at = 0; at < LONG; at++)
		text[at] = in->data[at % in->size];
	check_text(tokenizer, image, &repeated, 0);
}

int fuzz_one(const u8 *data, size_t size)
{
	struct llm_image_token vocab[MAX_TOKENS] = { 0 };
	struct llm_image_merge merges[MAX_MERGES] = { 0 };
	struct llm_image_replacement replacements[MAX_REPLACEMENTS] = { 0 };
	struct llm_image image = {
		.vocab = vocab, .merges = merges, .replacements = replacements,
	};
	struct input in = { .data = data, .size = size };
	struct llm_tokenizer *tokenizer;
	struct llm_error error = { "" };

	if (size > MAX_ROOM / 8)
		return 0;
	if (!tables.split)
		make_tables();
	image.strings = malloc(size + 1);
	must(image.strings);
	read_vocab(&in, &image);
	read_tables(&in, &image);
	if (image.model.vocab_size && !llm_tokenizer_verify(&image, &error) &&
	    !llm_tokenizer_create(&tokenizer, &image, &error)) {
		for (u32 flags = 0; flags < 4; flags++)
			check_text(tokenizer, &image, &in, flags);
		if (in.size && image.tokenizer.kind == LLM_TOKENIZER_SPM) {
			check_window(&image, &in);
			check_long(tokenizer, &image, &in);
		}
		llm_tokenizer_destroy(tokenizer);
	} else {
		must(!image.model.vocab_size || error.text[0]);
	}
	free(image.strings);
	free(image.split);
	free(image.fold);
	return 0;
}
