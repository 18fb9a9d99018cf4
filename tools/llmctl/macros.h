/* SPDX-License-Identifier: GPL-2.0 */
#ifndef MACROS_H
#define MACROS_H

/** ARRAY_SIZE() - entries of an array. */
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

/** __printf() - a function whose argument @a is a format for those from @b on. */
#define __printf(a, b)		__attribute__((__format__(printf, a, b)))

#endif /* MACROS_H */
