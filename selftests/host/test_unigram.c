// SPDX-License-Identifier: GPL-2.0
/* SentencePiece's unigram tokenizer, with vocabularies made here and files compiled. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "gguf_builder.h"
#include "tap.h"
#include "tokenizer.h"
#include "vocab_builder.h"

#define ROOM	4096
#define END	VOCAB_BUILDER_END
#define gives(tokenizer, ...)	tap_check(vocab_builder_gives(tokenizer, __VA_ARGS__))
#define REPLACEMENTS 16

/**
 * struct fixture - a vocabulary of which token 0 is the unknown, at -100
 * @vocab: tokens
 * @replacements: replacements
 * @tokenizer: made of these
 */
struct fixture {
	struct vocab_builder *vocab;
	struct llm_image_replacement replacements[REPLACEMENTS];
	struct llm_tokenizer *tokenizer;
};

static void setup(struct fixture *f, u32 flags)
{
	struct llm_image *image;

	memset(f, 0, sizeof(*f));
	f->vocab = vocab_builder_new(flags);
	image = &f->vocab->image;
	image->tokenizer.kind = LLM_TOKENIZER_UNIGRAM;
	image->tokenizer.unknown = vocab_builder_add(f->vocab, LLM_TOKEN_UNKNOWN, -100, "<unk>");
	image->replacements = f->replacements;
}

static u32 add(struct fixture *f, const char *text, s32 score)
{
	return vocab_builder_add(f->vocab, LLM_TOKEN_NORMAL, score, text);
}

static void replace(struct fixture *f, const char *from, const char *to)
{
	struct llm_image *image = &f->vocab->image;
	u32 at = image->strings_length;

	/* An unused token's text is as good a place as any. */
	vocab_builder_add(f->vocab, LLM_TOKEN_CONTROL, 0, from);
	vocab_builder_add(f->vocab, LLM_TOKEN_CONTROL, 0, to);
	f->replacements[image->replacement_count++] = (struct llm_image_replacement) {
		.from = at, .from_length = strlen(from),
		.to = at + strlen(from), .to_length = strlen(to),
	};
}

static void create(struct fixture *f)
{
	llm_tokenizer_destroy(f->tokenizer);
	f->tokenizer = vocab_builder_tokenizer(f->vocab);
}

static void teardown(struct fixture *f)
{
	llm_tokenizer_destroy(f->tokenizer);
	free(f->vocab);
}

static void the_highest_sum_wins(void)
{
	struct fixture f;
	u32 a, ab, abc, bc, c;

	setup(&f, 0);
	a = add(&f, "a", -10);
	add(&f, "b", -11);
	c = add(&f, "c", -10);
	ab = add(&f, "ab", -15);
	bc = add(&f, "bc", -16);
	create(&f);
	gives(f.tokenizer, "ab", 0, ab, END);
	gives(f.tokenizer, "abc", 0, ab, c, END);
	gives(f.tokenizer, "abcc", 0, ab, c, c, END);
	/* Not greedy: what is longest first costs more in the end. */
	f.vocab->vocab[bc].rank = -14;
	create(&f);
	gives(f.tokenizer, "abc", 0, a, bc, END);
	/* As high a sum, found later, does not win. */
	f.vocab->vocab[bc].rank = -15;
	create(&f);
	gives(f.tokenizer, "abc", 0, a, bc, END);
	abc = add(&f, "abc", -25);
	create(&f);
	gives(f.tokenizer, "abc", 0, abc, END);
	gives(f.tokenizer, "", 0, END);
	teardown(&f);
}

