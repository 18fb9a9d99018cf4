// SPDX-License-Identifier: GPL-2.0
/*
 * Any image. What the verifier accepts is run: a few steps, with sampling and
 * scoring of what comes out.
 */
#include <string.h>

#include "form.h"
#include "fuzz.h"
#include "plan.h"
#include "pooling.h"
#include "ranking.h"
#include "sampler.h"
#include "scoring.h"
#include "step.h"
#include "tokenizer.h"

#define BATCH		3
#define OUTPUTS		2
#define POSITIONS	40
/* More would be no other test, only a slower one. */
#define MAX_WORK	(8ULL << 20)

static bool is_small(const struct llm_plan *plan)
{
	const struct llm_image *image = plan->image;
	u64 work = plan->workspace_bytes + plan->page_bytes +
		   plan->recurrent_bytes;

	for (u32 i = 0; i < image->program_count; i++) {
		u32 tensor = image->program[i].tensor[0];

		work += 4096;
		if (tensor < image->tensor_count)
			work += image->tensors[tensor].row_bytes * image->tensors[tensor].rows;
	}
	return work < MAX_WORK;
}

static void choose(const struct llm_plan *plan, struct llm_step *step, u32 output)
{
	u32 vocab_size = plan->image->model.vocab_size;
	u32 best_count = min(vocab_size, 5U);
	struct llm_sampling_params params;
	struct llm_sampler *sampler;
	struct llm_scoring scoring;

	llm_scoring_begin(&scoring, llm_step_logits(step, output), vocab_size, 0, best_count);
	while (!llm_scoring_advance(&scoring))
		;
	must(scoring.result.logprob <= 0);
	for (u32 i = 0; i < best_count; i++)
		must(scoring.best[i].token < vocab_size && scoring.best[i].logprob <= 0);

	must(!llm_sampler_create(&sampler, vocab_size));
	llm_sampling_defaults(&params);
	params.top_k = output ? 0 : 40;
	llm_sampler_setup(sampler, &params);
	llm_sampler_begin(sampler, llm_step_logits(step, output));
	while (!llm_sampler_advance(sampler))
		;
	must(llm_sampler_token(sampler) < vocab_size);
	llm_sampler_destroy(sampler);
}

static void pool(const struct llm_plan *plan, struct llm_step *step, u32 output)
{
	const struct llm_image *image = plan->image;
	struct llm_pooling pooling = {
		.kind = LLM_POOLING_NONE,
		.width = image->registers[image->model.embedding].width,
	};
	s32 *vector = malloc(pooling.width * sizeof(*vector));

	must(vector);
	pooling.vectors = vector;
	llm_pooling_begin(&pooling, llm_step_embedding(step, output), true);
	while (!llm_pooling_advance(&pooling))
		;
	must(pooling.vectors == vector + pooling.width);
	free(vector);
}

static void run(const struct llm_plan *plan)
{
	struct llm_step *step;
	struct llm_kv kv = { 0 };
	/* A text that is seen whole is computed in one step. */
	u32 most = plan->whole_texts ? BATCH : POSITIONS;
	u32 positions = min(plan->image->model.context_length, most);
	u32 rows;

	must(!llm_step_create(&step, plan));
	must(!llm_kv_init(&kv, plan, positions) && !llm_kv_reserve(&kv, positions));
	for (u32 at = 0; at < positions; at += rows) {
		rows = min(BATCH, positions - at);
		for (u32 i = 0; i < rows; i++)
			step->rows[i] = (struct llm_row) {
				.kv = &kv,
				.token = (at + i) % plan->image->model.vocab_size,
				.position = at + i,
				.output = i < OUTPUTS,
			};
		llm_step_begin(step, rows);
		while (llm_step_tile(step) == LLM_TILE_RAN)
			;
	}
	for (u32 i = 0; i < min(OUTPUTS, rows); i++) {
		if (plan->image->model.logits != LLM_IMAGE_NONE)
			choose(plan, step, i);
		if (plan->image->model.embedding != LLM_IMAGE_NONE)
			pool(plan, step, i);
	}
	llm_kv_destroy(&kv);
	llm_step_destroy(step);
}

