// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <string.h>

#include "vocab.h"

#define MAX_STRINGS (64U << 20)
/* What SentencePiece writes for a space, U+2581. */
#define SPACE_MARK "\u2581"

/**
 * struct known_text - a text that says what a token is
 * @text: text
 * @key: only where the file has no such key, or NULL
 * @kind: enum llm_token_kind
 * @ends: whether it ends a reply
 */
struct known_text {
	const char *text;
	const char *key;
	__u8 kind;
	bool ends;
};

#define ENDS(text)		{ text, NULL, LLM_TOKEN_CONTROL, true }
#define FILLS(text, key)	{ text, "tokenizer.ggml.fim_" key "_token_id", \
				  LLM_TOKEN_CONTROL, false }
#define ENDS_FILL(text, key)	{ text, "tokenizer.ggml.fim_" key "_token_id", \
				  LLM_TOKEN_CONTROL, true }
#define IS_TEXT(text)		{ text, NULL, LLM_TOKEN_USER, false }

/* Those llama.cpp knows. */
static const struct known_text known_texts[] = {
	ENDS("<|eot_id|>"), ENDS("<|im_end|>"), ENDS("<|end|>"), ENDS("<|return|>"),
	ENDS("<|call|>"), ENDS("<|flush|>"), ENDS("<|calls|>"), ENDS("<end_of_turn>"),
	ENDS("<|endoftext|>"), ENDS("</s>"), ENDS("<|eom_id|>"), ENDS("<EOT>"), ENDS("_<EOT>"),
	ENDS("[EOT]"), ENDS("[EOS]"), ENDS("<|end_of_text|>"), ENDS("<end_of_utterance>"),
	ENDS("<eos>"), ENDS("<turn|>"), ENDS("<|tool_response>"), ENDS("[e~["),
	ENDS("<|ifm|im_end|>"),
	ENDS("<\uff5cend\u2581of\u2581sentence\uff5c>"),
	FILLS("<|fim_prefix|>", "pre"), FILLS("<fim-prefix>", "pre"),
	FILLS("<fim_prefix>", "pre"), FILLS("<\uff5cfim\u2581begin\uff5c>", "pre"),
	FILLS("<PRE>", "pre"), FILLS("\u2581<PRE>", "pre"), FILLS("<|code_prefix|>", "pre"),
	FILLS("<|fim_suffix|>", "suf"), FILLS("<fim-suffix>", "suf"),
	FILLS("<fim_suffix>", "suf"), FILLS("<\uff5cfim\u2581hole\uff5c>", "suf"),
	FILLS("<SUF>", "suf"), FILLS("\u2581<SUF>", "suf"), FILLS("<|code_suffix|>", "suf"),
	FILLS("<|fim_middle|>", "mid"), FILLS("<fim-middle>", "mid"),
	FILLS("<fim_middle>", "mid"), FILLS("<\uff5cfim\u2581end\uff5c>", "mid"),
	FILLS("<MID>", "mid"), FILLS("\u2581<MID>", "mid"), FILLS("<|code_middle|>", "mid"),
	ENDS_FILL("<|fim_pad|>", "pad"), ENDS_FILL("<fim-pad>", "pad"),
	ENDS_FILL("<fim_pad>", "pad"), ENDS_FILL("<PAD>", "pad"), ENDS_FILL("[PAD]", "pad"),
	ENDS_FILL("<|fim_repo|>", "rep"), ENDS_FILL("<|repo_name|>", "rep"),
	ENDS_FILL("<fim-repo>", "rep"), ENDS_FILL("<REPO>", "rep"), ENDS_FILL("<reponame>", "rep"),
	ENDS_FILL("<|file_sep|>", "sep"), ENDS_FILL("<|plamo:file_separator|>", "sep"),
	IS_TEXT("<|channel|>"), IS_TEXT("<|message|>"), IS_TEXT("<|start|>"),
	IS_TEXT("<|constrain|>"),
};

