// SPDX-License-Identifier: GPL-2.0
/* Byte-level BPE, WordPiece and RWKV's tokenizer, with vocabularies made here. */
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "folder.h"
#include "gguf_builder.h"
#include "splitter.h"
#include "tap.h"
#include "tokenizer.h"
#include "vocab_builder.h"

#define ROOM	8192
#define END	VOCAB_BUILDER_END
#define gives(f, text, ...) \
	tap_check(vocab_builder_gives((f)->tokenizer, text, 0, __VA_ARGS__))
#define MERGES	256

/* A vocabulary whose tables the library made. */
struct fixture {
	struct vocab_builder *vocab;
	struct llm_image_merge merges[MERGES];
	struct llm_tokenizer *tokenizer;
};

static void setup(struct fixture *f, u32 kind)
{
	const char *const expressions[] = { "[^ ]+", NULL };
	const struct folder_options options = { .lowercase = true, .strip_accents = true };
	struct llm_image *image;
	size_t length = 0;
	void *bytes = NULL;

	f->vocab = vocab_builder_new(0);
	f->tokenizer = NULL;
	image = &f->vocab->image;
	image->tokenizer.kind = kind;
	image->merges = f->merges;
	if (kind == LLM_TOKENIZER_BPE && splitter_build(&bytes, &length, "test", expressions, 1))
		abort();
	image->split = bytes;
	image->split_length = length;
	bytes = NULL;
	length = 0;
	if (kind == LLM_TOKENIZER_WORDPIECE && folder_build(&bytes, &length, &options))
		abort();
	image->fold = bytes;
	image->fold_length = length;
}

static u32 add(struct fixture *f, const char *text)
{
	return vocab_builder_add(f->vocab, LLM_TOKEN_NORMAL, 0, text);
}

static void add_merge(struct fixture *f, u32 left, u32 right, u32 result)
{
	u32 *count = &f->vocab->image.merge_count;

	if (*count == MERGES)
		abort();
	f->merges[(*count)++] = (struct llm_image_merge) { left, right, result };
}

static void create(struct fixture *f)
{
	f->tokenizer = vocab_builder_tokenizer(f->vocab);
}

static void teardown(struct fixture *f)
{
	llm_tokenizer_destroy(f->tokenizer);
	free(f->vocab->image.split);
	free(f->vocab->image.fold);
	free(f->vocab);
}

static void the_first_merges_go_first(void)
{
	struct fixture f;
	u32 a, b, c, ab, bc, abc;

	setup(&f, LLM_TOKENIZER_BPE);
	a = add(&f, "a");
	b = add(&f, "b");
	c = add(&f, "c");
	ab = add(&f, "ab");
	bc = add(&f, "bc");
	abc = add(&f, "abc");
	add_merge(&f, b, c, bc);
	add_merge(&f, a, b, ab);
	add_merge(&f, a, bc, abc);
	/* A later merge of the same pair does not count. */
	add_merge(&f, a, b, abc);
	create(&f);
	gives(&f, "abc", abc, END);
	gives(&f, "abab", ab, ab, END);
	gives(&f, "cab", c, ab, END);
	gives(&f, "aabc", a, abc, END);
	teardown(&f);
}

static void pieces_are_merged_each_for_itself(void)
{
	struct fixture f;
	u32 a, space, aa, spaces;

	setup(&f, LLM_TOKENIZER_BPE);
	a = add(&f, "a");
	space = add(&f, " ");
	aa = add(&f, "aa");
	spaces = add(&f, "a ");
	add_merge(&f, a, space, spaces);
	add_merge(&f, a, a, aa);
	create(&f);
	gives(&f, "aa aaa", aa, space, aa, a, END);
	teardown(&f);
}

static void whole_pieces_are_not_merged(void)
{
	struct fixture f;
	u32 a, aa, aaa;

	setup(&f, LLM_TOKENIZER_BPE);
	a = add(&f, "a");
	aa = add(&f, "aa");
	aaa = add(&f, "aaa");
	add_merge(&f, a, a, aa);
	create(&f);
	gives(&f, "aaa", aa, a, END);
	llm_tokenizer_destroy(f.tokenizer);
	f.vocab->image.tokenizer.flags |= LLM_TOKENIZER_WHOLE_PIECES;
	create(&f);
	gives(&f, "aaa", aaa, END);
	gives(&f, "aaaa", aa, aa, END);
	teardown(&f);
}

