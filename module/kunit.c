// SPDX-License-Identifier: GPL-2.0
/*
 * KUnit over the forms of the hot loops, each against the portable one, and over
 * the order of turns. Built where the kernel has KUnit; runs when the module is
 * loaded.
 */
#include <kunit/test.h>
#include <linux/slab.h>

#include "compat.h"
#include "engine/check.h"
#include "queue.h"

#define SEEDS 16

static void form_to_name(const struct llm_form *const *form, char *name)
{
	strscpy(name, (*form)->name, KUNIT_PARAM_DESC_SIZE);
}

static const struct llm_form *const forms[] = {
	&llm_form_portable,
#ifdef LLM_X86
	&llm_form_avx2,
	&llm_form_avxvnni,
	&llm_form_avx512,
	&llm_form_avx512bf16,
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

static void no_form_is_left_out(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(forms); i++)
		KUNIT_EXPECT_PTR_EQ(test, llm_form_at(i), forms[i]);
	KUNIT_EXPECT_NULL(test, llm_form_at(i));
}

static struct kunit_case form_cases[] = {
	KUNIT_CASE_PARAM(form_agrees, form_gen_params),
	KUNIT_CASE(no_form_is_left_out),
	{}
};

static struct kunit_suite form_suite = {
	.name = "llm_forms",
	.test_cases = form_cases,
};

/* Four jobs: 0, 1 and 3 of user 0, 2 of user 1. */
static const uid_t owners[] = { 0, 0, 1, 0 };

struct turns {
	struct llm_queue queue;
	struct llm_place places[ARRAY_SIZE(owners)];
};

static int queue_begin(struct kunit *test)
{
	struct turns *turns = kunit_kzalloc(test, sizeof(*turns), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, turns);
	test->priv = turns;
	llm_queue_init(&turns->queue);
	for (i = 0; i < ARRAY_SIZE(owners); i++)
		llm_queue_add(&turns->queue, &turns->places[i], KUIDT_INIT(owners[i]));
	return 0;
}

/* Serves whose turn it is; @expected has a digit for each time. */
static void expect_turns(struct kunit *test, const char *expected)
{
	struct turns *turns = test->priv;
	struct llm_party *party;
	struct llm_place *place;

	for (; *expected; expected++) {
		party = list_first_entry(&turns->queue.parties, struct llm_party, link);
		place = list_first_entry(&party->places, struct llm_place, link);
		KUNIT_EXPECT_EQ(test, place - turns->places, *expected - '0');
		llm_queue_served(&turns->queue, place);
	}
}

static void queue_users_in_turn(struct kunit *test)
{
	expect_turns(test, "0212320212");
}

/* Job 0 is where the party of user 0 lies. */
static void queue_first_job_goes(struct kunit *test)
{
	struct turns *turns = test->priv;

	llm_queue_remove(&turns->places[0]);
	memset(&turns->places[0], 0x5a, sizeof(turns->places[0]));
	expect_turns(test, "123212");
	llm_queue_remove(&turns->places[1]);
	memset(&turns->places[1], 0x5a, sizeof(turns->places[1]));
	expect_turns(test, "3232");
}

static void queue_user_goes(struct kunit *test)
{
	struct turns *turns = test->priv;

	llm_queue_remove(&turns->places[2]);
	memset(&turns->places[2], 0x5a, sizeof(turns->places[2]));
	expect_turns(test, "013013");
	llm_queue_add(&turns->queue, &turns->places[2], KUIDT_INIT(1));
	expect_turns(test, "02123");
}

static void queue_walks_each_job_once(struct kunit *test)
{
	struct turns *turns = test->priv;
	struct llm_party *party;
	int seen = 0;

	expect_turns(test, "02");
	llm_queue_rewind(&turns->queue);
	list_for_each_entry(party, &turns->queue.parties, link) {
		struct llm_place *place;

		while ((place = llm_queue_next(party)))
			seen = seen * 10 + (place - turns->places) + 1;
	}
	KUNIT_EXPECT_EQ(test, seen, 2413);
}

static struct kunit_case queue_cases[] = {
	KUNIT_CASE(queue_users_in_turn),
	KUNIT_CASE(queue_first_job_goes),
	KUNIT_CASE(queue_user_goes),
	KUNIT_CASE(queue_walks_each_job_once),
	{}
};

static struct kunit_suite queue_suite = {
	.name = "llm_queue",
	.init = queue_begin,
	.test_cases = queue_cases,
};

kunit_test_suites(&form_suite, &queue_suite);
