// SPDX-License-Identifier: GPL-2.0
#include "op.h"

/*
 * Three parts: the choices of all rows are sorted by expert and cut into runs of
 * at most RUN of one expert; the inputs are put in that order, rounded as the
 * weights' type wants them; then each run is multiplied. What a row gets does
 * not depend on the run it is in.
 */
enum { PART_SORT, PART_COLLECT, PART_MULTIPLY, PARTS };

/* Choices that share a pass over an expert's weights, and outputs computed at a time. */
#define RUN	8U
#define OUTPUTS	32U

/* The arguments by name, and what the weight says. */
struct experts {
	const struct llm_tensor *w;
	u32 count;
	u32 choices;
	u32 outputs;
	bool own_input;
};

static struct experts experts_of(const struct llm_tensor *w, const struct llm_insn *insn)
{
	return (struct experts){
		.w = w,
		.count = insn->arg[2],
		.choices = insn->arg[3],
		.outputs = w->rows / insn->arg[2],
		.own_input = insn->arg[4],
	};
}

static u32 input_of(const struct llm_tensor *weight)
{
	return llm_type_find(weight->type)->input;
}

static int verify_registers(struct llm_verifier *v, const struct llm_insn *insn,
			    const struct experts *e)
{
	u32 inputs = e->own_input ? e->choices : 1;
	u32 i;
	int err = llm_verify_read(v, insn->src[0], insn->arg[1], (u64)inputs * e->w->columns);

	if (!err)
		err = llm_verify_read(v, insn->src[1], 0, 2ULL * e->choices);
	if (!err)
		err = llm_verify_write(v, insn->dst, insn->arg[0], (u64)e->choices * e->outputs);
	for (i = 0; i < 2 && !err; i++) {
		err = llm_verify_rows(v, insn->src[i], v->image->registers[insn->dst].rows);
		if (!err)
			err = llm_verify_distinct(v, insn->src[i], insn->dst);
	}
	return err;
}

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	const struct llm_tensor *w = NULL;
	struct experts e;
	int err = llm_verify_shape(v, 2, 1, 5, false);

	if (!err)
		err = llm_verify_tensor(v, insn->tensor[0], &w);
	if (!err)
		err = llm_verify_experts(v, insn->arg[2], insn->arg[3]);
	if (!err)
		err = llm_verify_below(v, "input", insn->arg[4], 2);
	if (err)
		return err;
	if (w->rows % insn->arg[2])
		return llm_verify_refuse(v, "tensor %u of %u rows is not that of %u experts",
					 insn->tensor[0], w->rows, insn->arg[2]);
	e = experts_of(w, insn);
	err = verify_registers(v, insn, &e);
	if (err)
		return err;
	v->experts = max(v->experts, e.count);
	v->choices = max(v->choices, e.choices);
	v->input_bytes = max(v->input_bytes, llm_input_bytes(input_of(w), w->columns));
	v->work += (u64)e.choices * e.outputs * w->columns;
	return 0;
}

static struct experts experts_in(const struct llm_step *step, const struct llm_insn *insn)
{
	return experts_of(&step->plan->image->tensors[insn->tensor[0]], insn);
}

static u32 choice_count(const struct llm_step *step, const struct llm_insn *insn)
{
	return llm_op_row_count(step, insn->dst) * insn->arg[3];
}

/**
 * struct order - choices sorted by expert, in the workspace
 * @run_count: runs there are
 * @runs: for each its first choice in @choices, and after the last the end
 * @experts: for each run its expert
 * @starts: for each expert where its next choice goes
 * @choices: numbers of choices: row times choices of a row, plus which
 */
struct order {
	u32 *run_count;
	u32 *runs;
	u32 *experts;
	u32 *starts;
	u32 *choices;
};

static struct order order_of(const struct llm_step *step)
{
	const struct llm_plan *plan = step->plan;
	u32 *at = (u32 *)(step->workspace + plan->order_offset);
	u32 most = plan->batch_rows * plan->choices;

	return (struct order){
		.run_count = at,
		.choices = at + 1,
		.runs = at + 1 + most,
		.experts = at + 2 + 2 * most,
		.starts = at + 2 + 3 * most,
	};
}

static u32 parts(const struct llm_step *step, const struct llm_insn *insn)
{
	return PARTS;
}

/* How many outputs of a run a tile computes. */
static u32 outputs_in_tile(const struct llm_step *step, const struct llm_insn *insn,
			   const struct experts *e)
{
	u32 dots = llm_op_dots_in_tile(step, e->w);
	u32 rows = min(RUN, max(1U, llm_op_row_count(step, insn->dst)));
	u32 outputs = max(1U, dots / rows);

	outputs = max_t(u32, outputs, DIV_ROUND_UP((u64)e->outputs * choice_count(step, insn),
						   LLM_MAX_TILES));
	return ALIGN(min(outputs, e->outputs), LLM_GROUP);
}

static u32 collected_in_tile(const struct experts *e)
{
	return max(1U, 8192 / e->w->columns);
}

