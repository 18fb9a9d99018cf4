/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Architectures: what general.architecture of a GGUF file can be. Each is a struct
 * arch in a file arch_*.c, and one line in arch.c.
 */
#ifndef LLMCTL_ARCH_H
#define LLMCTL_ARCH_H

#include <stddef.h>

#include "compile.h"

struct transformer;

/** TRANSFORMER_HALVES - rotary positions pair column i of a head with i + half of it. */
#define TRANSFORMER_HALVES		(1U << 0)

/**
 * struct arch - one architecture
 * @name: what general.architecture calls it; its keys begin with it and a dot
 * @compile: adds registers, slots, tensors and program; compile_transformer() or
 *	a function of its own
 * @traits: for compile_transformer(): TRANSFORMER_*
 * @read: for compile_transformer(): reads the keys that only this architecture
 *	has, after those that all have; or NULL
 */
struct arch {
	const char *name;
	void (*compile)(struct compile *c, const struct arch *arch);
	__u32 traits;
	void (*read)(struct compile *c, struct transformer *t);
};

extern const struct arch arch_llama;

/**
 * arch_find() - an architecture by its name
 * @name: name, not NUL-terminated
 * @length: bytes
 *
 * Return: the architecture, or NULL where it is not known.
 */
const struct arch *arch_find(const char *name, __u64 length);

/**
 * arch_list() - the names of all architectures, separated by commas
 * @to: where they go
 * @size: bytes there; what does not fit is left out
 */
void arch_list(char *to, size_t size);

#endif /* LLMCTL_ARCH_H */
