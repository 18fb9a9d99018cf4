// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "interrupt.h"

/**
 * struct device_session - a session of the device
 * @session: what commands see
 * @device: an open file of the device
 * @cancelled: interrupts do not matter any more
 */
struct device_session {
	struct session session;
	struct llmctl_device *device;
	bool cancelled;
};

static struct llmctl_device *device_of(struct session *session)
{
	return ((struct device_session *)session)->device;
}

static void device_close(struct session *session)
{
	llmctl_close(device_of(session));
	free(session);
}

static int device_status(struct session *session, struct llm_session_info *status,
			 struct llmctl_error *error)
{
	return llmctl_status(device_of(session), status, error);
}

/* The session has a model of its own once it was used. */
static bool is_model_of(const struct llm_session_info *status, const struct llm_model_info *info)
{
	if (!status->model[0])
		return info->flags & LLM_MODEL_DEFAULT;
	return !memcmp(status->model, info->name, sizeof(info->name));
}

static int device_model(struct session *session, struct llm_model_info *info,
			struct llmctl_error *error)
{
	struct llm_session_info status;
	struct llm_model_info *models;
	__u32 count, i;
	int ret;

	ret = llmctl_status(device_of(session), &status, error);
	if (!ret)
		ret = llmctl_models(device_of(session), &models, &count, error);
	if (ret)
		return ret;
	for (i = 0; i < count && !is_model_of(&status, &models[i]); i++)
		;
	if (i < count)
		*info = models[i];
	free(models);
	if (i < count)
		return 0;
	return refuse(error, ENODEV, "no model is loaded; try 'llmctl load FILE.gguf' as root");
}

static int device_setup(struct session *session, const struct llm_session_setup *setup,
			struct llmctl_error *error)
{
	return llmctl_setup(device_of(session), setup, error);
}

static int device_sampling(struct session *session, const struct llm_sampling *sampling,
			   struct llmctl_error *error)
{
	return llmctl_sampling(device_of(session), sampling, error);
}

static int device_prompt(struct session *session, const void *text, size_t length,
			 struct llmctl_error *error)
{
	int ret;

	((struct device_session *)session)->cancelled = false;
	ret = llmctl_prompt(device_of(session), text, length, error);
	return ret ? ret : llmctl_start(device_of(session), error);
}

static ssize_t device_reply(struct session *session, void *buffer, size_t size,
			    struct llmctl_error *error)
{
	struct device_session *own = (struct device_session *)session;
	int ret;

	if (!own->cancelled) {
		ret = interrupt_poll(llmctl_fd(own->device));
		if (ret == -EINTR)
			return refuse(error, EINTR, "interrupted");
		if (ret)
			return refuse(error, -ret, "reply: %s", strerror(-ret));
	}
	return llmctl_reply(own->device, buffer, size, error);
}

static int device_cancel(struct session *session, struct llmctl_error *error)
{
	((struct device_session *)session)->cancelled = true;
	return llmctl_cancel(device_of(session), error);
}

static int device_tokenize(struct session *session, const void *text, size_t length,
			   __u32 flags, __u32 **tokens, __u32 *count,
			   struct llmctl_error *error)
{
	return llmctl_tokenize(device_of(session), text, length, flags, tokens, count, error);
}

static int device_detokenize(struct session *session, const __u32 *tokens, __u32 count,
			     __u32 flags, char **text, __u32 *length, __u32 *ends,
			     struct llmctl_error *error)
{
	return llmctl_detokenize(device_of(session), tokens, count, flags, text, length, ends,
				 error);
}

static int device_score(struct session *session, const void *text, size_t length,
			__u32 alternatives, __u32 flags, struct llm_score_entry **entries,
			__u32 *count, struct llmctl_error *error)
{
	return llmctl_score(device_of(session), text, length, alternatives, flags, entries, count,
			    error);
}

static int device_embed(struct session *session, const struct llm_text *texts, __u32 pooling,
			__u32 flags, struct llmctl_embedding *embedding,
			struct llmctl_error *error)
{
	return llmctl_embed(device_of(session), texts, pooling, flags, embedding, error);
}

/* The device computes all; what it has made of one waits while another is read. */
static int device_together(struct session **sessions, __u32 count, struct llmctl_error *error)
{
	char buffer[4096];
	ssize_t got;
	__u32 i;

	for (i = 0; i < count; i++) {
		do {
			got = device_reply(sessions[i], buffer, sizeof(buffer), error);
			if (got < 0)
				return got;
		} while (got);
	}
	return 0;
}

static const struct session_ops device_ops = {
	.close = device_close,
	.model = device_model,
	.setup = device_setup,
	.sampling = device_sampling,
	.prompt = device_prompt,
	.reply = device_reply,
	.cancel = device_cancel,
	.status = device_status,
	.tokenize = device_tokenize,
	.detokenize = device_detokenize,
	.score = device_score,
	.embed = device_embed,
	.together = device_together,
};

static int choose(struct device_session *own, const struct backend_choice *choice,
		  struct llmctl_error *error)
{
	struct llm_session_setup setup = { 0 };

	if (choice->model) {
		if (strlen(choice->model) >= LLM_NAME_SIZE)
			return refuse(error, EINVAL, "-m %s: a model's name is shorter",
				      choice->model);
		memcpy(setup.model, choice->model, strlen(choice->model));
		setup.set |= LLM_SETUP_MODEL;
	}
	if (choice->context != OPTION_UNSET) {
		setup.context = choice->context;
		setup.set |= LLM_SETUP_CONTEXT;
	}
	return setup.set ? llmctl_setup(own->device, &setup, error) : 0;
}

int device_session_open(struct session **opened, const struct backend_choice *choice,
			struct llmctl_error *error)
{
	struct device_session *own = calloc(1, sizeof(*own));
	int ret;

	if (!own)
		return refuse(error, ENOMEM, "not enough memory");
	own->session.ops = &device_ops;
	ret = llmctl_open(&own->device, error);
	if (!ret)
		ret = choose(own, choice, error);
	if (ret) {
		device_close(&own->session);
		return ret;
	}
	*opened = &own->session;
	return 0;
}
