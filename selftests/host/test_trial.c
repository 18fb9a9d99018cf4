// SPDX-License-Identifier: GPL-2.0
/* How the form of the hot loops is chosen. */
#include "tap.h"
#include "trial.h"

/* Whether this form is chosen where they have these rates, the narrowest first. */
#define chooses(index, ...) ({						\
	const u32 rates[LLM_FORMS] = { __VA_ARGS__ };			\
									\
	llm_trial_choose(rates) == (index);				\
})

static void the_widest_is_chosen(void)
{
	tap_check(chooses(3, 700, 60000, 100000, 170000));
	tap_check(chooses(3, 1000, 1000, 1000, 1000));
	tap_check(chooses(3, 1, 1, 1, U32_MAX));
}

static void what_was_not_timed_is_left_out(void)
{
	tap_check(chooses(0, 700));
	tap_check(chooses(1, 700, 60000));
	tap_check(chooses(2, 700, 0, 600));
	tap_check(chooses(3, 0, 0, 0, 1));
	tap_check(chooses(0, 0));
}

static void noise_decides_nothing(void)
{
	u32 percent, c, d;

	for (percent = 76; percent < 125; percent++) {
		d = 100000 * percent / 100;
		tap_check(chooses(3, 700, 60000, 95000, d) == (d > 76000));
	}
	/* Each of three as much as an eighth off from what all of them are. */
	for (c = 90000; c <= 112000; c += 1000)
		for (d = 90000; d <= 112000; d += 1000)
			tap_check(chooses(3, 700, 112000, c, d));
}

static void a_quarter_decides(void)
{
	tap_check(chooses(2, 700, 60000, 125000, 100000));
	tap_check(chooses(3, 700, 60000, 124999, 100000));
	tap_check(chooses(1, 700, 125000, 100000, 90000));
	/* The widest of those that are about as fast. */
	tap_check(chooses(2, 700, 120000, 120000, 90000));
	tap_check(chooses(2, 700, 149999, 120000, 90000));
	tap_check(chooses(1, 700, 150000, 120000, 90000));
	tap_check(chooses(0, U32_MAX, 1, 1, 1));
}

static void run(struct llm_trial *trial)
{
	while (!llm_trial_advance(trial))
		;
}

static void usable_forms_are_timed(void)
{
	struct llm_trial trial;
	const struct llm_form *form;
	u32 i;

	llm_trial_begin(&trial);
	run(&trial);
	for (i = 0; i < LLM_FORMS; i++) {
		form = llm_form_at(i);
		tap_check(!trial.rates[i] == !(form && form->usable()));
	}
}

static void never(struct llm_trial *trial)
{
	(void)trial;
	tap_check(false);
}

static void a_form_that_is_named_is_not_timed(void)
{
	static const u32 none[LLM_FORMS];
	const struct llm_form *form;
	struct llm_trial trial;

	for (u32 i = 0; (form = llm_form_at(i)); i++) {
		memset(&trial, 0xff, sizeof(trial));
		tap_check(llm_trial_form(&trial, form->name, never) ==
			  (form->usable() ? form : NULL));
		tap_check(!memcmp(trial.rates, none, sizeof(none)));
	}
	tap_check(!llm_trial_form(&trial, "no such form", never));
	form = llm_trial_form(&trial, "auto", run);
	tap_check(form && form == llm_form_at(llm_trial_choose(trial.rates)));
}

static const struct tap_test tests[] = {
	{ "the widest form is chosen", the_widest_is_chosen },
	{ "forms that were not timed are left out", what_was_not_timed_is_left_out },
	{ "noise decides nothing", noise_decides_nothing },
	{ "a narrower form is chosen where it is faster by a quarter", a_quarter_decides },
	{ "all forms that are usable are timed", usable_forms_are_timed },
	{ "no form is timed where one is named", a_form_that_is_named_is_not_timed },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