static void what_has_no_token_is_nothing_or_bytes(void)
{
	struct fixture f;
	u32 a, b, abc, none;

	setup(&f, LLM_TOKENIZER_BPE);
	a = add(&f, "a");
	b = add(&f, "b");
	abc = add(&f, "abc");
	none = f.vocab->image.model.vocab_size;
	/* "ab" is no token, and "c" neither. */
	add_merge(&f, a, b, none + 256);
	add_merge(&f, none + 256, none + 'c', abc);
	create(&f);
	gives(&f, "ab", a, b, END);
	gives(&f, "abc", abc, END);
	gives(&f, "ac\303\251b", a, b, END);
	teardown(&f);
}

static void what_is_not_utf_8_is_replaced(void)
{
	struct fixture f;
	u32 a, first, second, third;

	setup(&f, LLM_TOKENIZER_BPE);
	a = add(&f, "a");
	first = add(&f, "\357");
	second = add(&f, "\277");
	third = add(&f, "\275");
	create(&f);
	gives(&f, "a\377a", a, first, second, third, a, END);
	/* Cut off; longer than need be; too large. */
	gives(&f, "\342\202", first, second, third, first, second, third, END);
	gives(&f, "\300\200", first, second, third, first, second, third, END);
	gives(&f, "\364\220\200\200", first, second, third, first, second, third, first, second,
	      third, first, second, third, END);
	/* Surrogates and U+FFFD itself are as they are. */
	gives(&f, "\357\277\275", first, second, third, END);
	teardown(&f);
}

/* The definition: the leftmost of those pairs whose merge comes first, again and again. */
static u32 naive_merge(const struct fixture *f, u32 *symbols, u32 count)
{
	for (;;) {
		u32 best = MERGES, place = 0;

		for (u32 i = 0; i + 1 < count; i++) {
			for (u32 j = 0; j < best && j < f->vocab->image.merge_count; j++) {
				if (f->merges[j].left == symbols[i] &&
				    f->merges[j].right == symbols[i + 1]) {
					best = j;
					place = i;
				}
			}
		}
		if (best == MERGES)
			return count;
		symbols[place] = f->merges[best].result;
		count--;
		memmove(&symbols[place + 1], &symbols[place + 2],
			(count - place - 1) * sizeof(*symbols));
	}
}

