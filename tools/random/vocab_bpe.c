// SPDX-License-Identifier: GPL-2.0
/*
 * As those of GPT-2 and Qwen: a token for each byte, tokens that two earlier ones make
 * together with the list of merges that says so, and at the end the special ones.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vocab.h"

static const char *const special[] = { "<|endoftext|>", "<|im_start|>", "<|im_end|>" };

/* White space and numbers, of which a text has much. */
static const char *const runs[] = {
	"                ", "\n\n\n\n", "\t\t\t\t", "\r\n\r\n", " \n", "\n ", "\n\t", "\n    ", "00000000",
	"12345678", "1999", "2000", "--------", "========", "....", "\");", "();", "://",
};

/**
 * struct merges - the list of merges
 * @texts: left and right, a space between them
 * @count: how many
 */
struct merges {
	char **texts;
	uint32_t count;
};

static bool prints(uint32_t byte)
{
	return (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte != 0xad);
}

/* What GPT-2 writes for a byte: itself where it prints, else one from U+0100 on. */
static void write_byte(uint8_t byte, char *to)
{
	uint32_t point = byte, other = 256;
	uint32_t i;

	for (i = 0; i <= byte; i++)
		point = prints(i) ? i : other++;
	if (point < 0x80)
		sprintf(to, "%c", point);
	else
		sprintf(to, "%c%c", 0xc0 | point >> 6, 0x80 | (point & 0x3f));
}

static bool add_merge(struct vocab *v, struct merges *m, const char *left, const char *right)
{
	char text[4 * VOCAB_MAX_TEXT + 2];

	snprintf(text, sizeof(text), "%s%s", left, right);
	if (strlen(text) > 2 * VOCAB_MAX_TEXT || !vocab_put_new(v, text, 0))
		return false;
	snprintf(text, sizeof(text), "%s %s", left, right);
	m->texts[m->count++] = must(strdup(text));
	return true;
}

/* The merges that make a text, from left to right. */
static void add_text(struct vocab *v, struct merges *m, const char *text)
{
	char left[4 * VOCAB_MAX_TEXT], byte[3];

	write_byte(*text, left);
	while (*++text && v->count + ARRAY_SIZE(special) < v->room) {
		write_byte(*text, byte);
		add_merge(v, m, left, byte);
		strcat(left, byte);
	}
}

/* A part of a word, with a space where it has the mark of one. */
static void add_common(struct vocab *v, struct merges *m, const char *text)
{
	char plain[VOCAB_MAX_TEXT];
	bool space = !strncmp(text, SPACE, strlen(SPACE));

	snprintf(plain, sizeof(plain), "%s%s", space ? " " : "",
		 text + (space ? strlen(SPACE) : 0));
	add_text(v, m, plain);
}

void vocab_bpe(struct gguf *g, const struct sizes *s)
{
	struct vocab v = vocab_new(s->vocab);
	struct merges m = { .texts = must(calloc(s->vocab, sizeof(*m.texts))) };
	uint32_t first = v.room - ARRAY_SIZE(special);
	uint64_t random = s->seed;
	char text[5];
	uint32_t i;

	/* As GPT-2's, and so that the likeliest are chosen most: those that print first. */
	for (i = 0; i < 512; i++) {
		if (prints(i % 256) == i / 256)
			continue;
		write_byte(i, text);
		vocab_put(&v, text, NORMAL, 0);
	}
	for (i = 0; i < ARRAY_SIZE(runs); i++)
		add_text(&v, &m, runs[i]);
	for (i = 0; vocab_common(i); i++)
		add_common(&v, &m, vocab_common(i));
	for (i = 0; v.count < v.room / 2 && vocab_letter(i, text); i++)
		add_text(&v, &m, text);
	while (v.count < first)
		add_merge(&v, &m, v.texts[vocab_choose(&v, 0, &random)],
			  v.texts[vocab_choose(&v, 0, &random)]);
	for (i = 0; i < ARRAY_SIZE(special); i++)
		vocab_put(&v, special[i], CONTROL, 0);
	vocab_write(&v, g, "gpt2", s->pretokenizer);
	gguf_strings(g, "tokenizer.ggml.merges", m.texts, m.count);
	gguf_u32(g, "tokenizer.ggml.bos_token_id", first);
	gguf_u32(g, "tokenizer.ggml.eos_token_id", first);
	gguf_bool(g, "tokenizer.ggml.add_bos_token", false);
	for (i = 0; i < m.count; i++)
		free(m.texts[i]);
	free(m.texts);
}
