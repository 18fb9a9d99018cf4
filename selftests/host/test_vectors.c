// SPDX-License-Identifier: GPL-2.0
/* Vocabularies of models people use: the same tokens as llama.cpp. */
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "shared.h"
#include "tap.h"
#include "tokenizer.h"

#define SEPARATOR	"\n__ggml_vocab_test__\n"
#define ROOM		4096

struct fixture {
	struct gguf *gguf;
	struct compile compile;
	struct llm_image image;
	struct llm_tokenizer *tokenizer;
};

static void teardown(struct fixture *f)
{
	llm_tokenizer_destroy(f->tokenizer);
	compile_destroy(&f->compile);
	gguf_close(f->gguf);
}

/* False where the file is not there, the test then skipped, or can't be read. */
static bool setup(struct fixture *f, const char *name)
{
	struct llmctl_error file_error = { 0 };
	struct llm_error error = { "" };
	struct image_writer *writer = &f->compile.writer;
	char path[4096], file[64];

	memset(f, 0, sizeof(*f));
	snprintf(file, sizeof(file), "vectors/ggml-vocab-%s.gguf", name);
	if (!shared_path(path, sizeof(path), file)) {
		tap_skip(SHARED_MISSING);
		return false;
	}
	if (!tap_check(!gguf_open(&f->gguf, path, &file_error)))
		return false;
	f->compile.gguf = f->gguf;
	f->compile.error = &file_error;
	compile_vocab(&f->compile);
	f->image = (struct llm_image) {
		.model = writer->model,
		.tokenizer = writer->tokenizer,
		.vocab = (struct llm_image_token *)writer->vocab.bytes,
		.strings = writer->strings.bytes,
		.strings_length = writer->strings.length,
		.merges = (struct llm_image_merge *)writer->merges.bytes,
		.merge_count = writer->merges.length / sizeof(struct llm_image_merge),
		.split = writer->split.bytes,
		.split_length = writer->split.length,
		.fold = writer->fold.bytes,
		.fold_length = writer->fold.length,
	};
	if (tap_check(!f->compile.code) && tap_check(!llm_tokenizer_verify(&f->image, &error)) &&
	    tap_check(!llm_tokenizer_create(&f->tokenizer, &f->image, &error)))
		return true;
	printf("# %s%s\n", file_error.text, error.text);
	teardown(f);
	return false;
}

/* Whether a text becomes the tokens of a line; these are without special ones. */
static bool becomes(const struct fixture *f, const char *text, u32 length, const char *line)
{
	u32 tokens[ROOM];
	u32 count, at = 0;
	char *end;

	if (llm_tokenize(f->tokenizer, (const u8 *)text, length, LLM_TEXT_BEGIN, tokens, ROOM,
			 &count))
		return false;
	if (f->image.tokenizer.flags & LLM_TOKENIZER_ADD_BOS &&
	    tokens[at++] != f->image.tokenizer.bos)
		return false;
	for (; at < count; at++) {
		if (strtoul(line, &end, 10) != tokens[at] || end == line)
			return false;
		line = end;
	}
	return line[strspn(line, " ")] == '\n';
}

static void check_vectors(const char *name)
{
	char path[64];
	char *texts, *tokens, *text, *line, *end;
	struct fixture f;
	u32 count = 0;

	if (!setup(&f, name))
		return;
	snprintf(path, sizeof(path), "vectors/ggml-vocab-%s.gguf.inp", name);
	texts = shared_read(path);
	snprintf(path, sizeof(path), "vectors/ggml-vocab-%s.gguf.out", name);
	tokens = shared_read(path);
	if (tap_check(texts && tokens)) {
		text = texts;
		line = tokens;
		for (; (end = strstr(text, SEPARATOR)); count++) {
			if (!tap_check(becomes(&f, text, end - text, line)))
				printf("# '%.*s'\n", (int)(end - text), text);
			text = end + strlen(SEPARATOR);
			line = strchr(line, '\n') + 1;
		}
		tap_check(count == 46 && !*text && !*line);
	}
	free(tokens);
	free(texts);
	teardown(&f);
}

static void llama(void)
{
	check_vectors("llama-spm");
}

static void gpt_2(void)
{
	check_vectors("gpt-2");
}

static void falcon(void)
{
	check_vectors("falcon");
}

static void bert(void)
{
	check_vectors("bert-bge");
}

/* Whether the bytes of a text come back from its tokens. */
static void check_survival(const char *name)
{
	u32 *tokens = malloc(65536 * sizeof(*tokens));
	char *texts = shared_read("vectors/ggml-vocab-gpt-2.gguf.inp");
	struct fixture f;
	u32 count = 0;
	u32 length, size;
	u32 at = 0;

	if (!setup(&f, name))
		goto out;
	length = strlen(texts);
	tap_check(!llm_tokenize(f.tokenizer, (u8 *)texts, length, 0, tokens, 65536, &count));
	for (u32 i = 0; i < count; i++) {
		const u8 *bytes = llm_token_text(f.tokenizer, tokens[i], 0, &size);

		if (!tap_check(at + size <= length && !memcmp(texts + at, bytes, size)))
			break;
		at += size;
	}
	tap_check(at == length);
	teardown(&f);
out:
	free(tokens);
	free(texts);
}

static void texts_survive(void)
{
	check_survival("llama-spm");
	check_survival("gpt-2");
	check_survival("falcon");
}

static void special_tokens_are_recognised(void)
{
	static const char text[] = "<s>a</s>";
	struct fixture f;
	u32 tokens[16];
	u32 count;

	if (!setup(&f, "llama-spm"))
		return;
	tap_check(!llm_tokenize(f.tokenizer, (const u8 *)text, strlen(text), LLM_TEXT_SPECIAL,
				tokens, 16, &count));
	/* "a" with the space that is read after a control token. */
	tap_check(count == 3 && tokens[0] == 1 && tokens[1] == 263 && tokens[2] == 2);
	tap_check(llm_token_ends(f.tokenizer, 2) && !llm_token_ends(f.tokenizer, 1));
	tap_check(!llm_tokenize(f.tokenizer, (const u8 *)text, strlen(text), 0, tokens, 16,
				&count));
	for (u32 i = 0; i < count; i++)
		tap_check(tokens[i] > 2);
	teardown(&f);
}

static const struct tap_test tests[] = {
	{ "llama.cpp's 46 texts become its tokens: Llama, SentencePiece", llama },
	{ "llama.cpp's 46 texts become its tokens: GPT-2, byte pairs", gpt_2 },
	{ "llama.cpp's 46 texts become its tokens: Falcon, byte pairs in three passes", falcon },
	{ "llama.cpp's 46 texts become its tokens: BERT, the longest pieces of words", bert },
	{ "they survive becoming tokens", texts_survive },
	{ "special tokens are recognised where asked for", special_tokens_are_recognised },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
