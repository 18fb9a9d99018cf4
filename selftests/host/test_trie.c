// SPDX-License-Identifier: GPL-2.0
/* The trie of texts, compared with looking at each of them. */
#include <stdlib.h>
#include <string.h>

#include "tap.h"
#include "trie.h"

#define TEXTS	60
#define LONGEST	12
#define ROUNDS	300

/**
 * struct fixture - texts in a trie, and beside it
 * @strings: the texts, one after the other
 * @text: where each begins
 * @length: its bytes
 * @count: how many there are
 * @trie: the trie
 */
struct fixture {
	u8 strings[TEXTS * LONGEST];
	u32 text[TEXTS];
	u32 length[TEXTS];
	u32 count;
	struct llm_trie trie;
};

/* The numbers of a linear congruential generator (Knuth). */
static u32 next_random(u64 *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 33;
}

/* Few letters, so that many begin alike and some are the same. */
static void fill(struct fixture *f, u64 *random)
{
	u32 used = 0, i, j;

	memset(f, 0, sizeof(*f));
	f->count = 1 + next_random(random) % TEXTS;
	for (i = 0; i < f->count; i++) {
		f->text[i] = used;
		f->length[i] = 1 + next_random(random) % LONGEST;
		for (j = 0; j < f->length[i]; j++)
			f->strings[used++] = 'a' + next_random(random) % 2;
	}
}

static void make(struct fixture *f, bool finish)
{
	struct llm_error error = { "" };
	u32 i;

	tap_check(!llm_trie_create(&f->trie, f->strings, f->count, &error));
	for (i = 0; i < f->count; i++)
		tap_check(llm_trie_add(&f->trie, f->text[i], f->length[i], i));
	if (finish)
		tap_check(!llm_trie_finish(&f->trie, &error));
	tap_check(f->trie.count <= 2 * f->count + 1);
}

/* The first text that is as long as that and begins so, or LLM_IMAGE_NONE. */
static u32 look(const struct fixture *f, const u8 *text, u32 length)
{
	u32 i;

	for (i = 0; i < f->count; i++)
		if (f->length[i] == length && !memcmp(f->strings + f->text[i], text, length))
			return i;
	return LLM_IMAGE_NONE;
}

static bool is_right(const struct fixture *f, const u8 *text, u32 length)
{
	struct llm_trie_walk walk = { 0 };
	u32 longest = LLM_IMAGE_NONE, end = 0, ends = 0, at;

	for (at = 1; at <= length; at++) {
		u32 wanted = look(f, text, at);

		if (wanted == LLM_IMAGE_NONE)
			continue;
		if (llm_trie_next(&f->trie, &walk, text, length) != wanted || walk.end != at)
			return false;
		longest = wanted;
		end = at;
	}
	return llm_trie_next(&f->trie, &walk, text, length) == LLM_IMAGE_NONE &&
	       llm_trie_longest(&f->trie, text, length, 0, &ends) == longest && ends == end;
}

static void finds_what_is_there(void)
{
	u8 text[LONGEST + 2];
	u64 random = 1;
	struct fixture f;
	u32 i, j, k;

	for (i = 0; i < ROUNDS; i++) {
		fill(&f, &random);
		make(&f, i % 2);
		for (j = 0; j < ROUNDS; j++) {
			u32 length = next_random(&random) % (sizeof(text) + 1);

			for (k = 0; k < length; k++)
				text[k] = 'a' + next_random(&random) % 2;
			tap_check(is_right(&f, text, length));
		}
		llm_trie_destroy(&f.trie);
	}
}

/* Each text alone, whatever the byte. */
static void finds_every_byte(void)
{
	struct llm_error error = { "" };
	struct llm_trie trie = { 0 };
	u8 strings[256];
	u32 i, end;

	for (i = 0; i < sizeof(strings); i++)
		strings[i] = i;
	tap_check(!llm_trie_create(&trie, strings, 256, &error));
	for (i = 0; i < 256; i += 2)
		tap_check(llm_trie_add(&trie, i, 1, i));
	tap_check(!llm_trie_finish(&trie, &error));
	for (i = 0; i < 256; i++)
		tap_check(llm_trie_longest(&trie, strings + i, 1, 0, &end) ==
			  (i % 2 ? LLM_IMAGE_NONE : i));
	llm_trie_destroy(&trie);
}

static void memory_is_for_texts_not_for_bytes(void)
{
	struct llm_error error = { "" };
	struct llm_trie trie = { 0 };
	u8 strings[1024];
	u32 end;

	memset(strings, 'x', sizeof(strings));
	tap_check(!llm_trie_create(&trie, strings, 2, &error));
	tap_check(llm_trie_add(&trie, 0, sizeof(strings), 0));
	tap_check(llm_trie_add(&trie, 0, 500, 1));
	tap_check(!llm_trie_finish(&trie, &error));
	tap_check(trie.count == 3);
	tap_check(llm_trie_memory(&trie) < 200);
	tap_check(llm_trie_longest(&trie, strings, sizeof(strings), 0, &end) == 0 &&
		  end == sizeof(strings));
	tap_check(llm_trie_longest(&trie, strings, sizeof(strings) - 1, 0, &end) == 1 &&
		  end == 500);
	llm_trie_destroy(&trie);
}

static const struct tap_test tests[] = {
	{ "it finds what is there, the lowest of those that are alike", finds_what_is_there },
	{ "it finds every byte", finds_every_byte },
	{ "it takes memory for texts, not for their bytes", memory_is_for_texts_not_for_bytes },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
