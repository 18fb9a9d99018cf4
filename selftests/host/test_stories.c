// SPDX-License-Identifier: GPL-2.0
/* A trained model: the continuation that every correct engine makes. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "form.h"
#include "llmctl.h"
#include "request.h"
#include "scoring.h"
#include "shared.h"
#include "tap.h"

#define MODEL		"models/stories260K.gguf"
#define EXPECTED	"models/stories260K.greedy.txt"
#define PROMPT		"Once upon a time"
#define TOKENS		100
#define BATCH		3
#define POSITIONS	(TOKENS + 8)

/* A session on the model, and what is expected of it. */
struct fixture {
	char *expected;
	void *bytes;
	struct llm_image *image;
	struct llm_plan *plan;
	struct llm_step *step;
	struct llm_kv kv;
	struct llm_tokenizer *tokenizer;
	struct llm_sampler *sampler;
	struct llm_reply reply;
	u32 prompt[16];
	struct llm_request request;
};

static void *read_image(u64 *size)
{
	struct llmctl_model *model;
	char path[4096];
	void *bytes;

	if (!shared_path(path, sizeof(path), MODEL))
		return NULL;
	if (!tap_check(!llmctl_model_open(&model, path, LLMCTL_KEEP_TYPES, LLMCTL_KV_DEFAULT, NULL,
					  NULL)))
		return NULL;
	*size = llmctl_model_facts(model)->size;
	bytes = aligned_alloc(LLM_IMAGE_ALIGN, ALIGN(*size, LLM_IMAGE_ALIGN));
	tap_check(bytes && !llmctl_model_write(model, bytes, NULL, NULL, NULL));
	llmctl_model_close(model);
	return bytes;
}

static void teardown(struct fixture *f)
{
	llm_sampler_destroy(f->sampler);
	llm_tokenizer_destroy(f->tokenizer);
	llm_kv_destroy(&f->kv);
	llm_step_destroy(f->step);
	llm_plan_destroy(f->plan);
	llm_image_close(f->image);
	free(f->bytes);
	free(f->expected);
}

static bool open_model(struct fixture *f, const struct llm_form *form, u64 size)
{
	struct llm_error error = { "" };

	if (tap_check(!llm_image_open(&f->image, f->bytes, size, &error)) &&
	    tap_check(!llm_plan_create(&f->plan, f->image, form, BATCH, BATCH, &error)) &&
	    tap_check(!llm_step_create(&f->step, f->plan)) &&
	    tap_check(!llm_kv_init(&f->kv, f->plan, POSITIONS)) &&
	    tap_check(!llm_kv_reserve(&f->kv, POSITIONS)) &&
	    tap_check(!llm_tokenizer_create(&f->tokenizer, f->image, &error)) &&
	    tap_check(!llm_sampler_create(&f->sampler, f->image->model.vocab_size)))
		return true;
	printf("# %s\n", error.text);
	return false;
}

/* False where the files are not there, the test then skipped, or can't be used. */
static bool setup(struct fixture *f, const struct llm_form *form)
{
	struct llm_sampling_params params;
	u64 size;

	memset(f, 0, sizeof(*f));
	f->expected = shared_read(EXPECTED);
	f->bytes = read_image(&size);
	if (!f->expected || !f->bytes) {
		tap_skip(SHARED_MISSING);
		teardown(f);
		return false;
	}
	if (!open_model(f, form, size)) {
		teardown(f);
		return false;
	}
	llm_sampling_defaults(&params);
	params.temperature = 0;
	llm_sampler_setup(f->sampler, &params);
	llm_reply_begin(&f->reply, NULL, 0);
	f->request = (struct llm_request) {
		.kv = &f->kv,
		.tokenizer = f->tokenizer,
		.sampler = f->sampler,
		.reply = &f->reply,
		.prompt = f->prompt,
		.max_tokens = TOKENS,
		.context = POSITIONS,
	};
	tap_check(!llm_tokenize(f->tokenizer, (const u8 *)PROMPT, strlen(PROMPT), LLM_TEXT_BEGIN,
				f->prompt, ARRAY_SIZE(f->prompt), &f->request.prompt_count));
	return true;
}

/* Where a line of the file that begins with @name goes on. */
static const char *find_line(const struct fixture *f, const char *name)
{
	const char *found = strstr(f->expected, name);

	return found ? found + strlen(name) : "";
}

static void run_rows(struct fixture *f, u32 rows)
{
	llm_step_begin(f->step, rows);
	while (llm_step_tile(f->step) == LLM_TILE_RAN)
		;
}

/* Makes one step of the request; returns outputs there are. */
static u32 run_step(struct fixture *f)
{
	u32 outputs = BATCH;
	u32 rows = llm_request_rows(&f->request, f->step->rows, BATCH, &outputs);

	run_rows(f, rows);
	llm_request_computed(&f->request, rows);
	return outputs;
}

