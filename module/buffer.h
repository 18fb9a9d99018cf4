/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_BUFFER_H
#define LLM_BUFFER_H

#include <linux/types.h>

struct file;
struct firmware;
struct llm_buffer;

/**
 * llm_buffer_create() - the file of an empty buffer, for LLM_IOC_MODEL_CREATE
 * @name: name of the model to be, checked by llm_model_name_valid()
 * @size: bytes of its image
 *
 * The caller installs it where that can't fail any more. Return: the file, or
 * an ERR_PTR() of a negative errno of LLM_IOC_MODEL_CREATE.
 */
struct file *llm_buffer_create(const char *name, u64 size);

/**
 * llm_buffer_from_firmware() - a sealed buffer around a firmware file
 * @firmware: file; the buffer owns it on success
 *
 * Return: the buffer, or NULL without memory.
 */
struct llm_buffer *llm_buffer_from_firmware(const struct firmware *firmware);

/** llm_buffer_get() - takes a reference. */
void llm_buffer_get(struct llm_buffer *buffer);

/** llm_buffer_put() - gives a reference back; the last one frees the memory. */
void llm_buffer_put(struct llm_buffer *buffer);

/** llm_buffer_data() - the bytes; nobody can change them once it is sealed. */
const void *llm_buffer_data(const struct llm_buffer *buffer);

/** llm_buffer_size() - how many. */
u64 llm_buffer_size(const struct llm_buffer *buffer);

#endif /* LLM_BUFFER_H */
