/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LLMCTL_INTERLEAVE_H
#define LLMCTL_INTERLEAVE_H

#include <stdbool.h>

/**
 * llmctl_interleave_begin() - what the kernel allocates for this thread from here on is
 *	spread over all memory nodes that it may use, in turn
 *
 * A policy that the thread has is left alone. Where there is one node only, or none to
 * choose between, nothing changes.
 *
 * Return: whether llmctl_interleave_end() has something to undo.
 */
bool llmctl_interleave_begin(void);

/**
 * llmctl_interleave_end() - allocations are from the nearest node again
 * @begun: what llmctl_interleave_begin() returned
 */
void llmctl_interleave_end(bool begun);

#endif /* LLMCTL_INTERLEAVE_H */
