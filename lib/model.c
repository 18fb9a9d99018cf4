// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "chat_template.h"
#include "ggml_type.h"

/* Bytes of an image that are read at a time. */
#define CHUNK (4U << 20)

/**
 * struct llmctl_model - a model file
 * @facts: what it holds
 * @path: its name, for reasons
 * @gguf: the file, for LLMCTL_FORMAT_GGUF
 * @compile: its compilation
 * @fd: the file, for LLMCTL_FORMAT_IMAGE, or -1
 */
struct llmctl_model {
	struct llmctl_model_facts facts;
	char *path;
	struct gguf *gguf;
	struct compile compile;
	int fd;
};

static int open_gguf(struct llmctl_model *model, __u32 type, enum llmctl_kv kv,
		     const char *template, struct llmctl_error *error)
{
	int ret = gguf_open(&model->gguf, model->path, error);

	if (ret)
		return ret;
	model->compile.gguf = model->gguf;
	model->compile.type = type;
	model->compile.kv = kv;
	model->compile.template = template;
	model->compile.error = error;
	ret = compile_gguf(&model->compile);
	model->compile.template = NULL;
	model->compile.error = NULL;
	if (ret)
		return ret;
	model->facts.format = LLMCTL_FORMAT_GGUF;
	model->facts.size = compile_size(&model->compile);
	model->facts.model = model->compile.writer.model;
	model->facts.fallbacks = model->compile.fallbacks;
	if (model->compile.writer.has_chat)
		model->facts.chat = &model->compile.writer.chat;
	return 0;
}

static int check_header(struct llmctl_model *model, const struct llm_image_header *header,
			__u64 size, struct llmctl_error *error)
{
	if (header->version != LLM_IMAGE_VERSION)
		return llmctl_fail(error, EOPNOTSUPP,
				   "%s: image version %u is not supported; convert it again from its GGUF file",
				   model->path, header->version);
	if (header->size < sizeof(*header) || header->size > size)
		return llmctl_fail(error, EINVAL,
				   "%s: an image of %llu bytes in a file of %llu",
				   model->path, header->size, size);
	model->facts.format = LLMCTL_FORMAT_IMAGE;
	model->facts.size = header->size;
	return 0;
}

