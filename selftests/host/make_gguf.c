// SPDX-License-Identifier: GPL-2.0
/* Writes the small Llama of gguf_builder.h: make_gguf FILE CONTEXT. */
#include <stdio.h>
#include <stdlib.h>

#include "gguf_builder.h"

int main(int argc, char **argv)
{
	struct gguf_builder *b = gguf_builder_llama();
	__u8 *bytes;
	size_t size;
	FILE *file;

	if (argc != 3) {
		fprintf(stderr, "usage: %s FILE CONTEXT\n", argv[0]);
		return 2;
	}
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
