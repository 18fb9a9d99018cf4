// SPDX-License-Identifier: GPL-2.0
#include "repack.h"

#include "form.h"

static void repack_tensor(struct llm_tensor *tensor, void *scratch)
{
	u64 bytes = LLM_GROUP * tensor->row_bytes;
	u8 *data = tensor->data;
	u32 row;

	for (row = 0; row < tensor->rows; row += LLM_GROUP, data += bytes) {
		memcpy(scratch, data, bytes);
		llm_group_rows(data, scratch, tensor->type, tensor->columns);
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

/* Whether all instructions with that tensor know the layout. */
static bool only_multiplied(const struct llm_image *image, u32 tensor)
{
	const struct llm_insn *insn;
	u32 i, j;

	for (i = 0; i < image->program_count; i++) {
		insn = &image->program[i];
		for (j = 0; j < ARRAY_SIZE(insn->tensor); j++) {
			if (insn->tensor[j] != tensor)
				continue;
			if (j || (insn->op != LLM_OP_LINEAR && insn->op != LLM_OP_EXPERTS &&
				  insn->op != LLM_OP_EMBED))
				return false;
		}
	}
	return true;
}

static bool is_wanted(const struct llm_plan *plan, const struct llm_insn *insn,
		      const struct llm_tensor *tensor)
{
	u32 rows = rows_together(insn, tensor);

	return rows && rows % LLM_GROUP == 0 && tensor->layout == LLM_LAYOUT_ROWS &&
	       plan->form->matmul_groups[tensor->type] && llm_group_exists(tensor->type) &&
	       only_multiplied(plan->image, insn->tensor[0]);
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
