// SPDX-License-Identifier: GPL-2.0
/*
 * token_lists MODEL ROUNDS BYTES SHORTEST <TEXTS >LISTS
 *
 * The engine's tokens of many texts, and how long they take. TEXTS: for each text its
 * length, 32 bits, and its bytes. LISTS: for each text nanoseconds of the quickest of
 * so many rounds, 64 bits, the number of its tokens, 32 bits, and those, 32 bits each.
 * A round is one call or, where the text is shorter than BYTES, so many that they have
 * about as many together, and its time that of one: the clock may take longer. Each text
 * counts as SHORTEST more, so that there is an end to how often it is read. No special
 * tokens are added or recognised, but for the space before a text. Where MODEL is /dev/llm
 * it is the default model there, whose tokens the kernel finds, without that space.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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
 * @device: /dev/llm, with the kernel's
 */
struct source {
	struct llm_tokenizer *tokenizer;
	int device;
};

static struct source open_source(const char *model)
{
	struct source source = { .device = -1 };

	if (strcmp(model, "/dev/llm"))
		source.tokenizer = open_tokenizer(model);
	else
		source.device = open(model, O_RDWR | O_CLOEXEC);
	if (!source.tokenizer && source.device < 0)
		fail("can't open /dev/llm");
	return source;
}

/* Returns whether there was room enough; sets how many tokens there are. */
static bool tokenize(const struct source *source, const u8 *text, u32 length, u32 *tokens,
		     u32 room, u32 *count)
{
	struct llm_tokenize arguments = {
		.text = (uintptr_t)text, .text_length = length,
		.tokens = (uintptr_t)tokens, .tokens_count = room,
	};
	bool failed;

	if (source->tokenizer)
		return !llm_tokenize(source->tokenizer, text, length, LLM_TEXT_BEGIN, tokens, room,
				     count);
	failed = ioctl(source->device, LLM_IOC_TOKENIZE, &arguments);
	if (failed && errno != ENOSPC)
		fail(strerror(errno));
	*count = arguments.tokens_count;
	return !failed;
}

/**
 * struct effort - what is done to measure
 * @rounds: rounds, the quickest of which counts
 * @bytes: of text that a round has, about, where one call has fewer
 * @shortest: what a text counts as more than it has
 */
struct effort {
	int rounds;
	u32 bytes;
	u32 shortest;
};

/*
 * The memory is there before time is taken: that pages are given out slowly, as by a
 * User-Mode Linux, tells nothing of tokens.
 */
static void write_list(const struct source *source, const u8 *text, u32 length,
		       const struct effort *effort)
{
	u32 calls = 1 + effort->bytes / (length + effort->shortest);
	u64 best = ~0ULL, start;
	u32 room, count, call;
	u32 *tokens;
	int round;

	tokenize(source, text, length, NULL, 0, &room);
	tokens = malloc((size_t)room * sizeof(*tokens) + 1);
	if (!tokens)
		fail("not enough memory");
	memset(tokens, 0xff, (size_t)room * sizeof(*tokens));
	for (round = 0; round < effort->rounds; round++) {
		start = now();
		for (call = 0; call < calls; call++)
			if (!tokenize(source, text, length, tokens, room, &count))
				fail("a text has more tokens than it had");
		best = min(best, (now() - start) / calls);
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
	struct effort effort;
	u32 length;
	u8 *text;

	if (argc != 5 || atoi(argv[2]) < 1 || atoi(argv[3]) < 0 || atoi(argv[4]) < 1)
		fail("usage: token_lists MODEL ROUNDS BYTES SHORTEST <TEXTS >LISTS");
	effort = (struct effort){
		.rounds = atoi(argv[2]), .bytes = atoi(argv[3]), .shortest = atoi(argv[4]),
	};
	source = open_source(argv[1]);
	while (fread(&length, sizeof(length), 1, stdin) == 1) {
		text = malloc(length + 1);
		if (!text || fread(text, 1, length, stdin) != length)
			fail("a text is cut off");
		write_list(&source, text, length, &effort);
		free(text);
	}
	if (fflush(stdout))
		fail("can't write");
	return 0;
}
