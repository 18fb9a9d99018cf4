/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_MODEL_H
#define LLM_MODEL_H

#include <linux/llm.h>
#include <linux/types.h>

#include "engine/step.h"
#include "engine/tokenizer.h"

struct llm_buffer;

/**
 * struct llm_model - a sealed image, shared by all its sessions
 * @link: in the list of models, under its lock
 * @id: number in the order of listing, from 1
 * @name: name it was created under
 * @buffer: bytes of the image; owned
 * @image: the image, taken apart
 * @plan: its program, verified
 * @tokenizer: its tokenizer
 * @step: memory of its steps; the scheduler's
 * @sessions: references taken with llm_model_get(), under the list's lock
 * @memory: bytes of kernel memory it takes
 *
 * All but @sessions is constant from publishing to the last reference.
 */
struct llm_model {
	struct list_head link;
	u64 id;
	char name[LLM_NAME_SIZE];
	struct llm_buffer *buffer;
	struct llm_image *image;
	struct llm_plan *plan;
	struct llm_tokenizer *tokenizer;
	struct llm_step *step;
	u32 sessions;
	u64 memory;
};

/**
 * llm_model_name_valid() - whether a model can be called so
 * @name: LLM_NAME_SIZE bytes: 1..63 of [A-Za-z0-9._:-], then NUL to the end
 */
bool llm_model_name_valid(const char *name);

/**
 * llm_model_publish() - verifies an image and lists it as a model
 * @name: name, checked by llm_model_name_valid()
 * @buffer: bytes that nobody can change any more; the model owns them on
 *	success
 * @flags: LLM_SEAL_DEFAULT
 * @error: gets the reason for a refusal
 *
 * Return: 0 or a negative errno of LLM_IOC_MODEL_SEAL.
 */
int llm_model_publish(const char *name, struct llm_buffer *buffer, u32 flags,
		      struct llm_error *error);

/**
 * llm_model_get() - finds a model and counts a session on it
 * @name: name, or NULL for the default
 *
 * Return: the model, or NULL. Give it back with llm_model_put().
 */
struct llm_model *llm_model_get(const char *name);

/**
 * llm_model_put() - gives back what llm_model_get() gave
 * @model: the model, or NULL
 */
void llm_model_put(struct llm_model *model);

/**
 * llm_model_exists() - whether a model has this name now
 * @name: name
 */
bool llm_model_exists(const char *name);

/**
 * llm_model_unload() - forgets a model and frees its memory
 * @name: name
 *
 * Return: 0, -ENOENT, or -EBUSY while a session uses it.
 */
int llm_model_unload(const char *name);

/**
 * llm_model_info() - facts of the model at a place in the list
 * @index: from 0
 * @info: filled, all of it
 *
 * Return: whether there is one.
 */
bool llm_model_info(u32 index, struct llm_model_info *info);

/**
 * llm_model_next() - facts of the next model, whatever came and went meanwhile
 * @id: in, number of the one before, or 0; out, that of this one
 * @info: filled, all of it
 *
 * Return: whether there is one.
 */
bool llm_model_next(u64 *id, struct llm_model_info *info);

/** llm_model_count() - models that can be used. */
u32 llm_model_count(void);

/**
 * llm_model_load_firmware() - publishes the image of a firmware file
 * @name: model; the file is llm/NAME.img in the firmware path
 *
 * It becomes the default. Return: 0 or a negative errno; the reason of a
 * refusal is logged.
 */
int llm_model_load_firmware(const char *name);

/** llm_model_init() - Return: 0, or -EINVAL for a bad module parameter. */
int llm_model_init(void);

/** llm_model_exit() - unloads all models; no session is left. */
void llm_model_exit(void);

#endif /* LLM_MODEL_H */
