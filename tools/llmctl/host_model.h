/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HOST_MODEL_H
#define HOST_MODEL_H

#include "engine/step.h"
#include "engine/tokenizer.h"
#include "report.h"

/**
 * struct host_model - a model on the engine in this process
 * @bytes: the image
 * @size: bytes of it
 * @image: the image, taken apart
 * @plan: its program, verified
 * @tokenizer: its tokenizer
 */
struct host_model {
	void *bytes;
	__u64 size;
	struct llm_image *image;
	struct llm_plan *plan;
	struct llm_tokenizer *tokenizer;
};

/**
 * host_model_open() - loads a file as the module would
 * @opened: where the result goes; host_model_close() frees it
 * @path: file, GGUF or image
 * @kv: as for llmctl_model_open()
 * @form: SIMD form, or "auto" for the fastest
 * @error: reason of a failure, the verifier's included
 *
 * Return: 0 or a negative errno.
 */
int host_model_open(struct host_model **opened, const char *path, enum llmctl_kv kv,
		    const char *form, struct llmctl_error *error);

/**
 * host_model_outline() - verifies a file without reading the numbers of its tensors
 * @opened: where the result goes, which can do all but compute; host_model_close()
 *	frees it
 * @path: file, GGUF or image
 * @kv: as for llmctl_model_open()
 * @error: reason of a failure, the verifier's included
 *
 * Return: 0 or a negative errno.
 */
int host_model_outline(struct host_model **opened, const char *path, enum llmctl_kv kv,
		       struct llmctl_error *error);

/**
 * host_model_info() - its facts, as LLM_IOC_MODEL_LIST has them; no name
 * @model: model
 * @info: filled
 */
void host_model_info(const struct host_model *model, struct llm_model_info *info);

/**
 * host_model_tokenizer() - what its tokenizer is, for people
 * @model: model
 * @text: where to, NUL-terminated
 * @size: bytes there
 */
void host_model_tokenizer(const struct host_model *model, char *text, size_t size);

/**
 * host_model_close() - frees what host_model_open() made
 * @model: model, or NULL
 */
void host_model_close(struct host_model *model);

#endif /* HOST_MODEL_H */
