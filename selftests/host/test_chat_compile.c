// SPDX-License-Identifier: GPL-2.0
/* What of a file's vocabulary and template a conversation needs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "gguf_builder.h"
#include "tap.h"

#define TEMPLATE	"tokenizer.chat_template"
/* Tokens of the builder's vocabulary that a test puts its own in place of. */
#define FIRST		(GGUF_BUILDER_VOCAB - 8)

/* A file that was compiled. */
struct fixture {
	struct gguf_builder *b;
	__u8 *bytes;
	struct compile c;
	struct llmctl_error error;
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->b = gguf_builder_llama();
}

/* Gives the last tokens texts, up to NULL, and a kind. */
static void set_texts(struct fixture *f, const char *const *texts, __u8 kind)
{
	struct gguf_builder_key *tokens = gguf_builder_key(f->b, "tokenizer.ggml.tokens");
	struct gguf_builder_key *types = gguf_builder_key(f->b, "tokenizer.ggml.token_type");
	/* Before the elements: their kind, how many they are. */
	__u8 *at = tokens->value + 12;
	__u64 length;
	__u32 i;

	for (i = 0; i < FIRST; i++) {
		memcpy(&length, at, sizeof(length));
		at += sizeof(length) + length;
	}
	for (; i < GGUF_BUILDER_VOCAB; i++) {
		const char *text = *texts ? *texts++ : "z";

		length = strlen(text);
		memcpy(at, &length, sizeof(length));
		memcpy(at + sizeof(length), text, length);
		at += sizeof(length) + length;
		types->value[12 + 4 * i] = strcmp(text, "z") ? kind : LLM_TOKEN_NORMAL;
	}
	tokens->value_length = at - tokens->value;
}

static int compile(struct fixture *f)
{
	size_t size;
	int code;

	f->bytes = gguf_builder_write(f->b, &size);
	f->c.type = LLMCTL_KEEP_TYPES;
	f->c.error = &f->error;
	code = gguf_open_memory(&f->c.gguf, f->bytes, size, "file", &f->error);
	return code ? code : compile_gguf(&f->c);
}

static void teardown(struct fixture *f)
{
	compile_destroy(&f->c);
	gguf_close(f->c.gguf);
	free(f->bytes);
	free(f->b);
}

static const struct llm_image_token *token(const struct fixture *f, __u32 number)
{
	return image_token(&f->c.writer, FIRST + number);
}

/*
 * Tokens, and a bit for each that ends a reply. llama.cpp 0.7.0 answers the same for
 * each alone; where it takes one of two, which depends on its hash.
 */
static const struct {
	const char *texts[9];
	__u32 ends;
} vocabularies[] = {
	{ { "<|eot_id|>", "<|im_end|>", "<|end|>", "<|return|>", "<|flush|>", "<end_of_turn>",
	    "<|endoftext|>", "</s>" }, 0xff },
	{ { "<|eom_id|>", "<EOT>", "_<EOT>", "[EOT]", "[EOS]", "<|end_of_text|>",
	    "<end_of_utterance>", "<eos>" }, 0xff },
	{ { "<turn|>", "<|tool_response>", "[e~[", "<|ifm|im_end|>",
	    "<｜end▁of▁sentence｜>" }, 0x1f },
	{ { "<|fim_pad|>", "<|fim_repo|>", "<|file_sep|>" }, 7 },
	{ { "<fim-pad>", "<|repo_name|>", "<|plamo:file_separator|>" }, 7 },
	{ { "<fim_pad>", "<fim-repo>" }, 3 },
	{ { "<PAD>", "<REPO>" }, 3 },
	{ { "[PAD]", "<reponame>" }, 3 },
	{ { "<|end_of_turn|>", "<|END_OF_TURN_TOKEN|>", "<|eot|>", "<|fim_prefix|>", "<|user|>",
	    "<|im_start|>", "[PAD", "<REP>" }, 0 },
	{ { "<|return|>", "<|call|>", "<|end|>" }, 3 },
	{ { "<|end|>", "<|calls|>", "<|return|>" }, 6 },
	{ { "<|flush|>", "<|calls|>", "<|end|>" }, 3 },
};

static void finds_what_ends_a_reply(void)
{
	struct fixture f;
	size_t i;
	__u32 j;

	for (i = 0; i < ARRAY_SIZE(vocabularies); i++) {
		setup(&f);
		set_texts(&f, vocabularies[i].texts, LLM_TOKEN_USER);
		if (tap_check(!compile(&f))) {
			for (j = 0; vocabularies[i].texts[j]; j++) {
				bool ends = vocabularies[i].ends >> j & 1;

				if (!tap_check((token(&f, j)->flags == LLM_TOKEN_ENDS) == ends))
					printf("# %s\n", vocabularies[i].texts[j]);
				tap_check(!ends || token(&f, j)->kind == LLM_TOKEN_CONTROL);
			}
			tap_check(!token(&f, 7)->flags || vocabularies[i].texts[7]);
			/* </s> does, as the file's EOS, but not beside <|tool_response>. */
			tap_check(!image_token(&f.c.writer, 2)->flags == (i == 2));
		}
		teardown(&f);
	}
}

