// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "report.h"

bool parse_whole(const char *text, __u64 least, __u64 most, __u64 *value)
{
	unsigned long long number;
	char *end;

	/* strtoull() takes spaces and signs. */
	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno || *end || number < least || number > most)
		return false;
	*value = number;
	return true;
}

bool parse_number(const char *text, double least, double most, double *value)
{
	double number;
	char *end;

	/* strtod() takes spaces, hexadecimal numbers, "inf" and "nan". */
	if (!*text || text[strspn(text, "0123456789+-.eE")])
		return false;
	number = strtod(text, &end);
	if (end == text || *end || !isfinite(number) || number < least || number > most)
		return false;
	*value = number;
	return true;
}

/* How the user calls it: with the dashes that were used. */
static void option_words(const struct option *option, char *to, size_t size)
{
	if (option->name)
		snprintf(to, size, "--%s", option->name);
	else
		snprintf(to, size, "-%c", option->letter);
}

static bool take_value(const struct option *option, const char *text)
{
	__u64 whole;
	char words[64];

	option_words(option, words, sizeof(words));
	switch (option->kind) {
	case OPTION_TEXT:
		*(const char **)option->target = text;
		return true;
	case OPTION_WHOLE:
		/* A double does not hold the greatest 64-bit number. */
		whole = option->most >= 0x1p64 ? UINT64_MAX - 1 : (__u64)option->most;
		if (parse_whole(text, option->least, whole, option->target))
			return true;
		usage_error("%s: '%s' is not a whole number between %.0f and %llu", words, text,
			    option->least, whole);
		return false;
	case OPTION_NUMBER:
		if (parse_number(text, option->least, option->most, option->target))
			return true;
		usage_error("%s: '%s' is not a number between %g and %g", words, text,
			    option->least, option->most);
		return false;
	default:
		if (option->take(option->target, text))
			return true;
		usage_error("%s: '%s' is not %s", words, text, option->wanted);
		return false;
	}
}

static const struct option *find_long(const struct option *const *tables, const char *name,
				      size_t length)
{
	const struct option *option;

	for (; *tables; tables++)
		for (option = *tables; option->kind != OPTION_END; option++)
			if (option->name && strlen(option->name) == length &&
			    !memcmp(option->name, name, length))
				return option;
	return NULL;
}

static const struct option *find_short(const struct option *const *tables, char letter)
{
	const struct option *option;

	for (; *tables; tables++)
		for (option = *tables; option->kind != OPTION_END; option++)
			if (option->letter == letter)
				return option;
	return NULL;
}

/* Takes the option at *at, and its value, which may be the next word. */
static bool take_option(const struct option *const *tables, int argc, char **argv, int *at)
{
	const char *word = argv[*at], *value = NULL;
	const struct option *option;

	if (word[1] == '-') {
		size_t length = strcspn(word + 2, "=");

		option = find_long(tables, word + 2, length);
		if (word[2 + length] == '=')
			value = word + 2 + length + 1;
	} else {
		option = find_short(tables, word[1]);
		if (word[2])
			value = word + 2;
	}
	if (!option) {
		usage_error("unknown option '%s'; --help lists those there are", word);
		return false;
	}
	if (option->kind == OPTION_FLAG) {
		if (value) {
			usage_error("'%s': this option takes no value", word);
			return false;
		}
		*(bool *)option->target = true;
		return true;
	}
	if (!value) {
		if (*at + 1 == argc) {
			usage_error("option '%s' needs a value, %s", word, option->value);
			return false;
		}
		value = argv[++*at];
	}
	return take_value(option, value);
}

bool options_parse(const struct option *const *tables, int argc, char **argv,
		   struct operands *operands)
{
	bool ended = false;
	int i;

	*operands = (struct operands) { .values = argv };
	for (i = 0; i < argc; i++) {
		if (ended || argv[i][0] != '-' || !argv[i][1])
			argv[operands->count++] = argv[i];
		else if (!strcmp(argv[i], "--"))
			ended = true;
		else if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			operands->help = true;
		else if (!take_option(tables, argc, argv, &i))
			return false;
	}
	return true;
}

static void print_option(const struct option *option)
{
	char left[64];
	const char *line = option->help;
	int used = 0;

	if (option->letter)
		used = snprintf(left, sizeof(left), "-%c%s", option->letter,
				option->name ? ", " : "");
	if (option->name)
		used += snprintf(left + used, sizeof(left) - used, "--%s", option->name);
	if (option->kind != OPTION_FLAG)
		snprintf(left + used, sizeof(left) - used, " %s", option->value);
	printf("  %-28s", left);
	for (;;) {
		size_t length = strcspn(line, "\n");

		printf("%.*s\n", (int)length, line);
		if (!line[length])
			break;
		line += length + 1;
		printf("  %-28s", "");
	}
}

void options_help(const struct option *const *tables)
{
	const struct option *option;

	for (; *tables; tables++)
		for (option = *tables; option->kind != OPTION_END; option++)
			print_option(option);
	printf("  %-28s%s\n", "-h, --help", "this text");
}
