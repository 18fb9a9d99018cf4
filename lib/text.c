// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "device.h"

static const struct llmctl_meaning meanings[] = {
	{ EINVAL, "the model has no such token" },
	{ ENOSPC, "the text does not fit the context" },
	{ EBUSY, "a reply is under way" },
	{ E2BIG, "the text is longer than 1 MiB" },
	{ EOPNOTSUPP, "the model makes no text" },
	{ 0, NULL },
};

static int check_length(size_t length, const char *what, struct llmctl_error *error)
{
	if (length > LLM_MAX_TEXT)
		return llmctl_fail(error, E2BIG, "%s: the text is longer than %u bytes", what,
				   LLM_MAX_TEXT);
	return 0;
}

/*
 * Whether a call that failed with ENOSPC was told that more room than there was
 * is needed; then it is not a failure yet, and @error is as if it had not been.
 */
static bool wants_room(int ret, __u32 needed, __u32 room, struct llmctl_error *error)
{
	if (ret != -ENOSPC || needed <= room)
		return false;
	if (error)
		*error = (struct llmctl_error) { 0 };
	return true;
}

int llmctl_tokenize(struct llmctl_device *device, const void *text, size_t length,
		    __u32 flags, __u32 **tokens, __u32 *count,
		    struct llmctl_error *error)
{
	__u32 room = length + 8, *array;
	struct llm_tokenize arguments;
	int ret;

	ret = check_length(length, "tokenize", error);
	if (ret)
		return ret;
	for (;;) {
		array = calloc(room, sizeof(*array));
		if (!array)
			return llmctl_fail(error, ENOMEM, "tokenize: not enough memory");
		arguments = (struct llm_tokenize) {
			.text = (uintptr_t)text,
			.tokens = (uintptr_t)array,
			.text_length = length,
			.tokens_count = room,
			.flags = flags,
		};
		ret = llmctl_call(device, LLM_IOC_TOKENIZE, &arguments, meanings, "tokenize",
				  error);
		if (!ret)
			break;
		free(array);
		if (!wants_room(ret, arguments.tokens_count, room, error))
			return ret;
		room = arguments.tokens_count;
	}
	*tokens = array;
	*count = arguments.tokens_count;
	return 0;
}

int llmctl_detokenize(struct llmctl_device *device, const __u32 *tokens, __u32 count,
		      __u32 flags, char **text, __u32 *length, __u32 *ends,
		      struct llmctl_error *error)
{
	__u32 room = 64 + (count < LLM_MAX_TEXT / 16 ? 16 * count : LLM_MAX_TEXT);
	struct llm_tokenize arguments;
	char *bytes;
	int ret;

	for (;;) {
		bytes = calloc(1, (size_t)room + 1);
		if (!bytes)
			return llmctl_fail(error, ENOMEM, "detokenize: not enough memory");
		arguments = (struct llm_tokenize) {
			.text = (uintptr_t)bytes,
			.tokens = (uintptr_t)tokens,
			.text_length = room,
			.tokens_count = count,
			.flags = flags,
			.ends = (uintptr_t)ends,
		};
		ret = llmctl_call(device, LLM_IOC_DETOKENIZE, &arguments, meanings, "detokenize",
				  error);
		if (!ret)
			break;
		free(bytes);
		if (!wants_room(ret, arguments.text_length, room, error))
			return ret;
		room = arguments.text_length;
	}
	*text = bytes;
	*length = arguments.text_length;
	return 0;
}

int llmctl_score(struct llmctl_device *device, const void *text, size_t length,
		 __u32 alternatives, __u32 flags, struct llm_score_entry **entries,
		 __u32 *count, struct llmctl_error *error)
{
	__u32 room = (length + 8) * (1 + alternatives);
	struct llm_score_entry *array;
	struct llm_score arguments;
	int ret;

	ret = check_length(length, "score", error);
	if (ret)
		return ret;
	for (;;) {
		array = calloc(room, sizeof(*array));
		if (!array)
			return llmctl_fail(error, ENOMEM, "score: not enough memory");
		arguments = (struct llm_score) {
			.text = (uintptr_t)text,
			.entries = (uintptr_t)array,
			.text_length = length,
			.entries_count = room,
			.alternatives = alternatives,
			.flags = flags,
		};
		ret = llmctl_call(device, LLM_IOC_SCORE, &arguments, meanings, "score", error);
		if (!ret)
			break;
		free(array);
		if (!wants_room(ret, arguments.entries_count, room, error))
			return ret;
		room = arguments.entries_count;
	}
	*entries = array;
	*count = arguments.entries_count;
	return 0;
}
