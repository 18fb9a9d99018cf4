// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pretokenizer.h"
#include "splitter.h"
#include "symbols.h"
#include "vocab.h"

#define BYTES		256
/* GPT-2's characters for bytes are below. */
#define POINTS		512
#define MAX_MERGES	(2U << 20)

/**
 * struct bpe - a vocabulary as it is compiled
 * @vocab: its arrays
 * @pretokenizer: how texts are split
 * @symbols: numbers of the texts that merges are about
 * @next: number of the next text that is no token
 * @characters: what the file writes for each byte, UTF-8
 * @bytes: the byte that a character stands for, plus 1, or 0
 */
struct bpe {
	struct vocab vocab;
	const struct pretokenizer *pretokenizer;
	struct symbols symbols;
	__u32 next;
	char characters[BYTES][3];
	__u16 bytes[POINTS];
};

/* Bytes that GPT-2 writes as the character of that number: those that print. */
static bool prints(__u32 byte)
{
	return (byte > 0x20 && byte < 0x7f) || (byte > 0xa0 && byte != 0xad);
}

static void fill_characters(struct bpe *bpe)
{
	__u32 next = 256, i;

	for (i = 0; i < BYTES; i++) {
		__u32 point = prints(i) ? i : next++;
		char *to = bpe->characters[i];

		bpe->bytes[point] = i + 1;
		if (point >= 0x80)
			*to++ = 0xc0 | point >> 6;
		*to = point < 0x80 ? point : 0x80 | (point & 0x3f);
	}
}

/* The bytes a text is written for; false where it is for none. */
static bool decode(const struct bpe *bpe, const char *text, __u64 length, char *to, __u64 *used)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + length;
	__u32 point;

	*used = 0;
	while (at < end) {
		point = *at++;
		if (point >= 0x80) {
			if (point < 0xc0 || at == end || (*at & 0xc0) != 0x80)
				return false;
			point = (point & 0x3f) << 6 | (*at++ & 0x3f);
		}
		if (point >= POINTS || !bpe->bytes[point])
			return false;
		to[(*used)++] = bpe->bytes[point] - 1;
	}
	return true;
}

static void add_token(struct compile *c, struct bpe *bpe, __u32 index, const char *text,
		      __u64 length)
{
	struct llm_image_token token = vocab_kind(c, &bpe->vocab, index, text, length);
	char plain[VOCAB_MAX_TEXT];
	__u64 used = 0;

	if (c->code)
		return;
	/* Others are found in the text as they are written, and not by merging. */
	if (token.kind == LLM_TOKEN_NORMAL && !decode(bpe, text, length, plain, &used))
		token.kind = LLM_TOKEN_UNUSED;
	if (token.kind == LLM_TOKEN_NORMAL || token.kind == LLM_TOKEN_USER ||
	    token.kind == LLM_TOKEN_UNUSED)
		symbols_set(&bpe->symbols, text, length, index);
	if (token.kind == LLM_TOKEN_NORMAL)
		vocab_add(c, &token, plain, used);
	else
		vocab_add(c, &token, text, length);
}

static void add_tokens(struct compile *c, struct bpe *bpe)
{
	__u64 cursor = bpe->vocab.tokens->offset, length;
	__u32 i;

	for (i = 0; i < bpe->vocab.count && !c->code; i++) {
		const char *text = gguf_array_string(c->gguf, &cursor, &length);

		add_token(c, bpe, i, text, length);
	}
}

/* What a byte without a normal token is. */
static void add_bytes(struct compile *c, struct bpe *bpe)
{
	__u32 i, token;

	for (i = 0; i < BYTES && !c->code; i++) {
		const char *text = bpe->characters[i];

		token = symbols_find(&bpe->symbols, text, strlen(text));
		if (token == SYMBOLS_NONE ||
		    image_token(&c->writer, token)->kind != LLM_TOKEN_NORMAL)
			symbols_set(&bpe->symbols, text, strlen(text), bpe->vocab.count + i);
	}
	bpe->next = bpe->vocab.count + BYTES;
}

