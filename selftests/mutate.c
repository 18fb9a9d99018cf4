// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/tiny_image.h"
#include "mutate.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define RANDOM_BITS 300
/* More than there are in a valid image. */
#define OPS 32
#define FLAG_SETS 4
#define TYPES 64

/**
 * struct field - a number in a struct, or several alike in a row
 * @name: of the field
 * @size: bytes of one
 * @count: how many
 * @values: whether there is one right value: another is invalid, or for a newer
 *	kernel; of flags that are zero, either
 */
struct field {
	const char *name;
	unsigned int size;
	unsigned int count;
	enum { FREE, FIXED, NEWER, FLAGS } values;
};

/* All fields of the structs of linux/llm_image.h, in their order. */
static const struct field header_fields[] = {
	{ "magic", 1, 8, FIXED }, { "version", 4, 1, NEWER }, { "sections", 4, 1, FREE },
	{ "size", 8, 1, FREE }, { "reserved", 8, 5, FIXED }, { 0 },
};

static const struct field section_fields[] = {
	{ "kind", 4, 1, FREE }, { "reserved", 4, 1, FIXED }, { "offset", 8, 1, FREE },
	{ "length", 8, 1, FREE }, { 0 },
};

static const struct field model_fields[] = {
	{ "name", 64, 1, FREE }, { "architecture", 32, 1, FREE }, { "parameters", 8, 1, FREE },
	{ "context_length", 4, 1, FREE }, { "vocab_size", 4, 1, FREE },
	{ "logits", 4, 1, FREE }, { "embedding", 4, 1, FREE }, { "pooling", 4, 1, FREE },
	{ "reserved", 4, 3, FIXED }, { 0 },
};

static const struct field register_fields[] = {
	{ "width", 4, 1, FREE }, { "rows", 4, 1, FREE }, { 0 },
};

static const struct field slot_fields[] = {
	{ "kind", 4, 1, FREE }, { "type", 4, 1, FREE }, { "key_width", 4, 1, FREE },
	{ "value_width", 4, 1, FREE }, { 0 },
};

static const struct field insn_fields[] = {
	{ "op", 2, 1, FREE }, { "flags", 2, 1, FLAGS }, { "dst", 2, 1, FREE },
	{ "src", 2, 3, FREE }, { "slot", 2, 1, FREE }, { "reserved", 2, 1, FIXED },
	{ "tensor", 4, 4, FREE }, { "arg", 4, 12, FREE }, { 0 },
};

static const struct field tensor_fields[] = {
	{ "offset", 8, 1, FREE }, { "length", 8, 1, FREE }, { "type", 4, 1, FREE },
	{ "layout", 4, 1, NEWER }, { "columns", 4, 1, FREE }, { "rows", 4, 1, FREE },
	{ "name_offset", 4, 1, FREE }, { "name_length", 4, 1, FREE }, { 0 },
};

static const struct field tokenizer_fields[] = {
	{ "kind", 4, 1, FREE }, { "flags", 4, 1, FREE }, { "bos", 4, 1, FREE },
	{ "eos", 4, 1, FREE }, { "unknown", 4, 1, FREE }, { "reserved", 4, 11, FIXED }, { 0 },
};

static const struct field token_fields[] = {
	{ "offset", 4, 1, FREE }, { "length", 2, 1, FREE }, { "kind", 1, 1, FREE },
	{ "flags", 1, 1, FREE }, { "rank", 4, 1, FREE }, { 0 },
};

static const struct field chat_fields[] = {
	{ "name", 32, 1, FREE }, { "flags", 4, 1, FREE }, { "reserved", 4, 7, FIXED },
	{ "piece", LLM_CHAT_PIECE, 5, FREE }, { 0 },
};

static const struct field ranking_fields[] = {
	{ "piece", LLM_RANKING_PIECE, 3, FREE }, { 0 },
};

static const struct field merge_fields[] = {
	{ "left", 4, 1, FREE }, { "right", 4, 1, FREE }, { "result", 4, 1, FREE }, { 0 },
};

/* The tables that follow the head, too: their first entries. */
static const struct field split_fields[] = {
	{ "name", 32, 1, FREE }, { "classes", 4, 1, FREE }, { "pages", 4, 1, FREE },
	{ "passes", 4, 1, FREE }, { "states", 4, LLM_SPLIT_MAX_PASSES, FREE },
	{ "reserved", 4, 5, FIXED }, { "page", 2, 4, FREE }, { 0 },
};

static const struct field fold_fields[] = {
	{ "pages", 4, 1, FREE }, { "reserved", 4, 3, FIXED }, { "page", 2, 4, FREE }, { 0 },
};

static __u64 get(const struct device_image *image, size_t offset, unsigned int size)
{
	__u64 value = 0;

	memcpy(&value, image->bytes + offset, size);
	return value;
}

static void add(struct mutations *mutations, const struct mutation *mutation)
{
	struct mutation *list = realloc(mutations->list, (mutations->count + 1) * sizeof(*list));

	if (!list)
		abort();
	list[mutations->count++] = *mutation;
	mutations->list = list;
}

