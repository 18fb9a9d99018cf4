// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdlib.h>
#include <string.h>

#include "symbols.h"

/* FNV-1a (Fowler, Noll, Vo). */
static __u32 hash(const char *text, __u32 length)
{
	__u32 sum = 0x811c9dc5, i;

	for (i = 0; i < length; i++)
		sum = (sum ^ (unsigned char)text[i]) * 0x01000193;
	return sum;
}

/* The place of a text, or the free one where it would be. */
static struct symbols_entry *place(const struct symbols *symbols, const char *text, __u32 length)
{
	struct symbols_entry *entry;
	__u32 at = hash(text, length);

	for (;; at++) {
		entry = &symbols->entries[at & (symbols->room - 1)];
		if (!entry->text ||
		    (entry->length == length && !memcmp(entry->text, text, length)))
			return entry;
	}
}

static bool grow(struct symbols *symbols)
{
	struct symbols grown = { .room = symbols->room ? 2 * symbols->room : 1024 };
	__u32 i;

	if (symbols->room >= 2 * (symbols->count + 1))
		return true;
	grown.entries = calloc(grown.room, sizeof(*grown.entries));
	if (!grown.entries) {
		symbols->out_of_memory = true;
		return false;
	}
	grown.count = symbols->count;
	for (i = 0; i < symbols->room; i++)
		if (symbols->entries[i].text)
			*place(&grown, symbols->entries[i].text, symbols->entries[i].length) =
				symbols->entries[i];
	free(symbols->entries);
	*symbols = grown;
	return true;
}

void symbols_set(struct symbols *symbols, const char *text, __u32 length, __u32 number)
{
	struct symbols_entry *entry;

	if (symbols->out_of_memory || !grow(symbols))
		return;
	entry = place(symbols, text, length);
	if (!entry->text) {
		*entry = (struct symbols_entry) { .text = text, .length = length };
		symbols->count++;
	}
	entry->number = number;
}

__u32 symbols_find(const struct symbols *symbols, const char *text, __u32 length)
{
	const struct symbols_entry *entry;

	if (!symbols->room)
		return SYMBOLS_NONE;
	entry = place(symbols, text, length);
	return entry->text ? entry->number : SYMBOLS_NONE;
}

__u32 symbols_make(struct symbols *symbols, const char *text, __u32 length, __u32 *next)
{
	__u32 number = symbols_find(symbols, text, length);
	char *copy;

	if (number != SYMBOLS_NONE || symbols->out_of_memory)
		return number;
	copy = malloc(length + 1);
	if (!copy) {
		symbols->out_of_memory = true;
		return SYMBOLS_NONE;
	}
	memcpy(copy, text, length);
	symbols_set(symbols, copy, length, *next);
	if (symbols->out_of_memory) {
		free(copy);
		return SYMBOLS_NONE;
	}
	place(symbols, copy, length)->made = true;
	return (*next)++;
}

void symbols_destroy(struct symbols *symbols)
{
	__u32 i;

	for (i = 0; i < symbols->room; i++)
		if (symbols->entries[i].made)
			free((char *)symbols->entries[i].text);
	free(symbols->entries);
	*symbols = (struct symbols) { 0 };
}
