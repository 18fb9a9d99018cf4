// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include <linux/types.h>

#include "utf8.h"

size_t utf8_length(const unsigned char *text, size_t length)
{
	static const __u32 least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	__u32 code;
	size_t i, n;

	if (text[0] < 0x80)
		return 1;
	n = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
	if (text[0] < 0xc0 || text[0] > 0xf7 || n > length)
		return 0;
	code = text[0] & (0xff >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	return n;
}

static int is_control(const unsigned char *character)
{
	return *character < 0x20 || *character == 0x7f ||
	       (*character == 0xc2 && character[1] < 0xa0);
}

void utf8_print(const void *text, size_t length)
{
	const unsigned char *at = text, *end = at + length;

	while (at < end) {
		size_t n = utf8_length(at, end - at);

		if (*at == '\n') {
			fputs("\\n", stdout);
		} else if (*at == '\\') {
			fputs("\\\\", stdout);
		} else if (!n || is_control(at)) {
			printf("\\x%02x", *at);
			n = 1;
		} else {
			fwrite(at, 1, n, stdout);
		}
		at += n;
	}
}