/* A number at the edges of its type, and next to what it was. */
static void add_values(struct mutations *mutations, const struct device_image *image,
		       struct mutation *mutation)
{
	const __u64 all = ~0ULL >> (64 - 8 * mutation->size);
	const __u64 old = get(image, mutation->offset, mutation->size);
	const __u64 values[] = {
		0, 1, all, all - 1, all / 2, all / 2 + 1, old + 1, old - 1, old * 2, old / 2,
		old ^ (all / 2 + 1), all & ~0x3fULL,
	};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		bool known = false;

		mutation->value = values[i] & all;
		for (size_t j = 0; j < i; j++)
			known |= (values[j] & all) == mutation->value;
		if (!known && mutation->value != old)
			add(mutations, mutation);
	}
}

/* Whether no other value can be right. Flags that are there can be absent as well. */
static bool must_stay(const struct device_image *image, const struct mutation *mutation,
		      const struct field *field)
{
	if (field->values == FLAGS)
		return !get(image, mutation->offset, field->size);
	return field->values != FREE;
}

/* Each number of a struct; of a text, its last byte, which must be NUL. */
static void add_struct(struct mutations *mutations, const struct device_image *image,
		       const char *family, const char *name, size_t offset,
		       const struct field *fields)
{
	struct mutation mutation = { .family = family, .offset = offset };

	for (const struct field *field = fields; field->name; field++) {
		for (unsigned int i = 0; i < field->count; i++) {
			bool text = field->size > 8;

			mutation.wrong = must_stay(image, &mutation, field);
			mutation.error = field->values == FIXED ? -EINVAL :
					 field->values == NEWER ? -EOPNOTSUPP : 0;
			snprintf(mutation.name, sizeof(mutation.name), "%s %s[%u]", name,
				 field->name, i);
			mutation.size = text ? 1 : field->size;
			mutation.offset += field->size - mutation.size;
			add_values(mutations, image, &mutation);
			mutation.offset += mutation.size;
		}
	}
}

static bool has_section(const struct device_image *image, __u32 kind)
{
	return tiny_image_section(image->bytes, kind);
}

static size_t section_offset(const struct device_image *image, __u32 kind, __u64 *length)
{
	return (__u8 *)device_image_section(image, kind, length) - image->bytes;
}

/* Every @step-th entry of a section that is an array, and the last. */
static void add_array(struct mutations *mutations, const struct device_image *image,
		      const char *family, __u32 kind, size_t entry, size_t step,
		      const struct field *fields)
{
	__u64 length;
	size_t offset = section_offset(image, kind, &length);
	size_t last = length / entry - 1;
	char name[32];

	for (size_t i = 0; i <= last; i++) {
		if (i % step && i != last)
			continue;
		snprintf(name, sizeof(name), "%zu", i);
		add_struct(mutations, image, family, name, offset + i * entry, fields);
	}
}

/* Number format of an instruction's first tensor. */
static __u32 type_of(const struct device_image *image, const struct llm_insn *insn)
{
	size_t offset = section_offset(image, LLM_SECTION_TENSORS, NULL);
	const struct llm_image_tensor *tensors = (const void *)(image->bytes + offset);

	return insn->tensor[0] == LLM_IMAGE_NONE ? TYPES - 1 : tensors[insn->tensor[0]].type;
}

/*
 * The first instruction of each kind, flags and number format of all images, and one
 * that adds to its destination.
 */
static void add_program(struct mutations *mutations, const struct device_image *image)
{
	static bool seen[OPS][FLAG_SETS][TYPES];
	static bool residual;
	__u64 length;
	size_t offset = section_offset(image, LLM_SECTION_PROGRAM, &length);
	char name[32];

	for (size_t at = 0; at < length; at += sizeof(struct llm_insn)) {
		const struct llm_insn *insn = (const void *)(image->bytes + offset + at);
		bool *known = &seen[insn->op][insn->flags][type_of(image, insn)];
		bool adds = insn->op == LLM_OP_LINEAR && insn->src[1] != LLM_IMAGE_NONE16;

		if (*known && (residual || !adds))
			continue;
		*known = true;
		residual |= adds;
		snprintf(name, sizeof(name), "%zu (op %u)", at / sizeof(*insn), insn->op);
		add_struct(mutations, image, "instruction", name, offset + at, insn_fields);
	}
}

