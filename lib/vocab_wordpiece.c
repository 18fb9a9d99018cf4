// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdlib.h>

#include "folder.h"
#include "vocab.h"

static void read_option(struct compile *c, const char *name, bool *value)
{
	int found;

	if (c->code)
		return;
	found = gguf_get_bool(c->gguf, name, value, c->error);
	if (found < 0)
		c->code = found;
}

static void add_fold(struct compile *c)
{
	/* llama.cpp's defaults: BERT's models without capitals. */
	struct folder_options options = { .lowercase = true };
	void *bytes = NULL;
	size_t length;
	int ret;

	read_option(c, "tokenizer.ggml.normalizer.lowercase", &options.lowercase);
	options.strip_accents = options.lowercase;
	read_option(c, "tokenizer.ggml.normalizer.strip_accents", &options.strip_accents);
	if (c->code)
		return;
	ret = folder_build(&bytes, &length, &options);
	if (ret)
		compile_fail(c, -ret, "not enough memory");
	else
		image_set_fold(&c->writer, bytes, length);
	free(bytes);
}

/*
 * llama.cpp ends a text with the separator whatever add_eos_token says; that tells of
 * pairs of texts alone. Where it is not set llama.cpp ends the first of them only; models
 * were taught to find the separator after both (arXiv:1810.04805).
 */
static void set_separators(struct llm_image_tokenizer *tokenizer)
{
	if (!(tokenizer->flags & LLM_TOKENIZER_ADD_EOS))
		tokenizer->flags &= ~LLM_TOKENIZER_ADD_SEP;
	if (tokenizer->eos != LLM_IMAGE_NONE)
		tokenizer->flags |= LLM_TOKENIZER_ADD_EOS;
}

void compile_vocab_wordpiece(struct compile *c)
{
	/* llama.cpp's for BERT. */
	const struct vocab_defaults defaults = {
		.eos_key = "tokenizer.ggml.seperator_token_id", .bos = 101, .eos = 102,
		.unknown = 100,
		.flags = LLM_TOKENIZER_ADD_BOS | LLM_TOKENIZER_ADD_SEP,
	};

	vocab_add_all(c, vocab_plain);
	add_fold(c);
	vocab_finish(c, LLM_TOKENIZER_WORDPIECE, &defaults);
	set_separators(&c->writer.tokenizer);
	if (!c->code && c->writer.tokenizer.unknown == LLM_IMAGE_NONE)
		compile_fail(c, EINVAL, "the vocabulary has no unknown token");
}
