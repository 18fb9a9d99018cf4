/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LLMCTL_MACROS_H
#define LLMCTL_MACROS_H

/** ARRAY_SIZE() - entries of an array. */
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

/** __printf() - a function whose argument @a is a format for those from @b on. */
#define __printf(a, b)		__attribute__((__format__(printf, a, b)))

#endif /* LLMCTL_MACROS_H */
