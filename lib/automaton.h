/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LLMCTL_AUTOMATON_H
#define LLMCTL_AUTOMATON_H

#include <linux/llm_image.h>

#include "regex.h"

/**
 * struct alphabet - characters that no set of some expressions tells apart are one
 *	class
 * @members: sets, as bits, that the characters of each class are in
 * @count: classes
 */
struct alphabet {
	__u64 members[LLM_SPLIT_MAX_CLASSES];
	__u32 count;
};

/**
 * struct automaton - the tables of struct llm_image_split that belong to one
 *	expression
 * @transitions: @states rows of one entry a class and one for the end
 * @states: rows
 */
struct automaton {
	__u16 *transitions;
	__u32 states;
};

/**
 * automaton_build() - makes the tables of an expression
 * @automaton: filled; @transitions is for free()
 * @regex: expression
 * @alphabet: classes of its characters
 *
 * The tables match what the instructions would: the first alternative that
 * matches, not the longest. A state is the ordered list of instructions that are
 * being tried, a transition steps all of them over one character, and those
 * after one that has matched are dropped (Russ Cox, "Regular expression matching
 * in the wild", 2010). That a match ends before a character is known when the
 * character is, hence look-ahead of one.
 *
 * Return: 0, -E2BIG for too many states, -ENOMEM.
 */
int automaton_build(struct automaton *automaton, const struct regex *regex,
		    const struct alphabet *alphabet);

#endif /* LLMCTL_AUTOMATON_H */
