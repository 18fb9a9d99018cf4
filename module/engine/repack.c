// SPDX-License-Identifier: GPL-2.0
#include "repack.h"

#include "block.h"
#include "form.h"

static void group_block_q8_0(struct llm_group_q8_0 *group, const struct llm_block_q8_0 *rows,
			     u32 blocks)
{
	u32 r, i;

	for (r = 0; r < LLM_GROUP; r++, rows += blocks) {
		group->scales[r] = rows->scale;
		for (i = 0; i < LLM_BLOCK; i++)
			group->values[i / 4][r][i % 4] = (u8)(rows->values[i] + 128);
	}
}

/* A block of Q4_0 has its first sixteen columns in the lower halves of its bytes. */
static void group_block_q4_0(struct llm_group_q4_0 *group, const struct llm_block_q4_0 *rows,
			     u32 blocks)
{
	u32 r, i;

	for (r = 0; r < LLM_GROUP; r++, rows += blocks) {
		group->scales[r] = rows->scale;
		for (i = 0; i < LLM_BLOCK / 2; i++)
			group->values[i / 4][r][i % 4] = rows->low_high[i];
	}
}

static void repack_tensor(struct llm_tensor *tensor, void *scratch)
{
	u32 blocks = tensor->columns / LLM_BLOCK;
	u64 bytes = LLM_GROUP * tensor->row_bytes;
	u8 *data = tensor->data;
	u32 row, b;

	for (row = 0; row < tensor->rows; row += LLM_GROUP, data += bytes) {
		memcpy(scratch, data, bytes);
		for (b = 0; b < blocks; b++)
			if (tensor->type == LLM_TENSOR_Q4_0)
				group_block_q4_0((struct llm_group_q4_0 *)data + b,
						 (const struct llm_block_q4_0 *)scratch + b,
						 blocks);
			else
				group_block_q8_0((struct llm_group_q8_0 *)data + b,
						 (const struct llm_block_q8_0 *)scratch + b,
						 blocks);
		llm_relax_long();
	}
	tensor->layout = LLM_LAYOUT_GROUPS;
}

/* Rows of a matrix that are multiplied together; 0 for other instructions. */
static u32 rows_together(const struct llm_insn *insn, const struct llm_tensor *tensor)
{
	switch (insn->op) {
	case LLM_OP_LINEAR:
		return tensor->rows;
	case LLM_OP_EXPERTS:
		return tensor->rows / insn->arg[2];
	default:
		return 0;
	}
}

static bool is_wanted(const struct llm_plan *plan, const struct llm_insn *insn,
		      const struct llm_tensor *tensor)
{
	u32 rows = rows_together(insn, tensor);

	return rows && rows % LLM_GROUP == 0 && tensor->layout == LLM_LAYOUT_ROWS &&
	       plan->form->matmul_groups[tensor->type];
}

void llm_repack(const struct llm_plan *plan)
{
	const struct llm_image *image = plan->image;
	struct llm_tensor *tensor;
	void *scratch;
	u32 i;

	for (i = 0; i < image->program_count; i++) {
		if (image->program[i].tensor[0] == LLM_IMAGE_NONE)
			continue;
		tensor = &image->tensors[image->program[i].tensor[0]];
		if (!is_wanted(plan, &image->program[i], tensor))
			continue;
		scratch = llm_alloc(LLM_GROUP * tensor->row_bytes);
		if (!scratch)
			return;
		repack_tensor(tensor, scratch);
		llm_free(scratch);
	}
}
