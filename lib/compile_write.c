// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "number.h"

/* Numbers that are read at a time; a multiple of every block. */
#define CHUNK 262144

/**
 * struct sink - where the numbers go and who is told
 * @c: compilation
 * @data: start of LLM_SECTION_DATA
 * @written: bytes of it that are done
 * @raw: CHUNK numbers as the file has them
 * @numbers: CHUNK numbers
 * @progress: who is told
 * @progress_data: for them
 * @error: reason of a failure
 */
struct sink {
	const struct compile *c;
	__u8 *data;
	__u64 written;
	__u8 *raw;
	float *numbers;
	llmctl_progress progress;
	void *progress_data;
	struct llmctl_error *error;
};

static void advance(struct sink *s, __u64 length)
{
	s->written += length;
	if (s->progress)
		s->progress(s->progress_data, s->written, s->c->writer.data_length);
}

static __u64 bytes_of(__u32 type, __u64 count)
{
	const struct number_type *number = number_type(type);

	return count / number->block * number->bytes;
}

static int write_chunk(struct sink *s, const struct compile_part *part, __u64 at,
		       __u32 count)
{
	const struct gguf_tensor *from = part->source;
	__u8 *to = s->data + part->offset + bytes_of(part->type, at);
	__u64 offset = from->offset + bytes_of(from->type, at);
	__u64 length = bytes_of(from->type, count);
	int ret;

	if (from->type == part->type)
		return gguf_read(s->c->gguf, to, offset, length, s->error);
	ret = gguf_read(s->c->gguf, s->raw, offset, length, s->error);
	if (ret)
		return ret;
	number_load(s->numbers, s->raw, from->type, count);
	if (!number_store(to, s->numbers, part->type, count))
		return llmctl_fail(s->error, EINVAL, "%s: tensor '%s' holds numbers that %s can't",
				   s->c->gguf->label, from->name, number_type(part->type)->name);
	return 0;
}

static int write_part(struct sink *s, const struct compile_part *part)
{
	__u64 at, left;
	__u32 count;
	int ret;

	/* Tensors begin at multiples of LLM_IMAGE_ALIGN. */
	memset(s->data + s->written, 0, part->offset - s->written);
	s->written = part->offset;
	if (!part->source) {
		memcpy(s->data + part->offset, part->values, part->count * sizeof(float));
		advance(s, part->count * sizeof(float));
		return 0;
	}
	for (at = 0; at < part->source->elements; at += count) {
		left = part->source->elements - at;
		count = left < CHUNK ? left : CHUNK;
		ret = write_chunk(s, part, at, count);
		if (ret)
			return ret;
		advance(s, bytes_of(part->type, count));
	}
	return 0;
}

int compile_write(const struct compile *c, void *image, llmctl_progress progress, void *data,
		  struct llmctl_error *error)
{
	struct sink s = {
		.c = c,
		.progress = progress,
		.progress_data = data,
		.error = error,
	};
	__u32 i;
	int ret = 0;

	s.raw = malloc(CHUNK * sizeof(float));
	s.numbers = malloc(CHUNK * sizeof(float));
	if (s.raw && s.numbers) {
		s.data = image_write(&c->writer, image);
		for (i = 0; i < c->part_count && !ret; i++)
			ret = write_part(&s, &c->parts[i]);
	} else {
		ret = llmctl_fail(error, ENOMEM, "%s: not enough memory", c->gguf->label);
	}
	free(s.raw);
	free(s.numbers);
	return ret;
}
