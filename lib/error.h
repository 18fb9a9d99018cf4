/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LLMCTL_ERROR_H
#define LLMCTL_ERROR_H

#include "llmctl.h"
#include "macros.h"

/**
 * llmctl_fail() - writes down a reason
 * @error: where to, or NULL; the first reason stays
 * @code: positive errno
 * @format: as for printf(); what is not printable in the result becomes '?'
 *
 * Return: -@code, so that a check is one line.
 */
int llmctl_fail(struct llmctl_error *error, int code, const char *format, ...) __printf(3, 4);

#endif /* LLMCTL_ERROR_H */
