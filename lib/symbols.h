/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LLMCTL_SYMBOLS_H
#define LLMCTL_SYMBOLS_H

#include <stdbool.h>

#include <linux/types.h>

/** SYMBOLS_NONE - no such symbol. */
#define SYMBOLS_NONE	0xffffffffU

/**
 * struct symbols_entry - a text and its number
 * @text: text; owned where @made, else it outlives the table; NULL in a free place
 * @length: bytes
 * @number: number
 * @made: whether the table made a copy of it
 */
struct symbols_entry {
	const char *text;
	__u32 length;
	__u32 number;
	bool made;
};

/**
 * struct symbols - texts and their numbers; a hash table
 * @entries: @room places, a power of two, at most half of them taken
 * @room: see there
 * @count: texts
 * @out_of_memory: an addition failed; the table is not whole
 *
 * Zeroed, it is empty.
 */
struct symbols {
	struct symbols_entry *entries;
	__u32 room;
	__u32 count;
	bool out_of_memory;
};

/**
 * symbols_set() - gives a text a number, whether or not it had one
 * @symbols: table
 * @text: text; outlives the table
 * @length: bytes
 * @number: number
 */
void symbols_set(struct symbols *symbols, const char *text, __u32 length, __u32 number);

/**
 * symbols_find() - the number of a text
 * @symbols: table
 * @text: text
 * @length: bytes
 *
 * Return: the number, or SYMBOLS_NONE.
 */
__u32 symbols_find(const struct symbols *symbols, const char *text, __u32 length);

/**
 * symbols_make() - the number of a text, a new one if it has none
 * @symbols: table
 * @text: text; is copied
 * @length: bytes
 * @next: the new number; one more afterwards
 *
 * Return: the number.
 */
__u32 symbols_make(struct symbols *symbols, const char *text, __u32 length, __u32 *next);

/**
 * symbols_destroy() - frees its memory
 * @symbols: table
 */
void symbols_destroy(struct symbols *symbols);

#endif /* LLMCTL_SYMBOLS_H */
