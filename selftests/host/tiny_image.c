// SPDX-License-Identifier: GPL-2.0
/* A small valid image with random weights, for tests that need a model. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tiny_builder.h"

static const struct llm_image_chat chat = {
	.name = "tiny",
	.first = "u:",
	.system = "s:",
	.system_end = "<end>u:",
	.reply = "<end>a:",
	.next = "<end>u:",
};

static const struct llm_image_ranking ranking = {
	.before = "q:",
	.between = "<end>d:",
	.after = "<end>",
};

static void add_model(struct tiny_builder *b, const struct tiny_image_options *options)
{
	snprintf((char *)b->model.name, sizeof(b->model.name), "tiny");
	snprintf((char *)b->model.architecture, sizeof(b->model.architecture), "llama");
	for (__u32 i = 0; i < b->tensor_count; i++)
		b->model.parameters += (__u64)b->tensors[i].rows * b->tensors[i].columns;
	b->model.context_length = options->context ? options->context : 256;
	b->model.vocab_size = TINY_IMAGE_VOCAB;
	b->model.logits = b->whole || b->ranks ? LLM_IMAGE_NONE : REG_LOGITS;
	b->model.embedding = b->ranks ? REG_LABELS : REG_HO;
	b->model.pooling = b->ranks ? LLM_POOLING_RANK :
			   options->pooling ? options->pooling : LLM_POOLING_LAST;
}

/* A section that has nothing in it is left out. */
static void *assemble(const struct tiny_builder *b, bool has_chat, size_t *size)
{
	const bool bpe = b->tokenizer.kind == LLM_TOKENIZER_BPE;
	const bool wordpiece = b->tokenizer.kind == LLM_TOKENIZER_WORDPIECE;
	const struct {
		__u32 kind;
		const void *bytes;
		size_t length;
	} parts[] = {
		{ LLM_SECTION_CHAT, &chat, has_chat ? sizeof(chat) : 0 },
		{ LLM_SECTION_RANKING, &ranking, b->ranks ? sizeof(ranking) : 0 },
		{ LLM_SECTION_MODEL, &b->model, sizeof(b->model) },
		{ LLM_SECTION_REGISTERS, b->registers, sizeof(b->registers) },
		{ LLM_SECTION_SLOTS, b->slots, b->slot_count * sizeof(b->slots[0]) },
		{ LLM_SECTION_PROGRAM, b->program, b->insn_count * sizeof(b->program[0]) },
		{ LLM_SECTION_TENSORS, b->tensors, b->tensor_count * sizeof(b->tensors[0]) },
		{ LLM_SECTION_TOKENIZER, &b->tokenizer, sizeof(b->tokenizer) },
		{ LLM_SECTION_VOCAB, b->vocab, sizeof(b->vocab) },
		{ LLM_SECTION_MERGES, b->merges, b->merge_count * sizeof(b->merges[0]) },
		{ LLM_SECTION_SPLIT, &b->split, bpe ? TINY_SPLIT_BYTES : 0 },
		{ LLM_SECTION_FOLD, &b->fold, wordpiece ? sizeof(b->fold) : 0 },
		{ LLM_SECTION_STRINGS, b->strings, b->strings_size },
		{ LLM_SECTION_DATA, b->data, b->data_size },
	};
	struct llm_image_section *section;
	struct llm_image_header *header;
	__u32 count = 0;
	size_t offset;
	__u8 *image;

	*size = 0;
	for (__u32 i = 0; i < ARRAY_SIZE(parts); i++) {
		count += parts[i].length > 0;
		*size += tiny_padded(parts[i].length);
	}
	offset = tiny_padded(sizeof(*header) + count * sizeof(*section));
	*size += offset;
	image = aligned_alloc(LLM_IMAGE_ALIGN, *size);
	if (!image)
		return NULL;
	memset(image, 0, *size);

	header = (struct llm_image_header *)image;
	memcpy(header->magic, LLM_IMAGE_MAGIC, sizeof(header->magic));
	header->version = LLM_IMAGE_VERSION;
	header->sections = count;
	header->size = *size;
	section = (struct llm_image_section *)(header + 1);
	for (__u32 i = 0; i < ARRAY_SIZE(parts); i++) {
		if (!parts[i].length)
			continue;
		section->kind = parts[i].kind;
		section->offset = offset;
		section->length = parts[i].length;
		section++;
		memcpy(image + offset, parts[i].bytes, parts[i].length);
		offset += tiny_padded(parts[i].length);
	}
	return image;
}

void *tiny_image_build(const struct tiny_image_options *options, size_t *size)
{
	__u32 layers = options->layers ? options->layers : 2;
	__u32 width = options->width ? options->width : 64;
	struct tiny_builder *b;
	void *image = NULL;

	if (layers > TINY_LAYERS || width % 32 || width > 4096)
		return NULL;
	if (options->type != LLM_TENSOR_F32 && options->type != LLM_TENSOR_F16 &&
	    options->type != LLM_TENSOR_BF16 && options->type != LLM_TENSOR_Q8_0)
		return NULL;
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->random = options->seed;
	b->whole = options->whole;
	b->ranks = options->ranks;
	b->experts = options->experts;
	b->recurrent = options->recurrent;
	b->type = options->type;
	b->layers = layers;
	b->width = width;
	b->kv_width = width / 2;
	b->kv_q8_0 = options->kv_q8_0;
	b->head = b->kv_q8_0 ? TINY_IMAGE_BLOCK : TINY_IMAGE_HEAD;
	b->ff_width = 2 * width;
	tiny_add_vocab(b, options->tokenizer ? options->tokenizer : LLM_TOKENIZER_SPM);
	tiny_add_program(b);
	add_model(b, options);
	if (!b->failed)
		image = assemble(b, options->chat, size);
	free(b->data);
	free(b);
	return image;
}

struct llm_image_section *tiny_image_section(void *image, __u32 kind)
{
	struct llm_image_header *header = image;
	struct llm_image_section *section = (struct llm_image_section *)(header + 1);

	for (__u32 i = 0; i < header->sections; i++)
		if (section[i].kind == kind)
			return &section[i];
	return NULL;
}

void *tiny_image_bytes(void *image, __u32 kind)
{
	return (__u8 *)image + tiny_image_section(image, kind)->offset;
}
