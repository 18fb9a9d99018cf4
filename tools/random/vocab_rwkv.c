// SPDX-License-Identifier: GPL-2.0
/*
 * As RWKV's: the end of a text, all bytes, then words and parts of words, any of which
 * may cut a character. What is not printable ASCII is escaped.
 */
#include <stdio.h>
#include <string.h>

#include "vocab.h"

#define MAX_TEXT	64

static size_t escape(char *to, uint8_t byte)
{
	if (byte == '\\')
		return sprintf(to, "\\\\");
	return sprintf(to, byte >= ' ' && byte <= '~' ? "%c" : "\\x%02x", byte);
}

/* A text as it is, but for SentencePiece's spaces. */
static void put_text(struct vocab *v, const char *text)
{
	char escaped[MAX_TEXT] = "";
	size_t length = 0;

	while (*text) {
		if (!strncmp(text, SPACE, strlen(SPACE))) {
			escaped[length++] = ' ';
			escaped[length] = '\0';
			text += strlen(SPACE);
		} else {
			length += escape(escaped + length, *text++);
		}
	}
	vocab_put_new(v, escaped, 0);
}

void vocab_rwkv(struct gguf *g, const struct sizes *s)
{
	struct vocab v = vocab_new(s->vocab);
	uint64_t random = s->seed;
	char text[2 * MAX_TEXT];
	uint32_t i;

	vocab_put(&v, "<|endoftext|>", CONTROL, 0);
	for (i = 0; i < 256; i++) {
		escape(text, i);
		vocab_put(&v, text, NORMAL, 0);
	}
	for (i = 0; vocab_common(i); i++)
		put_text(&v, vocab_common(i));
	for (i = 0; vocab_letter(i, text) && v.count < v.room / 2; i++)
		put_text(&v, text);
	while (v.count < v.room) {
		snprintf(text, sizeof(text), "%s%s", v.texts[vocab_choose(&v, 1, &random)],
			 v.texts[vocab_choose(&v, 1, &random)]);
		if (strlen(text) < MAX_TEXT)
			vocab_put_new(&v, text, 0);
	}
	vocab_write(&v, g, "rwkv", "default");
	gguf_u32(g, "tokenizer.ggml.eos_token_id", 0);
}
