// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "device.h"

int llmctl_setup(struct llmctl_device *device, const struct llm_session_setup *setup,
		 struct llmctl_error *error)
{
	static const struct llmctl_meaning meanings[] = {
		{ ENOENT, "no model of that name is loaded; 'llmctl ls' lists them" },
		{ EBUSY, "a reply is under way, or the conversation has begun" },
		{ EINVAL, "a value is out of range; the context can't be longer than the model's" },
		{ 0, NULL },
	};
	struct llm_session_setup arguments = *setup;

	return llmctl_call(device, LLM_IOC_SETUP, &arguments, meanings, "session", error);
}

int llmctl_sampling(struct llmctl_device *device, const struct llm_sampling *sampling,
		    struct llmctl_error *error)
{
	static const struct llmctl_meaning meanings[] = {
		{ EBUSY, "a reply is under way" },
		{ EINVAL, "a value is out of range, or the model has no such token" },
		{ 0, NULL },
	};
	struct llm_sampling arguments = *sampling;

	return llmctl_call(device, LLM_IOC_SAMPLING, &arguments, meanings, "sampling", error);
}

/* Both for writing a prompt and for starting the reply to it. */
static const struct llmctl_meaning prompt_meanings[] = {
	{ EBUSY, "a reply is under way or unread" },
	{ ENODATA, "it is empty" },
	{ ENOSPC,
	  "it does not fit what is left of the context; "
	  "shorten it, begin anew, or use a longer --ctx" },
	{ EFBIG, "it is longer than 1 MiB" },
	{ EOPNOTSUPP,
	  "no chat template of the model is known: use --raw without --system, "
	  "or name one with --template; or it makes no text at all" },
	{ 0, NULL },
};

int llmctl_prompt(struct llmctl_device *device, const void *text, size_t length,
		  struct llmctl_error *error)
{
	const struct llmctl_meaning *m;
	const char *at = text;

	while (length) {
		ssize_t done = write(device->fd, at, length);
		int code = errno;

		if (done < 0 && code == EINTR)
			continue;
		if (done < 0) {
			for (m = prompt_meanings; m->code; m++)
				if (m->code == code)
					return llmctl_fail(error, code, "prompt: %s", m->text);
			if (code == ENODEV)
				return llmctl_fail(error, code, "prompt: %s", LLMCTL_NO_MODEL);
			return llmctl_fail(error, code, "prompt: %s", strerror(code));
		}
		at += done;
		length -= done;
	}
	return 0;
}

int llmctl_start(struct llmctl_device *device, struct llmctl_error *error)
{
	struct llm_start arguments = { 0 };

	return llmctl_call(device, LLM_IOC_START, &arguments, prompt_meanings, "prompt", error);
}

ssize_t llmctl_reply(struct llmctl_device *device, void *buffer, size_t size,
		     struct llmctl_error *error)
{
	ssize_t got = read(device->fd, buffer, size);

	if (got < 0)
		return llmctl_fail(error, errno, "reply: %s", strerror(errno));
	return got;
}

int llmctl_cancel(struct llmctl_device *device, struct llmctl_error *error)
{
	struct llm_cancel arguments = { 0 };

	return llmctl_call(device, LLM_IOC_CANCEL, &arguments, NULL, "cancel", error);
}

int llmctl_status(struct llmctl_device *device, struct llm_session_info *status,
		  struct llmctl_error *error)
{
	memset(status, 0, sizeof(*status));
	return llmctl_call(device, LLM_IOC_STATUS, status, NULL, "status", error);
}
