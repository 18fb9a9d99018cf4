// SPDX-License-Identifier: GPL-2.0
/* seeds FOLDER: writes what the fuzzers start from to FOLDER/{image,tokenizer,gguf}. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "gguf_builder.h"
#include "tiny_image.h"

#define SMALL	.width = 32, .layers = 1

static const __u32 types[] = { LLM_TENSOR_F32, LLM_TENSOR_F16, LLM_TENSOR_Q8_0 };

static const struct tiny_image_options images[] = {
	{ SMALL, .type = LLM_TENSOR_F32 },
	{ .width = 32, .layers = 2, .type = LLM_TENSOR_F16 },
	{ SMALL, .type = LLM_TENSOR_Q8_0 },
	{ SMALL, .experts = true },
	{ SMALL, .whole = true, .pooling = LLM_POOLING_MEAN },
	{ .width = 32, .layers = 3, .recurrent = true },
	{ SMALL, .chat = true },
	{ SMALL, .ranks = true },
	{ SMALL, .tokenizer = LLM_TOKENIZER_BPE },
	{ SMALL, .tokenizer = LLM_TOKENIZER_WORDPIECE },
	{ SMALL, .tokenizer = LLM_TOKENIZER_GREEDY },
};

struct seed {
	const char *bytes;
	size_t size;
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define SEED(text)	{ text, sizeof(text) - 1 }

/* As fuzz_tokenizer.c takes them apart. */
static const struct seed vocabularies[] = {
	SEED("\x20\x01\x01\0a\x01\x01\0b\x01\x02\5ab\x01\x03\7aba\0\0ababab"),
	SEED("\x26\x03\x03\1<s>\x04\x03\2<u>\x01\x01\3 \0\0a<s> <u>b \xe2\x96\x81 \xc3\xa9"),
	SEED("\x20\x04\x03\1abc\x04\x04\2cdef\x04\x02\3fa\0\0abcdefabccdefa"),
	SEED("\x40\x01\x01\0a\x01\x01\0b\x01\x02\0ab\0\0\1\0\0\1\0\2\0\0\0ab'Sabab \n\n  a1"),
	SEED("\x58\x01\x01\0a\x04\x03\0<u>\0\0\1\1\0\1\0\2\1\0\0a<u>aa\xff\xc3\xa9  aaa"),
	SEED("\x90\x02\x05\0[UNK]\x01\x02\0 a\x01\x01\0b\0\0\0AB a\xc3\xa9.\xe4\xb8\xad"),
	SEED("\xd0\x02\x01\0?\x01\x02\0ab\x01\x03\0abc\0\0abcabx"),
	SEED("\xd8\x02\x05\0<unk>\x01\x02\xf6 a\x01\x01\xf6\142\1\5\1\6\2\0a xb"),
	SEED("\x10\x02\x05\1<unk>\x01\x03\x04\xe2\x82\xac\0\0\xe2\x82\xac\xff\xe2\x82"),
};

static void fail(const char *path)
{
	fprintf(stderr, "seeds: %s: %s\n", path, strerror(errno));
	exit(1);
}

static void write_seed(const char *folder, const char *fuzzer, unsigned int number,
		       const void *bytes, size_t size)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, fuzzer);
	if (mkdir(path, 0777) && errno != EEXIST)
		fail(path);
	snprintf(path, sizeof(path), "%s/%s/seed%u", folder, fuzzer, number);
	file = fopen(path, "wb");
	if (!file || !bytes || fwrite(bytes, 1, size, file) != size || fclose(file))
		fail(path);
}

static void write_gguf(const char *folder, unsigned int number, __u32 type)
{
	struct gguf_builder *builder = gguf_builder_llama();
	size_t size;
	void *bytes;

	gguf_builder_set_types(builder, type);
	bytes = gguf_builder_write(builder, &size);
	write_seed(folder, "gguf", number, bytes, size);
	free(bytes);
	free(builder);
}

int main(int argc, char **argv)
{
	size_t size;

	if (argc != 2) {
		fputs("usage: seeds FOLDER\n", stderr);
		return 2;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(images); i++) {
		void *bytes = tiny_image_build(&images[i], &size);

		write_seed(argv[1], "image", i, bytes, size);
		free(bytes);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(types); i++)
		write_gguf(argv[1], i, types[i]);
	for (unsigned int i = 0; i < ARRAY_SIZE(vocabularies); i++)
		write_seed(argv[1], "tokenizer", i, vocabularies[i].bytes, vocabularies[i].size);
	return 0;
}
