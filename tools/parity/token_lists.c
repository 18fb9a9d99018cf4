// SPDX-License-Identifier: GPL-2.0
/*
 * token_lists MODEL ROUNDS <TEXTS >LISTS
 *
 * The engine's tokens of many texts, and how long they take. TEXTS: for each text its
 * length, 32 bits, and its bytes. LISTS: for each text nanoseconds of the quickest of
 * so many rounds, 64 bits, the number of its tokens, 32 bits, and those, 32 bits each.
 * No special tokens are added or recognised, but for the space before a text. Where MODEL
 * is /dev/llm it is the default model there, whose tokens the kernel finds, without that
 * space.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "engine/tokenizer.h"
#include "llmctl.h"

/* So that the tokenizers that add one at the start do not. */
#define UNADDED	(LLM_TOKENIZER_ADD_BOS | LLM_TOKENIZER_ADD_SEP)

static void fail(const char *what)
{
	fprintf(stderr, "token_lists: %s\n", what);
	exit(1);
}

static struct llm_tokenizer *open_tokenizer(const char *path)
{
	struct llmctl_error error = { 0 };
	struct llm_error reason = { "" };
	struct llm_tokenizer *tokenizer;
	struct llmctl_model *file;
	struct llm_image *image;
	void *bytes;
	__u64 size;

	if (llmctl_model_open(&file, path, LLMCTL_KEEP_TYPES, LLMCTL_KV_DEFAULT, NULL, &error))
		fail(error.text);
	size = llmctl_model_facts(file)->size;
	bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes == MAP_FAILED)
		fail("not enough memory");
	llmctl_model_outline(file, bytes);
	llmctl_model_close(file);
	if (llm_image_open(&image, bytes, size, &reason))
		fail(reason.text);
	image->tokenizer.flags &= ~UNADDED;
	if (llm_tokenizer_create(&tokenizer, image, &reason))
		fail(reason.text);
	return tokenizer;
}

static u64 now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

/**
 * struct source - who makes tokens
 * @tokenizer: the engine's, in the process; or NULL
 * @device: the kernel
 */
struct source {
	struct llm_tokenizer *tokenizer;
	struct llmctl_device *device;
};

static struct source open_source(const char *model)
{
	struct llmctl_error error = { 0 };
	struct source source = { NULL, NULL };

	if (strcmp(model, "/dev/llm"))
		source.tokenizer = open_tokenizer(model);
	else if (llmctl_open(&source.device, &error))
		fail(error.text);
	return source;
}

/* The tokens, for free(3). */
static u32 *tokenize(const struct source *source, const u8 *text, u32 length, u32 *count)
{
	struct llmctl_error error = { 0 };
	u32 *tokens;
	u32 room;

	if (source->device) {
		if (llmctl_tokenize(source->device, text, length, 0, &tokens, count, &error))
			fail(error.text);
		return tokens;
	}
	room = llm_tokenizer_most(source->tokenizer, length);
	tokens = malloc((size_t)room * sizeof(*tokens));
	if (!tokens)
		fail("not enough memory");
	if (llm_tokenize(source->tokenizer, text, length, LLM_TEXT_BEGIN, tokens, room, count))
		fail("a text has more tokens than any can have");
	return tokens;
}

static void write_list(const struct source *source, const u8 *text, u32 length, int rounds)
{
	u32 *tokens = NULL;
	u64 best = ~0ULL, start;
	u32 count = 0;

	while (rounds-- > 0) {
		free(tokens);
		start = now();
		tokens = tokenize(source, text, length, &count);
		best = min(best, now() - start);
	}
	if (fwrite(&best, sizeof(best), 1, stdout) != 1 ||
	    fwrite(&count, sizeof(count), 1, stdout) != 1 ||
	    fwrite(tokens, sizeof(*tokens), count, stdout) != count)
		fail("can't write");
	free(tokens);
}

int main(int argc, char **argv)
{
	struct source source;
	u32 length;
	u8 *text;

	if (argc != 3 || atoi(argv[2]) < 1)
		fail("usage: token_lists MODEL ROUNDS <TEXTS >LISTS");
	source = open_source(argv[1]);
	while (fread(&length, sizeof(length), 1, stdin) == 1) {
		text = malloc(length + 1);
		if (!text || fread(text, 1, length, stdin) != length)
			fail("a text is cut off");
		write_list(&source, text, length, atoi(argv[2]));
		free(text);
	}
	if (fflush(stdout))
		fail("can't write");
	return 0;
}
