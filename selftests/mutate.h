/* SPDX-License-Identifier: GPL-2.0 */
/* Damages a valid image, one way after the other. */
#ifndef LLM_TEST_MUTATE_H
#define LLM_TEST_MUTATE_H

#include "device.h"

/**
 * struct mutation - one damage: a number in the image is replaced
 * @family: what sort of thing is damaged, for the report
 * @name: what exactly
 * @offset: first byte of the number
 * @size: its bytes, 1..8
 * @value: what it becomes, little-endian
 * @wrong: whatever the value, the format does not allow it: it must be refused
 * @error: with this errno, negative; or 0: with any
 */
struct mutation {
	const char *family;
	char name[64];
	size_t offset;
	unsigned int size;
	__u64 value;
	bool wrong;
	int error;
};

/**
 * struct mutations - all of them
 * @list: array, to be freed
 * @count: how many
 */
struct mutations {
	struct mutation *list;
	size_t count;
};

/**
 * mutations_make() - thinks of damages: each field of each kind of struct, at edge
 *	values, but of instructions that an image before it had, and random bits of
 *	all but the tensors' data
 * @mutations: filled
 * @image: valid image
 */
void mutations_make(struct mutations *mutations, const struct device_image *image);

/**
 * mutation_apply() - damages an image
 * @mutation: how
 * @image: image; its bytes are changed
 */
void mutation_apply(const struct mutation *mutation, struct device_image *image);

#endif /* LLM_TEST_MUTATE_H */
