/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The compiler from GGUF to image. compile.c holds what all architectures need,
 * arch_*.c a family of architectures each, vocab_*.c one kind of tokenizer each,
 * vocab.c what all of these need.
 */
#ifndef LLMCTL_COMPILE_H
#define LLMCTL_COMPILE_H

#include <stdint.h>

#include "gguf.h"
#include "image_writer.h"

/** COMPILE_MAX_WIDTH - columns a register can have. */
#define COMPILE_MAX_WIDTH	1048576
/** COMPILE_MAX_LAYERS - layers a model can have: one slot each. */
#define COMPILE_MAX_LAYERS	1024
/** COMPILE_MAX_VOCAB - tokens a model can have. */
#define COMPILE_MAX_VOCAB	1048576
/** COMPILE_MAX_CONTEXT - positions a model can have. */
#define COMPILE_MAX_CONTEXT	1048576
/** COMPILE_REQUIRED - a number that must be in the metadata. */
#define COMPILE_REQUIRED	UINT64_MAX
/** COMPILE_MAX_PARTS - tensors of the file that can become one of the image. */
#define COMPILE_MAX_PARTS	3
/** COMPILE_NAME_SIZE - bytes of a key's or tensor's name that the compiler makes. */
#define COMPILE_NAME_SIZE	96

struct arch;

/**
 * struct compile_part - where some of the image's numbers come from
 * @offset: where they go, bytes from the start of the data
 * @type: enum llm_tensor_type they are to have
 * @source: tensor of the file, or NULL
 * @values: F32 numbers that the compiler made, where @source is NULL; owned
 * @count: of @values
 */
struct compile_part {
	__u64 offset;
	__u32 type;
	const struct gguf_tensor *source;
	float *values;
	__u32 count;
};

/**
 * struct compile - a compilation
 * @gguf: file; borrowed
 * @arch: architecture of the model
 * @key: what compile_key() made last
 * @type: enum llm_tensor_type for weights, or LLMCTL_KEEP_TYPES
 * @kv: as for llmctl_model_open()
 * @template: likewise
 * @writer: the image but for its numbers
 * @parts: where the numbers come from, by growing @offset
 * @part_count: how many
 * @fallbacks: weights that could not be converted to @type
 * @code: first failure, negative errno, or 0
 * @error: its reason; may be NULL
 *
 * After a failure the functions below do nothing and return what does no harm;
 * so a caller looks at @code at the end, and before it divides or loops by a
 * number from the file.
 */
struct compile {
	struct gguf *gguf;
	const struct arch *arch;
	char key[COMPILE_NAME_SIZE];
	__u32 type;
	enum llmctl_kv kv;
	const char *template;
	struct image_writer writer;
	struct compile_part *parts;
	__u32 part_count;
	__u32 fallbacks;
	int code;
	struct llmctl_error *error;
};

/**
 * compile_gguf() - compiles a file but for its numbers
 * @c: zeroed but for @gguf, @type, @kv, @template and @error; compile_destroy() frees it, also
 *	after a failure
 *
 * Return: 0, -EINVAL, -EOPNOTSUPP or -ENOMEM.
 */
int compile_gguf(struct compile *c);

/**
 * compile_size() - bytes of the image
 * @c: compilation that succeeded
 *
 * Return: the bytes.
 */
__u64 compile_size(const struct compile *c);

/**
 * compile_write() - writes the image
 * @c: compilation that succeeded
 * @image: compile_size() bytes
 * @progress: told now and then, or NULL
 * @data: passed on to @progress
 * @error: reason of a failure
 *
 * Return: 0, -EINVAL where a number can't be converted, or an errno of reading.
 */
int compile_write(const struct compile *c, void *image, llmctl_progress progress, void *data,
		  struct llmctl_error *error);

/**
 * compile_destroy() - frees what compile_gguf() made; not the file
 * @c: compilation
 */
void compile_destroy(struct compile *c);

/**
 * compile_fail() - ends the compilation, unless it has failed before
 * @c: compilation
 * @code: positive errno
 * @format: as for printf(); the file's name is put before it
 */
void compile_fail(struct compile *c, int code, const char *format, ...) __printf(3, 4);

/**
 * compile_key() - the name of a key of the model's architecture
 * @c: compilation
 * @suffix: its name after that of the architecture and a dot
 *
 * Return: the name, until this is called again.
 */
const char *compile_key(struct compile *c, const char *suffix);

/**
 * compile_layer_name() - the name of a tensor of a layer: blk.LAYER.NAME.SUFFIX
 * @to: COMPILE_NAME_SIZE bytes
 * @layer: number of the layer
 * @name: its name in the layer
 * @suffix: "weight" or "bias"
 */
void compile_layer_name(char *to, __u32 layer, const char *name, const char *suffix);

/**
 * compile_insn() - an instruction of which only the operation is set
 * @op: enum llm_op
 * @dst: register written
 *
 * Return: the instruction; it has no sources, tensors and slot, and all its
 * arguments are zero.
 */
struct llm_insn compile_insn(__u16 op, __u16 dst);

/**
 * compile_uint() - a whole number of the metadata
 * @c: compilation
 * @name: key
 * @missing: what it is where there is no such key, or COMPILE_REQUIRED
 * @least: least it can be
 * @most: most it can be
 *
 * Return: the number, or @least after a failure.
 */
__u32 compile_uint(struct compile *c, const char *name, __u64 missing, __u32 least,
		   __u32 most);

/**
 * compile_float() - a number of the metadata
 * @c: compilation
 * @name: key
 * @missing: what it is where there is no such key; NAN: it must be there
 *
 * Return: the number, more than 0 and within float32; 1 after a failure.
 */