/* A merge is "left right"; a space in a text is written as another character. */
static void add_merge(struct compile *c, struct bpe *bpe, const char *text, __u64 length)
{
	const char *space = length > 1 ? memchr(text + 1, ' ', length - 1) : NULL;
	char both[2 * VOCAB_MAX_TEXT];
	struct llm_image_merge merge;
	__u32 left;

	/* As llama.cpp, for which it is one that is never found. */
	if (!space || length > sizeof(both))
		return;
	left = space - text;
	memcpy(both, text, left);
	memcpy(both + left, space + 1, length - left - 1);
	merge.left = symbols_make(&bpe->symbols, text, left, &bpe->next);
	merge.right = symbols_make(&bpe->symbols, space + 1, length - left - 1, &bpe->next);
	merge.result = symbols_make(&bpe->symbols, both, length - 1, &bpe->next);
	image_add_merge(&c->writer, &merge);
	if (bpe->symbols.out_of_memory || c->writer.out_of_memory)
		compile_fail(c, ENOMEM, "not enough memory");
}

static void add_merges(struct compile *c, struct bpe *bpe)
{
	const struct gguf_key *merges = NULL;
	__u64 cursor, length, i;
	int found;

	if (c->code)
		return;
	found = gguf_get_array(c->gguf, "tokenizer.ggml.merges", GGUF_STRING, &merges, c->error);
	if (found < 0)
		c->code = found;
	else if (!found)
		compile_fail(c, EINVAL, "key 'tokenizer.ggml.merges' is missing");
	else if (merges->count > MAX_MERGES)
		compile_fail(c, EINVAL, "%llu merges; up to %u are supported", merges->count,
			     MAX_MERGES);
	if (c->code)
		return;
	cursor = merges->offset;
	for (i = 0; i < merges->count && !c->code; i++) {
		const char *text = gguf_array_string(c->gguf, &cursor, &length);

		add_merge(c, bpe, text, length);
	}
}

static void find_pretokenizer(struct compile *c, struct bpe *bpe)
{
	/* llama.cpp's where there is no such key. */
	const char *name = "default";
	__u64 length = strlen(name);
	int found;

	if (c->code)
		return;
	found = gguf_get_string(c->gguf, "tokenizer.ggml.pre", &name, &length, c->error);
	if (found < 0)
		c->code = found;
	if (c->code)
		return;
	bpe->pretokenizer = pretokenizer_find(name, length);
	if (!bpe->pretokenizer)
		compile_fail(c, EOPNOTSUPP, "pre-tokenizer '%.*s' is not supported",
			     length < 32 ? (int)length : 32, name);
}

static void add_split(struct compile *c, const struct bpe *bpe)
{
	const char *const *expressions = bpe->pretokenizer->expressions;
	void *bytes = NULL;
	size_t count = 0, length;
	int ret;

	while (expressions[count])
		count++;
	ret = splitter_build(&bytes, &length, bpe->pretokenizer->names[0], expressions, count);
	if (ret)
		compile_fail(c, -ret, "pre-tokenizer '%s' can't be compiled",
			     bpe->pretokenizer->names[0]);
	else
		image_set_split(&c->writer, bytes, length);
	free(bytes);
}

void compile_vocab_bpe(struct compile *c)
{
	/* llama.cpp's for GPT-2. */
	struct vocab_defaults defaults = {
		.eos_key = "tokenizer.ggml.eos_token_id", .bos = 11, .eos = 11,
		.unknown = LLM_IMAGE_NONE,
	};
	struct bpe bpe = { 0 };

	vocab_open(c, &bpe.vocab, false);
	find_pretokenizer(c, &bpe);
	if (!c->code) {
		fill_characters(&bpe);
		add_tokens(c, &bpe);
		add_bytes(c, &bpe);
		add_merges(c, &bpe);
	}
	if (!c->code) {
		add_split(c, &bpe);
		if (bpe.pretokenizer->adds_bos)
			defaults.flags |= LLM_TOKENIZER_ADD_BOS;
		if (bpe.pretokenizer->adds_separator)
			defaults.flags |= LLM_TOKENIZER_ADD_SEP;
	}
	vocab_finish(c, LLM_TOKENIZER_BPE, &defaults);
	if (!c->code && bpe.pretokenizer->whole_pieces)
		c->writer.tokenizer.flags |= LLM_TOKENIZER_WHOLE_PIECES;
	symbols_destroy(&bpe.symbols);
}
