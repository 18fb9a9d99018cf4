// SPDX-License-Identifier: GPL-2.0
#include <errno.h>

#include "backend.h"
#include "host_model.h"

int backend_open(struct backend *backend, struct llmctl_error *error)
{
	const struct backend_choice *choice = &backend->choice;

	if (!choice->host) {
		if (choice->form || choice->threads != OPTION_UNSET)
			return refuse(error, EINVAL, "--form and --threads need --host");
		return 0;
	}
	if (!choice->model)
		return refuse(error, EINVAL, "--host needs a model file: -m FILE.gguf");
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
