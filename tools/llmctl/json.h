/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writes JSON to stdout, piece by piece. Commas are put where they belong; names
 * are given inside objects and NULL inside arrays and at the top.
 */
#ifndef JSON_H
#define JSON_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

/** json_object() - begins an object. */
void json_object(const char *name);

/** json_object_end() - ends it; at the top a newline follows. */
void json_object_end(void);

/** json_array() - begins an array. */
void json_array(const char *name);

/** json_array_end() - ends it; at the top a newline follows. */
void json_array_end(void);

/** json_text() - a NUL-terminated text. */
void json_text(const char *name, const char *text);

/** json_bytes() - a text of @length bytes; what is not UTF-8 becomes U+FFFD. */
void json_bytes(const char *name, const void *text, size_t length);

/** json_whole() - a whole number. */
void json_whole(const char *name, __u64 value);

/** json_number() - a number, with six digits after the point; null if not finite. */
void json_number(const char *name, double value);

/** json_fraction() - the same with nine digits. */
void json_fraction(const char *name, double value);

/** json_bool() - true or false. */
void json_bool(const char *name, bool value);

#endif /* JSON_H */
