// SPDX-License-Identifier: GPL-2.0
#include "split.h"

#define RELAX_EVERY	4096

/* One pass over a text. @steps are the transitions that it may still take. */
struct pass {
	const u16 *transition;
	u32 classes;
	u8 *marks;
	u64 steps;
};

static u64 transitions_of(const struct llm_image_split *head, u32 pass)
{
	return (u64)head->states[pass] * (head->classes + 1);
}

static int verify_head(const struct llm_image_split *head, struct llm_error *error)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(head->reserved); i++)
		if (head->reserved[i])
			return llm_refuse(error, -EINVAL, "split: reserved fields are not zero");
	if (strnlen((const char *)head->name, sizeof(head->name)) == sizeof(head->name))
		return llm_refuse(error, -EINVAL, "split: the name is not NUL-terminated");
	if (!head->classes || head->classes > LLM_SPLIT_MAX_CLASSES)
		return llm_refuse(error, -EINVAL, "split: %u classes, there can be 1 to %u",
				  head->classes, LLM_SPLIT_MAX_CLASSES);
	if (!head->pages || head->pages > LLM_SPLIT_PAGES)
		return llm_refuse(error, -EINVAL, "split: %u pages, there can be 1 to %u",
				  head->pages, LLM_SPLIT_PAGES);
	if (!head->passes || head->passes > LLM_SPLIT_MAX_PASSES)
		return llm_refuse(error, -EINVAL, "split: %u passes, there can be 1 to %u",
				  head->passes, LLM_SPLIT_MAX_PASSES);
	for (i = 0; i < LLM_SPLIT_MAX_PASSES; i++) {
		if (i >= head->passes && head->states[i])
			return llm_refuse(error, -EINVAL,
					  "split: states of pass %u, there are %u passes", i,
					  head->passes);
		if (i < head->passes &&
		    (head->states[i] < 2 || head->states[i] > LLM_SPLIT_MAX_STATES))
			return llm_refuse(error, -EINVAL,
					  "split: pass %u has %u states, there can be 2 to %u", i,
					  head->states[i], LLM_SPLIT_MAX_STATES);
	}
	return 0;
}

static u64 whole_length(const struct llm_image_split *head)
{
	u64 length = sizeof(*head) + LLM_SPLIT_PAGES * sizeof(u16) +
		     (u64)head->pages * LLM_SPLIT_PAGE;
	u32 i;

	for (i = 0; i < head->passes; i++)
		length += transitions_of(head, i) * sizeof(u16);
	return length;
}

static void find_tables(struct llm_split *split, const u8 *bytes)
{
	split->head = (const struct llm_image_split *)bytes;
	split->page = (const u16 *)(split->head + 1);
	split->class = (const u8 *)(split->page + LLM_SPLIT_PAGES);
	split->transition = (const u16 *)(split->class +
					  (size_t)split->head->pages * LLM_SPLIT_PAGE);
}

static int verify_classes(const struct llm_split *split, struct llm_error *error)
{
	u32 count = split->head->pages * LLM_SPLIT_PAGE;
	u32 i;

	for (i = 0; i < LLM_SPLIT_PAGES; i++)
		if (split->page[i] >= split->head->pages)
			return llm_refuse(error, -EINVAL, "split: there is no page %u",
					  split->page[i]);
	for (i = 0; i < count; i++)
		if (split->class[i] >= split->head->classes)
			return llm_refuse(error, -EINVAL, "split: there is no class %u",
					  split->class[i]);
	return 0;
}

static int verify_states(const u16 *transition, u32 states, u64 count, u32 pass,
			 struct llm_error *error)
{
	u64 i;

	for (i = 0; i < count; i++)
		if ((transition[i] & ~LLM_SPLIT_MATCH) >= states)
			return llm_refuse(error, -EINVAL, "split: pass %u has no state %u", pass,
					  transition[i] & ~LLM_SPLIT_MATCH);
	return 0;
}

int llm_split_verify(const u8 *bytes, u64 length, struct llm_error *error)
{
	const struct llm_image_split *head = (const struct llm_image_split *)bytes;
	struct llm_split split;
	const u16 *transition;
	int err;
	u32 i;

	if (length < sizeof(*head))
		return llm_refuse(error, -EINVAL, "split: %llu bytes are too few",
				  (unsigned long long)length);
	err = verify_head(head, error);
	if (err)
		return err;
	if (length != whole_length(head))
		return llm_refuse(error, -EINVAL, "split: has %llu bytes, needs %llu",
				  (unsigned long long)length,
				  (unsigned long long)whole_length(head));
	find_tables(&split, bytes);
	err = verify_classes(&split, error);
	transition = split.transition;
	for (i = 0; i < head->passes && !err; i++) {
		err = verify_states(transition, head->states[i], transitions_of(head, i), i,
				    error);
		transition += transitions_of(head, i);
	}
	return err;
}

void llm_split_init(struct llm_split *split, const struct llm_image *image)
{
	find_tables(split, image->split);
}

/* Where the match that begins at @from ends, or @from where there is none. */
static u32 match(struct pass *p, u32 from, u32 to)
{
	u32 state = LLM_SPLIT_START;
	u32 end = from;
	u32 at;

	for (at = from; state && p->steps; at++) {
		u32 class = at < to ? p->marks[at] & ~LLM_SPLIT_BEGIN : p->classes;

		p->steps--;
		state = p->transition[state * (p->classes + 1) + class];
		if (state & LLM_SPLIT_MATCH)
			end = at;
		if (at == to)
			break;
		state &= ~LLM_SPLIT_MATCH;
		if (at % RELAX_EVERY == 0)
			llm_relax_long();
	}
	return end;
}

static void split_piece(struct pass *p, u32 from, u32 to)
{
	u32 end;

	while (from < to && p->steps) {
		end = match(p, from, to);
		if (end == from) {
			from++;
			continue;
		}
		p->marks[from] |= LLM_SPLIT_BEGIN;
		if (end < to)
			p->marks[end] |= LLM_SPLIT_BEGIN;
		from = end;
	}
}

void llm_split_mark(const struct llm_split *split, u8 *marks, u32 count)
{
	struct pass p = {
		.transition = split->transition,
		.classes = split->head->classes,
		.marks = marks,
	};
	u32 i, from, to;

	if (!count)
		return;
	marks[0] |= LLM_SPLIT_BEGIN;
	for (i = 0; i < split->head->passes; i++) {
		p.steps = (u64)count * LLM_SPLIT_MOST_STEPS;
		for (from = 0; from < count; from = to) {
			for (to = from + 1; to < count && !(marks[to] & LLM_SPLIT_BEGIN);)
				to++;
			split_piece(&p, from, to);
		}
		p.transition += transitions_of(split->head, i);
	}
}
