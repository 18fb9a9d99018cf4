// SPDX-License-Identifier: GPL-2.0
/*
 * A vocabulary with the structure of a trained one: special tokens, bytes, letters,
 * and tokens that two earlier ones make together, in the order of merging.
 */
#include <stdio.h>
#include <string.h>

#include "vocab.h"

/* Letters beyond ASCII are for vocabularies that have room for them. */
#define LARGE	4096

static void add_letters(struct vocab *v)
{
	char text[5];
	uint32_t i;

	vocab_put(v, SPACE, NORMAL, 0);
	for (i = 0; vocab_letter(i, text) && (strlen(text) == 1 || v->room >= LARGE); i++)
		vocab_put_new(v, text, 0);
}

/* The rest, of any two earlier ones. */
static void add_pairs(struct vocab *v, uint32_t first, uint64_t random)
{
	char text[VOCAB_MAX_TEXT * 2];

	while (v->count < v->room) {
		const char *a = v->texts[first + random_bits(&random) % (v->count - first)];
		const char *b = v->texts[first + random_bits(&random) % (v->count - first)];

		snprintf(text, sizeof(text), "%s%s", a, b);
		if (strlen(text) <= VOCAB_MAX_TEXT)
			vocab_put_new(v, text, -(float)(v->count - first));
	}
}

void vocab_spm(struct gguf *g, const struct sizes *s)
{
	struct vocab v = vocab_new(s->vocab);
	uint32_t first, i;
	char text[8];

	vocab_put(&v, "<unk>", UNKNOWN, 0);
	vocab_put(&v, "<s>", CONTROL, 0);
	vocab_put(&v, "</s>", CONTROL, 0);
	for (i = 0; i < 256; i++) {
		snprintf(text, sizeof(text), "<0x%02X>", i);
		vocab_put(&v, text, BYTE, 0);
	}
	first = v.count;
	add_letters(&v);
	for (i = 0; vocab_common(i); i++)
		vocab_put_new(&v, vocab_common(i), -(float)(v.count - first));
	add_pairs(&v, first, s->seed);
	vocab_write(&v, g, "llama", "default");
	gguf_u32(g, "tokenizer.ggml.bos_token_id", 1);
	gguf_u32(g, "tokenizer.ggml.eos_token_id", 2);
	gguf_u32(g, "tokenizer.ggml.unknown_token_id", 0);
	gguf_bool(g, "tokenizer.ggml.add_bos_token", true);
}
