// SPDX-License-Identifier: GPL-2.0
/* The vocabulary of a tiny image, and what splits and folds its texts. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tiny_builder.h"

static const char * const words[] = {
	" ", "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q",
	"r", "s", "t", "u", "v", "w", "x", "y", "z", " t", "he", " a", "in", "er", "an", "the",
	" the", "nd", "and", " and", "ing",
};

static_assert(TINY_TOKEN_WORDS + ARRAY_SIZE(words) == TINY_IMAGE_VOCAB,
	      "the words fill the vocabulary");

static void set_token(struct tiny_builder *b, __u32 number, const char *text, __u8 kind, __u8 flags,
		      __s32 rank)
{
	struct llm_image_token *token = &b->vocab[number];

	token->length = strlen(text);
	token->offset = tiny_add_string(b, text, token->length);
	token->kind = kind;
	token->flags = flags;
	token->rank = rank;
}

static void add_tokens(struct tiny_builder *b)
{
	char text[8];

	set_token(b, TINY_TOKEN_UNKNOWN, "<unk>", LLM_TOKEN_UNKNOWN, 0, 0);
	set_token(b, TINY_TOKEN_BOS, "<s>", LLM_TOKEN_CONTROL, 0, 0);
	set_token(b, TINY_TOKEN_EOS, "</s>", LLM_TOKEN_CONTROL, LLM_TOKEN_ENDS, 0);
	for (int i = 0; i < 256; i++) {
		snprintf(text, sizeof(text), "<0x%02X>", i);
		set_token(b, TINY_TOKEN_BYTES + i, text, LLM_TOKEN_BYTE, 0, i);
	}
	set_token(b, TINY_TOKEN_USER, "<user>", LLM_TOKEN_USER, 0, 0);
	set_token(b, TINY_TOKEN_TURN_END, "<end>", LLM_TOKEN_CONTROL, LLM_TOKEN_ENDS, 0);
	for (__u32 i = 0; i < ARRAY_SIZE(words); i++)
		set_token(b, TINY_TOKEN_WORDS + i, words[i], LLM_TOKEN_NORMAL, 0, -(__s32)i);
	b->tokenizer = (struct llm_image_tokenizer) {
		.kind = LLM_TOKENIZER_SPM,
		.flags = LLM_TOKENIZER_ADD_BOS | LLM_TOKENIZER_SPACE_PREFIX,
		.bos = TINY_TOKEN_BOS,
		.eos = TINY_TOKEN_EOS,
		.unknown = TINY_TOKEN_UNKNOWN,
	};
}

/* A word is made of the longest earlier one it begins with, if the rest is one too. */
static void add_merge(struct tiny_builder *b, __u32 word)
{
	const char *text = words[word];

	for (size_t cut = strlen(text) - 1; cut; cut--) {
		struct llm_image_merge merge = { .result = TINY_TOKEN_WORDS + word };

		for (__u32 i = 0; i < word; i++) {
			if (strlen(words[i]) == cut && !strncmp(words[i], text, cut))
				merge.left = TINY_TOKEN_WORDS + i;
			if (!strcmp(words[i], text + cut))
				merge.right = TINY_TOKEN_WORDS + i;
		}
		if (merge.left && merge.right) {
			b->merges[b->merge_count++] = merge;
			return;
		}
	}
}

static void add_bpe(struct tiny_builder *b)
{
	static const __u16 transition[STATES][CLASSES + 1] = {
		[STATE_START] = { STATE_PIECE, STATE_PIECE, STATE_END },
		[STATE_PIECE] = { STATE_PIECE, LLM_SPLIT_MATCH, LLM_SPLIT_MATCH },
	};

	for (__u32 i = 0; i < ARRAY_SIZE(words); i++)
		add_merge(b, i);
	b->split.head = (struct llm_image_split) {
		.name = "tiny", .classes = CLASSES, .pages = 1, .passes = 1, .states = { STATES },
	};
	b->split.class[' '] = CLASS_SPACE;
	memcpy(b->split.transition, transition, sizeof(transition));
}

/* All code points are like those of ASCII. */
static void add_fold(struct tiny_builder *b)
{
	b->fold.head.pages = 1;
	b->fold.entry[0] = LLM_FOLD_DROP;
	b->fold.entry[' '] = LLM_FOLD_SPACE;
	b->fold.entry['.'] = LLM_FOLD_ALONE;
	b->fold.entry[','] = LLM_FOLD_ALONE;
	for (int c = 'A'; c <= 'Z'; c++)
		b->fold.entry[c] = 'a' - 'A';
}

void tiny_add_vocab(struct tiny_builder *b, __u32 kind)
{
	add_tokens(b);
	b->tokenizer.kind = kind;
	if (kind != LLM_TOKENIZER_SPM)
		b->tokenizer.flags &= ~LLM_TOKENIZER_SPACE_PREFIX;
	if (kind == LLM_TOKENIZER_BPE)
		add_bpe(b);
	if (kind == LLM_TOKENIZER_WORDPIECE)
		add_fold(b);
}
