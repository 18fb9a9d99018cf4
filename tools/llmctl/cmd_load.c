// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "command.h"
#include "progress.h"
#include "size.h"

/* A name from a path: the file's, without its ending, with allowed characters. */
static void name_from_path(char *name, size_t size, const char *path)
{
	const char *base = strrchr(path, '/');
	size_t length;
	char *c;

	base = base ? base + 1 : path;
	length = strlen(base);
	if (length > 5 && !strcmp(base + length - 5, ".gguf"))
		length -= 5;
	else if (length > 4 && !strcmp(base + length - 4, ".img"))
		length -= 4;
	snprintf(name, size, "%.*s", (int)length, base);
	for (c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._:-", *c))
			*c = '-';
}

static void warn_of_chat(const struct llm_image_chat *chat, const char *name)
{
	if (chat && chat->flags & LLM_CHAT_UNKNOWN)
		fprintf(stderr,
			"llmctl: %s: its chat template is not known, so no text can be written to it but raw; name one with --template, 'none' for a model of plain text\n",
			name);
}

static int load(const char *path, const char *name, enum llmctl_kv kv, const char *template,
		__u32 flags, struct llmctl_error *error)
{
	struct llmctl_device *device = NULL;
	struct llmctl_model *model = NULL;
	__u64 size = 0;
	int ret;

	ret = llmctl_model_open(&model, path, LLMCTL_KEEP_TYPES, kv, template, error);
	if (!ret) {
		size = llmctl_model_facts(model)->size;
		warn_of_chat(llmctl_model_facts(model)->chat, name);
		ret = llmctl_open(&device, error);
	}
	if (!ret)
		ret = llmctl_load(device, model, name, flags, progress_show, (void *)name, error);
	progress_show((void *)name, 1, 1);
	llmctl_close(device);
	llmctl_model_close(model);
	if (!ret)
		printf("%s: loaded, %s\n", name, size_bytes(size).text);
	return ret;
}

static int run_load(const struct command *command, int argc, char **argv)
{
	char from_path[LLM_NAME_SIZE];
	const char *name = NULL, *template = NULL;
	enum llmctl_kv kv = LLMCTL_KV_DEFAULT;
	bool as_default = false;
	const struct option options[] = {
		{ OPTION_TEXT, "name", 0, &name, 0, 0, NULL, NULL, "NAME",
		  "its name; else that of the file" },
		{ OPTION_FLAG, "default", 0, &as_default, 0, 0, NULL, NULL, NULL,
		  "who names no model gets this one;\nthe first that is loaded is it anyway" },
		{ OPTION_TEXT, "template", 0, &template, 0, 0, NULL, NULL, "TEMPLATE",
		  "chat template by llama.cpp's name, or none;\nelse as the file says" },
		COMMAND_KV_OPTION(&kv),
		{ .kind = OPTION_END },
	};
	struct llmctl_error error = { 0 };
	struct operands operands;
	int status;

	if (!command_parse(command, options, argc, argv, &operands, 1, 1, &status))
		return status;
	if (!name) {
		name_from_path(from_path, sizeof(from_path), operands.values[0]);
		name = from_path;
	}
	if (load(operands.values[0], name, kv, template, as_default ? LLM_SEAL_DEFAULT : 0,
		 &error))
		return report(&error);
	return EXIT_OK;
}

const struct command command_load = {
	.name = "load",
	.arguments = "[--name N] [--default] [--template T] [--kv F] FILE",
	.summary = "gives a model, a GGUF file or an image, to the kernel",
	.run = run_load,
};

static int run_unload(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = { { .kind = OPTION_END } };
	struct llmctl_device *device = NULL;
	struct llmctl_error error = { 0 };
	struct operands operands;
	int status;

	if (!command_parse(command, options, argc, argv, &operands, 1, 1, &status))
		return status;
	if (!llmctl_open(&device, &error))
		llmctl_unload(device, operands.values[0], &error);
	llmctl_close(device);
	return error.code ? report(&error) : EXIT_OK;
}

const struct command command_unload = {
	.name = "unload",
	.arguments = "NAME",
	.summary = "makes the kernel forget a model",
	.run = run_unload,
};
