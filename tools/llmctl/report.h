/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REPORT_H
#define REPORT_H

#include <llmctl.h>

#include "macros.h"

/* Exit statuses, for scripts; told by llmctl --help. */
#define EXIT_OK		0
#define EXIT_FAILED	1
#define EXIT_USAGE	2
#define EXIT_INTERRUPTED 130

/**
 * refuse() - writes down why something can't be done
 * @error: where to; the first reason stays
 * @code: positive errno
 * @format: as for printf()
 *
 * Return: -@code.
 */
int refuse(struct llmctl_error *error, int code, const char *format, ...) __printf(3, 4);

/**
 * report() - tells the user why something failed, on stderr
 * @error: reason
 *
 * Return: EXIT_FAILED.
 */
int report(const struct llmctl_error *error);

/**
 * usage_error() - tells the user what is wrong with the command line, on stderr
 * @format: as for printf()
 *
 * Return: EXIT_USAGE.
 */
int usage_error(const char *format, ...) __printf(1, 2);

#endif /* REPORT_H */
