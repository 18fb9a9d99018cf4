// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared.h"

bool shared_path(char *path, size_t size, const char *name)
{
	const char *folder = getenv("LLM_SHARED");

	/* As seen from where the tests are run. */
	snprintf(path, size, "%s/%s", folder ? folder : "../../../shared", name);
	return !access(path, R_OK);
}

char *shared_read(const char *name)
{
	char path[4096];
	char *bytes = NULL;
	FILE *file;
	long size;

	if (!shared_path(path, sizeof(path), name))
		return NULL;
	file = fopen(path, "rb");
	if (!file)
		return NULL;
	if (!fseek(file, 0, SEEK_END)) {
		size = ftell(file);
		rewind(file);
		bytes = size < 0 ? NULL : calloc(1, size + 1);
		if (bytes && fread(bytes, 1, size, file) != (size_t)size) {
			free(bytes);
			bytes = NULL;
		}
	}
	fclose(file);
	return bytes;
}
