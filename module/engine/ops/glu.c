// SPDX-License-Identifier: GPL-2.0
#include "op.h"

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	u32 width;
	int err = llm_verify_shape(v, 1, 0, 3, false);

	if (err)
		return err;
	if (!llm_register_exists(v, insn->dst))
		return llm_verify_refuse(v, "there is no register %u", insn->dst);
	width = llm_register_width(v, insn->dst);
	err = llm_verify_read(v, insn->src[0], insn->arg[0], width);
	if (!err)
		err = llm_verify_read(v, insn->src[0], insn->arg[1], width);
	if (!err)
		err = llm_verify_write(v, insn->dst, 0, width);
	if (!err)
		err = llm_verify_rows(v, insn->src[0], v->image->registers[insn->dst].rows);
	if (!err)
		err = llm_verify_distinct(v, insn->src[0], insn->dst);
	if (!err)
		err = llm_verify_below(v, "activation", insn->arg[2], LLM_ACTIVATIONS);
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
	const float *x;
	u32 i;

	for (i = span.first; i < span.end; i++) {
		x = llm_op_row(step, insn->src[0], i);
		step->plan->form->activate[insn->arg[2]](llm_op_row(step, insn->dst, i),
							 x + insn->arg[0], x + insn->arg[1],
							 columns);
	}
}

const struct llm_op_type llm_op_glu = {
	.name = "glu",
	.verify = verify,
	.parts = llm_op_one_part,
	.row_numbers = row_numbers,
	.run_rows = run_rows,
};
