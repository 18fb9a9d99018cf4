// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "tokenizer.h"
#include "vocab_builder.h"

#define ROOM	4096
#define END	0xfffffffeU

/* Creates a tokenizer that must be accepted; free_all() frees both. */
static struct llm_tokenizer *create(struct vocab_builder *vocab)
{
	struct llm_tokenizer *tokenizer;
	struct llm_error error = { "" };

	if (!tap_check(!llm_tokenizer_create(&tokenizer, &vocab->image, &error))) {
		printf("# %s\n", error.text);
		abort();
	}
	return tokenizer;
}

static void free_all(struct llm_tokenizer *tokenizer, struct vocab_builder *vocab)
{
	llm_tokenizer_destroy(tokenizer);
	free(vocab);
}

/* Whether a text becomes the tokens that follow, up to END. */
static bool gives(const struct llm_tokenizer *tokenizer, const char *text, u32 flags, ...)
{
	u32 tokens[ROOM];
	bool same = true;
	u32 wanted = 0;
	va_list list;
	u32 count;

	if (llm_tokenize(tokenizer, (const u8 *)text, strlen(text), flags, tokens, ROOM, &count))
		return false;
	va_start(list, flags);
	for (u32 token = va_arg(list, u32); token != END; token = va_arg(list, u32)) {
		same = same && wanted < count && tokens[wanted] == token;
		wanted++;
	}
	va_end(list);
	same = same && wanted == count;
	if (!same) {
		printf("# '%s' became", text);
		for (u32 i = 0; i < count; i++)
			printf(" %u", tokens[i]);
		printf("\n");
	}
	return same;
}

static void higher_ranks_merge_first(void)
{
	struct vocab_builder *vocab = vocab_builder_new(0);
	struct llm_tokenizer *tokenizer;
	u32 a, ab, bc, cd, abc;

	vocab_builder_add_bytes(vocab);
	a = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "a");
	vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "b");
	vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "c");
	vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "d");
	ab = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, -3, "ab");
	bc = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, -2, "bc");
	cd = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, -3, "cd");
	tokenizer = create(vocab);
	tap_check(gives(tokenizer, "abc", 0, a, bc, END));
	tap_check(gives(tokenizer, "abcd", 0, a, bc, a + 3, END));
	tap_check(gives(tokenizer, "ab", 0, ab, END));
	tap_check(gives(tokenizer, "", 0, END));
	llm_tokenizer_destroy(tokenizer);

	/* Reached in two steps, though the second has the highest rank. */
	abc = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 9, "abc");
	tokenizer = create(vocab);
	tap_check(gives(tokenizer, "abcd", 0, abc, a + 3, END));
	tap_check(gives(tokenizer, "abcabccd", 0, abc, abc, cd, END));
	free_all(tokenizer, vocab);
}

static void equal_ranks_merge_leftmost_first(void)
{
	struct vocab_builder *vocab = vocab_builder_new(0);
	struct llm_tokenizer *tokenizer;
	u32 a, aa, aaa;

	vocab_builder_add_bytes(vocab);
	a = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "a");
	aa = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, -1, "aa");
	tokenizer = create(vocab);
	tap_check(gives(tokenizer, "aaa", 0, aa, a, END));
	tap_check(gives(tokenizer, "aaaaa", 0, aa, aa, a, END));
	llm_tokenizer_destroy(tokenizer);
	aaa = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, -1, "aaa");
	tokenizer = create(vocab);
	tap_check(gives(tokenizer, "aaaaa", 0, aaa, aa, END));
	free_all(tokenizer, vocab);
}

static void extreme_ranks_are_ordered(void)
{
	struct vocab_builder *vocab = vocab_builder_new(0);
	struct llm_tokenizer *tokenizer;
	u32 a, bc;

	vocab_builder_add_bytes(vocab);
	a = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "a");
	vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "b");
	vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "c");
	vocab_builder_add(vocab, LLM_TOKEN_NORMAL, S32_MIN, "ab");
	bc = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, S32_MAX, "bc");
	tokenizer = create(vocab);
	tap_check(gives(tokenizer, "abc", 0, a, bc, END));
	vocab->vocab[bc].rank = -1;
	tap_check(gives(tokenizer, "abc", 0, a, bc, END));
	vocab->vocab[bc - 1].rank = 0;
	tap_check(gives(tokenizer, "abc", 0, bc - 1, a + 2, END));
	free_all(tokenizer, vocab);
}

