// SPDX-License-Identifier: GPL-2.0
#include "../math.h"
#include "op.h"

/* A weight or bias: one row for all groups, or one a group. */
static int verify_factor(struct llm_verifier *v, u32 index, u32 group, u32 groups)
{
	const struct llm_tensor *tensor = NULL;
	int err;

	if (index == LLM_IMAGE_NONE)
		return 0;
	err = llm_verify_tensor(v, index, &tensor);
	if (err)
		return err;
	if (tensor->type != LLM_TENSOR_F32 || tensor->columns != group ||
	    (tensor->rows != 1 && tensor->rows != groups))
		return llm_verify_refuse(v, "tensor %u is not one row of %u F32 numbers, nor %u",
					 index, group, groups);
	return 0;
}

static int verify_registers(struct llm_verifier *v, const struct llm_insn *insn, u64 columns)
{
	u32 first = insn->arg[3];
	int err = llm_verify_read(v, insn->src[0], first, columns);

	if (!err && insn->src[1] != LLM_IMAGE_NONE16) {
		err = llm_verify_read(v, insn->src[1], first, columns);
		if (!err)
			err = llm_verify_rows(v, insn->src[1],
					      v->image->registers[insn->src[0]].rows);
	}
	if (!err)
		err = llm_verify_write(v, insn->dst, first, columns);
	if (!err)
		err = llm_verify_rows(v, insn->dst, v->image->registers[insn->src[0]].rows);
	return err;
}

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	u32 group = insn->arg[1], groups = insn->arg[4];
	int err = llm_verify_shape(v, 2, 2, 5, false);

	if (!err)
		err = llm_verify_finite(v, insn->arg[0], true);
	if (!err)
		err = llm_verify_below(v, "norm", insn->arg[2], LLM_NORM_LAYER + 1);
	if (!err)
		err = verify_registers(v, insn, (u64)group * groups);
	if (!err)
		err = verify_factor(v, insn->tensor[0], group, groups);
	if (!err)
		err = verify_factor(v, insn->tensor[1], group, groups);
	return err;
}

static u32 columns_of(const struct llm_insn *insn)
{
	return insn->arg[1] * insn->arg[4];
}

static u32 row_numbers(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	return columns_of(insn);
}

/* The numbers of a tensor for a group, or NULL where there is none. */
static const float *factor_of(const struct llm_step *step, u32 index, u32 group)
{
	const struct llm_tensor *tensor;

	if (index == LLM_IMAGE_NONE)
		return NULL;
	tensor = &step->plan->image->tensors[index];
	return (const float *)tensor->data + (tensor->rows > 1 ? group * tensor->columns : 0);
}

static void normalize(const struct llm_form *form, const struct llm_insn *insn,
		      struct llm_normal *g)
{
	float squares;

	if (insn->arg[2] == LLM_NORM_LAYER) {
		g->middle = form->sum(g->x, g->n) / (float)g->n;
		squares = form->sum_squares_from(g->x, g->middle, g->n);
	} else {
		squares = form->sum_squares(g->x, g->n);
	}
	g->scale = 1.0f / __builtin_sqrtf(squares / (float)g->n + llm_float(insn->arg[0]));
	form->normalize(g);
}

static void run_rows(const struct llm_step *step, const struct llm_insn *insn, u32 part,
		     struct llm_op_span span)
{
	struct llm_normal g = { .n = insn->arg[1] };
	u32 i, j, at;

	for (j = 0; j < insn->arg[4]; j++) {
		g.weight = factor_of(step, insn->tensor[0], j);
		g.bias = factor_of(step, insn->tensor[1], j);
		at = insn->arg[3] + j * insn->arg[1];
		for (i = span.first; i < span.end; i++) {
			g.x = llm_op_row(step, insn->src[0], i) + at;
			g.y = llm_op_row(step, insn->dst, i) + at;
			if (insn->src[1] != LLM_IMAGE_NONE16)
				g.residual = llm_op_row(step, insn->src[1], i) + at;
			normalize(step->plan->form, insn, &g);
		}
	}
}

const struct llm_op_type llm_op_norm = {
	.name = "norm",
	.verify = verify,
	.parts = llm_op_one_part,
	.row_numbers = row_numbers,
	.run_rows = run_rows,
};
