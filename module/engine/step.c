// SPDX-License-Identifier: GPL-2.0
#include "step.h"

#include "ops/op.h"
#include "sampler.h"

/*
 * The cursor in one word: the number of the open stage, counted from the start
 * of the step, its tiles, and the next tile to claim. That a claim compares all
 * three is what makes it safe against a stage that is opened meanwhile.
 */
#define TILE_BITS	20
#define TILE_MASK	((1ULL << TILE_BITS) - 1)
#define STAGE_OVER	((1ULL << 24) - 1)

static u64 cursor_make(u64 stage, u32 tiles)
{
	return stage << (2 * TILE_BITS) | (u64)tiles << TILE_BITS;
}

static u64 cursor_stage(u64 cursor)
{
	return cursor >> (2 * TILE_BITS);
}

static u32 cursor_tiles(u64 cursor)
{
	return (cursor >> TILE_BITS) & TILE_MASK;
}

static u32 cursor_next(u64 cursor)
{
	return cursor & TILE_MASK;
}

int llm_step_create(struct llm_step **created, const struct llm_plan *plan)
{
	struct llm_step *step = llm_alloc(sizeof(*step));

	if (!step)
		return -ENOMEM;
	step->plan = plan;
	step->workspace_memory = llm_alloc(plan->workspace_bytes + 64);
	if (!step->workspace_memory) {
		llm_free(step);
		return -ENOMEM;
	}
	step->workspace = (u8 *)ALIGN((uintptr_t)step->workspace_memory, 64);
	atomic64_set(&step->cursor, cursor_make(STAGE_OVER, 0));
	*created = step;
	return 0;
}

void llm_step_destroy(struct llm_step *step)
{
	if (!step)
		return;
	llm_free_private(step->workspace_memory, step->plan->workspace_bytes + 64);
	llm_free(step);
}

/*
 * A stage behind the program: a tile for each sampler that has not chosen yet, which
 * does the next bit of its work. Returns whether there is one.
 */
static bool open_choices(struct llm_step *step, u64 stage)
{
	u32 left = 0, i;

	for (i = 0; i < step->sampler_count; i++)
		if (!llm_sampler_chose(step->samplers[i]))
			step->samplers[left++] = step->samplers[i];
	step->sampler_count = left;
	step->insn = step->insn_end;
	step->next_insn = step->insn_end;
	atomic_set(&step->done, 0);
	atomic64_set_release(&step->cursor, cursor_make(left ? stage : STAGE_OVER, left));
	return left;
}

static u32 parts_of(const struct llm_step *step, u32 insn)
{
	const struct llm_plan *plan = step->plan;

	return plan->ops[insn]->parts(step, &plan->image->program[insn]);
}

/* Numbers of a row, where the part works row by row; else 0. */
static u32 row_numbers(const struct llm_step *step, u32 insn, u32 part)
{
	const struct llm_plan *plan = step->plan;
	const struct llm_op_type *op = plan->ops[insn];

	return op->row_numbers ? op->row_numbers(step, &plan->image->program[insn], part) : 0;
}

/* Which rows: those of the batch, or of the output. */
static u32 rows_of(const struct llm_step *step, u32 insn)
{
	const struct llm_image *image = step->plan->image;

	return image->registers[image->program[insn].dst].rows;
}

/*
 * Puts all parts together that work on the same rows, row by row, from instruction @insn,
 * part @part on: whoever has a row goes through them with it, and nobody waits for other
 * rows in between.
 */
static void join_parts(struct llm_step *step, u32 insn, u32 part)
{
	u32 rows = rows_of(step, insn);
	u32 numbers = row_numbers(step, insn, part);

	step->row_numbers = 0;
	while (numbers) {
		step->row_numbers += numbers;
		if (++part == parts_of(step, insn)) {
			part = 0;
			if (++insn == step->insn_end || rows_of(step, insn) != rows)
				break;
		}
		numbers = row_numbers(step, insn, part);
		if (step->row_numbers + numbers > LLM_STAGE_NUMBERS)
			break;
	}
	step->next_insn = insn;
	step->next_part = part;
}

/* Tiles of the stage that begins with this part. */
static u32 prepare_stage(struct llm_step *step, u32 insn, u32 part)
{
	const struct llm_insn *program = step->plan->image->program;
	const struct llm_op_type *op = step->plan->ops[insn];

	step->insn = insn;
	step->part = part;
	join_parts(step, insn, part);
	if (step->row_numbers) {
		step->stage_rows = llm_op_row_count(step, program[insn].dst);
		return llm_op_row_tiles(step->stage_rows, step->row_numbers);
	}
	step->next_part = part + 1;
	return op->tiles(step, &program[insn], part);
}

/*
 * Opens the next stage that has tiles, from instruction @insn, part @part on.
 * Only one worker is here: the one that finished the last tile of the stage
 * before, or the one that begins the step. Returns whether there is one.
 */
