// SPDX-License-Identifier: GPL-2.0
#include "../math.h"
#include "op.h"

/* The least that the weights of a row are divided by: binary16's least, as ggml has it. */
#define LEAST_SUM 0x1p-14f

/* The arguments by name. */
struct route {
	u32 experts;
	u32 choices;
	u32 gating;
	bool normalise;
};

static struct route route_of(const struct llm_insn *insn)
{
	return (struct route){
		.experts = insn->arg[0],
		.choices = insn->arg[1],
		.gating = insn->arg[2],
		.normalise = insn->arg[3],
	};
}

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	struct route r = route_of(insn);
	int err = llm_verify_shape(v, 1, 0, 4, false);

	if (!err)
		err = llm_verify_experts(v, r.experts, r.choices);
	if (!err)
		err = llm_verify_below(v, "gating", r.gating, LLM_GATING_SIGMOID + 1);
	if (!err)
		err = llm_verify_below(v, "normalisation", insn->arg[3], 2);
	if (!err)
		err = llm_verify_read(v, insn->src[0], 0, r.experts);
	if (!err)
		err = llm_verify_write(v, insn->dst, 0, 2ULL * r.choices);
	if (!err)
		err = llm_verify_rows(v, insn->src[0], v->image->registers[insn->dst].rows);
	if (!err)
		err = llm_verify_distinct(v, insn->src[0], insn->dst);
	return err;
}

/* Each choice looks at all experts once more. */
static u32 weight(const struct llm_insn *insn)
{
	return insn->arg[0] * (insn->arg[1] + 8);
}

static u32 row_numbers(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	return weight(insn);
}

/*
 * The best of those that are not taken yet, the first of equal ones. What is not a
 * number is taken when nothing else is left.
 */
static u32 choose(const float *scores, u32 experts, u64 *taken)
{
	u32 best = LLM_MAX_EXPERTS;
	u32 i;

	for (i = 0; i < experts; i++) {
		if (taken[i / 64] >> (i % 64) & 1)
			continue;
		if (best == LLM_MAX_EXPERTS || scores[i] > scores[best] ||
		    (scores[best] != scores[best] && scores[i] == scores[i]))
			best = i;
	}
	taken[best / 64] |= 1ULL << (best % 64);
	return best;
}

static float softmax_sum(const float *scores, u32 experts, float most)
{
	float sum = 0;
	u32 i;

	for (i = 0; i < experts; i++)
		sum += llm_expf(scores[i] - most);
	return sum;
}

static void route_row(float *to, const float *scores, const struct route *r)
{
	u64 taken[LLM_MAX_EXPERTS / 64] = { 0 };
	float sum = 0, all = 0, most = 0;
	u32 j, expert;

	for (j = 0; j < r->choices; j++) {
		expert = choose(scores, r->experts, taken);
		to[r->choices + j] = (float)expert;
		if (r->gating == LLM_GATING_SIGMOID) {
			to[j] = 1.0f / (1.0f + llm_expf(-scores[expert]));
			continue;
		}
		if (!j) {
			most = scores[expert];
			all = softmax_sum(scores, r->experts, most);
		}
		to[j] = llm_expf(scores[expert] - most) / all;
	}
	if (!r->normalise)
		return;
	for (j = 0; j < r->choices; j++)
		sum += to[j];
	sum = sum > LEAST_SUM ? sum : LEAST_SUM;
	for (j = 0; j < r->choices; j++)
		to[j] /= sum;
}

static void run_rows(const struct llm_step *step, const struct llm_insn *insn, u32 part,
		     struct llm_op_span span)
{
	struct route r = route_of(insn);
	u32 i;

	for (i = span.first; i < span.end; i++)
		route_row(llm_op_row(step, insn->dst, i), llm_op_row(step, insn->src[0], i), &r);
}

const struct llm_op_type llm_op_route = {
	.name = "route",
	.verify = verify,
	.parts = llm_op_one_part,
	.row_numbers = row_numbers,
	.run_rows = run_rows,
};
