// SPDX-License-Identifier: GPL-2.0
/* Llama's vocabulary: the same tokens as llama.cpp. */
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "shared.h"
#include "tap.h"
#include "tokenizer.h"

#define VOCAB		"vectors/ggml-vocab-llama-spm.gguf"
#define TEXTS		"vectors/ggml-vocab-llama-spm.gguf.inp"
#define TOKENS		"vectors/ggml-vocab-llama-spm.gguf.out"
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
static bool setup(struct fixture *f)
{
	struct llmctl_error file_error = { 0 };
	struct llm_error error = { "" };
	char path[4096];

	memset(f, 0, sizeof(*f));
	if (!shared_path(path, sizeof(path), VOCAB)) {
		tap_skip(SHARED_MISSING);
		return false;
	}
	if (!tap_check(!gguf_open(&f->gguf, path, &file_error)))
		return false;
	f->compile.gguf = f->gguf;
	f->compile.error = &file_error;
	compile_vocab_spm(&f->compile);
	f->image.model = f->compile.writer.model;
	f->image.tokenizer = f->compile.writer.tokenizer;
	f->image.vocab = (struct llm_image_token *)f->compile.writer.vocab.bytes;
	f->image.strings = f->compile.writer.strings.bytes;
	f->image.strings_length = f->compile.writer.strings.length;
	if (tap_check(!f->compile.code) &&
	    tap_check(!llm_tokenizer_create(&f->tokenizer, &f->image, &error)))
		return true;
	printf("# %s%s\n", file_error.text, error.text);
	teardown(f);
	return false;
}

/* Whether a text becomes the tokens of a line; these are without BOS. */
static bool becomes(const struct fixture *f, const char *text, u32 length, const char *line)
{
	u32 tokens[ROOM];
	u32 count, at;
	char *end;

	if (llm_tokenize(f->tokenizer, (const u8 *)text, length, LLM_TEXT_BEGIN, tokens, ROOM,
			 &count) || tokens[0] != f->image.tokenizer.bos)
		return false;
	for (at = 1; at < count; at++) {
		if (strtoul(line, &end, 10) != tokens[at] || end == line)
			return false;
		line = end;
	}
	return line[strspn(line, " ")] == '\n';
}

static void texts_become_the_tokens_of_llama_cpp(void)
{
	char *texts = shared_read(TEXTS);
	char *tokens = shared_read(TOKENS);
	const char *text = texts;
	const char *line = tokens;
	struct fixture f;
	u32 count = 0;

	if (!texts || !tokens) {
		tap_skip(SHARED_MISSING);
	} else if (setup(&f)) {
		for (const char *end; (end = strstr(text, SEPARATOR)); count++) {
			if (!tap_check(becomes(&f, text, end - text, line)))
				printf("# '%.*s'\n", (int)(end - text), text);
			text = end + strlen(SEPARATOR);
			line = strchr(line, '\n') + 1;
		}
		tap_check(count == 46 && !*text && !*line);
		teardown(&f);
	}
	free(tokens);
	free(texts);
}

static void texts_survive(void)
{
	char *texts = shared_read(TEXTS);
	u32 *tokens = malloc(65536 * sizeof(*tokens));
	struct fixture f;
	u32 count;

	if (!texts) {
		tap_skip(SHARED_MISSING);
	} else if (setup(&f)) {
		u32 length = strlen(texts);
		u32 at = 0;

		tap_check(!llm_tokenize(f.tokenizer, (u8 *)texts, length, 0, tokens, 65536,
					&count));
		for (u32 i = 0; i < count; i++) {
			u32 size;
			const u8 *bytes = llm_token_text(f.tokenizer, tokens[i], 0, &size);

			if (!tap_check(at + size <= length && !memcmp(texts + at, bytes, size)))
				break;
			at += size;
		}
		tap_check(at == length);
		teardown(&f);
	}
	free(tokens);
	free(texts);
}

static void special_tokens_are_recognised(void)
{
	static const char text[] = "<s>a</s>";
	struct fixture f;
	u32 tokens[16];
	u32 count;

	if (!setup(&f))
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
	{ "llama.cpp's 46 texts become its tokens", texts_become_the_tokens_of_llama_cpp },
	{ "they survive becoming tokens", texts_survive },
	{ "special tokens are recognised where asked for", special_tokens_are_recognised },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
