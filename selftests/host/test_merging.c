// SPDX-License-Identifier: GPL-2.0
/* Texts that are merged a window at a time have the pieces that they have as a whole. */
#include <stdlib.h>
#include <string.h>

#include "merging.h"
#include "tap.h"
#include "utf8.h"
#include "vocab.h"
#include "vocab_builder.h"

#define SHORT	96
#define LONG	30000
/* Characters of three bytes: some windows of them. */
#define CHAIN	5000

static u32 order_of(const struct llm_index *index, u32 token)
{
	return (u32)index->image->vocab[token].rank ^ 0x7fffffff;
}

static bool find_pair(const struct llm_merging *m, u32 left, u32 right, u32 *order)
{
	u32 token = llm_index_find(m->model, m->text + left, m->next[right] - left);

	if (token == LLM_IMAGE_NONE)
		return false;
	*order = order_of(m->model, token);
	return true;
}

static u64 find_beyond(const struct llm_merging *m, u32 left)
{
	u64 least = LLM_MERGING_NEVER;

	for (u32 size = m->edge - left + 1; size <= m->length + m->after - left; size++) {
		u32 token = llm_index_find(m->model, m->text + left, size);

		if (token != LLM_IMAGE_NONE)
			least = min_t(u64, least, order_of(m->model, token));
	}
	return least;
}

