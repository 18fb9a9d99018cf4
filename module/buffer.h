/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_BUFFER_H
#define LLM_BUFFER_H

#include <linux/types.h>

struct file;
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
 * llm_buffer_copy() - a sealed buffer with a copy of an image
 * @bytes: the image
 * @size: how many bytes, at least 1
 *
 * Return: the buffer, or NULL without memory.
 */
struct llm_buffer *llm_buffer_copy(const void *bytes, u64 size);

/** llm_buffer_get() - takes a reference. */
void llm_buffer_get(struct llm_buffer *buffer);

/** llm_buffer_put() - gives a reference back; the last one frees the memory. */
void llm_buffer_put(struct llm_buffer *buffer);

/** llm_buffer_data() - the bytes; once sealed, llm_repack() alone changes them. */
void *llm_buffer_data(const struct llm_buffer *buffer);

/** llm_buffer_size() - how many. */
u64 llm_buffer_size(const struct llm_buffer *buffer);

#endif /* LLM_BUFFER_H */
