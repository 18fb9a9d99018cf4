// SPDX-License-Identifier: LGPL-2.1-or-later
#include "macros.h"
#include "unicode.h"

/* PropList.txt of the Unicode Character Database, White_Space. */
static const struct charset_range spaces[] = {
	{ 0x09, 0x0d }, { 0x20, 0x20 }, { 0x85, 0x85 }, { 0xa0, 0xa0 }, { 0x1680, 0x1680 },
	{ 0x2000, 0x200a }, { 0x2028, 0x2029 }, { 0x202f, 0x202f }, { 0x205f, 0x205f },
	{ 0x3000, 0x3000 },
};

bool unicode_add_category(struct charset *set, char name)
{
	bool found = false;
	__u32 end;
	size_t i;

	for (i = 0; i < unicode_category_count; i++) {
		if (!name || unicode_categories[i].name != name)
			continue;
		end = i + 1 < unicode_category_count ? unicode_categories[i + 1].first :
						       CHARSET_END;
		charset_add(set, unicode_categories[i].first, end - 1);
		found = true;
	}
	return found;
}

void unicode_add_spaces(struct charset *set)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(spaces); i++)
		charset_add(set, spaces[i].first, spaces[i].last);
}

static __u32 map(const struct unicode_mapping *mappings, size_t count, __u32 point)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (point > mappings[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == count || point < mappings[low].first)
		return point;
	if (!mappings[low].step)
		return mappings[low].first + mappings[low].delta;
	if ((point - mappings[low].first) % mappings[low].step)
		return point;
	return point + mappings[low].delta;
}

__u32 unicode_lower(__u32 point)
{
	return map(unicode_lowercase, unicode_lowercase_count, point);
}

__u32 unicode_base(__u32 point)
{
	return map(unicode_decomposed, unicode_decomposed_count, point);
}
