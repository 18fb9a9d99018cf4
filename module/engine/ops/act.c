// SPDX-License-Identifier: GPL-2.0
#include "../math.h"
#include "op.h"

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	int err = llm_verify_shape(v, 1, 0, 3, false);

	if (!err)
		err = llm_verify_copy_shape(v);
	if (!err)
		err = llm_verify_rows(v, insn->src[0], v->image->registers[insn->dst].rows);
	if (!err)
		err = llm_verify_below(v, "activation", insn->arg[0], LLM_ACTIVATIONS);
	if (!err)
		err = llm_verify_finite(v, insn->arg[1], false);
	if (!err)
		err = llm_verify_finite(v, insn->arg[2], false);
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

static void scale(float *y, const float *x, float factor, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		y[i] = factor * x[i];
}

static void run_rows(const struct llm_step *step, const struct llm_insn *insn, u32 part,
		     struct llm_op_span span)
{
	u32 columns = width(step, insn);
	float before = llm_float(insn->arg[1]), after = llm_float(insn->arg[2]);
	const float *x;
	float *y;
	u32 i;

	for (i = span.first; i < span.end; i++) {
		x = llm_op_row(step, insn->src[0], i);
		y = llm_op_row(step, insn->dst, i);
		if (before != 1) {
			scale(y, x, before, columns);
			x = y;
		}
		step->plan->form->activate[insn->arg[0]](y, x, NULL, columns);
		if (after != 1)
			scale(y, y, after, columns);
	}
}

const struct llm_op_type llm_op_act = {
	.name = "act",
	.verify = verify,
	.parts = llm_op_one_part,
	.row_numbers = row_numbers,
	.run_rows = run_rows,
};
