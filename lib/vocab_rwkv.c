// SPDX-License-Identifier: LGPL-2.1-or-later
#include "vocab.h"

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that an escape stands for, and where it ends. */
static char read_escape(const char **at, const char *end)
{
	char c = *(*at)++;

	if (c == 't')
		return '\t';
	if (c == 'n')
		return '\n';
	if (c == 'r')
		return '\r';
	if (c != 'x' || end - *at < 2 || digit((*at)[0]) < 0 || digit((*at)[1]) < 0)
		return c;
	*at += 2;
	return digit((*at)[-2]) << 4 | digit((*at)[-1]);
}

/* Texts have escapes for what does not print: \t, \n, \r, \xNN and \\. */
static __u64 unescape(char *to, const char *text, __u64 length)
{
	const char *at = text, *end = text + length;
	__u64 used = 0;

	while (at < end) {
		char c = *at++;

		to[used++] = c == '\\' && at < end ? read_escape(&at, end) : c;
	}
	return used;
}

void compile_vocab_rwkv(struct compile *c)
{
	/* llama.cpp adds nothing, whatever the keys are. */
	const struct vocab_defaults defaults = {
		.eos_key = "tokenizer.ggml.eos_token_id", .bos = LLM_IMAGE_NONE,
		.eos = LLM_IMAGE_NONE, .unknown = LLM_IMAGE_NONE,
	};

	vocab_add_all(c, unescape);
	vocab_finish(c, LLM_TOKENIZER_GREEDY, &defaults);
	c->writer.tokenizer.flags = 0;
}
