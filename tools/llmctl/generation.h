/* SPDX-License-Identifier: GPL-2.0 */
#ifndef GENERATION_H
#define GENERATION_H

#include "backend.h"

/**
 * typedef generation_show - takes a piece of a reply
 * @data: what its caller passed on
 * @bytes: bytes
 * @length: how many
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
typedef int (*generation_show)(void *data, const char *bytes, size_t length,
			       struct llmctl_error *error);

/** generation_options - how replies are made, for a command line; ended by OPTION_END. */
extern const struct option generation_options[];

/**
 * generation_system() - sets the system message, as --system does
 * @text: message, NUL-terminated; borrowed; empty: none
 */
void generation_system(const char *text);

/**
 * generation_chat() - whether --template was given
 *
 * Return: whether it was.
 */
bool generation_chat(void);

/**
 * generation_setup() - gives a new session what the command line asks for
 * @session: session
 * @raw: whether text is raw
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
int generation_setup(struct session *session, bool raw, struct llmctl_error *error);

/**
 * generation_reply() - the reply to the prompt that was given, to its end
 * @session: session
 * @show: takes the pieces
 * @data: passed on to @show
 * @error: reason of a failure
 *
 * An interrupt ends the reply; what was made before is shown.
 *
 * Return: 0 or a negative errno.
 */
int generation_reply(struct session *session, generation_show show, void *data,
		     struct llmctl_error *error);

#endif /* GENERATION_H */
