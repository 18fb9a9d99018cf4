// SPDX-License-Identifier: GPL-2.0
#include "engine/form.h"
#include "backend.h"
#include "command.h"
#include "host_model.h"

/* A process runs one command, and that works on one model. */
static struct backend_choice choice = { .threads = OPTION_UNSET, .context = OPTION_UNSET };
static struct host_model *model;

const struct option backend_options[] = {
	{ OPTION_TEXT, "model", 'm', &choice.model, 0, 0, NULL, NULL, "MODEL",
	  "a loaded model, else the default one;\n"
	  "with --host a file, GGUF or image" },
	{ OPTION_TEXT, "form", 0, &choice.form, 0, 0, NULL, NULL, "FORM",
	  "with --host: instruction set to use,\n" LLM_FORM_NAMES ";\nelse the fastest" },
	{ .kind = OPTION_CALL, .name = "kv", .target = &choice.kv, .take = command_kv,
	  .wanted = "f16, q8_0 or f32", .value = COMMAND_KV_VALUES,
	  .help = "with --host: what keys and values are kept in;\nelse f16, encoders f32" },
	{ OPTION_WHOLE, "threads", 't', &choice.threads, 1, 256, NULL, NULL, "N",
	  "with --host: threads; else one a processor" },
	{ .kind = OPTION_END },
};

const struct option backend_context_options[] = {
	{ OPTION_WHOLE, "ctx", 'c', &choice.context, 1, 1048576, NULL, NULL, "N",
	  "positions of the context; else the model's" },
	{ .kind = OPTION_END },
};

void backend_use_host(void)
{
	choice.host = true;
}

bool backend_check(bool vocabulary)
{
	choice.vocabulary = vocabulary;
	if (choice.host && !choice.model)
		usage_error("--host needs a model file: -m FILE.gguf");
	else if (!choice.host && (choice.form || choice.kv || choice.threads != OPTION_UNSET))
		usage_error("--form, --kv and --threads need --host, before the command");
	else
		return true;
	return false;
}

int backend_open(struct llmctl_error *error)
{
	if (!choice.host)
		return 0;
	/* Who names a form wants to know whether it can be used. */
	if (choice.vocabulary && !choice.form)
		return host_model_outline(&model, choice.model, choice.kv, error);
	return host_model_open(&model, choice.model, choice.kv,
			       choice.form ? choice.form : "auto", error);
}

int backend_session(struct session **opened, struct llmctl_error *error)
{
	if (choice.host)
		return host_session_open(opened, model, &choice, error);
	return device_session_open(opened, &choice, error);
}

void backend_close(void)
{
	host_model_close(model);
	model = NULL;
}
