// SPDX-License-Identifier: GPL-2.0
/* Steps: the same bits alone or among others, with one worker or many. */
#include <math.h>
#include <pthread.h>
#include <sched.h>

#include "form.h"
#include "ops/op.h"
#include "repack.h"
#include "sampler.h"
#include "step.h"
#include "tap.h"
#include "tiny_image.h"

#define SESSIONS	5
#define LENGTH		70
#define BATCH		64
#define WORKERS		4

/* One model, and what it computes one token at a time: the reference. */
struct fixture {
	void *bytes;
	struct llm_image *image;
	struct llm_plan *plan;
	struct llm_step *step;
	struct llm_kv kv[SESSIONS];
	float *expected[SESSIONS];
};

static u32 token_of(u32 session, u32 position)
{
	return (session * 101 + position * 37 + 11) % TINY_IMAGE_VOCAB;
}

static struct llm_row row_of(struct fixture *f, u32 session, u32 position, bool output)
{
	return (struct llm_row) {
		.kv = &f->kv[session],
		.token = token_of(session, position),
		.position = position,
		.output = output,
	};
}

static void run_step(struct llm_step *step, u32 rows)
{
	enum llm_tile_result result;

	llm_step_begin(step, rows);
	do {
		result = llm_step_tile(step);
	} while (result == LLM_TILE_RAN);
	tap_check(result == LLM_TILE_LAST);
	tap_check(llm_step_tile(step) == LLM_TILE_OVER);
}

static size_t logits_size(void)
{
	return TINY_IMAGE_VOCAB * sizeof(float);
}

static void compute_expected(struct fixture *f, u32 session)
{
	for (u32 i = 0; i < LENGTH; i++) {
		f->step->rows[0] = row_of(f, session, i, i == LENGTH - 1);
		run_step(f->step, 1);
	}
	f->expected[session] = malloc(logits_size());
	memcpy(f->expected[session], llm_step_logits(f->step, 0), logits_size());
}

static const struct llm_form *widest_form(void)
{
	const struct llm_form *form, *widest = NULL;

	for (u32 i = 0; (form = llm_form_at(i)); i++)
		if (form->usable())
			widest = form;
	return widest;
}

/* What the models that follow are. */
static struct tiny_image_options kind;

static bool setup(struct fixture *f, u32 type, const struct llm_form *form)
{
	struct tiny_image_options options = kind;
	struct llm_error error = {};
	size_t size;

	options.seed = 7;
	options.type = type;
	memset(f, 0, sizeof(*f));
	f->bytes = tiny_image_build(&options, &size);
	if (!tap_check(f->bytes && !llm_image_open(&f->image, f->bytes, size, &error)) ||
	    !tap_check(!llm_plan_create(&f->plan, f->image, form, BATCH, 16, &error)) ||
	    !tap_check(!llm_step_create(&f->step, f->plan))) {
		printf("# %s\n", error.text);
		return false;
	}
	llm_repack(f->plan);
	for (u32 i = 0; i < SESSIONS; i++) {
		tap_check(!llm_kv_init(&f->kv[i], f->plan, LENGTH));
		tap_check(!llm_kv_reserve(&f->kv[i], LENGTH));
		compute_expected(f, i);
	}
	return true;
}

static void teardown(struct fixture *f)
{
	for (u32 i = 0; i < SESSIONS; i++) {
		llm_kv_destroy(&f->kv[i]);
		free(f->expected[i]);
	}
	llm_step_destroy(f->step);
	llm_plan_destroy(f->plan);
	llm_image_close(f->image);
	free(f->bytes);
}

/* Forgets what a session computed: nothing of it may be needed. */
static void clear_session(struct fixture *f, u32 session)
{
	for (u32 i = 0; i < f->kv[session].page_count; i++)
		memset(f->kv[session].pages[i]->data, 0xff, f->plan->page_bytes);
	if (f->kv[session].recurrent)
		memset(f->kv[session].recurrent, 0xff, f->plan->recurrent_bytes);
}

static bool is_expected(struct fixture *f, u32 session, u32 output)
{
	return !memcmp(llm_step_logits(f->step, output), f->expected[session], logits_size());
}

