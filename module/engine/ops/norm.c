// SPDX-License-Identifier: GPL-2.0
#include "../math.h"
#include "op.h"

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	u32 group = insn->arg[1];
	u32 width;
	int err = llm_verify_shape(v, 1, 1, 2, false);

	if (err)
		return err;
	if (!llm_register_exists(v, insn->dst))
		return llm_verify_refuse(v, "there is no register %u", insn->dst);
	width = llm_register_width(v, insn->dst);
	err = llm_verify_read(v, insn->src[0], 0, width);
	if (!err)
		err = llm_verify_write(v, insn->dst, 0, width);
	if (!err)
		err = llm_verify_rows(v, insn->src[0], v->image->registers[insn->dst].rows);
	if (!err)
		err = llm_verify_finite(v, insn->arg[0], true);
	if (err)
		return err;
	if (llm_register_width(v, insn->src[0]) != width)
		return llm_verify_refuse(v, "registers %u and %u differ in width", insn->src[0],
					 insn->dst);
	if (!group || width % group)
		return llm_verify_refuse(v, "groups of %u columns do not divide %u", group, width);
	return llm_verify_vector(v, insn->tensor[0], group);
}

static u32 width(const struct llm_step *step, const struct llm_insn *insn)
{
	return step->plan->image->registers[insn->dst].width;
}

static u32 tiles(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	return llm_op_row_tiles(step, insn->dst, width(step, insn));
}

static void run(const struct llm_step *step, const struct llm_insn *insn, u32 part, u32 tile)
{
	const struct llm_plan *plan = step->plan;
	const float *weight = (const float *)plan->image->tensors[insn->tensor[0]].data;
	u32 columns = width(step, insn);
	struct llm_op_span span = llm_op_row_span(step, insn->dst, columns, tile);
	float epsilon = llm_float(insn->arg[0]);
	u32 group = insn->arg[1];
	const float *x;
	float *y, scale;
	u32 i, j, k;

	for (i = span.first; i < span.end; i++) {
		for (j = 0; j < columns; j += group) {
			x = llm_op_row(step, insn->src[0], i) + j;
			y = llm_op_row(step, insn->dst, i) + j;
			scale = plan->form->sum_squares(x, group) / (float)group + epsilon;
			scale = 1.0f / __builtin_sqrtf(scale);
			for (k = 0; k < group; k++)
				y[k] = x[k] * scale * weight[k];
		}
	}
}

const struct llm_op_type llm_op_norm = {
	.name = "norm",
	.verify = verify,
	.parts = llm_op_one_part,
	.tiles = tiles,
	.run = run,
};
