/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_ERROR_H
#define LLM_ENGINE_ERROR_H

#include "platform.h"

/**
 * struct llm_error - why something was refused
 * @text: one sentence for a person, without a newline; empty while all is well
 */
struct llm_error {
	char text[256];
};

/**
 * llm_refuse() - writes down a reason
 * @error: where to; the first reason stays
 * @code: negative errno
 * @format: as for printf(); integers and strings only
 *
 * Return: @code, so that a check is one line.
 */
int llm_refuse(struct llm_error *error, int code, const char *format, ...) __printf(3, 4);

#endif /* LLM_ENGINE_ERROR_H */
