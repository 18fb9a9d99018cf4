// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "reply.h"
#include "tap.h"

struct transcript {
	struct llm_stop stops[LLM_STOP_COUNT];
	u32 stop_count;
	struct llm_reply reply;
	u8 shown[16384];
	u32 shown_length;
	bool stopped;
};

static void begin(struct transcript *t, const char *const *stops)
{
	memset(t, 0, sizeof(*t));
	for (; stops && stops[t->stop_count]; t->stop_count++) {
		struct llm_stop *stop = &t->stops[t->stop_count];

		stop->length = strlen(stops[t->stop_count]);
		memcpy(stop->bytes, stops[t->stop_count], stop->length);
	}
	llm_reply_begin(&t->reply, t->stops, t->stop_count);
}

static void show(struct transcript *t, u32 ready)
{
	memcpy(t->shown + t->shown_length, t->reply.held, ready);
	t->shown_length += ready;
	llm_reply_shown(&t->reply, ready);
}

static void add(struct transcript *t, const void *bytes, u32 length)
{
	u32 ready;

	if (t->stopped)
		return;
	t->stopped = llm_reply_add(&t->reply, bytes, length, &ready);
	show(t, ready);
}

static void end(struct transcript *t)
{
	show(t, llm_reply_end(&t->reply));
}

static bool has_shown(const struct transcript *t, const char *text)
{
	return t->shown_length == strlen(text) && !memcmp(t->shown, text, t->shown_length);
}

/* Adds a text cut into pieces of @size bytes. */
static void add_cut(struct transcript *t, const char *text, u32 size)
{
	u32 length = strlen(text);

	for (u32 at = 0; at < length; at += size)
		add(t, text + at, min(size, length - at));
	end(t);
}

static void shows_plain_text_at_once(void)
{
	struct transcript t;

	begin(&t, NULL);
	add(&t, "Once", 4);
	tap_check(has_shown(&t, "Once"));
	add(&t, "", 0);
	add(&t, " upon", 5);
	tap_check(has_shown(&t, "Once upon"));
}

static const char utf8_text[] = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\xa6\x99z";

static bool is_whole(const u8 *bytes, u32 length)
{
	static const u32 ends[] = { 0, 1, 3, 6, 10, 11 };

	for (u32 i = 0; i < ARRAY_SIZE(ends); i++)
		if (length == ends[i])
			return !memcmp(bytes, utf8_text, length);
	return false;
}

static void never_cuts_a_character(void)
{
	struct transcript t;
	u32 length = strlen(utf8_text);

	for (u32 first = 0; first <= length; first++) {
		for (u32 second = first; second <= length; second++) {
			begin(&t, NULL);
			add(&t, utf8_text, first);
			tap_check(is_whole(t.shown, t.shown_length));
			tap_check(t.shown_length + 3 >= first);
			add(&t, utf8_text + first, second - first);
			tap_check(is_whole(t.shown, t.shown_length));
			add(&t, utf8_text + second, length - second);
			tap_check(has_shown(&t, utf8_text));
		}
	}
}

static void shows_what_is_not_utf8(void)
{
	static const char *const texts[] = {
		"\x80", "\xff\xfe", "\xc3q", "\xe2\x82q", "\xf0\x9f\xa6q", "\xc0\x80q",
		"\xf8\x88\x80\x80\x80", "\x80\x80\x80\x80\x80",
	};
	struct transcript t;

	for (u32 i = 0; i < ARRAY_SIZE(texts); i++) {
		begin(&t, NULL);
		for (u32 j = 0; j < strlen(texts[i]); j++)
			add(&t, texts[i] + j, 1);
		tap_check(has_shown(&t, texts[i]));
	}
}

/* Nothing can finish a character that begins so. */
static void holds_back_no_impossible_characters(void)
{
	struct transcript t;

	for (u32 first = 0x80; first < 0x100; first++) {
		u8 byte = first;

		begin(&t, NULL);
		add(&t, &byte, 1);
		tap_check(t.shown_length == (first < 0xc2 || first > 0xf4));
	}
}

static void shows_an_unfinished_character_at_the_end(void)
{
	struct transcript t;

	begin(&t, NULL);
	add(&t, "x\xf0\x9f\xa6", 4);
	tap_check(has_shown(&t, "x"));
	end(&t);
	tap_check(has_shown(&t, "x\xf0\x9f\xa6"));
}

struct stop_case {
	const char *stops[5];
	const char *text;
	const char *shown;
	bool stopped;
};

static const struct stop_case stop_cases[] = {
	{ { "END" }, "one END two", "one ", true },
	{ { "END" }, "END", "", true },
	{ { "END" }, "one EN", "one EN", false },
	{ { "END" }, "one ENEND", "one EN", true },
	{ { "END" }, "one EN two EN", "one EN two EN", false },
	{ { "aab" }, "aaaab", "aa", true },
	{ { "abab" }, "abaabab", "aba", true },
	{ { "abacab" }, "abacabacab", "", true },
	{ { "\n\n", "User:" }, "hi\nUser: x", "hi\n", true },
	{ { "\n\n", "User:" }, "hi\n\nUser: x", "hi", true },
	/* Complete first, though the other began before. */
	{ { "abcd", "bc" }, "xabcd", "xa", true },
	/* Complete at the same byte: the longer. */
	{ { "cd", "abcd", "d" }, "xabcd", "x", true },
	{ { "aaaa", "aab" }, "aaab", "a", true },
	/* The beginning of one is given up for a part of another. */
	{ { "abcx", "cde" }, "abcdef", "ab", true },
	{ { "\xa9!" }, "caf\xc3\xa9!", "caf\xc3", true },
	{ { "\xe2\x82\xac" }, "5 \xe2\x82\xad 6 \xe2\x82\xac", "5 \xe2\x82\xad 6 ", true },
};

