// SPDX-License-Identifier: GPL-2.0
/*
 * A writer of GGUF version 3 (github.com/ggml-org/ggml, docs/gguf.md). Numbers are
 * written as they lie in memory: for little-endian machines.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "random.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "GGUF is written on little-endian machines only"
#endif

#define ALIGNMENT	32

enum {
	KEY_U8 = 0, KEY_U32 = 4, KEY_I32 = 5, KEY_F32 = 6, KEY_BOOL = 7, KEY_STRING = 8,
	KEY_ARRAY = 9,
};

/**
 * struct tensor - a tensor
 * @name: name
 * @format: number format
 * @columns: numbers in a row
 * @rows: rows, or 0 for one dimension
 * @count: matrices that @rows are those of, or 0 for less than three dimensions
 * @flat: whether these are of one row each, in a fourth dimension
 * @numbers: what it is filled with
 */
struct tensor {
	char name[MAX_NAME];
	const struct format *format;
	uint32_t columns;
	uint32_t rows;
	uint32_t count;
	bool flat;
	struct numbers numbers;
};

/**
 * struct gguf - a file while it is put together
 * @header: keys, later tensor infos too
 * @length: bytes of it
 * @room: bytes there are
 * @keys: how many keys
 * @tensors: tensors
 * @tensor_count: how many
 */
struct gguf {
	uint8_t *header;
	size_t length;
	size_t room;
	uint64_t keys;
	struct tensor *tensors;
	uint64_t tensor_count;
};

struct gguf *gguf_new(void)
{
	return must(calloc(1, sizeof(struct gguf)));
}

static void put(struct gguf *g, const void *bytes, size_t length)
{
	while (g->length + length > g->room) {
		g->room = g->room ? 2 * g->room : 65536;
		g->header = must(realloc(g->header, g->room));
	}
	memcpy(g->header + g->length, bytes, length);
	g->length += length;
}

static void put_u32(struct gguf *g, uint32_t value)
{
	put(g, &value, sizeof(value));
}

static void put_u64(struct gguf *g, uint64_t value)
{
	put(g, &value, sizeof(value));
}

static void put_string(struct gguf *g, const char *text)
{
	put_u64(g, strlen(text));
	put(g, text, strlen(text));
}

static void put_key(struct gguf *g, const char *name, uint32_t kind)
{
	put_string(g, name);
	put_u32(g, kind);
	g->keys++;
}

static void put_array(struct gguf *g, const char *name, uint32_t kind, uint64_t count)
{
	put_key(g, name, KEY_ARRAY);
	put_u32(g, kind);
	put_u64(g, count);
}

void gguf_u32(struct gguf *g, const char *name, uint32_t value)
{
	put_key(g, name, KEY_U32);
	put_u32(g, value);
}

void gguf_f32(struct gguf *g, const char *name, float value)
{
	put_key(g, name, KEY_F32);
	put(g, &value, sizeof(value));
}

void gguf_bool(struct gguf *g, const char *name, bool value)
{
	put_key(g, name, KEY_BOOL);
	put(g, value ? "\1" : "\0", 1);
}

void gguf_string(struct gguf *g, const char *name, const char *value)
{
	put_key(g, name, KEY_STRING);
	put_string(g, value);
}

void gguf_strings(struct gguf *g, const char *name, char *const *values, uint32_t count)
{
	uint32_t i;

	put_array(g, name, KEY_STRING, count);
	for (i = 0; i < count; i++)
		put_string(g, values[i]);
}

void gguf_bytes(struct gguf *g, const char *name, const uint8_t *values, uint32_t count)
{
	put_array(g, name, KEY_U8, count);
	put(g, values, count);
}

void gguf_numbers_f32(struct gguf *g, const char *name, const float *values, uint32_t count)
{
	put_array(g, name, KEY_F32, count);
	put(g, values, count * sizeof(*values));
}

void gguf_numbers_i32(struct gguf *g, const char *name, const int32_t *values, uint32_t count)
{
	put_array(g, name, KEY_I32, count);
	put(g, values, count * sizeof(*values));
}

void gguf_tensor(struct gguf *g, const char *name, const struct format *format, uint32_t columns,
		 uint32_t rows, struct numbers numbers)
{
	struct tensor *t;

	g->tensors = must(realloc(g->tensors, (g->tensor_count + 1) * sizeof(*t)));
	t = &g->tensors[g->tensor_count++];
	*t = (struct tensor) {
		.format = format, .columns = columns, .rows = rows, .numbers = numbers,
	};
	snprintf(t->name, sizeof(t->name), "%s", name);
}

