/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Regular expressions over code points, as instructions of a machine that tries
 * alternatives in order (Ken Thompson, "Regular expression search algorithm",
 * 1968; Russ Cox, "Regular expression matching: the virtual machine approach",
 * 2009). What is understood is what the expressions of tokenizers need:
 *
 *	x|y  x?  x*  x+  x{2}  x{1,3}  (?:x)
 *	[a-z\s]  [^a-z]  [\p{L}&&[^a-z]]  \p{L}  \s  \S  \r  \n  \t  \\ and so on
 *	(?=[a-z])  (?!\S)	the next character is, or is not, of a set
 *	$			nothing follows
 *
 * \p{} has the general categories of Unicode, one letter or two; \s is the
 * property White_Space.
 */
#ifndef LLMCTL_REGEX_H
#define LLMCTL_REGEX_H

#include "charset.h"

/** REGEX_MAX_INSNS - instructions an expression can have. */
#define REGEX_MAX_INSNS		2048
/** REGEX_MAX_SETS - sets of characters that the expressions of a tokenizer can have. */
#define REGEX_MAX_SETS		64

/**
 * enum regex_op - instructions
 * @REGEX_SET: takes a character that is in set @a
 * @REGEX_FORK: goes on @a instructions further and, if that fails, @b
 * @REGEX_JUMP: goes on @a instructions further
 * @REGEX_AHEAD: goes on if the next character is in set @a, or there is none and
 *	@b is not 0
 * @REGEX_MATCH: has matched
 */
enum regex_op {
	REGEX_SET,
	REGEX_FORK,
	REGEX_JUMP,
	REGEX_AHEAD,
	REGEX_MATCH,
};

/**
 * struct regex_insn - an instruction
 * @op: enum regex_op
 * @a: see there
 * @b: see there
 */
struct regex_insn {
	enum regex_op op;
	int a;
	int b;
};

/**
 * struct regex_sets - the sets of characters of some expressions
 * @sets: settled sets, no two alike
 * @count: how many
 */
struct regex_sets {
	struct charset sets[REGEX_MAX_SETS];
	size_t count;
};

/**
 * struct regex - an expression
 * @insns: instructions; the last one is REGEX_MATCH
 * @count: how many
 */
struct regex {
	struct regex_insn insns[REGEX_MAX_INSNS];
	size_t count;
};

/**
 * regex_parse() - makes instructions of an expression
 * @regex: filled
 * @sets: gets its sets
 * @text: expression, UTF-8
 *
 * Return: 0, -EINVAL for what is not understood or is too long, -ENOMEM.
 */
int regex_parse(struct regex *regex, struct regex_sets *sets, const char *text);

/**
 * regex_sets_destroy() - frees the sets
 * @sets: sets
 */
void regex_sets_destroy(struct regex_sets *sets);

#endif /* LLMCTL_REGEX_H */