static void check_prompt_in_chunks(struct fixture *f, u32 chunk)
{
	clear_session(f, 0);
	for (u32 at = 0; at < LENGTH; at += chunk) {
		u32 rows = min(chunk, LENGTH - at);

		for (u32 i = 0; i < rows; i++)
			f->step->rows[i] = row_of(f, 0, at + i, at + i == LENGTH - 1);
		run_step(f->step, rows);
	}
	tap_check(is_expected(f, 0, 0));
}

/* Sessions of different length end in the same step. */
static void check_sessions_together(struct fixture *f)
{
	u32 rows;

	for (u32 i = 0; i < SESSIONS; i++)
		clear_session(f, i);
	for (u32 i = 0; i < LENGTH + SESSIONS; i++) {
		rows = 0;
		for (u32 s = 0; s < SESSIONS; s++)
			if (i >= s && i - s < LENGTH)
				f->step->rows[rows++] = row_of(f, s, i - s, i - s == LENGTH - 1);
		if (!rows)
			continue;
		run_step(f->step, rows);
		if (i >= LENGTH - 1 && i - (LENGTH - 1) < SESSIONS)
			tap_check(is_expected(f, i - (LENGTH - 1), 0));
	}
}

struct worker {
	struct llm_step *step;
	u32 last;
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	enum llm_tile_result result;

	do {
		result = llm_step_tile(worker->step);
		if (result == LLM_TILE_NONE)
			sched_yield();
		worker->last += result == LLM_TILE_LAST;
	} while (result == LLM_TILE_RAN || result == LLM_TILE_NONE);
	return NULL;
}

/* Returns how often workers were told that theirs was the last tile. */
static u32 run_with_workers(struct llm_step *step, u32 rows)
{
	struct worker workers[WORKERS];
	pthread_t threads[WORKERS];
	u32 last = 0;

	llm_step_begin(step, rows);
	for (u32 i = 0; i < WORKERS; i++) {
		workers[i] = (struct worker) { .step = step };
		pthread_create(&threads[i], NULL, work, &workers[i]);
	}
	for (u32 i = 0; i < WORKERS; i++) {
		pthread_join(threads[i], NULL);
		last += workers[i].last;
	}
	return last;
}

static void check_workers(struct fixture *f)
{
	u32 last = 0;

	clear_session(f, 1);
	for (u32 at = 0; at < LENGTH; at += BATCH) {
		u32 rows = min(BATCH, LENGTH - at);

		for (u32 i = 0; i < rows; i++)
			f->step->rows[i] = row_of(f, 1, at + i, at + i == LENGTH - 1);
		last += run_with_workers(f->step, rows);
	}
	tap_check(last == DIV_ROUND_UP(LENGTH, BATCH));
	tap_check(is_expected(f, 1, 0));
}

static void check_model(u32 type, const struct llm_form *form)
{
	struct fixture f;

	if (setup(&f, type, form)) {
		for (u32 chunk = 1; chunk <= BATCH; chunk = chunk * 2 + 1)
			check_prompt_in_chunks(&f, chunk);
		check_sessions_together(&f);
		for (u32 i = 0; i < 8; i++)
			check_workers(&f);
	}
	teardown(&f);
}

static void same_bits(u32 type)
{
	const struct llm_form *form;

	for (u32 i = 0; (form = llm_form_at(i)); i++)
		if (form->usable())
			check_model(type, form);
}

static float magnitude(float x)
{
	return x < 0 ? -x : x;
}

/*
 * Weights as they are, and repacked where the best form does that: what differs
 * is the rounding of sums, and now and then of a quantised number.
 */
