// SPDX-License-Identifier: GPL-2.0
#include "../math.h"
#include "op.h"

#define MAX_TAPS	16U
/* Columns of a tile, and the products in one, about. */
#define TILE_COLUMNS	1024U
#define TILE_PRODUCTS	8192U

/*
 * Two parts: all results are made of the inputs of this step and of those that the
 * slot keeps, the oldest first; then the slot gets the last inputs.
 */
#define PART_CONVOLVE	0
#define PART_KEEP	1

static u32 taps_of(const struct llm_step *step, const struct llm_insn *insn)
{
	return step->plan->image->tensors[insn->tensor[0]].columns;
}

static int verify_weights(struct llm_verifier *v, const struct llm_insn *insn, u32 *taps)
{
	u32 channels = insn->arg[0], width = llm_register_width(v, insn->dst);
	const struct llm_tensor *tensor = NULL;
	int err = llm_verify_tensor(v, insn->tensor[0], &tensor);

	if (err)
		return err;
	if (!channels || width % channels)
		return llm_verify_refuse(v, "%u columns are no multiple of %u channels", width,
					 channels);
	if (tensor->columns < 2 || tensor->columns > MAX_TAPS)
		return llm_verify_refuse(v, "%u positions are not in 2..%u", tensor->columns,
					 MAX_TAPS);
	*taps = tensor->columns;
	err = llm_verify_matrix(v, insn->tensor[0], *taps, width);
	if (!err && insn->tensor[1] != LLM_IMAGE_NONE)
		err = llm_verify_vector(v, insn->tensor[1], width);
	return err;
}

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	u32 taps = 0;
	int err = llm_verify_shape(v, 1, 2, 3, true);

	if (err)
		return err;
	if (!llm_register_exists(v, insn->dst))
		return llm_verify_refuse(v, "there is no register %u", insn->dst);
	err = verify_weights(v, insn, &taps);
	if (!err)
		err = llm_verify_below(v, "activation", insn->arg[2], LLM_ACTIVATIONS);
	if (!err)
		err = llm_verify_slot(v, LLM_SLOT_RECURRENT, (u64)(taps - 1) * insn->arg[0], 0);
	if (!err)
		err = llm_verify_read(v, insn->src[0], insn->arg[1], insn->arg[0]);
	if (!err)
		err = llm_verify_write(v, insn->dst, 0, llm_register_width(v, insn->dst));
	if (!err)
		err = llm_verify_rows(v, insn->src[0], LLM_ROWS_BATCH);
	if (!err)
		err = llm_verify_rows(v, insn->dst, LLM_ROWS_BATCH);
	if (!err)
		err = llm_verify_distinct(v, insn->src[0], insn->dst);
	return err;
}

static u32 parts(const struct llm_step *step, const struct llm_insn *insn)
{
	return 2;
}

/* How the results are cut into tiles: blocks of rows, and of columns. */
struct cut {
	u32 width;
	u32 columns;
	u32 column_blocks;
	u32 rows;
	u32 row_blocks;
};

static struct cut cut_results(const struct llm_step *step, const struct llm_insn *insn)
{
	struct cut cut = { .width = step->plan->image->registers[insn->dst].width };

	cut.columns = min(cut.width, TILE_COLUMNS);
	cut.column_blocks = DIV_ROUND_UP(cut.width, cut.columns);
	cut.rows = max(1U, TILE_PRODUCTS / (cut.columns * taps_of(step, insn)));
	cut.row_blocks = DIV_ROUND_UP(step->row_count, cut.rows);
	return cut;
}

static u32 tiles(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	struct cut cut = cut_results(step, insn);

	return part == PART_KEEP ? step->run_count : cut.row_blocks * cut.column_blocks;
}

/* The input that lies so many positions back from a row; NULL before the first position. */
static const float *input_at(const struct llm_step *step, const struct llm_insn *insn, u32 row,
			     u32 back)
{
	u32 since = row - step->run_row[step->row_run[row]];
	const float *kept = llm_op_recurrent(step, insn, row);

	if (back > step->rows[row].position)
		return NULL;
	if (back <= since)
		return llm_op_row(step, insn->src[0], row - back) + insn->arg[1];
	return kept + (u64)(taps_of(step, insn) - 1 - (back - since)) * insn->arg[0];
}

static void convolve_row(const struct llm_step *step, const struct llm_insn *insn, u32 row,
			 u32 first, u32 end)
{
	const struct llm_tensor *tensors = step->plan->image->tensors;
	const float *weights = (const float *)tensors[insn->tensor[0]].data;
	float *y = llm_op_row(step, insn->dst, row);
	u32 taps = taps_of(step, insn), channels = insn->arg[0];
	const float *bias = NULL, *inputs[MAX_TAPS];
	u32 i, k, at;
	float sum;

	if (insn->tensor[1] != LLM_IMAGE_NONE)
		bias = (const float *)tensors[insn->tensor[1]].data;
	for (k = 0; k < taps; k++)
		inputs[k] = input_at(step, insn, row, taps - 1 - k);
	for (i = first, at = first % channels; i < end; i++) {
		sum = 0;
		for (k = 0; k < taps; k++)
			if (inputs[k])
				sum += weights[(u64)i * taps + k] * inputs[k][at];
		y[i] = bias ? sum + bias[i] : sum;
		at = at + 1 == channels ? 0 : at + 1;
	}
	step->plan->form->activate[insn->arg[2]](y + first, y + first, NULL, end - first);
}

static void convolve(const struct llm_step *step, const struct llm_insn *insn, u32 tile)
{
	struct cut cut = cut_results(step, insn);
	u32 first = tile % cut.column_blocks * cut.columns;
	u32 row = tile / cut.column_blocks * cut.rows;
	u32 end = min(row + cut.rows, step->row_count);

	for (; row < end; row++)
		convolve_row(step, insn, row, first, min(first + cut.columns, cut.width));
}

/* From the oldest on: what is kept moves towards it, so nothing is overwritten too early. */
static void keep(const struct llm_step *step, const struct llm_insn *insn, u32 run)
{
	u32 last = step->run_row[run + 1] - 1;
	float *kept = llm_op_recurrent(step, insn, last);
	u32 taps = taps_of(step, insn), channels = insn->arg[0];
	const float *input;
	u32 back, i;

	for (back = taps - 1; back-- > 0; kept += channels) {
		input = input_at(step, insn, last, back);
		for (i = 0; i < channels; i++)
			kept[i] = input ? input[i] : 0;
	}
}

static void run(const struct llm_step *step, const struct llm_insn *insn, u32 part, u32 tile)
{
	if (part == PART_CONVOLVE)
		convolve(step, insn, tile);
	else
		keep(step, insn, tile);
}

const struct llm_op_type llm_op_convolve = {
	.name = "convolve",
	.verify = verify,
	.parts = parts,
	.tiles = tiles,
	.run = run,
};
