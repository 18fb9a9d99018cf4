// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gguf.h"

static int key_compare(const void *name, const void *key)
{
	return strcmp(name, ((const struct gguf_key *)key)->name);
}

static int tensor_compare(const void *name, const void *tensor)
{
	return strcmp(name, ((const struct gguf_tensor *)tensor)->name);
}

struct gguf_key *gguf_key_find(struct gguf *gguf, const char *name)
{
	struct gguf_key *key = NULL;

	if (gguf->key_count)
		key = bsearch(name, gguf->keys, gguf->key_count, sizeof(*gguf->keys),
			      key_compare);
	if (key)
		key->used = true;
	return key;
}

struct gguf_tensor *gguf_tensor_find(struct gguf *gguf, const char *name)
{
	struct gguf_tensor *tensor = NULL;

	if (gguf->tensor_count)
		tensor = bsearch(name, gguf->tensors, gguf->tensor_count,
				 sizeof(*gguf->tensors), tensor_compare);
	if (tensor)
		tensor->used = true;
	return tensor;
}

#define LOAD(type, from) ({			\
	type loaded;				\
						\
	memcpy(&loaded, from, sizeof(loaded));	\
	loaded;					\
})

/* A whole number: its sign and its magnitude. False for other kinds. */
static bool load_whole(__u32 kind, const __u8 *at, bool *negative, __u64 *magnitude)
{
	__s64 value;

	switch (kind) {
	case GGUF_I8:
		value = LOAD(__s8, at);
		break;
	case GGUF_I16:
		value = LOAD(__s16, at);
		break;
	case GGUF_I32:
		value = LOAD(__s32, at);
		break;
	case GGUF_I64:
		value = LOAD(__s64, at);
		break;
	case GGUF_U8:
		value = LOAD(__u8, at);
		break;
	case GGUF_U16:
		value = LOAD(__u16, at);
		break;
	case GGUF_U32:
		value = LOAD(__u32, at);
		break;
	case GGUF_U64:
		*negative = false;
		*magnitude = LOAD(__u64, at);
		return true;
	default:
		return false;
	}
	*negative = value < 0;
	*magnitude = value < 0 ? -(__u64)value : (__u64)value;
	return true;
}

int gguf_get_uint(struct gguf *gguf, const char *name, __u64 *value,
		  struct llmctl_error *error)
{
	struct gguf_key *key = gguf_key_find(gguf, name);
	__u64 magnitude;
	bool negative;

	if (!key)
		return 0;
	if (!load_whole(key->kind, gguf->bytes + key->offset, &negative, &magnitude))
		return llmctl_fail(error, EINVAL, "%s: key '%s' is not a whole number",
				   gguf->label, name);
	if (negative)
		return llmctl_fail(error, EINVAL, "%s: key '%s' is negative", gguf->label, name);
	*value = magnitude;
	return 1;
}

int gguf_get_float(struct gguf *gguf, const char *name, double *value,
		   struct llmctl_error *error)
{
	struct gguf_key *key = gguf_key_find(gguf, name);
	const __u8 *at;
	double number;

	if (!key)
		return 0;
	at = gguf->bytes + key->offset;
	if (key->kind == GGUF_F32)
		number = LOAD(float, at);
	else if (key->kind == GGUF_F64)
		number = LOAD(double, at);
	else
		return llmctl_fail(error, EINVAL, "%s: key '%s' is not a number with a fraction",
				   gguf->label, name);
	if (!isfinite(number))
		return llmctl_fail(error, EINVAL, "%s: key '%s' is not a finite number",
				   gguf->label, name);
	*value = number;
	return 1;
}

int gguf_get_bool(struct gguf *gguf, const char *name, bool *value, struct llmctl_error *error)
{
	struct gguf_key *key = gguf_key_find(gguf, name);

	if (!key)
		return 0;
	if (key->kind != GGUF_BOOL || gguf->bytes[key->offset] > 1)
		return llmctl_fail(error, EINVAL, "%s: key '%s' is neither true nor false",
				   gguf->label, name);
	*value = gguf->bytes[key->offset];
	return 1;
}

int gguf_get_string(struct gguf *gguf, const char *name, const char **text, __u64 *length,
		    struct llmctl_error *error)
{
	struct gguf_key *key = gguf_key_find(gguf, name);
	__u64 cursor;

	if (!key)
		return 0;
	if (key->kind != GGUF_STRING)
		return llmctl_fail(error, EINVAL, "%s: key '%s' is not a text", gguf->label, name);
	cursor = key->offset;
	*text = gguf_array_string(gguf, &cursor, length);
	return 1;
}

int gguf_get_array(struct gguf *gguf, const char *name, enum gguf_kind element,
		   const struct gguf_key **key, struct llmctl_error *error)
{
	struct gguf_key *found = gguf_key_find(gguf, name);

	if (!found)
		return 0;
	if (found->kind != GGUF_ARRAY || found->element != element)
		return llmctl_fail(error, EINVAL, "%s: key '%s' is not an array of the right kind",
				   gguf->label, name);
	*key = found;
	return 1;
}

double gguf_array_number(const struct gguf *gguf, const struct gguf_key *key, __u64 index)
{
	const __u8 *at = gguf->bytes + key->offset;
	__u64 magnitude;
	bool negative;

	switch (key->element) {
	case GGUF_F32:
		return LOAD(float, at + index * sizeof(float));
	case GGUF_F64:
		return LOAD(double, at + index * sizeof(double));
	case GGUF_U8:
	case GGUF_I8:
	case GGUF_BOOL:
		at += index;
		break;
	case GGUF_U16:
	case GGUF_I16:
		at += index * 2;
		break;
	case GGUF_U32:
	case GGUF_I32:
		at += index * 4;
		break;
	default:
		at += index * 8;
	}
	if (!load_whole(key->element, at, &negative, &magnitude))
		return *at;
	return negative ? -(double)magnitude : (double)magnitude;
}

const char *gguf_array_string(const struct gguf *gguf, __u64 *cursor, __u64 *length)
{
	__u64 at = *cursor + sizeof(__u64);

	*length = LOAD(__u64, gguf->bytes + *cursor);
	*cursor = at + *length;
	return (const char *)gguf->bytes + at;
}
