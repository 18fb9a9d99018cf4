// SPDX-License-Identifier: GPL-2.0
/* Splitting texts by regular expressions: compiled by the library, walked by the engine. */
#include <stdlib.h>
#include <string.h>

#include "pretokenizer.h"
#include "split.h"
#include "splitter.h"
#include "tap.h"
#include "utf8.h"

#define ROOM	4096

/* A section, and the tables in it. */
struct fixture {
	struct llm_image image;
	struct llm_split split;
};

static void setup(struct fixture *f, const char *const *expressions)
{
	size_t count = 0, length;
	void *bytes;

	while (expressions[count])
		count++;
	if (splitter_build(&bytes, &length, "test", expressions, count))
		abort();
	*f = (struct fixture) { .image = { .split = bytes, .split_length = length } };
	llm_split_init(&f->split, &f->image);
}

static void teardown(struct fixture *f)
{
	free(f->image.split);
}

/* Writes the pieces of a text with bars between them. */
static void split_text(const struct fixture *f, const char *text, char *to)
{
	u32 length = strlen(text), count = 0;
	u32 starts[ROOM];
	u8 marks[ROOM];
	u32 at = 0;
	u32 point;

	while (at < length) {
		starts[count] = at;
		at += llm_utf8_decode((const u8 *)text + at, length - at, &point);
		marks[count++] = llm_split_class(&f->split, point);
	}
	starts[count] = length;
	llm_split_mark(&f->split, marks, count);
	for (u32 i = 0; i < count; i++) {
		if (i && marks[i] & LLM_SPLIT_BEGIN)
			*to++ = '|';
		memcpy(to, text + starts[i], starts[i + 1] - starts[i]);
		to += starts[i + 1] - starts[i];
	}
	*to = 0;
}

static void becomes(const struct fixture *f, const char *pieces)
{
	char text[ROOM], result[2 * ROOM];
	char *to = text;

	for (const char *at = pieces; *at; at++)
		if (*at != '|')
			*to++ = *at;
	*to = 0;
	split_text(f, text, result);
	if (!tap_check(!strcmp(result, pieces)))
		printf("# '%s', not '%s'\n", result, pieces);
}

/*
 * What Python's module regex, with the expressions as they are published, makes of
 * some texts.
 */
