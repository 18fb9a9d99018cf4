// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/llm_image.h>

#include "folder.h"
#include "macros.h"
#include "unicode.h"

#define SPACE_MARK	0x2581
#define REPLACEMENT	0xfffd

/**
 * struct folder - a section as it is made
 * @options: what is to become of characters
 * @spaces: characters between words
 * @controls: characters that are left out
 * @marks: characters that go on others
 * @punctuation: characters that are words by themselves
 * @symbols: those of ASCII are too
 * @page: page of the code points in LLM_FOLD_PAGE each
 * @entries: pages of entries
 * @pages: how many
 */
struct folder {
	const struct folder_options *options;
	struct charset spaces;
	struct charset controls;
	struct charset marks;
	struct charset punctuation;
	struct charset symbols;
	__u16 page[LLM_FOLD_PAGES];
	__u32 entries[LLM_FOLD_PAGES][LLM_FOLD_PAGE];
	__u32 pages;
};

/* Ideographs, each of them a word: those of BERT's tokenizer as llama.cpp has them. */
static const struct charset_range ideographs[] = {
	{ 0x3400, 0x4dbf }, { 0x4e00, 0x9fff }, { 0xf900, 0xfaff }, { 0x20000, 0x2a6df },
	{ 0x2a700, 0x2b73f }, { 0x2b740, 0x2b81f }, { 0x2b920, 0x2ceaf }, { 0x2f800, 0x2fa1f },
};

static bool is_ideograph(__u32 point)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ideographs); i++)
		if (point >= ideographs[i].first && point <= ideographs[i].last)
			return true;
	return false;
}

static __u32 flags_of(const struct folder *f, __u32 point)
{
	if (charset_has(&f->spaces, point))
		return LLM_FOLD_SPACE;
	if (!point || point == REPLACEMENT || charset_has(&f->controls, point) ||
	    (f->options->strip_accents && charset_has(&f->marks, point)))
		return LLM_FOLD_DROP;
	if (charset_has(&f->punctuation, point) || is_ideograph(point) ||
	    (point < 0x7f && charset_has(&f->symbols, point)))
		return LLM_FOLD_ALONE;
	return 0;
}

static __u32 entry_of(const struct folder *f, __u32 point)
{
	__u32 base = f->options->strip_accents ? unicode_base(point) : point;
	__u32 flags = flags_of(f, base);
	__u32 to = f->options->lowercase ? unicode_lower(base) : base;

	/* Tokens have a space for it. */
	if (to == SPACE_MARK)
		to = ' ';
	/* What it becomes does not matter, and so there are fewer pages. */
	if (flags & (LLM_FOLD_SPACE | LLM_FOLD_DROP))
		to = point;
	return ((to - point) & LLM_FOLD_DELTA) | flags;
}

static void fill_page(struct folder *f, __u32 page)
{
	__u32 *entries = f->entries[f->pages];
	__u32 i, kept;

	for (i = 0; i < LLM_FOLD_PAGE; i++)
		entries[i] = entry_of(f, page * LLM_FOLD_PAGE + i);
	for (kept = 0; memcmp(f->entries[kept], entries, sizeof(f->entries[0])); kept++)
		;
	f->page[page] = kept;
	f->pages += kept == f->pages;
}

static int fill_sets(struct folder *f)
{
	struct charset *sets[] = { &f->controls, &f->marks, &f->punctuation, &f->symbols };
	static const char names[] = { 'C', 'M', 'P', 'S' };
	size_t i;

	unicode_add_spaces(&f->spaces);
	if (f->spaces.out_of_memory)
		return -ENOMEM;
	for (i = 0; i < ARRAY_SIZE(sets); i++) {
		unicode_add_category(sets[i], names[i]);
		charset_settle(sets[i]);
		if (sets[i]->out_of_memory)
			return -ENOMEM;
	}
	return 0;
}

static int assemble(const struct folder *f, void **bytes, size_t *length)
{
	struct llm_image_fold head = { .pages = f->pages };
	__u8 *at;

	*length = sizeof(head) + sizeof(f->page) + f->pages * sizeof(f->entries[0]);
	at = malloc(*length);
	if (!at)
		return -ENOMEM;
	*bytes = at;
	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), f->page, sizeof(f->page));
	memcpy(at + sizeof(head) + sizeof(f->page), f->entries,
	       f->pages * sizeof(f->entries[0]));
	return 0;
}

int folder_build(void **bytes, size_t *length, const struct folder_options *options)
{
	struct folder *f = calloc(1, sizeof(*f));
	__u32 i;
	int ret;

	if (!f)
		return -ENOMEM;
	f->options = options;
	ret = fill_sets(f);
	for (i = 0; i < LLM_FOLD_PAGES && !ret; i++)
		fill_page(f, i);
	if (!ret)
		ret = assemble(f, bytes, length);
	charset_destroy(&f->spaces);
	charset_destroy(&f->controls);
	charset_destroy(&f->marks);
	charset_destroy(&f->punctuation);
	charset_destroy(&f->symbols);
	free(f);
	return ret;
}
