// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdlib.h>
#include <string.h>

#include "image_writer.h"
#include "number.h"

#define MAX_SECTIONS 15

static __u64 align_up(__u64 offset)
{
	return (offset + LLM_IMAGE_ALIGN - 1) & ~(__u64)(LLM_IMAGE_ALIGN - 1);
}

/* Returns the number of the entry, counted in entries of this length. */
static __u32 add(struct image_writer *writer, struct image_array *array, const void *entry,
		 size_t length)
{
	size_t at = array->length;

	if (writer->out_of_memory || !length)
		return 0;
	if (at + length > array->room) {
		size_t room = 2 * (at + length);
		__u8 *grown = realloc(array->bytes, room);

		if (!grown) {
			writer->out_of_memory = true;
			return 0;
		}
		array->bytes = grown;
		array->room = room;
	}
	memcpy(array->bytes + at, entry, length);
	array->length += length;
	return at / length;
}

__u16 image_add_register(struct image_writer *writer, __u32 width, __u32 rows)
{
	struct llm_image_register reg = { .width = width, .rows = rows };

	return add(writer, &writer->registers, &reg, sizeof(reg));
}

__u16 image_add_kv(struct image_writer *writer, __u32 type, __u32 key_width, __u32 value_width)
{
	struct llm_image_slot slot = {
		.kind = LLM_SLOT_KV,
		.type = type,
		.key_width = key_width,
		.value_width = value_width,
	};

	return add(writer, &writer->slots, &slot, sizeof(slot));
}

__u16 image_add_recurrent(struct image_writer *writer, __u32 width)
{
	struct llm_image_slot slot = {
		.kind = LLM_SLOT_RECURRENT,
		.type = LLM_TENSOR_F32,
		.key_width = width,
	};

	return add(writer, &writer->slots, &slot, sizeof(slot));
}

void image_add_insn(struct image_writer *writer, const struct llm_insn *insn)
{
	add(writer, &writer->program, insn, sizeof(*insn));
}

__u32 image_add_tensor(struct image_writer *writer, const char *name, __u32 type,
		       __u32 columns, __u32 rows)
{
	const struct number_type *number = number_type(type);
	struct llm_image_tensor tensor = {
		.offset = align_up(writer->data_length),
		.length = (__u64)(columns / number->block) * number->bytes * rows,
		.type = type,
		.columns = columns,
		.rows = rows,
		.name_offset = writer->strings.length,
		.name_length = strlen(name),
	};

	add(writer, &writer->strings, name, tensor.name_length);
	writer->data_length = tensor.offset + tensor.length;
	return add(writer, &writer->tensors, &tensor, sizeof(tensor));
}

const struct llm_image_tensor *image_tensor(const struct image_writer *writer, __u32 number)
{
	return (const struct llm_image_tensor *)writer->tensors.bytes + number;
}

void image_add_token(struct image_writer *writer, const struct llm_image_token *token,
		     const void *text, size_t length)
{
	struct llm_image_token added = *token;

	added.offset = writer->strings.length;
	added.length = length;
	add(writer, &writer->strings, text, length);
	add(writer, &writer->vocab, &added, sizeof(added));
}

struct llm_image_token *image_token(const struct image_writer *writer, __u32 number)
{
	return (struct llm_image_token *)writer->vocab.bytes + number;
}

void image_add_merge(struct image_writer *writer, const struct llm_image_merge *merge)
{
	add(writer, &writer->merges, merge, sizeof(*merge));
}

void image_set_split(struct image_writer *writer, const void *bytes, size_t length)
{
	writer->split.length = 0;
	add(writer, &writer->split, bytes, length);
}

void image_set_fold(struct image_writer *writer, const void *bytes, size_t length)
{
	writer->fold.length = 0;
	add(writer, &writer->fold, bytes, length);
}

void image_add_replacement(struct image_writer *writer, const void *from, __u16 from_length,
			   const void *to, __u16 to_length)
{
	struct llm_image_replacement replacement = {
		.from = writer->strings.length,
		.to = writer->strings.length + from_length,
		.from_length = from_length,
		.to_length = to_length,
	};

	add(writer, &writer->strings, from, from_length);
	add(writer, &writer->strings, to, to_length);
	add(writer, &writer->replacements, &replacement, sizeof(replacement));
}