static const struct {
	const char *name;
	const char *pieces;
} cases[] = {
	{ "gpt-2", "Hello| world" },
	{ "gpt-2", " | a" },
	{ "gpt-2", "a|  | b|  " },
	{ "gpt-2", "a| \n\n | b|\n" },
	{ "gpt-2", "don|'t| DON|'|T| we|'ll" },
	{ "gpt-2", "12345| x|9" },
	{ "gpt-2", "f|(|x|)==|3|;|\n|\n|}" },
	{ "gpt-2", "caf\u00e9| \u4e2d\u6587\u5b57" },
	{ "gpt-2", "camelCaseWORDs" },
	{ "gpt-2", "a|/|b|//|\n" },
	{ "gpt-2", " \t|\t|x" },
	{ "gpt-2", "\U0001f600\U0001f600| !" },
	{ "gpt-2", "x|\u00a0|\u00a0|y" },
	{ "gpt-2", "\u0665\u0666\u0667\u0668" },
	{ "llama-bpe", "Hello| world" },
	{ "llama-bpe", " | a" },
	{ "llama-bpe", "a|  | b|  " },
	{ "llama-bpe", "a| \n\n| | b|\n" },
	{ "llama-bpe", "don|'t| DON|'T| we|'ll" },
	{ "llama-bpe", "123|45| x|9" },
	{ "llama-bpe", "f|(x|)==|3|;\n\n|}" },
	{ "llama-bpe", "caf\u00e9| \u4e2d\u6587\u5b57" },
	{ "llama-bpe", "camelCaseWORDs" },
	{ "llama-bpe", "a|/b|//\n" },
	{ "llama-bpe", " \t|\tx" },
	{ "llama-bpe", "\U0001f600\U0001f600| !" },
	{ "llama-bpe", "x|\u00a0|\u00a0y" },
	{ "llama-bpe", "\u0665\u0666\u0667|\u0668" },
	{ "qwen2", "Hello| world" },
	{ "qwen2", " | a" },
	{ "qwen2", "a|  | b|  " },
	{ "qwen2", "a| \n\n| | b|\n" },
	{ "qwen2", "don|'t| DON|'T| we|'ll" },
	{ "qwen2", "1|2|3|4|5| x|9" },
	{ "qwen2", "f|(x|)==|3|;\n\n|}" },
	{ "qwen2", "caf\u00e9| \u4e2d\u6587\u5b57" },
	{ "qwen2", "camelCaseWORDs" },
	{ "qwen2", "a|/b|//\n" },
	{ "qwen2", " \t|\tx" },
	{ "qwen2", "\U0001f600\U0001f600| !" },
	{ "qwen2", "x|\u00a0|\u00a0y" },
	{ "qwen2", "\u0665|\u0666|\u0667|\u0668" },
	{ "starcoder", "Hello| world" },
	{ "starcoder", " | a" },
	{ "starcoder", "a|  | b|  " },
	{ "starcoder", "a| \n\n | b|\n" },
	{ "starcoder", "don|'t| DON|'|T| we|'ll" },
	{ "starcoder", "1|2|3|4|5| x|9" },
	{ "starcoder", "f|(|x|)==|3|;|\n|\n|}" },
	{ "starcoder", "caf\u00e9| \u4e2d\u6587\u5b57" },
	{ "starcoder", "camelCaseWORDs" },
	{ "starcoder", "a|/|b|//|\n" },
	{ "starcoder", " \t|\t|x" },
	{ "starcoder", "\U0001f600\U0001f600| !" },
	{ "starcoder", "x|\u00a0|\u00a0|y" },
	{ "starcoder", "\u0665|\u0666|\u0667|\u0668" },
	{ "falcon", "Hello| world" },
	{ "falcon", " | a" },
	{ "falcon", "a|  | b|  " },
	{ "falcon", "a| \n\n | b|\n" },
	{ "falcon", "don|'|t| DON|'|T| we|'|ll" },
	{ "falcon", "123|45| x|9" },
	{ "falcon", "f|(|x|)==|3|;|\n\n|}" },
	{ "falcon", "caf\u00e9| \u4e2d\u6587\u5b57" },
	{ "falcon", "camelCaseWORDs" },
	{ "falcon", "a|/|b|//|\n" },
	{ "falcon", " \t|\t|x" },
	{ "falcon", "\U0001f600\U0001f600| |!" },
	{ "falcon", "x|\u00a0|\u00a0|y" },
	{ "falcon", "\u0665\u0666\u0667\u0668" },
	{ "tekken", "Hello| world" },
	{ "tekken", " | a" },
	{ "tekken", "a|  | b|  " },
	{ "tekken", "a| \n\n| | b|\n" },
	{ "tekken", "don|'t| DON|'T| we|'ll" },
	{ "tekken", "1|2|3|4|5| x|9" },
	{ "tekken", "f|(x|)==|3|;\n\n|}" },
	{ "tekken", "caf\u00e9| \u4e2d\u6587\u5b57" },
	{ "tekken", "camel|Case|WORDs" },
	{ "tekken", "a|/b|//\n" },
	{ "tekken", " \t|\tx" },
	{ "tekken", "\U0001f600\U0001f600| !" },
	{ "tekken", "x|\u00a0|\u00a0y" },
	{ "tekken", "\u0665|\u0666|\u0667|\u0668" },
};

static void texts_become_pieces(void)
{
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *name = cases[i].name;
		struct fixture f;

		setup(&f, pretokenizer_find(name, strlen(name))->expressions);
		becomes(&f, cases[i].pieces);
		teardown(&f);
	}
}

static const char *const names[] = {
	"gpt-2", "mpt", "roberta-bpe", "llama-bpe", "dbrx", "qwen2", "qwen35", "smollm", "falcon",
	"default", "tekken", "gpt-4o", "bloom", "viking", "deepseek-coder", "deepseek-v3",
	"bailingmoe", "seed-coder", "exaone-moe",
};