/* Keys of tokens that end a reply; those llama.cpp takes for it. */
static const char *const ending_keys[] = {
	"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
	"tokenizer.ggml.eom_token_id", "tokenizer.ggml.fim_pad_token_id",
	"tokenizer.ggml.fim_rep_token_id", "tokenizer.ggml.fim_sep_token_id",
};

static const struct gguf_key *find_array(struct compile *c, const char *name,
					 enum gguf_kind element, bool needed)
{
	const struct gguf_key *key = NULL;
	int found;

	if (c->code)
		return NULL;
	found = gguf_get_array(c->gguf, name, element, &key, c->error);
	if (found < 0)
		c->code = found;
	else if (!found && needed)
		compile_fail(c, EINVAL, "key '%s' is missing", name);
	return key;
}

void vocab_open(struct compile *c, struct vocab *vocab, bool needs_scores)
{
	vocab->tokens = find_array(c, "tokenizer.ggml.tokens", GGUF_STRING, true);
	vocab->scores = needs_scores ? find_array(c, "tokenizer.ggml.scores", GGUF_F32, true) :
				       NULL;
	vocab->types = find_array(c, "tokenizer.ggml.token_type", GGUF_I32, needs_scores);
	if (c->code)
		return;
	if (!vocab->tokens->count || vocab->tokens->count > COMPILE_MAX_VOCAB)
		compile_fail(c, EINVAL, "a vocabulary of %llu tokens; 1 to %u are supported",
			     vocab->tokens->count, COMPILE_MAX_VOCAB);
	else if ((vocab->scores && vocab->scores->count != vocab->tokens->count) ||
		 (vocab->types && vocab->types->count != vocab->tokens->count))
		compile_fail(c, EINVAL, "tokens, their scores and their types are not as many");
	vocab->count = vocab->tokens->count;
}

static bool is_text(const char *text, __u64 length, const char *string)
{
	return length == strlen(string) && !memcmp(text, string, length);
}

/* The value of a byte token's text, "<0xNN>", or -1. */
static int byte_value(const char *text, __u64 length)
{
	static const char digits[] = "0123456789ABCDEF";
	const char *high, *low;

	if (length != 6 || memcmp(text, "<0x", 3) || text[5] != '>' || !text[3] || !text[4])
		return -1;
	high = strchr(digits, text[3]);
	low = strchr(digits, text[4]);
	if (!high || !low)
		return -1;
	return (high - digits) * 16 + (low - digits);
}

static void apply_known(struct compile *c, struct llm_image_token *token, const char *text,
			__u64 length)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(known_texts); i++) {
		const struct known_text *known = &known_texts[i];

		if (!is_text(text, length, known->text))
			continue;
		if (known->key && gguf_key_find(c->gguf, known->key))
			continue;
		token->kind = known->kind;
		token->flags = known->ends ? LLM_TOKEN_ENDS : 0;
	}
}

struct llm_image_token vocab_kind(struct compile *c, const struct vocab *vocab, __u32 token,
				  const char *text, __u64 length)
{
	double type = vocab->types ? gguf_array_number(c->gguf, vocab->types, token) :
				     LLM_TOKEN_NORMAL;
	struct llm_image_token known = { .kind = LLM_TOKEN_NORMAL };

	if (type < 0 || type > LLM_TOKEN_BYTE) {
		compile_fail(c, EOPNOTSUPP, "token %u is of type %g, which is not known", token,
			     type);
		return known;
	}
	if (length > VOCAB_MAX_TEXT)
		compile_fail(c, EINVAL, "token %u is longer than %u bytes", token,
			     VOCAB_MAX_TEXT);
	if (type)
		known.kind = type;
	apply_known(c, &known, text, length);
	if (known.kind != LLM_TOKEN_BYTE)
		return known;
	known.rank = byte_value(text, length);
	if (known.rank < 0)
		compile_fail(c, EINVAL, "token %u is a byte, but its text is not <0xNN>", token);
	return known;
}

