// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "interleave.h"

#define REASON_SIZE 256

static int copy_name(__u8 *to, const char *name, struct llmctl_error *error)
{
	size_t length = strlen(name);

	if (!length || length >= LLM_NAME_SIZE)
		return llmctl_fail(error, EINVAL, "model name '%s': 1 to %d characters are allowed",
				   name, LLM_NAME_SIZE - 1);
	memset(to, 0, LLM_NAME_SIZE);
	memcpy(to, name, length);
	return 0;
}

static int create(struct llmctl_device *device, const char *name, __u64 size, int *fd,
		  struct llmctl_error *error)
{
	static const struct llmctl_meaning meanings[] = {
		{ EPERM, "only root may load models" },
		{ EINVAL, "its name may have letters, digits, '.', '_', ':' and '-' only" },
		{ EEXIST, "a model of that name is loaded; unload it first, or use --name" },
		{ EFBIG, "it is larger than the module's limit" },
		{ ENOMEM, "not enough memory for it" },
		{ 0, NULL },
	};
	struct llm_model_create arguments = { .size = size };
	bool interleaved;
	int ret;

	ret = copy_name(arguments.name, name, error);
	if (ret)
		return ret;
	/* All pages are taken here. A worker, wherever it runs, reads all of the weights. */
	interleaved = llmctl_interleave_begin();
	ret = llmctl_call(device, LLM_IOC_MODEL_CREATE, &arguments, meanings, name, error);
	llmctl_interleave_end(interleaved);
	if (!ret)
		*fd = arguments.fd;
	return ret;
}

static int fill(int fd, struct llmctl_model *model, llmctl_progress progress, void *data,
		struct llmctl_error *error)
{
	__u64 size = llmctl_model_facts(model)->size;
	void *image;
	int ret;

	image = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (image == MAP_FAILED)
		return llmctl_fail(error, errno, "the model's buffer can't be mapped: %s",
				   strerror(errno));
	ret = llmctl_model_write(model, image, progress, data, error);
	munmap(image, size);
	return ret;
}

static int seal(int fd, const char *name, __u32 flags, struct llmctl_error *error)
{
	char reason[REASON_SIZE] = "";
	struct llm_model_seal arguments = {
		.flags = flags,
		.reason_size = sizeof(reason),
		.reason = (uintptr_t)reason,
	};
	int code;

	if (!ioctl(fd, LLM_IOC_MODEL_SEAL, &arguments))
		return 0;
	code = errno;
	reason[sizeof(reason) - 1] = '\0';
	return llmctl_fail(error, code, "%s: the module refuses it: %s", name,
			   *reason ? reason : strerror(code));
}

int llmctl_load(struct llmctl_device *device, struct llmctl_model *model, const char *name,
		__u32 flags, llmctl_progress progress, void *data, struct llmctl_error *error)
{
	int ret, fd;

	ret = create(device, name, llmctl_model_facts(model)->size, &fd, error);
	if (ret)
		return ret;
	ret = fill(fd, model, progress, data, error);
	if (!ret)
		ret = seal(fd, name, flags, error);
	/* Unsealed, it is discarded by this. */
	close(fd);
	return ret;
}

int llmctl_unload(struct llmctl_device *device, const char *name, struct llmctl_error *error)
{
	static const struct llmctl_meaning meanings[] = {
		{ EPERM, "only root may unload models" },
		{ ENOENT, "no such model is loaded; 'llmctl ls' lists them" },
		{ EBUSY, "sessions use it; 'llmctl ps' lists them" },
		{ 0, NULL },
	};
	struct llm_model_unload arguments = { 0 };
	int ret;

	ret = copy_name(arguments.name, name, error);
	if (ret)
		return ret;
	return llmctl_call(device, LLM_IOC_MODEL_UNLOAD, &arguments, meanings, name, error);
}