static void what_has_no_token_becomes_bytes(void)
{
	struct vocab_builder *vocab = vocab_builder_new(0);
	u32 byte = vocab_builder_add_bytes(vocab);
	u32 a = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "a");
	u32 euro = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "\xe2\x82\xac");
	struct llm_tokenizer *tokenizer = create(vocab);

	tap_check(gives(tokenizer, "ab", 0, a, byte + 'b', END));
	tap_check(gives(tokenizer, "\xc3\xa9", 0, byte + 0xc3, byte + 0xa9, END));
	tap_check(gives(tokenizer, "a\xe2\x82\xac", 0, a, euro, END));
	/* Not UTF-8: the first byte says how many go together, as in llama.cpp. */
	tap_check(gives(tokenizer, "\xe2\x82", 0, byte + 0xe2, byte + 0x82, END));
	tap_check(gives(tokenizer, "\xff", 0, byte + 0xff, END));
	tap_check(gives(tokenizer, "\202a", 0, byte + 0x82, a, END));
	tap_check(gives(tokenizer, "\303aa", 0, byte + 0xc3, byte + 'a', a, END));
	/* It takes of a space what it lacks: spaces are U+2581 to llama.cpp. */
	tap_check(gives(tokenizer, "\303 a", 0, byte + 0xc3, byte + 0xe2, byte + 0x96,
			byte + 0x81, a, END));
	tap_check(gives(tokenizer, "\360\237 \u2581a", 0, byte + 0xf0, byte + 0x9f, byte + 0xe2,
			byte + 0x96, byte + 0x81, byte + ' ', a, END));
	tap_check(gives(tokenizer, "\360\u2581 ", 0, byte + 0xf0, byte + 0xe2, byte + 0x96,
			byte + 0x81, byte + ' ', END));
	/* Texts of byte tokens are no text. */
	tap_check(gives(tokenizer, "<0x41>", 0, byte + '<', byte + '0', byte + 'x', byte + '4',
			byte + '1', byte + '>', END));
	free_all(tokenizer, vocab);
}

static void the_unknown_stands_for_a_character(void)
{
	struct vocab_builder *vocab = vocab_builder_new(0);
	struct llm_tokenizer *tokenizer;
	u32 unknown = vocab_builder_add(vocab, LLM_TOKEN_UNKNOWN, 0, "<unk>");
	u32 a = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "a");

	vocab->image.tokenizer.unknown = unknown;
	tokenizer = create(vocab);
	tap_check(gives(tokenizer, "a\342\202\254b", 0, a, unknown, unknown, END));
	free_all(tokenizer, vocab);
}

static void a_vocabulary_must_express_every_text(void)
{
	struct vocab_builder *vocab = vocab_builder_new(0);
	struct llm_tokenizer *tokenizer;
	struct llm_error error = { "" };
	u32 byte = vocab_builder_add_bytes(vocab);

	vocab->vocab[byte + 'q'].kind = LLM_TOKEN_UNUSED;
	tap_check(llm_tokenizer_create(&tokenizer, &vocab->image, &error) == -EINVAL);
	tap_check(strstr(error.text, "0x71"));
	vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "q");
	llm_tokenizer_destroy(create(vocab));
	free(vocab);
}

static void only_normal_and_user_tokens_are_merged(void)
{
	static const u8 kinds[] = {
		LLM_TOKEN_UNKNOWN, LLM_TOKEN_CONTROL, LLM_TOKEN_UNUSED, LLM_TOKEN_BYTE,
	};
	struct vocab_builder *vocab = vocab_builder_new(0);
	u32 byte = vocab_builder_add_bytes(vocab);
	u32 ab = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "ab");

	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct llm_tokenizer *tokenizer;

		vocab->vocab[ab].kind = kinds[i];
		tokenizer = create(vocab);
		tap_check(gives(tokenizer, "ab", 0, byte + 'a', byte + 'b', END));
		llm_tokenizer_destroy(tokenizer);
	}
	free(vocab);
}

