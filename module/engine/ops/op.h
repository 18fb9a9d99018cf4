/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_OP_H
#define LLM_ENGINE_OP_H

#include "../form.h"
#include "../step.h"
#include "../verifier.h"

/**
 * struct llm_op_span - the rows of one tile
 * @first: first row
 * @end: row after the last
 */
struct llm_op_span {
	u32 first;
	u32 end;
};

/**
 * struct llm_op_type - one instruction: a row in the table of instructions
 * @name: what reasons and traces call it
 * @flags: of struct llm_insn that it knows
 * @verify: proves that run() stays within what it may touch, whatever the rows
 * @parts: parts it has in a step; all tiles of a part are done before the next
 *	part begins; at most 3, or for one with a slot LLM_MAX_PARTS
 * @row_numbers: numbers of a row that a part looks at, where it works row by row: what
 *	it writes for a row depends on nothing that such parts of any instructions write
 *	for other rows of registers with as many; 0 for another part; NULL where all are
 * @run_rows: computes some rows of such a part
 * @tiles: tiles of another part in a step, 0..LLM_MAX_TILES; 0 for those that work row by
 *	row; NULL where all do
 * @run: computes one of these tiles; touches nothing another tile of the part writes
 *
 * verify(), parts(), row_numbers() and tiles() are integer work. The others check nothing:
 * they may rely on what verify() proved and on what struct llm_row promises.
 */
struct llm_op_type {
	const char *name;
	u16 flags;
	int (*verify)(struct llm_verifier *v, const struct llm_insn *insn);
	u32 (*parts)(const struct llm_step *step, const struct llm_insn *insn);
	u32 (*row_numbers)(const struct llm_step *step, const struct llm_insn *insn, u32 part);
	void (*run_rows)(const struct llm_step *step, const struct llm_insn *insn, u32 part,
			 struct llm_op_span rows);
	u32 (*tiles)(const struct llm_step *step, const struct llm_insn *insn, u32 part);
	void (*run)(const struct llm_step *step, const struct llm_insn *insn, u32 part, u32 tile);
};

/**
 * LLM_MAX_PARTS - parts an instruction with a slot can have at most: of 1024 slots, and
 *	of all other instructions, the stages of a step can be numbered
 */
#define LLM_MAX_PARTS 2050
/** LLM_MAX_TILES - tiles a part can have at most. */
#define LLM_MAX_TILES ((1U << 20) - 1)
/** LLM_CHUNK_POSITIONS - positions that LLM_OP_ATTEND sums up by themselves. */
#define LLM_CHUNK_POSITIONS 512
/** LLM_TILE_US - microseconds a tile should take. */
#define LLM_TILE_US 10
/** LLM_LEAST_TILES - tiles a part should have, so that workers finish together. */
#define LLM_LEAST_TILES 16

extern const struct llm_op_type llm_op_embed;
extern const struct llm_op_type llm_op_angles;
extern const struct llm_op_type llm_op_norm;
extern const struct llm_op_type llm_op_linear;
extern const struct llm_op_type llm_op_rope;
extern const struct llm_op_type llm_op_attend;
extern const struct llm_op_type llm_op_glu;
extern const struct llm_op_type llm_op_gather;
extern const struct llm_op_type llm_op_act;
extern const struct llm_op_type llm_op_convolve;
extern const struct llm_op_type llm_op_scan;
extern const struct llm_op_type llm_op_wkv;
extern const struct llm_op_type llm_op_blend;
extern const struct llm_op_type llm_op_route;
extern const struct llm_op_type llm_op_experts;
extern const struct llm_op_type llm_op_mix;
extern const struct llm_op_type llm_op_softmax;

/**
 * llm_op_find() - the row of an instruction
 * @op: enum llm_op, or any other number
 *
 * Return: the row, or NULL where it is not known.
 */
const struct llm_op_type *llm_op_find(u32 op);

/**
 * llm_op_one_part() - parts() of an instruction that has one part
 * @step: step
 * @insn: instruction
 */
u32 llm_op_one_part(const struct llm_step *step, const struct llm_insn *insn);

/**
 * llm_op_dots_in_tile() - products of a row of weights that a tile has time for
 * @step: step
 * @w: the weights
 *
 * Return: at least 1.
 */
u32 llm_op_dots_in_tile(const struct llm_step *step, const struct llm_tensor *w);

/**
 * llm_op_row_count() - rows a register has in a step
 * @step: step
 * @reg: register
 */
static inline u32 llm_op_row_count(const struct llm_step *step, u32 reg)
{
	return step->plan->image->registers[reg].rows == LLM_ROWS_OUTPUT ? step->output_count :
									   step->row_count;
}

/** LLM_STAGE_NUMBERS - numbers of a row that parts look at which are done together. */
#define LLM_STAGE_NUMBERS 16384

/**
 * llm_op_row_tiles() - tiles of work that is done row by row
 * @rows: how many rows
 * @numbers: numbers of a row that are looked at
 */
u32 llm_op_row_tiles(u32 rows, u32 numbers);

/**
 * llm_op_row_span() - rows of one such tile
 * @rows: as for llm_op_row_tiles()
 * @numbers: likewise
 * @tile: number of the tile
 */
struct llm_op_span llm_op_row_span(u32 rows, u32 numbers, u32 tile);

/**
 * llm_op_run_parts() - parts of an instruction that takes the rows of a run in turn
 * @step: step
 * @chunk: rows of a run that a part takes, at least 1
 */
static inline u32 llm_op_run_parts(const struct llm_step *step, u32 chunk)
{
	return DIV_ROUND_UP(step->run_most, chunk);
}

/**
 * llm_op_run_span() - the rows of a run that a part takes
 * @step: step
 * @run: run
 * @part: part
 * @chunk: as for llm_op_run_parts()
 *
 * Return: the rows, none where the run is over.
 */
struct llm_op_span llm_op_run_span(const struct llm_step *step, u32 run, u32 part, u32 chunk);

/**
 * llm_op_recurrent() - the recurrent numbers of an instruction
 * @step: step
 * @insn: instruction whose slot is LLM_SLOT_RECURRENT
 * @row: a row of the session
 */
static inline void *llm_op_recurrent(const struct llm_step *step, const struct llm_insn *insn,
				     u32 row)
{
	return step->rows[row].kv->recurrent + step->plan->slots[insn->slot].recurrent_offset;
}

#ifdef LLM_FLOAT
/**
 * llm_op_row() - one row of a register
 * @step: step
 * @reg: register
 * @row: row, below llm_op_row_count()
 */
static inline float *llm_op_row(const struct llm_step *step, u32 reg, u32 row)
{
	const struct llm_plan *plan = step->plan;

	return (float *)step->workspace + plan->register_offset[reg] +
	       (u64)row * plan->image->registers[reg].width;
}
#endif

#endif /* LLM_ENGINE_OP_H */
