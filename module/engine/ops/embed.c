// SPDX-License-Identifier: GPL-2.0
#include "../block.h"
#include "../math.h"
#include "op.h"

static int verify_table(struct llm_verifier *v, const struct llm_insn *insn,
			const struct llm_tensor *table)
{
	const struct llm_image_model *model = &v->image->model;

	if (table->columns != llm_register_width(v, insn->dst))
		return llm_verify_refuse(v, "tensor %u has %u columns, not %u", insn->tensor[0],
					 table->columns, llm_register_width(v, insn->dst));
	if (insn->arg[1] == LLM_EMBED_TOKEN && table->rows != model->vocab_size)
		return llm_verify_refuse(v, "tensor %u has %u rows for %u tokens",
					 insn->tensor[0], table->rows, model->vocab_size);
	if (insn->arg[1] == LLM_EMBED_POSITION && table->rows < model->context_length)
		return llm_verify_refuse(v, "tensor %u has %u rows for %u positions",
					 insn->tensor[0], table->rows, model->context_length);
	return 0;
}

static int verify_addend(struct llm_verifier *v, const struct llm_insn *insn)
{
	u32 width = llm_register_width(v, insn->dst);
	int err;

	if (insn->src[0] == LLM_IMAGE_NONE16)
		return 0;
	err = llm_verify_read(v, insn->src[0], 0, width);
	if (!err)
		err = llm_verify_rows(v, insn->src[0], LLM_ROWS_BATCH);
	if (!err)
		err = llm_verify_distinct(v, insn->src[0], insn->dst);
	return err;
}

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	const struct llm_tensor *table = NULL;
	int err = llm_verify_shape(v, 1, 1, 2, false);

	if (!err)
		err = llm_verify_tensor(v, insn->tensor[0], &table);
	if (!err)
		err = llm_verify_finite(v, insn->arg[0], false);
	if (!err)
		err = llm_verify_below(v, "index", insn->arg[1], LLM_EMBED_FIRST + 1);
	if (!err)
		err = llm_verify_write(v, insn->dst, 0, table->columns);
	if (!err)
		err = llm_verify_rows(v, insn->dst, LLM_ROWS_BATCH);
	if (!err)
		err = verify_table(v, insn, table);
	if (!err)
		err = verify_addend(v, insn);
	return err;
}

static u32 width(const struct llm_step *step, const struct llm_insn *insn)
{
	return step->plan->image->registers[insn->dst].width;
}

static u32 row_numbers(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	return width(step, insn);
}

/* @stride: from one number to the next, numbers. */
static void row_from_f32(float *y, const float *x, u32 n, u32 stride)
{
	u32 i;

	for (i = 0; i < n; i++)
		y[i] = x[i * stride];
}

static void row_from_f16(float *y, const u16 *x, u32 n, u32 stride)
{
	u32 i;

	for (i = 0; i < n; i++)
		y[i] = llm_f16_to_f32(x[i * stride]);
}

static void row_from_bf16(float *y, const u16 *x, u32 n, u32 stride)
{
	u32 i;

	for (i = 0; i < n; i++)
		y[i] = llm_bf16_to_f32(x[i * stride]);
}

static void row_from_block(float *y, const struct llm_type *type, const u8 *block)
{
	struct llm_numbers n;
	u32 part, i;

	for (part = 0; part < type->block / LLM_BLOCK; part++, y += LLM_BLOCK) {
		llm_block_take(&n, type->type, block, part);
		for (i = 0; i < LLM_BLOCK; i++)
			y[i] = n.scales[i / 16] * (float)n.values[i] - n.minima[i / 16];
	}
}

/* The largest block is that of Q6_K. */
static void row_from_blocks(float *y, const struct llm_tensor *table, const u8 *x, u32 row,
			    u32 together)
{
	const struct llm_type *type = llm_type_find(table->type);
	u8 block[sizeof(struct llm_block_q6_k)];
	u32 at;

	for (at = 0; at < table->columns; at += type->block, y += type->block) {
		if (together > 1)
			llm_group_take(block, x, table->type, row);
		row_from_block(y, type, together > 1 ? block : x);
		x += together * type->bytes;
	}
}

static void take_row(float *to, const struct llm_tensor *table, u32 index)
{
	u32 together = index < llm_tensor_grouped(table) ? LLM_GROUP : 1;
	u32 row = index % together;
	const u8 *from = table->data + (index - row) * table->row_bytes;

	switch (table->type) {
	case LLM_TENSOR_F32:
		row_from_f32(to, (const float *)from + row, table->columns, together);
		break;
	case LLM_TENSOR_F16:
		row_from_f16(to, (const u16 *)from + row, table->columns, together);
		break;
	case LLM_TENSOR_BF16:
		row_from_bf16(to, (const u16 *)from + row, table->columns, together);
		break;
	default:
		row_from_blocks(to, table, from, row, together);
		break;
	}
}

static u32 index_of(const struct llm_row *row, const struct llm_insn *insn)
{
	switch (insn->arg[1]) {
	case LLM_EMBED_TOKEN:
		return row->token;
	case LLM_EMBED_POSITION:
		return row->position;
	default:
		return 0;
	}
}

static void run_rows(const struct llm_step *step, const struct llm_insn *insn, u32 part,
		     struct llm_op_span span)
{
	const struct llm_tensor *table = &step->plan->image->tensors[insn->tensor[0]];
	float scale = llm_float(insn->arg[0]);
	const float *addend;
	float *to;
	u32 i, j;

	for (i = span.first; i < span.end; i++) {
		to = llm_op_row(step, insn->dst, i);
		take_row(to, table, index_of(&step->rows[i], insn));
		if (scale != 1)
			for (j = 0; j < table->columns; j++)
				to[j] *= scale;
		if (insn->src[0] == LLM_IMAGE_NONE16)
			continue;
		addend = llm_op_row(step, insn->src[0], i);
		for (j = 0; j < table->columns; j++)
			to[j] += addend[j];
	}
}

const struct llm_op_type llm_op_embed = {
	.name = "embed",
	.verify = verify,
	.parts = llm_op_one_part,
	.row_numbers = row_numbers,
	.run_rows = run_rows,
};
