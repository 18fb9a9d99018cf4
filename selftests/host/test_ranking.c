// SPDX-License-Identifier: GPL-2.0
/* Models that rank: what a Qwen3 reranker compiles to, and how texts are put to it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "gguf_builder.h"
#include "image.h"
#include "ranking.h"
#include "tap.h"
#include "tiny_image.h"

#define TEMPLATE	"tokenizer.chat_template.rerank"
#define WIDTH		32
#define HEAD		16

static void set_labels(struct gguf_builder *b)
{
	static const __u8 labels[] = {
		3, 0, 0, 0, 0, 0, 0, 0, 'y', 'e', 's', 2, 0, 0, 0, 0, 0, 0, 0, 'n', 'o',
	};

	gguf_builder_set_array(b, "qwen3.classifier.output_labels", BUILD_STRING, 2, labels,
			       sizeof(labels));
}

/* The small Llama of gguf_builder.h as a Qwen3 that ranks. */
static struct gguf_builder *build(const char *template)
{
	struct gguf_builder *b = gguf_builder_llama();

	gguf_builder_set_string(b, "general.architecture", "qwen3");
	gguf_builder_set_u32(b, "qwen3.context_length", 128);
	gguf_builder_set_u32(b, "qwen3.embedding_length", WIDTH);
	gguf_builder_set_u32(b, "qwen3.block_count", 2);
	gguf_builder_set_u32(b, "qwen3.feed_forward_length", 64);
	gguf_builder_set_u32(b, "qwen3.attention.head_count", 2);
	gguf_builder_set_u32(b, "qwen3.attention.head_count_kv", 1);
	gguf_builder_set_f32(b, "qwen3.attention.layer_norm_rms_epsilon", 0.00001f);
	gguf_builder_set_u32(b, "qwen3.pooling_type", 4);
	gguf_builder_set_tensor(b, "blk.0.attn_q_norm.weight", HEAD, 1, LLM_TENSOR_F32);
	gguf_builder_set_tensor(b, "blk.0.attn_k_norm.weight", HEAD, 1, LLM_TENSOR_F32);
	gguf_builder_set_tensor(b, "blk.1.attn_q_norm.weight", HEAD, 1, LLM_TENSOR_F32);
	gguf_builder_set_tensor(b, "blk.1.attn_k_norm.weight", HEAD, 1, LLM_TENSOR_F32);
	gguf_builder_set_tensor(b, "cls.output.weight", WIDTH, 2, LLM_TENSOR_F32);
	set_labels(b);
	if (template)
		gguf_builder_set_string(b, TEMPLATE, template);
	return b;
}

/**
 * struct fixture - a compilation
 * @bytes: of the file
 * @c: the compilation
 * @error: why it failed
 */
struct fixture {
	__u8 *bytes;
	struct compile c;
	struct llmctl_error error;
};

/* Takes @b. Returns what compiling it returns. */
static int compile(struct fixture *f, struct gguf_builder *b)
{
	size_t size;
	int code;

	memset(f, 0, sizeof(*f));
	f->c.type = LLMCTL_KEEP_TYPES;
	f->c.error = &f->error;
	f->bytes = gguf_builder_write(b, &size);
	free(b);
	code = gguf_open_memory(&f->c.gguf, f->bytes, size, "file", &f->error);
	return code ? code : compile_gguf(&f->c);
}

static void teardown(struct fixture *f)
{
	compile_destroy(&f->c);
	gguf_close(f->c.gguf);
	free(f->bytes);
}

static const struct llm_insn *last_insn(const struct fixture *f, __u32 back)
{
	const struct image_array *program = &f->c.writer.program;

	return (const struct llm_insn *)(program->bytes + program->length) - 1 - back;
}

static void qwen3_ends_in_the_softmax_of_its_labels(void)
{
	const struct llm_image_register *registers;
	struct fixture f;

	if (!tap_check(!compile(&f, build(NULL))))
		printf("# %s\n", f.error.text);
	registers = (const void *)f.c.writer.registers.bytes;
	tap_check(f.c.writer.model.pooling == LLM_POOLING_RANK);
	tap_check(f.c.writer.model.logits == LLM_IMAGE_NONE);
	tap_check(registers[f.c.writer.model.embedding].width == 2);
	tap_check(last_insn(&f, 0)->op == LLM_OP_SOFTMAX);
	tap_check(last_insn(&f, 0)->dst == f.c.writer.model.embedding);
	tap_check(last_insn(&f, 1)->op == LLM_OP_LINEAR);
	/* What the head takes is normed. */
	tap_check(last_insn(&f, 2)->op == LLM_OP_NORM);
	tap_check(last_insn(&f, 1)->src[0] == last_insn(&f, 2)->dst);
	tap_check(!f.c.writer.has_ranking);
	teardown(&f);
}

static void an_output_matrix_is_left_out(void)
{
	struct gguf_builder *b = build(NULL);
	struct fixture f;

	gguf_builder_set_tensor(b, "output.weight", WIDTH, GGUF_BUILDER_VOCAB, LLM_TENSOR_F32);
	if (!tap_check(!compile(&f, b)))
		printf("# %s\n", f.error.text);
	tap_check(f.c.writer.model.logits == LLM_IMAGE_NONE);
	teardown(&f);
}

static bool is(const __u8 *piece, const char *text)
{
	return !strcmp((const char *)piece, text);
}

