// SPDX-License-Identifier: GPL-2.0
#include "op.h"

static const struct llm_op_type *const table[] = {
	[LLM_OP_EMBED] = &llm_op_embed,
	[LLM_OP_ANGLES] = &llm_op_angles,
	[LLM_OP_NORM] = &llm_op_norm,
	[LLM_OP_LINEAR] = &llm_op_linear,
	[LLM_OP_ROPE] = &llm_op_rope,
	[LLM_OP_ATTEND] = &llm_op_attend,
	[LLM_OP_GLU] = &llm_op_glu,
	[LLM_OP_GATHER] = &llm_op_gather,
	[LLM_OP_ACT] = &llm_op_act,
	[LLM_OP_CONVOLVE] = &llm_op_convolve,
	[LLM_OP_SCAN] = &llm_op_scan,
	[LLM_OP_WKV] = &llm_op_wkv,
	[LLM_OP_BLEND] = &llm_op_blend,
	[LLM_OP_ROUTE] = &llm_op_route,
	[LLM_OP_EXPERTS] = &llm_op_experts,
	[LLM_OP_MIX] = &llm_op_mix,
	[LLM_OP_SOFTMAX] = &llm_op_softmax,
};

/* Numbers that a row by row instruction works on in one tile, about: at most, */
#define TILE_NUMBERS 8192U
/* and at least, where there are rows for more tiles: less is not worth a call. */
#define LEAST_NUMBERS 2048U

const struct llm_op_type *llm_op_find(u32 op)
{
	return op < ARRAY_SIZE(table) ? table[op] : NULL;
}

u32 llm_op_one_part(const struct llm_step *step, const struct llm_insn *insn)
{
	return 1;
}

u32 llm_op_dots_in_tile(const struct llm_step *step, const struct llm_tensor *w)
{
	const struct llm_form *form = step->plan->form;
	u32 rate = form->macs_per_us;

	if (w->layout == LLM_LAYOUT_GROUPS)
		rate = llm_type_find(w->type)->block == 1 ? form->float_macs_per_us :
							    form->group_macs_per_us;
	return max(1U, rate * LLM_TILE_US / w->columns);
}

static u32 rows_per_tile(u32 rows, u32 numbers)
{
	u32 wanted = max(rows * numbers / LLM_LEAST_TILES, LEAST_NUMBERS);

	return max(1U, min(wanted, TILE_NUMBERS) / numbers);
}

u32 llm_op_row_tiles(u32 rows, u32 numbers)
{
	return DIV_ROUND_UP(rows, rows_per_tile(rows, numbers));
}

struct llm_op_span llm_op_row_span(u32 rows, u32 numbers, u32 tile)
{
	u32 first = tile * rows_per_tile(rows, numbers);
	struct llm_op_span span = {
		.first = first,
		.end = min(first + rows_per_tile(rows, numbers), rows),
	};

	return span;
}

struct llm_op_span llm_op_run_span(const struct llm_step *step, u32 run, u32 part, u32 chunk)
{
	u32 end = step->run_row[run + 1];
	u32 first = min(step->run_row[run] + part * chunk, end);
	struct llm_op_span span = { .first = first, .end = min(first + chunk, end) };

	return span;
}
