/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A reader of GGUF versions 2 and 3 (github.com/ggml-org/ggml, docs/gguf.md).
 *
 * A file is untrusted: no number in it is used before it is checked against what
 * the file can hold, and no memory is taken on the word of one.
 */
#ifndef LLMCTL_GGUF_H
#define LLMCTL_GGUF_H

#include <stdbool.h>
#include <string.h>

#include "error.h"

/** GGUF_MAX_KEYS - metadata entries a file may have. */
#define GGUF_MAX_KEYS		65536
/** GGUF_MAX_TENSORS - tensors a file may have, as an image. */
#define GGUF_MAX_TENSORS	65536
/** GGUF_MAX_METADATA - bytes before the tensor data, which are held in memory. */
#define GGUF_MAX_METADATA	(256U << 20)
/** GGUF_MAX_NAME - bytes of a tensor's name. */
#define GGUF_MAX_NAME		255
/** GGUF_MAX_DIMS - dimensions of a tensor. */
#define GGUF_MAX_DIMS		4

/** enum gguf_kind - kinds of metadata values; numbers are those of the format */
enum gguf_kind {
	GGUF_U8 = 0,
	GGUF_I8 = 1,
	GGUF_U16 = 2,
	GGUF_I16 = 3,
	GGUF_U32 = 4,
	GGUF_I32 = 5,
	GGUF_F32 = 6,
	GGUF_BOOL = 7,
	GGUF_STRING = 8,
	GGUF_ARRAY = 9,
	GGUF_U64 = 10,
	GGUF_I64 = 11,
	GGUF_F64 = 12,
};

/**
 * struct gguf_key - one metadata entry
 * @name: printable ASCII
 * @kind: enum gguf_kind
 * @element: kind of the elements of an array
 * @count: elements of an array
 * @offset: first byte of the value, or of an array's first element
 * @used: whether it was asked for
 */
struct gguf_key {
	char *name;
	__u32 kind;
	__u32 element;
	__u64 count;
	__u64 offset;
	bool used;
};

/**
 * struct gguf_tensor - one tensor
 * @name: printable ASCII, 1..GGUF_MAX_NAME bytes
 * @type: number in the format's list of types; known, see ggml_type_find()
 * @dims: dimensions, fastest first; those that are not there are 1
 * @dim_count: 1..GGUF_MAX_DIMS
 * @elements: numbers
 * @offset: first byte, in the file
 * @length: bytes
 * @used: whether it was asked for
 */
struct gguf_tensor {
	char *name;
	__u32 type;
	__u64 dims[GGUF_MAX_DIMS];
	__u32 dim_count;
	__u64 elements;
	__u64 offset;
	__u64 length;
	bool used;
};

/**
 * struct gguf - an open file
 * @label: what to call it in reasons
 * @version: 2 or 3
 * @bytes: the file up to the tensor data at least
 * @have: bytes there
 * @size: bytes of the file
 * @fd: where the rest is read from, or -1 where all of it is in memory
 * @keys: metadata, sorted by name
 * @key_count: how many
 * @tensors: tensors, sorted by name
 * @tensor_count: how many
 * @alignment: of tensors
 */
struct gguf {
	char *label;
	__u32 version;
	__u8 *bytes;
	__u64 have;
	__u64 size;
	int fd;
	struct gguf_key *keys;
	__u32 key_count;
	struct gguf_tensor *tensors;
	__u32 tensor_count;
	__u64 alignment;
};

/**
 * gguf_open() - reads a file but for its tensors
 * @opened: where the result goes; gguf_close() frees it
 * @path: file
 * @error: reason of a failure
 *
 * Return: 0; -EINVAL for a broken file; -EOPNOTSUPP for a version or type that
 * is not known; -ENOMEM; or an errno of reading it.
 */
int gguf_open(struct gguf **opened, const char *path, struct llmctl_error *error);

