// SPDX-License-Identifier: GPL-2.0
/*
 * token_lists MODEL ROUNDS <TEXTS >LISTS
 *
 * The engine's tokens of many texts, and how long they take. TEXTS: for each text its
 * length, 32 bits, and its bytes. LISTS: for each text nanoseconds of the quickest of
 * so many rounds, 64 bits, the number of its tokens, 32 bits, and those, 32 bits each.
 * No special tokens are added or recognised, but for the space before a text.
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

	if (llmctl_model_open(&file, path, LLMCTL_KEEP_TYPES, LLMCTL_KV_F16, NULL, &error))
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

static void write_list(const struct llm_tokenizer *tokenizer, const u8 *text, u32 length,
		       int rounds)
{
	u32 room = llm_tokenizer_most(tokenizer, length);
	u32 *tokens = malloc((size_t)room * sizeof(*tokens));
	u64 best = ~0ULL, start;
	u32 count;

	if (!tokens)
		fail("not enough memory");
	while (rounds-- > 0) {
		start = now();
		if (llm_tokenize(tokenizer, text, length, LLM_TEXT_BEGIN, tokens, room, &count))
			fail("a text has more tokens than any can have");
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
	struct llm_tokenizer *tokenizer;
	u32 length;
	u8 *text;

	if (argc != 3 || atoi(argv[2]) < 1)
		fail("usage: token_lists MODEL ROUNDS <TEXTS >LISTS");
	tokenizer = open_tokenizer(argv[1]);
	while (fread(&length, sizeof(length), 1, stdin) == 1) {
		text = malloc(length + 1);
		if (!text || fread(text, 1, length, stdin) != length)
			fail("a text is cut off");
		write_list(tokenizer, text, length, atoi(argv[2]));
		free(text);
	}
	if (fflush(stdout))
		fail("can't write");
	return 0;
}
