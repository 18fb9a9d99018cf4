// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit over the forms of the hot loops: each against the portable one. Built
 * where the kernel has KUnit; runs when the module is loaded.
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "compat.h"
#include "engine/check.h"

#define SEEDS 16

static void form_to_name(const struct llm_form *const *form, char *name)
{
	strscpy(name, (*form)->name, KUNIT_PARAM_DESC_SIZE);
}

static const struct llm_form *const forms[] = {
	&llm_form_portable,
#ifdef LLM_X86
	&llm_form_avx2,
#endif
};

KUNIT_ARRAY_PARAM(form, forms, form_to_name);

static void form_agrees(struct kunit *test)
{
	const struct llm_form *const *form = test->param_value;
	struct llm_error error = {};
	struct llm_check *check;
	int seed, err;

	if (!(*form)->usable())
		kunit_skip(test, "this processor can't run it");
	check = kunit_kzalloc(test, sizeof(*check), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, check);
	check->form = *form;
	check->error = &error;
	for (seed = 0; seed < SEEDS; seed++) {
		check->random = seed;
		kernel_fpu_begin();
		err = llm_check_form(check);
		kernel_fpu_end();
		KUNIT_ASSERT_EQ_MSG(test, err, 0, "seed %d: %s", seed, error.text);
	}
}

static struct kunit_case form_cases[] = {
	KUNIT_CASE_PARAM(form_agrees, form_gen_params),
	{}
};

static struct kunit_suite form_suite = {
	.name = "llm_forms",
	.test_cases = form_cases,
};

kunit_test_suite(form_suite);
