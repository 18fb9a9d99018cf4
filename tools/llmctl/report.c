// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>

#include "report.h"

int refuse(struct llmctl_error *error, int code, const char *format, ...)
{
	va_list args;

	if (error->code)
		return -code;
	error->code = code;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return -code;
}

int report(const struct llmctl_error *error)
{
	fflush(stdout);
	fprintf(stderr, "llmctl: %s\n", error->text);
	return EXIT_FAILED;
}

int usage_error(const char *format, ...)
{
	va_list args;

	fputs("llmctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_USAGE;
}