static void unknown_characters_in_a_row_are_one_token(void)
{
	struct fixture f;
	u32 a, ea;

	setup(&f, 0);
	a = add(&f, "a", -10);
	ea = add(&f, "\u00e9a", -10);
	vocab_builder_add(f.vocab, LLM_TOKEN_BYTE, 'x', "<0x78>");
	create(&f);
	gives(f.tokenizer, "axa", 0, a, 0, a, END);
	gives(f.tokenizer, "xyz\u4e2da", 0, 0, a, END);
	/* The first byte of a token is not a character. */
	gives(f.tokenizer, "\u00e9\u00e9a", 0, 0, ea, END);
	gives(f.tokenizer, "\u00e9", 0, 0, END);
	/* What is not UTF-8 is U+FFFD, byte for byte. */
	gives(f.tokenizer, "\xff\xfe\xe2\202a", 0, 0, a, END);
	teardown(&f);
	setup(&f, 0);
	a = add(&f, "\ufffd", -10);
	create(&f);
	gives(f.tokenizer, "\xff\xe2\x82\xac\xe2\x82", 0, a, 0, a, a, END);
	teardown(&f);
}

static void unused_tokens_are_found_and_users_come_first(void)
{
	struct fixture f;
	u32 a, unused, user;

	setup(&f, 0);
	a = add(&f, "a", -10);
	unused = vocab_builder_add(f.vocab, LLM_TOKEN_UNUSED, -5, "aa");
	user = vocab_builder_add(f.vocab, LLM_TOKEN_USER, 0, "aaa");
	create(&f);
	gives(f.tokenizer, "aa", 0, unused, END);
	gives(f.tokenizer, "aaaaa", 0, user, unused, END);
	gives(f.tokenizer, "aaaa", 0, user, a, END);
	teardown(&f);
}

static void spaces_are_merged_or_kept(void)
{
	struct fixture f;
	u32 space, a, sa;

	setup(&f, LLM_TOKENIZER_MERGE_SPACES);
	space = add(&f, " ", -10);
	a = add(&f, "a", -10);
	sa = add(&f, " a", -10);
	create(&f);
	gives(f.tokenizer, "a", 0, sa, END);
	gives(f.tokenizer, "  a   aa ", 0, sa, sa, a, END);
	gives(f.tokenizer, "   ", 0, END);
	/* U+2581 is a space for tokens, but not between words. */
	gives(f.tokenizer, "a\u2581\u2581", 0, sa, space, space, END);
	f.vocab->image.tokenizer.flags = 0;
	create(&f);
	gives(f.tokenizer, "a  a ", 0, a, space, sa, space, END);
	f.vocab->image.tokenizer.flags = LLM_TOKENIZER_SPACE_PREFIX;
	create(&f);
	gives(f.tokenizer, "a a", LLM_TEXT_BEGIN, sa, sa, END);
	gives(f.tokenizer, " a", LLM_TEXT_BEGIN, space, sa, END);
	gives(f.tokenizer, "a a", 0, a, sa, END);
	teardown(&f);
}

static void the_longest_replacement_is_read(void)
{
	struct fixture f;
	u32 a, b, ab, sa;

	setup(&f, LLM_TOKENIZER_MERGE_SPACES);
	a = add(&f, "a", -10);
	b = add(&f, "b", -10);
	ab = add(&f, "ab", -30);
	sa = add(&f, " a", -10);
	replace(&f, "\uff41", "a");
	replace(&f, "\n", " ");
	replace(&f, "\u00ad", "");
	replace(&f, "x", "a");
	replace(&f, "xy", "bbb");
	replace(&f, "\u2026", "a b a");
	create(&f);
	gives(f.tokenizer, "\uff41\uff41\n\u00ada\u00ad", 0, sa, a, sa, END);
	gives(f.tokenizer, "axxyxz", 0, sa, a, b, b, b, a, 0, END);
	/* What was replaced is not replaced again, but for tokens it is as any text. */
	gives(f.tokenizer, "\u2026b", 0, sa, 0, b, sa, b, END);
	f.vocab->vocab[ab].rank = -1;
	create(&f);
	gives(f.tokenizer, "axb", 0, sa, ab, END);
	teardown(&f);
}

/* All ways to cut a text, the first of the best, as the definition says. */
static s64 best_sum(const struct fixture *f, const char *text, u32 length)
{
	s64 best = S64_MIN, sum;
	u32 i, n;

	if (!length)
		return 0;
	for (i = 1; i < f->vocab->image.model.vocab_size; i++) {
		n = f->vocab->vocab[i].length;
		if (n > length || memcmp(text, f->vocab->strings + f->vocab->vocab[i].offset, n))
			continue;
		sum = f->vocab->vocab[i].rank + best_sum(f, text + n, length - n);
		best = max(best, sum);
	}
	return best;
}