static void stops_wherever_the_text_is_cut(void)
{
	struct transcript t;

	for (u32 i = 0; i < ARRAY_SIZE(stop_cases); i++) {
		const struct stop_case *c = &stop_cases[i];

		for (u32 size = 1; size <= strlen(c->text); size++) {
			begin(&t, c->stops);
			add_cut(&t, c->text, size);
			if (!has_shown(&t, c->shown))
				printf("# case %u, cut every %u: '%.*s'\n", i, size,
				       (int)t.shown_length, t.shown);
			tap_check(has_shown(&t, c->shown));
			tap_check(t.stopped == c->stopped);
		}
	}
}

static void holds_back_no_more_than_a_stop_needs(void)
{
	static const char *const stops[] = { "STOP", NULL };
	struct transcript t;

	begin(&t, stops);
	add(&t, "one ST", 6);
	tap_check(has_shown(&t, "one "));
	add(&t, "A", 1);
	tap_check(has_shown(&t, "one STA"));
	add(&t, "STO", 3);
	tap_check(has_shown(&t, "one STA"));
	add(&t, "STOP", 4);
	tap_check(t.stopped && has_shown(&t, "one STASTO"));
}

/* As few as possible letters, so that stop strings begin and fail everywhere. */
static u32 random_letters(u64 *state, char *to, u32 length)
{
	for (u32 i = 0; i < length; i++) {
		*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
		to[i] = 'a' + (*state >> 62);
	}
	to[length] = 0;
	return length;
}

/* The definition, tried at every byte. */
static u32 naive_stop(const char *text, char stops[][16], u32 count, bool *stopped)
{
	u32 length = strlen(text);

	for (u32 at = 1; at <= length; at++) {
		u32 longest = 0;

		for (u32 i = 0; i < count; i++) {
			u32 size = strlen(stops[i]);

			if (size <= at && !memcmp(text + at - size, stops[i], size))
				longest = max(longest, size);
		}
		if (longest) {
			*stopped = true;
			return at - longest;
		}
	}
	*stopped = false;
	return length;
}

static void agrees_with_a_naive_search(void)
{
	const char *pointers[5] = { NULL };
	char stops[4][16], text[256];
	struct transcript t;
	u64 state = 1;
	bool stopped;
	u32 shown;

	for (u32 round = 0; round < 5000; round++) {
		u32 count = 1 + round % 4;

		memset(pointers, 0, sizeof(pointers));
		for (u32 i = 0; i < count; i++) {
			random_letters(&state, stops[i], 2 + (state >> 40) % 6);
			pointers[i] = stops[i];
		}
		random_letters(&state, text, 200);
		shown = naive_stop(text, stops, count, &stopped);
		text[200] = 0;
		begin(&t, pointers);
		add_cut(&t, text, 1 + round % 17);
		tap_check(t.stopped == stopped && t.shown_length == shown);
		tap_check(!memcmp(t.shown, text, shown));
	}
}

static void takes_the_longest_stops_and_tokens(void)
{
	char stops[LLM_STOP_COUNT][LLM_STOP_LENGTH];
	struct transcript t;
	u8 piece[LLM_PIECE_LENGTH];
	u32 ready;

	memset(&t, 0, sizeof(t));
	memset(stops, 'a', sizeof(stops));
	for (u32 i = 0; i < LLM_STOP_COUNT; i++) {
		stops[i][LLM_STOP_LENGTH - 1] = 'A' + i;
		memcpy(t.stops[i].bytes, stops[i], LLM_STOP_LENGTH);
		t.stops[i].length = LLM_STOP_LENGTH;
	}
	memset(piece, 'a', sizeof(piece));
	llm_reply_begin(&t.reply, t.stops, LLM_STOP_COUNT);
	for (u32 i = 1; i <= 3; i++) {
		tap_check(!llm_reply_add(&t.reply, piece, sizeof(piece), &ready));
		show(&t, ready);
		tap_check(t.shown_length == i * sizeof(piece) - (LLM_STOP_LENGTH - 1));
	}
	tap_check(llm_reply_add(&t.reply, (const u8 *)"P", 1, &ready));
	tap_check(ready == 0 && llm_reply_end(&t.reply) == 0);
}

static const struct tap_test tests[] = {
	{ "plain text is shown at once", shows_plain_text_at_once },
	{ "a character is never cut, wherever the tokens are", never_cuts_a_character },
	{ "what is not UTF-8 is shown", shows_what_is_not_utf8 },
	{ "what can't begin a character is not held back", holds_back_no_impossible_characters },
	{ "an unfinished character is shown at the end",
	  shows_an_unfinished_character_at_the_end },
	{ "stop strings are found wherever the text is cut", stops_wherever_the_text_is_cut },
	{ "no more is held back than a stop string needs", holds_back_no_more_than_a_stop_needs },
	{ "stop strings agree with a naive search", agrees_with_a_naive_search },
	{ "the longest stop strings and tokens fit", takes_the_longest_stops_and_tokens },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
