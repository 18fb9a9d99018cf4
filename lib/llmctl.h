/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libllmctl: model files and the device /dev/llm.
 *
 * Threads: the library has no state of its own. Different objects may be used
 * by different threads at once; one object is for one thread at a time, but for
 * llmctl_cancel(), which any thread may call at any time.
 *
 * Errors: a function that can fail takes a struct llmctl_error, or NULL where
 * the reason does not matter, and returns 0 or a negative errno. What it was to
 * make is not made then.
 */
#ifndef LLMCTL_H
#define LLMCTL_H

#include <stddef.h>
#include <sys/types.h>

#include <linux/llm.h>
#include <linux/llm_image.h>

#ifdef __cplusplus
extern "C" {
#endif

/** LLMCTL_API - what the shared library exports. */
#define LLMCTL_API __attribute__((__visibility__("default")))

/** LLMCTL_DEVICE - the device. */
#define LLMCTL_DEVICE "/dev/llm"

/**
 * struct llmctl_error - why something failed
 * @code: positive errno, 0 while all is well
 * @text: one sentence for a person: what is wrong and, where that is known, what
 *	to do; without a newline, printable
 */
struct llmctl_error {
	int code;
	char text[512];
};

/**
 * typedef llmctl_progress - is told how far something is
 * @data: what its caller passed on
 * @done: bytes done
 * @total: bytes there are
 */
typedef void (*llmctl_progress)(void *data, __u64 done, __u64 total);

/* Model files */

/** LLMCTL_KEEP_TYPES - weights stay in the number format they are in. */
#define LLMCTL_KEEP_TYPES 0xffffffffU

/**
 * enum llmctl_kv - number formats that sessions keep keys and values in
 * @LLMCTL_KV_DEFAULT: as llama.cpp does where it is not told: LLMCTL_KV_F16; for encoders,
 *	which keep them for no longer than a text, LLMCTL_KV_F32
 * @LLMCTL_KV_F16: two bytes a number
 * @LLMCTL_KV_Q8_0: 34 bytes for 32 numbers; heads must be multiples of 32 wide
 * @LLMCTL_KV_F32: four bytes: nothing is rounded
 */
enum llmctl_kv {
	LLMCTL_KV_DEFAULT,
	LLMCTL_KV_F16,
	LLMCTL_KV_Q8_0,
	LLMCTL_KV_F32,
};

/** enum llmctl_format - kinds of model files */
enum llmctl_format {
	LLMCTL_FORMAT_GGUF,
	LLMCTL_FORMAT_IMAGE,
};

struct llmctl_model;

/**
 * struct llmctl_model_facts - what a model file holds
 * @format: kind of file
 * @size: bytes of the image
 * @model: facts that go into the image; zeroed for LLMCTL_FORMAT_IMAGE
 * @fallbacks: weights that could not be converted to the type that was asked for,
 *	since their rows are no multiple of its blocks; they became F16
 * @chat: chat template, or NULL where there is none and for LLMCTL_FORMAT_IMAGE; lives
 *	as long as the model file
 */
struct llmctl_model_facts {
	enum llmctl_format format;
	__u64 size;
	struct llm_image_model model;
	__u32 fallbacks;
	const struct llm_image_chat *chat;
};

/**
 * llmctl_chat() - a chat template that llama.cpp has a name for
 * @chat: filled
 * @name: such as "chatml" or "llama3"
 * @error: reason of a failure
 *
 * Return: 0, or -EINVAL for a name that is not known.
 */
LLMCTL_API int llmctl_chat(struct llm_image_chat *chat, const char *name,
			   struct llmctl_error *error);

/**
 * llmctl_model_open() - opens a GGUF file or an image to make an image of it
 * @opened: where the result goes; llmctl_model_close() frees it
 * @path: file
 * @type: enum llm_tensor_type that weight matrices are converted to, or
 *	LLMCTL_KEEP_TYPES; of an image nothing is converted
 * @kv: what sessions keep keys and values in; of an image it can only be
 *	LLMCTL_KV_DEFAULT, and stays what it is
 * @template: NULL: the chat template is recognised; "none": there is none; or the name
 *	of one that llmctl_chat() knows. Of an image it can only be NULL
 * @error: reason of a failure
 *
 * A GGUF file is read but for its tensors and compiled; a chat template that can't be
 * recognised is no failure, see LLM_CHAT_UNKNOWN. An image is not checked
 * beyond its header: that is what the kernel does.
 *
 * Return: 0; -EINVAL for a file that is neither or is broken; -EOPNOTSUPP for
 * an architecture, tokenizer, type or key that is not supported; -ENOMEM; or an
 * errno of reading it.
 */
LLMCTL_API int llmctl_model_open(struct llmctl_model **opened, const char *path, __u32 type,
				 enum llmctl_kv kv, const char *template,
				 struct llmctl_error *error);

/**
 * llmctl_model_facts() - what it holds
 * @model: model file; the facts live as long
 *
 * Return: the facts.
 */
LLMCTL_API const struct llmctl_model_facts *llmctl_model_facts(const struct llmctl_model *model);

/**
 * llmctl_model_write() - writes the image
 * @model: model file
 * @image: llmctl_model_facts().size bytes; every one of them is written
 * @progress: told now and then, or NULL
 * @data: passed on to @progress
 * @error: reason of a failure
 *
 * Tensors are read straight to where they go; they are never held twice.
 * Return: 0; -EINVAL where a number can't be converted; -EIO or another errno
 * of reading the file.
 */
LLMCTL_API int llmctl_model_write(struct llmctl_model *model, void *image,
				  llmctl_progress progress, void *data,
				  struct llmctl_error *error);

/**
 * llmctl_model_outline() - writes the image but for the numbers of its tensors
 * @model: model file, LLMCTL_FORMAT_GGUF
 * @image: llmctl_model_facts().size bytes; those of the tensors are left as they are
 *
 * Enough to verify it, and to tell what it will cost, without reading all of a large
 * file.
 */
LLMCTL_API void llmctl_model_outline(const struct llmctl_model *model, void *image);

/**
 * llmctl_model_close() - frees what llmctl_model_open() made
 * @model: model file, or NULL
 */
LLMCTL_API void llmctl_model_close(struct llmctl_model *model);

/**
 * struct llmctl_gguf_facts - what a GGUF file says, whether or not it can be
 *	compiled
 * @version: of the format
 * @size: bytes of the file
 * @keys: entries of its metadata
 * @tensors: tensors
 * @parameters: numbers in all tensors
 * @name: what the model calls itself, or empty
 * @architecture: family, or empty
 * @types: number formats of the tensors, such as "F32 11, Q8_0 37"
 * @template: name of the chat template, "unknown" or "none"
 * @tokenizer: kind of the tokenizer, as tokenizer.ggml.model has it, or empty
 * @pretokenizer: how it splits texts, as tokenizer.ggml.pre has it, or empty
 */
struct llmctl_gguf_facts {
	__u32 version;
	__u64 size;
	__u32 keys;
	__u32 tensors;
	__u64 parameters;
	char name[64];
	char architecture[32];
	char types[256];
	char template[32];
	char tokenizer[32];
	char pretokenizer[32];
};

/**
 * llmctl_gguf_facts() - reads what a GGUF file says
 * @facts: filled
 * @path: file
 * @error: reason of a failure
 *
 * Return: 0, -EINVAL for a file that is not GGUF or is broken, -ENOMEM, or an
 * errno of reading it.
 */
LLMCTL_API int llmctl_gguf_facts(struct llmctl_gguf_facts *facts, const char *path,
				 struct llmctl_error *error);

/* The device */

struct llmctl_device;

/**
 * llmctl_open() - opens the device, which makes a session
 * @opened: where the result goes; llmctl_close() frees it
 * @error: reason of a failure
 *
 * Return: 0 or an errno of open(2).
 */
LLMCTL_API int llmctl_open(struct llmctl_device **opened, struct llmctl_error *error);

/**
 * llmctl_close() - closes it; a reply under way is cancelled
 * @device: device, or NULL
 */
LLMCTL_API void llmctl_close(struct llmctl_device *device);

/**
 * llmctl_fd() - its file descriptor, for poll(2)
 * @device: device
 *
 * Return: the descriptor.
 */
LLMCTL_API int llmctl_fd(const struct llmctl_device *device);

/**
 * llmctl_info() - LLM_IOC_INFO
 * @device: device
 * @info: filled
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_info(struct llmctl_device *device, struct llm_info *info,
			   struct llmctl_error *error);

/**
 * llmctl_models() - LLM_IOC_MODEL_LIST
 * @device: device
 * @models: array of @count entries, for free(3)
 * @count: how many
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_models(struct llmctl_device *device, struct llm_model_info **models,
			     __u32 *count, struct llmctl_error *error);

/**
 * llmctl_load() - gives a model to the kernel
 * @device: device
 * @model: model file
 * @name: name it gets
 * @flags: LLM_SEAL_*
 * @progress: told now and then, or NULL
 * @data: passed on to @progress
 * @error: reason of a failure, in the kernel's words where it refuses the image
 *
 * Its memory is spread over all memory nodes, in turn, unless the calling thread has a
 * policy of its own, see set_mempolicy(2).
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_load(struct llmctl_device *device, struct llmctl_model *model,
			   const char *name, __u32 flags, llmctl_progress progress,
			   void *data, struct llmctl_error *error);

/**
 * llmctl_unload() - LLM_IOC_MODEL_UNLOAD
 * @device: device
 * @name: model
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_unload(struct llmctl_device *device, const char *name,
			     struct llmctl_error *error);

/**
 * llmctl_setup() - LLM_IOC_SETUP
 * @device: device
 * @setup: what to set
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_setup(struct llmctl_device *device, const struct llm_session_setup *setup,
			    struct llmctl_error *error);

/**
 * llmctl_sampling() - LLM_IOC_SAMPLING
 * @device: device
 * @sampling: what to set; llmctl_fixed() makes its fixed point numbers
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_sampling(struct llmctl_device *device, const struct llm_sampling *sampling,
			       struct llmctl_error *error);

/**
 * llmctl_prompt() - adds text to the prompt
 * @device: device
 * @text: text
 * @length: bytes
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_prompt(struct llmctl_device *device, const void *text, size_t length,
			     struct llmctl_error *error);

/**
 * llmctl_start() - LLM_IOC_START: begins the reply
 * @device: device
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_start(struct llmctl_device *device, struct llmctl_error *error);

/**
 * llmctl_reply() - waits for some of the reply
 * @device: device
 * @buffer: where it goes
 * @size: room there, at least 1
 * @error: reason of a failure
 *
 * Return: bytes, 0 at the end of the reply, -EINTR on a signal, or another
 * negative errno.
 */
LLMCTL_API ssize_t llmctl_reply(struct llmctl_device *device, void *buffer, size_t size,
				struct llmctl_error *error);

/**
 * llmctl_cancel() - LLM_IOC_CANCEL: ends the reply under way
 * @device: device
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_cancel(struct llmctl_device *device, struct llmctl_error *error);

/**
 * llmctl_status() - LLM_IOC_STATUS
 * @device: device
 * @status: filled
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_status(struct llmctl_device *device, struct llm_session_info *status,
			     struct llmctl_error *error);

/**
 * llmctl_tokenize() - LLM_IOC_TOKENIZE
 * @device: device
 * @text: text
 * @length: bytes, at most LLM_MAX_TEXT
 * @flags: LLM_TOKENIZE_*
 * @tokens: array of @count tokens, for free(3)
 * @count: how many
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_tokenize(struct llmctl_device *device, const void *text, size_t length,
			       __u32 flags, __u32 **tokens, __u32 *count,
			       struct llmctl_error *error);

/**
 * llmctl_detokenize() - LLM_IOC_DETOKENIZE
 * @device: device
 * @tokens: tokens
 * @count: how many
 * @flags: LLM_TOKENIZE_SPECIAL or 0
 * @text: @length bytes and a NUL, for free(3)
 * @length: how many
 * @ends: array of @count that gets where the text of each token ends, or NULL
 * @error: reason of a failure
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_detokenize(struct llmctl_device *device, const __u32 *tokens,
				 __u32 count, __u32 flags, char **text, __u32 *length,
				 __u32 *ends, struct llmctl_error *error);

/**
 * llmctl_score() - LLM_IOC_SCORE
 * @device: device
 * @text: text
 * @length: bytes, at most LLM_MAX_TEXT
 * @alternatives: 0..LLM_MAX_ALTERNATIVES
 * @flags: LLM_TOKENIZE_*
 * @entries: array of @count entries, 1 + @alternatives for each token, for
 *	free(3)
 * @count: how many
 * @error: reason of a failure; -ENOSPC where the text does not fit the context
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_score(struct llmctl_device *device, const void *text, size_t length,
			    __u32 alternatives, __u32 flags,
			    struct llm_score_entry **entries, __u32 *count,
			    struct llmctl_error *error);

/**
 * struct llmctl_embedding - what a text means, as numbers
 * @vectors: @count numbers: vectors one after the other, see struct llm_embed; for
 *	free(3)
 * @count: how many
 * @width: numbers of a vector
 * @tokens: tokens of the text
 * @pooling: enum llm_pooling_kind
 */
struct llmctl_embedding {
	__s32 *vectors;
	__u32 count;
	__u32 width;
	__u32 tokens;
	__u32 pooling;
};

/**
 * llmctl_embed() - LLM_IOC_EMBED
 * @device: device
 * @texts: text, and with LLM_EMBED_PAIR the second one
 * @pooling: enum llm_pooling_kind
 * @flags: LLM_TOKENIZE_SPECIAL, LLM_EMBED_PAIR
 * @embedding: filled
 * @error: reason of a failure; -ENOSPC where the text does not fit the context
 *
 * Return: 0 or a negative errno.
 */
LLMCTL_API int llmctl_embed(struct llmctl_device *device, const struct llm_text *texts,
			    __u32 pooling, __u32 flags, struct llmctl_embedding *embedding,
			    struct llmctl_error *error);

/**
 * llmctl_fixed() - a number as Q16.16
 * @value: number
 *
 * Return: the nearest fixed point number; the least or greatest there is where
 * @value is beyond it; 0 where it is not a number.
 */
LLMCTL_API __s32 llmctl_fixed(double value);

#ifdef __cplusplus
}
#endif

#endif /* LLMCTL_H */