static u64 next_random(u64 *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

static void add_random_merges(struct fixture *f, u64 *random)
{
	char text[1024];

	for (u32 i = 0; i < 60; i++) {
		u32 left = next_random(random) % f->vocab->image.model.vocab_size;
		u32 right = next_random(random) % f->vocab->image.model.vocab_size;
		const struct llm_image_token *l = &f->vocab->vocab[left];
		const struct llm_image_token *r = &f->vocab->vocab[right];

		if (l->length + r->length > 40)
			continue;
		memcpy(text, f->vocab->strings + l->offset, l->length);
		memcpy(text + l->length, f->vocab->strings + r->offset, r->length);
		text[l->length + r->length] = 0;
		add_merge(f, left, right, add(f, text));
	}
}

static void merging_agrees_with_its_definition(void)
{
	u32 tokens[ROOM], wanted[ROOM];
	u64 random = 5;
	char text[200];
	u32 count;

	for (u32 round = 0; round < 100; round++) {
		struct fixture f;

		setup(&f, LLM_TOKENIZER_BPE);
		add(&f, "a");
		add(&f, "b");
		add(&f, "c");
		add_random_merges(&f, &random);
		create(&f);
		for (u32 i = 0; i < 20; i++) {
			/* Short pieces and long ones. */
			u32 length = 1 + next_random(&random) % (i % 2 ? 40 : sizeof(text) - 1);

			for (u32 j = 0; j < length; j++) {
				wanted[j] = next_random(&random) % 3;
				text[j] = 'a' + wanted[j];
			}
			tap_check(!llm_tokenize(f.tokenizer, (u8 *)text, length, 0, tokens, ROOM,
						&count));
			tap_check(count == naive_merge(&f, wanted, length));
			tap_check(!memcmp(tokens, wanted, count * sizeof(u32)));
		}
		teardown(&f);
	}
}

static void a_long_piece_takes_little_time(void)
{
	const u32 length = 1 << 20;
	u32 *tokens = malloc(length * sizeof(*tokens));
	u8 *text = malloc(length);
	char letters[1025];
	struct fixture f;
	u32 a, last, count;

	memset(text, 'a', length);
	memset(letters, 'a', sizeof(letters));
	setup(&f, LLM_TOKENIZER_BPE);
	a = add(&f, "a");
	last = a;
	for (u32 size = 2; size <= 1024; size *= 2) {
		letters[size] = 0;
		add_merge(&f, last, last, add(&f, letters));
		letters[size] = 'a';
		last = f.merges[f.vocab->image.merge_count - 1].result;
	}
	create(&f);
	tap_check(!llm_tokenize(f.tokenizer, text, length, 0, tokens, length, &count));
	tap_check(count == 1024 && tokens[0] == a + 10 && tokens[1023] == a + 10);
	teardown(&f);
	free(tokens);
	free(text);
}

static void words_are_folded_and_cut(void)
{
	struct fixture f;
	u32 unknown, un, aff, able, e, han, dot, mark;

	setup(&f, LLM_TOKENIZER_WORDPIECE);
	unknown = vocab_builder_add(f.vocab, LLM_TOKEN_UNKNOWN, 0, "[UNK]");
	f.vocab->image.tokenizer.unknown = unknown;
	un = add(&f, " un");
	aff = add(&f, "aff");
	able = add(&f, "able");
	e = add(&f, " e");
	han = add(&f, " \u4e2d");
	dot = add(&f, " .");
	mark = add(&f, " ");
	create(&f);
	gives(&f, "Un-AFF", un, unknown, mark, aff, END);
	gives(&f, "UNAFFable", un, aff, able, END);
	gives(&f, "\u00c9 e\u0301", e, e, END);
	gives(&f, "e\u4e2d\u4e2d.e", e, han, han, dot, e, END);
	gives(&f, "  e \n\t e  ", e, e, END);
	gives(&f, "e\001\377\u200be", unknown, END);
	gives(&f, "e\001", e, END);
	/* What has been found of a word that is unknown after all is taken back. */
	gives(&f, "unaffx e", unknown, e, END);
	gives(&f, " ", END);
	gives(&f, "\u2581un", mark, un, END);
	teardown(&f);
}

static void the_longest_token_goes_first(void)
{
	struct llm_error error = { "" };
	struct fixture f;
	u32 a, ab, abcd;

	setup(&f, LLM_TOKENIZER_GREEDY);
	a = add(&f, "a");
	ab = add(&f, "ab");
	abcd = add(&f, "abcd");
	f.vocab->image.tokenizer.unknown = a;
	create(&f);
	gives(&f, "abcdab", abcd, ab, END);
	gives(&f, "abca", ab, a, a, END);
	llm_tokenizer_destroy(f.tokenizer);
	f.tokenizer = NULL;
	f.vocab->image.tokenizer.unknown = LLM_IMAGE_NONE;
	tap_check(llm_tokenizer_create(&f.tokenizer, &f.vocab->image, &error) == -EINVAL);
	tap_check(strstr(error.text, "no token for byte"));
	f.tokenizer = NULL;
	teardown(&f);
}

/* A vocabulary as a file has it. */
struct file {
	struct gguf_builder *b;
	__u8 *bytes;
	struct compile c;
	struct llm_image image;
	struct llmctl_error error;
};

static void put_strings(struct gguf_builder *b, const char *key, const char *const *texts)
{
	__u8 bytes[4096];
	size_t used = 0;
	__u64 count = 0;

	for (; texts[count]; count++) {
		__u64 length = strlen(texts[count]);

		memcpy(bytes + used, &length, sizeof(length));
		memcpy(bytes + used + sizeof(length), texts[count], length);
		used += sizeof(length) + length;
	}
	gguf_builder_set_array(b, key, BUILD_STRING, count, bytes, used);
}

static void compile_file(struct file *f, struct fixture *to, const char *model,
			 const char *const *tokens, const char *const *merges)
{
	struct llm_error error = { "" };
	size_t size;

	memset(f, 0, sizeof(*f));
	f->b = gguf_builder_llama();
	gguf_builder_set_string(f->b, "tokenizer.ggml.model", model);
	gguf_builder_drop_key(f->b, "tokenizer.ggml.token_type");
	put_strings(f->b, "tokenizer.ggml.tokens", tokens);
	if (merges)
		put_strings(f->b, "tokenizer.ggml.merges", merges);
	gguf_builder_set_string(f->b, "tokenizer.ggml.pre", "gpt-2");
	gguf_builder_set_u32(f->b, "tokenizer.ggml.unknown_token_id", 0);
	f->bytes = gguf_builder_write(f->b, &size);
	if (gguf_open_memory(&f->c.gguf, f->bytes, size, "file", &f->error))
		abort();
	f->c.error = &f->error;
	compile_vocab(&f->c);
	if (!tap_check(!f->c.code)) {
		printf("# %s\n", f->error.text);
		abort();
	}
	f->image = (struct llm_image) {
		.model = f->c.writer.model,
		.tokenizer = f->c.writer.tokenizer,
		.vocab = (struct llm_image_token *)f->c.writer.vocab.bytes,
		.strings = f->c.writer.strings.bytes,
		.strings_length = f->c.writer.strings.length,
		.merges = (struct llm_image_merge *)f->c.writer.merges.bytes,
		.merge_count = f->c.writer.merges.length / sizeof(struct llm_image_merge),
		.split = f->c.writer.split.bytes,
		.split_length = f->c.writer.split.length,
		.fold = f->c.writer.fold.bytes,
		.fold_length = f->c.writer.fold.length,
	};
	tap_check(!llm_tokenizer_verify(&f->image, &error));
	if (!tap_check(!llm_tokenizer_create(&to->tokenizer, &f->image, &error)))
		abort();
}

static void close_file(struct file *f, struct fixture *to)
{
	llm_tokenizer_destroy(to->tokenizer);
	compile_destroy(&f->c);
	gguf_close(f->c.gguf);
	free(f->bytes);
	free(f->b);
}

static bool has_text(const struct fixture *f, u32 token, const char *text)
{
	u32 length;
	const u8 *bytes = llm_token_text(f->tokenizer, token, 0, &length);

	return length == strlen(text) && !memcmp(bytes, text, length);
}

static void files_with_bytes_are_compiled(void)
{
	/* What GPT-2 writes for space, line break and the bytes of "\u00e9". */
	static const char *const tokens[] = {
		"?", "a", "b", "\u0120", "\u010a", "\u00c3", "\u00a9", "ab", "\u0120ab",
		"\u00c3\u00a9", "\u4e2d", "abb", NULL,
	};
	/* "bb" is no token, the last has no space. */
	static const char *const merges[] = {
		"a b", "\u0120 ab", "\u00c3 \u00a9", "b b", "a bb", "ab", NULL,
	};
	struct fixture f;
	struct file file;

	compile_file(&file, &f, "gpt2", tokens, merges);
	gives(&f, "ab ab\n", 7, 8, 4, END);
	gives(&f, "\u00e9", 9, END);
	gives(&f, "bb", 2, 2, END);
	gives(&f, "abb", 7, 2, END);
	gives(&f, "bbabb", 2, 2, 7, 2, END);
	tap_check(has_text(&f, 8, " ab") && has_text(&f, 9, "\u00e9") && has_text(&f, 4, "\n"));
	/* It is for no bytes, so nothing becomes it. */
	gives(&f, "\u4e2d", END);
	tap_check(!strcmp((char *)((struct llm_image_split *)file.image.split)->name, "gpt-2"));
	close_file(&file, &f);
}

static void files_with_words_are_compiled(void)
{
	static const char *const tokens[] = { "[UNK]", "\u2581a", "b", NULL };
	struct fixture f;
	struct file file;

	compile_file(&file, &f, "bert", tokens, NULL);
	gives(&f, "AB b", 1, 2, 0, END);
	tap_check(has_text(&f, 1, " a") && has_text(&f, 2, "b"));
	close_file(&file, &f);
}

static void files_with_escapes_are_compiled(void)
{
	static const char *const tokens[] = {
		"?", "\\x00", "\\n\\t", "\\xe9", "\\\\", "a\\", "\\x4", NULL,
	};
	struct fixture f;
	struct file file;

	compile_file(&file, &f, "rwkv", tokens, NULL);
	gives(&f, "\n\t\351\\a\\x4", 2, 3, 4, 5, 6, END);
	tap_check(has_text(&f, 3, "\351") && has_text(&f, 6, "x4"));
	close_file(&file, &f);
}

static void refused(struct fixture *f, const char *reason)
{
	struct llm_error error = { "" };

	tap_check(llm_tokenizer_verify(&f->vocab->image, &error));
	if (!tap_check(strstr(error.text, reason)))
		printf("# '%s', not '%s'\n", error.text, reason);
}

static void kinds_have_their_sections(void)
{
	struct fixture bpe, wordpiece, greedy;
	u32 *entry;

	setup(&bpe, LLM_TOKENIZER_BPE);
	setup(&wordpiece, LLM_TOKENIZER_WORDPIECE);
	setup(&greedy, LLM_TOKENIZER_GREEDY);
	add(&wordpiece, "a");
	refused(&wordpiece, "kind 3 needs an unknown token");
	wordpiece.vocab->image.tokenizer.unknown = 0;
	create(&wordpiece);
	bpe.vocab->image.fold_length = 1;
	refused(&bpe, "kind 2 does not use section fold");
	bpe.vocab->image.fold_length = 0;
	bpe.vocab->image.tokenizer.flags = LLM_TOKENIZER_SPACE_PREFIX;
	refused(&bpe, "flags 0x4 are not known for kind 2");
	bpe.vocab->image.tokenizer.flags = 0;
	bpe.vocab->image.split_length--;
	refused(&bpe, "needs");
	bpe.vocab->image.split_length = 0;
	refused(&bpe, "kind 2 needs section split");
	greedy.vocab->image.merge_count = 1;
	refused(&greedy, "kind 4 does not use section merges");
	entry = (u32 *)(wordpiece.vocab->image.fold + wordpiece.vocab->image.fold_length) - 1;
	*entry = LLM_FOLD_ALONE << 1;
	refused(&wordpiece, "flags 0x8000000 of code point");
	*entry = 0x800000;
	refused(&wordpiece, "which is none");
	((struct llm_image_fold *)wordpiece.vocab->image.fold)->reserved[2] = 1;
	refused(&wordpiece, "fold: reserved");
	((struct llm_image_fold *)wordpiece.vocab->image.fold)->reserved[2] = 0;
	((u16 *)(wordpiece.vocab->image.fold + sizeof(struct llm_image_fold)))[9] = 8704;
	refused(&wordpiece, "no page 8704");
	((struct llm_image_fold *)wordpiece.vocab->image.fold)->pages++;
	refused(&wordpiece, "needs");
	((struct llm_image_fold *)wordpiece.vocab->image.fold)->pages = 0;
	refused(&wordpiece, "0 pages");
	wordpiece.vocab->image.fold_length = 15;
	refused(&wordpiece, "too few");
	teardown(&bpe);
	teardown(&wordpiece);
	teardown(&greedy);
}

static const struct tap_test tests[] = {
	{ "the merges that come first go first", the_first_merges_go_first },
	{ "pieces are merged each for itself", pieces_are_merged_each_for_itself },
	{ "a piece that is a token is not merged", whole_pieces_are_not_merged },
	{ "what has no token is nothing, or its bytes", what_has_no_token_is_nothing_or_bytes },
	{ "what is not UTF-8 is replaced", what_is_not_utf_8_is_replaced },
	{ "merging agrees with its definition", merging_agrees_with_its_definition },
	{ "a piece of 1 MiB is merged", a_long_piece_takes_little_time },
	{ "words are folded and cut into the longest tokens", words_are_folded_and_cut },
	{ "without words, the longest token goes first", the_longest_token_goes_first },
	{ "files with characters for bytes are compiled", files_with_bytes_are_compiled },
	{ "files with pieces of words are compiled", files_with_words_are_compiled },
	{ "files with escapes are compiled", files_with_escapes_are_compiled },
	{ "kinds of tokenizers have the sections they need", kinds_have_their_sections },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