static void repacked_type(u32 type)
{
	struct fixture plain, best;
	float largest = 0;

	if (!setup(&plain, type, &llm_form_portable) ||
	    !setup(&best, type, widest_form()))
		return;
	for (u32 i = 0; i < best.image->tensor_count; i++) {
		const struct llm_tensor *tensor = &best.image->tensors[i];
		/* The first tensor is looked up, not multiplied. */
		bool wanted = i > 0 && best.plan->form->matmul_groups[tensor->type] &&
			      tensor->rows >= LLM_GROUP;

		tap_check((tensor->layout == LLM_LAYOUT_GROUPS) == wanted);
	}
	for (u32 i = 0; i < TINY_IMAGE_VOCAB; i++)
		largest = max(largest, magnitude(plain.expected[0][i]));
	for (u32 i = 0; i < TINY_IMAGE_VOCAB; i++)
		tap_check(magnitude(plain.expected[0][i] - best.expected[0][i]) < largest / 32);
	teardown(&plain);
	teardown(&best);
}

static bool open_model(struct fixture *f, const struct tiny_image_options *options)
{
	struct llm_error error = {};
	size_t size;

	memset(f, 0, sizeof(*f));
	f->bytes = tiny_image_build(options, &size);
	return tap_check(f->bytes && !llm_image_open(&f->image, f->bytes, size, &error)) &&
	       tap_check(!llm_plan_create(&f->plan, f->image, widest_form(), 8, 8, &error)) &&
	       tap_check(!llm_step_create(&f->step, f->plan));
}

/* Tiles of F16 have groups beside what is left over, those of Q8_0 do not. */
static void repacked(void)
{
	repacked_type(LLM_TENSOR_Q8_0);
	repacked_type(LLM_TENSOR_F16);
}

/* A matrix that another instruction reads as it is must stay as it is. */
static void shared_stays(void)
{
	struct tiny_image_options options = { .seed = 7, .type = LLM_TENSOR_F32 };
	struct llm_insn *norm = NULL, *linear = NULL;
	struct fixture f;

	if (!open_model(&f, &options))
		return;
	for (u32 i = 0; i < f.image->program_count; i++) {
		struct llm_insn *insn = &f.image->program[i];

		if (insn->op == LLM_OP_NORM && !norm)
			norm = insn;
		if (insn->op == LLM_OP_LINEAR && !linear)
			linear = insn;
	}
	/* As if a norm had a row for each of its groups. */
	norm->tensor[0] = linear->tensor[0];
	llm_repack(f.plan);
	tap_check(f.image->tensors[linear->tensor[0]].layout == LLM_LAYOUT_ROWS);
	teardown(&f);
}

/* What a token looks up, from a table in rows and from the same in groups. */
static void looked_up_from_groups(u32 type)
{
	struct tiny_image_options options = { .seed = 7, .type = type };
	float before[2][64];
	struct fixture f;

	if (!open_model(&f, &options))
		return;
	const struct llm_insn *insn = &f.image->program[0];
	struct llm_tensor *table = &f.image->tensors[insn->tensor[0]];
	const float *found = (const float *)f.step->workspace +
			     f.plan->register_offset[insn->dst];
	u64 group = LLM_GROUP * table->row_bytes;
	u8 *groups = malloc(table->rows * table->row_bytes), *rows = table->data;
	struct llm_op_span row = { .first = 0, .end = 1 };

	tap_check(insn->op == LLM_OP_EMBED && table->columns == 64);
	memcpy(groups, rows, table->rows * table->row_bytes);
	for (u32 i = 0; i < table->rows / LLM_GROUP; i++)
		llm_group_rows(groups + i * group, rows + i * group, type, table->columns);
	for (u32 token = 0; token < table->rows; token++) {
		for (u32 i = 0; i < 2; i++) {
			table->layout = i ? LLM_LAYOUT_GROUPS : LLM_LAYOUT_ROWS;
			table->data = i ? groups : rows;
			f.step->rows[0] = (struct llm_row) { .token = token };
			llm_step_begin(f.step, 1);
			llm_op_find(LLM_OP_EMBED)->run_rows(f.step, insn, 0, row);
			memcpy(before[i], found, sizeof(before[i]));
		}
		tap_check(!memcmp(before[0], before[1], sizeof(before[0])));
	}
	table->data = rows;
	free(groups);
	teardown(&f);
}

static void look_up(void)
{
	looked_up_from_groups(LLM_TENSOR_F32);
	looked_up_from_groups(LLM_TENSOR_F16);
	looked_up_from_groups(LLM_TENSOR_Q8_0);
}