/**
 * struct layout - where the sections lie; the data, as the longest, last
 * @sections: sections
 * @contents: their bytes; NULL for the data
 * @count: how many
 */
struct layout {
	struct llm_image_section sections[MAX_SECTIONS];
	const void *contents[MAX_SECTIONS];
	__u32 count;
};

static void lay_out(const struct image_writer *writer, struct layout *layout)
{
	const struct {
		__u32 kind;
		const void *bytes;
		__u64 length;
		bool there;
	} parts[MAX_SECTIONS] = {
		{ LLM_SECTION_MODEL, &writer->model, sizeof(writer->model), true },
		{ LLM_SECTION_REGISTERS, writer->registers.bytes, writer->registers.length, true },
		{ LLM_SECTION_SLOTS, writer->slots.bytes, writer->slots.length, true },
		{ LLM_SECTION_PROGRAM, writer->program.bytes, writer->program.length, true },
		{ LLM_SECTION_TENSORS, writer->tensors.bytes, writer->tensors.length, true },
		{ LLM_SECTION_TOKENIZER, &writer->tokenizer, sizeof(writer->tokenizer), true },
		{ LLM_SECTION_VOCAB, writer->vocab.bytes, writer->vocab.length, true },
		{ LLM_SECTION_STRINGS, writer->strings.bytes, writer->strings.length, true },
		{ LLM_SECTION_MERGES, writer->merges.bytes, writer->merges.length, true },
		{ LLM_SECTION_SPLIT, writer->split.bytes, writer->split.length, true },
		{ LLM_SECTION_FOLD, writer->fold.bytes, writer->fold.length, true },
		{ LLM_SECTION_REPLACEMENTS, writer->replacements.bytes,
		  writer->replacements.length, writer->replacements.length > 0 },
		{ LLM_SECTION_CHAT, &writer->chat, sizeof(writer->chat), writer->has_chat },
		{ LLM_SECTION_RANKING, &writer->ranking, sizeof(writer->ranking),
		  writer->has_ranking },
		{ LLM_SECTION_DATA, NULL, writer->data_length, true },
	};
	__u64 offset;
	int i;

	layout->count = 0;
	for (i = 0; i < MAX_SECTIONS; i++)
		layout->count += parts[i].there;
	offset = sizeof(struct llm_image_header) +
		 layout->count * sizeof(struct llm_image_section);
	layout->count = 0;
	for (i = 0; i < MAX_SECTIONS; i++) {
		if (!parts[i].there)
			continue;
		offset = align_up(offset);
		layout->contents[layout->count] = parts[i].bytes;
		layout->sections[layout->count++] = (struct llm_image_section) {
			.kind = parts[i].kind,
			.offset = offset,
			.length = parts[i].length,
		};
		offset += parts[i].length;
	}
}

static __u64 end_of(const struct llm_image_section *section)
{
	return section->offset + section->length;
}

__u64 image_size(const struct image_writer *writer)
{
	struct layout layout;

	lay_out(writer, &layout);
	return end_of(&layout.sections[layout.count - 1]);
}

__u8 *image_write(const struct image_writer *writer, void *image)
{
	struct llm_image_header header = { .version = LLM_IMAGE_VERSION };
	const struct llm_image_section *data;
	struct layout layout;
	__u8 *at = image;
	__u32 i;

	lay_out(writer, &layout);
	data = &layout.sections[layout.count - 1];
	memset(at, 0, data->offset);
	memcpy(header.magic, LLM_IMAGE_MAGIC, sizeof(header.magic));
	header.sections = layout.count;
	header.size = end_of(data);
	memcpy(at, &header, sizeof(header));
	memcpy(at + sizeof(header), layout.sections, layout.count * sizeof(*data));
	for (i = 0; i < layout.count; i++)
		if (layout.contents[i])
			memcpy(at + layout.sections[i].offset, layout.contents[i],
			       layout.sections[i].length);
	return at + data->offset;
}

void image_destroy(struct image_writer *writer)
{
	free(writer->registers.bytes);
	free(writer->slots.bytes);
	free(writer->program.bytes);
	free(writer->tensors.bytes);
	free(writer->vocab.bytes);
	free(writer->strings.bytes);
	free(writer->merges.bytes);
	free(writer->split.bytes);
	free(writer->fold.bytes);
	free(writer->replacements.bytes);
}
