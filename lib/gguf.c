// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ggml_type.h"
#include "gguf.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "GGUF files and images are little-endian and used as they are"
#endif

/* Read at first; more is read as the metadata turns out to be longer. */
#define FIRST_READ 1048576
#define DEFAULT_ALIGNMENT 32
#define MAX_ALIGNMENT 1048576

/*
 * Where reading is. The first failure is noted and makes everything after it
 * return zeroes, so that a caller checks once a record, not once a field.
 */
struct cursor {
	struct gguf *gguf;
	__u64 at;
	int code;
	struct llmctl_error *error;
};

static void fail(struct cursor *c, int code, const char *format, ...) __printf(3, 4);

static void fail(struct cursor *c, int code, const char *format, ...)
{
	char text[512];
	va_list args;

	if (c->code)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	c->code = llmctl_fail(c->error, code, "%s: %s", c->gguf->label, text);
}

int gguf_read(const struct gguf *gguf, void *to, __u64 offset, __u64 length,
	      struct llmctl_error *error)
{
	__u8 *at = to;

	if (gguf->fd < 0) {
		memcpy(to, gguf->bytes + offset, length);
		return 0;
	}
	while (length) {
		/* One call moves less than 2 GiB. */
		size_t part = length < (1U << 30) ? length : (1U << 30);
		ssize_t got = pread(gguf->fd, at, part, offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return llmctl_fail(error, errno, "%s: %s", gguf->label, strerror(errno));
		if (!got)
			return llmctl_fail(error, EIO, "%s became shorter while it was read",
					   gguf->label);
		at += got;
		offset += got;
		length -= got;
	}
	return 0;
}

/* Makes the next bytes available; false where the file does not have them. */
static bool need(struct cursor *c, __u64 length)
{
	struct gguf *gguf = c->gguf;
	__u64 room;
	__u8 *bytes;
	int ret;

	if (c->code)
		return false;
	if (length > gguf->size - c->at) {
		fail(c, EINVAL, "the file ends too early, at byte %llu", gguf->size);
		return false;
	}
	if (c->at + length <= gguf->have)
		return true;
	if (c->at + length > GGUF_MAX_METADATA) {
		fail(c, EINVAL, "the metadata is longer than %u MiB", GGUF_MAX_METADATA >> 20);
		return false;
	}
	room = gguf->have ? 2 * gguf->have : FIRST_READ;
	if (room < c->at + length)
		room = c->at + length;
	if (room > gguf->size)
		room = gguf->size;
	bytes = realloc(gguf->bytes, room);
	if (!bytes) {
		fail(c, ENOMEM, "not enough memory for the metadata");
		return false;
	}
	gguf->bytes = bytes;
	ret = gguf_read(gguf, bytes + gguf->have, gguf->have, room - gguf->have, c->error);
	if (ret) {
		c->code = ret;
		return false;
	}
	gguf->have = room;
	return true;
}

static void take(struct cursor *c, void *to, __u64 length)
{
	memset(to, 0, length);
	if (!need(c, length))
		return;
	memcpy(to, c->gguf->bytes + c->at, length);
	c->at += length;
}

static __u32 take_u32(struct cursor *c)
{
	__u32 value;

	take(c, &value, sizeof(value));
	return value;
}

static __u64 take_u64(struct cursor *c)
{
	__u64 value;

	take(c, &value, sizeof(value));
	return value;
}

static void skip(struct cursor *c, __u64 length)
{
	if (need(c, length))
		c->at += length;
}

/*
 * A name: one that could be mistaken for another, or play with a terminal, is
 * refused. @what and @index say whose it is.
 */
static char *take_name(struct cursor *c, const char *what, __u64 index, __u64 longest)
{
	__u64 length = take_u64(c);
	const __u8 *bytes;
	__u64 i;
	char *name;

	if (c->code)
		return NULL;
	if (!length || length > longest) {
		fail(c, EINVAL, "the name of %s %llu has %llu bytes, not 1 to %llu",
		     what, index, length, longest);
		return NULL;
	}
	if (!need(c, length))
		return NULL;
	bytes = c->gguf->bytes + c->at;
	for (i = 0; i < length; i++) {
		if (bytes[i] < 0x20 || bytes[i] > 0x7e) {
			fail(c, EINVAL, "the name of %s %llu is not printable ASCII",
			     what, index);
			return NULL;
		}
	}
	name = malloc(length + 1);
	if (!name) {
		fail(c, ENOMEM, "not enough memory for the metadata");
		return NULL;
	}
	memcpy(name, bytes, length);
	name[length] = '\0';
	c->at += length;
	return name;
}

/* Bytes of a number; 0 for what has no fixed width. */
static __u32 kind_width(__u32 kind)
{
	switch (kind) {
	case GGUF_U8:
	case GGUF_I8:
	case GGUF_BOOL:
		return 1;
	case GGUF_U16:
	case GGUF_I16:
		return 2;
	case GGUF_U32:
	case GGUF_I32:
	case GGUF_F32:
		return 4;
	case GGUF_U64:
	case GGUF_I64:
	case GGUF_F64:
		return 8;
	default:
		return 0;
	}
}

static void skip_array(struct cursor *c, struct gguf_key *key)
{
	__u32 width;
	__u64 i;

	key->element = take_u32(c);
	key->count = take_u64(c);
	key->offset = c->at;
	if (c->code)
		return;
	width = kind_width(key->element);
	if (width) {
		if (key->count > (c->gguf->size - c->at) / width)
			fail(c, EINVAL,
			     "key '%s': an array of %llu elements does not fit the file",
			     key->name, key->count);
		else
			skip(c, key->count * width);
	} else if (key->element == GGUF_STRING) {
		/* Every string has eight bytes at least: this ends with the file. */
		for (i = 0; i < key->count && !c->code; i++)
			skip(c, take_u64(c));
	} else if (key->element == GGUF_ARRAY) {
		fail(c, EOPNOTSUPP, "key '%s': arrays of arrays are not supported", key->name);
	} else {
		fail(c, EINVAL, "key '%s': elements of unknown kind %u", key->name, key->element);
	}
}

static void take_key(struct cursor *c, struct gguf_key *key, __u64 index)
{
	__u32 width;

	key->name = take_name(c, "key", index, 65535);
	key->kind = take_u32(c);
	key->offset = c->at;
	if (c->code)
		return;
	width = kind_width(key->kind);
	if (width)
		skip(c, width);
	else if (key->kind == GGUF_STRING)
		skip(c, take_u64(c));
	else if (key->kind == GGUF_ARRAY)
		skip_array(c, key);
	else
		fail(c, EINVAL, "key '%s': value of unknown kind %u", key->name, key->kind);
}

/* The rules of dimensions and types; the place of the data is checked later. */
static void take_tensor(struct cursor *c, struct gguf_tensor *tensor, __u64 index)
{
	const struct ggml_type *type;
	__u32 i;

	tensor->name = take_name(c, "tensor", index, GGUF_MAX_NAME);
	tensor->dim_count = take_u32(c);
	if (c->code)
		return;
	if (!tensor->dim_count || tensor->dim_count > GGUF_MAX_DIMS) {
		fail(c, EINVAL, "tensor '%s': %u dimensions, not 1 to %u", tensor->name,
		     tensor->dim_count, GGUF_MAX_DIMS);
		return;
	}
	tensor->elements = 1;
	for (i = 0; i < GGUF_MAX_DIMS; i++) {
		tensor->dims[i] = i < tensor->dim_count ? take_u64(c) : 1;
		if (c->code)
			return;
		if (!tensor->dims[i]) {
			fail(c, EINVAL, "tensor '%s': dimension %u is zero", tensor->name, i);
			return;
		}
		if (__builtin_mul_overflow(tensor->elements, tensor->dims[i], &tensor->elements)) {
			fail(c, EINVAL, "tensor '%s': its dimensions overflow", tensor->name);
			return;
		}
	}
	tensor->type = take_u32(c);
	tensor->offset = take_u64(c);
	if (c->code)
		return;
	type = ggml_type_find(tensor->type);
	if (!type)
		fail(c, EOPNOTSUPP, "tensor '%s': type %u is not known", tensor->name,
		     tensor->type);
	else if (tensor->dims[0] % type->block)
		fail(c, EINVAL,
		     "tensor '%s': rows of %llu numbers are not a multiple of the %u of a %s block",
		     tensor->name, tensor->dims[0], type->block, type->name);
	else if (__builtin_mul_overflow(tensor->elements / type->block, (__u64)type->bytes,
					&tensor->length))
		fail(c, EINVAL, "tensor '%s': its dimensions overflow", tensor->name);
}

static int by_key_name(const void *a, const void *b)
{
	return strcmp(((const struct gguf_key *)a)->name, ((const struct gguf_key *)b)->name);
}

static int by_tensor_name(const void *a, const void *b)
{
	return strcmp(((const struct gguf_tensor *)a)->name, ((const struct gguf_tensor *)b)->name);
}

static int by_offset(const void *a, const void *b)
{
	const struct gguf_tensor *x = a, *y = b;

	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* An entry more than there are, zeroed: the array grows with what was read. */
static void *grow(struct cursor *c, void *array, __u32 count, size_t entry)
{
	__u8 *grown = array;

	if (!(count & (count - 1))) {
		grown = realloc(array, (count ? 2 * (size_t)count : 1) * entry);
		if (!grown) {
			fail(c, ENOMEM, "not enough memory for the metadata");
			return NULL;
		}
	}
	memset(grown + count * entry, 0, entry);
	return grown;
}

static void take_keys(struct cursor *c, __u64 count)
{
	struct gguf *gguf = c->gguf;
	__u64 i;
	void *grown;

	for (i = 0; i < count && !c->code; i++) {
		grown = grow(c, gguf->keys, gguf->key_count, sizeof(*gguf->keys));
		if (!grown)
			return;
		gguf->keys = grown;
		take_key(c, &gguf->keys[gguf->key_count++], i);
	}
	if (c->code || !count)
		return;
	qsort(gguf->keys, count, sizeof(*gguf->keys), by_key_name);
	for (i = 1; i < count; i++)
		if (!strcmp(gguf->keys[i - 1].name, gguf->keys[i].name))
			fail(c, EINVAL, "key '%s' is there twice", gguf->keys[i].name);
}

static void take_tensors(struct cursor *c, __u64 count)
{
	struct gguf *gguf = c->gguf;
	__u64 i;
	void *grown;

	for (i = 0; i < count && !c->code; i++) {
		grown = grow(c, gguf->tensors, gguf->tensor_count, sizeof(*gguf->tensors));
		if (!grown)
			return;
		gguf->tensors = grown;
		take_tensor(c, &gguf->tensors[gguf->tensor_count++], i);
	}
}

static void take_alignment(struct cursor *c)
{
	struct gguf *gguf = c->gguf;
	int ret;

	gguf->alignment = DEFAULT_ALIGNMENT;
	if (c->code)
		return;
	ret = gguf_get_uint(gguf, "general.alignment", &gguf->alignment, c->error);
	if (ret < 0)
		c->code = ret;
	else if (!gguf->alignment || gguf->alignment & (gguf->alignment - 1) ||
		 gguf->alignment > MAX_ALIGNMENT)
		fail(c, EINVAL,
		     "key 'general.alignment': %llu is not a power of two up to %u",
		     gguf->alignment, MAX_ALIGNMENT);
}

/* Every tensor lies within the data, and none on top of another. */
static void place_tensors(struct cursor *c)
{
	struct gguf *gguf = c->gguf;
	__u64 pad = -c->at & (gguf->alignment - 1);
	__u64 data, room;
	__u32 i;

	if (c->code || !gguf->tensor_count)
		return;
	if (pad > gguf->size - c->at) {
		fail(c, EINVAL, "the file ends before its tensor data");
		return;
	}
	data = c->at + pad;
	room = gguf->size - data;
	for (i = 0; i < gguf->tensor_count; i++) {
		struct gguf_tensor *tensor = &gguf->tensors[i];

		if (tensor->offset & (gguf->alignment - 1)) {
			fail(c, EINVAL,
			     "tensor '%s': offset %llu is not a multiple of the alignment, %llu",
			     tensor->name, tensor->offset, gguf->alignment);
			return;
		}
		if (tensor->offset > room) {
			fail(c, EINVAL,
			     "tensor '%s': offset %llu is beyond the end of the file",
			     tensor->name, tensor->offset);
			return;
		}
		if (tensor->length > room - tensor->offset) {
			fail(c, EINVAL,
			     "tensor '%s': %llu bytes at offset %llu go beyond the end of the file; is it a part of a download?",
			     tensor->name, tensor->length, tensor->offset);
			return;
		}
		tensor->offset += data;
	}
	qsort(gguf->tensors, gguf->tensor_count, sizeof(*gguf->tensors), by_offset);
	for (i = 1; i < gguf->tensor_count; i++) {
		struct gguf_tensor *low = &gguf->tensors[i - 1];

		if (low->length > low[1].offset - low->offset) {
			fail(c, EINVAL, "tensors '%s' and '%s' overlap", low->name, low[1].name);
			return;
		}
	}
	qsort(gguf->tensors, gguf->tensor_count, sizeof(*gguf->tensors), by_tensor_name);
	for (i = 1; i < gguf->tensor_count; i++)
		if (!strcmp(gguf->tensors[i - 1].name, gguf->tensors[i].name))
			fail(c, EINVAL, "tensor '%s' is there twice", gguf->tensors[i].name);
}

static void take_header(struct cursor *c, __u64 *tensors, __u64 *keys)
{
	struct gguf *gguf = c->gguf;
	char magic[4];

	if (gguf->size < sizeof(magic)) {
		fail(c, EINVAL, "not a GGUF file: it has %llu bytes", gguf->size);
		return;
	}
	take(c, magic, sizeof(magic));
	if (!c->code && memcmp(magic, "GGUF", sizeof(magic))) {
		fail(c, EINVAL, "not a GGUF file: it does not begin with 'GGUF'");
		return;
	}
	gguf->version = take_u32(c);
	if (!c->code && gguf->version && !(gguf->version & 0xffff))
		fail(c, EOPNOTSUPP, "big-endian GGUF files are not supported");
	else if (!c->code && (gguf->version < 2 || gguf->version > 3))
		fail(c, EOPNOTSUPP, "GGUF version %u is not supported, 2 and 3 are",
		     gguf->version);
	*tensors = take_u64(c);
	*keys = take_u64(c);
	if (!c->code && *tensors > GGUF_MAX_TENSORS)
		fail(c, EINVAL, "%llu tensors are more than %u", *tensors,
		     GGUF_MAX_TENSORS);
	if (!c->code && *keys > GGUF_MAX_KEYS)
		fail(c, EINVAL, "%llu keys are more than %u", *keys, GGUF_MAX_KEYS);
}

static int parse(struct gguf *gguf, struct llmctl_error *error)
{
	struct cursor c = { .gguf = gguf, .error = error };
	__u64 tensors = 0, keys = 0;

	take_header(&c, &tensors, &keys);
	if (!c.code)
		take_keys(&c, keys);
	take_alignment(&c);
	if (!c.code)
		take_tensors(&c, tensors);
	place_tensors(&c);
	return c.code;
}

static struct gguf *new_gguf(const char *label, struct llmctl_error *error)
{
	struct gguf *gguf = calloc(1, sizeof(*gguf));

	if (gguf) {
		gguf->fd = -1;
		gguf->label = strdup(label);
	}
	if (!gguf || !gguf->label) {
		free(gguf);
		llmctl_fail(error, ENOMEM, "%s: not enough memory", label);
		return NULL;
	}
	return gguf;
}

static int finish_open(struct gguf **opened, struct gguf *gguf, struct llmctl_error *error)
{
	int ret = parse(gguf, error);

	if (ret) {
		gguf_close(gguf);
		return ret;
	}
	*opened = gguf;
	return 0;
}

int gguf_open(struct gguf **opened, const char *path, struct llmctl_error *error)
{
	struct gguf *gguf = new_gguf(path, error);
	struct stat status;
	int code = 0;

	if (!gguf)
		return -ENOMEM;
	/* O_NONBLOCK: opening a FIFO by mistake shall not wait for a writer. */
	gguf->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (gguf->fd < 0 || fstat(gguf->fd, &status))
		code = llmctl_fail(error, errno, "%s: %s", path, strerror(errno));
	else if (!S_ISREG(status.st_mode))
		code = llmctl_fail(error, EINVAL, "%s: not a regular file", path);
	if (code) {
		gguf_close(gguf);
		return code;
	}
	gguf->size = status.st_size;
	return finish_open(opened, gguf, error);
}

int gguf_open_memory(struct gguf **opened, const void *bytes, size_t size, const char *label,
		     struct llmctl_error *error)
{
	struct gguf *gguf = new_gguf(label, error);

	if (!gguf)
		return -ENOMEM;
	gguf->bytes = (__u8 *)bytes;
	gguf->have = size;
	gguf->size = size;
	return finish_open(opened, gguf, error);
}

void gguf_close(struct gguf *gguf)
{
	__u32 i;

	if (!gguf)
		return;
	for (i = 0; i < gguf->key_count; i++)
		free(gguf->keys[i].name);
	for (i = 0; i < gguf->tensor_count; i++)
		free(gguf->tensors[i].name);
	free(gguf->keys);
	free(gguf->tensors);
	if (gguf->fd >= 0) {
		close(gguf->fd);
		free(gguf->bytes);
	}
	free(gguf->label);
	free(gguf);
}
