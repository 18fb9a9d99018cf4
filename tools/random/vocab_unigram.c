// SPDX-License-Identifier: GPL-2.0
/*
 * As XLM-RoBERTa's: special tokens, then pieces with logarithms of their likelihoods,
 * the likeliest first, and what is unused at the end.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "vocab.h"

#define UNUSED_TOKENS	4

static void put(struct vocab *v, const char *text)
{
	/* As words are: the likelihood falls as one over the rank (Zipf). */
	vocab_put_new(v, text, -2.5 - log(v->count));
}

static void add_letters(struct vocab *v)
{
	char text[5];
	uint32_t i;

	for (i = 0; vocab_letter(i, text) && (strlen(text) == 1 || v->count < v->room / 2); i++)
		put(v, text);
}

void vocab_unigram(struct gguf *g, const struct sizes *s)
{
	struct vocab v = vocab_new(s->vocab);
	char text[VOCAB_MAX_TEXT * 2];
	uint64_t random = s->seed;
	uint32_t first, i;

	vocab_put(&v, "<s>", CONTROL, 0);
	vocab_put(&v, "<pad>", CONTROL, 0);
	vocab_put(&v, "</s>", CONTROL, 0);
	vocab_put(&v, "<unk>", UNKNOWN, 0);
	vocab_put(&v, "<user>", USER, 0);
	first = v.count;
	put(&v, SPACE);
	for (i = 0; vocab_common(i); i++)
		put(&v, vocab_common(i));
	add_letters(&v);
	while (v.count + UNUSED_TOKENS < v.room) {
		snprintf(text, sizeof(text), "%s%s", v.texts[vocab_choose(&v, first, &random)],
			 v.texts[vocab_choose(&v, first, &random)]);
		if (strlen(text) <= VOCAB_MAX_TEXT)
			put(&v, text);
	}
	for (i = 0; v.count < v.room; i++) {
		snprintf(text, sizeof(text), "[PAD%u]", i);
		vocab_put(&v, text, UNUSED, -1000);
	}
	vocab_write(&v, g, "t5", "default");
	charsmap_add(g);
	gguf_u32(g, "tokenizer.ggml.bos_token_id", 0);
	gguf_u32(g, "tokenizer.ggml.eos_token_id", 2);
	gguf_u32(g, "tokenizer.ggml.unknown_token_id", 3);
	gguf_u32(g, "tokenizer.ggml.seperator_token_id", 2);
	gguf_u32(g, "tokenizer.ggml.padding_token_id", 1);
	gguf_bool(g, "tokenizer.ggml.add_bos_token", true);
	gguf_bool(g, "tokenizer.ggml.add_eos_token", true);
	gguf_bool(g, "tokenizer.ggml.add_space_prefix", true);
	gguf_bool(g, "tokenizer.ggml.remove_extra_whitespaces", true);
}