static void it_agrees_with_its_definition(void)
{
	u32 state = 1, tokens[16];
	struct fixture f;
	char text[13];
	u32 count, i, j;

	setup(&f, 0);
	for (i = 1; i < 4; i++)
		for (j = 0; j < 1U << i; j++) {
			snprintf(text, i + 1, "%c%c%c", 'a' + (j & 1), 'a' + (j >> 1 & 1),
				 'a' + (j >> 2));
			state = state * 1103515245 + 12345;
			add(&f, text, -(s32)(10 * i + (state >> 16) % 17));
		}
	create(&f);
	for (i = 0; i < 1U << 12; i++) {
		s64 sum = 0;

		for (j = 0; j < 12; j++)
			text[j] = 'a' + (i >> j & 1);
		tap_check(!llm_tokenize(f.tokenizer, (u8 *)text, 12, 0, tokens, 16, &count));
		for (j = 0; j < count; j++)
			sum += f.vocab->vocab[tokens[j]].rank;
		if (!tap_check(sum == best_sum(&f, text, 12)))
			break;
	}
	teardown(&f);
}

#define LONG 20000

/* Whether a token stands there; the unknown one does for x, which no other has. */
static bool stands(const struct fixture *f, u32 token, const char *text, u32 length)
{
	const struct llm_image_token *t = &f->vocab->vocab[token];

	if (!token)
		return length == 1 && *text == 'x';
	return t->length == length && !memcmp(text, f->vocab->strings + t->offset, length);
}

/* The same by Viterbi's algorithm as it is written down: a column for the whole text. */
static u32 plain_tokens(const struct fixture *f, const char *text, u32 length, u32 *tokens)
{
	static u32 last[LONG + 1];
	static s64 sums[LONG + 1];
	u32 count = 0;

	for (u32 at = 1; at <= length; at++) {
		sums[at] = S64_MIN;
		for (u32 from = at < 16 ? 0 : at - 16; from < at; from++) {
			for (u32 i = 0; i < f->vocab->image.model.vocab_size; i++) {
				s64 sum = sums[from] + f->vocab->vocab[i].rank;

				if (sum <= sums[at] || !stands(f, i, text + from, at - from))
					continue;
				sums[at] = sum;
				last[at] = i;
			}
		}
	}
	for (u32 at = length; at > 0; at -= last[at] ? f->vocab->vocab[last[at]].length : 1)
		if (last[at] || !count || tokens[count - 1])
			tokens[count++] = last[at];
	for (u32 i = 0; i < count / 2; i++) {
		u32 token = tokens[i];

		tokens[i] = tokens[count - 1 - i];
		tokens[count - 1 - i] = token;
	}
	return count;
}

/* Of long words, of one that is the whole text, and of what all places of are cuts. */
static void long_texts_have_no_seams(void)
{
	static u32 tokens[LONG], wanted[LONG];
	static char text[LONG];
	static const char *const letters[] = { "a", "aaaaaaaaab ", "ab", "abx ", "x", "ax", " " };
	struct fixture f;
	u32 state = 1, count;

	setup(&f, 0);
	for (u32 i = 0; i < 30; i++) {
		char piece[17] = "";

		state = state * 1103515245 + 12345;
		/* Words of up to 16 letters, half of them behind a space. */
		for (u32 j = 0; j <= (i < 3 ? 0 : i % 16); j++) {
			state = state * 1103515245 + 12345;
			piece[j] = i == 2 ? ' ' : !j && i % 2 && i > 2 ? ' ' :
				   i == 1 ? 'b' : i && state >> 16 & 1 && i % 3 ? 'b' : 'a';
		}
		add(&f, piece, -(s32)(10 * strlen(piece) + (state >> 16) % 11));
	}
	create(&f);
	for (u32 round = 0; round < ARRAY_SIZE(letters); round++) {
		for (u32 i = 0; i < LONG; i++) {
			state = state * 1103515245 + 12345;
			text[i] = letters[round][(state >> 16) % strlen(letters[round])];
			/* A word longer than any window. */
			if (round == 1 && i > 1000 && i < 15000 && text[i] == ' ')
				text[i] = 'b';
		}
		tap_check(!llm_tokenize(f.tokenizer, (u8 *)text, LONG, 0, tokens, LONG, &count));
		tap_check(count == plain_tokens(&f, text, LONG, wanted));
		tap_check(!memcmp(tokens, wanted, count * sizeof(u32)));
		/* Where there is no room they are counted. */
		tap_check(llm_tokenize(f.tokenizer, (u8 *)text, LONG, 0, tokens, 0, &count) ==
			  (count ? -ENOSPC : 0));
	}
	teardown(&f);
}

