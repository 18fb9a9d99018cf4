// SPDX-License-Identifier: GPL-2.0
#include "repack.h"

#include "form.h"

static void repack_tensor(struct llm_tensor *tensor, void *scratch)
{
	u64 bytes = LLM_GROUP * tensor->row_bytes;
	u8 *data = tensor->data;
	u32 row;

	tensor->layout = LLM_LAYOUT_GROUPS;
	for (row = 0; row < llm_tensor_grouped(tensor); row += LLM_GROUP, data += bytes) {
		memcpy(scratch, data, bytes);
		llm_group_rows(data, scratch, tensor->type, tensor->columns);
		llm_relax_long();
	}
}

/* Whether an instruction knows the layout for its first tensor. */
static bool knows_groups(const struct llm_insn *insn, const struct llm_tensor *tensor)
{
	switch (insn->op) {
	case LLM_OP_LINEAR:
	case LLM_OP_EMBED:
		return true;
	case LLM_OP_EXPERTS:
		return tensor->rows / insn->arg[2] % LLM_GROUP == 0;
	default:
		return false;
	}
}

/* What the instructions with a tensor say of the layout. */
enum { GAINS = 1, REFUSES = 2 };

static void ask_instruction(u8 *answers, const struct llm_image *image, const struct llm_insn *insn)
{
	u32 i, number;

	for (i = 0; i < ARRAY_SIZE(insn->tensor); i++) {
		number = insn->tensor[i];
		if (number == LLM_IMAGE_NONE)
			continue;
		if (i || !knows_groups(insn, &image->tensors[number]))
			answers[number] |= REFUSES;
		else if (insn->op != LLM_OP_EMBED)
			answers[number] |= GAINS;
	}
}

static bool is_possible(const struct llm_plan *plan, const struct llm_tensor *tensor)
{
	return tensor->layout == LLM_LAYOUT_ROWS && tensor->rows >= LLM_GROUP &&
	       llm_group_exists(tensor->type) && plan->form->matmul_groups[tensor->type];
}

void llm_repack(const struct llm_plan *plan)
{
	const struct llm_image *image = plan->image;
	u8 *answers = llm_alloc(max(image->tensor_count, 1U));
	struct llm_tensor *tensor;
	void *scratch;
	u32 i;

	for (i = 0; answers && i < image->program_count; i++)
		ask_instruction(answers, image, &image->program[i]);
	for (i = 0; answers && i < image->tensor_count; i++) {
		tensor = &image->tensors[i];
		if (answers[i] != GAINS || !is_possible(plan, tensor))
			continue;
		scratch = llm_alloc(LLM_GROUP * tensor->row_bytes);
		if (!scratch)
			break;
		repack_tensor(tensor, scratch);
		llm_free(scratch);
	}
	llm_free(answers);
}
