// SPDX-License-Identifier: GPL-2.0
/* Random weights, and the number formats they are kept in. */
#include <stdlib.h>
#include <string.h>

#include "tiny_builder.h"

/* SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
static __u64 next_random(struct tiny_builder *b)
{
	__u64 z = b->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* Evenly from -1 to 1, in steps that float32 holds exactly. */
static float next_weight(struct tiny_builder *b)
{
	return (float)((__s32)(next_random(b) >> 40) - (1 << 23)) / (1 << 23);
}

float tiny_inverse_root(__u32 n)
{
	double y = 1.0 / n;

	for (int i = 0; i < 40; i++)
		y *= 1.5 - 0.5 * n * y * y;
	return (float)y;
}

__u32 tiny_float_bits(float value)
{
	__u32 bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* Normal numbers only, which is all there are here; cut, not rounded. */
static __u16 half_bits(float value)
{
	__u32 bits = tiny_float_bits(value);
	__s32 exponent = (__s32)(bits >> 23 & 0xff) - 127 + 15;

	if (exponent <= 0)
		return bits >> 16 & 0x8000;
	return (bits >> 16 & 0x8000) | exponent << 10 | (bits >> 13 & 0x3ff);
}

static float half_value(__u16 half)
{
	__u32 bits = (half & 0x8000U) << 16 | ((half >> 10 & 0x1fU) + 127 - 15) << 23 |
		     (half & 0x3ffU) << 13;
	float value;

	if (!(half & 0x7fff))
		return 0;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

size_t tiny_padded(size_t size)
{
	return (size + LLM_IMAGE_ALIGN - 1) / LLM_IMAGE_ALIGN * LLM_IMAGE_ALIGN;
}

static size_t row_bytes(__u32 type, __u32 columns)
{
	switch (type) {
	case LLM_TENSOR_F16:
	case LLM_TENSOR_BF16:
		return columns * 2;
	case LLM_TENSOR_Q8_0:
		return columns / TINY_BLOCK * (2 + TINY_BLOCK);
	default:
		return columns * 4;
	}
}

static void store_block(__u8 *to, const float *values)
{
	float largest = 0;
	__u16 scale;

	for (int i = 0; i < TINY_BLOCK; i++) {
		float size = values[i] < 0 ? -values[i] : values[i];

		if (size > largest)
			largest = size;
	}
	scale = half_bits(largest / 127);
	memcpy(to, &scale, sizeof(scale));
	for (int i = 0; i < TINY_BLOCK; i++) {
		float steps = scale ? values[i] / half_value(scale) : 0;
		int rounded = (int)(steps < 0 ? steps - 0.5f : steps + 0.5f);

		to[2 + i] = (__u8)(rounded < -127 ? -127 : rounded > 127 ? 127 : rounded);
	}
}

static void store_row(__u8 *to, __u32 type, const float *row, __u32 columns)
{
	switch (type) {
	case LLM_TENSOR_F16:
		for (__u32 i = 0; i < columns; i++) {
			__u16 half = half_bits(row[i]);

			memcpy(to + i * 2, &half, sizeof(half));
		}
		return;
	case LLM_TENSOR_BF16:
		for (__u32 i = 0; i < columns; i++)
			memcpy(to + i * 2, (const __u8 *)&row[i] + 2, 2);
		return;
	case LLM_TENSOR_Q8_0:
		for (__u32 i = 0; i < columns; i += TINY_BLOCK)
			store_block(to + i / TINY_BLOCK * (2 + TINY_BLOCK), row + i);
		return;
	default:
		memcpy(to, row, columns * sizeof(*row));
	}
}

__u32 tiny_add_string(struct tiny_builder *b, const void *bytes, size_t length)
{
	__u32 offset = b->strings_size;

	memcpy(b->strings + offset, bytes, length);
	b->strings_size += length;
	return offset;
}

__u32 tiny_add_tensor(struct tiny_builder *b, const char *name, __u32 type, __u32 rows,
		      __u32 columns)
{
	struct llm_image_tensor *tensor = &b->tensors[b->tensor_count];
	size_t length = rows * row_bytes(type, columns);
	size_t size = b->data_size + tiny_padded(length);
	__u8 *data = b->failed ? NULL : realloc(b->data, size);

	if (!data) {
		b->failed = true;
		return 0;
	}
	memset(data + b->data_size, 0, size - b->data_size);
	tensor->offset = b->data_size;
	tensor->length = length;
	tensor->type = type;
	tensor->columns = columns;
	tensor->rows = rows;
	tensor->name_length = strlen(name);
	tensor->name_offset = tiny_add_string(b, name, tensor->name_length);
	b->data = data;
	b->data_size = size;
	return b->tensor_count++;
}

__u32 tiny_add_random(struct tiny_builder *b, const char *name, __u32 type, __u32 rows,
		      __u32 columns, float middle, float spread)
{
	__u32 number = tiny_add_tensor(b, name, type, rows, columns);
	float row[2 * 4096];

	if (b->failed)
		return 0;
	for (__u32 i = 0; i < rows; i++) {
		for (__u32 j = 0; j < columns; j++)
			row[j] = middle + spread * next_weight(b);
		store_row(b->data + b->tensors[number].offset + i * row_bytes(type, columns), type,
			  row, columns);
	}
	return number;
}

__u32 tiny_add_matrix(struct tiny_builder *b, const char *name, __u32 rows, __u32 columns)
{
	/* Keeps the variance of what goes through: uniform on +-a has variance a^2 / 3. */
	return tiny_add_random(b, name, b->type, rows, columns, 0,
			       1.7320508f * tiny_inverse_root(columns));
}