static void refused(const struct fixture *f, const char *reason)
{
	struct llm_error error = { "" };

	tap_check(llm_tokenizer_verify(&f->vocab->image, &error));
	if (!tap_check(strstr(error.text, reason)))
		printf("# '%s', not '%s'\n", error.text, reason);
}

static void replacements_are_verified(void)
{
	struct llm_image_replacement good;
	struct fixture f;

	setup(&f, 0);
	add(&f, "a", -10);
	replace(&f, "x", "aaaaaaaaaaaaaaa");
	create(&f);
	good = f.replacements[0];
	f.replacements[0].from_length = 0;
	refused(&f, "replacement 0: texts of 0 and 15 bytes");
	f.replacements[0].from_length = 1025;
	refused(&f, "not within the strings");
	f.replacements[0] = good;
	f.replacements[0].to = f.vocab->image.strings_length - 14;
	refused(&f, "not within the strings");
	f.replacements[0] = good;
	f.replacements[0].from = UINT32_MAX;
	refused(&f, "not within the strings");
	f.replacements[0] = good;
	f.vocab->strings[good.to] = 0xc3;
	refused(&f, "replacement 0: is not UTF-8");
	f.vocab->strings[good.to] = 'a';
	create(&f);
	/* Sixteen characters for a byte are one too much. */
	replace(&f, "y", "aaaaaaaaaaaaaaaa");
	refused(&f, "replacement 1: is not UTF-8, or too much for 1 bytes");
	f.vocab->image.replacement_count = 1;
	f.vocab->image.tokenizer.unknown = LLM_IMAGE_NONE;
	refused(&f, "kind 5 needs an unknown token");
	f.vocab->image.tokenizer.kind = LLM_TOKENIZER_SPM;
	refused(&f, "kind 1 does not use section replacements");
	f.vocab->image.tokenizer.flags = LLM_TOKENIZER_MERGE_SPACES;
	refused(&f, "flags 0x20 are not known for kind 1");
	teardown(&f);
}

/**
 * struct file - a GGUF file with a unigram vocabulary
 * @b: file
 * @bytes: it, written
 * @c: its compilation
 * @image: what that made
 * @tokenizer: made of it
 * @error: reason of a failure
 */
struct file {
	struct gguf_builder *b;
	void *bytes;
	struct compile c;
	struct llm_image image;
	struct llm_tokenizer *tokenizer;
	struct llmctl_error error;
};

static const char *const file_tokens[] = { "<unk>", "\u2581", "a", "\u2581a", "b", "ab", NULL };

