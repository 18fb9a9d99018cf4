// SPDX-License-Identifier: GPL-2.0
#include "op.h"

/*
 * Two parts: the input rows are rounded as the weight's type wants them, then they
 * are multiplied.
 */
enum { PART_ROUND, PART_MULTIPLY, PARTS };

static u32 input_of(const struct llm_tensor *weight)
{
	return llm_type_find(weight->type)->input;
}

static bool is_rounded(const struct llm_tensor *weight)
{
	return input_of(weight) != LLM_INPUT_F32;
}

static int verify_residual(struct llm_verifier *v, const struct llm_insn *insn, u32 outputs)
{
	int err;

	if (insn->src[1] == LLM_IMAGE_NONE16)
		return 0;
	err = llm_verify_read(v, insn->src[1], insn->arg[0], outputs);
	if (!err)
		err = llm_verify_rows(v, insn->src[1], v->image->registers[insn->dst].rows);
	if (!err && llm_register_width(v, insn->src[1]) != llm_register_width(v, insn->dst))
		err = llm_verify_refuse(v, "registers %u and %u differ in width", insn->src[1],
					insn->dst);
	return err;
}

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	const struct llm_tensor *weight = NULL;
	int err = llm_verify_shape(v, 2, 2, 2, false);

	if (!err)
		err = llm_verify_tensor(v, insn->tensor[0], &weight);
	if (!err && insn->tensor[1] != LLM_IMAGE_NONE)
		err = llm_verify_vector(v, insn->tensor[1], weight->rows);
	if (!err)
		err = llm_verify_read(v, insn->src[0], insn->arg[1], weight->columns);
	if (!err)
		err = llm_verify_distinct(v, insn->src[0], insn->dst);
	if (!err && !llm_register_exists(v, insn->dst))
		err = llm_verify_refuse(v, "there is no register %u", insn->dst);
	if (!err)
		err = verify_residual(v, insn, weight->rows);
	if (!err)
		err = llm_verify_write(v, insn->dst, insn->arg[0], weight->rows);
	if (!err)
		err = llm_verify_rows(v, insn->src[0], v->image->registers[insn->dst].rows);
	if (err)
		return err;
	if (is_rounded(weight))
		v->scratch_bytes = max(v->scratch_bytes,
				       llm_input_bytes(input_of(weight), weight->columns));
	v->work += (u64)weight->rows * weight->columns;
	return 0;
}

static const struct llm_tensor *weight_of(const struct llm_step *step, const struct llm_insn *insn)
{
	return &step->plan->image->tensors[insn->tensor[0]];
}

static u32 parts(const struct llm_step *step, const struct llm_insn *insn)
{
	return PARTS;
}

/* Bytes of weights that come from memory in a microsecond, roughly. */
#define BYTES_PER_US	16384U
/* Rows are cut at multiples of what the forms compute at a time. */
#define ROWS_AT_ONCE	8U
/*
 * Less than what comes from memory in four microseconds is not worth a tile: two workers
 * generate up to a tenth more slowly where tiles read an eighth of that.
 */
#define LEAST_BYTES	(4 * BYTES_PER_US)

/* So are outputs: of groups without blocks there are several sums in flight. */
static u32 outputs_at_once(const struct llm_tensor *w)
{
	if (w->layout != LLM_LAYOUT_GROUPS)
		return 1;
	return llm_type_find(w->type)->block == 1 ? LLM_GROUPS_AT_ONCE * LLM_GROUP : LLM_GROUP;
}

/*
 * So many outputs at least share an input row, where there is time for that. What
 * is left past the last group is slow: it must be a small share of a tile.
 */
static u32 outputs_together(const struct llm_tensor *w)
{
	if (w->layout != LLM_LAYOUT_GROUPS)
		return 4;
	return w->rows % LLM_GROUP ? 6 * LLM_GROUP : 2 * LLM_GROUP;
}

/* How the product is cut: blocks of rows, then blocks of outputs. */
struct cut {
	u32 rows;
	u32 row_blocks;
	u32 outputs;
	u32 output_blocks;
};

static struct cut cut_product(const struct llm_step *step, const struct llm_insn *insn)
{
	const struct llm_tensor *w = weight_of(step, insn);
	u32 rows = llm_op_row_count(step, insn->dst);
	u32 dots = llm_op_dots_in_tile(step, w);
	struct cut cut;

