// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "automaton.h"
#include "splitter.h"

/**
 * struct splitter - a section as it is made
 * @sets: sets of characters in the expressions
 * @expressions: expressions, one a pass
 * @alphabet: classes of characters
 * @automata: tables, one a pass
 * @count: of passes
 * @page: page of the code points in LLM_SPLIT_PAGE each
 * @classes: pages of classes
 * @pages: how many
 */
struct splitter {
	struct regex_sets sets;
	struct regex expressions[LLM_SPLIT_MAX_PASSES];
	struct alphabet alphabet;
	struct automaton automata[LLM_SPLIT_MAX_PASSES];
	size_t count;
	__u16 page[LLM_SPLIT_PAGES];
	__u8 classes[LLM_SPLIT_PAGES][LLM_SPLIT_PAGE];
	__u32 pages;
};

/* The class of characters that are in these sets; a new one if need be. */
static int find_class(struct alphabet *alphabet, __u64 members)
{
	__u32 i;

	for (i = 0; i < alphabet->count; i++)
		if (alphabet->members[i] == members)
			return i;
	if (i == LLM_SPLIT_MAX_CLASSES)
		return -E2BIG;
	alphabet->members[alphabet->count++] = members;
	return i;
}

/* Walks all sets side by side. */
static int fill_page(struct splitter *s, __u32 page, size_t *ranges)
{
	__u8 *classes = s->classes[s->pages];
	__u32 i, point, kept;
	int class;
	size_t j;

	for (i = 0; i < LLM_SPLIT_PAGE; i++) {
		__u64 members = 0;

		point = page * LLM_SPLIT_PAGE + i;
		for (j = 0; j < s->sets.count; j++) {
			const struct charset *set = &s->sets.sets[j];

			while (ranges[j] < set->count && set->ranges[ranges[j]].last < point)
				ranges[j]++;
			if (ranges[j] < set->count && set->ranges[ranges[j]].first <= point)
				members |= 1ULL << j;
		}
		class = find_class(&s->alphabet, members);
		if (class < 0)
			return class;
		classes[i] = class;
	}
	for (kept = 0; memcmp(s->classes[kept], classes, LLM_SPLIT_PAGE); kept++)
		;
	s->page[page] = kept;
	s->pages += kept == s->pages;
	return 0;
}

static int build_classes(struct splitter *s)
{
	size_t ranges[REGEX_MAX_SETS] = { 0 };
	__u32 page;
	int ret = 0;

	for (page = 0; page < LLM_SPLIT_PAGES && !ret; page++)
		ret = fill_page(s, page, ranges);
	return ret;
}

static int build_tables(struct splitter *s, const char *const *expressions, size_t count)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < count && !ret; i++)
		ret = regex_parse(&s->expressions[i], &s->sets, expressions[i]);
	if (!ret)
		ret = build_classes(s);
	for (i = 0; i < count && !ret; i++) {
		s->count++;
		ret = automaton_build(&s->automata[i], &s->expressions[i], &s->alphabet);
	}
	return ret;
}

static int assemble(const struct splitter *s, const char *name, void **bytes, size_t *length)
{
	struct llm_image_split head = {
		.classes = s->alphabet.count, .pages = s->pages, .passes = s->count,
	};
	size_t row = (s->alphabet.count + 1) * sizeof(__u16), i;
	__u8 *at;

	snprintf((char *)head.name, sizeof(head.name), "%s", name);
	*length = sizeof(head) + sizeof(s->page) + s->pages * sizeof(s->classes[0]);
	for (i = 0; i < s->count; i++) {
		head.states[i] = s->automata[i].states;
		*length += head.states[i] * row;
	}
	at = malloc(*length);
	if (!at)
		return -ENOMEM;
	*bytes = at;
	memcpy(at, &head, sizeof(head));
	at += sizeof(head);
	memcpy(at, s->page, sizeof(s->page));
	at += sizeof(s->page);
	memcpy(at, s->classes, s->pages * sizeof(s->classes[0]));
	at += s->pages * sizeof(s->classes[0]);
	for (i = 0; i < s->count; i++) {
		memcpy(at, s->automata[i].transitions, head.states[i] * row);
		at += head.states[i] * row;
	}
	return 0;
}

int splitter_build(void **bytes, size_t *length, const char *name,
		   const char *const *expressions, size_t count)
{
	struct splitter *s = calloc(1, sizeof(*s));
	size_t i;
	int ret;

	if (!s)
		return -ENOMEM;
	ret = build_tables(s, expressions, count);
	if (!ret)
		ret = assemble(s, name, bytes, length);
	for (i = 0; i < s->count; i++)
		free(s->automata[i].transitions);
	regex_sets_destroy(&s->sets);
	free(s);
	return ret;
}
