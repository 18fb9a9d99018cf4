// SPDX-License-Identifier: GPL-2.0
#include "../math.h"
#include "op.h"

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	u32 width, i;
	int err = llm_verify_shape(v, 3, 0, 0, false);

	if (err)
		return err;
	if (!llm_register_exists(v, insn->dst))
		return llm_verify_refuse(v, "there is no register %u", insn->dst);
	width = llm_register_width(v, insn->dst);
	for (i = 0; i < 3 && !err; i++) {
		err = llm_verify_read(v, insn->src[i], 0, width);
		if (!err)
			err = llm_verify_rows(v, insn->src[i], v->image->registers[insn->dst].rows);
		if (!err && llm_register_width(v, insn->src[i]) != width)
			err = llm_verify_refuse(v, "registers %u and %u differ in width",
						insn->src[i], insn->dst);
	}
	return err ? err : llm_verify_write(v, insn->dst, 0, width);
}

static u32 width_of(const struct llm_step *step, const struct llm_insn *insn)
{
	return step->plan->image->registers[insn->dst].width;
}

/* An exponential counts as much as four numbers. */
static u32 weight_of(const struct llm_step *step, const struct llm_insn *insn)
{
	return 4 * width_of(step, insn);
}

static u32 row_numbers(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	return weight_of(step, insn);
}

static void run_rows(const struct llm_step *step, const struct llm_insn *insn, u32 part,
		     struct llm_op_span span)
{
	u32 width = width_of(step, insn);
	const float *x, *y, *gate;
	u32 row, i;
	float *to;

	for (row = span.first; row < span.end; row++) {
		x = llm_op_row(step, insn->src[0], row);
		y = llm_op_row(step, insn->src[1], row);
		gate = llm_op_row(step, insn->src[2], row);
		to = llm_op_row(step, insn->dst, row);
		for (i = 0; i < width; i++)
			to[i] = x[i] + (y[i] - x[i]) * llm_sigmoid(gate[i]);
	}
}

const struct llm_op_type llm_op_blend = {
	.name = "blend",
	.verify = verify,
	.parts = llm_op_one_part,
	.row_numbers = row_numbers,
	.run_rows = run_rows,
};
