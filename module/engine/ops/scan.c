// SPDX-License-Identifier: GPL-2.0
#include "../math.h"
#include "op.h"

#define MAX_STATES	256U
/* Rows of a run of a tile at most, and channels that are computed together. */
#define TILE_ROWS	32U
#define CHANNELS	64U
/* Blocks of channels, so that with all runs there are no more than LLM_MAX_TILES. */
#define MAX_BLOCKS	1024U
/* Multiply-adds that a number of the state takes, about: most is its exponential. */
#define NUMBER_MACS	12

static int verify_tensors(struct llm_verifier *v, const struct llm_insn *insn)
{
	u32 channels = insn->arg[0], states = insn->arg[1];
	int err;

	if (!states || states > MAX_STATES)
		return llm_verify_refuse(v, "%u numbers a channel are not in 1..%u", states,
					 MAX_STATES);
	err = llm_verify_matrix(v, insn->tensor[0], states, channels);
	if (!err && insn->tensor[1] != LLM_IMAGE_NONE)
		err = llm_verify_vector(v, insn->tensor[1], channels);
	if (!err)
		err = llm_verify_slot(v, LLM_SLOT_RECURRENT, (u64)channels * states, 0);
	return err;
}

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	u32 channels = insn->arg[0], states = insn->arg[1], i;
	int err = llm_verify_shape(v, 3, 2, 4, true);

	if (!err)
		err = verify_tensors(v, insn);
	if (!err)
		err = llm_verify_read(v, insn->src[0], 0, channels);
	if (!err)
		err = llm_verify_read(v, insn->src[1], 0, channels);
	if (!err)
		err = llm_verify_read(v, insn->src[2], insn->arg[2], states);
	if (!err)
		err = llm_verify_read(v, insn->src[2], insn->arg[3], states);
	if (!err)
		err = llm_verify_write(v, insn->dst, 0, channels);
	if (!err)
		err = llm_verify_rows(v, insn->dst, LLM_ROWS_BATCH);
	for (i = 0; i < 3 && !err; i++) {
		err = llm_verify_rows(v, insn->src[i], LLM_ROWS_BATCH);
		if (!err)
			err = llm_verify_distinct(v, insn->src[i], insn->dst);
	}
	return err;
}

/* How the work is cut: parts of rows of each run, and tiles of channels. */
struct cut {
	u32 rows;
	u32 channels;
	u32 blocks;
};

static struct cut cut_channels(const struct llm_step *step, const struct llm_insn *insn)
{
	u32 numbers = max(1U, step->plan->form->float_macs_per_us * LLM_TILE_US /
				      (NUMBER_MACS * insn->arg[1]));
	struct cut cut;

	cut.rows = min(min(step->run_most, numbers), TILE_ROWS);
	cut.channels = max(min(numbers / cut.rows, CHANNELS),
			   DIV_ROUND_UP(insn->arg[0], MAX_BLOCKS));
	cut.blocks = DIV_ROUND_UP(insn->arg[0], cut.channels);
	return cut;
}

static u32 parts(const struct llm_step *step, const struct llm_insn *insn)
{
	return llm_op_run_parts(step, cut_channels(step, insn).rows);
}

static u32 tiles(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	return step->run_count * cut_channels(step, insn).blocks;
}

static void scan_row(const struct llm_step *step, const struct llm_insn *insn, u32 row, u32 first,
		     u32 channels)
{
	const struct llm_tensor *tensors = step->plan->image->tensors;
	const float *time = llm_op_row(step, insn->src[1], row) + first;
	const float *shared = llm_op_row(step, insn->src[2], row);
	u32 states = insn->arg[1], i;
	float t[CHANNELS];
	struct llm_scan s = {
		.state = (float *)llm_op_recurrent(step, insn, row) + (u64)first * states,
		.a = (const float *)tensors[insn->tensor[0]].data + (u64)first * states,
		.b = shared + insn->arg[2],
		.c = shared + insn->arg[3],
		.t = t,
		.x = llm_op_row(step, insn->src[0], row) + first,
		.y = llm_op_row(step, insn->dst, row) + first,
		.states = states,
		.channels = channels,
	};

	if (insn->tensor[1] != LLM_IMAGE_NONE)
		s.d = (const float *)tensors[insn->tensor[1]].data + first;
	for (i = 0; i < channels; i++)
		t[i] = llm_softplus(time[i]);
	for (i = 0; !step->rows[row].position && i < channels * states; i++)
		s.state[i] = 0;
	step->plan->form->scan(&s);
}

static void run(const struct llm_step *step, const struct llm_insn *insn, u32 part, u32 tile)
{
	struct cut cut = cut_channels(step, insn);
	struct llm_op_span span = llm_op_run_span(step, tile / cut.blocks, part, cut.rows);
	u32 first = tile % cut.blocks * cut.channels;
	u32 end = min(first + cut.channels, insn->arg[0]);
	u32 i;

	for (; first < end; first += CHANNELS)
		for (i = span.first; i < span.end; i++)
			scan_row(step, insn, i, first, min(end - first, CHANNELS));
}

const struct llm_op_type llm_op_scan = {
	.name = "scan",
	.verify = verify,
	.parts = parts,
	.tiles = tiles,
	.run = run,
};
