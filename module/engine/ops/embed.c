// SPDX-License-Identifier: GPL-2.0
#include "../block.h"
#include "../math.h"
#include "op.h"

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	const struct llm_tensor *table = NULL;
	int err = llm_verify_shape(v, 0, 1, 0, false);

	if (!err)
		err = llm_verify_tensor(v, insn->tensor[0], &table);
	if (!err)
		err = llm_verify_write(v, insn->dst, 0, table->columns);
	if (!err)
		err = llm_verify_rows(v, insn->dst, LLM_ROWS_BATCH);
	if (err)
		return err;
	if (table->columns != llm_register_width(v, insn->dst) ||
	    table->rows != v->image->model.vocab_size)
		return llm_verify_refuse(v, "tensor %u has %u columns and %u rows, not %u and %u",
					 insn->tensor[0], table->columns, table->rows,
					 llm_register_width(v, insn->dst),
					 v->image->model.vocab_size);
	return 0;
}

static u32 width(const struct llm_step *step, const struct llm_insn *insn)
{
	return step->plan->image->registers[insn->dst].width;
}

static u32 tiles(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	return llm_op_row_tiles(step, insn->dst, width(step, insn));
}

static void row_from_f16(float *y, const u16 *x, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		y[i] = llm_f16_to_f32(x[i]);
}

static void row_from_bf16(float *y, const u16 *x, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		y[i] = llm_bf16_to_f32(x[i]);
}

static void row_from_blocks(float *y, const struct llm_tensor *table, const u8 *x)
{
	const struct llm_type *type = llm_type_find(table->type);
	struct llm_numbers n;
	u32 at, i;

	for (at = 0; at < table->columns; at += LLM_BLOCK, y += LLM_BLOCK) {
		llm_block_take(&n, table->type, x + at / type->block * type->bytes,
			       at % type->block / LLM_BLOCK);
		for (i = 0; i < LLM_BLOCK; i++)
			y[i] = n.scales[i / 16] * (float)n.values[i] - n.minima[i / 16];
	}
}

static void row_from_groups(float *y, const struct llm_tensor *table, u32 token)
{
	u32 blocks = table->columns / LLM_BLOCK;
	const struct llm_group_q8_0 *groups = (const void *)table->data;
	const struct llm_group_q8_0 *group;
	u32 row = token % LLM_GROUP;
	u32 b, i;

	groups += token / LLM_GROUP * (u64)blocks;
	for (b = 0; b < blocks; b++) {
		group = &groups[b];
		for (i = 0; i < LLM_BLOCK; i++)
			*y++ = llm_f16_to_f32(group->scales[row]) *
			       (float)(group->values[i / 4][row][i % 4] - 128);
	}
}

static void run(const struct llm_step *step, const struct llm_insn *insn, u32 part, u32 tile)
{
	const struct llm_tensor *table = &step->plan->image->tensors[insn->tensor[0]];
	struct llm_op_span span = llm_op_row_span(step, insn->dst, table->columns, tile);
	const u8 *from;
	float *to;
	u32 i;

	for (i = span.first; i < span.end; i++) {
		from = table->data + step->rows[i].token * table->row_bytes;
		to = llm_op_row(step, insn->dst, i);
		if (table->layout == LLM_LAYOUT_GROUPS)
			row_from_groups(to, table, step->rows[i].token);
		else if (table->type == LLM_TENSOR_F32)
			memcpy(to, from, table->row_bytes);
		else if (table->type == LLM_TENSOR_F16)
			row_from_f16(to, (const u16 *)from, table->columns);
		else if (table->type == LLM_TENSOR_BF16)
			row_from_bf16(to, (const u16 *)from, table->columns);
		else
			row_from_blocks(to, table, from);
	}
}

const struct llm_op_type llm_op_embed = {
	.name = "embed",
	.verify = verify,
	.parts = llm_op_one_part,
	.tiles = tiles,
	.run = run,
};