static void file_new(struct file *f)
{
	static const float scores[] = { 0, -3, -4.5, -2.25, -5, -9.25 };
	static const s32 types[] = { 2, 1, 1, 1, 1, 1 };
	u8 bytes[256];
	size_t used = 0;

	memset(f, 0, sizeof(*f));
	for (u32 i = 0; file_tokens[i]; i++) {
		u64 length = strlen(file_tokens[i]);

		memcpy(bytes + used, &length, sizeof(length));
		memcpy(bytes + used + sizeof(length), file_tokens[i], length);
		used += sizeof(length) + length;
	}
	f->b = gguf_builder_llama();
	gguf_builder_set_string(f->b, "tokenizer.ggml.model", "t5");
	gguf_builder_set_array(f->b, "tokenizer.ggml.tokens", BUILD_STRING, 6, bytes, used);
	gguf_builder_set_array(f->b, "tokenizer.ggml.scores", BUILD_F32, 6, scores,
			       sizeof(scores));
	gguf_builder_set_array(f->b, "tokenizer.ggml.token_type", BUILD_I32, 6, types,
			       sizeof(types));
	gguf_builder_set_u32(f->b, "tokenizer.ggml.unknown_token_id", 0);
	gguf_builder_set_u32(f->b, "tokenizer.ggml.bos_token_id", 1);
	gguf_builder_set_u32(f->b, "tokenizer.ggml.eos_token_id", 1);
	gguf_builder_set_bool(f->b, "tokenizer.ggml.add_bos_token", 0);
	gguf_builder_set_bool(f->b, "tokenizer.ggml.remove_extra_whitespaces", 1);
}

/* Sets a charsmap of so many bytes of units and then of texts. */
static void set_charsmap(struct file *f, const u32 *units, u32 bytes, const char *texts,
			 size_t length)
{
	static u8 charsmap[8192];

	memcpy(charsmap, &bytes, sizeof(bytes));
	memcpy(charsmap + 4, units, bytes);
	memcpy(charsmap + 4 + bytes, texts, length);
	gguf_builder_set_array(f->b, "tokenizer.ggml.precompiled_charsmap", BUILD_U8,
			       4 + bytes + length, charsmap, 4 + bytes + length);
}

/* "x" is read as "a" and "xy" as "b b"; offsets are relative, and without carry. */
static void make_units(u32 units[4 * 256])
{
	memset(units, 0, 4 * 256 * sizeof(*units));
	units[0] = 256U << 10;
	units[256 ^ 'x'] = (256 ^ 'x' ^ 512) << 10 | 1 << 8 | 'x';
	units[512] = 1U << 31 | 0;
	units[512 ^ 'y'] = (512 ^ 'y' ^ 768) << 10 | 1 << 8 | 'y';
	units[768] = 1U << 31 | 2;
}

static int file_compile(struct file *f)
{
	struct llm_error error = { "" };
	size_t size;

	f->bytes = gguf_builder_write(f->b, &size);
	if (gguf_open_memory(&f->c.gguf, f->bytes, size, "file", &f->error))
		abort();
	f->c.error = &f->error;
	compile_vocab(&f->c);
	if (f->c.code)
		return f->c.code;
	f->image = (struct llm_image) {
		.model = f->c.writer.model,
		.tokenizer = f->c.writer.tokenizer,
		.vocab = (struct llm_image_token *)f->c.writer.vocab.bytes,
		.strings = f->c.writer.strings.bytes,
		.strings_length = f->c.writer.strings.length,
		.replacements =
			(struct llm_image_replacement *)f->c.writer.replacements.bytes,
		.replacement_count = f->c.writer.replacements.length /
				     sizeof(struct llm_image_replacement),
	};
	if (!tap_check(!llm_tokenizer_verify(&f->image, &error)) ||
	    !tap_check(!llm_tokenizer_create(&f->tokenizer, &f->image, &error))) {
		printf("# %s\n", error.text);
		abort();
	}
	return 0;
}

static void file_close(struct file *f)
{
	llm_tokenizer_destroy(f->tokenizer);
	compile_destroy(&f->c);
	gguf_close(f->c.gguf);
	free(f->bytes);
	free(f->b);
}