static bool open_stage(struct llm_step *step, u64 stage, u32 insn, u32 part)
{
	u32 tiles;

	while (insn < step->insn_end) {
		if (part == parts_of(step, insn)) {
			insn++;
			part = 0;
			continue;
		}
		tiles = prepare_stage(step, insn, part);
		if (tiles) {
			atomic_set(&step->done, 0);
			atomic64_set_release(&step->cursor, cursor_make(stage, tiles));
			return true;
		}
		insn = step->next_insn;
		part = step->next_part;
	}
	return open_choices(step, stage);
}

static void find_runs(struct llm_step *step)
{
	u32 runs = 0, i;

	step->run_most = 0;
	for (i = 0; i < step->row_count; i++) {
		if (!i || step->rows[i].kv != step->rows[i - 1].kv)
			step->run_row[runs++] = i;
		step->row_run[i] = runs - 1;
		step->run_most = max(step->run_most, i + 1 - step->run_row[runs - 1]);
	}
	step->run_row[runs] = step->row_count;
	step->run_count = runs;
}

static void begin_choices(struct llm_step *step)
{
	struct llm_sampler *sampler;
	u32 i;

	step->sampler_count = 0;
	for (i = 0; i < step->output_count; i++) {
		sampler = step->rows[step->output_row[i]].sampler;
		if (!sampler)
			continue;
		llm_sampler_begin(sampler, llm_step_logits(step, i));
		step->samplers[step->sampler_count++] = sampler;
	}
}

void llm_step_begin(struct llm_step *step, u32 row_count)
{
	u32 outputs = LLM_OUTPUT_NONE;
	u32 i;

	step->row_count = row_count;
	step->output_count = 0;
	step->positions = 0;
	for (i = 0; i < row_count; i++) {
		outputs |= step->rows[i].output;
		if (step->rows[i].output)
			step->output_row[step->output_count++] = i;
		step->positions = max(step->positions, step->rows[i].position + 1);
	}
	find_runs(step);
	begin_choices(step);
	step->insn_end = outputs == LLM_OUTPUT_EMBEDDING ? step->plan->embedding_end :
							   step->plan->image->program_count;
	open_stage(step, 0, 0, 0);
}

u32 llm_step_open(const struct llm_step *step)
{
	u64 cursor = (u64)atomic64_read(&step->cursor);

	/* A stage after the last has none. */
	return cursor_tiles(cursor) - cursor_next(cursor);
}

/* The parts that join_parts() put together. */
static void run_rows(const struct llm_step *step, u32 tile)
{
	struct llm_op_span rows = llm_op_row_span(step->stage_rows, step->row_numbers, tile);
	const struct llm_plan *plan = step->plan;
	u32 insn = step->insn, part = step->part;

	while (insn != step->next_insn || part != step->next_part) {
		plan->ops[insn]->run_rows(step, &plan->image->program[insn], part, rows);
		if (++part == parts_of(step, insn)) {
			insn++;
			part = 0;
		}
	}
}

static void run_tile(struct llm_step *step, u32 tile)
{
	const struct llm_plan *plan = step->plan;
	u32 insn = step->insn;

	if (insn == step->insn_end)
		llm_sampler_advance(step->samplers[tile]);
	else if (step->row_numbers)
		run_rows(step, tile);
	else
		plan->ops[insn]->run(step, &plan->image->program[insn], step->part, tile);
}

enum llm_tile_result llm_step_tile(struct llm_step *step)
{
	s64 seen = atomic64_read_acquire(&step->cursor);
	u64 cursor;

	do {
		cursor = (u64)seen;
		if (cursor_stage(cursor) == STAGE_OVER)
			return LLM_TILE_OVER;
		if (cursor_next(cursor) == cursor_tiles(cursor))
			return LLM_TILE_NONE;
	} while (!atomic64_try_cmpxchg(&step->cursor, &seen, (s64)(cursor + 1)));

	run_tile(step, cursor_next(cursor));
	if ((u32)atomic_inc_return(&step->done) != cursor_tiles(cursor))
		return LLM_TILE_RAN;
	return open_stage(step, cursor_stage(cursor) + 1, step->next_insn, step->next_part) ?
		LLM_TILE_RAN : LLM_TILE_LAST;
}

static void *output_row(struct llm_step *step, u32 reg, u32 output)
{
	const struct llm_plan *plan = step->plan;
	u64 floats = plan->register_offset[reg] + (u64)output * plan->image->registers[reg].width;

	return step->workspace + floats * sizeof(u32);
}

void *llm_step_logits(struct llm_step *step, u32 output)
{
	return output_row(step, step->plan->image->model.logits, output);
}

void *llm_step_embedding(struct llm_step *step, u32 output)
{
	return output_row(step, step->plan->image->model.embedding, output);
}