static void of_equal_texts_the_lowest_is_found(void)
{
	struct vocab_builder *vocab = vocab_builder_new(0);
	struct llm_tokenizer *tokenizer;
	u32 ab, byte;

	byte = vocab_builder_add_bytes(vocab);
	ab = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "ab");
	vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 5, "ab");
	vocab_builder_add(vocab, LLM_TOKEN_BYTE, 'a', "");
	vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 7, "");
	vocab_builder_add(vocab, LLM_TOKEN_USER, 7, "");
	tokenizer = create(vocab);
	tap_check(gives(tokenizer, "ab", 0, ab, END));
	tap_check(gives(tokenizer, "aa", 0, byte + 'a', byte + 'a', END));
	free_all(tokenizer, vocab);
}

static void a_conversation_begins_with_bos_and_space(void)
{
	const u32 both = LLM_TOKENIZER_ADD_BOS | LLM_TOKENIZER_SPACE_PREFIX;
	struct vocab_builder *vocab = vocab_builder_new(both);
	u32 bos = vocab_builder_add(vocab, LLM_TOKEN_CONTROL, 0, "<s>");
	u32 a, space_a, space, block_a;
	struct llm_tokenizer *tokenizer;

	vocab_builder_add_bytes(vocab);
	a = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "a");
	space_a = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, -1, " a");
	space = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, -9, " ");
	block_a = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "\xe2\x96\x80");
	vocab->image.tokenizer.bos = bos;
	tokenizer = create(vocab);
	tap_check(gives(tokenizer, "a", LLM_TEXT_BEGIN, bos, space_a, END));
	tap_check(gives(tokenizer, " a", LLM_TEXT_BEGIN, bos, space, space_a, END));
	tap_check(gives(tokenizer, "", LLM_TEXT_BEGIN, bos, END));
	tap_check(gives(tokenizer, "a", 0, a, END));
	tap_check(gives(tokenizer, " a", 0, space_a, END));
	/* U+2581 is a space, what looks like it is not. */
	tap_check(gives(tokenizer, "\342\226\201a", 0, space_a, END));
	tap_check(gives(tokenizer, "\342\226\200a", 0, block_a, a, END));
	vocab->image.tokenizer.flags = LLM_TOKENIZER_ADD_BOS;
	tap_check(gives(tokenizer, "a", LLM_TEXT_BEGIN, bos, a, END));
	vocab->image.tokenizer.flags = LLM_TOKENIZER_SPACE_PREFIX;
	tap_check(gives(tokenizer, "a", LLM_TEXT_BEGIN, space_a, END));
	free_all(tokenizer, vocab);
}

static void control_tokens_are_found_only_where_asked_for(void)
{
	struct vocab_builder *vocab = vocab_builder_new(LLM_TOKENIZER_SPACE_PREFIX);
	u32 byte = vocab_builder_add_bytes(vocab);
	u32 control = vocab_builder_add(vocab, LLM_TOKEN_CONTROL, 0, "<s>");
	u32 user = vocab_builder_add(vocab, LLM_TOKEN_USER, 0, "<u>");
	u32 unknown = vocab_builder_add(vocab, LLM_TOKEN_UNKNOWN, 0, "<?>");
	u32 a = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "a");
	u32 space_a = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, " a");
	struct llm_tokenizer *tokenizer = create(vocab);

	tap_check(gives(tokenizer, "<s>", 0, byte + '<', byte + 's', byte + '>', END));
	tap_check(gives(tokenizer, "<?>", 0, byte + '<', byte + '?', byte + '>', END));
	tap_check(gives(tokenizer, "<u>", 0, user, END));
	tap_check(gives(tokenizer, "<s>", LLM_TEXT_SPECIAL, control, END));
	tap_check(gives(tokenizer, "<?>", LLM_TEXT_SPECIAL, unknown, END));
	tap_check(gives(tokenizer, "<u><s><u>", LLM_TEXT_SPECIAL, user, control, user, END));
	/* A space is read after such a token, not before it. */
	tap_check(gives(tokenizer, "a<u>a", 0, a, user, space_a, END));
	tap_check(gives(tokenizer, "a<s>a", LLM_TEXT_SPECIAL, a, control, space_a, END));
	tap_check(gives(tokenizer, "a<u>a", LLM_TEXT_BEGIN, space_a, user, space_a, END));
	tap_check(gives(tokenizer, "<u", 0, byte + '<', byte + 'u', END));
	free_all(tokenizer, vocab);
}