static void same_bits_f32(void)
{
	same_bits(LLM_TENSOR_F32);
}

static void same_bits_f16(void)
{
	same_bits(LLM_TENSOR_F16);
}

static void same_bits_q8_0(void)
{
	same_bits(LLM_TENSOR_Q8_0);
}

static void same_bits_kv_q8_0(void)
{
	kind = (struct tiny_image_options) { .kv_q8_0 = true };
	same_bits(LLM_TENSOR_F32);
	kind = (struct tiny_image_options) { 0 };
}

#define LONG 1200

/* A long text in steps of @chunk rows, the last of them by workers. */
static void run_long(struct fixture *f, u32 session, u32 chunk)
{
	tap_check(!llm_kv_init(&f->kv[session], f->plan, LONG));
	tap_check(!llm_kv_reserve(&f->kv[session], LONG));
	for (u32 at = 0, rows; at < LONG; at += rows) {
		rows = min(chunk, LONG - at);
		for (u32 i = 0; i < rows; i++) {
			f->step->rows[i] = row_of(f, 0, at + i, at + i == LONG - 1);
			f->step->rows[i].kv = &f->kv[session];
		}
		if (at + rows < LONG)
			run_step(f->step, rows);
		else
			tap_check(run_with_workers(f->step, rows) == 1);
	}
}

/*
 * A context of three chunks of the attention, computed one by one, all at once, and
 * two and then one, within a window or not: the same bits.
 */
static void long_context(u32 window)
{
	static const u32 chunks[SESSIONS] = { 1, BATCH, BATCH / 2, BATCH / 2 - 2, 3 };
	struct tiny_image_options options = { .seed = 3, .context = 2048 };
	struct llm_error error = {};
	struct fixture f = {};
	float last[TINY_IMAGE_VOCAB];
	size_t size;

	f.bytes = tiny_image_build(&options, &size);
	tap_check(f.bytes && !llm_image_open(&f.image, f.bytes, size, &error));
	for (u32 i = 0; i < f.image->program_count; i++)
		if (f.image->program[i].op == LLM_OP_ATTEND)
			f.image->program[i].arg[8] = window;
	tap_check(!llm_plan_create(&f.plan, f.image, widest_form(), BATCH, 16, &error));
	tap_check(!llm_step_create(&f.step, f.plan));
	for (u32 s = 0; s < SESSIONS; s++) {
		run_long(&f, s, chunks[s]);
		if (s)
			tap_check(!memcmp(last, llm_step_logits(f.step, 0), sizeof(last)));
		memcpy(last, llm_step_logits(f.step, 0), sizeof(last));
	}
	teardown(&f);
}

static void long_contexts(void)
{
	long_context(0);
	/* Its first chunk is the second, or lies in the last. */
	long_context(500);
	long_context(100);
}

/* One row of one key/value head or two: there is work for more workers than that. */
static void long_context_is_spread(void)
{
	struct tiny_image_options options = { .seed = 3, .layers = 1, .context = 32768 };
	const struct llm_op_type *op = llm_op_find(LLM_OP_ATTEND);
	const struct llm_insn *insn;
	struct fixture f;

	if (!open_model(&f, &options))
		return;
	for (insn = f.image->program; insn->op != LLM_OP_ATTEND; insn++)
		;
	f.step->row_count = 1;
	for (u32 positions = 512; positions <= 32768; positions *= 2) {
		f.step->positions = positions;
		tap_check(op->tiles(f.step, insn, 1) >= min(positions / 512, 8U) * insn->arg[4]);
	}
	teardown(&f);
}

/* Choices differ from row to row, and so what they share a pass over weights with. */
static void same_bits_experts(void)
{
	kind = (struct tiny_image_options) { .experts = true };
	same_bits(LLM_TENSOR_F32);
	same_bits(LLM_TENSOR_Q8_0);
	kind = (struct tiny_image_options) { 0 };
}

