// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/firmware.h>
#include <linux/kernel.h>
#include <linux/llm.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "buffer.h"
#include "model.h"

static int publish(const char *name, const struct firmware *firmware)
{
	struct llm_error error = {};
	struct llm_buffer *buffer;
	int result;

	/* True for files, which are read into whole pages; not for built-in ones. */
	if (!IS_ALIGNED((unsigned long)firmware->data, LLM_IMAGE_ALIGN)) {
		pr_err("model %s refused: firmware built into the kernel is not aligned\n", name);
		release_firmware(firmware);
		return -EINVAL;
	}
	buffer = llm_buffer_from_firmware(firmware);
	if (!buffer) {
		release_firmware(firmware);
		return -ENOMEM;
	}
	result = llm_model_publish(name, buffer, LLM_SEAL_DEFAULT, &error);
	if (result) {
		pr_err("model %s refused: %s\n", name, error.text);
		llm_buffer_put(buffer);
	}
	return result;
}

int llm_model_load_firmware(const char *name)
{
	const struct firmware *firmware;
	char padded[LLM_NAME_SIZE];
	char path[LLM_NAME_SIZE + 16];
	int result;

	if (strscpy_pad(padded, name, sizeof(padded)) < 0 || !llm_model_name_valid(padded)) {
		pr_err("model=%s is not a name of 1..%u letters, digits and ._:-\n", name,
		       LLM_NAME_SIZE - 1);
		return -EINVAL;
	}
	snprintf(path, sizeof(path), "llm/%s.img", padded);
	result = request_firmware_direct(&firmware, path, NULL);
	if (result) {
		pr_err("firmware file %s can't be read: error %d\n", path, result);
		return result;
	}
	return publish(padded, firmware);
}
