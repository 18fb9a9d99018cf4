/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_TRIAL_H
#define LLM_ENGINE_TRIAL_H

#include "form.h"

/** LLM_TRIAL_COLUMNS - columns of the product that is timed. */
#define LLM_TRIAL_COLUMNS	128
/** LLM_TRIAL_ROWS - its rows of input: as many as the forms multiply at a time. */
#define LLM_TRIAL_ROWS		8

/**
 * struct llm_trial - times the forms that this processor can run, to choose one
 * @rates: of each form, in the order of llm_form_at(), multiply-adds a microsecond;
 *	0 for those that were not timed
 *
 * The rest is the trial's own. What it multiplies fits the first cache: how fast
 * memory is depends on no form.
 */
struct llm_trial {
	u32 rates[LLM_FORMS];
	/* private: */
	u32 index;
	u32 round;
	struct llm_block_q8_0 rows[LLM_GROUP][LLM_TRIAL_COLUMNS / LLM_BLOCK] __aligned(64);
	struct llm_block_q8_0 groups[LLM_GROUP][LLM_TRIAL_COLUMNS / LLM_BLOCK] __aligned(64);
	struct llm_block_x8 input[LLM_TRIAL_ROWS][LLM_TRIAL_COLUMNS / LLM_BLOCK] __aligned(64);
	u32 results[LLM_TRIAL_ROWS][LLM_GROUP] __aligned(64);
};

/**
 * llm_trial_begin() - prepares a trial
 * @trial: memory
 */
void llm_trial_begin(struct llm_trial *trial);

/**
 * llm_trial_advance() - times one form once, which takes 10 to 40 microseconds, or
 *	as long as one product of LLM_TRIAL_COLUMNS by LLM_GROUP by LLM_TRIAL_ROWS
 * @trial: trial that is not over
 *
 * Uses the floating-point unit. The best of many times counts, so that one which
 * was interrupted does not.
 *
 * Return: whether the trial is over.
 */
bool llm_trial_advance(struct llm_trial *trial);

/**
 * llm_trial_choose() - which form to use
 * @rates: LLM_FORMS rates, as of struct llm_trial
 *
 * The widest of those that were timed, but for a narrower one that is faster by at
 * least a quarter. Forms agree to a bound and not in bits, and a machine shall
 * give the same bits whenever it is booted: where two are about as fast, what a
 * measurement says of them today must not decide.
 *
 * Return: its index for llm_form_at(); 0 where none was timed.
 */
u32 llm_trial_choose(const u32 *rates);

/**
 * llm_trial_form() - the form that somebody asks for
 * @trial: memory; its rates are 0 afterwards where none was timed
 * @name: a form's name, or "auto" for the one to use by a trial
 * @run: calls llm_trial_advance() until the trial is over
 *
 * Return: the form, or NULL where there is none of that name or it is not usable here.
 */
const struct llm_form *llm_trial_form(struct llm_trial *trial, const char *name,
				      void (*run)(struct llm_trial *trial));

#endif /* LLM_ENGINE_TRIAL_H */