/* Rows see what earlier rows left, in this step and before; the last layer attends. */
static void same_bits_recurrent(void)
{
	kind = (struct tiny_image_options) { .recurrent = true, .layers = 3 };
	same_bits(LLM_TENSOR_F32);
	same_bits(LLM_TENSOR_Q8_0);
	kind = (struct tiny_image_options) { 0 };
}

/* Parts of prompts of several sessions, of different length, in the same steps. */
static void recurrent_prompts_together(void)
{
	u32 at[SESSIONS] = { 0 }, outputs[SESSIONS], left = 3 * LENGTH;
	struct fixture f;

	kind = (struct tiny_image_options) { .recurrent = true, .layers = 3 };
	if (setup(&f, LLM_TENSOR_F32, widest_form())) {
		for (u32 s = 0; s < 3; s++)
			clear_session(&f, s);
		for (u32 i = 1; left; i = i % 7 + 1) {
			u32 rows = 0, wanted = 0;

			for (u32 s = 0; s < 3; s++) {
				u32 count = min(i * (s + 1), LENGTH - at[s]);

				for (u32 r = 0; r < count; r++, at[s]++, left--)
					f.step->rows[rows++] = row_of(&f, s, at[s],
								      at[s] == LENGTH - 1);
				if (count && at[s] == LENGTH)
					outputs[wanted++] = s;
			}
			run_step(f.step, rows);
			for (u32 o = 0; o < wanted; o++)
				tap_check(is_expected(&f, outputs[o], o));
		}
	}
	kind = (struct tiny_image_options) { 0 };
	teardown(&f);
}

/* What is recurrent is there once, whatever the positions, and is counted. */
static void recurrent_memory(void)
{
	struct tiny_image_options options = { .seed = 7, .recurrent = true };
	struct fixture f;

	if (!open_model(&f, &options))
		return;
	tap_check(!f.plan->page_bytes && f.plan->recurrent_bytes > 64 * 16 * 4);
	tap_check(!llm_kv_init(&f.kv[0], f.plan, 100) && !llm_kv_memory(&f.kv[0]));
	tap_check(!llm_kv_reserve(&f.kv[0], 1) && !llm_kv_reserve(&f.kv[0], 100));
	tap_check(llm_kv_memory(&f.kv[0]) == f.plan->recurrent_bytes);
	tap_check(llm_kv_needs(f.plan, 100) == f.plan->recurrent_bytes);
	llm_kv_trim(&f.kv[0], 1);
	tap_check(f.kv[0].recurrent);
	llm_kv_trim(&f.kv[0], 0);
	tap_check(!f.kv[0].recurrent && !llm_kv_memory(&f.kv[0]));
	teardown(&f);
	options.layers = 3;
	if (!open_model(&f, &options))
		return;
	tap_check(!llm_kv_init(&f.kv[0], f.plan, 100) && !llm_kv_reserve(&f.kv[0], 100));
	tap_check(llm_kv_memory(&f.kv[0]) == llm_kv_needs(f.plan, 100));
	tap_check(llm_kv_needs(f.plan, 100) > 4 * f.plan->page_bytes + f.plan->recurrent_bytes);
	teardown(&f);
}

/* Runs all tiles of the instructions that look at what a register says. */
static void run_experts(struct fixture *f)
{
	for (u32 i = 0; i < f->image->program_count; i++) {
		const struct llm_insn *insn = &f->image->program[i];
		const struct llm_op_type *op = f->plan->ops[i];

		if (insn->op != LLM_OP_EXPERTS)
			continue;
		for (u32 part = 0; part < op->parts(f->step, insn); part++)
			for (u32 tile = 0; tile < op->tiles(f->step, insn, part); tile++)
				op->run(f->step, insn, part, tile);
	}
}

