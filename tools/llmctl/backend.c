// SPDX-License-Identifier: GPL-2.0
#include "backend.h"
#include "host_model.h"

bool backend_choose(struct backend *backend, bool host)
{
	struct backend_choice *choice = &backend->choice;

	choice->host = host;
	if (host && !choice->model)
		usage_error("--host needs a model file: -m FILE.gguf");
	else if (!host && (choice->form || choice->threads != OPTION_UNSET))
		usage_error("--form and --threads need --host, before the command");
	else
		return true;
	return false;
}

int backend_open(struct backend *backend, struct llmctl_error *error)
{
	const struct backend_choice *choice = &backend->choice;

	if (!choice->host)
		return 0;
	return host_model_open(&backend->model, choice->model, choice->form, error);
}

int backend_session(struct backend *backend, struct session **opened,
		    struct llmctl_error *error)
{
	if (backend->choice.host)
		return host_session_open(opened, backend->model, &backend->choice, error);
	return device_session_open(opened, &backend->choice, error);
}

void backend_close(struct backend *backend)
{
	host_model_close(backend->model);
}