	cut.rows = min(rows, max(1U, dots / outputs_together(w)));
	if (!cut.rows)
		return (struct cut){ 0 };
	cut.row_blocks = DIV_ROUND_UP(rows, cut.rows);
	if (cut.row_blocks > 1) {
		cut.rows = ALIGN(DIV_ROUND_UP(rows, cut.row_blocks), ROWS_AT_ONCE);
		cut.row_blocks = DIV_ROUND_UP(rows, cut.rows);
	}
	cut.outputs = DIV_ROUND_UP(w->rows, DIV_ROUND_UP(LLM_LEAST_TILES, cut.row_blocks));
	cut.outputs = max_t(u64, cut.outputs, LEAST_BYTES / (w->row_bytes * cut.rows));
	cut.outputs = min(cut.outputs, min(w->rows, max(1U, dots / cut.rows)));
	cut.outputs = min_t(u64, cut.outputs,
			    max(1U, BYTES_PER_US * LLM_TILE_US / w->row_bytes));
	cut.outputs = max_t(u32, cut.outputs,
			    DIV_ROUND_UP((u64)w->rows * cut.row_blocks, LLM_MAX_TILES));
	cut.outputs = ALIGN(cut.outputs, outputs_at_once(w));
	cut.output_blocks = DIV_ROUND_UP(w->rows, cut.outputs);
	return cut;
}

static u32 row_numbers(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	const struct llm_tensor *w = weight_of(step, insn);

	return part == PART_ROUND && is_rounded(w) ? w->columns : 0;
}

static u32 tiles(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	struct cut cut;

	if (part == PART_ROUND)
		return 0;
	cut = cut_product(step, insn);
	return cut.row_blocks * cut.output_blocks;
}

static u8 *rounded_row(const struct llm_step *step, u32 row)
{
	return step->workspace + step->plan->scratch_offset + row * step->plan->scratch_stride;
}

static void run_rows(const struct llm_step *step, const struct llm_insn *insn, u32 part,
		     struct llm_op_span span)
{
	const struct llm_tensor *w = weight_of(step, insn);
	u32 i;

	for (i = span.first; i < span.end; i++)
		llm_input_round(step->plan->form, input_of(w), rounded_row(step, i),
				llm_op_row(step, insn->src[0], i) + insn->arg[1], w->columns);
}

/* The first @grouped outputs of a product from weights in groups, the rest from rows. */
static void multiply_rows(const struct llm_form *form, struct llm_matmul *m, u32 grouped)
{
	u32 outputs = m->outputs;

	m->outputs = min(outputs, grouped);
	if (m->outputs)
		form->matmul_groups[m->type](m);
	m->w += m->outputs * m->w_stride;
	m->y += m->outputs;
	if (m->bias)
		m->bias += m->outputs;
	if (m->residual)
		m->residual += m->outputs;
	m->outputs = outputs - m->outputs;
	if (m->outputs)
		form->matmul[m->type](m);
}

static void run(const struct llm_step *step, const struct llm_insn *insn, u32 part, u32 tile)
{
	const struct llm_image *image = step->plan->image;
	const struct llm_tensor *w = weight_of(step, insn);
	u32 grouped = llm_tensor_grouped(w);
	struct cut cut = cut_product(step, insn);
	u32 row = tile % cut.row_blocks * cut.rows;
	u32 output = tile / cut.row_blocks * cut.outputs;
	struct llm_matmul m = {
		.w = w->data + output * w->row_bytes,
		.w_stride = w->row_bytes,
		.type = w->type,
		.y = llm_op_row(step, insn->dst, row) + insn->arg[0] + output,
		.y_stride = image->registers[insn->dst].width,
		.outputs = min(cut.outputs, w->rows - output),
		.rows = min(cut.rows, llm_op_row_count(step, insn->dst) - row),
		.columns = w->columns,
	};

	if (insn->tensor[1] != LLM_IMAGE_NONE)
		m.bias = (const float *)image->tensors[insn->tensor[1]].data + output;
	if (insn->src[1] != LLM_IMAGE_NONE16) {
		m.residual = llm_op_row(step, insn->src[1], row) + insn->arg[0] + output;
		m.residual_stride = m.y_stride;
	}
	if (is_rounded(w)) {
		m.x = rounded_row(step, row);
		m.x_stride = step->plan->scratch_stride;
	} else {
		m.x = (const u8 *)(llm_op_row(step, insn->src[0], row) + insn->arg[1]);
		m.x_stride = image->registers[insn->src[0]].width * sizeof(float);
	}
	multiply_rows(step->plan->form, &m, grouped > output ? grouped - output : 0);
}

const struct llm_op_type llm_op_linear = {
	.name = "linear",
	.verify = verify,
	.parts = parts,
	.row_numbers = row_numbers,
	.run_rows = run_rows,
	.tiles = tiles,
	.run = run,
};