static void add_sections(struct mutations *mutations, const struct device_image *image)
{
	__u32 count = ((const struct llm_image_header *)image->bytes)->sections;
	const size_t size = sizeof(struct llm_image_section);
	const size_t table = sizeof(struct llm_image_header);
	char name[32];

	for (__u32 i = 0; i < count; i++) {
		struct mutation mutation = {
			.family = "section",
			.offset = table + i * size + offsetof(struct llm_image_section, offset),
			.size = 8,
		};

		snprintf(name, sizeof(name), "%u", i);
		add_struct(mutations, image, "section", name, table + i * size, section_fields);
		/* Each on top of each other one, of the table, and of the end. */
		for (__u32 j = 0; j < count; j++) {
			if (i == j)
				continue;
			snprintf(mutation.name, sizeof(mutation.name), "%u on %u", i, j);
			mutation.value = get(image, table + j * size + 8, 8);
			add(mutations, &mutation);
		}
		snprintf(mutation.name, sizeof(mutation.name), "%u on the table", i);
		mutation.value = LLM_IMAGE_ALIGN;
		add(mutations, &mutation);
		snprintf(mutation.name, sizeof(mutation.name), "%u at the end", i);
		mutation.value = image->size;
		add(mutations, &mutation);
		/* Two of a kind. */
		mutation.offset = table + i * size;
		mutation.size = 4;
		snprintf(mutation.name, sizeof(mutation.name), "%u kind of the next", i);
		mutation.value = get(image, table + (i + 1) % count * size, 4);
		add(mutations, &mutation);
	}
}

/* The ends of the tables behind the head of a section. */
static void add_tail(struct mutations *mutations, const struct device_image *image,
		     const char *family, __u32 kind, unsigned int entry, size_t bytes)
{
	__u64 length;
	size_t offset = section_offset(image, kind, &length);

	for (size_t at = length - bytes; at < length; at += entry) {
		struct mutation mutation = {
			.family = family, .offset = offset + at, .size = entry,
		};

		snprintf(mutation.name, sizeof(mutation.name), "%s, byte %zu", family, at);
		add_values(mutations, image, &mutation);
	}
}

/* What only some images have. */
static void add_rest(struct mutations *mutations, const struct device_image *image)
{
	if (has_section(image, LLM_SECTION_CHAT))
		add_struct(mutations, image, "chat", "chat",
			   section_offset(image, LLM_SECTION_CHAT, NULL), chat_fields);
	if (has_section(image, LLM_SECTION_RANKING))
		add_struct(mutations, image, "ranking", "ranking",
			   section_offset(image, LLM_SECTION_RANKING, NULL), ranking_fields);
	if (has_section(image, LLM_SECTION_MERGES))
		add_array(mutations, image, "merge", LLM_SECTION_MERGES,
			  sizeof(struct llm_image_merge), 3, merge_fields);
	if (has_section(image, LLM_SECTION_SPLIT)) {
		add_struct(mutations, image, "split", "split",
			   section_offset(image, LLM_SECTION_SPLIT, NULL), split_fields);
		add_tail(mutations, image, "split", LLM_SECTION_SPLIT, 2, 34);
	}
	if (has_section(image, LLM_SECTION_FOLD)) {
		add_struct(mutations, image, "fold", "fold",
			   section_offset(image, LLM_SECTION_FOLD, NULL), fold_fields);
		add_tail(mutations, image, "fold", LLM_SECTION_FOLD, 4, 128);
	}
}

/* Bits anywhere but in the tensors' data, which is free to be anything. */
static void add_bits(struct mutations *mutations, const struct device_image *image)
{
	__u64 length;
	size_t data = section_offset(image, LLM_SECTION_DATA, &length);
	unsigned int random = 1;

	for (int i = 0; i < RANDOM_BITS; i++) {
		struct mutation mutation = { .family = "random bit", .size = 1 };
		unsigned int bit;

		random = random * 1103515245 + 12345;
		mutation.offset = (random >> 8) % (image->size - length);
		if (mutation.offset >= data)
			mutation.offset += length;
		random = random * 1103515245 + 12345;
		bit = (random >> 16) % 8;
		mutation.value = get(image, mutation.offset, 1) ^ 1U << bit;
		snprintf(mutation.name, sizeof(mutation.name), "bit %u of byte %zu", bit,
			 mutation.offset);
		add(mutations, &mutation);
	}
}

void mutations_make(struct mutations *mutations, const struct device_image *image)
{
	memset(mutations, 0, sizeof(*mutations));
	add_struct(mutations, image, "header", "header", 0, header_fields);
	add_sections(mutations, image);
	add_struct(mutations, image, "model", "model",
		   section_offset(image, LLM_SECTION_MODEL, NULL), model_fields);
	add_array(mutations, image, "register", LLM_SECTION_REGISTERS,
		  sizeof(struct llm_image_register), 1, register_fields);
	add_array(mutations, image, "slot", LLM_SECTION_SLOTS, sizeof(struct llm_image_slot), 1,
		  slot_fields);
	add_program(mutations, image);
	add_array(mutations, image, "tensor", LLM_SECTION_TENSORS,
		  sizeof(struct llm_image_tensor), 5, tensor_fields);
	add_struct(mutations, image, "tokenizer", "tokenizer",
		   section_offset(image, LLM_SECTION_TOKENIZER, NULL), tokenizer_fields);
	add_array(mutations, image, "token", LLM_SECTION_VOCAB, sizeof(struct llm_image_token),
		  37, token_fields);
	add_rest(mutations, image);
	add_bits(mutations, image);
}

void mutation_apply(const struct mutation *mutation, struct device_image *image)
{
	memcpy(image->bytes + mutation->offset, &mutation->value, mutation->size);
}
