// SPDX-License-Identifier: LGPL-2.1-or-later
/* Models, sessions and requests over netlink. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bus.h"
#include "error.h"

/**
 * struct listing - what was told of, in an array that grows
 * @entries: the array
 * @size: bytes of an entry
 * @count: entries there
 * @failed: whether there was no memory for one
 */
struct listing {
	void *entries;
	size_t size;
	__u32 count;
	int failed;
};

/* Room for one more, zeroed, or NULL. */
static void *next(struct listing *listing)
{
	char *entries = realloc(listing->entries, (listing->count + 1) * listing->size);

	if (!entries) {
		listing->failed = 1;
		return NULL;
	}
	listing->entries = entries;
	entries += listing->count++ * listing->size;
	return memset(entries, 0, listing->size);
}

static void copy_text(__u8 *text, size_t room, const struct nlattr *attribute)
{
	if (attribute)
		nla_strlcpy((char *)text, attribute, room);
}

static void take_model(void *data, struct nlattr *const *attrs)
{
	struct llm_model_info *model = next(data);

	if (!model)
		return;
	copy_text(model->name, sizeof(model->name), attrs[LLM_A_MODEL_NAME]);
	copy_text(model->title, sizeof(model->title), attrs[LLM_A_MODEL_TITLE]);
	copy_text(model->architecture, sizeof(model->architecture),
		  attrs[LLM_A_MODEL_ARCHITECTURE]);
	model->size = bus_u64(attrs, LLM_A_MODEL_SIZE);
	model->memory = bus_u64(attrs, LLM_A_MODEL_MEMORY);
	model->session_memory = bus_u64(attrs, LLM_A_MODEL_SESSION_MEMORY);
	model->parameters = bus_u64(attrs, LLM_A_MODEL_PARAMETERS);
	model->context_length = bus_u32(attrs, LLM_A_MODEL_CONTEXT_LENGTH);
	model->vocab_size = bus_u32(attrs, LLM_A_MODEL_VOCAB_SIZE);
	model->sessions = bus_u32(attrs, LLM_A_MODEL_SESSIONS);
	model->flags = attrs[LLM_A_MODEL_DEFAULT] ? LLM_MODEL_DEFAULT : 0;
}

static void take_session(void *data, struct nlattr *const *attrs)
{
	struct llm_session_info *session = next(data);

	if (!session)
		return;
	copy_text(session->model, sizeof(session->model), attrs[LLM_A_SESSION_MODEL]);
	session->id = bus_u64(attrs, LLM_A_SESSION_ID);
	session->pid = bus_u32(attrs, LLM_A_SESSION_PID);
	session->uid = bus_u32(attrs, LLM_A_SESSION_UID);
	session->state = bus_u32(attrs, LLM_A_SESSION_STATE);
	session->reason = bus_u32(attrs, LLM_A_SESSION_REASON);
	session->context = bus_u32(attrs, LLM_A_SESSION_CONTEXT);
	session->used = bus_u32(attrs, LLM_A_SESSION_USED);
	session->memory = bus_u64(attrs, LLM_A_SESSION_MEMORY);
	session->tokens_in = bus_u64(attrs, LLM_A_SESSION_TOKENS_IN);
	session->tokens_out = bus_u64(attrs, LLM_A_SESSION_TOKENS_OUT);
	session->queued_ns = bus_u64(attrs, LLM_A_SESSION_QUEUED_NS);
	session->first_token_ns = bus_u64(attrs, LLM_A_SESSION_FIRST_TOKEN_NS);
	session->cpu_ns = bus_u64(attrs, LLM_A_SESSION_CPU_NS);
}

static void fill_request(struct llmctl_request *request, struct nlattr *const *attrs)
{
	*request = (struct llmctl_request){
		.id = bus_u32(attrs, LLM_A_REQUEST_ID),
		.uid = bus_u32(attrs, LLM_A_REQUEST_UID),
		.session = bus_u64(attrs, LLM_A_REQUEST_SESSION),
		.state = bus_u32(attrs, LLM_A_REQUEST_STATE),
		.tokens_in = bus_u32(attrs, LLM_A_REQUEST_TOKENS_IN),
		.tokens_out = bus_u32(attrs, LLM_A_REQUEST_TOKENS_OUT),
		.bytes = bus_u64(attrs, LLM_A_REQUEST_OFFSET),
		.queued_ns = bus_u64(attrs, LLM_A_REQUEST_QUEUED_NS),
		.first_token_ns = bus_u64(attrs, LLM_A_REQUEST_FIRST_TOKEN_NS),
		.cpu_ns = bus_u64(attrs, LLM_A_REQUEST_CPU_NS),
	};
}

static void take_request(void *data, struct nlattr *const *attrs)
{
	struct llmctl_request *request = next(data);

	if (request)
		fill_request(request, attrs);
}

static void take_one_request(void *data, struct nlattr *const *attrs)
{
	fill_request(data, attrs);
}

static int list(struct llmctl_bus *bus, __u8 command, const char *what, bus_take *take,
		struct listing *listing, struct llmctl_error *error)
{
	int ret = bus_dump(bus, command, what, take, listing, error);

	if (!ret && listing->failed)
		ret = llmctl_fail(error, ENOMEM, "not enough memory");
	if (ret)
		free(listing->entries);
	return ret;
}

int llmctl_bus_models(struct llmctl_bus *bus, struct llm_model_info **models, __u32 *count,
		      struct llmctl_error *error)
{
	struct listing listing = { .size = sizeof(**models) };
	int ret = list(bus, LLM_CMD_MODEL_GET, "models", take_model, &listing, error);

	if (ret)
		return ret;
	*models = listing.entries;
	*count = listing.count;
	return 0;
}

int llmctl_bus_sessions(struct llmctl_bus *bus, struct llm_session_info **sessions, __u32 *count,
			struct llmctl_error *error)
{
	struct listing listing = { .size = sizeof(**sessions) };
	int ret = list(bus, LLM_CMD_SESSION_GET, "sessions", take_session, &listing, error);

	if (ret)
		return ret;
	*sessions = listing.entries;
	*count = listing.count;
	return 0;
}

int llmctl_bus_requests(struct llmctl_bus *bus, struct llmctl_request **requests, __u32 *count,
			struct llmctl_error *error)
{
	struct listing listing = { .size = sizeof(**requests) };
	int ret = list(bus, LLM_CMD_REQUEST_GET, "requests", take_request, &listing, error);

	if (ret)
		return ret;
	*requests = listing.entries;
	*count = listing.count;
	return 0;
}

int llmctl_bus_request(struct llmctl_bus *bus, __u32 id, struct llmctl_request *request,
		       struct llmctl_error *error)
{
	struct nl_msg *message = bus_command(bus, LLM_CMD_REQUEST_GET, 256);

	if (!message || nla_put_u32(message, LLM_A_REQUEST_ID, id)) {
		nlmsg_free(message);
		return llmctl_fail(error, ENOMEM, "not enough memory");
	}
	return bus_ask(bus, message, "request", take_one_request, request, error);
}
