// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "automaton.h"

/* Instructions that are being tried, first those that go before others. */
struct tried {
	__u16 insns[REGEX_MAX_INSNS];
	__u32 count;
};

/*
 * The states as they are found. @members are the sets of the next character, or
 * @at_end that there is none.
 */
struct builder {
	const struct regex *regex;
	const struct alphabet *alphabet;
	struct automaton *automaton;
	struct tried *states;
	__u64 members;
	bool at_end;
	bool matched;
	bool seen[REGEX_MAX_INSNS];
};

/* Follows what takes no character, then takes one. */
static void step(struct builder *b, size_t insn, struct tried *next)
{
	const struct regex_insn *i = &b->regex->insns[insn];
	bool has = !b->at_end && (i->op == REGEX_SET || i->op == REGEX_AHEAD) &&
		   b->members >> i->a & 1;

	if (b->matched || b->seen[insn])
		return;
	b->seen[insn] = true;
	switch (i->op) {
	case REGEX_SET:
		if (has)
			next->insns[next->count++] = insn + 1;
		break;
	case REGEX_FORK:
		step(b, insn + i->a, next);
		step(b, insn + i->b, next);
		break;
	case REGEX_JUMP:
		step(b, insn + i->a, next);
		break;
	case REGEX_AHEAD:
		if (has || (b->at_end && i->b))
			step(b, insn + 1, next);
		break;
	case REGEX_MATCH:
		b->matched = true;
		break;
	}
}

/* The number of a state, which is added if it is new. The empty one is 0. */
static int find_state(struct builder *b, const struct tried *tried)
{
	struct tried *grown;
	__u16 *longer;
	__u32 i, width = b->alphabet->count + 1;

	for (i = 0; i < b->automaton->states; i++)
		if (b->states[i].count == tried->count &&
		    !memcmp(b->states[i].insns, tried->insns,
			    tried->count * sizeof(tried->insns[0])))
			return i;
	if (i == LLM_SPLIT_MAX_STATES)
		return -E2BIG;
	grown = realloc(b->states, (i + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	b->states = grown;
	grown[i] = *tried;
	longer = realloc(b->automaton->transitions, (i + 1) * width * sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	b->automaton->transitions = longer;
	memset(longer + i * width, 0, width * sizeof(*longer));
	b->automaton->states++;
	return i;
}

static int add_transition(struct builder *b, __u32 state, __u32 class)
{
	struct tried next = { .count = 0 };
	__u32 width = b->alphabet->count + 1, i;
	int to = 0;

	b->at_end = class == b->alphabet->count;
	b->members = b->at_end ? 0 : b->alphabet->members[class];
	b->matched = false;
	memset(b->seen, 0, sizeof(b->seen));
	for (i = 0; i < b->states[state].count; i++)
		step(b, b->states[state].insns[i], &next);
	if (next.count)
		to = find_state(b, &next);
	if (to < 0)
		return to;
	b->automaton->transitions[state * width + class] =
		to | (b->matched ? LLM_SPLIT_MATCH : 0);
	return 0;
}

static int build(struct builder *b)
{
	struct tried none = { .count = 0 }, first = { .insns = { 0 }, .count = 1 };
	__u32 state, class;
	int ret;

	ret = find_state(b, &none);
	if (ret >= 0)
		ret = find_state(b, &first);
	for (state = LLM_SPLIT_START; ret >= 0 && state < b->automaton->states; state++)
		for (class = 0; ret >= 0 && class <= b->alphabet->count; class++)
			ret = add_transition(b, state, class);
	return ret < 0 ? ret : 0;
}

int automaton_build(struct automaton *automaton, const struct regex *regex,
		    const struct alphabet *alphabet)
{
	struct builder *b = calloc(1, sizeof(*b));
	int ret;

	if (!b)
		return -ENOMEM;
	*automaton = (struct automaton) { 0 };
	b->regex = regex;
	b->alphabet = alphabet;
	b->automaton = automaton;
	ret = build(b);
	free(b->states);
	free(b);
	return ret;
}
