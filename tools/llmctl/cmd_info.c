// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "facts.h"
#include "host_model.h"
#include "json.h"
#include "size.h"
#include "utf8.h"

static int device_info(bool as_json, struct llmctl_error *error)
{
	struct llmctl_device *device = NULL;
	struct llm_info info;
	int ret;

	ret = llmctl_open(&device, error);
	if (!ret)
		ret = llmctl_info(device, &info, error);
	llmctl_close(device);
	if (ret)
		return ret;
	if (as_json) {
		json_object(NULL);
		json_whole("api_version", info.api_version);
		json_whole("image_version", info.image_version);
		json_text("form", (const char *)info.form);
		json_whole("workers", info.workers);
		json_whole("slice_us", info.slice_us);
		json_whole("models", info.models);
		json_whole("sessions", info.sessions);
		json_whole("requests", info.requests);
		json_whole("tokens_in", info.tokens_in);
		json_whole("tokens_out", info.tokens_out);
		json_whole("steps", info.steps);
		json_whole("slices", info.slices);
		json_number("cpu_ms", info.cpu_ns / 1e6);
		json_number("queued_ms", info.queued_ns / 1e6);
		json_number("first_token_ms", info.first_token_ns / 1e6);
		json_object_end();
		return 0;
	}
	printf("interface %u, image version %u\n", info.api_version, info.image_version);
	printf("instruction set %s, workers %u, slices of %u us\n", info.form, info.workers,
	       info.slice_us);
	printf("models %u, sessions %u\n", info.models, info.sessions);
	printf("requests %llu, tokens in %llu, tokens out %llu, steps %llu, slices %llu\n",
	       info.requests, info.tokens_in, info.tokens_out, info.steps, info.slices);
	printf("%.3f s of CPU\n", info.cpu_ns / 1e9);
	return 0;
}

/* A line with a text that a file holds, which may be anything. */
static void print_text(const char *what, const void *text)
{
	printf("%-14s", what);
	utf8_print(text, strlen(text));
	putchar('\n');
}

/* What loading it takes, and a session that uses the whole context. */
static void print_cost(const struct llm_model_info *info)
{
	printf("image         %s\n", size_bytes(info->size).text);
	printf("memory        %s, and up to %s a session\n", size_bytes(info->memory).text,
	       size_bytes(info->session_memory).text);
}

static void print_model(const struct llm_model_info *info)
{
	print_text("title", info->title);
	print_text("architecture", info->architecture);
	printf("parameters    %s\n", size_count(info->parameters).text);
	printf("context       %u\n", info->context_length);
	printf("vocabulary    %u\n", info->vocab_size);
	print_text("template", model_template(info));
	print_cost(info);
}

static int model_info(const char *name, bool as_json, struct llmctl_error *error)
{
	struct llm_model_info *models = NULL;
	struct llmctl_device *device = NULL;
	__u32 count, i;
	int ret;

	ret = llmctl_open(&device, error);
	if (!ret)
		ret = llmctl_models(device, &models, &count, error);
	llmctl_close(device);
	if (ret)
		return ret;
	for (i = 0; i < count && strcmp((const char *)models[i].name, name); i++)
		;
	if (i == count) {
		ret = refuse(error, ENOENT, "%s: neither a file nor a loaded model", name);
	} else if (as_json) {
		json_object(NULL);
		model_facts_json(&models[i]);
		json_object_end();
	} else {
		print_model(&models[i]);
		printf("sessions      %u\n", models[i].sessions);
	}
	free(models);
	return ret;
}

static void memory_json(const struct llm_model_info *info)
{
	json_whole("memory", info->memory);
	json_whole("session_memory", info->session_memory);
}

static int image_info(const char *path, enum llmctl_kv kv, bool as_json,
		      struct llmctl_error *error)
{
	struct llm_model_info info;
	struct host_model *model;
	char tokenizer[96];
	int ret;

	ret = host_model_outline(&model, path, kv, error);
	if (ret)
		return ret;
	host_model_info(model, &info);
	host_model_tokenizer(model, tokenizer, sizeof(tokenizer));
	host_model_close(model);
	if (as_json) {
		json_object(NULL);
		json_text("format", "image");
		json_text("title", (const char *)info.title);
		json_text("architecture", (const char *)info.architecture);
		json_whole("size", info.size);
		json_whole("parameters", info.parameters);
		json_whole("context_length", info.context_length);
		json_whole("vocab_size", info.vocab_size);
		json_text("template", model_template(&info));
		json_text("tokenizer", tokenizer);
		memory_json(&info);
		json_object_end();
		return 0;
	}
	printf("format        image %d\n", LLM_IMAGE_VERSION);
	print_model(&info);
	print_text("tokenizer", tokenizer);
	return 0;
}

