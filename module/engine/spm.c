// SPDX-License-Identifier: GPL-2.0
#include "spm.h"

#include "merging.h"
#include "utf8.h"

int llm_spm_init(struct llm_spm *spm, const struct llm_image *image, struct llm_error *error)
{
	const u32 merged = 1U << LLM_TOKEN_NORMAL | 1U << LLM_TOKEN_USER;
	u32 i;
	u8 byte;
	int err;

	err = llm_index_init(&spm->index, image, merged, error);
	if (err)
		return err;
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

static void cut_characters(struct llm_merging *m)
{
	u32 at = 0;
	u32 end;

	while (at < m->length) {
		/* What follows the first byte is not checked. */
		end = at + min(llm_utf8_claimed(m->text[at]), m->length - at);
		llm_merging_add(m, at, end);
		at = end;
	}
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

int llm_spm_tokenize(const struct llm_spm *spm, const u8 *text, u32 length, bool space_before,
		     struct llm_token_list *list)
{
	struct llm_merging m = { .find = find_pair, .model = spm };
	u64 room = ALIGN((u64)copy_text(NULL, text, length, space_before), 8);
	u64 size = room * (LLM_MERGING_BYTES + 1);
	u8 *memory;
	u32 at;

	if (room > S32_MAX)
		return -ENOMEM;
	memory = llm_alloc(size);
	if (!memory)
		return -ENOMEM;
	llm_merging_init(&m, memory, room);
	m.text = memory + room * LLM_MERGING_BYTES;
	m.length = copy_text(memory + room * LLM_MERGING_BYTES, text, length, space_before);
	cut_characters(&m);
	llm_merging_run(&m);
	for (at = 0; at < m.length; at = m.next[at])
		add_piece(spm, m.text + at, m.next[at] - at, list);
	llm_free_private(memory, size);
	return 0;
}
