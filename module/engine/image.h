/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_IMAGE_H
#define LLM_ENGINE_IMAGE_H

#include <linux/llm_image.h>

#include "error.h"
#include "group.h"
#include "platform.h"

/**
 * enum llm_layout - how the numbers of a tensor lie
 * @LLM_LAYOUT_ROWS: as ggml has them
 * @LLM_LAYOUT_GROUPS: rows side by side in groups of LLM_GROUP, see group.h; those
 *	past the last whole group as ggml has them
 */
enum llm_layout {
	LLM_LAYOUT_ROWS = 0,
	LLM_LAYOUT_GROUPS = 1,
};

/**
 * struct llm_tensor - one read-only matrix, checked
 * @data: first row, aligned to LLM_IMAGE_ALIGN within the image
 * @row_bytes: from one row to the next
 * @type: enum llm_tensor_type
 * @columns: numbers in a row
 * @rows: rows
 * @layout: how they lie
 */
struct llm_tensor {
	u8 *data;
	u64 row_bytes;
	u32 type;
	u32 columns;
	u32 rows;
	enum llm_layout layout;
};

/**
 * llm_tensor_grouped() - rows of a tensor that lie in groups: the first so many
 * @tensor: the tensor
 */
static inline u32 llm_tensor_grouped(const struct llm_tensor *tensor)
{
	return tensor->layout == LLM_LAYOUT_GROUPS ? tensor->rows - tensor->rows % LLM_GROUP : 0;
}

/**
 * struct llm_image - an image taken apart: private, checked copies of all but
 *	the tensor data
 * @model: facts
 * @tokenizer: how text becomes tokens; bos, eos and unknown are valid or NONE
 * @registers: widths and rows, in range
 * @register_count: 1..64
 * @slots: session state, in range
 * @slot_count: 0..1024
 * @program: instructions; not checked here, see llm_plan_create()
 * @program_count: 1..16384
 * @tensors: matrices; every one lies within the data
 * @tensor_count: 0..65536
 * @vocab: model.vocab_size tokens; every text lies within @strings
 * @strings: bytes that @vocab refers to
 * @merges: merges; may be none; their numbers are not checked, none needs to be
 * @merge_count: 0..2097152
 * @split: tables that split a text, checked, aligned to 8; may be none
 * @split_length: bytes of them
 * @fold: tables that say what becomes of characters, likewise
 * @fold_length: bytes of them
 * @replacements: what is read instead of what; may be none; their texts lie within
 *	@strings
 * @replacement_count: 0..1048576
 * @strings_length: bytes of @strings
 * @chat: chat template, or NULL
 * @ranking: what goes around a query and a document, or NULL; then @model ranks
 * @data_length: bytes of tensor data
 * @copied: bytes of memory this took
 */
struct llm_image {
	struct llm_image_model model;
	struct llm_image_tokenizer tokenizer;
	struct llm_image_register *registers;
	struct llm_image_slot *slots;
	struct llm_insn *program;
	struct llm_tensor *tensors;
	struct llm_image_token *vocab;
	struct llm_image_chat *chat;
	struct llm_image_ranking *ranking;
	u8 *strings;
	struct llm_image_merge *merges;
	u8 *split;
	u64 split_length;
	u8 *fold;
	u64 fold_length;
	struct llm_image_replacement *replacements;
	u32 replacement_count;
	u32 merge_count;
	u32 register_count;
	u32 slot_count;
	u32 program_count;
	u32 tensor_count;
	u64 strings_length;
	u64 data_length;
	u64 copied;
};

/**
 * llm_image_open() - takes an image apart and checks it, except its program
 * @opened: where the result goes
 * @bytes: the image, aligned to LLM_IMAGE_ALIGN; tensor data is used in place
 *	for as long as the result lives, changed by llm_repack() alone; all else
 *	is copied first and checked afterwards
 * @size: bytes there
 * @error: gets the reason for a refusal
 *
 * Return: 0, or -EINVAL for a malformed image, -EOPNOTSUPP for one that asks
 * for what this version does not know, -E2BIG for one beyond the limits,
 * -ENOMEM.
 */
int llm_image_open(struct llm_image **opened, void *bytes, u64 size,
		   struct llm_error *error);

/**
 * llm_image_check_chat() - checks a chat template, also one that comes without an image
 * @chat: a private copy of it
 * @error: gets the reason for a refusal
 *
 * Return: 0, -EINVAL, or -EOPNOTSUPP for flags that are not known.
 */
int llm_image_check_chat(const struct llm_image_chat *chat, struct llm_error *error);

/**
 * llm_image_close() - frees what llm_image_open() made
 * @image: the image, or NULL
 */
void llm_image_close(struct llm_image *image);

#endif /* LLM_ENGINE_IMAGE_H */