/* A pair of texts with the words around them, as many tokens as they may be. */
static void rank(const struct llm_image *image, const struct llm_tokenizer *tokenizer)
{
	const struct llm_text_part texts[] = {
		{ (const u8 *)"the</s>", 7, 0 }, { (const u8 *)"\xff end", 5, LLM_TEXT_SPECIAL },
	};
	u32 room = llm_tokenizer_most(tokenizer, LLM_RANKING_MOST + 12);
	u32 *tokens = calloc(room, sizeof(*tokens));
	u32 count;

	must(tokens);
	must(!llm_ranking_tokenize(tokenizer, image->ranking, texts, tokens, room, &count));
	for (u32 i = 0; i < count; i++)
		must(tokens[i] < image->model.vocab_size);
	free(tokens);
}

static void tokenize(const struct llm_image *image)
{
	static const u8 text[] = "the <user>\xe2\x82\xac</s> \xff end";
	struct llm_tokenizer *tokenizer;
	struct llm_error error = { "" };
	u32 tokens[64];
	u32 count;

	if (llm_tokenizer_create(&tokenizer, image, &error)) {
		must(error.text[0]);
		return;
	}
	must(!llm_tokenize(tokenizer, text, sizeof(text) - 1, LLM_TEXT_BEGIN | LLM_TEXT_SPECIAL,
			   tokens, 64, &count));
	for (u32 i = 0; i < count; i++) {
		must(tokens[i] < image->model.vocab_size);
		llm_token_text(tokenizer, tokens[i], 0, &(u32){ 0 });
	}
	if (image->ranking)
		rank(image, tokenizer);
	llm_tokenizer_destroy(tokenizer);
}

/* A form that this processor has, one or the other. */
static const struct llm_form *pick_form(size_t size)
{
	const struct llm_form *form = llm_form_at(0);

	for (u32 i = size / 64 % 4; i > 0; i--)
		if (llm_form_at(i) && llm_form_at(i)->usable())
			return llm_form_at(i);
	return form;
}

int fuzz_one(const u8 *data, size_t size)
{
	struct llm_error error = { "" };
	struct llm_image *image;
	struct llm_plan *plan;
	void *bytes;
	int code;

	/* An allocation as long as the image, so that one byte more is found. */
	must(!posix_memalign(&bytes, LLM_IMAGE_ALIGN, size ? size : 1));
	memcpy(bytes, data, size);
	code = llm_image_open(&image, bytes, size, &error);
	if (!code) {
		tokenize(image);
		code = llm_plan_create(&plan, image, pick_form(size), BATCH, OUTPUTS, &error);
		if (!code) {
			if (is_small(plan))
				run(plan);
			llm_plan_destroy(plan);
		}
		llm_image_close(image);
	}
	must(!code == !error.text[0]);
	free(bytes);
	return 0;
}

static u32 next_random(u64 *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 32;
}

static u32 new_value(u64 *random, u32 old)
{
	static const u32 values[] = {
		0, 1, 2, 3, 16, 31, 32, 33, 64, 127, 255, 256, 0x7fff, 0xffff, 0x10000, 0x7fffffff,
		0x80000000, 0xfffffffe, 0xffffffff, 0x7f800000, 0x7fc00000, 0x3f800000,
	};

	switch (next_random(random) % 6) {
	case 0:
		return values[next_random(random) % ARRAY_SIZE(values)];
	case 1:
		return old + next_random(random) % 9 - 4;
	case 2:
		return old ^ 1U << next_random(random) % 32;
	case 3:
		return old * 2;
	case 4:
		return old / 2;
	default:
		return next_random(random) % 64;
	}
}

/*
 * Most of an image is weights, which are harmless whatever they are: changes
 * what comes before them, a number of two, four or eight bytes at a time, to
 * something that is likely to matter.
 */
size_t fuzz_mutate(u8 *data, size_t size, size_t max_size, unsigned int seed)
{
	size_t head = min(size, 8192);
	u64 random = seed;

	if (size < 64 || next_random(&random) % 8 == 0)
		return fuzz_mutate_bytes(data, size, max_size);
	for (u32 changes = 1 + next_random(&random) % 3; changes > 0; changes--) {
		size_t at = next_random(&random) % (head / 8) * 8;
		u32 width = 2U << next_random(&random) % 3;
		u64 value = 0;

		at += next_random(&random) % (8 / width) * width;
		memcpy(&value, data + at, width);
		value = new_value(&random, value) | (width == 8 ? value >> 32 << 32 : 0);
		memcpy(data + at, &value, width);
	}
	return size;
}