__u64 vocab_plain(char *to, const char *text, __u64 length)
{
	__u64 i = 0, used = 0;

	while (i < length) {
		if (length - i >= 3 && !memcmp(text + i, SPACE_MARK, 3)) {
			to[used++] = ' ';
			i += 3;
		} else {
			to[used++] = text[i++];
		}
	}
	return used;
}

void vocab_add(struct compile *c, const struct llm_image_token *token, const char *text,
	       __u64 length)
{
	if (c->code)
		return;
	image_add_token(&c->writer, token, text, token->kind == LLM_TOKEN_BYTE ? 0 : length);
	if (c->writer.strings.length > MAX_STRINGS)
		compile_fail(c, EINVAL, "the tokens' texts are longer than %u MiB",
			     MAX_STRINGS >> 20);
	if (c->writer.out_of_memory)
		compile_fail(c, ENOMEM, "not enough memory");
}

/* A token that a key names; where none does, @missing, if there is one. */
static __u32 token_id(struct compile *c, const char *name, __u32 missing)
{
	__u64 id = missing;
	__u32 count = c->writer.model.vocab_size;
	int found;

	if (c->code)
		return LLM_IMAGE_NONE;
	found = gguf_get_uint(c->gguf, name, &id, c->error);
	if (found < 0)
		c->code = found;
	else if (found && id >= count)
		compile_fail(c, EINVAL, "key '%s': there is no token %llu", name,
			     id);
	return c->code || id >= count ? LLM_IMAGE_NONE : id;
}

static void set_flag(struct compile *c, const char *name, __u32 missing, __u32 flag)
{
	bool value = missing & flag;
	int found;

	if (c->code)
		return;
	found = gguf_get_bool(c->gguf, name, &value, c->error);
	if (found < 0)
		c->code = found;
	else if (value)
		c->writer.tokenizer.flags |= flag;
}

static struct llm_image_token *find_text(struct compile *c, const char *text)
{
	__u32 i;

	for (i = 0; i < c->writer.model.vocab_size; i++) {
		struct llm_image_token *token = image_token(&c->writer, i);

		if (token->flags & LLM_TOKEN_ENDS &&
		    is_text((const char *)c->writer.strings.bytes + token->offset, token->length,
			    text))
			return token;
	}
	return NULL;
}

/* Where replies have parts, "<|end|>" ends but one of them; as llama.cpp has it. */
static void drop_false_ends(struct compile *c)
{
	struct llm_image_token *end = find_text(c, "<|end|>"), *s = find_text(c, "</s>");

	if (end && (find_text(c, "<|call|>") || find_text(c, "<|calls|>")) &&
	    (find_text(c, "<|return|>") || find_text(c, "<|flush|>"))) {
		end->kind = LLM_TOKEN_USER;
		end->flags = 0;
	}
	if (s && find_text(c, "<|tool_response>")) {
		s->kind = LLM_TOKEN_NORMAL;
		s->flags = 0;
	}
}

static void mark_ends(struct compile *c)
{
	const struct llm_image_tokenizer *tokenizer = &c->writer.tokenizer;
	__u32 id;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ending_keys); i++) {
		id = token_id(c, ending_keys[i], LLM_IMAGE_NONE);
		if (id != LLM_IMAGE_NONE)
			image_token(&c->writer, id)->flags |= LLM_TOKEN_ENDS;
	}
	if (tokenizer->eos != LLM_IMAGE_NONE)
		image_token(&c->writer, tokenizer->eos)->flags |= LLM_TOKEN_ENDS;
	drop_false_ends(c);
}

/*
 * Phi 3's tokens with a role swallow the space behind them, which no key says: as
 * llama.cpp, by the name of the model.
 */
