// SPDX-License-Identifier: GPL-2.0
/*
 * As BERT's: special tokens among unused ones, letters that begin words and letters that
 * do not, then words and parts of words.
 */
#include <stdio.h>
#include <string.h>

#include "vocab.h"

#define FIRST_SPECIAL	100
#define LAST_SPECIAL	103

static void add_special(struct vocab *v)
{
	static const char *const names[] = { "[UNK]", "[CLS]", "[SEP]", "[MASK]" };
	char text[16];
	uint32_t i;

	vocab_put(v, "[PAD]", CONTROL, 0);
	while (v->count < FIRST_SPECIAL) {
		snprintf(text, sizeof(text), "[unused%u]", v->count - 1);
		vocab_put(v, text, UNUSED, 0);
	}
	for (i = 0; i <= LAST_SPECIAL - FIRST_SPECIAL; i++)
		vocab_put(v, names[i], CONTROL, 0);
}

/* Each letter twice: what begins a word begins with a space. */
static void add_letters(struct vocab *v)
{
	char letter[5], text[16];
	uint32_t i;

	for (i = 0; vocab_letter(i, letter) && (strlen(letter) == 1 || v->count < v->room / 2);
	     i++) {
		snprintf(text, sizeof(text), SPACE "%s", letter);
		vocab_put_new(v, text, 0);
		vocab_put_new(v, letter, 0);
	}
}

void vocab_wordpiece(struct gguf *g, const struct sizes *s)
{
	struct vocab v = vocab_new(s->vocab);
	char text[VOCAB_MAX_TEXT * 2];
	uint64_t random = s->seed;
	const char *right;
	uint32_t i;

	add_special(&v);
	add_letters(&v);
	for (i = 0; vocab_common(i); i++)
		vocab_put_new(&v, vocab_common(i), 0);
	while (v.count < v.room) {
		right = v.texts[vocab_choose(&v, LAST_SPECIAL + 1, &random)];
		if (!strncmp(right, SPACE, strlen(SPACE)))
			right += strlen(SPACE);
		snprintf(text, sizeof(text), "%s%s",
			 v.texts[vocab_choose(&v, LAST_SPECIAL + 1, &random)], right);
		if (strlen(text) <= VOCAB_MAX_TEXT)
			vocab_put_new(&v, text, 0);
	}
	vocab_write(&v, g, "bert", "default");
	gguf_u32(g, "tokenizer.ggml.bos_token_id", FIRST_SPECIAL + 1);
	gguf_u32(g, "tokenizer.ggml.unknown_token_id", FIRST_SPECIAL);
	gguf_u32(g, "tokenizer.ggml.seperator_token_id", FIRST_SPECIAL + 2);
	gguf_u32(g, "tokenizer.ggml.padding_token_id", 0);
	gguf_bool(g, "tokenizer.ggml.add_eos_token", true);
	gguf_u32(g, "tokenizer.ggml.mask_token_id", LAST_SPECIAL);
}
