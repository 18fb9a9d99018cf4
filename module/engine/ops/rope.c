// SPDX-License-Identifier: GPL-2.0
#include "op.h"

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	u32 heads = insn->arg[1], head = insn->arg[2];
	int err = llm_verify_shape(v, 1, 0, 4, false);

	if (!err)
		err = llm_verify_below(v, "pairing", insn->arg[3], LLM_PAIRINGS);
	if (!err)
		err = llm_verify_read(v, insn->dst, insn->arg[0], (u64)heads * head);
	if (!err)
		err = llm_verify_rows(v, insn->dst, LLM_ROWS_BATCH);
	if (!err && !llm_register_exists(v, insn->src[0]))
		err = llm_verify_refuse(v, "there is no register %u", insn->src[0]);
	if (!err)
		err = llm_verify_read(v, insn->src[0], 0, llm_register_width(v, insn->src[0]));
	if (!err)
		err = llm_verify_rows(v, insn->src[0], LLM_ROWS_BATCH);
	if (!err)
		err = llm_verify_distinct(v, insn->src[0], insn->dst);
	if (err)
		return err;
	if (llm_register_width(v, insn->src[0]) > head || llm_register_width(v, insn->src[0]) % 2)
		return llm_verify_refuse(v, "heads of %u columns can't be rotated by %u", head,
					 llm_register_width(v, insn->src[0]));
	return 0;
}

static u32 row_numbers(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	return insn->arg[1] * insn->arg[2];
}

static void run_rows(const struct llm_step *step, const struct llm_insn *insn, u32 part,
		     struct llm_op_span span)
{
	u32 heads = insn->arg[1], columns = insn->arg[2];
	u32 rotated = step->plan->image->registers[insn->src[0]].width;
	void (*rotate)(float *head, const float *angles, u32 columns);
	const float *angles;
	float *head;
	u32 i, j;

	rotate = step->plan->form->rotate[insn->arg[3]];
	for (i = span.first; i < span.end; i++) {
		angles = llm_op_row(step, insn->src[0], i);
		head = llm_op_row(step, insn->dst, i) + insn->arg[0];
		for (j = 0; j < heads; j++, head += columns)
			rotate(head, angles, rotated);
	}
}

const struct llm_op_type llm_op_rope = {
	.name = "rope",
	.verify = verify,
	.parts = llm_op_one_part,
	.row_numbers = row_numbers,
	.run_rows = run_rows,
};
