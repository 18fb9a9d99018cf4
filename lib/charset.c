// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdlib.h>

#include "charset.h"

void charset_add(struct charset *set, __u32 first, __u32 last)
{
	struct charset_range *grown;
	size_t room;

	if (set->count == set->room) {
		room = set->room ? 2 * set->room : 8;
		grown = realloc(set->ranges, room * sizeof(*grown));
		if (!grown) {
			set->out_of_memory = true;
			return;
		}
		set->ranges = grown;
		set->room = room;
	}
	set->ranges[set->count++] = (struct charset_range) { first, last };
}

static int by_first(const void *a, const void *b)
{
	const struct charset_range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

void charset_settle(struct charset *set)
{
	struct charset_range *last;
	size_t used = 0, i;

	if (!set->count)
		return;
	qsort(set->ranges, set->count, sizeof(*set->ranges), by_first);
	for (i = 1; i < set->count; i++) {
		last = &set->ranges[used];
		if (set->ranges[i].first > last->last + 1)
			set->ranges[++used] = set->ranges[i];
		else if (set->ranges[i].last > last->last)
			last->last = set->ranges[i].last;
	}
	set->count = used + 1;
}

void charset_invert(struct charset *set)
{
	struct charset inverted = { .out_of_memory = set->out_of_memory };
	__u32 next = 0;
	size_t i;

	for (i = 0; i < set->count; i++) {
		if (set->ranges[i].first > next)
			charset_add(&inverted, next, set->ranges[i].first - 1);
		next = set->ranges[i].last + 1;
	}
	if (next < CHARSET_END)
		charset_add(&inverted, next, CHARSET_END - 1);
	free(set->ranges);
	*set = inverted;
}

void charset_intersect(struct charset *set, const struct charset *other)
{
	struct charset both = { .out_of_memory = set->out_of_memory || other->out_of_memory };
	size_t i = 0, j = 0;

	while (i < set->count && j < other->count) {
		const struct charset_range *a = &set->ranges[i], *b = &other->ranges[j];
		__u32 first = a->first > b->first ? a->first : b->first;
		__u32 last = a->last < b->last ? a->last : b->last;

		if (first <= last)
			charset_add(&both, first, last);
		if (a->last < b->last)
			i++;
		else
			j++;
	}
	free(set->ranges);
	*set = both;
}

bool charset_has(const struct charset *set, __u32 point)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (point > set->ranges[middle].last)
			low = middle + 1;
		else
			high = middle;
	}
	return low < set->count && point >= set->ranges[low].first;
}

void charset_destroy(struct charset *set)
{
	free(set->ranges);
	*set = (struct charset) { 0 };
}
