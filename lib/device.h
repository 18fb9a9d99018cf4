/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LLMCTL_DEVICE_H
#define LLMCTL_DEVICE_H

#include "error.h"

/** LLMCTL_NO_MODEL - what ENODEV means for a session. */
#define LLMCTL_NO_MODEL "no model is loaded; try 'llmctl load FILE.gguf' as root"

/**
 * struct llmctl_device - an open /dev/llm
 * @fd: its descriptor
 */
struct llmctl_device {
	int fd;
};

/**
 * struct llmctl_meaning - what an errno of one call means
 * @code: positive errno; 0 ends a list of these
 * @text: for a person, with what to do
 */
struct llmctl_meaning {
	int code;
	const char *text;
};

/**
 * llmctl_call() - an ioctl whose failure is explained
 * @device: device
 * @number: LLM_IOC_*
 * @argument: its struct
 * @meanings: what its errnos mean beyond what they always do, or NULL
 * @what: what is tried, the beginning of the reason
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
int llmctl_call(struct llmctl_device *device, unsigned long number, void *argument,
		const struct llmctl_meaning *meanings, const char *what,
		struct llmctl_error *error);

#endif /* LLMCTL_DEVICE_H */