/* A route that is no route: experts that there are not, and what is no number. */
static void strange_routes(void)
{
	static const float values[] = { NAN, INFINITY, -INFINITY, -1, 6, 4e9f, 1e30f, 5.5f };
	struct tiny_image_options options = { .seed = 7, .experts = true };
	struct fixture f;
	u32 at = 0;
	float *rows;

	if (!open_model(&f, &options))
		return;
	while (f.image->program[at].op != LLM_OP_EXPERTS)
		at++;
	tap_check(!llm_kv_init(&f.kv[0], f.plan, 8) && !llm_kv_reserve(&f.kv[0], 8));
	for (u32 i = 0; i < 8; i++)
		f.step->rows[i] = row_of(&f, 0, i, true);
	run_step(f.step, 8);
	rows = (float *)f.step->workspace +
	       f.plan->register_offset[f.image->program[at].src[1]];
	for (u32 i = 0; i < 8 * 2 * TINY_IMAGE_CHOICES; i++)
		rows[i] = values[i % ARRAY_SIZE(values)];
	run_experts(&f);
	teardown(&f);
}

/* All rows of a text, from row @at of the step on. */
static void add_text(struct fixture *f, u32 at, u32 session, u32 length)
{
	for (u32 i = 0; i < length; i++) {
		f->step->rows[at + i] = row_of(f, session, i, true);
		f->step->rows[at + i].length = length;
		f->step->rows[at + i].output = LLM_OUTPUT_EMBEDDING;
	}
}

/* Every token sees all others: the same bits alone or among other texts. */
static void whole_texts(void)
{
	struct tiny_image_options options = { .seed = 9, .whole = true };
	static const u32 lengths[] = { 1, 40, 70 };
	float *alone[3], *first;
	struct fixture f;
	size_t size = 0;

	if (!open_model(&f, &options))
		return;
	tap_check(f.plan->whole_texts && f.plan->batch_rows == 256 && f.plan->output_rows == 256);
	for (u32 s = 0; s < 3; s++) {
		size = f.image->registers[f.image->model.embedding].width * sizeof(float);
		tap_check(!llm_kv_init(&f.kv[s], f.plan, lengths[s]));
		tap_check(!llm_kv_reserve(&f.kv[s], lengths[s]));
		add_text(&f, 0, s, lengths[s]);
		run_step(f.step, lengths[s]);
		alone[s] = malloc(lengths[s] * size);
		for (u32 i = 0; i < lengths[s]; i++)
			memcpy((u8 *)alone[s] + i * size, llm_step_embedding(f.step, i), size);
	}
	for (u32 s = 0, at = 0; s < 3; at += lengths[2 - s++])
		add_text(&f, at, 2 - s, lengths[2 - s]);
	run_step(f.step, 111);
	for (u32 s = 0, at = 0; s < 3; s++)
		for (u32 i = 0; i < lengths[2 - s]; i++, at++)
			tap_check(!memcmp((u8 *)alone[2 - s] + i * size,
					  llm_step_embedding(f.step, at), size));
	/* The first token's vector depends on the last token. */
	first = malloc(size);
	memcpy(first, alone[2], size);
	add_text(&f, 0, 2, lengths[2]);
	f.step->rows[lengths[2] - 1].token ^= 1;
	run_step(f.step, lengths[2]);
	tap_check(memcmp(first, llm_step_embedding(f.step, 0), size));
	free(first);
	for (u32 s = 0; s < 3; s++)
		free(alone[s]);
	teardown(&f);
}

/* Where only embeddings are wanted the logits are not computed. */
static void embeddings_alone(void)
{
	struct tiny_image_options options = { .seed = 9 };
	float *logits, *embedding;
	struct fixture f;
	size_t size;

	if (!open_model(&f, &options))
		return;
	size = f.image->registers[f.image->model.embedding].width * sizeof(float);
	logits = calloc(1, logits_size());
	embedding = malloc(size);
	tap_check(!llm_kv_init(&f.kv[0], f.plan, 2) && !llm_kv_reserve(&f.kv[0], 2));
	f.step->rows[0] = row_of(&f, 0, 0, true);
	f.step->rows[0].output = LLM_OUTPUT_EMBEDDING;
	run_step(f.step, 1);
	tap_check(!memcmp(logits, llm_step_logits(f.step, 0), logits_size()));
	memcpy(embedding, llm_step_embedding(f.step, 0), size);
	f.step->rows[1] = row_of(&f, 0, 1, true);
	run_step(f.step, 2);
	tap_check(memcmp(logits, llm_step_logits(f.step, 1), logits_size()));
	tap_check(!memcmp(embedding, llm_step_embedding(f.step, 0), size));
	free(logits);
	free(embedding);
	teardown(&f);
}

