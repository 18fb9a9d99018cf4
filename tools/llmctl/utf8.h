/* SPDX-License-Identifier: GPL-2.0 */
#ifndef UTF8_H
#define UTF8_H

#include <stddef.h>

/**
 * utf8_length() - the character a text begins with
 * @text: text
 * @length: bytes there, at least 1
 *
 * Return: bytes of the character, or 0 where it is not well-formed UTF-8.
 */
size_t utf8_length(const unsigned char *text, size_t length);

/**
 * utf8_print() - prints a text on one line of a terminal
 * @text: text
 * @length: bytes
 *
 * Control characters, backslashes and what is not UTF-8 are written as \n, \\
 * or \xNN.
 */
void utf8_print(const void *text, size_t length);

#endif /* UTF8_H */
