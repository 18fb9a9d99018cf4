// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "host_model.h"
#include "progress.h"
#include "size.h"

static bool take_type(void *target, const char *text)
{
	static const struct {
		const char *name;
		__u32 type;
	} types[] = {
		{ "f32", LLM_TENSOR_F32 },
		{ "f16", LLM_TENSOR_F16 },
		{ "q8_0", LLM_TENSOR_Q8_0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		if (!strcmp(text, types[i].name)) {
			*(__u32 *)target = types[i].type;
			return true;
		}
	}
	return false;
}

/* Writes the image to an open file, whose room is taken first: a mapping can't fail. */
static int write_image(struct llmctl_model *model, int fd, const char *path,
		       struct llmctl_error *error)
{
	__u64 size = llmctl_model_facts(model)->size;
	void *image;
	int ret;

	ret = posix_fallocate(fd, 0, size);
	if (ret)
		return refuse(error, ret, "%s: %s", path, strerror(ret));
	image = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (image == MAP_FAILED)
		return refuse(error, errno, "%s: %s", path, strerror(errno));
	ret = progress_write(model, image, error);
	if (!ret && msync(image, size, MS_SYNC))
		ret = refuse(error, errno, "%s: %s", path, strerror(errno));
	munmap(image, size);
	return ret;
}

/* Under another name until it is whole, so that a file there is not lost before. */
static int write_file(struct llmctl_model *model, const char *path, struct llmctl_error *error)
{
	mode_t mask = umask(0);
	char *unfinished;
	int fd, ret;

	umask(mask);
	if (asprintf(&unfinished, "%s.XXXXXX", path) < 0)
		return refuse(error, ENOMEM, "not enough memory");
	fd = mkostemp(unfinished, O_CLOEXEC);
	if (fd < 0) {
		ret = refuse(error, errno, "%s: %s", path, strerror(errno));
		free(unfinished);
		return ret;
	}
	ret = write_image(model, fd, path, error);
	if (!ret && (fchmod(fd, 0666 & ~mask) || rename(unfinished, path)))
		ret = refuse(error, errno, "%s: %s", path, strerror(errno));
	if (ret)
		unlink(unfinished);
	close(fd);
	free(unfinished);
	return ret;
}

static int make_image(const char *from, const char *to, __u32 type, enum llmctl_kv kv,
		      const char *template, struct llmctl_error *error)
{
	const struct llmctl_model_facts *facts;
	struct llmctl_model *model;
	int ret;

	ret = llmctl_model_open(&model, from, type, kv, template, error);
	if (ret)
		return ret;
	facts = llmctl_model_facts(model);
	if (facts->format == LLMCTL_FORMAT_IMAGE)
		ret = refuse(error, EINVAL, "%s is an image already; convert its GGUF file", from);
	else
		ret = write_file(model, to, error);
	if (!ret && facts->fallbacks)
		fprintf(stderr,
			"llmctl: %u tensors have rows that are no multiple of 32 numbers; they became f16\n",
			facts->fallbacks);
	if (!ret)
		printf("%s: %s\n", to, size_bytes(facts->size).text);
	llmctl_model_close(model);
	return ret;
}

static int run_convert(const struct command *command, int argc, char **argv)
{
	enum llmctl_kv kv = LLMCTL_KV_DEFAULT;
	__u32 type = LLMCTL_KEEP_TYPES;
	const char *template = NULL;
	const struct option options[] = {
		{ .kind = OPTION_CALL, .name = "type", .target = &type, .take = take_type,
		  .wanted = "f32, f16 or q8_0", .value = "f32|f16|q8_0",
		  .help = "the weights' number format; else\neach keeps its own" },
		{ OPTION_TEXT, "template", 0, &template, 0, 0, NULL, NULL, "TEMPLATE",
		  "chat template by llama.cpp's name, or none;\nelse as the file says" },
		COMMAND_KV_OPTION(&kv),
		{ .kind = OPTION_END },
	};
	struct llmctl_error error = { 0 };
	struct operands operands;
	int status;

	if (!command_parse(command, options, argc, argv, &operands, 2, 2, &status))
		return status;
	if (make_image(operands.values[0], operands.values[1], type, kv, template, &error))
		return report(&error);
	return EXIT_OK;
}

const struct command command_convert = {
	.name = "convert",
	.arguments = "[--type T] [--template T] [--kv F] IN.gguf OUT.img",
	.summary = "makes an image of a GGUF file",
	.run = run_convert,
};

static int run_verify(const struct command *command, int argc, char **argv)
{
	static const struct option options[] = { { .kind = OPTION_END } };
	struct llmctl_error error = { 0 };
	struct host_model *model;
	struct operands operands;
	int status;

	if (!command_parse(command, options, argc, argv, &operands, 1, 1, &status))
		return status;
	/* Any form will do: nothing is computed. */
	if (host_model_open(&model, operands.values[0], LLMCTL_KV_DEFAULT, "portable", &error))
		return report(&error);
	printf("%s: good\n", operands.values[0]);
	host_model_close(model);
	return EXIT_OK;
}

const struct command command_verify = {
	.name = "verify",
	.arguments = "FILE",
	.summary = "checks a GGUF file or an image as the kernel does",
	.run = run_verify,
};
