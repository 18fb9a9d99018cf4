// SPDX-License-Identifier: GPL-2.0
#include "trial.h"

/* The forms take turns, so that what slows the machine for a moment meets all of them. */
#define ROUNDS		16
/* Long enough for the clock, short enough for a slice. */
#define LEAST_NS	10000

#define PRODUCT		(LLM_TRIAL_COLUMNS * LLM_GROUP * LLM_TRIAL_ROWS)
#define F16_ONE		0x3c00
#define F32_ONE		0x3f800000

static const struct llm_form *usable_at(u32 index)
{
	const struct llm_form *form = llm_form_at(index);

	return form && form->usable() ? form : NULL;
}

static void fill_weights(struct llm_block_q8_0 *blocks, u32 count)
{
	u32 b, i;

	for (b = 0; b < count; b++) {
		blocks[b].scale = F16_ONE;
		for (i = 0; i < LLM_BLOCK; i++)
			blocks[b].values[i] = (s8)(b * 31 + i * 7);
	}
}

static void fill_input(struct llm_block_x8 *blocks, u32 count)
{
	u32 b, i;

	for (b = 0; b < count; b++) {
		blocks[b].scale_bits = F32_ONE;
		for (i = 0; i < LLM_BLOCK; i++) {
			blocks[b].values[i] = (s8)((b * 13 + i * 5) % 255 - 127);
			blocks[b].sums[i / 16] += blocks[b].values[i];
		}
		blocks[b].offset = -128 * (blocks[b].sums[0] + blocks[b].sums[1]);
	}
}

void llm_trial_begin(struct llm_trial *trial)
{
	memset(trial, 0, sizeof(*trial));
	fill_weights(trial->rows[0], sizeof(trial->rows) / sizeof(trial->rows[0][0]));
	llm_group_rows((u8 *)trial->groups, (const u8 *)trial->rows, LLM_TENSOR_Q8_0,
		       LLM_TRIAL_COLUMNS);
	fill_input(trial->input[0], sizeof(trial->input) / sizeof(trial->input[0][0]));
}

static void multiply(struct llm_trial *trial, const struct llm_form *form, u32 times)
{
	bool grouped = form->matmul_groups[LLM_TENSOR_Q8_0];
	const struct llm_matmul m = {
		.w = grouped ? (const u8 *)trial->groups : (const u8 *)trial->rows,
		.w_stride = sizeof(trial->rows[0]),
		.x = (const u8 *)trial->input,
		.x_stride = sizeof(trial->input[0]),
		.y = (float *)trial->results,
		.y_stride = LLM_GROUP,
		.type = LLM_TENSOR_Q8_0,
		.outputs = LLM_GROUP,
		.rows = LLM_TRIAL_ROWS,
		.columns = LLM_TRIAL_COLUMNS,
	};

	for (; times; times--) {
		if (grouped)
			form->matmul_groups[LLM_TENSOR_Q8_0](&m);
		else
			form->matmul[LLM_TENSOR_Q8_0](&m);
	}
}

/*
 * Twice as many products each time, until that is long enough: the last ones are about
 * half of all. An interruption before them ends it, too, and is what is seen then.
 */
static u32 time_form(struct llm_trial *trial, const struct llm_form *form)
{
	u64 start = llm_now_ns(), now = start, before;
	u32 times = 1;

	for (;; times *= 2) {
		before = now;
		multiply(trial, form, times);
		now = llm_now_ns();
		if (now - start >= LEAST_NS)
			break;
	}
	return div64_u64((u64)times * PRODUCT * 1000, now - before);
}

bool llm_trial_advance(struct llm_trial *trial)
{
	const struct llm_form *form = usable_at(trial->index);

	if (form)
		trial->rates[trial->index] = max(trial->rates[trial->index],
						 time_form(trial, form));
	do {
		if (++trial->index == LLM_FORMS) {
			trial->index = 0;
			trial->round++;
		}
	} while (!usable_at(trial->index));
	return trial->round == ROUNDS;
}

u32 llm_trial_choose(const u32 *rates)
{
	u32 chosen = 0, rate = 0, i;

	for (i = LLM_FORMS; i-- > 0;) {
		if (rates[i] && (!rate || (u64)rates[i] * 4 >= (u64)rate * 5)) {
			chosen = i;
			rate = rates[i];
		}
	}
	return chosen;
}

const struct llm_form *llm_trial_form(struct llm_trial *trial, const char *name,
				      void (*run)(struct llm_trial *trial))
{
	llm_trial_begin(trial);
	if (strcmp(name, "auto"))
		return llm_form_find(name);
	run(trial);
	return llm_form_at(llm_trial_choose(trial->rates));
}