static void files_are_compiled(void)
{
	u32 units[4 * 256], length;
	struct file f;

	file_new(&f);
	make_units(units);
	set_charsmap(&f, units, sizeof(units), "a\0b b", 6);
	if (!tap_check(!file_compile(&f))) {
		printf("# %s\n", f.error.text);
	} else {
		/* -5 - 4.5 is less than -9.25, and what is unknown costs 10 more than that. */
		tap_check(f.image.vocab[5].rank * 18LL == f.image.vocab[2].rank * 37LL);
		tap_check(f.image.vocab[0].rank * 18LL == f.image.vocab[2].rank * 77LL);
		tap_check(f.image.replacement_count == 2);
		gives(f.tokenizer, "a ab", 0, 3, 3, 4, END);
		gives(f.tokenizer, "aab", 0, 3, 5, END);
		gives(f.tokenizer, "xz xyx", 0, 3, 0, 1, 4, 1, 4, 2, END);
		gives(f.tokenizer, "a", LLM_TEXT_BEGIN | LLM_TEXT_END, 3, 1, END);
		tap_check(!memcmp(llm_token_text(f.tokenizer, 3, 0, &length), " a", 2) &&
			  length == 2);
	}
	file_close(&f);
}

static void bad_file(struct file *f, const char *reason)
{
	int code = file_compile(f);

	if (!tap_check(code == -EINVAL) || !tap_check(strstr(f->error.text, reason)))
		printf("# %d '%s', not '%s'\n", code, f->error.text, reason);
	file_close(f);
	file_new(f);
}

static void bad_files_are_refused(void)
{
	static const float infinite[] = { 0, -INFINITY, 0, 0, 0, 0 };
	static const s32 control[] = { 2, 3, 3, 3, 3, 3 };
	u32 units[4 * 256];
	struct file f;

	file_new(&f);
	gguf_builder_set_array(f.b, "tokenizer.ggml.scores", BUILD_F32, 6, infinite,
			       sizeof(infinite));
	bad_file(&f, "token 1 has a score that is not a number");
	gguf_builder_set_array(f.b, "tokenizer.ggml.token_type", BUILD_I32, 6, control,
			       sizeof(control));
	bad_file(&f, "the vocabulary has no normal token");
	gguf_builder_set_u32(f.b, "tokenizer.ggml.precompiled_charsmap", 1);
	bad_file(&f, "is not an array of bytes");
	make_units(units);
	set_charsmap(&f, units, 0, "a", 2);
	bad_file(&f, "a charsmap of 6 bytes can't have 0 bytes of units");
	set_charsmap(&f, units, 1024, "", 0);
	bad_file(&f, "a charsmap of 1028 bytes can't have 1024 bytes of units");
	set_charsmap(&f, units, sizeof(units), "a\0b", 3);
	bad_file(&f, "the charsmap has no text at 2");
	set_charsmap(&f, units, sizeof(units), "a\0\xe2\x82", 5);
	bad_file(&f, "the charsmap's text at 2 is not UTF-8, or too long");
	set_charsmap(&f, units, sizeof(units), "a\0\xc1\x82", 5);
	bad_file(&f, "the charsmap's text at 2 is not UTF-8, or too long");
	set_charsmap(&f, units, sizeof(units), "a\0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 34);
	bad_file(&f, "the charsmap's text at 2 is not UTF-8, or too long");
	set_charsmap(&f, units, 3 * 1024, "a\0b", 4);
	bad_file(&f, "the charsmap goes on beyond its end");
	/* From "x" on to "x" again. */
	units[256 ^ 'x'] = ('x' ^ 0U) << 10 | 'x';
	set_charsmap(&f, units, sizeof(units), "a\0b", 4);
	bad_file(&f, "the charsmap is too large, or has no end");
	file_close(&f);
}

static const struct tap_test tests[] = {
	{ "the tokens with the highest sum are found", the_highest_sum_wins },
	{ "unknown characters in a row are one token", unknown_characters_in_a_row_are_one_token },
	{ "unused tokens are found, users' come first",
	  unused_tokens_are_found_and_users_come_first },
	{ "spaces are merged, or kept", spaces_are_merged_or_kept },
	{ "the longest replacement is read", the_longest_replacement_is_read },
	{ "it agrees with its definition", it_agrees_with_its_definition },
	{ "long texts have no seams", long_texts_have_no_seams },
	{ "replacements are verified", replacements_are_verified },
	{ "files are compiled, with their charsmap", files_are_compiled },
	{ "bad files are refused, with the reason", bad_files_are_refused },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
