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

	/* A copy, because weights are repacked and a firmware file is read-only. */
	buffer = llm_buffer_copy(firmware->data, firmware->size);
	if (!buffer)
		return -ENOMEM;
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
	result = publish(padded, firmware);
	release_firmware(firmware);
	return result;
}