double compile_float(struct compile *c, const char *name, double missing);

/**
 * compile_bool() - yes or no of the metadata
 * @c: compilation
 * @name: key
 * @missing: what it is where there is no such key, or after a failure
 *
 * Return: yes or no.
 */
bool compile_bool(struct compile *c, const char *name, bool missing);

/**
 * compile_pooling() - reads how the vector of a text is made
 * @c: compilation
 * @missing: enum llm_pooling_kind where the file does not tell
 */
void compile_pooling(struct compile *c, __u32 missing);

/**
 * compile_find() - a tensor of the file, its shape checked
 * @c: compilation
 * @name: name
 * @columns: numbers in a row it must have
 * @rows: rows it must have
 *
 * Return: the tensor, of a type that images have, or NULL where there is none
 * of that name or after a failure.
 */
const struct gguf_tensor *compile_find(struct compile *c, const char *name, __u64 columns,
				       __u64 rows);

/**
 * compile_need() - the same for one that must be there
 * @c: compilation
 * @name: name
 * @columns: numbers in a row it must have
 * @rows: rows it must have
 *
 * Return: the tensor, or NULL after a failure.
 */
const struct gguf_tensor *compile_need(struct compile *c, const char *name, __u64 columns,
				       __u64 rows);

/**
 * compile_need_stack() - the same for several matrices in one tensor
 * @c: compilation
 * @name: name
 * @columns: numbers in a row it must have
 * @rows: rows of a matrix it must have
 * @count: matrices it must have
 *
 * Return: the tensor, or NULL after a failure.
 */
const struct gguf_tensor *compile_need_stack(struct compile *c, const char *name, __u64 columns,
					     __u64 rows, __u64 count);

/**
 * compile_weight_type() - the type a weight will have in the image
 * @c: compilation
 * @tensor: tensor
 *
 * Return: enum llm_tensor_type.
 */
__u32 compile_weight_type(const struct compile *c, const struct gguf_tensor *tensor);

/**
 * compile_weight() - puts a matrix into the image
 * @c: compilation
 * @name: its name there
 * @sources: tensors whose rows it has one after the other, of as many columns
 *	and, in the image, one type
 * @count: how many, 1..COMPILE_MAX_PARTS
 *
 * Return: its number there.
 */
__u32 compile_weight(struct compile *c, const char *name,
		     const struct gguf_tensor *const *sources, __u32 count);

/**
 * compile_vector() - puts a vector into the image, as F32
 * @c: compilation
 * @source: tensor of the file, F32 or F16, or NULL
 *
 * Return: its number there, or LLM_IMAGE_NONE for NULL.
 */
__u32 compile_vector(struct compile *c, const struct gguf_tensor *source);

/**
 * compile_vectors() - puts vectors into the image as one, as F32
 * @c: compilation
 * @name: its name there
 * @sources: tensors of the file, F32, F16 or BF16; one keeps its shape, several
 *	become one row
 * @count: how many, 1..COMPILE_MAX_PARTS
 *
 * Return: its number there.
 */
__u32 compile_vectors(struct compile *c, const char *name,
		      const struct gguf_tensor *const *sources, __u32 count);

/**
 * compile_rows() - the same, but each source becomes a row
 * @c: compilation
 * @name: its name there
 * @sources: tensors of the file, vectors as long as each other
 * @count: how many, 1..COMPILE_MAX_PARTS
 *
 * Return: its number there.
 */
__u32 compile_rows(struct compile *c, const char *name,
		   const struct gguf_tensor *const *sources, __u32 count);

/**
 * compile_numbers() - the numbers of a tensor of the file
 * @c: compilation
 * @tensor: tensor, F32, F16 or BF16, or NULL after a failure
 *
 * Return: the numbers, for free(3), or NULL after a failure.
 */
float *compile_numbers(struct compile *c, const struct gguf_tensor *tensor);

/**
 * compile_values() - puts numbers into the image that are not in the file
 * @c: compilation
 * @name: name of the tensor
 * @values: F32 numbers, from malloc(3); owned by the compilation from now on
 * @columns: numbers in a row
 * @rows: rows
 *
 * Return: its number there.
 */
__u32 compile_values(struct compile *c, const char *name, float *values, __u32 columns,
		     __u32 rows);

/**
 * compile_vocab() - compiles the tokenizer and the vocabulary
 * @c: compilation
 */
void compile_vocab(struct compile *c);

/**
 * compile_vocab_spm() - compiles a SentencePiece vocabulary
 * @c: compilation
 */
void compile_vocab_spm(struct compile *c);

/**
 * compile_vocab_bpe() - compiles a byte-level BPE vocabulary
 * @c: compilation
 */
void compile_vocab_bpe(struct compile *c);

/**
 * compile_vocab_wordpiece() - compiles a WordPiece vocabulary
 * @c: compilation
 */
void compile_vocab_wordpiece(struct compile *c);

/**
 * compile_vocab_rwkv() - compiles a vocabulary of RWKV
 * @c: compilation
 */
void compile_vocab_rwkv(struct compile *c);

/**
 * compile_vocab_unigram() - compiles SentencePiece's other kind of vocabulary
 * @c: compilation
 */
void compile_vocab_unigram(struct compile *c);

/**
 * compile_chat() - compiles the chat template, if there is one
 * @c: compilation whose vocabulary was compiled
 *
 * Tokens that the template consists of become control tokens.
 */
void compile_chat(struct compile *c);

#endif /* LLMCTL_COMPILE_H */
