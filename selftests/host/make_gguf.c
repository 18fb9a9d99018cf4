// SPDX-License-Identifier: GPL-2.0
/*
 * Writes the small Llama of gguf_builder.h: make_gguf FILE CONTEXT [CHAT-TEMPLATE]. With a
 * template, which may be empty, its weights are random, so that replies tell prompts apart.
 */
#include <stdio.h>
#include <stdlib.h>

#include "gguf_builder.h"

/* A prime, so that no two rows are alike. */
#define NUMBERS 4099

/* The numbers of a linear congruential generator (Knuth), from -1 to 1. */
static void set_random(struct gguf_builder *b)
{
	static float numbers[NUMBERS];
	__u64 state = 1;
	size_t i;

	for (i = 0; i < NUMBERS; i++) {
		state = state * 6364136223846793005ULL + 1442695040888963407ULL;
		numbers[i] = (float)((__s32)(state >> 40) - (1 << 23)) / (1 << 23);
	}
	for (i = 0; i < b->tensors_used; i++) {
		b->tensors[i].fill = numbers + 7 * i;
		b->tensors[i].fill_count = NUMBERS - 7 * i;
	}
}

int main(int argc, char **argv)
{
	struct gguf_builder *b = gguf_builder_llama();
	__u8 *bytes;
	size_t size;
	FILE *file;

	if (argc != 3 && argc != 4) {
		fprintf(stderr, "usage: %s FILE CONTEXT [CHAT-TEMPLATE]\n", argv[0]);
		return 2;
	}
	if (argc == 4)
		set_random(b);
	if (argc == 4 && *argv[3])
		gguf_builder_set_string(b, "tokenizer.chat_template", argv[3]);
	gguf_builder_set_u32(b, "llama.context_length", strtoul(argv[2], NULL, 10));
	bytes = gguf_builder_write(b, &size);
	file = fopen(argv[1], "w");
	if (!file || fwrite(bytes, 1, size, file) != size || fclose(file)) {
		perror(argv[1]);
		return 1;
	}
	free(bytes);
	free(b);
	return 0;
}
