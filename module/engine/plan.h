/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_PLAN_H
#define LLM_ENGINE_PLAN_H

#include "image.h"

struct llm_form;
struct llm_op_type;

/** LLM_MAX_BATCH - rows a step can be asked to have at most. */
#define LLM_MAX_BATCH	512
/** LLM_MAX_OUTPUT - rows of a step whose logits can be wanted at most. */
#define LLM_MAX_OUTPUT	64
/** LLM_MAX_ROWS - rows a step can have at most where texts are computed whole. */
#define LLM_MAX_ROWS	2048

/**
 * struct llm_slot - where a slot's state lies: within a page, or of what is recurrent
 * @recurrent_offset: of LLM_SLOT_RECURRENT, bytes from llm_kv.recurrent, a multiple of
 *	64; the rest is of LLM_SLOT_KV
 * @type: number format, enum llm_tensor_type
 * @page_offset: of its keys, bytes from llm_page.data, a multiple of 64
 * @value_offset: of its values, likewise
 * @key_width: numbers a position has as key
 * @value_width: numbers a position has as value
 */
struct llm_slot {
	u32 recurrent_offset;
	u32 type;
	u32 page_offset;
	u32 value_offset;
	u32 key_width;
	u32 value_width;
};

/**
 * struct llm_plan - a program that was proved safe, ready to run
 * @image: what it belongs to; outlives the plan
 * @form: hot loops in use
 * @batch_rows: rows a step can have, 1..LLM_MAX_ROWS
 * @output_rows: rows whose logits or embeddings can be wanted, 1..@batch_rows
 * @embedding_end: instructions that a step needs where only embeddings are wanted
 * @whole_texts: whether all rows of a text must be in one step; it has no more
 *	than @batch_rows then
 * @register_offset: of each register in the workspace, floats, a multiple of 16
 * @workspace_bytes: memory a step needs for registers and quantised rows
 * @scratch_offset: in the workspace, bytes, of what an instruction keeps of rows from one
 *	of its parts to the next: rounded rows, and results of attention to chunks
 * @scratch_stride: from that of one of @batch_rows rows to the next, bytes
 * @softmax_offset: of the running maxima and sums of attention in the workspace,
 *	bytes; two floats for each of @softmax_heads heads of each row
 * @softmax_heads: the most query heads an instruction has
 * @query_offset: of rounded queries in the workspace, bytes
 * @query_stride: from those of one row to those of the next, bytes
 * @order_offset: of the choices sorted by expert in the workspace, bytes
 * @choices: experts that a row chooses at most
 * @input_offset: of the experts' inputs in the workspace, bytes
 * @input_stride: from one of them to the next, bytes
 * @slots: where state lies
 * @page_bytes: keys and values of LLM_PAGE_POSITIONS positions
 * @recurrent_bytes: recurrent state of a session
 * @ops: for each instruction of the program its row in the table of instructions
 */
struct llm_plan {
	const struct llm_image *image;
	const struct llm_form *form;
	u32 batch_rows;
	u32 output_rows;
	u32 embedding_end;
	bool whole_texts;
	u64 register_offset[64];
	u64 workspace_bytes;
	u64 scratch_offset;
	u64 scratch_stride;
	u64 softmax_offset;
	u32 softmax_heads;
	u64 query_offset;
	u64 query_stride;
	u64 order_offset;
	u32 choices;
	u64 input_offset;
	u64 input_stride;
	u32 page_bytes;
	u32 recurrent_bytes;
	struct llm_slot *slots;
	const struct llm_op_type **ops;
};

/**
 * llm_plan_create() - verifies a program and plans its memory
 * @created: where the result goes
 * @image: opened image; outlives the plan
 * @form: hot loops to use
 * @batch_rows: rows a step shall have at most, 1..LLM_MAX_BATCH; where texts must
 *	be computed whole it is as many as the context has positions, within
 *	LLM_MAX_ROWS
 * @output_rows: rows whose logits can be wanted at most, not above @batch_rows;
 *	where there are no logits all rows can be wanted
 * @error: gets the reason for a refusal
 *
 * After this the program can be run on any rows whose tokens are below
 * vocab_size and whose positions are reserved, without a check.
 *
 * Return: 0, or -EINVAL for a program that is wrong, -EOPNOTSUPP for an
 * instruction or type this version does not know, -E2BIG for one beyond the
 * limits, -ENOMEM.
 */
int llm_plan_create(struct llm_plan **created, const struct llm_image *image,
		    const struct llm_form *form, u32 batch_rows, u32 output_rows,
		    struct llm_error *error);

/**
 * llm_plan_destroy() - frees what llm_plan_create() made
 * @plan: the plan, or NULL
 */
void llm_plan_destroy(struct llm_plan *plan);

#endif /* LLM_ENGINE_PLAN_H */
