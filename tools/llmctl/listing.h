/* SPDX-License-Identifier: GPL-2.0 */
/* Commands that list what the kernel has of a kind, as a table or as JSON. */
#ifndef LISTING_H
#define LISTING_H

#include <llmctl_netlink.h>

#include "command.h"

/**
 * struct listing - what is listed
 * @size: bytes of an entry
 * @get: gets the entries, for free(3); returns 0 or a negative errno
 * @print_head: prints the first line of the table
 * @print: prints the line of an entry
 * @json: writes the members of the JSON object of an entry
 */
struct listing {
	size_t size;
	int (*get)(struct llmctl_bus *bus, void **entries, size_t *count,
		   struct llmctl_error *error);
	void (*print_head)(void);
	void (*print)(const void *entry);
	void (*json)(const void *entry);
};

/**
 * listing_run() - runs a command that lists
 * @listing: what
 * @command: command
 * @argc: words after it
 * @argv: words after it
 *
 * Return: its exit status.
 */
int listing_run(const struct listing *listing, const struct command *command, int argc,
		char **argv);

#endif /* LISTING_H */
