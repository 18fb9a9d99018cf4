// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "device.h"

static const struct llmctl_meaning meanings[] = {
	{ EINVAL, "the model does not have this pooling" },
	{ ENOSPC, "the text does not fit the context" },
	{ ENODATA, "there is no text" },
	{ EBUSY, "a reply is under way" },
	{ E2BIG, "the text is longer than 1 MiB, or its vectors than 64 MiB" },
	{ EOPNOTSUPP, "the model makes no embeddings" },
	{ 0, NULL },
};

/* The first call tells how much room is needed; then the text is not computed. */
static int call(struct llmctl_device *device, struct llm_embed *arguments, __s32 *vectors,
		__u32 room, struct llmctl_error *error)
{
	arguments->vectors = (uintptr_t)vectors;
	arguments->vectors_count = room;
	return llmctl_call(device, LLM_IOC_EMBED, arguments, meanings, "embed", error);
}

static int find_room(struct llmctl_device *device, struct llm_embed *arguments,
		     struct llmctl_error *error)
{
	__u32 pooling = arguments->pooling;
	int ret = call(device, arguments, NULL, 0, error);

	if (ret != -ENOSPC || !arguments->vectors_count)
		return ret;
	if (error)
		*error = (struct llmctl_error) { 0 };
	/* What came back is not all for going in again. */
	arguments->pooling = pooling;
	arguments->width = 0;
	arguments->tokens = 0;
	return 0;
}

int llmctl_embed(struct llmctl_device *device, const struct llm_text *texts, __u32 pooling,
		 __u32 flags, struct llmctl_embedding *embedding, struct llmctl_error *error)
{
	bool pair = flags & LLM_EMBED_PAIR;
	struct llm_embed arguments = {
		.text = texts[0].address,
		.text_length = texts[0].length,
		.second = pair ? texts[1].address : 0,
		.second_length = pair ? texts[1].length : 0,
		.pooling = pooling,
		.flags = flags,
	};
	__s32 *vectors;
	__u32 room;
	int ret;

	if (texts[0].length > LLM_MAX_TEXT || (pair && texts[1].length > LLM_MAX_TEXT))
		return llmctl_fail(error, E2BIG, "embed: a text is longer than %u bytes",
				   LLM_MAX_TEXT);
	ret = find_room(device, &arguments, error);
	if (ret)
		return ret;
	room = arguments.vectors_count;
	vectors = calloc(room, sizeof(*vectors));
	if (!vectors)
		return llmctl_fail(error, ENOMEM, "embed: not enough memory");
	ret = call(device, &arguments, vectors, room, error);
	if (ret) {
		free(vectors);
		return ret;
	}
	*embedding = (struct llmctl_embedding) {
		.vectors = vectors,
		.count = arguments.vectors_count,
		.width = arguments.width,
		.tokens = arguments.tokens,
		.pooling = arguments.pooling,
	};
	return 0;
}
