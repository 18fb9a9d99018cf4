// SPDX-License-Identifier: GPL-2.0
/* The forms of the hot loops, each against the portable one. */
#include "check.h"
#include "tap.h"

#define SEEDS 64

static void check_form(const struct llm_form *form)
{
	static struct llm_check check;
	struct llm_error error = {};

	if (!form->usable()) {
		tap_skip("this processor can't run it");
		return;
	}
	check.form = form;
	check.error = &error;
	for (int seed = 0; seed < SEEDS; seed++) {
		check.random = seed;
		if (!tap_check(llm_check_form(&check) == 0)) {
			printf("# seed %d: %s\n", seed, error.text);
			return;
		}
	}
}

static void portable_agrees(void)
{
	check_form(&llm_form_portable);
}

#ifdef LLM_X86
static void avx2_agrees(void)
{
	check_form(&llm_form_avx2);
}

static void avx512_agrees(void)
{
	check_form(&llm_form_avx512);
}
#endif

static void forms_are_found_by_name(void)
{
	const struct llm_form *form;

	for (u32 i = 0; (form = llm_form_at(i)); i++)
		if (form->usable())
			tap_check(llm_form_find(form->name) == form);
	tap_check(llm_form_find("portable") == &llm_form_portable);
	tap_check(llm_form_find("auto") && llm_form_find("auto") == llm_form_find(NULL));
	tap_check(!llm_form_find("no such form"));
}

static const struct tap_test tests[] = {
	{ "the portable form agrees with itself", portable_agrees },
#ifdef LLM_X86
	{ "the avx2 form agrees with the portable form", avx2_agrees },
	{ "the avx512 form agrees with the portable form", avx512_agrees },
#endif
	{ "forms are found by name", forms_are_found_by_name },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
