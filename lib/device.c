// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"

static int refuse_open(struct llmctl_error *error, int code)
{
	struct group entry, *group = NULL;
	struct stat status;
	char names[1024];

	switch (code) {
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return llmctl_fail(error, code,
				   "there is no %s: the module is not loaded; try 'insmod llm.ko' as root",
				   LLMCTL_DEVICE);
	case EACCES:
	case EPERM:
		if (!stat(LLMCTL_DEVICE, &status) && status.st_gid)
			getgrgid_r(status.st_gid, &entry, names, sizeof(names), &group);
		if (group)
			return llmctl_fail(error, code,
					   "no permission for %s: become root or a member of group %s",
					   LLMCTL_DEVICE, group->gr_name);
		return llmctl_fail(error, code,
				   "no permission for %s: become root, or let root change its owner or mode",
				   LLMCTL_DEVICE);
	default:
		return llmctl_fail(error, code, "%s: %s", LLMCTL_DEVICE, strerror(code));
	}
}

int llmctl_open(struct llmctl_device **opened, struct llmctl_error *error)
{
	struct llmctl_device *device = malloc(sizeof(*device));
	int ret;

	if (!device)
		return llmctl_fail(error, ENOMEM, "not enough memory");
	device->fd = open(LLMCTL_DEVICE, O_RDWR | O_CLOEXEC);
	if (device->fd < 0) {
		ret = refuse_open(error, errno);
		free(device);
		return ret;
	}
	*opened = device;
	return 0;
}

void llmctl_close(struct llmctl_device *device)
{
	if (!device)
		return;
	close(device->fd);
	free(device);
}

int llmctl_fd(const struct llmctl_device *device)
{
	return device->fd;
}

/* What an errno means that is the same for all calls. */
static const char *meaning(int code)
{
	switch (code) {
	case ENODEV:
		return LLMCTL_NO_MODEL;
	case ENOTTY:
		return "the loaded module is older than this program and does not know that";
	case E2BIG:
		return "that is more than the module takes";
	case ENOMEM:
		return "not enough memory";
	case EAGAIN:
		return "the module's limit of sessions or requests is reached; try again later";
	case EPERM:
		return "only root may do that";
	default:
		return NULL;
	}
}

int llmctl_call(struct llmctl_device *device, unsigned long number, void *argument,
		const struct llmctl_meaning *meanings, const char *what,
		struct llmctl_error *error)
{
	const char *text;
	int code;

	if (ioctl(device->fd, number, argument) >= 0)
		return 0;
	code = errno;
	for (; meanings && meanings->code; meanings++)
		if (meanings->code == code)
			return llmctl_fail(error, code, "%s: %s", what, meanings->text);
	text = meaning(code);
	return llmctl_fail(error, code, "%s: %s", what, text ? text : strerror(code));
}

int llmctl_info(struct llmctl_device *device, struct llm_info *info, struct llmctl_error *error)
{
	memset(info, 0, sizeof(*info));
	return llmctl_call(device, LLM_IOC_INFO, info, NULL, "information", error);
}

/* A list of whatever length: asked for again while it outgrows the room. */
static int get_list(struct llmctl_device *device, unsigned long number, size_t entry,
		    void **array, __u32 *count, const char *what, struct llmctl_error *error)
{
	struct llm_list list;
	__u32 room = 16;
	void *entries;
	int ret;

	for (;;) {
		entries = calloc(room, entry);
		if (!entries)
			return llmctl_fail(error, ENOMEM, "%s: not enough memory", what);
		list = (struct llm_list) {
			.entries = (uintptr_t)entries,
			.entry_size = entry,
			.capacity = room,
		};
		ret = llmctl_call(device, number, &list, NULL, what, error);
		if (!ret && list.count <= room)
			break;
		free(entries);
		if (ret)
			return ret;
		if (list.count > UINT32_MAX - 16)
			return llmctl_fail(error, EOVERFLOW, "%s: too many", what);
		room = list.count + 16;
	}
	*array = entries;
	*count = list.count;
	return 0;
}

int llmctl_models(struct llmctl_device *device, struct llm_model_info **models, __u32 *count,
		  struct llmctl_error *error)
{
	void *array = NULL;
	int ret;

	ret = get_list(device, LLM_IOC_MODEL_LIST, sizeof(**models), &array, count,
		       "list of models", error);
	if (!ret)
		*models = array;
	return ret;
}

__s32 llmctl_fixed(double value)
{
	double scaled = round(value * LLM_FIXED_ONE);

	if (isnan(scaled))
		return 0;
	if (scaled <= INT32_MIN)
		return INT32_MIN;
	if (scaled >= INT32_MAX)
		return INT32_MAX;
	return scaled;
}
