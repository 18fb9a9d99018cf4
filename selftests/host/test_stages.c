// SPDX-License-Identifier: GPL-2.0
/* Stages: how a step's work is put together, and how it is cut into tiles. */
#include <stdlib.h>

#include "form.h"
#include "ops/op.h"
#include "step.h"
#include "tap.h"
#include "tiny_image.h"

#define BATCH	16

/* A model, and a step of one session. */
struct fixture {
	void *bytes;
	struct llm_image *image;
	struct llm_plan *plan;
	struct llm_step *step;
	struct llm_kv kv;
};

static bool setup(struct fixture *f, const struct tiny_image_options *options)
{
	static struct llm_form form;
	struct llm_error error = {};
	size_t size;

	/* Computes in no time: memory is what a product waits for. */
	form = llm_form_portable;
	form.macs_per_us = 1000000;
	memset(f, 0, sizeof(*f));
	f->bytes = tiny_image_build(options, &size);
	return tap_check(f->bytes && !llm_image_open(&f->image, f->bytes, size, &error)) &&
	       tap_check(!llm_plan_create(&f->plan, f->image, &form, BATCH, BATCH, &error)) &&
	       tap_check(!llm_step_create(&f->step, f->plan)) &&
	       tap_check(!llm_kv_init(&f->kv, f->plan, BATCH)) &&
	       tap_check(!llm_kv_reserve(&f->kv, BATCH));
}

static void teardown(struct fixture *f)
{
	llm_kv_destroy(&f->kv);
	llm_step_destroy(f->step);
	llm_plan_destroy(f->plan);
	llm_image_close(f->image);
	free(f->bytes);
}

static void begin(struct fixture *f, u32 rows, bool output)
{
	for (u32 i = 0; i < rows; i++)
		f->step->rows[i] = (struct llm_row) {
			.kv = &f->kv,
			.token = i,
			.position = i,
			.length = rows,
			.output = output && i == rows - 1,
		};
	llm_step_begin(f->step, rows);
}

/* Rows times width numbers: all rows in turn, @most of them in a tile. Returns the tiles. */
static u32 row_tiles(u32 rows, u32 width, u32 most)
{
	u32 tiles = llm_op_row_tiles(rows, width);
	u32 next = 0;

	for (u32 t = 0; t < tiles; t++) {
		struct llm_op_span span = llm_op_row_span(rows, width, t);

		tap_check(span.first == next && span.end > next && span.end - next <= most);
		next = span.end;
	}
	tap_check(next == rows);
	return tiles;
}

/* Little is not worth sharing; what is has tiles enough for all, none of them long. */
static void rows_are_shared(void)
{
	for (u32 width = 32; width <= 8192; width *= 2)
		for (u32 rows = 1; rows <= 2048; rows += rows < 40 ? 1 : 37) {
			u32 tiles = row_tiles(rows, width, max(1U, 8192 / width));

			if (rows * width <= 2048)
				tap_check(tiles == 1);
			else if (rows * width >= LLM_LEAST_TILES * 2048)
				tap_check(tiles >= min(rows, LLM_LEAST_TILES));
		}
}

/* For one row all tiles but the last read 64 KiB or more; twice that is shared. */
static void products_are_shared(void)
{
	const struct tiny_image_options options = { .seed = 7, .width = 256 };
	struct fixture f;

	if (!setup(&f, &options))
		return;
	begin(&f, 1, true);
	for (u32 i = 0; i < f.image->program_count; i++) {
		const struct llm_insn *insn = &f.image->program[i];
		const struct llm_tensor *w = &f.image->tensors[insn->tensor[0]];
		u32 tiles;

		if (insn->op != LLM_OP_LINEAR)
			continue;
		tiles = f.plan->ops[i]->tiles(f.step, insn, 1);
		tap_check((tiles - 1) * 65536 < w->rows * w->row_bytes);
		tap_check(tiles > 1 || w->rows * w->row_bytes < 131072);
	}
	teardown(&f);
}

/* What a part says of itself; nothing past the end of the program. */
static u32 numbers_of(const struct fixture *f, u32 insn, u32 part)
{
	const struct llm_op_type *op;

	if (insn == f->step->insn_end)
		return 0;
	op = f->plan->ops[insn];
	return op->row_numbers ? op->row_numbers(f->step, &f->image->program[insn], part) : 0;
}

