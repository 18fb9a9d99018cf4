/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GGUF files that a test changes before they are written: each field that a
 * reader must not trust can be set to anything.
 */
#ifndef GGUF_BUILDER_H
#define GGUF_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>

/** GGUF_BUILDER_KEYS - keys a file can have. */
#define GGUF_BUILDER_KEYS	64
/** GGUF_BUILDER_TENSORS - tensors a file can have. */
#define GGUF_BUILDER_TENSORS	64
/** GGUF_BUILDER_VOCAB - tokens: unknown, BOS, EOS, 256 bytes, space and letters. */
#define GGUF_BUILDER_VOCAB	286
/** GGUF_BUILDER_AUTO - a field that is as it should be. */
#define GGUF_BUILDER_AUTO	UINT64_MAX

/** enum gguf_builder_kind - kinds of values; numbers are those of the format */
enum gguf_builder_kind {
	BUILD_U8 = 0,
	BUILD_U32 = 4,
	BUILD_I32 = 5,
	BUILD_F32 = 6,
	BUILD_BOOL = 7,
	BUILD_STRING = 8,
	BUILD_ARRAY = 9,
	BUILD_U64 = 10,
};

/**
 * struct gguf_builder_key - one key
 * @name: name
 * @name_length: bytes of it as the file tells, GGUF_BUILDER_AUTO: as they are
 * @kind: kind of the value
 * @value: bytes of the value
 * @value_length: how many
 */
struct gguf_builder_key {
	const char *name;
	__u64 name_length;
	__u32 kind;
	__u8 value[8192];
	size_t value_length;
};

/**
 * struct gguf_builder_tensor - one tensor
 * @name: name
 * @dims: dimensions, fastest first
 * @dim_count: how many; those past the fourth are written as 1
 * @type: number of the type
 * @offset: where it lies in the data, GGUF_BUILDER_AUTO: after the one before
 * @fill: F32 numbers it has, repeated, or NULL for numbers of about 0.1
 * @fill_count: how many
 */
struct gguf_builder_tensor {
	const char *name;
	__u64 dims[4];
	__u32 dim_count;
	__u32 type;
	__u64 offset;
	const float *fill;
	size_t fill_count;
};

/**
 * struct gguf_builder - a file
 * @magic: its first bytes
 * @version: of the format
 * @key_count: keys as the file tells, GGUF_BUILDER_AUTO: as there are
 * @tensor_count: likewise
 * @keys: keys
 * @keys_used: how many
 * @tensors: tensors
 * @tensors_used: how many
 */
struct gguf_builder {
	char magic[5];
	__u32 version;
	__u64 key_count;
	__u64 tensor_count;
	struct gguf_builder_key keys[GGUF_BUILDER_KEYS];
	size_t keys_used;
	struct gguf_builder_tensor tensors[GGUF_BUILDER_TENSORS];
	size_t tensors_used;
};

/**
 * gguf_builder_llama() - a valid small Llama
 *
 * Two layers, 32 columns, two query heads and one key/value head of 16 columns,
 * 64 columns in the feed-forward, matrices F32, a tied output.
 * Return: for free(); does not fail.
 */
struct gguf_builder *gguf_builder_llama(void);

/** gguf_builder_key() - the key of that name, added as a zero u32 if it is not there. */
struct gguf_builder_key *gguf_builder_key(struct gguf_builder *b, const char *name);

/** gguf_builder_drop_key() - removes a key that is there. */
void gguf_builder_drop_key(struct gguf_builder *b, const char *name);

/** gguf_builder_set_u32() - makes a key a whole number. */
void gguf_builder_set_u32(struct gguf_builder *b, const char *name, __u32 value);

/** gguf_builder_set_f32() - makes a key a number with a fraction. */
void gguf_builder_set_f32(struct gguf_builder *b, const char *name, float value);

/** gguf_builder_set_bool() - makes a key a byte of the kind bool. */
void gguf_builder_set_bool(struct gguf_builder *b, const char *name, __u8 value);

/** gguf_builder_set_string() - makes a key a text. */
void gguf_builder_set_string(struct gguf_builder *b, const char *name, const char *value);

/** gguf_builder_set_array() - makes a key an array of @count elements in @bytes. */
void gguf_builder_set_array(struct gguf_builder *b, const char *name, __u32 element,
			    __u64 count, const void *bytes, size_t length);

/** gguf_builder_tensor() - the tensor of that name, added as an empty one if it is not there. */
struct gguf_builder_tensor *gguf_builder_tensor(struct gguf_builder *b, const char *name);

/** gguf_builder_set_tensor() - gives a tensor two dimensions and a type. */
struct gguf_builder_tensor *gguf_builder_set_tensor(struct gguf_builder *b, const char *name,
						    __u64 columns, __u64 rows,
						    __u32 type);

/** gguf_builder_set_types() - gives all tensors of more than one row a type. */
void gguf_builder_set_types(struct gguf_builder *b, __u32 type);

/** gguf_builder_drop_tensor() - removes a tensor that is there. */
void gguf_builder_drop_tensor(struct gguf_builder *b, const char *name);

/**
 * gguf_builder_write() - the file
 * @b: what it has
 * @size: set to its bytes
 *
 * Return: for free(), exactly as long; does not fail.
 */
__u8 *gguf_builder_write(const struct gguf_builder *b, size_t *size);

#endif /* GGUF_BUILDER_H */
