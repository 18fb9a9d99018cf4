// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <string.h>

#include "charsmap.h"

/* What the kernel takes. */
#define MAX_TEXT		1024
#define MAX_REPLACEMENTS	(1U << 20)
/* Bytes of all that is replaced; parts of the array may be shared, so it has no bound. */
#define MAX_STEPS		(1U << 20)

/**
 * struct charsmap - a charsmap as it is walked
 * @c: compilation
 * @units: double array
 * @unit_count: how many
 * @texts: what is read instead
 * @texts_length: bytes
 * @from: text that leads to where the walk is
 * @count: replacements that were found
 * @steps: units that were gone to
 */
struct charsmap {
	struct compile *c;
	const __u8 *units;
	__u32 unit_count;
	const char *texts;
	__u64 texts_length;
	char from[MAX_TEXT];
	__u32 count;
	__u32 steps;
};

static __u32 unit_at(const struct charsmap *map, __u32 at)
{
	__u32 unit;

	/* They need not be aligned. */
	memcpy(&unit, map->units + 4 * (size_t)at, sizeof(unit));
	return unit;
}

/* What is added, without carry, to go from a unit to what is below it. */
static __u32 offset_of(__u32 unit)
{
	return unit >> 10 << ((unit & 1U << 9) >> 6);
}

/* Bytes of the character a text begins with, or 0 where that is not UTF-8. */
static int character_length(const char *text)
{
	static const __u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	__u8 first = *text;
	int length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	__u32 point = first & 0x7f >> length;
	int i;

	if (length == 1)
		return 1;
	for (i = 1; i < length; i++) {
		/* Texts end with a NUL, which is none that continues. */
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		point = point << 6 | (text[i] & 0x3f);
	}
	return first >= 0xc0 && first < 0xf8 && point >= least[length] && point < 0x110000 ?
	       length : 0;
}

/* Whether the kernel takes it for so many bytes: UTF-8, and not too much of it. */
static bool is_taken(const char *to, __u32 length)
{
	__u32 characters;
	int size;

	for (characters = 0; *to; characters++, to += size) {
		size = character_length(to);
		if (!size)
			return false;
	}
	return characters <= LLM_REPLACEMENT_GROWTH * length;
}

static void add_replacement(struct charsmap *map, __u32 value, __u32 length)
{
	__u64 at = value & 0x7fffffff;
	const char *to = map->texts + at;
	const char *end = at < map->texts_length ? memchr(to, 0, map->texts_length - at) : NULL;

	if (!end)
		compile_fail(map->c, EINVAL, "the charsmap has no text at %llu", at);
	else if (end - to > MAX_TEXT || ++map->count > MAX_REPLACEMENTS)
		compile_fail(map->c, EINVAL, "the charsmap has a text of %td bytes, or more than %u",
			     end - to, MAX_REPLACEMENTS);
	else if (!is_taken(to, length))
		compile_fail(map->c, EINVAL, "the charsmap's text at %llu is not UTF-8, or too long",
			     at);
	else
		image_add_replacement(&map->c->writer, map->from, length, to, end - to);
	if (map->c->writer.out_of_memory)
		compile_fail(map->c, ENOMEM, "not enough memory");
}

/* What is below a unit; @at is what a label is added to, without carry. */
static void walk(struct charsmap *map, __u32 at, __u32 length)
{
	__u32 label, child, unit, below;

	for (label = 1; label < 256 && !map->c->code; label++) {
		child = at ^ label;
		if (child >= map->unit_count) {
			compile_fail(map->c, EINVAL, "the charsmap goes on beyond its end");
			return;
		}
		unit = unit_at(map, child);
		if ((unit & 0x800000ff) != label)
			continue;
		if (map->steps++ == MAX_STEPS || length == MAX_TEXT) {
			compile_fail(map->c, EINVAL, "the charsmap is too large, or has no end");
			return;
		}
		map->from[length] = label;
		below = child ^ offset_of(unit);
		if (unit & 1U << 8 && below < map->unit_count)
			add_replacement(map, unit_at(map, below), length + 1);
		walk(map, below, length + 1);
	}
}

void compile_charsmap(struct compile *c, const __u8 *bytes, __u64 length)
{
	struct charsmap map = { .c = c };
	__u32 size = 0;

	if (c->code)
		return;
	if (length > sizeof(size))
		memcpy(&size, bytes, sizeof(size));
	if (size < 4 || size >= length - sizeof(size)) {
		compile_fail(c, EINVAL, "a charsmap of %llu bytes can't have %u bytes of units",
			     length, size);
		return;
	}
	map.units = bytes + sizeof(size);
	map.unit_count = size / 4;
	map.texts = (const char *)bytes + sizeof(size) + size;
	map.texts_length = length - sizeof(size) - size;
	walk(&map, offset_of(unit_at(&map, 0)), 0);
}
