// SPDX-License-Identifier: GPL-2.0
#include "error.h"

int llm_refuse(struct llm_error *error, int code, const char *format, ...)
{
	va_list args;

	if (error->text[0])
		return code;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return code;
}