static void tokens_strip_what_follows(void)
{
	struct vocab_builder *vocab = vocab_builder_new(LLM_TOKENIZER_SPACE_PREFIX);
	u32 byte = vocab_builder_add_bytes(vocab);
	u32 role = vocab_builder_add(vocab, LLM_TOKEN_CONTROL, 0, "<|u|>");
	u32 space_a = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, " a");
	u32 line = vocab_builder_add(vocab, LLM_TOKEN_USER, 0, "\n");
	struct llm_tokenizer *tokenizer;

	vocab->vocab[role].flags = LLM_TOKEN_STRIPS;
	tokenizer = create(vocab);
	tap_check(gives(tokenizer, "<|u|> \t\v\f\r a", LLM_TEXT_SPECIAL, role, space_a, END));
	tap_check(gives(tokenizer, "<|u|>  <|u|> ", LLM_TEXT_SPECIAL, role, role, END));
	/* A longer token strips what a shorter one then does not find. */
	tap_check(gives(tokenizer, "<|u|>\na\n", LLM_TEXT_SPECIAL, role, space_a, line, END));
	tap_check(gives(tokenizer, "a <|u|>", LLM_TEXT_SPECIAL, byte + 'a', byte + ' ', role, END));
	free_all(tokenizer, vocab);
}

static void longer_tokens_are_cut_out_first(void)
{
	struct vocab_builder *vocab = vocab_builder_new(0);
	u32 byte = vocab_builder_add_bytes(vocab);
	u32 abc = vocab_builder_add(vocab, LLM_TOKEN_USER, 0, "abc");
	u32 cdef = vocab_builder_add(vocab, LLM_TOKEN_USER, 0, "cdef");
	u32 aa = vocab_builder_add(vocab, LLM_TOKEN_USER, 0, "aa");
	u32 f = vocab_builder_add(vocab, LLM_TOKEN_USER, 0, "f");
	u32 efg = vocab_builder_add(vocab, LLM_TOKEN_USER, 0, "efg");
	struct llm_tokenizer *tokenizer = create(vocab);

	tap_check(gives(tokenizer, "abcdef", 0, byte + 'a', byte + 'b', cdef, END));
	tap_check(gives(tokenizer, "abccdef", 0, abc, cdef, END));
	tap_check(gives(tokenizer, "abcdeff", 0, byte + 'a', byte + 'b', cdef, f, END));
	tap_check(gives(tokenizer, "cdefg", 0, cdef, byte + 'g', END));
	tap_check(gives(tokenizer, "defg", 0, byte + 'd', efg, END));
	tap_check(gives(tokenizer, "aaa", 0, aa, byte + 'a', END));
	tap_check(gives(tokenizer, "aaabc", 0, aa, abc, END));
	free_all(tokenizer, vocab);
}

static void room_is_respected(void)
{
	struct vocab_builder *vocab = vocab_builder_new(0);
	u32 byte = vocab_builder_add_bytes(vocab);
	struct llm_tokenizer *tokenizer = create(vocab);
	u32 tokens[4] = { 7, 7, 7, 7 };
	u32 count;

	tap_check(llm_tokenize(tokenizer, (const u8 *)"abcd", 4, 0, tokens, 2, &count) == -ENOSPC);
	tap_check(count == 4 && tokens[0] == byte + 'a' && tokens[1] == byte + 'b');
	tap_check(tokens[2] == 7 && tokens[3] == 7);
	tap_check(llm_tokenize(tokenizer, (const u8 *)"abcd", 4, 0, NULL, 0, &count) == -ENOSPC);
	tap_check(count == 4);
	tap_check(!llm_tokenize(tokenizer, (const u8 *)"abcd", 4, 0, tokens, 4, &count));
	tap_check(!llm_tokenize(tokenizer, NULL, 0, 0, NULL, 0, &count) && count == 0);
	free_all(tokenizer, vocab);
}