static u64 next_random(u64 *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

static void write_letters(char *text, u32 length, u64 *random)
{
	/* Runs as well: where all is alike, one merge too many changes all that follows. */
	u32 letters = 1 + next_random(random) % 3;

	for (u32 i = 0; i < length; i++)
		text[i] = 'a' + next_random(random) % letters;
	text[length] = 0;
}

/* Longer tokens do not come later, as they do where a vocabulary was trained. */
static struct vocab_builder *make_vocab(u64 *random)
{
	struct vocab_builder *vocab = vocab_builder_new(0);
	u32 count = 3 + next_random(random) % 40;
	s32 ranks = 1 + next_random(random) % 12;
	char text[16];

	vocab_builder_add_bytes(vocab);
	for (u32 i = 0; i < count; i++) {
		write_letters(text, 2 + next_random(random) % 6, random);
		vocab_builder_add(vocab, LLM_TOKEN_NORMAL, next_random(random) % ranks, text);
	}
	return vocab;
}

/* Merges characters. */
static void merge(struct llm_merging *m, const char *text, u32 length, u32 after)
{
	u32 at, size;

	tap_check(!llm_merging_begin(m, (const u8 *)text, length, after));
	for (at = 0; at < length; at += size) {
		size = llm_utf8_claimed(text[at]);
		llm_merging_add(m, at, at + size);
	}
	llm_merging_run(m);
}

/* Returns how many bytes are certain. */
static u32 check_window(struct llm_merging *m, const char *text, u32 from, u32 window,
			const bool *begins, u32 length)
{
	u32 at;

	merge(m, text + from, window, length - from - window);
	tap_check(m->edge <= window);
	for (at = 0; at < m->edge; at = m->next[at])
		for (u32 i = at; i < m->next[at]; i++)
			tap_check(begins[from + i] == (i == at));
	tap_check(at == m->edge);
	tap_check(from + at == length || begins[from + at]);
	return at;
}

static void pieces_up_to_the_edge_are_those_of_the_whole(void)
{
	struct llm_error error = { "" };
	u64 random = 1, certain = 0, merged = 0;
	char text[SHORT + 1];

	for (u32 round = 0; round < 3000; round++) {
		struct vocab_builder *vocab = make_vocab(&random);
		struct llm_index index;
		struct llm_merging m = {
			.find = find_pair, .beyond = find_beyond, .model = &index,
		};
		bool begins[SHORT + 1] = { 0 };

		tap_check(!llm_index_init(&index, &vocab->image, 1U << LLM_TOKEN_NORMAL, &error));
		write_letters(text, SHORT, &random);
		merge(&m, text, SHORT, 0);
		tap_check(m.edge == SHORT);
		for (u32 at = 0; at < SHORT; at = m.next[at])
			begins[at] = true;
		for (u32 from = 0; from < SHORT; from++) {
			if (!begins[from])
				continue;
			for (u32 window = 1; window <= SHORT - from; window += 1 + window / 8) {
				certain += check_window(&m, text, from, window, begins, SHORT);
				merged += window;
			}
		}
		llm_merging_destroy(&m);
		llm_index_destroy(&index);
		free(vocab);
	}
	/* Most of a window is certain. */
	tap_check(certain > merged / 2);
}

/* Whether the tokens from a place on are those of a piece: the one, or one for each byte. */
static bool are_of(const struct llm_index *index, const u32 *tokens, const u8 *piece, u32 length,
		   u32 *count)
{
	u32 token = llm_index_find(index, piece, length);

	*count = token == LLM_IMAGE_NONE ? length : 1;
	if (token != LLM_IMAGE_NONE)
		return tokens[0] == token;
	for (u32 i = 0; i < length; i++)
		if (tokens[i] != piece[i])
			return false;
	return true;
}

/* Whether the tokenizer, which has windows, makes the same tokens. */
static void check_long(const struct vocab_builder *vocab, const char *text, u32 length)
{
	struct llm_tokenizer *tokenizer = vocab_builder_tokenizer(vocab);
	u32 *tokens = malloc(length * sizeof(*tokens));
	struct llm_error error = { "" };
	struct llm_index index;
	struct llm_merging m = { .find = find_pair, .model = &index };
	u32 count, of_piece, i = 0;

	tap_check(!llm_index_init(&index, &vocab->image, 1U << LLM_TOKEN_NORMAL, &error));
	merge(&m, text, length, 0);
	tap_check(!llm_tokenize(tokenizer, (const u8 *)text, length, 0, tokens, length, &count));
	for (u32 at = 0; at < length; at = m.next[at], i += of_piece)
		if (!tap_check(i < count && are_of(&index, tokens + i, m.text + at,
						   m.next[at] - at, &of_piece)))
			break;
	tap_check(i == count);
	llm_merging_destroy(&m);
	llm_index_destroy(&index);
	llm_tokenizer_destroy(tokenizer);
	free(tokens);
}

static void long_texts_are_merged_as_a_whole(void)
{
	char *text = malloc(LONG + 1);
	u64 random = 2;

	for (u32 round = 0; round < 60; round++) {
		struct vocab_builder *vocab = make_vocab(&random);

		write_letters(text, LONG, &random);
		check_long(vocab, text, LONG);
		free(vocab);
	}
	free(text);
}

/*
 * Each character is merged with the next one if that is not merged with the one behind it,
 * which is decided before: the last one decides of all, and where there are windows, none but
 * the one that is the whole text has a certain piece.
 */
static void the_end_of_a_text_may_decide_of_all_of_it(void)
{
	struct vocab_builder *vocab = vocab_builder_new(0);
	char text[3 * CHAIN], pair[7] = "";

	vocab_builder_add_bytes(vocab);
	for (u32 i = 0; i < CHAIN; i++) {
		llm_utf8_encode(0x4e00 + i, (u8 *)text + 3 * i);
		if (!i)
			continue;
		memcpy(pair, text + 3 * (i - 1), 6);
		vocab_builder_add(vocab, LLM_TOKEN_NORMAL, i, pair);
	}
	check_long(vocab, text, 3 * CHAIN);
	check_long(vocab, text, 3 * CHAIN - 3);
	free(vocab);
}

static const struct tap_test tests[] = {
	{ "pieces up to the edge of a window are those of the whole text",
	  pieces_up_to_the_edge_are_those_of_the_whole },
	{ "long texts are merged as a whole", long_texts_are_merged_as_a_whole },
	{ "the end of a text may decide of all of it", the_end_of_a_text_may_decide_of_all_of_it },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
