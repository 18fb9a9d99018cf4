/* SPDX-License-Identifier: GPL-2.0 */
#ifndef INTERRUPT_H
#define INTERRUPT_H

#include <stdbool.h>

/**
 * interrupt_catch() - from now on the first SIGINT or SIGTERM is noted
 *
 * The second one ends the process as it always did.
 */
void interrupt_catch(void);

/** interrupted() - whether one has come. */
bool interrupted(void);

/** interrupted_by_key() - whether it was SIGINT, which Ctrl-C sends. */
bool interrupted_by_key(void);

/** interrupt_clear() - the one that has come was dealt with; the next is noted again. */
void interrupt_clear(void);

/**
 * interrupt_poll() - waits until a file can be read
 * @fd: file
 *
 * Return: 0, -EINTR when interrupted() is or becomes true, or another negative
 * errno.
 */
int interrupt_poll(int fd);

#endif /* INTERRUPT_H */