static bool has_text(const struct llm_tokenizer *tokenizer, u32 token, u32 flags, const char *text)
{
	u32 length;
	const u8 *bytes = llm_token_text(tokenizer, token, flags, &length);

	return length == strlen(text) && !memcmp(bytes, text, length);
}

static void tokens_have_texts(void)
{
	struct vocab_builder *vocab = vocab_builder_new(0);
	u32 byte = vocab_builder_add_bytes(vocab);
	u32 normal = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, " the");
	u32 user = vocab_builder_add(vocab, LLM_TOKEN_USER, 0, "<u>");
	u32 control = vocab_builder_add(vocab, LLM_TOKEN_CONTROL, 0, "<s>");
	u32 unknown = vocab_builder_add(vocab, LLM_TOKEN_UNKNOWN, 0, "<unk>");
	u32 unused = vocab_builder_add(vocab, LLM_TOKEN_UNUSED, 0, "<unused>");
	struct llm_tokenizer *tokenizer = create(vocab);
	u32 length;

	for (u32 i = 0; i < 256; i++) {
		const u8 *bytes = llm_token_text(tokenizer, byte + i, 0, &length);

		tap_check(length == 1 && bytes[0] == i);
	}
	tap_check(has_text(tokenizer, normal, 0, " the"));
	tap_check(has_text(tokenizer, user, 0, "<u>"));
	tap_check(has_text(tokenizer, control, 0, ""));
	tap_check(has_text(tokenizer, control, LLM_TEXT_SPECIAL, "<s>"));
	tap_check(has_text(tokenizer, unknown, 0, ""));
	tap_check(has_text(tokenizer, unknown, LLM_TEXT_SPECIAL, "<unk>"));
	tap_check(has_text(tokenizer, unused, LLM_TEXT_SPECIAL, ""));
	vocab->vocab[control].flags = LLM_TOKEN_ENDS;
	tap_check(llm_token_ends(tokenizer, control) && !llm_token_ends(tokenizer, user));
	tap_check(llm_tokenizer_memory(tokenizer) > 256 * 8);
	free_all(tokenizer, vocab);
}

/*
 * The definition: of all neighbours that together are a token, the leftmost of
 * those with the highest rank, again and again.
 */
struct piece {
	const u8 *text;
	u32 length;
};

static u32 naive_find(const struct llm_image *image, const u8 *text, u32 length)
{
	for (u32 i = 0; i < image->model.vocab_size; i++)
		if (image->vocab[i].kind == LLM_TOKEN_NORMAL && image->vocab[i].length == length &&
		    !memcmp(image->strings + image->vocab[i].offset, text, length))
			return i;
	return LLM_IMAGE_NONE;
}

static u32 naive_tokenize(const struct llm_image *image, const u8 *text, u32 length, u32 *tokens)
{
	struct piece pieces[ROOM];
	u32 count = 0;

	for (; count < length; count++)
		pieces[count] = (struct piece) { text + count, 1 };
	for (;;) {
		u32 best = LLM_IMAGE_NONE;
		s32 rank = 0;

		for (u32 i = 0; i + 1 < count; i++) {
			u32 token = naive_find(image, pieces[i].text,
					       pieces[i].length + pieces[i + 1].length);

			if (token == LLM_IMAGE_NONE)
				continue;
			if (best == LLM_IMAGE_NONE || image->vocab[token].rank > rank) {
				best = i;
				rank = image->vocab[token].rank;
			}
		}
		if (best == LLM_IMAGE_NONE)
			break;
		pieces[best].length += pieces[best + 1].length;
		count--;
		memmove(&pieces[best + 1], &pieces[best + 2],
			(count - best - 1) * sizeof(pieces[0]));
	}
	for (u32 i = 0; i < count; i++)
		tokens[i] = naive_find(image, pieces[i].text, pieces[i].length);
	return count;
}

