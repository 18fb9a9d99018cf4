/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LLMCTL_UNICODE_H
#define LLMCTL_UNICODE_H

#include "charset.h"

/**
 * struct unicode_category - where code points of one general category begin
 * @first: the first of them; they end where the next ones begin
 * @name: the first letter of the category's name, or 0 where none is assigned
 */
struct unicode_category {
	__u32 first;
	char name;
};

/**
 * struct unicode_mapping - code points that become others
 * @first: the first of them
 * @last: the last of them
 * @step: from one to the next
 * @delta: what is added to each; with @step 0 all become @first + @delta
 */
struct unicode_mapping {
	__u32 first;
	__u32 last;
	__u32 step;
	__s32 delta;
};

/* Tables that scripts/unicode-tables.py wrote, in the order of code points. */
extern const struct unicode_category unicode_categories[];
extern const size_t unicode_category_count;
extern const struct unicode_mapping unicode_lowercase[];
extern const size_t unicode_lowercase_count;
extern const struct unicode_mapping unicode_decomposed[];
extern const size_t unicode_decomposed_count;

/**
 * unicode_add_category() - adds the code points of a general category to a set
 * @set: set
 * @name: first letter of its name, such as 'L' for letters
 *
 * Return: whether there are any.
 */
bool unicode_add_category(struct charset *set, char name);

/**
 * unicode_add_spaces() - adds the code points with the property White_Space
 * @set: set
 */
void unicode_add_spaces(struct charset *set);

/**
 * unicode_lower() - the small letter of a letter
 * @point: code point
 *
 * Return: its simple lowercase mapping, or itself.
 */
__u32 unicode_lower(__u32 point);

/**
 * unicode_base() - what a character begins with when its marks are taken off it
 * @point: code point
 *
 * Return: the first code point of its canonical decomposition.
 */
__u32 unicode_base(__u32 point);

#endif /* LLMCTL_UNICODE_H */
