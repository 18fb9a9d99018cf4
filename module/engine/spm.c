// SPDX-License-Identifier: GPL-2.0
#include "spm.h"

#include "merging.h"
#include "utf8.h"

#define RELAX_EVERY	1024
/* Bytes that are merged at a time, where what follows leaves enough of them as they are. */
#define WINDOW		4096

/**
 * struct character - one of a text
 * @bytes: those of it, the first lowest
 * @end: where it ends
 */
struct character {
	u32 bytes;
	u32 end;
};

/* The character at a place. What follows its first byte is not checked. */
static struct character character_at(const u8 *text, u32 length, u32 at)
{
	u32 size = min(llm_utf8_claimed(text[at]), length - at);
	struct character c = { .bytes = text[at], .end = at + size };
	u32 i;

	for (i = 1; i < size; i++)
		c.bytes |= (u32)text[at + i] << (8 * i);
	return c;
}

/* Of two characters the bit, by Fibonacci hashing. */
static u32 joined_bit(u32 left, u32 right)
{
	u64 both = (u64)left << 32 | right;

	return (both * 0x9e3779b97f4a7c15ULL >> 32) / (0x100000000ULL / LLM_SPM_JOINED);
}

static void add_joined(struct llm_spm *spm, const u8 *text, u32 length)
{
	struct character left, right;
	u32 bit;

	for (left = character_at(text, length, 0); left.end < length; left = right) {
		right = character_at(text, length, left.end);
		bit = joined_bit(left.bytes, right.bytes);
		spm->joined[bit / 64] |= 1ULL << (bit % 64);
	}
}

static void find_joined(struct llm_spm *spm, const struct llm_image *image, u32 kinds)
{
	const struct llm_image_token *token;
	u32 i;

	for (i = 0; i < image->model.vocab_size; i++) {
		token = &image->vocab[i];
		if (token->length && kinds & 1U << token->kind)
			add_joined(spm, image->strings + token->offset, token->length);
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

/* Where characters end, from @at on, that are whole and have nothing of a space in them. */
static u32 plain_end(const u8 *text, u32 length, u32 at)
{
	u32 end, i;

	for (; at < length; at = end) {
		end = at + llm_utf8_claimed(text[at]);
		if (end > length)
			break;
		for (i = at; i < end; i++)
			if (text[i] == ' ' || text[i] == (u8)LLM_UTF8_SPACE_MARK[0])
				return at;
	}
	return at;
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
	u32 end, i;
	bool mark;

	if (space_before)
		put(to, &count, ' ');
	for (; at < length; at += mark ? 3 : 1) {
		end = claimed ? at : plain_end(text, length, at);
		if (to)
			memcpy(to + count, text + at, end - at);
		count += end - at;
		at = end;
		if (at == length)
			break;
		mark = llm_utf8_is_space_mark(text + at, length - at);
		if (!mark && text[at] != ' ') {
			claimed = claimed ? claimed - 1 : llm_utf8_claimed(text[at]) - 1;
			put(to, &count, text[at]);
			continue;
		}
		if (!claimed)
			put(to, &count, ' ');
		for (i = 0; claimed && i < 3; i++)
			put(to, &count, LLM_UTF8_SPACE_MARK[i]);
		claimed = 0;
	}
	return count;
}

/* Rising where the rank falls. */
static u32 order_of(const struct llm_spm *spm, u32 token)
{
	return (u32)spm->index.image->vocab[token].rank ^ 0x7fffffff;
}

static bool find_pair(const struct llm_merging *m, u32 left, u32 right, u32 *order)
{
	const struct llm_spm *spm = m->model;
	u32 token = llm_index_find(&spm->index, m->text + left, m->next[right] - left);

	if (token == LLM_IMAGE_NONE)
		return false;
	*order = order_of(spm, token);
	return true;
}

/* A piece is merged to tokens alone, so to those that the text has from it on. */
static u64 find_beyond(const struct llm_merging *m, u32 left)
{
	const struct llm_spm *spm = m->model;
	u32 length = m->length + m->after - left;
	struct llm_index_walk walk = { 0 };
	u64 least = LLM_MERGING_NEVER;
	u32 token;

	for (;;) {
		token = llm_index_next(&spm->index, &walk, m->text + left, length);
		if (token == LLM_IMAGE_NONE)
			return least;
		if (left + walk.end > m->edge)
			least = min_t(u64, least, order_of(spm, token));
	}
}

/*
 * Where the part of a text ends that can be merged by itself, or one of at most @most
 * bytes, @after which others follow.
 */
static u32 part_end(const struct llm_spm *spm, const u8 *text, u32 length, u32 from, u32 most,
		    u32 *after)
{
	struct character left = character_at(text, length, from), right;
	u32 bit;

	*after = 0;
	while (left.end < length) {
		right = character_at(text, length, left.end);
		bit = joined_bit(left.bytes, right.bytes);
		if (!(spm->joined[bit / 64] >> (bit % 64) & 1))
			break;
		if (right.end - from > most) {
			*after = length - left.end;
			break;
		}
		left = right;
	}
	return left.end;
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

/* Adds tokens of the first bytes, up to where what follows makes no difference; or an error. */
static long merge_part(const struct llm_spm *spm, struct llm_merging *m, const u8 *text,
		       u32 length, u32 after, struct llm_token_list *list)
{
	u32 at, end;
	int err;

	/* Most parts of texts that are of no letters are one character. */
	if (character_at(text, length, 0).end == length) {
		add_piece(spm, text, length, list);
		return length;
	}
	err = llm_merging_begin(m, text, length, after);
	if (err)
		return err;
	for (at = 0; at < length; at = end) {
		end = character_at(text, length, at).end;
		llm_merging_add(m, at, end);
	}
	llm_merging_run(m);
	for (at = 0; at < m->edge; at = m->next[at])
		add_piece(spm, text + at, m->next[at] - at, list);
	return m->edge;
}

static int merge_parts(const struct llm_spm *spm, const u8 *text, u32 length,
		       struct llm_token_list *list)
{
	struct llm_merging m = { .find = find_pair, .beyond = find_beyond, .model = spm };
	u32 window = WINDOW;
	u32 steps = 0;
	u32 at, end, after;
	long merged = 0;

	for (at = 0; at < length && merged >= 0; at += merged) {
		end = part_end(spm, text, length, at, window, &after);
		merged = merge_part(spm, &m, text + at, end - at, after, list);
		/* In the end it is the whole text; on the way there each is twice the last. */
		if (merged < (end - at) / 2)
			window *= 2;
		if (++steps % RELAX_EVERY == 0)
			llm_relax_long();
	}
	llm_merging_destroy(&m);
	return min(merged, 0L);
}

int llm_spm_tokenize(const struct llm_spm *spm, const u8 *text, u32 length, bool space_before,
		     struct llm_token_list *list)
{
	u32 count = copy_text(NULL, text, length, space_before);
	u8 *copy;
	int err;

	if (count > S32_MAX)
		return -ENOMEM;
	copy = llm_alloc_unset(count);
	if (!copy)
		return -ENOMEM;
	copy_text(copy, text, length, space_before);
	err = merge_parts(spm, copy, count, list);
	llm_free_private(copy, count);
	return err;
}
