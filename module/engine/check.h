/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_CHECK_H
#define LLM_ENGINE_CHECK_H

#include "error.h"
#include "form.h"

/** LLM_CHECK_ROWS - rows and outputs of the products that are checked. */
#define LLM_CHECK_ROWS		15
/** LLM_CHECK_GROUPED - most outputs of the products of weights in groups. */
#define LLM_CHECK_GROUPED	(5 * LLM_GROUP)
/** LLM_CHECK_COLUMNS - most columns that are checked. */
#define LLM_CHECK_COLUMNS	512

/**
 * struct llm_check - memory for checking a form against the portable one
 * @form: form to check
 * @random: state of the random numbers
 * @error: gets what differs
 *
 * The rest is the check's own: inputs, and results of both forms.
 */
struct llm_check {
	const struct llm_form *form;
	u64 random;
	struct llm_error *error;
	/* private: */
	u8 groups[LLM_CHECK_GROUPED * LLM_CHECK_COLUMNS * 4] __aligned(64);
	u8 weights[LLM_CHECK_GROUPED * LLM_CHECK_COLUMNS * 4] __aligned(64);
	u8 keys[LLM_CHECK_COLUMNS * LLM_PAGE_POSITIONS * 4] __aligned(64);
	u8 values[LLM_CHECK_COLUMNS * LLM_PAGE_POSITIONS * 4] __aligned(64);
	u8 input[LLM_CHECK_ROWS * LLM_CHECK_COLUMNS * 4] __aligned(64);
	u8 results[3][LLM_CHECK_ROWS * LLM_CHECK_COLUMNS * 4] __aligned(64);
};

/**
 * llm_check_form() - compares every function of a form with the portable form's
 * @check: memory, its upper fields set
 *
 * What rounds once must be the same bits; sums may differ by their rounding:
 * 2e-6 of the sum of magnitudes, products 1e-5 of the largest; exp() and what
 * uses it by 2e-6 of the result, or what its argument's rounding makes of it.
 * A product, and what a query sees, must be the same bits alone and among others.
 *
 * Uses the floating-point unit. Return: 0, or -EINVAL with the first difference.
 */
int llm_check_form(struct llm_check *check);

#endif /* LLM_ENGINE_CHECK_H */