/**
 * gguf_open_memory() - the same for a file in memory
 * @opened: where the result goes; gguf_close() frees it
 * @bytes: the file; lives as long as the result and does not change
 * @size: bytes
 * @label: what to call it in reasons
 * @error: reason of a failure
 *
 * Return: as gguf_open().
 */
int gguf_open_memory(struct gguf **opened, const void *bytes, size_t size, const char *label,
		     struct llmctl_error *error);

/**
 * gguf_close() - frees what gguf_open() made
 * @gguf: file, or NULL
 */
void gguf_close(struct gguf *gguf);

/**
 * gguf_read() - reads bytes of a tensor
 * @gguf: file
 * @to: where they go
 * @offset: first byte in the file
 * @length: bytes; they lie within the file
 * @error: reason of a failure, such as the file having become shorter
 *
 * Return: 0 or a negative errno.
 */
int gguf_read(const struct gguf *gguf, void *to, __u64 offset, __u64 length,
	      struct llmctl_error *error);

/**
 * gguf_tensor_find() - a tensor by its name
 * @gguf: file
 * @name: name
 *
 * Return: the tensor, marked as used, or NULL.
 */
struct gguf_tensor *gguf_tensor_find(struct gguf *gguf, const char *name);

/**
 * gguf_key_find() - a metadata entry by its name
 * @gguf: file
 * @name: name
 *
 * Return: the entry, marked as used, or NULL.
 */
struct gguf_key *gguf_key_find(struct gguf *gguf, const char *name);

/**
 * gguf_get_uint() - a whole number of any width
 * @gguf: file
 * @name: key
 * @value: number, left alone where there is no such key
 * @error: reason of a failure
 *
 * Return: 1, 0 where there is no such key, -EINVAL where it is something else
 * or negative. The other functions are alike.
 */
int gguf_get_uint(struct gguf *gguf, const char *name, __u64 *value,
		  struct llmctl_error *error);

/** gguf_get_float() - a finite number with a fraction. */
int gguf_get_float(struct gguf *gguf, const char *name, double *value,
		   struct llmctl_error *error);

/** gguf_get_bool() - yes or no. */
int gguf_get_bool(struct gguf *gguf, const char *name, bool *value, struct llmctl_error *error);

/**
 * gguf_get_string() - a text
 * @gguf: file
 * @name: key
 * @text: not NUL-terminated; lives as long as the file
 * @length: bytes
 * @error: reason of a failure
 *
 * Return: 1, 0 where there is no such key, -EINVAL where it is something else.
 */
int gguf_get_string(struct gguf *gguf, const char *name, const char **text, __u64 *length,
		    struct llmctl_error *error);

/**
 * gguf_get_array() - an array
 * @gguf: file
 * @name: key
 * @element: enum gguf_kind its elements must have
 * @key: the entry, for gguf_array_number() or gguf_array_string()
 * @error: reason of a failure
 *
 * Return: 1, 0 where there is no such key, -EINVAL where it is something else.
 */
int gguf_get_array(struct gguf *gguf, const char *name, enum gguf_kind element,
		   const struct gguf_key **key, struct llmctl_error *error);

/**
 * gguf_array_number() - one element of an array of numbers
 * @gguf: file
 * @key: array of a kind with a fixed width
 * @index: below key->count
 *
 * Return: the number.
 */
double gguf_array_number(const struct gguf *gguf, const struct gguf_key *key, __u64 index);

/**
 * gguf_array_string() - the next element of an array of strings
 * @gguf: file
 * @cursor: key->offset before the first; moved to the next
 * @length: bytes of this one
 *
 * To be called key->count times at most.
 *
 * Return: the text, not NUL-terminated.
 */
const char *gguf_array_string(const struct gguf *gguf, __u64 *cursor, __u64 *length);

/** gguf_text_is() - whether a text of a file, which has no NUL, is a string. */
static inline bool gguf_text_is(const char *text, __u64 length, const char *string)
{
	return length == strlen(string) && !memcmp(text, string, length);
}

#endif /* LLMCTL_GGUF_H */
