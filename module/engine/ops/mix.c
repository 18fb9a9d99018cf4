// SPDX-License-Identifier: GPL-2.0
#include "op.h"

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	u32 choices = insn->arg[0];
	u32 i, width;
	int err = llm_verify_shape(v, 3, 0, 1, false);

	if (!err)
		err = llm_verify_experts(v, LLM_MAX_EXPERTS, choices);
	if (err)
		return err;
	if (!llm_register_exists(v, insn->dst))
		return llm_verify_refuse(v, "there is no register %u", insn->dst);
	width = llm_register_width(v, insn->dst);
	err = llm_verify_read(v, insn->src[0], 0, (u64)choices * width);
	if (!err)
		err = llm_verify_read(v, insn->src[1], 0, choices);
	if (!err && insn->src[2] != LLM_IMAGE_NONE16)
		err = llm_verify_read(v, insn->src[2], 0, width);
	if (!err)
		err = llm_verify_write(v, insn->dst, 0, width);
	for (i = 0; i < 3 && !err; i++) {
		if (insn->src[i] == LLM_IMAGE_NONE16)
			continue;
		err = llm_verify_rows(v, insn->src[i], v->image->registers[insn->dst].rows);
		if (!err && i < 2)
			err = llm_verify_distinct(v, insn->src[i], insn->dst);
	}
	return err;
}

static u32 width(const struct llm_step *step, const struct llm_insn *insn)
{
	return step->plan->image->registers[insn->dst].width;
}

/* Numbers of a row that are looked at. */
static u32 weight(const struct llm_step *step, const struct llm_insn *insn)
{
	return width(step, insn) * (insn->arg[0] + 1);
}

static u32 row_numbers(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	return weight(step, insn);
}

static void mix_row(float *to, const float *from, const float *weights, const float *addend,
		    u32 choices, u32 columns)
{
	float sum;
	u32 i, j;

	for (i = 0; i < columns; i++) {
		sum = weights[0] * from[i];
		for (j = 1; j < choices; j++)
			sum += weights[j] * from[j * columns + i];
		to[i] = addend ? sum + addend[i] : sum;
	}
}

static void run_rows(const struct llm_step *step, const struct llm_insn *insn, u32 part,
		     struct llm_op_span span)
{
	const float *addend = NULL;
	u32 i;

	for (i = span.first; i < span.end; i++) {
		if (insn->src[2] != LLM_IMAGE_NONE16)
			addend = llm_op_row(step, insn->src[2], i);
		mix_row(llm_op_row(step, insn->dst, i), llm_op_row(step, insn->src[0], i),
			llm_op_row(step, insn->src[1], i), addend, insn->arg[0],
			width(step, insn));
	}
}

const struct llm_op_type llm_op_mix = {
	.name = "mix",
	.verify = verify,
	.parts = llm_op_one_part,
	.row_numbers = row_numbers,
	.run_rows = run_rows,
};