static u32 rows_of(const struct fixture *f, u32 insn)
{
	return f->image->registers[f->image->program[insn].dst].rows;
}

/* The part after this one. */
static void next_part(const struct fixture *f, u32 *insn, u32 *part)
{
	if (++*part == f->plan->ops[*insn]->parts(f->step, &f->image->program[*insn])) {
		++*insn;
		*part = 0;
	}
}

/* All that can be together is, and nothing else. Returns the parts of the stage. */
static u32 check_stage(const struct fixture *f)
{
	u32 insn = f->step->insn, part = f->step->part;
	u32 rows = rows_of(f, insn), sum = 0, count = 0;

	do {
		u32 numbers = numbers_of(f, insn, part);

		tap_check(numbers || !count);
		tap_check(rows_of(f, insn) == rows);
		sum += numbers;
		count++;
		next_part(f, &insn, &part);
	} while (insn < f->step->next_insn ||
		 (insn == f->step->next_insn && part < f->step->next_part));
	tap_check(sum == f->step->row_numbers);
	if (sum && numbers_of(f, insn, part))
		tap_check(rows_of(f, insn) != rows ||
			  sum + numbers_of(f, insn, part) > LLM_STAGE_NUMBERS);
	return count;
}

/* Steps of a model; returns the most parts of a stage. */
static u32 check_stages(const struct tiny_image_options *options, bool output)
{
	enum llm_tile_result result = LLM_TILE_RAN;
	u32 most = 0, insn = 0;
	struct fixture f;

	if (!setup(&f, options))
		return 0;
	begin(&f, BATCH, output);
	while (result == LLM_TILE_RAN) {
		if (f.step->insn != insn || !insn)
			most = max(most, check_stage(&f));
		insn = f.step->insn;
		result = llm_step_tile(f.step);
	}
	tap_check(result == LLM_TILE_LAST);
	teardown(&f);
	return most;
}

static void parts_are_put_together(void)
{
	struct tiny_image_options options = { .seed = 7, .type = LLM_TENSOR_Q8_0 };

	/* Angles, tokens looked up, a norm, and rounding for a product. */
	tap_check(check_stages(&options, true) == 4);
	tap_check(check_stages(&options, false) == 4);
	options.type = LLM_TENSOR_F32;
	tap_check(check_stages(&options, true) == 3);
	options.experts = true;
	check_stages(&options, true);
	options.experts = false;
	options.recurrent = true;
	check_stages(&options, true);
}

static u32 find(const struct fixture *f, enum llm_op op)
{
	u32 i = 0;

	while (f->image->program[i].op != op)
		i++;
	return i;
}

/* Overwrites an instruction with another one of the program. */
static void copy_insn(struct fixture *f, u32 to, u32 from)
{
	f->image->program[to] = f->image->program[from];
	f->plan->ops[to] = f->plan->ops[from];
}

/* What is gathered can be rows of any tile. */
static void rows_are_not_mixed(void)
{
	const struct tiny_image_options options = { .seed = 7 };
	struct fixture f;
	u32 embed;

	if (!setup(&f, &options))
		return;
	embed = find(&f, LLM_OP_EMBED);
	copy_insn(&f, embed + 1, find(&f, LLM_OP_GATHER));
	begin(&f, BATCH, true);
	tap_check(f.step->next_insn == embed + 1 && !f.step->next_part);
	teardown(&f);
}

/* However many there are, a tile stays short. */
static void stages_end_in_time(void)
{
	struct tiny_image_options options = { .seed = 7, .layers = 64 };
	struct fixture f;
	u32 embed;

	if (!setup(&f, &options))
		return;
	embed = find(&f, LLM_OP_EMBED);
	for (u32 i = embed + 1; i < f.image->program_count; i++)
		copy_insn(&f, i, embed);
	begin(&f, 1, true);
	tap_check(f.step->row_numbers <= LLM_STAGE_NUMBERS &&
		  f.step->row_numbers + 64 > LLM_STAGE_NUMBERS);
	check_stage(&f);
	teardown(&f);
}

static const struct tap_test tests[] = {
	{ "what works row by row is shared where that is worth it", rows_are_shared },
	{ "products are shared where that is worth it", products_are_shared },
	{ "parts that work on the same rows are one stage", parts_are_put_together },
	{ "parts that work on other rows are another stage", rows_are_not_mixed },
	{ "a stage is no longer than a tile of it can be", stages_end_in_time },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