static void check_continuation(struct fixture *f)
{
	const char *ids = find_line(f, "generated_ids:");
	const char *text = find_line(f, "text:\n" PROMPT);
	u32 token, ready;
	char *end;

	llm_request_begin(&f->request);
	while (f->request.end == LLM_END_NONE) {
		if (!run_step(f))
			continue;
		token = llm_sampler_token(f->sampler);
		tap_check(strtoul(ids, &end, 10) == token && end != ids);
		ids = end;
		llm_request_token(&f->request, token, &ready);
		tap_check(!strncmp(text, (char *)f->reply.held, ready));
		text += ready;
		llm_reply_shown(&f->reply, ready);
	}
	tap_check(f->request.end == LLM_END_LENGTH && f->request.made == TOKENS);
	tap_check(!strcmp(text, "") || !strcmp(text, "\n"));
}

static void the_prompt_has_its_tokens(void)
{
	struct fixture f;
	const char *ids;
	char *end;

	if (!setup(&f, &llm_form_portable))
		return;
	ids = find_line(&f, "prompt_ids:");
	for (u32 i = 0; i < f.request.prompt_count; i++) {
		tap_check(strtoul(ids, &end, 10) == f.prompt[i] && end != ids);
		ids = end;
	}
	tap_check(f.request.prompt_count == 5 && *ids == '\n');
	teardown(&f);
}

static void every_form_makes_the_continuation(void)
{
	const struct llm_form *form;
	struct fixture f;

	for (u32 i = 0; (form = llm_form_at(i)); i++) {
		if (!form->usable() || !setup(&f, form))
			continue;
		check_continuation(&f);
		teardown(&f);
	}
}

static void check_logits(struct fixture *f, u32 position, const char *name)
{
	const char *numbers = find_line(f, name);
	const float *logits;
	char *end;

	for (u32 i = 0; i <= position; i++) {
		f->step->rows[0] = (struct llm_row) {
			.kv = &f->kv,
			.token = f->prompt[i],
			.position = i,
			.output = true,
		};
		run_rows(f, 1);
	}
	logits = llm_step_logits(f->step, 0);
	for (u32 i = 0; i < f->image->model.vocab_size; i++) {
		float wanted = strtof(numbers, &end);

		if (!tap_check(end != numbers && fabsf(wanted - logits[i]) < 0.02f))
			printf("# logit %u: %g, not %g\n", i, logits[i], wanted);
		numbers = end;
	}
}

static void logits_are_near_the_expected(void)
{
	const struct llm_form *form;
	struct fixture f;

	for (u32 i = 0; (form = llm_form_at(i)); i++) {
		if (!form->usable() || !setup(&f, form))
			continue;
		check_logits(&f, 0, "logits_pos0:");
		check_logits(&f, 4, "logits_pos4:");
		teardown(&f);
	}
}

/* Scores the expected text; its mean is written in the file, of the made tokens. */
static void scoring_agrees_with_the_expected(void)
{
	u32 tokens[POSITIONS];
	struct llm_scoring scoring;
	struct fixture f;
	const char *ids;
	double sum = 0;
	u32 index = 1;
	char *end;

	if (!setup(&f, &llm_form_portable))
		return;
	memcpy(tokens, f.prompt, f.request.prompt_count * sizeof(*tokens));
	ids = find_line(&f, "generated_ids:");
	for (u32 i = 0; i < TOKENS; i++) {
		tokens[f.request.prompt_count + i] = strtoul(ids, &end, 10);
		ids = end;
	}
	f.request.prompt = tokens;
	f.request.prompt_count += TOKENS;
	f.request.score = true;
	llm_request_begin(&f.request);
	while (f.request.end == LLM_END_NONE) {
		u32 outputs = run_step(&f);

		for (u32 i = 0; i < outputs; i++, index++) {
			llm_scoring_begin(&scoring, llm_step_logits(f.step, i),
					  f.image->model.vocab_size, tokens[index], 1);
			while (!llm_scoring_advance(&scoring))
				;
			if (index < f.request.prompt_count - TOKENS)
				continue;
			tap_check(scoring.best[0].token == tokens[index]);
			sum -= scoring.result.logprob / 65536.0;
		}
	}
	tap_check(index == f.request.prompt_count);
	tap_check(fabs(sum / TOKENS - strtod(find_line(&f, "mean_nll_of_greedy:"), NULL)) < 0.001);
	teardown(&f);
}

static const struct tap_test tests[] = {
	{ "the prompt has its tokens", the_prompt_has_its_tokens },
	{ "every form makes the expected continuation", every_form_makes_the_continuation },
	{ "logits are near the expected", logits_are_near_the_expected },
	{ "scoring agrees with the expected", scoring_agrees_with_the_expected },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