static u64 next_random(u64 *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

static void merging_agrees_with_its_definition(void)
{
	u32 tokens[ROOM], wanted[ROOM];
	u64 random = 2;
	char text[128];
	u32 count;

	for (u32 round = 0; round < 200; round++) {
		struct vocab_builder *vocab = vocab_builder_new(0);
		struct llm_tokenizer *tokenizer;

		vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "a");
		vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "b");
		vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "c");
		for (u32 i = 0; i < 40; i++) {
			u32 length = 2 + next_random(&random) % 5;

			for (u32 j = 0; j < length; j++)
				text[j] = 'a' + next_random(&random) % 3;
			text[length] = 0;
			vocab_builder_add(vocab, LLM_TOKEN_NORMAL, next_random(&random) % 7, text);
		}
		vocab_builder_add_bytes(vocab);
		tokenizer = create(vocab);
		for (u32 i = 0; i < 20; i++) {
			u32 length = next_random(&random) % sizeof(text);

			for (u32 j = 0; j < length; j++)
				text[j] = 'a' + next_random(&random) % 3;
			tap_check(!llm_tokenize(tokenizer, (u8 *)text, length, 0, tokens, ROOM,
						&count));
			tap_check(count == naive_tokenize(&vocab->image, (u8 *)text, length,
							  wanted));
			tap_check(!memcmp(tokens, wanted, count * sizeof(u32)));
		}
		free_all(tokenizer, vocab);
	}
}

static void every_text_survives(void)
{
	struct vocab_builder *vocab = vocab_builder_new(0);
	struct llm_tokenizer *tokenizer;
	u32 tokens[ROOM];
	u64 random = 3;
	u32 count, length;
	u8 text[300];

	vocab_builder_add_bytes(vocab);
	vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "\xc3\xa9");
	vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "\xe2\xe2");
	vocab_builder_add(vocab, LLM_TOKEN_USER, 0, "\x81\x96");
	vocab_builder_add(vocab, LLM_TOKEN_USER, 0, "\xc3");
	tokenizer = create(vocab);
	for (u32 round = 0; round < 2000; round++) {
		static const u8 letters[] = { 0xc3, 0xa9, 0xe2, 0x96, 0x80, 0xf0, 'a', 0 };
		u32 at = 0;

		length = next_random(&random) % sizeof(text);
		for (u32 i = 0; i < length; i++) {
			text[i] = round % 2 ? next_random(&random) :
				  letters[next_random(&random) % sizeof(letters)];
			/* Behind a character that is cut off it comes back as U+2581. */
			if (text[i] == ' ')
				text[i] = '_';
		}
		tap_check(!llm_tokenize(tokenizer, text, length, LLM_TEXT_SPECIAL, tokens, ROOM,
					&count));
		for (u32 i = 0; i < count; i++) {
			u32 size;
			const u8 *bytes = llm_token_text(tokenizer, tokens[i], 0, &size);

			if (!tap_check(at + size <= length && !memcmp(text + at, bytes, size)))
				break;
			at += size;
		}
		tap_check(at == length);
	}
	free_all(tokenizer, vocab);
}

static void a_large_vocabulary_is_indexed(void)
{
	struct vocab_builder *vocab = vocab_builder_new(0);
	struct llm_tokenizer *tokenizer;
	char text[16];
	u32 first;

	vocab_builder_add_bytes(vocab);
	first = vocab->image.model.vocab_size;
	for (u32 i = 0; i < 7000; i++) {
		snprintf(text, sizeof(text), "<%u>", i);
		vocab_builder_add(vocab, LLM_TOKEN_USER, 0, text);
	}
	tokenizer = create(vocab);
	for (u32 i = 0; i < 7000; i++) {
		snprintf(text, sizeof(text), "<%u>", i);
		tap_check(gives(tokenizer, text, 0, first + i, END));
	}
	free_all(tokenizer, vocab);
}

