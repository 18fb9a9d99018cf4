// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "utf8.h"

/* Objects and arrays that are open, and whether the innermost has a member. */
static unsigned int depth;
static bool has_member;

static void write_string(const void *text, size_t length)
{
	const unsigned char *at = text, *end = at + length;

	putchar('"');
	while (at < end) {
		size_t n = utf8_length(at, end - at);

		if (!n)
			fputs("\\ufffd", stdout);
		else if (*at == '"' || *at == '\\')
			printf("\\%c", *at);
		else if (*at < 0x20 || *at == 0x7f)
			printf("\\u%04x", *at);
		else
			fwrite(at, 1, n, stdout);
		at += n ? n : 1;
	}
	putchar('"');
}

static void begin_value(const char *name)
{
	if (has_member)
		putchar(',');
	has_member = true;
	if (name) {
		write_string(name, strlen(name));
		putchar(':');
	}
}

static void open_value(const char *name, char bracket)
{
	begin_value(name);
	putchar(bracket);
	depth++;
	has_member = false;
}

static void close_value(char bracket)
{
	putchar(bracket);
	depth--;
	has_member = depth > 0;
	if (!depth)
		putchar('\n');
}

void json_object(const char *name)
{
	open_value(name, '{');
}

void json_object_end(void)
{
	close_value('}');
}

void json_array(const char *name)
{
	open_value(name, '[');
}

void json_array_end(void)
{
	close_value(']');
}

void json_text(const char *name, const char *text)
{
	json_bytes(name, text, strlen(text));
}

void json_bytes(const char *name, const void *text, size_t length)
{
	begin_value(name);
	write_string(text, length);
}

void json_whole(const char *name, __u64 value)
{
	begin_value(name);
	printf("%llu", value);
}

static void write_number(const char *name, double value, int digits)
{
	begin_value(name);
	if (isfinite(value))
		printf("%.*f", digits, value);
	else
		fputs("null", stdout);
}

void json_number(const char *name, double value)
{
	write_number(name, value, 6);
}

void json_fraction(const char *name, double value)
{
	write_number(name, value, 9);
}

void json_bool(const char *name, bool value)
{
	begin_value(name);
	fputs(value ? "true" : "false", stdout);
}
