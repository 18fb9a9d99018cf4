// SPDX-License-Identifier: GPL-2.0
/*
 * Any vocabulary, any text. The input is a vocabulary, as read_vocab() takes it
 * apart, and then the text.
 */
#include <string.h>

#include "fuzz.h"
#include "tokenizer.h"

#define MAX_TOKENS	300
#define MAX_ROOM	65536

struct input {
	const u8 *data;
	size_t size;
};

static u8 take(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

/*
 * Flags, then tokens: kind, length and rank in three bytes, then the text; a
 * kind of 0 ends them. Every byte can have a token without taking up input.
 */
static void read_vocab(struct input *in, struct llm_image *image)
{
	struct llm_image_tokenizer *tokenizer = &image->tokenizer;
	u8 flags = take(in);

	tokenizer->kind = LLM_TOKENIZER_SPM;
	tokenizer->flags = flags & (LLM_TOKENIZER_ADD_BOS | LLM_TOKENIZER_SPACE_PREFIX);
	tokenizer->bos = 0;
	tokenizer->eos = LLM_IMAGE_NONE;
	tokenizer->unknown = flags & 0x10 ? 0 : LLM_IMAGE_NONE;
	for (u32 i = 0; flags & 0x20 && i < 256; i++) {
		image->vocab[i].kind = LLM_TOKEN_BYTE;
		image->vocab[i].rank = i;
		image->model.vocab_size++;
	}
	while (image->model.vocab_size < MAX_TOKENS) {
		struct llm_image_token *token = &image->vocab[image->model.vocab_size];
		u8 kind = take(in) % (LLM_TOKEN_BYTE + 1);
		u8 length = take(in);

		if (!kind)
			break;
		token->kind = kind;
		token->rank = kind == LLM_TOKEN_BYTE ? take(in) : (s8)take(in);
		token->length = min(length % 32, in->size);
		token->offset = image->strings_length;
		if (token->length)
			memcpy(image->strings + token->offset, in->data, token->length);
		in->data += token->length;
		in->size -= token->length;
		image->strings_length += token->length;
		image->model.vocab_size++;
	}
}

static bool has_space_mark(const u8 *text, size_t length)
{
	for (size_t i = 0; i + 3 <= length; i++)
		if (!memcmp(text + i, "\xe2\x96\x81", 3))
			return true;
	return false;
}

/* What was not changed on the way must come back. */
static void check_round_trip(const struct llm_tokenizer *tokenizer, const struct llm_image *image,
			     const struct input *in, u32 flags, const u32 *tokens, u32 count)
{
	size_t at = 0;

	if (image->tokenizer.flags || image->tokenizer.unknown != LLM_IMAGE_NONE ||
	    has_space_mark(in->data, in->size))
		return;
	for (u32 i = 0; i < count; i++) {
		u32 length;
		const u8 *bytes = llm_token_text(tokenizer, tokens[i], flags, &length);

		must(at + length <= in->size && !memcmp(in->data + at, bytes, length));
		at += length;
	}
	must(at == in->size);
}

static void check_text(const struct llm_tokenizer *tokenizer, const struct llm_image *image,
		       const struct input *in, u32 flags)
{
	static u32 tokens[MAX_ROOM];
	u32 count, again;
	u32 room;

	must(!llm_tokenize(tokenizer, in->data, in->size, flags, tokens, MAX_ROOM, &count));
	must(count <= 2 * in->size + 1);
	for (u32 i = 0; i < count; i++)
		must(tokens[i] < image->model.vocab_size);
	check_round_trip(tokenizer, image, in, flags, tokens, count);
	room = count / 2;
	tokens[room] = LLM_IMAGE_NONE;
	must(llm_tokenize(tokenizer, in->data, in->size, flags, tokens, room, &again) ==
	     (count ? -ENOSPC : 0));
	must(again == count && tokens[room] == LLM_IMAGE_NONE);
}

int fuzz_one(const u8 *data, size_t size)
{
	struct llm_image_token vocab[MAX_TOKENS] = { 0 };
	struct llm_image image = { .vocab = vocab };
	struct input in = { .data = data, .size = size };
	struct llm_tokenizer *tokenizer;
	struct llm_error error = { "" };

	if (size > MAX_ROOM / 4)
		return 0;
	image.strings = malloc(size + 1);
	must(image.strings);
	read_vocab(&in, &image);
	if (image.model.vocab_size && !llm_tokenizer_create(&tokenizer, &image, &error)) {
		for (u32 flags = 0; flags < 4; flags++)
			check_text(tokenizer, &image, &in, flags);
		llm_tokenizer_destroy(tokenizer);
	} else {
		must(!image.model.vocab_size || error.text[0]);
	}
	free(image.strings);
	return 0;
}