/* Returns whether the file is an image at all; else it is tried as GGUF. */
static bool open_image(struct llmctl_model *model, int *code, struct llmctl_error *error)
{
	struct llm_image_header header;
	struct stat status;

	model->fd = open(model->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (model->fd >= 0 && !fstat(model->fd, &status) && S_ISREG(status.st_mode) &&
	    pread(model->fd, &header, sizeof(header), 0) == sizeof(header) &&
	    !memcmp(header.magic, LLM_IMAGE_MAGIC, sizeof(header.magic))) {
		*code = check_header(model, &header, status.st_size, error);
		return true;
	}
	if (model->fd >= 0)
		close(model->fd);
	model->fd = -1;
	return false;
}

int llmctl_model_open(struct llmctl_model **opened, const char *path, __u32 type,
		      enum llmctl_kv kv, const char *template, struct llmctl_error *error)
{
	struct llmctl_model *model = calloc(1, sizeof(*model));
	int ret = 0;

	if (!model)
		return llmctl_fail(error, ENOMEM, "%s: not enough memory", path);
	model->fd = -1;
	model->path = strdup(path);
	if (!model->path)
		ret = llmctl_fail(error, ENOMEM, "%s: not enough memory", path);
	else if (!open_image(model, &ret, error))
		ret = open_gguf(model, type, kv, template, error);
	else if (!ret && (template || kv))
		ret = llmctl_fail(error, EINVAL,
				  "%s: the %s of an image stays; convert it again from its GGUF file",
				  path, template ? "chat template" : "format of keys and values");
	if (ret) {
		llmctl_model_close(model);
		return ret;
	}
	*opened = model;
	return 0;
}

const struct llmctl_model_facts *llmctl_model_facts(const struct llmctl_model *model)
{
	return &model->facts;
}

static int copy_image(struct llmctl_model *model, __u8 *image, llmctl_progress progress,
		      void *data, struct llmctl_error *error)
{
	__u64 size = model->facts.size, at = 0;

	while (at < size) {
		size_t part = size - at < CHUNK ? size - at : CHUNK;
		ssize_t got = pread(model->fd, image + at, part, at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return llmctl_fail(error, errno, "%s: %s", model->path, strerror(errno));
		if (!got)
			return llmctl_fail(error, EIO, "%s became shorter while it was read",
					   model->path);
		at += got;
		if (progress)
			progress(data, at, size);
	}
	return 0;
}

int llmctl_model_write(struct llmctl_model *model, void *image, llmctl_progress progress,
		       void *data, struct llmctl_error *error)
{
	if (model->facts.format == LLMCTL_FORMAT_IMAGE)
		return copy_image(model, image, progress, data, error);
	return compile_write(&model->compile, image, progress, data, error);
}

void llmctl_model_outline(const struct llmctl_model *model, void *image)
{
	image_write(&model->compile.writer, image);
}

void llmctl_model_close(struct llmctl_model *model)
{
	if (!model)
		return;
	compile_destroy(&model->compile);
	gguf_close(model->gguf);
	if (model->fd >= 0)
		close(model->fd);
	free(model->path);
	free(model);
}

static void copy_text(struct gguf *gguf, const char *name, char *to, size_t size)
{
	const char *text;
	__u64 length;

	if (gguf_get_string(gguf, name, &text, &length, NULL) == 1)
		snprintf(to, size, "%.*s", length < size ? (int)length : (int)size - 1, text);
}

/* The types there are, in the order of their numbers, and how often. */
static void list_types(const struct gguf *gguf, char *to, size_t size)
{
	size_t used = 0;
	__u32 number, i, count;

	for (number = 0; number < 64; number++) {
		count = 0;
		for (i = 0; i < gguf->tensor_count; i++)
			count += gguf->tensors[i].type == number;
		if (count && used < size)
			used += snprintf(to + used, size - used, "%s%s %u", used ? ", " : "",
					 ggml_type_find(number)->name, count);
	}
}

static void name_template(struct gguf *gguf, char *to, size_t size)
{
	struct llm_image_chat chat = { .name = "none" };
	const char *text;
	__u64 length;

	if (gguf_get_string(gguf, "tokenizer.chat_template", &text, &length, NULL) == 1)
		chat_recognise(&chat, text, length);
	snprintf(to, size, "%s", *chat.name ? (const char *)chat.name : "unknown");
}

int llmctl_gguf_facts(struct llmctl_gguf_facts *facts, const char *path,
		      struct llmctl_error *error)
{
	struct gguf *gguf;
	__u32 i;
	int ret;

	ret = gguf_open(&gguf, path, error);
	if (ret)
		return ret;
	*facts = (struct llmctl_gguf_facts) {
		.version = gguf->version,
		.size = gguf->size,
		.keys = gguf->key_count,
		.tensors = gguf->tensor_count,
	};
	for (i = 0; i < gguf->tensor_count; i++)
		facts->parameters += gguf->tensors[i].elements;
	copy_text(gguf, "general.name", facts->name, sizeof(facts->name));
	copy_text(gguf, "general.architecture", facts->architecture,
		  sizeof(facts->architecture));
	copy_text(gguf, "tokenizer.ggml.model", facts->tokenizer, sizeof(facts->tokenizer));
	copy_text(gguf, "tokenizer.ggml.pre", facts->pretokenizer, sizeof(facts->pretokenizer));
	list_types(gguf, facts->types, sizeof(facts->types));
	name_template(gguf, facts->template, sizeof(facts->template));
	gguf_close(gguf);
	return 0;
}