static u32 tiles(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	struct experts e = experts_in(step, insn);
	u32 choices = choice_count(step, insn);

	if (!choices)
		return 0;
	switch (part) {
	case PART_SORT:
		return 1;
	case PART_COLLECT:
		return DIV_ROUND_UP(choices, collected_in_tile(&e));
	default:
		return *order_of(step).run_count *
		       DIV_ROUND_UP(e.outputs, outputs_in_tile(step, insn, &e));
	}
}

/* Whatever a register holds, it names an expert that there is. */
static u32 expert_of(const struct llm_step *step, const struct llm_insn *insn,
		     const struct experts *e, u32 choice)
{
	const float *route = llm_op_row(step, insn->src[1], choice / e->choices);
	float number = route[e->choices + choice % e->choices];

	return number >= 0 && number < (float)e->count ? (u32)number : 0;
}

static void cut_runs(const struct order *o, u32 expert, u32 from, u32 to)
{
	for (; from < to; from += RUN) {
		o->experts[*o->run_count] = expert;
		o->runs[(*o->run_count)++] = from;
	}
}

/* A counting sort: choices of one expert stay in the order of the rows. */
static void sort(const struct llm_step *step, const struct llm_insn *insn)
{
	struct experts e = experts_in(step, insn);
	u32 choices = choice_count(step, insn);
	struct order o = order_of(step);
	u32 i, first = 0, count;

	for (i = 0; i < e.count; i++)
		o.starts[i] = 0;
	for (i = 0; i < choices; i++)
		o.starts[expert_of(step, insn, &e, i)]++;
	*o.run_count = 0;
	for (i = 0; i < e.count; i++) {
		count = o.starts[i];
		o.starts[i] = first;
		cut_runs(&o, i, first, first + count);
		first += count;
	}
	o.runs[*o.run_count] = choices;
	for (i = 0; i < choices; i++)
		o.choices[o.starts[expert_of(step, insn, &e, i)]++] = i;
}

static u8 *input_at(const struct llm_step *step, u32 place)
{
	return step->workspace + step->plan->input_offset + place * step->plan->input_stride;
}

static void collect(const struct llm_step *step, const struct llm_insn *insn, u32 tile)
{
	struct experts e = experts_in(step, insn);
	struct order o = order_of(step);
	u32 place = tile * collected_in_tile(&e);
	u32 end = min(place + collected_in_tile(&e), choice_count(step, insn));
	const float *from;
	u32 choice;

	for (; place < end; place++) {
		choice = o.choices[place];
		from = llm_op_row(step, insn->src[0], choice / e.choices) + insn->arg[1];
		if (e.own_input)
			from += choice % e.choices * e.w->columns;
		llm_input_round(step->plan->form, input_of(e.w), input_at(step, place), from,
				e.w->columns);
	}
}

/* Puts what was computed for one run where it belongs. */
static void scatter(const struct llm_step *step, const struct llm_insn *insn,
		    const struct experts *e, const u32 *choices, const struct llm_matmul *m,
		    u32 output)
{
	float *to;
	u32 i;

	for (i = 0; i < m->rows; i++) {
		to = llm_op_row(step, insn->dst, choices[i] / e->choices) + insn->arg[0] +
		     choices[i] % e->choices * e->outputs + output;
		memcpy(to, m->y + i * m->y_stride, m->outputs * sizeof(*to));
	}
}

static void multiply(const struct llm_step *step, const struct llm_insn *insn, u32 tile)
{
	const struct llm_form *form = step->plan->form;
	struct experts e = experts_in(step, insn);
	struct order o = order_of(step);
	u32 in_tile = outputs_in_tile(step, insn, &e);
	u32 run = tile / DIV_ROUND_UP(e.outputs, in_tile);
	u32 output = tile % DIV_ROUND_UP(e.outputs, in_tile) * in_tile;
	u32 end = min(output + in_tile, e.outputs);
	u32 next = run + 1 < *o.run_count ? o.runs[run + 1] : choice_count(step, insn);
	float results[RUN * OUTPUTS];
	struct llm_matmul m = {
		.w_stride = e.w->row_bytes,
		.type = e.w->type,
		.x = input_at(step, o.runs[run]),
		.x_stride = step->plan->input_stride,
		.y = results,
		.y_stride = OUTPUTS,
		.rows = next - o.runs[run],
		.columns = e.w->columns,
	};

	for (; output < end; output += OUTPUTS) {
		m.w = e.w->data + ((u64)o.experts[run] * e.outputs + output) * e.w->row_bytes;
		m.outputs = min(OUTPUTS, end - output);
		if (e.w->layout == LLM_LAYOUT_GROUPS && e.outputs % LLM_GROUP == 0)
			form->matmul_groups[e.w->type](&m);
		else
			form->matmul[e.w->type](&m);
		scatter(step, insn, &e, &o.choices[o.runs[run]], &m, output);
	}
}

static void run(const struct llm_step *step, const struct llm_insn *insn, u32 part, u32 tile)
{
	if (part == PART_SORT)
		sort(step, insn);
	else if (part == PART_COLLECT)
		collect(step, insn, tile);
	else
		multiply(step, insn, tile);
}

const struct llm_op_type llm_op_experts = {
	.name = "experts",
	.verify = verify,
	.parts = parts,
	.tiles = tiles,
	.run = run,
};
