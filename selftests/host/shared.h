/* SPDX-License-Identifier: GPL-2.0 */
#ifndef SHARED_H
#define SHARED_H

#include <stdbool.h>
#include <stddef.h>

/** SHARED_MISSING - why a test that needs a shared file is skipped. */
#define SHARED_MISSING "needs a file in LLM_SHARED"

/**
 * shared_path() - where a file is that is not part of the project
 * @path: set to the path
 * @size: bytes there
 * @name: name of the file in the folder that the environment variable LLM_SHARED
 *	names, by default "shared" beside the source tree
 *
 * Return: whether it is there.
 */
bool shared_path(char *path, size_t size, const char *name);

/**
 * shared_read() - reads such a file
 * @name: as for shared_path()
 *
 * Return: its bytes and a NUL, for free(), or NULL where it is not there.
 */
char *shared_read(const char *name);

#endif /* SHARED_H */
