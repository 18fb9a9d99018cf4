/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_STEP_H
#define LLM_ENGINE_STEP_H

#include "kv.h"
#include "plan.h"

struct llm_sampler;

/**
 * enum llm_row_output - what is wanted of a row
 * @LLM_OUTPUT_NONE: nothing but its state
 * @LLM_OUTPUT_LOGITS: its logits; not where the model has none
 * @LLM_OUTPUT_EMBEDDING: its embedding; not where the model has none
 */
enum llm_row_output {
	LLM_OUTPUT_NONE = 0,
	LLM_OUTPUT_LOGITS = 1,
	LLM_OUTPUT_EMBEDDING = 2,
};

/**
 * struct llm_row - one token of one session in a step
 * @kv: state of the session; @position is reserved in it, and all positions
 *	before it are filled by earlier steps or earlier rows of this one. The rows
 *	of a session follow each other in a step, by growing position
 * @token: below vocab_size
 * @position: from 0, below context_length of the model
 * @length: positions of its text, which are all rows of this step; only where
 *	llm_plan.whole_texts
 * @output: what is wanted
 * @sampler: chooses a token from the logits within the step, which llm_sampler_token()
 *	tells when that is complete; NULL where nobody shall. At most LLM_MAX_OUTPUT
 *	rows have one, each its own
 */
struct llm_row {
	struct llm_kv *kv;
	u32 token;
	u32 position;
	u32 length;
	enum llm_row_output output;
	struct llm_sampler *sampler;
};

/**
 * struct llm_step - one forward pass over a batch of rows
 * @plan: program
 * @workspace: llm_plan.workspace_bytes, aligned to 64
 * @workspace_memory: what was allocated for it
 * @rows: the rows
 * @row_count: how many
 * @run_row: for each run, which is all rows of a session, its first row; after the last
 *	@row_count
 * @run_count: how many runs
 * @run_most: rows that the longest of them has
 * @row_run: for each row, its run
 * @output_row: for each wanted output, its row
 * @output_count: how many
 * @positions: one more than the highest position of a row
 * @insn_end: instruction after the last that is needed
 * @samplers: those that have not chosen yet
 * @sampler_count: how many
 * @cursor: the stage that is open: its number, how many tiles it has, and the
 *	next to claim, in one word so that a claim is one compare-and-swap
 * @done: tiles of the present stage that are finished
 * @insn: first instruction of the present stage, or @insn_end where tokens are chosen;
 *	this and all below are written by the worker that opens a stage, before @cursor
 *	says so, and read by those that claimed a tile of it, for until that tile is done
 *	the stage stays
 * @part: which part of the instruction
 * @next_insn: instruction of the part after the last of the stage
 * @next_part: which part
 * @row_numbers: where the stage works row by row, numbers of a row that it looks at; else 0
 * @stage_rows: how many rows it then has
 *
 * A stage is a part of an instruction, or several parts in a row that work row by row, or
 * a bit of the work of all samplers behind the program; all its tiles are done before the
 * next stage is opened, by the worker that finished the last of them.
 *
 * One step at a time runs on a struct llm_step. llm_step_begin() is called when
 * no worker is in llm_step_tile(); then any number of workers call that.
 */
struct llm_step {
	const struct llm_plan *plan;
	u8 *workspace;
	void *workspace_memory;
	struct llm_row rows[LLM_MAX_ROWS];
	u32 run_row[LLM_MAX_ROWS + 1];
	u32 row_run[LLM_MAX_ROWS];
	u32 output_row[LLM_MAX_ROWS];
	u32 run_count;
	u32 run_most;
	u32 row_count;
	u32 output_count;
	u32 positions;
	u32 insn_end;
	struct llm_sampler *samplers[LLM_MAX_OUTPUT];
	u32 sampler_count;
	atomic64_t cursor __aligned(64);
	atomic_t done __aligned(64);
	u32 insn;
	u32 part;
	u32 next_insn;
	u32 next_part;
	u32 row_numbers;
	u32 stage_rows;
};

/**
 * enum llm_tile_result - what llm_step_tile() found
 * @LLM_TILE_RAN: a tile was claimed and run
 * @LLM_TILE_NONE: all tiles of the present stage are claimed, others are still
 *	at work on them: try again
 * @LLM_TILE_LAST: a tile was claimed and run, and with it the step is complete;
 *	exactly one call of a step returns this
 * @LLM_TILE_OVER: the step is complete
 */
enum llm_tile_result {
	LLM_TILE_RAN,
	LLM_TILE_NONE,
	LLM_TILE_LAST,
	LLM_TILE_OVER,
};

/**
 * llm_step_create() - memory for steps of a program
 * @created: where the result goes
 * @plan: program; outlives it
 *
 * A created step is complete: llm_step_tile() returns LLM_TILE_OVER.
 * Return: 0 or -ENOMEM.
 */
int llm_step_create(struct llm_step **created, const struct llm_plan *plan);

/**
 * llm_step_destroy() - frees it, cleared
 * @step: the step, or NULL
 */
void llm_step_destroy(struct llm_step *step);

/**
 * llm_step_begin() - starts a forward pass over step->rows
 * @step: step whose @rows are filled
 * @row_count: rows filled, 1..plan->batch_rows, of which at most
 *	plan->output_rows want output
 *
 * Begins the choices of samplers, too. Integer work only.
 */
void llm_step_begin(struct llm_step *step, u32 row_count);

/**
 * llm_step_open() - tiles of the present stage that nobody has claimed
 * @step: step
 *
 * Return: how many there were a moment ago; 0 where the step is complete.
 */
u32 llm_step_open(const struct llm_step *step);

/**
 * llm_step_tile() - claims one tile and runs it
 * @step: step
 *
 * Uses the floating-point unit and must not be preempted between claiming and
 * finishing: in the kernel the caller is inside kernel_fpu_begin(). A tile takes
 * about 20 microseconds at most. Return: what happened.
 */
enum llm_tile_result llm_step_tile(struct llm_step *step);

/**
 * llm_step_logits() - the result, when the step is complete
 * @step: step
 * @output: number of the wanted output, in the order of the rows
 *
 * Return: vocab_size float32 numbers, which the caller may change until the
 * next step begins; a sampler did.
 */
void *llm_step_logits(struct llm_step *step, u32 output);

/**
 * llm_step_embedding() - the same for an embedding
 * @step: step
 * @output: number of the wanted output, in the order of the rows
 *
 * Return: as many float32 numbers as the register is wide, likewise.
 */
void *llm_step_embedding(struct llm_step *step, u32 output);

#endif /* LLM_ENGINE_STEP_H */
