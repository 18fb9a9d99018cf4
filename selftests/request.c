// SPDX-License-Identifier: GPL-2.0
#include "request.h"

#include <errno.h>
#include <sys/socket.h>

struct genl_message message;

void begin_submit(struct genl *genl, __u32 tokens)
{
	genl_begin(genl, &message, LLM_CMD_SUBMIT);
	genl_put_string(&message, LLM_A_REQUEST_TEXT, PROMPT);
	genl_put_u32(&message, LLM_A_REQUEST_MAX_TOKENS, tokens);
}

int submit(struct genl *genl, __u32 tokens)
{
	int error;

	begin_submit(genl, tokens);
	error = genl_do(genl, &message);
	return error ? error : (int)genl_u32(&genl->reply, LLM_A_REQUEST_ID);
}

int submit_endless(struct genl *genl, const struct device_image *image, __u32 deadline)
{
	int tiny = 1;

	if (setsockopt(genl->fd, SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny)))
		return -errno;
	begin_submit(genl, 0);
	genl_put_string(&message, LLM_A_REQUEST_MODEL, SLOW_MODEL);
	genl_put_u32(&message, LLM_A_REQUEST_CONTEXT, image->context_length);
	genl_put_greedy(&message, image->ends, image->ends_count);
	if (deadline)
		genl_put_u32(&message, LLM_A_REQUEST_DEADLINE_MS, deadline);
	return genl_do(genl, &message) ?: (int)genl_u32(&genl->reply, LLM_A_REQUEST_ID);
}

long read_reply(struct genl *genl, __u32 id)
{
	size_t length;
	__u64 at = 0;
	int command;

	for (;;) {
		command = genl_wait(genl, 60000);
		if (command < 0)
			return command;
		if (genl_u32(&genl->event, LLM_A_REQUEST_ID) != id ||
		    genl_u64(&genl->event, LLM_A_REQUEST_OFFSET) != at)
			return -EPROTO;
		if (command == LLM_CMD_DONE)
			return at;
		if (command != LLM_CMD_TOKEN ||
		    !genl_find(&genl->event, LLM_A_REQUEST_BYTES, &length) || !length)
			return -EPROTO;
		at += length;
	}
}