static void every_pretokenizer_is_accepted(void)
{
	struct llm_error error = { "" };
	struct fixture f;

	for (u32 i = 0; i < ARRAY_SIZE(names); i++) {
		const struct pretokenizer *p = pretokenizer_find(names[i], strlen(names[i]));

		if (!tap_check(p))
			continue;
		setup(&f, p->expressions);
		if (!tap_check(!llm_split_verify(f.image.split, f.image.split_length, &error)))
			printf("# %s: %s\n", names[i], error.text);
		teardown(&f);
	}
	tap_check(!pretokenizer_find("gpt-3", 5) && !pretokenizer_find("", 0));
	tap_check(!pretokenizer_find("gpt-22", 6) && pretokenizer_find("gpt-22", 5));
}

static void expressions_mean_what_they_say(void)
{
	static const struct {
		const char *expression;
		const char *pieces;
	} expressions[] = {
		/* The first alternative that matches, not the longest. */
		{ "a|ab|b", "a|b|a|b" }, { "ab|a|b", "ab|ab|a" },
		{ "a{2}", "aa|aa|a" }, { "a{1,3}", "aaa|aa" }, { "a{2,3}b?", "aaab|aab" },
		{ "(?:ab)+|c", "abab|c|c|ba" }, { "(?:ab|c)*d", "x|abcd|abc" },
		{ "[^a-c]", "a|x|b|y|c" }, { "[a\\-c]+", "a-c|b|-" }, { "[\\]x]+", "]x|a|]" },
		{ "[\\p{L}&&[^a-z]]+", "a|BC|d|\u00c9|e" }, { "\\p{N}+", "a|1\u0665\u00bd|b" },
		{ "\\S+", "a| |b\u00e9|\n\n|c" }, { "x(?!\\S)", "x| x|x|\n" },
		{ "x(?=y)", "x|yxx|x|y" }, { "x+$", "xa|xxx" }, { "a|a+b", "a|a|a|b" },
		/* What lies between matches stays together. */
		{ "[0-9]", "ab|1|2|cd" },
	};
	const char *list[2] = { NULL, NULL };
	struct fixture f;

	for (u32 i = 0; i < ARRAY_SIZE(expressions); i++) {
		list[0] = expressions[i].expression;
		setup(&f, list);
		becomes(&f, expressions[i].pieces);
		teardown(&f);
	}
}

static void passes_split_what_others_made(void)
{
	static const char *const list[] = { "[0-9]+", "[a-z ]", "[0-9]{2}", NULL };
	struct fixture f;

	setup(&f, list);
	becomes(&f, "12|34|5|a| |X|b|67|YZ");
	teardown(&f);
}

static void bad_expressions_are_refused(void)
{
	static const char *const bad[] = {
		"(a", "a)", "[a", "[b-a]", "*a", "a{", "a{2", "a{3,2}", "a{0}", "\\p{Q}", "\\pL",
		"\\d", "(?:a", "(?!a", "(?<a)", "a\\", "\xff", "[a&&[b]",
	};
	/* Any "a" may be the one that twelve letters follow: 2^12 states and more. */
	static const char *const large = "[ab]*a[ab]{12}";
	size_t length;
	void *bytes;

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
		if (!tap_check(splitter_build(&bytes, &length, "bad", &bad[i], 1) == -EINVAL))
			printf("# %s\n", bad[i]);
	tap_check(splitter_build(&bytes, &length, "large", &large, 1) == -E2BIG);
}

/* Each change to a good section, and the reason it is refused with. */
static u8 *section;
static u64 section_length;

static struct llm_image_split *head(void)
{
	return (struct llm_image_split *)section;
}

static u16 *page(void)
{
	return (u16 *)(head() + 1);
}

static u8 *class(void)
{
	return (u8 *)(page() + LLM_SPLIT_PAGES);
}

static u16 *transition(void)
{
	return (u16 *)(class() + head()->pages * LLM_SPLIT_PAGE);
}

#define CHANGE(name, statement) static void change_##name(void) { statement; }