static void the_template_is_taken_apart(void)
{
	struct fixture f;

	tap_check(!compile(&f, build("<s>a {x} {query}\nb: {document}</s>\n\n")));
	tap_check(f.c.writer.has_ranking);
	tap_check(is(f.c.writer.ranking.before, "<s>a {x} "));
	tap_check(is(f.c.writer.ranking.between, "\nb: "));
	tap_check(is(f.c.writer.ranking.after, "</s>\n\n"));
	teardown(&f);
	tap_check(!compile(&f, build("{query}{document}")));
	tap_check(f.c.writer.has_ranking);
	tap_check(is(f.c.writer.ranking.before, "") && is(f.c.writer.ranking.between, ""));
	teardown(&f);
}

static void refuses(struct gguf_builder *b, int code, const char *text)
{
	struct fixture f;
	int got = compile(&f, b);

	if (!tap_check(got == -code) || !tap_check(strstr(f.error.text, text)))
		printf("# wanted %d '%s', got %d '%s'\n", code, text, -got, f.error.text);
	teardown(&f);
}

static void what_is_not_known_is_refused(void)
{
	static const char *const templates[] = {
		"", "{query}", "{document}", "{document}{query}", "{query}{query}{document}",
		"{query}{document}{document}", "{query}{document}{query}", "{query {document}",
	};
	char text[LLM_RANKING_PIECE + 32];
	struct gguf_builder *b;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(templates); i++)
		refuses(build(templates[i]), EOPNOTSUPP, "key '" TEMPLATE "' is not a text with");
	memset(text, 'x', LLM_RANKING_PIECE);
	strcpy(text + LLM_RANKING_PIECE, "{query}{document}");
	refuses(build(text), EOPNOTSUPP, "more than 2047 bytes in one piece");
	b = build(NULL);
	gguf_builder_drop_tensor(b, "cls.output.weight");
	refuses(b, EINVAL, "tensor 'cls.output.weight' is missing");
	b = build(NULL);
	gguf_builder_drop_tensor(b, "cls.output.weight");
	gguf_builder_set_tensor(b, "cls.weight", WIDTH, WIDTH, LLM_TENSOR_F32);
	refuses(b, EOPNOTSUPP, "makes 32 numbers of a text, no score");
	b = build(NULL);
	gguf_builder_set_tensor(b, "cls.output.weight", WIDTH, 3, LLM_TENSOR_F32);
	refuses(b, EINVAL, "tensor 'cls.output.weight' is 32 x 3, not 32 x 2");
	b = build(NULL);
	gguf_builder_set_u32(b, "qwen3.classifier.output_labels", 2);
	refuses(b, EINVAL, "key 'qwen3.classifier.output_labels' is not a list");
	b = build(NULL);
	gguf_builder_drop_key(b, "qwen3.pooling_type");
	refuses(b, EOPNOTSUPP, "key 'qwen3.classifier.output_labels' is not supported");
	b = gguf_builder_llama();
	gguf_builder_set_u32(b, "llama.pooling_type", 4);
	refuses(b, EOPNOTSUPP, "key 'llama.pooling_type': ranking is supported for");
}

/* Tokens of a text alone. */
static u32 tokenize(const struct llm_tokenizer *tokenizer, const char *text, u32 flags, u32 *tokens)
{
	u32 count = 0;

	tap_check(!llm_tokenize(tokenizer, (const u8 *)text, strlen(text), flags, tokens, 64,
				&count));
	return count;
}

static void control_tokens_are_the_templates_alone(void)
{
	const struct llm_text_part texts[] = {
		{ (const u8 *)"the<end>", 8, 0 }, { (const u8 *)"an</s>", 6, 0 },
	};
	struct tiny_image_options options = { .seed = 3, .ranks = true };
	u32 tokens[128], wanted[128], count, most, found = 0, i;
	struct llm_tokenizer *tokenizer;
	struct llm_error error = { "" };
	struct llm_image *image;
	size_t size;
	void *bytes;

	bytes = tiny_image_build(&options, &size);
	if (!tap_check(!llm_image_open(&image, bytes, size, &error)) ||
	    !tap_check(!llm_tokenizer_create(&tokenizer, image, &error)))
		return;
	tap_check(!llm_ranking_tokenize(tokenizer, image->ranking, texts, tokens, 128, &count));
	for (i = 0; i < count; i++)
		found += tokens[i] == TINY_TOKEN_TURN_END;
	tap_check(found == 2);
	tap_check(tokens[0] != TINY_TOKEN_BOS);
	tap_check(tokens[count - 1] == TINY_TOKEN_TURN_END);
	/* Before the first of them, the query as it stands. */
	most = tokenize(tokenizer, "q:the<end>", LLM_TEXT_SPACE, wanted);
	tap_check(!memcmp(tokens, wanted, most * sizeof(*tokens)));
	tap_check(tokens[most] == TINY_TOKEN_TURN_END);
	tap_check(llm_ranking_tokenize(tokenizer, image->ranking, texts, tokens, count - 1,
				       &most) == -ENOSPC);
	tap_check(most == count);
	llm_tokenizer_destroy(tokenizer);
	llm_image_close(image);
	free(bytes);
}

static const struct tap_test tests[] = {
	{ "a Qwen3 that ranks ends in the softmax of its labels",
	  qwen3_ends_in_the_softmax_of_its_labels },
	{ "a matrix for logits is left out", an_output_matrix_is_left_out },
	{ "the template is taken apart", the_template_is_taken_apart },
	{ "what is not known is refused by name", what_is_not_known_is_refused },
	{ "control tokens are those of the template alone",
	  control_tokens_are_the_templates_alone },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
