// SPDX-License-Identifier: GPL-2.0
#include "wordpiece.h"

#define RELAX_EVERY	1024

/* A text that is being tokenized; @word, after a space, is its word so far. */
struct work {
	const struct llm_wordpiece *wordpiece;
	struct llm_token_list *list;
	u8 *word;
	u32 length;
};

int llm_wordpiece_init(struct llm_wordpiece *wordpiece, const struct llm_image *image,
		       struct llm_error *error)
{
	llm_fold_init(&wordpiece->fold, image);
	wordpiece->unknown = image->tokenizer.unknown;
	return llm_trie_init(&wordpiece->trie, image, 1U << LLM_TOKEN_NORMAL | 1U << LLM_TOKEN_USER,
			     error);
}

void llm_wordpiece_destroy(struct llm_wordpiece *wordpiece)
{
	llm_trie_destroy(&wordpiece->trie);
}

static void end_word(struct work *w)
{
	u32 before = w->list->count;
	u32 token = LLM_IMAGE_NONE;
	u32 steps = 0;
	u32 at = 0;

	if (w->length == 1)
		return;
	while (at < w->length) {
		token = llm_trie_longest(&w->wordpiece->trie, w->word, w->length, at, &at);
		if (token == LLM_IMAGE_NONE)
			break;
		llm_token_list_add(w->list, token);
		if (++steps % RELAX_EVERY == 0)
			llm_relax_long();
	}
	if (token == LLM_IMAGE_NONE) {
		w->list->count = before;
		llm_token_list_add(w->list, w->wordpiece->unknown);
	}
	w->length = 1;
}

static void add_character(struct work *w, u32 point)
{
	u32 flags = llm_fold_point(&w->wordpiece->fold, &point);

	if (flags & (LLM_FOLD_SPACE | LLM_FOLD_ALONE))
		end_word(w);
	if (flags & (LLM_FOLD_SPACE | LLM_FOLD_DROP))
		return;
	w->length += llm_utf8_encode(point, w->word + w->length);
	if (flags & LLM_FOLD_ALONE)
		end_word(w);
}

static u64 folded_length(const struct llm_fold *fold, const u8 *text, u32 length)
{
	u8 bytes[LLM_UTF8_MOST];
	u64 sum = 0;
	u32 at = 0;
	u32 point;

	while (at < length) {
		at += llm_utf8_decode(text + at, length - at, &point);
		llm_fold_point(fold, &point);
		sum += llm_utf8_encode(point, bytes);
	}
	return sum;
}

int llm_wordpiece_tokenize(const struct llm_wordpiece *wordpiece, const u8 *text, u32 length,
			   struct llm_token_list *list)
{
	u64 size = 1 + folded_length(&wordpiece->fold, text, length);
	struct work w = { .wordpiece = wordpiece, .list = list };
	u32 steps = 0;
	u32 at = 0;
	u32 point;

	if (size > S32_MAX)
		return -ENOMEM;
	w.word = llm_alloc(size);
	if (!w.word)
		return -ENOMEM;
	w.word[0] = ' ';
	w.length = 1;
	while (at < length) {
		at += llm_utf8_decode(text + at, length - at, &point);
		add_character(&w, point);
		if (++steps % RELAX_EVERY == 0)
			llm_relax_long();
	}
	end_word(&w);
	llm_free_private(w.word, size);
	return 0;
}