CHANGE(short, section_length = sizeof(struct llm_image_split) - 1)
CHANGE(reserved, head()->reserved[4] = 1)
CHANGE(name, memset(head()->name, 'a', sizeof(head()->name)))
CHANGE(no_classes, head()->classes = 0)
CHANGE(classes, head()->classes = LLM_SPLIT_MAX_CLASSES + 1)
CHANGE(no_pages, head()->pages = 0)
CHANGE(pages, head()->pages = LLM_SPLIT_PAGES + 1)
CHANGE(no_passes, head()->passes = 0)
CHANGE(passes, head()->passes = LLM_SPLIT_MAX_PASSES + 1)
CHANGE(states, head()->states[0] = 1)
CHANGE(many_states, head()->states[0] = LLM_SPLIT_MAX_STATES + 1)
CHANGE(states_after, head()->states[1] = 2)
CHANGE(cut, section_length--)
CHANGE(longer, section_length++)
CHANGE(page, page()[LLM_SPLIT_PAGES - 1] = head()->pages)
CHANGE(class, class()[head()->pages * LLM_SPLIT_PAGE - 1] = head()->classes)
CHANGE(state, transition()[0] = head()->states[0])
CHANGE(match_state, transition()[0] = head()->states[0] | LLM_SPLIT_MATCH)

static const struct {
	void (*change)(void);
	const char *reason;
} refusals[] = {
	{ change_short, "too few" },
	{ change_reserved, "reserved" },
	{ change_name, "NUL" },
	{ change_no_classes, "0 classes" },
	{ change_classes, "65 classes" },
	{ change_no_pages, "0 pages" },
	{ change_pages, "8705 pages" },
	{ change_no_passes, "0 passes" },
	{ change_passes, "9 passes" },
	{ change_states, "has 1 states" },
	{ change_many_states, "has 4097 states" },
	{ change_states_after, "states of pass 1" },
	{ change_cut, "needs" },
	{ change_longer, "needs" },
	{ change_page, "no page" },
	{ change_class, "no class" },
	{ change_state, "no state" },
	{ change_match_state, "no state" },
};

static void bad_tables_are_refused(void)
{
	const struct pretokenizer *p = pretokenizer_find("gpt-2", 5);
	struct llm_error error;
	struct fixture f;

	for (u32 i = 0; i < ARRAY_SIZE(refusals); i++) {
		error.text[0] = 0;
		setup(&f, p->expressions);
		section = f.image.split;
		section_length = f.image.split_length;
		refusals[i].change();
		tap_check(llm_split_verify(section, section_length, &error) == -EINVAL);
		if (!tap_check(strstr(error.text, refusals[i].reason)))
			printf("# '%s', not '%s'\n", error.text, refusals[i].reason);
		teardown(&f);
	}
}

/* Each pass has states of its own: the number of one that another has is no state. */
static void every_pass_is_checked(void)
{
	static const char *const list[] = { "abcdefgh", "a" };
	struct llm_error error = { "" };
	void *bytes;
	size_t length;
	u16 *last;

	if (!tap_check(!splitter_build(&bytes, &length, "test", list, ARRAY_SIZE(list))))
		return;
	section = bytes;
	tap_check(head()->passes == 2 && head()->states[1] < head()->states[0]);
	tap_check(!llm_split_verify(section, length, &error));
	last = (u16 *)(section + length) - 1;
	*last = head()->states[1];
	tap_check(llm_split_verify(section, length, &error) == -EINVAL);
	tap_check(strstr(error.text, "pass 1 has no state"));
	free(bytes);
}

/* A million characters, each of which is followed to the end, would take hours. */
static void slow_tables_are_cut_short(void)
{
	static const char *const list[] = { "a+b|a", NULL };
	const u32 count = 1 << 20;
	u8 *marks = malloc(count);
	struct fixture f;

	setup(&f, list);
	memset(marks, llm_split_class(&f.split, 'a'), count);
	llm_split_mark(&f.split, marks, count);
	tap_check(marks[0] & LLM_SPLIT_BEGIN && marks[1] & LLM_SPLIT_BEGIN);
	tap_check(!(marks[count - 1] & LLM_SPLIT_BEGIN));
	teardown(&f);
	free(marks);
}

static const struct tap_test tests[] = {
	{ "texts become the pieces that the expressions say", texts_become_pieces },
	{ "what is compiled of every pre-tokenizer is accepted", every_pretokenizer_is_accepted },
	{ "expressions mean what they say", expressions_mean_what_they_say },
	{ "passes split the pieces of those before", passes_split_what_others_made },
	{ "bad expressions are refused", bad_expressions_are_refused },
	{ "bad tables are refused, with the reason", bad_tables_are_refused },
	{ "states that there are not are refused in every pass", every_pass_is_checked },
	{ "tables that were made to be slow are cut short", slow_tables_are_cut_short },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
