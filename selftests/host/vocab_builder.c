// SPDX-License-Identifier: GPL-2.0
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
