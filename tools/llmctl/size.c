// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "size.h"

static struct size_text scale(__u64 value, unsigned int step, const char *const *units)
{
	struct size_text result;
	double scaled = value;
	int unit = 0;

	while (scaled >= step && units[unit + 1]) {
		scaled /= step;
		unit++;
	}
	snprintf(result.text, sizeof(result.text), unit ? "%.1f %s" : "%.0f %s", scaled,
		 units[unit]);
	return result;
}

struct size_text size_bytes(__u64 bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", NULL };

	return scale(bytes, 1024, units);
}

struct size_text size_count(__u64 count)
{
	static const char *const units[] = { "", "K", "M", "G", "T", NULL };

	return scale(count, 1000, units);
}
