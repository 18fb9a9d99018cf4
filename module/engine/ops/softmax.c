// SPDX-License-Identifier: GPL-2.0
#include "../math.h"
#include "op.h"

#define MAX_WIDTH 1024

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	int err = llm_verify_shape(v, 1, 0, 0, false);

	if (!err && llm_register_exists(v, insn->dst) &&
	    llm_register_width(v, insn->dst) > MAX_WIDTH)
		err = llm_verify_refuse(v, "register %u has %u columns, at most %u", insn->dst,
					llm_register_width(v, insn->dst), MAX_WIDTH);
	if (!err)
		err = llm_verify_copy_shape(v);
	if (!err)
		err = llm_verify_rows(v, insn->src[0], v->image->registers[insn->dst].rows);
	return err;
}

static u32 width(const struct llm_step *step, const struct llm_insn *insn)
{
	return step->plan->image->registers[insn->dst].width;
}

/* An exponential takes as long as some multiply-adds. */
static u32 weight(const struct llm_step *step, const struct llm_insn *insn)
{
	return 8 * width(step, insn);
}

static u32 row_numbers(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	return weight(step, insn);
}

static void softmax(float *y, const float *x, u32 n)
{
	float most = x[0];
	float sum = 0;
	u32 i;

	for (i = 1; i < n; i++)
		most = x[i] > most ? x[i] : most;
	for (i = 0; i < n; i++) {
		y[i] = llm_expf(x[i] - most);
		sum += y[i];
	}
	for (i = 0; i < n; i++)
		y[i] /= sum;
}

static void run_rows(const struct llm_step *step, const struct llm_insn *insn, u32 part,
		     struct llm_op_span span)
{
	u32 i;

	for (i = span.first; i < span.end; i++)
		softmax(llm_op_row(step, insn->dst, i), llm_op_row(step, insn->src[0], i),
			width(step, insn));
}

const struct llm_op_type llm_op_softmax = {
	.name = "softmax",
	.verify = verify,
	.parts = llm_op_one_part,
	.row_numbers = row_numbers,
	.run_rows = run_rows,
};