static void a_long_text_takes_little_time(void)
{
	const u32 length = 1 << 20;
	struct vocab_builder *vocab = vocab_builder_new(0);
	u32 a, length_a = 2;
	struct llm_tokenizer *tokenizer;
	u8 *text = malloc(length);
	u32 *tokens = malloc(length * sizeof(*tokens));
	char letters[1025];
	u32 count;

	memset(text, 'a', length);
	memset(letters, 'a', sizeof(letters));
	vocab_builder_add_bytes(vocab);
	a = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, 0, "a");
	for (; length_a <= 1024; length_a *= 2) {
		letters[length_a] = 0;
		vocab_builder_add(vocab, LLM_TOKEN_NORMAL, -(s32)length_a, letters);
		letters[length_a] = 'a';
	}
	tokenizer = create(vocab);
	tap_check(!llm_tokenize(tokenizer, text, length, 0, tokens, length, &count));
	tap_check(count == 1024 && tokens[0] == a + 10 && tokens[1023] == a + 10);
	free(tokens);
	free(text);
	free_all(tokenizer, vocab);
}

/* Each bc leaves two pairs that are out of date and makes two, more than are pieces. */
static void more_pairs_than_pieces_are_merged(void)
{
	const u32 length = 30000;
	struct vocab_builder *vocab = vocab_builder_new(0);
	struct llm_tokenizer *tokenizer;
	u8 *text = malloc(length);
	u32 *tokens = malloc(length * sizeof(*tokens));
	u32 abc, count;

	for (u32 i = 0; i < length; i++)
		text[i] = 'a' + i % 3;
	vocab_builder_add_bytes(vocab);
	vocab_builder_add(vocab, LLM_TOKEN_NORMAL, -1, "bc");
	vocab_builder_add(vocab, LLM_TOKEN_NORMAL, -3, "ab");
	vocab_builder_add(vocab, LLM_TOKEN_NORMAL, -3, "ca");
	vocab_builder_add(vocab, LLM_TOKEN_NORMAL, -4, "bca");
	abc = vocab_builder_add(vocab, LLM_TOKEN_NORMAL, -2, "abc");
	tokenizer = create(vocab);
	tap_check(!llm_tokenize(tokenizer, text, length, 0, tokens, length, &count));
	tap_check(count == length / 3);
	for (u32 i = 0; i < count; i++)
		if (!tap_check(tokens[i] == abc))
			break;
	free(tokens);
	free(text);
	free_all(tokenizer, vocab);
}

static const struct tap_test tests[] = {
	{ "higher ranks merge first", higher_ranks_merge_first },
	{ "equal ranks merge leftmost first", equal_ranks_merge_leftmost_first },
	{ "extreme ranks are ordered", extreme_ranks_are_ordered },
	{ "what has no token becomes bytes", what_has_no_token_becomes_bytes },
	{ "without byte tokens the unknown stands for a character",
	  the_unknown_stands_for_a_character },
	{ "a vocabulary that can't express every text is refused",
	  a_vocabulary_must_express_every_text },
	{ "only normal and user tokens are merged", only_normal_and_user_tokens_are_merged },
	{ "of tokens with equal texts the lowest is found", of_equal_texts_the_lowest_is_found },
	{ "a conversation begins with BOS and space", a_conversation_begins_with_bos_and_space },
	{ "control tokens are found only where asked for",
	  control_tokens_are_found_only_where_asked_for },
	{ "tokens strip the white space that follows", tokens_strip_what_follows },
	{ "longer user tokens are cut out first", longer_tokens_are_cut_out_first },
	{ "no more tokens are written than there is room for", room_is_respected },
	{ "tokens have their texts", tokens_have_texts },
	{ "merging agrees with its definition", merging_agrees_with_its_definition },
	{ "every text survives", every_text_survives },
	{ "7000 user tokens are all found", a_large_vocabulary_is_indexed },
	{ "more pairs than pieces are merged", more_pairs_than_pieces_are_merged },
	{ "1 MiB of one letter is merged", a_long_text_takes_little_time },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
