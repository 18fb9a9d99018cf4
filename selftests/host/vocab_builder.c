// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vocab_builder.h"

struct vocab_builder *vocab_builder_new(u32 flags)
{
	struct vocab_builder *builder = calloc(1, sizeof(*builder));

	if (!builder)
		abort();
	builder->image.tokenizer = (struct llm_image_tokenizer) {
		.kind = LLM_TOKENIZER_SPM,
		.flags = flags,
		.bos = LLM_IMAGE_NONE,
		.eos = LLM_IMAGE_NONE,
		.unknown = LLM_IMAGE_NONE,
	};
	builder->image.vocab = builder->vocab;
	builder->image.strings = builder->strings;
	return builder;
}

u32 vocab_builder_add(struct vocab_builder *builder, u8 kind, s32 rank, const char *text)
{
	struct llm_image *image = &builder->image;
	u32 token = image->model.vocab_size;
	u32 length = strlen(text);

	if (token == VOCAB_BUILDER_TOKENS || image->strings_length + length > VOCAB_BUILDER_BYTES)
		abort();
	memcpy(builder->strings + image->strings_length, text, length);
	builder->vocab[token] = (struct llm_image_token) {
		.offset = image->strings_length,
		.length = length,
		.kind = kind,
		.rank = rank,
	};
	image->strings_length += length;
	image->model.vocab_size++;
	return token;
}

u32 vocab_builder_add_bytes(struct vocab_builder *builder)
{
	u32 first = builder->image.model.vocab_size;
	char text[8];

	for (int i = 0; i < 256; i++) {
		snprintf(text, sizeof(text), "<0x%02X>", i);
		vocab_builder_add(builder, LLM_TOKEN_BYTE, i, text);
	}
	return first;
}

struct llm_tokenizer *vocab_builder_tokenizer(const struct vocab_builder *builder)
{
	struct llm_tokenizer *tokenizer;
	struct llm_error error = { "" };

	if (llm_tokenizer_verify(&builder->image, &error) ||
	    llm_tokenizer_create(&tokenizer, &builder->image, &error)) {
		printf("# %s\n", error.text);
		abort();
	}
	return tokenizer;
}

/* The tokens that are wanted, up to VOCAB_BUILDER_END. */
static bool are_same(const u32 *tokens, u32 count, va_list list)
{
	bool same = true;
	u32 wanted = 0;
	u32 token;

	for (token = va_arg(list, u32); token != VOCAB_BUILDER_END; token = va_arg(list, u32)) {
		same = same && wanted < count && tokens[wanted] == token;
		wanted++;
	}
	return same && wanted == count;
}

bool vocab_builder_gives(const struct llm_tokenizer *tokenizer, const char *text, u32 flags, ...)
{
	u32 most = llm_tokenizer_most(tokenizer, strlen(text));
	u32 *tokens = calloc(most + 1, sizeof(*tokens));
	va_list list;
	u32 count, i;
	bool right;

	if (!tokens || llm_tokenize(tokenizer, (const u8 *)text, strlen(text), flags, tokens, most,
				    &count))
		abort();
	va_start(list, flags);
	right = are_same(tokens, count, list);
	va_end(list);
	if (!right) {
		printf("# '%s' became", text);
		for (i = 0; i < count; i++)
			printf(" %u", tokens[i]);
		printf("\n");
	}
	free(tokens);
	return right;
}
