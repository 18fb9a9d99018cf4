// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

/*
 * Names from a file may end up in a reason: no control character of theirs
 * shall reach a terminal. Bytes from 0x80 on are parts of UTF-8 characters,
 * but for the controls U+0080..U+009F, whose first byte is 0xc2.
 */
static void make_printable(char *text)
{
	unsigned char *c = (unsigned char *)text;

	for (; *c; c++) {
		if (*c < 0x20 || *c == 0x7f)
			*c = '?';
		else if (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f)
			memcpy(c, "??", 2);
	}
}

int llmctl_fail(struct llmctl_error *error, int code, const char *format, ...)
{
	va_list args;

	if (!error || error->code)
		return -code;
	error->code = code;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	make_printable(error->text);
	return -code;
}
