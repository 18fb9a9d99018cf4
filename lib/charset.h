/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LLMCTL_CHARSET_H
#define LLMCTL_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

/** CHARSET_END - one more than the last code point. */
#define CHARSET_END		0x110000

/**
 * struct charset_range - code points that follow each other
 * @first: the first of them
 * @last: the last of them
 */
struct charset_range {
	__u32 first;
	__u32 last;
};

/**
 * struct charset - a set of code points
 * @ranges: what is in it; rising and apart after charset_settle()
 * @count: how many ranges
 * @room: ranges there is memory for
 * @out_of_memory: an addition failed; the set is not whole
 *
 * Zeroed, it is an empty set.
 */
struct charset {
	struct charset_range *ranges;
	size_t count;
	size_t room;
	bool out_of_memory;
};

/**
 * charset_add() - adds code points
 * @set: set
 * @first: the first of them
 * @last: the last of them, not less
 */
void charset_add(struct charset *set, __u32 first, __u32 last);

/**
 * charset_settle() - puts the ranges in order; needed before what follows
 * @set: set
 */
void charset_settle(struct charset *set);

/**
 * charset_invert() - makes a set what it was not
 * @set: settled set
 */
void charset_invert(struct charset *set);

/**
 * charset_intersect() - leaves what is also in another set
 * @set: settled set
 * @other: settled set
 */
void charset_intersect(struct charset *set, const struct charset *other);

/**
 * charset_has() - whether a code point is in a set
 * @set: settled set
 * @point: code point
 */
bool charset_has(const struct charset *set, __u32 point);

/**
 * charset_destroy() - frees its memory and empties it
 * @set: set
 */
void charset_destroy(struct charset *set);

#endif /* LLMCTL_CHARSET_H */