static void mark_strips(struct compile *c)
{
	static const char *const exceptions[] = { "<unk>", "<s>", "<|endoftext|>" };
	const char *name, *strings = (const char *)c->writer.strings.bytes;
	char lower[64] = "";
	__u64 length;
	__u32 i, j;
	bool strips;

	if (gguf_get_string(c->gguf, "general.name", &name, &length, NULL) != 1)
		return;
	for (i = 0; i < length && i < sizeof(lower) - 1; i++)
		lower[i] = name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i];
	if (!strstr(lower, "phi-3") && !strstr(lower, "phi3"))
		return;
	for (i = 0; i < c->writer.model.vocab_size; i++) {
		struct llm_image_token *token = image_token(&c->writer, i);

		strips = token->kind == LLM_TOKEN_CONTROL || token->kind == LLM_TOKEN_USER ||
			 token->kind == LLM_TOKEN_UNKNOWN;
		for (j = 0; j < ARRAY_SIZE(exceptions); j++)
			strips = strips && !is_text(strings + token->offset, token->length,
						    exceptions[j]);
		if (strips)
			token->flags |= LLM_TOKEN_STRIPS;
	}
}

void vocab_add_all(struct compile *c, __u64 (*read)(char *to, const char *text, __u64 length))
{
	char read_text[VOCAB_MAX_TEXT];
	struct vocab vocab = { 0 };
	struct llm_image_token token;
	__u64 cursor, length;
	__u32 i;

	vocab_open(c, &vocab, false);
	cursor = c->code ? 0 : vocab.tokens->offset;
	for (i = 0; i < vocab.count && !c->code; i++) {
		const char *text = gguf_array_string(c->gguf, &cursor, &length);

		token = vocab_kind(c, &vocab, i, text, length);
		if (c->code)
			break;
		if (token.kind == LLM_TOKEN_NORMAL) {
			length = read(read_text, text, length);
			text = read_text;
		}
		vocab_add(c, &token, text, length);
	}
}

void vocab_finish(struct compile *c, __u32 kind, const struct vocab_defaults *defaults)
{
	struct llm_image_tokenizer *tokenizer = &c->writer.tokenizer;

	if (c->code)
		return;
	c->writer.model.vocab_size = c->writer.vocab.length / sizeof(struct llm_image_token);
	tokenizer->kind = kind;
	tokenizer->unknown = token_id(c, "tokenizer.ggml.unknown_token_id", defaults->unknown);
	tokenizer->bos = token_id(c, "tokenizer.ggml.bos_token_id", defaults->bos);
	tokenizer->eos = token_id(c, defaults->eos_key, defaults->eos);
	set_flag(c, "tokenizer.ggml.add_bos_token", defaults->flags, LLM_TOKENIZER_ADD_BOS);
	set_flag(c, "tokenizer.ggml.add_eos_token", defaults->flags, LLM_TOKENIZER_ADD_EOS);
	set_flag(c, "tokenizer.ggml.add_sep_token", defaults->flags, LLM_TOKENIZER_ADD_SEP);
	/* Others do not look at it. */
	if (kind == LLM_TOKENIZER_SPM || kind == LLM_TOKENIZER_UNIGRAM)
		set_flag(c, "tokenizer.ggml.add_space_prefix", defaults->flags,
			 LLM_TOKENIZER_SPACE_PREFIX);
	if (kind == LLM_TOKENIZER_UNIGRAM)
		set_flag(c, "tokenizer.ggml.remove_extra_whitespaces", defaults->flags,
			 LLM_TOKENIZER_MERGE_SPACES);
	if (tokenizer->bos == LLM_IMAGE_NONE)
		tokenizer->flags &= ~LLM_TOKENIZER_ADD_BOS;
	if (tokenizer->eos == LLM_IMAGE_NONE)
		tokenizer->flags &= ~(LLM_TOKENIZER_ADD_EOS | LLM_TOKENIZER_ADD_SEP);
	if (!c->code) {
		mark_ends(c);
		mark_strips(c);
	}
}
