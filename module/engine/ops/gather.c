// SPDX-License-Identifier: GPL-2.0
#include "op.h"

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	int err = llm_verify_shape(v, 1, 0, 0, false);

	if (!err)
		err = llm_verify_copy_shape(v);
	if (!err)
		err = llm_verify_rows(v, insn->src[0], LLM_ROWS_BATCH);
	if (!err)
		err = llm_verify_rows(v, insn->dst, LLM_ROWS_OUTPUT);
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

static void run_rows(const struct llm_step *step, const struct llm_insn *insn, u32 part,
		     struct llm_op_span span)
{
	u32 columns = width(step, insn);
	u32 i;

	for (i = span.first; i < span.end; i++)
		memcpy(llm_op_row(step, insn->dst, i),
		       llm_op_row(step, insn->src[0], step->output_row[i]),
		       columns * sizeof(float));
}

const struct llm_op_type llm_op_gather = {
	.name = "gather",
	.verify = verify,
	.parts = llm_op_one_part,
	.row_numbers = row_numbers,
	.run_rows = run_rows,
};
