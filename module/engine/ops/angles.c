// SPDX-License-Identifier: GPL-2.0
#include "../math.h"
#include "op.h"

static int verify_long(struct llm_verifier *v, const struct llm_insn *insn, u32 columns)
{
	if (insn->tensor[1] != LLM_IMAGE_NONE)
		return llm_verify_vector(v, insn->tensor[1], columns);
	if (insn->arg[1])
		return llm_verify_refuse(v, "a bound of %u positions without a tensor for it",
					 insn->arg[1]);
	return 0;
}

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	const struct llm_tensor *frequencies = NULL;
	int err = llm_verify_shape(v, 0, 2, 3, false);

	if (!err)
		err = llm_verify_tensor(v, insn->tensor[0], &frequencies);
	if (!err)
		err = llm_verify_vector(v, insn->tensor[0], frequencies->columns);
	if (!err)
		err = verify_long(v, insn, frequencies->columns);
	if (!err)
		err = llm_verify_write(v, insn->dst, 0, 2ULL * frequencies->columns);
	if (!err)
		err = llm_verify_rows(v, insn->dst, LLM_ROWS_BATCH);
	if (!err)
		err = llm_verify_finite(v, insn->arg[0], false);
	if (!err)
		err = llm_verify_finite(v, insn->arg[2], false);
	if (err)
		return err;
	if (llm_register_width(v, insn->dst) != 2 * frequencies->columns)
		return llm_verify_refuse(v, "register %u is not twice as wide as %u frequencies",
					 insn->dst, frequencies->columns);
	return 0;
}

/* A sine and cosine are worth some 32 numbers of other work. */
static u32 weight(const struct llm_step *step, const struct llm_insn *insn)
{
	return 16 * step->plan->image->registers[insn->dst].width;
}

static u32 row_numbers(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	return weight(step, insn);
}

static const struct llm_tensor *frequencies_of(const struct llm_step *step,
					       const struct llm_insn *insn, u32 row)
{
	const struct llm_tensor *tensors = step->plan->image->tensors;

	if (insn->tensor[1] != LLM_IMAGE_NONE && step->rows[row].kv->positions > insn->arg[1])
		return &tensors[insn->tensor[1]];
	return &tensors[insn->tensor[0]];
}

static void run_rows(const struct llm_step *step, const struct llm_insn *insn, u32 part,
		     struct llm_op_span span)
{
	u32 count = step->plan->image->registers[insn->dst].width / 2;
	float ratio = insn->arg[2] ? llm_float(insn->arg[2]) : 1;
	float scale = llm_float(insn->arg[0]);
	const float *frequencies;
	float sine, cosine, turned;
	float *to;
	u32 i, j;

	for (i = span.first; i < span.end; i++) {
		frequencies = (const float *)frequencies_of(step, insn, i)->data;
		to = llm_op_row(step, insn->dst, i);
		turned = (float)step->rows[i].position;
		for (j = 0; j < count; j++, turned *= ratio) {
			llm_sincos((double)(turned * frequencies[j]), &sine, &cosine);
			to[2 * j] = scale * cosine;
			to[2 * j + 1] = scale * sine;
		}
	}
}

const struct llm_op_type llm_op_angles = {
	.name = "angles",
	.verify = verify,
	.parts = llm_op_one_part,
	.row_numbers = row_numbers,
	.run_rows = run_rows,
};