/* Also a file that can't be loaded can be asked about: that it can't is a fact. */
static int gguf_info(const char *path, enum llmctl_kv kv, bool as_json,
		     struct llmctl_error *error)
{
	struct llmctl_error reason = { 0 };
	struct llmctl_gguf_facts facts;
	struct llm_model_info info;
	struct host_model *model;
	int ret;

	ret = llmctl_gguf_facts(&facts, path, error);
	if (ret)
		return ret;
	if (!host_model_outline(&model, path, kv, &reason)) {
		host_model_info(model, &info);
		host_model_close(model);
	}
	if (as_json) {
		json_object(NULL);
		json_text("format", "gguf");
		json_whole("version", facts.version);
		json_text("title", facts.name);
		json_text("architecture", facts.architecture);
		json_whole("size", facts.size);
		json_whole("parameters", facts.parameters);
		json_whole("tensors", facts.tensors);
		json_whole("keys", facts.keys);
		json_text("types", facts.types);
		json_text("template", facts.template);
		json_text("tokenizer", facts.tokenizer);
		json_text("pretokenizer", facts.pretokenizer);
		json_bool("supported", !reason.code);
		if (reason.code)
			json_text("reason", reason.text);
		else
			memory_json(&info);
		json_object_end();
		return 0;
	}
	printf("format        GGUF %u, %u keys, %u tensors\n", facts.version, facts.keys,
	       facts.tensors);
	print_text("title", facts.name);
	print_text("architecture", facts.architecture);
	printf("parameters    %s\n", size_count(facts.parameters).text);
	printf("types         %s\n", facts.types);
	print_text("template", facts.template);
	print_text("tokenizer", facts.tokenizer);
	if (*facts.pretokenizer)
		print_text("pre-tokenizer", facts.pretokenizer);
	printf("file          %s\n", size_bytes(facts.size).text);
	if (!reason.code)
		print_cost(&info);
	printf("supported     %s%s\n", reason.code ? "no: " : "yes", reason.text);
	return 0;
}

static bool is_image(const char *path)
{
	char magic[8] = "";
	bool found;
	int fd;

	/* O_NONBLOCK: opening a FIFO by mistake shall not wait for a writer. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return false;
	found = read(fd, magic, sizeof(magic)) == sizeof(magic) &&
		!memcmp(magic, LLM_IMAGE_MAGIC, sizeof(magic));
	close(fd);
	return found;
}

/* What is there, or looks like the name of a file: so that its absence is told. */
static bool is_file(const char *operand)
{
	const char *ending = strrchr(operand, '.');
	struct stat file;

	return strchr(operand, '/') || !stat(operand, &file) ||
	       (ending && (!strcmp(ending, ".gguf") || !strcmp(ending, ".img")));
}

static int run_info(const struct command *command, int argc, char **argv)
{
	enum llmctl_kv kv = LLMCTL_KV_DEFAULT;
	bool as_json = false;
	const struct option options[] = {
		{ OPTION_FLAG, "json", 0, &as_json, 0, 0, NULL, NULL, NULL, "as a JSON object" },
		COMMAND_KV_OPTION(&kv),
		{ .kind = OPTION_END },
	};
	struct llmctl_error error = { 0 };
	struct operands operands;
	int status;

	if (!command_parse(command, options, argc, argv, &operands, 0, 1, &status))
		return status;
	if (!operands.count)
		device_info(as_json, &error);
	else if (!is_file(operands.values[0]))
		model_info(operands.values[0], as_json, &error);
	else if (is_image(operands.values[0]))
		image_info(operands.values[0], kv, as_json, &error);
	else
		gguf_info(operands.values[0], kv, as_json, &error);
	return error.code ? report(&error) : EXIT_OK;
}

const struct command command_info = {
	.name = "info",
	.arguments = "[--json] [--kv F] [FILE|MODEL]",
	.summary = "describes a model file, a loaded model, or the device",
	.run = run_info,
};