void gguf_stack(struct gguf *g, const char *name, const struct format *format, uint32_t columns,
		uint32_t rows, uint32_t count, struct numbers numbers)
{
	gguf_tensor(g, name, format, columns, rows * count, numbers);
	g->tensors[g->tensor_count - 1].count = count;
}

void gguf_shares(struct gguf *g, const char *name, uint32_t columns, uint32_t count,
		 struct numbers numbers)
{
	gguf_stack(g, name, format_find("F32"), columns, 1, count, numbers);
	g->tensors[g->tensor_count - 1].flat = true;
}

static uint64_t tensor_bytes(const struct tensor *t)
{
	return (uint64_t)(t->rows ? t->rows : 1) * (t->columns / t->format->block) *
	       t->format->bytes;
}

static uint64_t padded(uint64_t size)
{
	return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void put_dimensions(struct gguf *g, const struct tensor *t)
{
	put_u32(g, t->flat ? 4 : t->count ? 3 : t->rows ? 2 : 1);
	put_u64(g, t->columns);
	if (t->rows)
		put_u64(g, t->count ? t->rows / t->count : t->rows);
	if (t->flat)
		put_u64(g, 1);
	if (t->count)
		put_u64(g, t->count);
}

static void put_infos(struct gguf *g)
{
	uint64_t at = 0, i;

	for (i = 0; i < g->tensor_count; i++) {
		put_string(g, g->tensors[i].name);
		put_dimensions(g, &g->tensors[i]);
		put_u32(g, g->tensors[i].format->number);
		put_u64(g, at);
		at += padded(tensor_bytes(&g->tensors[i]));
	}
}

/* Log-normal: E. Limpert and others, "Log-normal distributions across the sciences", 2001. */
static double row_spread(const struct numbers *n, uint64_t *random)
{
	double sum = 0;
	int i;

	for (i = 0; i < 12 && n->tail > 0; i++)
		sum += random_number(random);
	/* The mean of the squares stays what it is without. */
	return n->spread * exp(n->tail * sum / sqrt(12) - n->tail * n->tail);
}

static void fill_row(const struct tensor *t, uint8_t *row, uint64_t random)
{
	const struct numbers *n = &t->numbers;
	double spread = row_spread(n, &random);
	float *values = (float *)row;
	uint32_t i;

	for (i = 0; i < t->columns / t->format->block; i++)
		t->format->fill(row + i * t->format->bytes, spread, &random);
	for (i = 0; i < t->columns && (n->middle != 0 || n->step != 0); i++)
		values[i] += n->middle + i * n->step;
}

static void write_padding(FILE *file, uint64_t written)
{
	static const uint8_t zeros[ALIGNMENT];

	fwrite(zeros, 1, padded(written) - written, file);
}

static void write_tensor(FILE *file, const struct tensor *t, uint64_t random)
{
	size_t length = (size_t)(t->columns / t->format->block) * t->format->bytes;
	uint8_t *row = must(malloc(length));
	uint32_t rows = t->rows ? t->rows : 1;
	uint32_t i;

	/* A sequence of its own for each row. */
	for (i = 0; i < rows; i++) {
		fill_row(t, row, random + (i + rows - t->numbers.after) % rows);
		fwrite(row, 1, length, file);
	}
	write_padding(file, tensor_bytes(t));
	free(row);
}

void gguf_write(struct gguf *g, const char *path, uint64_t seed)
{
	const uint32_t version = 3;
	FILE *file = fopen(path, "wb");
	uint64_t first, i;
	int failed;

	if (!file)
		die("%s: %s", path, strerror(errno));
	put_infos(g);
	fwrite("GGUF", 1, 4, file);
	fwrite(&version, sizeof(version), 1, file);
	fwrite(&g->tensor_count, sizeof(g->tensor_count), 1, file);
	fwrite(&g->keys, sizeof(g->keys), 1, file);
	fwrite(g->header, 1, g->length, file);
	write_padding(file, 24 + g->length);
	/* A sequence of its own for each tensor: another type changes no other. */
	first = random_bits(&seed);
	for (i = 0; i < g->tensor_count && !ferror(file); i++)
		write_tensor(file, &g->tensors[i],
			     i && !g->tensors[i].numbers.after ? random_bits(&seed) : first);
	failed = ferror(file);
	failed |= fclose(file);
	if (failed) {
		remove(path);
		die("%s: %s", path, strerror(errno));
	}
	free(g->header);
	free(g->tensors);
	free(g);
}
