// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ranking.h"

#define TEMPLATE	"tokenizer.chat_template.rerank"
#define QUERY		"{query}"
#define DOCUMENT	"{document}"

/* A matrix of the head, with its bias if there is one. */
static __u16 add_head(struct compile *c, const struct transformer *t, __u16 src, const char *name,
		      __u32 rows)
{
	__u16 dst = image_add_register(&c->writer, rows, LLM_ROWS_OUTPUT);
	struct llm_insn insn = compile_insn(LLM_OP_LINEAR, dst);
	const struct gguf_tensor *weight;
	char full[COMPILE_NAME_SIZE];

	snprintf(full, sizeof(full), "%s.weight", name);
	weight = compile_need(c, full, t->width, rows);
	if (c->code)
		return dst;
	insn.src[0] = src;
	insn.tensor[0] = compile_weight(c, full, &weight, 1);
	snprintf(full, sizeof(full), "%s.bias", name);
	insn.tensor[1] = compile_vector(c, compile_find(c, full, rows, 1));
	image_add_insn(&c->writer, &insn);
	return dst;
}

static __u16 add_scores(struct compile *c, const struct transformer *t, __u16 src)
{
	const char *labels = compile_key(c, "classifier.output_labels");
	const struct gguf_key *key = gguf_key_find(c->gguf, labels);

	if (key && (key->kind != GGUF_ARRAY || !key->count || key->count > COMPILE_MAX_WIDTH)) {
		compile_fail(c, EINVAL, "key '%s' is not a list", labels);
		return src;
	}
	if (gguf_tensor_find(c->gguf, "cls.weight")) {
		/* llama.cpp takes one of its numbers for the score, of whichever text. */
		if (!gguf_tensor_find(c->gguf, "cls.output.weight"))
			compile_fail(c, EOPNOTSUPP,
				     "'cls.weight' without 'cls.output.weight': makes %u numbers of a text, no score",
				     t->width);
		src = add_head(c, t, src, "cls", t->width);
		transformer_act(c, LLM_ACT_TANH, src, src, 1, 1);
	}
	return add_head(c, t, src, "cls.output", key ? key->count : 1);
}

static void add_softmax(struct compile *c, __u16 reg)
{
	struct llm_insn insn = compile_insn(LLM_OP_SOFTMAX, reg);

	insn.src[0] = reg;
	image_add_insn(&c->writer, &insn);
}

/* The texts around the query and the document, the former first, as all have it. */
static void add_template(struct compile *c)
{
	struct llm_image_ranking *ranking = &c->writer.ranking;
	const char *text, *query, *document, *end;
	__u64 length;
	int found;

	found = gguf_get_string(c->gguf, TEMPLATE, &text, &length, c->error);
	if (found < 0)
		c->code = found;
	if (found <= 0)
		return;
	end = text + length;
	query = memmem(text, length, QUERY, strlen(QUERY));
	document = query ? memmem(query, end - query, DOCUMENT, strlen(DOCUMENT)) : NULL;
	if (!document || memchr(text, 0, length) ||
	    memmem(query + 1, end - query - 1, QUERY, strlen(QUERY)) ||
	    memmem(document + 1, end - document - 1, DOCUMENT, strlen(DOCUMENT)) ||
	    memmem(text, query - text, DOCUMENT, strlen(DOCUMENT))) {
		compile_fail(c, EOPNOTSUPP, "key '%s' is not a text with %s and then %s, once each",
			     TEMPLATE, QUERY, DOCUMENT);
		return;
	}
	if (query - text >= LLM_RANKING_PIECE || document - query >= LLM_RANKING_PIECE ||
	    end - document >= LLM_RANKING_PIECE) {
		compile_fail(c, EOPNOTSUPP, "key '%s' has more than %u bytes in one piece",
			     TEMPLATE, LLM_RANKING_PIECE - 1);
		return;
	}
	memcpy(ranking->before, text, query - text);
	query += strlen(QUERY);
	memcpy(ranking->between, query, document - query);
	document += strlen(DOCUMENT);
	memcpy(ranking->after, document, end - document);
	c->writer.has_ranking = true;
}

__u16 ranking_add(struct compile *c, const struct transformer *t, __u16 src)
{
	__u16 scores = add_scores(c, t, src);

	if (t->arch->traits & TRANSFORMER_SOFTMAX)
		add_softmax(c, scores);
	add_template(c);
	return scores;
}