static void keys_name_what_ends_a_reply(void)
{
	static const char *const keys[] = {
		"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
		"tokenizer.ggml.eom_token_id", "tokenizer.ggml.fim_pad_token_id",
		"tokenizer.ggml.fim_rep_token_id", "tokenizer.ggml.fim_sep_token_id",
	};
	static const char *const texts[] = { "a1", "b1", "c1", "d1", "e1", "f1", "<PAD>", NULL };
	struct fixture f;
	__u32 i;

	setup(&f);
	set_texts(&f, texts, LLM_TOKEN_CONTROL);
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		gguf_builder_set_u32(f.b, keys[i], FIRST + i);
	if (tap_check(!compile(&f))) {
		for (i = 0; i < ARRAY_SIZE(keys); i++)
			tap_check(token(&f, i)->flags == LLM_TOKEN_ENDS);
		tap_check(!token(&f, 6)->flags);
	}
	teardown(&f);

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		setup(&f);
		gguf_builder_set_u32(f.b, keys[i], GGUF_BUILDER_VOCAB);
		tap_check(compile(&f) == -EINVAL && strstr(f.error.text, "no token 286"));
		teardown(&f);
	}
}

/* Its tokens are control tokens, the longest first; what follows a reply ends it. */
static void owns_its_tokens(void)
{
	static const char *const texts[] = {
		"<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|USER_TOKEN|>",
		"<|", "<tool>", "\n", "USER", NULL,
	};
	struct fixture f;
	__u32 i;

	setup(&f);
	set_texts(&f, texts, LLM_TOKEN_USER);
	gguf_builder_set_string(f.b, TEMPLATE, "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>");
	if (tap_check(!compile(&f))) {
		tap_check(f.c.writer.has_chat);
		tap_check(!strcmp((char *)f.c.writer.chat.name, "command-r"));
		for (i = 0; i < 3; i++)
			tap_check(token(&f, i)->kind == LLM_TOKEN_CONTROL);
		/* <|SYSTEM_TOKEN|> is no token here, so its beginning is one. */
		tap_check(token(&f, 3)->kind == LLM_TOKEN_CONTROL);
		for (i = 4; i < 7; i++)
			tap_check(token(&f, i)->kind == LLM_TOKEN_USER);
		for (i = 0; i < 8; i++)
			tap_check(token(&f, i)->flags == (i == 1 ? LLM_TOKEN_ENDS : 0));
	}
	teardown(&f);
}

/* Compiles a file with a template, and one that was asked for. */
static int compile_chat_of(struct fixture *f, const char *template, const char *asked)
{
	setup(f);
	if (template)
		gguf_builder_set_string(f->b, TEMPLATE, template);
	f->c.template = asked;
	return compile(f);
}

static void templates_can_be_named(void)
{
	struct fixture f;

	tap_check(!compile_chat_of(&f, NULL, NULL) && !f.c.writer.has_chat);
	teardown(&f);
	tap_check(!compile_chat_of(&f, NULL, "gemma") && f.c.writer.has_chat);
	tap_check(!strcmp((char *)f.c.writer.chat.reply,
			  "<end_of_turn>\n<start_of_turn>model\n"));
	tap_check(f.c.writer.chat.flags == LLM_CHAT_TRIM);
	teardown(&f);
	tap_check(!compile_chat_of(&f, "{{ 1 }}", NULL) && f.c.writer.has_chat);
	tap_check(f.c.writer.chat.flags == LLM_CHAT_UNKNOWN && !f.c.writer.chat.name[0]);
	teardown(&f);
	tap_check(!compile_chat_of(&f, "<|im_start|>", "none") && !f.c.writer.has_chat);
	teardown(&f);
	tap_check(!compile_chat_of(&f, "{{ 1 }}", "llama3"));
	tap_check(!strcmp((char *)f.c.writer.chat.name, "llama3"));
	teardown(&f);
	tap_check(compile_chat_of(&f, "<|im_start|>", "nothing") == -EINVAL);
	tap_check(strstr(f.error.text, "'nothing'"));
	teardown(&f);
	setup(&f);
	gguf_builder_set_u32(f.b, TEMPLATE, 1);
	tap_check(compile(&f) == -EINVAL && strstr(f.error.text, TEMPLATE));
	teardown(&f);
}

static void images_carry_the_template(void)
{
	struct fixture f;
	struct llm_image_section *section;
	__u8 *image;
	__u64 size;
	__u32 i;

	if (tap_check(!compile_chat_of(&f, "<start_of_turn>", NULL))) {
		size = compile_size(&f.c);
		image = malloc(size);
		tap_check(!compile_write(&f.c, image, NULL, NULL, &f.error));
		section = (struct llm_image_section *)(image + sizeof(struct llm_image_header));
		for (i = 0; section[i].kind != LLM_SECTION_CHAT; i++)
			;
		tap_check(i < ((struct llm_image_header *)image)->sections);
		tap_check(section[i].length == sizeof(f.c.writer.chat));
		tap_check(!memcmp(image + section[i].offset, &f.c.writer.chat,
				  sizeof(f.c.writer.chat)));
		free(image);
	}
	teardown(&f);
}

int main(void)
{
	static const struct tap_test tests[] = {
		{ "tokens end a reply by their texts", finds_what_ends_a_reply },
		{ "tokens end a reply because a key says so", keys_name_what_ends_a_reply },
		{ "a template's tokens are control tokens", owns_its_tokens },
		{ "templates can be named", templates_can_be_named },
		{ "images carry the template", images_carry_the_template },
	};

	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