static struct llm_sampler *make_sampler(u32 session)
{
	struct llm_sampling_params params;
	struct llm_sampler *sampler;

	if (!tap_check(!llm_sampler_create(&sampler, TINY_IMAGE_VOCAB)))
		return NULL;
	llm_sampling_defaults(&params);
	params.seed = session;
	/* Some take longer than others: the likeliest, out of 40, out of all. */
	params.temperature = session % 3 ? 65536 : 0;
	params.top_k = session % 3 == 1 ? 40 : 0;
	params.repeat = 80000;
	llm_sampler_setup(sampler, &params);
	llm_sampler_see(sampler, token_of(session, 0));
	return sampler;
}

/* What a sampler chooses when it has the logits for itself. */
static u32 choose_alone(struct fixture *f, u32 session)
{
	struct llm_sampler *sampler = make_sampler(session);
	u32 token;

	llm_sampler_begin(sampler, f->expected[session]);
	while (!llm_sampler_advance(sampler))
		;
	token = llm_sampler_token(sampler);
	llm_sampler_destroy(sampler);
	return token;
}

/* The last rows of all sessions in one step; one session leaves its logits as they are. */
static void choices_in_the_step(void)
{
	const u32 left_out = 1;
	struct llm_sampler *samplers[SESSIONS];
	struct fixture f;

	if (!setup(&f, LLM_TENSOR_F32, &llm_form_portable))
		return;
	for (u32 i = 0; i < SESSIONS; i++) {
		samplers[i] = make_sampler(i);
		f.step->rows[i] = row_of(&f, i, LENGTH - 1, true);
		f.step->rows[i].sampler = i == left_out ? NULL : samplers[i];
	}
	tap_check(run_with_workers(f.step, SESSIONS) == 1);
	tap_check(is_expected(&f, left_out, left_out));
	for (u32 i = 0; i < SESSIONS; i++) {
		tap_check(i == left_out || (llm_sampler_chose(samplers[i]) &&
					    llm_sampler_token(samplers[i]) == choose_alone(&f, i)));
		llm_sampler_destroy(samplers[i]);
	}
	/* Without samplers the next step chooses nothing. */
	f.step->rows[0] = row_of(&f, left_out, LENGTH - 1, true);
	run_step(f.step, 1);
	tap_check(is_expected(&f, left_out, 0));
	teardown(&f);
}

static const struct tap_test tests[] = {
	{ "F32: the same bits alone, in chunks, among others, with four workers", same_bits_f32 },
	{ "F16: the same bits alone, in chunks, among others, with four workers", same_bits_f16 },
	{ "Q8_0: the same bits alone, in chunks, among others, with four workers", same_bits_q8_0 },
	{ "keys and values in Q8_0: the same bits in any company", same_bits_kv_q8_0 },
	{ "repacked weights compute what they did before", repacked },
	{ "a matrix that is not only multiplied is not repacked", shared_stays },
	{ "rows looked up are the same from groups", look_up },
	{ "experts: the same bits alone, in chunks, among others", same_bits_experts },
	{ "recurrent: the same bits alone, in chunks, among others", same_bits_recurrent },
	{ "recurrent: prompts of several sessions in the same steps", recurrent_prompts_together },
	{ "recurrent state takes the same memory for any positions", recurrent_memory },
	{ "experts that there are not do no harm", strange_routes },
	{ "whole texts: the same bits alone and among others", whole_texts },
	{ "where only embeddings are wanted there are no logits", embeddings_alone },
	{ "tokens chosen in a step are those that are chosen after it", choices_in_the_step },
	{ "1200 positions: the same bits one by one, in chunks, with four workers", long_contexts },
	{ "a long context is spread over workers", long_context_is_spread },
};

int main(void)
{
	return tap_run(tests, sizeof(tests) / sizeof(tests[0]));
}
