// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdlib.h>
#include <string.h>

#include "image_writer.h"
#include "number.h"

#define SECTION_COUNT 9

static uint64_t align_up(uint64_t offset)
{
	return (offset + LLM_IMAGE_ALIGN - 1) & ~(uint64_t)(LLM_IMAGE_ALIGN - 1);
}

/* Returns the number of the entry, counted in entries of this length. */
static uint32_t add(struct image_writer *writer, struct image_array *array, const void *entry,
		    size_t length)
{
	size_t at = array->length;

	if (writer->out_of_memory || !length)
		return 0;
	if (at + length > array->room) {
		size_t room = 2 * (at + length);
		uint8_t *grown = realloc(array->bytes, room);

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

uint16_t image_add_register(struct image_writer *writer, uint32_t width, uint32_t rows)
{
	struct llm_image_register reg = { .width = width, .rows = rows };

	return add(writer, &writer->registers, &reg, sizeof(reg));
}

uint16_t image_add_kv(struct image_writer *writer, uint32_t key_width, uint32_t value_width)
{
	struct llm_image_slot slot = {
		.kind = LLM_SLOT_KV,
		.type = LLM_TENSOR_F16,
		.key_width = key_width,
		.value_width = value_width,
	};

	return add(writer, &writer->slots, &slot, sizeof(slot));
}

void image_add_insn(struct image_writer *writer, const struct llm_insn *insn)
{
	add(writer, &writer->program, insn, sizeof(*insn));
}

uint32_t image_add_tensor(struct image_writer *writer, const char *name, uint32_t type,
			  uint32_t columns, uint32_t rows)
{
	const struct number_type *number = number_type(type);
	struct llm_image_tensor tensor = {
		.offset = align_up(writer->data_length),
		.length = (uint64_t)(columns / number->block) * number->bytes * rows,
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

const struct llm_image_tensor *image_tensor(const struct image_writer *writer, uint32_t number)
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

struct llm_image_token *image_token(const struct image_writer *writer, uint32_t number)
{
	return (struct llm_image_token *)writer->vocab.bytes + number;
}

/* The sections in the order they lie in; the data, as the longest, last. */
static void lay_out(const struct image_writer *writer, struct llm_image_section *sections,
		    const void **contents)
{
	const struct {
		uint32_t kind;
		const void *bytes;
		uint64_t length;
	} parts[SECTION_COUNT] = {
		{ LLM_SECTION_MODEL, &writer->model, sizeof(writer->model) },
		{ LLM_SECTION_REGISTERS, writer->registers.bytes, writer->registers.length },
		{ LLM_SECTION_SLOTS, writer->slots.bytes, writer->slots.length },
		{ LLM_SECTION_PROGRAM, writer->program.bytes, writer->program.length },
		{ LLM_SECTION_TENSORS, writer->tensors.bytes, writer->tensors.length },
		{ LLM_SECTION_TOKENIZER, &writer->tokenizer, sizeof(writer->tokenizer) },
		{ LLM_SECTION_VOCAB, writer->vocab.bytes, writer->vocab.length },
		{ LLM_SECTION_STRINGS, writer->strings.bytes, writer->strings.length },
		{ LLM_SECTION_DATA, NULL, writer->data_length },
	};
	uint64_t offset = sizeof(struct llm_image_header) +
			  SECTION_COUNT * sizeof(struct llm_image_section);
	int i;

	for (i = 0; i < SECTION_COUNT; i++) {
		offset = align_up(offset);
		sections[i] = (struct llm_image_section) {
			.kind = parts[i].kind,
			.offset = offset,
			.length = parts[i].length,
		};
		contents[i] = parts[i].bytes;
		offset += parts[i].length;
	}
}

uint64_t image_size(const struct image_writer *writer)
{
	struct llm_image_section sections[SECTION_COUNT];
	const void *contents[SECTION_COUNT];

	lay_out(writer, sections, contents);
	return sections[SECTION_COUNT - 1].offset + sections[SECTION_COUNT - 1].length;
}

uint8_t *image_write(const struct image_writer *writer, void *image)
{
	struct llm_image_section sections[SECTION_COUNT];
	const void *contents[SECTION_COUNT];
	struct llm_image_header header = {
		.version = LLM_IMAGE_VERSION,
		.sections = SECTION_COUNT,
		.size = image_size(writer),
	};
	uint8_t *at = image;
	int i;

	lay_out(writer, sections, contents);
	memset(at, 0, sections[SECTION_COUNT - 1].offset);
	memcpy(header.magic, LLM_IMAGE_MAGIC, sizeof(header.magic));
	memcpy(at, &header, sizeof(header));
	memcpy(at + sizeof(header), sections, sizeof(sections));
	for (i = 0; i < SECTION_COUNT; i++)
		if (contents[i])
			memcpy(at + sections[i].offset, contents[i], sections[i].length);
	return at + sections[SECTION_COUNT - 1].offset;
}

void image_destroy(struct image_writer *writer)
{
	free(writer->registers.bytes);
	free(writer->slots.bytes);
	free(writer->program.bytes);
	free(writer->tensors.bytes);
	free(writer->vocab.bytes);
	free(writer->strings.bytes);
}
