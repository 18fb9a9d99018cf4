// SPDX-License-Identifier: GPL-2.0
#include "spm.h"

#include "merging.h"
#include "utf8.h"

#define RELAX_EVERY	1024

static void find_joined(struct llm_spm *spm, const struct llm_image *image, u32 kinds)
{
	const struct llm_image_token *token;
	const u8 *text;
	u32 i, at, both;

	for (i = 0; i < image->model.vocab_size; i++) {
		token = &image->vocab[i];
		text = image->strings + token->offset;
		for (at = 1; at < token->length && kinds & 1U << token->kind; at++) {
			both = text[at - 1] << 8 | text[at];
			spm->joined[both / 64] |= 1ULL << (both % 64);
		}
		if (i % RELAX_EVERY == 0)
			llm_relax_long();
	}
}

int llm_spm_init(struct llm_spm *spm, const struct llm_image *image, struct llm_error *error)
{
	const u32 merged = 1U << LLM_TOKEN_NORMAL | 1U << LLM_TOKEN_USER;
	u32 i;
	u8 byte;
	int err;

	err = llm_index_init(&spm->index, image, merged, error);
	if (err)
		return err;
	find_joined(spm, image, merged);
	spm->unknown = image->tokenizer.unknown;
	for (i = 0; i < ARRAY_SIZE(spm->bytes); i++)
		spm->bytes[i] = LLM_IMAGE_NONE;
	for (i = image->model.vocab_size; i-- > 0;)
		if (image->vocab[i].kind == LLM_TOKEN_BYTE)
			spm->bytes[image->vocab[i].rank] = i;
	for (i = 0; i < ARRAY_SIZE(spm->bytes); i++) {
		byte = i;
		if (spm->bytes[i] == LLM_IMAGE_NONE)
			spm->bytes[i] = llm_index_find(&spm->index, &byte, 1);
		if (spm->bytes[i] == LLM_IMAGE_NONE && spm->unknown == LLM_IMAGE_NONE) {
			llm_spm_destroy(spm);
			return llm_refuse(error, -EINVAL,
					  "vocabulary: no token for byte %#04x, and none for the unknown",
					  i);
		}
	}
	return 0;
}

void llm_spm_destroy(struct llm_spm *spm)
{
	llm_index_destroy(&spm->index);
}

static void put(u8 *to, u32 *count, u8 byte)
{
	if (to)
		to[*count] = byte;
	(*count)++;
}

/*
 * llama.cpp has U+2581 for each space, and no more than the first byte of a character
 * tells it how many belong to it: one that is cut off takes bytes of such a space with
 * it, and what is left of the space is bytes too. Other such spaces are spaces here.
 * Returns the bytes; without @to they are only counted.
 */
static u32 copy_text(u8 *to, const u8 *text, u32 length, bool space_before)
{
	u32 claimed = 0;
	u32 count = 0;
	u32 at = 0;
	u32 i;

	if (space_before)
		put(to, &count, ' ');
	while (at < length) {
		bool mark = llm_utf8_is_space_mark(text + at, length - at);

		if (!mark && text[at] != ' ') {
			claimed = claimed ? claimed - 1 : llm_utf8_claimed(text[at]) - 1;
			put(to, &count, text[at++]);
			continue;
		}
		if (!claimed)
			put(to, &count, ' ');
		for (i = 0; claimed && i < 3; i++)
			put(to, &count, LLM_UTF8_SPACE_MARK[i]);
		claimed = 0;
		at += mark ? 3 : 1;
	}
	return count;
}

static bool find_pair(const struct llm_merging *m, u32 left, u32 right, u32 *order)
{
	const struct llm_spm *spm = m->model;
	u32 token = llm_index_find(&spm->index, m->text + left, m->next[right] - left);

	if (token == LLM_IMAGE_NONE)
		return false;
	/* Rising where the rank falls. */
	*order = (u32)spm->index.image->vocab[token].rank ^ 0x7fffffff;
	return true;
}

/* What follows the first byte of a character is not checked. */
static u32 character_end(const u8 *text, u32 length, u32 at)
{
	return at + min(llm_utf8_claimed(text[at]), length - at);
}

/* Where the part of a text ends that can be merged by itself. */
static u32 part_end(const struct llm_spm *spm, const u8 *text, u32 length, u32 from)
{
	u32 at = from;
	u32 both;

	do {
		at = character_end(text, length, at);
		if (at == length)
			break;
		both = text[at - 1] << 8 | text[at];
	} while (spm->joined[both / 64] >> (both % 64) & 1);
	return at;
}

static u32 longest_part(const struct llm_spm *spm, const u8 *text, u32 length)
{
	u32 most = 0;
	u32 at, end;

	for (at = 0; at < length; at = end) {
		end = part_end(spm, text, length, at);
		most = max(most, end - at);
	}
	return most;
}

static void add_bytes(const struct llm_spm *spm, const u8 *bytes, u32 length,
		      struct llm_token_list *list)
{
	u32 i;

	for (i = 0; i < length; i++) {
		if (spm->bytes[bytes[i]] == LLM_IMAGE_NONE) {
			llm_token_list_add(list, spm->unknown);
			return;
		}
	}
	for (i = 0; i < length; i++)
		llm_token_list_add(list, spm->bytes[bytes[i]]);
}

static void add_piece(const struct llm_spm *spm, const u8 *bytes, u32 length,
		      struct llm_token_list *list)
{
	u32 token = llm_index_find(&spm->index, bytes, length);

	if (token == LLM_IMAGE_NONE)
		add_bytes(spm, bytes, length, list);
	else
		llm_token_list_add(list, token);
}

static void merge_part(const struct llm_spm *spm, struct llm_merging *m,
		       struct llm_token_list *list)
{
	u32 at, end;

	for (at = 0; at < m->length; at = end) {
		end = character_end(m->text, m->length, at);
		llm_merging_add(m, at, end);
	}
	llm_merging_run(m);
	for (at = 0; at < m->length; at = m->next[at])
		add_piece(spm, m->text + at, m->next[at] - at, list);
}

static int merge_parts(const struct llm_spm *spm, const u8 *text, u32 length,
		       struct llm_token_list *list)
{
	struct llm_merging m = { .find = find_pair, .model = spm };
	u32 room = ALIGN(longest_part(spm, text, length), 8);
	u64 size = (u64)room * LLM_MERGING_BYTES;
	void *memory = llm_alloc(size);
	u32 steps = 0;
	u32 at, end;

	if (!memory)
		return -ENOMEM;
	llm_merging_init(&m, memory, room);
	for (at = 0; at < length; at = end) {
		end = part_end(spm, text, length, at);
		m.text = text + at;
		m.length = end - at;
		merge_part(spm, &m, list);
		if (++steps % RELAX_EVERY == 0)
			llm_relax_long();
	}
	llm_free_private(memory, llm_merging_touched(&m, room));
	return 0;
}

int llm_spm_tokenize(const struct llm_spm *spm, const u8 *text, u32 length, bool space_before,
		     struct llm_token_list *list)
{
	u32 count = copy_text(NULL, text, length, space_before);
	u8 *copy;
	int err;

	if (count > S32_MAX)
		return -ENOMEM;
	copy = llm_alloc(count);
	if (!copy)
		return -ENOMEM;
	copy_text(copy, text, length, space_before);
	err = merge_parts(spm, copy, count, list);
	llm_free_private(copy, count);
	return err;
}
