// SPDX-License-Identifier: GPL-2.0
/*
 * What an instruction makes of its sources, compared with its formula in double
 * precision. Each test changes one instruction of a small model.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "form.h"
#include "number.h"
#include "ops/op.h"
#include "plan.h"
#include "step.h"
#include "tap.h"
#include "tiny_image.h"

#define ROWS	70

/* A model with one instruction changed, run to where that comes, and past it. */
struct fixture {
	void *bytes;
	struct llm_image *image;
	struct llm_plan *plan;
	struct llm_step *step;
	struct llm_kv kv;
	float *before;
	struct llm_insn insn;
};

static float bits_float(u32 bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static const float *row_in(const struct fixture *f, const float *workspace, u32 reg, u32 row)
{
	return workspace + f->plan->register_offset[reg] +
	       (size_t)row * f->image->registers[reg].width;
}

/* A row of a register as the instruction found it, and as it left it. */
static const float *source(const struct fixture *f, u32 reg, u32 row)
{
	return row_in(f, f->before, reg, row);
}

static const float *result(const struct fixture *f, u32 row)
{
	return row_in(f, (const float *)f->step->workspace, f->insn.dst, row);
}

static void run_until(struct fixture *f, u32 end)
{
	while (f->step->insn < end && llm_step_tile(f->step) == LLM_TILE_RAN)
		;
}

static void teardown(struct fixture *f)
{
	llm_kv_destroy(&f->kv);
	llm_step_destroy(f->step);
	llm_plan_destroy(f->plan);
	llm_image_close(f->image);
	free(f->before);
	free(f->bytes);
}

static bool open_model(struct fixture *f, size_t size, const struct llm_form *form)
{
	struct llm_error error = { "" };

	if (tap_check(!llm_image_open(&f->image, f->bytes, size, &error)) &&
	    tap_check(!llm_plan_create(&f->plan, f->image, form, ROWS, 1, &error)) &&
	    tap_check(!llm_step_create(&f->step, f->plan)) &&
	    tap_check(!llm_kv_init(&f->kv, f->plan, ROWS)) &&
	    tap_check(!llm_kv_reserve(&f->kv, ROWS)))
		return true;
	printf("# %s\n", error.text);
	return false;
}

static bool setup(struct fixture *f, const struct llm_form *form, u32 type, u32 op,
		  void (*change)(struct llm_insn *insn))
{
	struct tiny_image_options options = {
		.seed = 7, .layers = 1, .type = type, .context = op == LLM_OP_ATTEND ? 2048 : 0,
	};
	struct llm_insn *program;
	u32 at = 0, i;
	size_t size;

	/* A layer of each kind. */
	if (op >= LLM_OP_CONVOLVE && op <= LLM_OP_BLEND)
		options = (struct tiny_image_options) { .seed = 7, .layers = 2, .recurrent = true };
	memset(f, 0, sizeof(*f));
	f->bytes = tiny_image_build(&options, &size);
	program = tiny_image_bytes(f->bytes, LLM_SECTION_PROGRAM);
	while (program[at].op != op)
		at++;
	if (change)
		change(&program[at]);
	f->insn = program[at];
	if (!open_model(f, size, form))
		return false;
	for (i = 0; i < ROWS; i++)
		f->step->rows[i] = (struct llm_row) {
			.kv = &f->kv, .token = (i * 37) % TINY_IMAGE_VOCAB, .position = i,
			.output = i == ROWS - 1,
		};
	llm_step_begin(f->step, ROWS);
	run_until(f, at);
	f->before = malloc(f->plan->workspace_bytes);
	memcpy(f->before, f->step->workspace, f->plan->workspace_bytes);
	run_until(f, at + 1);
	return true;
}

/* Whether every number of a row is near what it should be. */
static bool is_near(const float *found, const double *wanted, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		/* cppcheck-suppress uninitvar */
		if (!tap_check(fabs(found[i] - wanted[i]) <= 1e-5 * fmax(1, fabs(wanted[i]))))
			return false;
	return true;
}

/* With matrices of @type. */
static void for_all_forms_of(u32 type, u32 op, void (*change)(struct llm_insn *insn),
			     bool (*check)(struct fixture *f, u32 row))
{
	struct fixture f;
	u32 i, row;

	for (i = 0; llm_form_at(i); i++) {
		if (!llm_form_at(i)->usable())
			continue;
		if (setup(&f, llm_form_at(i), type, op, change))
			for (row = 0; row < ROWS && check(&f, row); row++)
				;
		teardown(&f);
	}
}

static void for_all_forms(u32 op, void (*change)(struct llm_insn *insn),
			  bool (*check)(struct fixture *f, u32 row))
{
	for_all_forms_of(LLM_TENSOR_F32, op, change, check);
}

/* As weights of @type have it; of LLM_TENSOR_BF16 the upper half, to nearest, ties to even. */
static double rounded(u32 type, float number)
{
	u32 bits = number_bits(number);
	u16 half = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;

	if (type == LLM_TENSOR_F16)
		tap_check(number_store(&half, &number, type, 1));
	number_load(&number, &half, type, 1);
	return number;
}

static bool check_linear(struct fixture *f, u32 row)
{
	const struct llm_tensor *w = &f->image->tensors[f->insn.tensor[0]];
	const float *x = source(f, f->insn.src[0], row);
	double wanted[512] = { 0 };
	float weights[512];
	u32 o, c;

	for (o = 0; o < w->rows; o++) {
		number_load(weights, w->data + o * w->row_bytes, w->type, w->columns);
		for (c = 0; c < w->columns; c++)
			wanted[o] += weights[c] * rounded(w->type, x[c]);
	}
	return is_near(result(f, row), wanted, w->rows);
}

static void products_round_their_inputs(void)
{
	for_all_forms_of(LLM_TENSOR_F16, LLM_OP_LINEAR, NULL, check_linear);
	for_all_forms_of(LLM_TENSOR_BF16, LLM_OP_LINEAR, NULL, check_linear);
}

static void norm_layer_groups(struct llm_insn *insn)
{
	insn->tensor[0] = LLM_IMAGE_NONE;
	insn->src[1] = insn->src[0];
	insn->arg[1] /= 4;
	insn->arg[2] = LLM_NORM_LAYER;
	insn->arg[4] = 4;
}

static bool check_norm(struct fixture *f, u32 row)
{
	const float *x = source(f, f->insn.src[0], row);
	u32 n = f->insn.arg[1], g, i;
	double wanted[512], mean, variance;

	for (g = 0; g < f->insn.arg[4]; g++, x += n) {
		for (mean = 0, i = 0; i < n; i++)
			mean += x[i] / n;
		for (variance = 0, i = 0; i < n; i++)
			variance += (x[i] - mean) * (x[i] - mean) / n;
		for (i = 0; i < n; i++)
			wanted[g * n + i] = (x[i] - mean) /
				sqrt(variance + bits_float(f->insn.arg[0])) + x[i];
	}
	return is_near(result(f, row), wanted, n * f->insn.arg[4]);
}

static void norms_groups_about_their_mean(void)
{
	for_all_forms(LLM_OP_NORM, norm_layer_groups, check_norm);
}

#define RATIO	0.75f

static void angles_of_a_ratio(struct llm_insn *insn)
{
	insn->arg[2] = number_bits(RATIO);
}

static bool check_angles(struct fixture *f, u32 row)
{
	const struct llm_tensor *frequencies = &f->image->tensors[f->insn.tensor[0]];
	const float *numbers = (const float *)frequencies->data;
	float turned = (float)row;
	double wanted[512];
	u32 i;

	for (i = 0; i < frequencies->columns; i++, turned *= RATIO) {
		wanted[2 * i] = cos((double)(turned * numbers[i]));
		wanted[2 * i + 1] = sin((double)(turned * numbers[i]));
	}
	return is_near(result(f, row), wanted, 2 * frequencies->columns);
}

static void angles_have_a_ratio(void)
{
	for_all_forms(LLM_OP_ANGLES, angles_of_a_ratio, check_angles);
}

static void rope_halves(struct llm_insn *insn)
{
	insn->arg[3] = LLM_PAIRING_HALVES;
}

static bool check_rope(struct fixture *f, u32 row)
{
	const float *x = source(f, f->insn.dst, row) + f->insn.arg[0];
	const float *angles = source(f, f->insn.src[0], row);
	u32 n = f->insn.arg[2], h, i;
	double wanted[512];

	for (h = 0; h < f->insn.arg[1]; h++) {
		for (i = 0; i < n / 2; i++) {
			double a = x[h * n + i], b = x[h * n + n / 2 + i];

			wanted[h * n + i] = a * angles[2 * i] - b * angles[2 * i + 1];
			wanted[h * n + n / 2 + i] = a * angles[2 * i + 1] + b * angles[2 * i];
		}
	}
	return is_near(result(f, row) + f->insn.arg[0], wanted, n * f->insn.arg[1]);
}

static void rotates_halves(void)
{
	for_all_forms(LLM_OP_ROPE, rope_halves, check_rope);
}

static void embed_positions(struct llm_insn *insn)
{
	insn->arg[0] = number_bits(2.5f);
	insn->arg[1] = LLM_EMBED_POSITION;
}

static bool check_embed(struct fixture *f, u32 row)
{
	const struct llm_tensor *table = &f->image->tensors[f->insn.tensor[0]];
	const float *numbers = (const float *)table->data + (size_t)row * table->columns;
	double wanted[512];
	u32 i;

	for (i = 0; i < table->columns; i++)
		wanted[i] = 2.5 * numbers[i];
	return is_near(result(f, row), wanted, table->columns);
}

static void embeds_positions_scaled(void)
{
	for_all_forms(LLM_OP_EMBED, embed_positions, check_embed);
}

/* Not a whole number of pages, and a cap that scores come near. */
#define WINDOW	21
#define CAP	0.5
#define CHUNK_PAGES (LLM_CHUNK_POSITIONS / LLM_PAGE_POSITIONS)

static void attend_within(struct llm_insn *insn)
{
	insn->arg[8] = WINDOW;
	insn->arg[9] = number_bits(CAP);
}

static double half(float value)
{
	__u16 bits;

	number_store(&bits, &value, LLM_TENSOR_F16, 1);
	number_load(&value, &bits, LLM_TENSOR_F16, 1);
	return value;
}

static void attend(struct fixture *f, u32 row, u32 head, double *to)
{
	const u32 *arg = f->insn.arg;
	const float *query = source(f, f->insn.src[0], row) + arg[0] + head * arg[5];
	u32 shared = head / (arg[3] / arg[4]), at, d;
	double sum = 0, score, weight;

	memset(to, 0, arg[6] * sizeof(*to));
	for (at = row >= WINDOW ? row - WINDOW + 1 : 0; at <= row; at++) {
		const float *key = source(f, f->insn.src[1], at) + arg[1] + shared * arg[5];
		const float *value = source(f, f->insn.src[2], at) + arg[2] + shared * arg[6];

		for (score = 0, d = 0; d < arg[5]; d++)
			score += half(query[d]) * half(key[d]);
		weight = exp(CAP * tanh(score * bits_float(arg[7]) / CAP));
		sum += weight;
		for (d = 0; d < arg[6]; d++)
			to[d] += weight * half(value[d]);
	}
	for (d = 0; d < arg[6]; d++)
		to[d] /= sum;
}

static bool check_attend(struct fixture *f, u32 row)
{
	double wanted[512];
	u32 head;

	for (head = 0; head < f->insn.arg[3]; head++)
		attend(f, row, head, wanted + head * f->insn.arg[6]);
	return is_near(result(f, row), wanted, f->insn.arg[3] * f->insn.arg[6]);
}

static void attends_within_a_window_and_a_cap(void)
{
	for_all_forms(LLM_OP_ATTEND, attend_within, check_attend);
}

/* What the first row makes of @count pages, which are the first two in turn, @run of each. */
static void attend_pages(struct fixture *f, u32 run, u32 count, double *to)
{
	const struct llm_op_type *op = llm_op_find(LLM_OP_ATTEND);
	struct llm_page *pages[4 * CHUNK_PAGES];
	struct llm_kv kv = f->kv;
	u32 part, tile, i;

	for (i = 0; i < count; i++)
		pages[i] = f->kv.pages[i / run % 2];
	kv.pages = pages;
	f->step->rows[0].kv = &kv;
	f->step->rows[0].position = count * LLM_PAGE_POSITIONS - 1;
	f->step->positions = count * LLM_PAGE_POSITIONS;
	f->step->row_count = 1;
	/* Keys, values and queries are stored already. */
	for (part = 1; part < op->parts(f->step, &f->insn); part++)
		for (tile = 0; tile < op->tiles(f->step, &f->insn, part); tile++)
			op->run(f->step, &f->insn, part, tile);
	for (i = 0; i < f->insn.arg[3] * f->insn.arg[6]; i++)
		to[i] = result(f, 0)[i];
}

/* However often the same is there, and in whatever order, its mean stays what it is. */
static bool check_chunks(struct fixture *f, u32 row)
{
	double wanted[512], found[512];

	if (row)
		return false;
	attend_pages(f, 1, 2, wanted);
	attend_pages(f, CHUNK_PAGES, 4 * CHUNK_PAGES, found);
	return is_near(result(f, 0), wanted, f->insn.arg[3] * f->insn.arg[6]);
}

static void attends_to_chunks(void)
{
	for_all_forms(LLM_OP_ATTEND, NULL, check_chunks);
}

static void glu_gelu(struct llm_insn *insn)
{
	insn->arg[2] = LLM_ACT_GELU;
}

static double gelu(double x)
{
	return x / 2 * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

static bool check_glu(struct fixture *f, u32 row)
{
	const float *x = source(f, f->insn.src[0], row);
	u32 n = f->image->registers[f->insn.dst].width, i;
	double wanted[512];

	for (i = 0; i < n; i++)
		wanted[i] = gelu(x[f->insn.arg[0] + i]) * x[f->insn.arg[1] + i];
	return is_near(result(f, row), wanted, n);
}

static void gates_by_gelu(void)
{
	for_all_forms(LLM_OP_GLU, glu_gelu, check_glu);
}

/* The first norm becomes an LLM_OP_ACT, as wide on both sides. */
static void act_tanh(struct llm_insn *insn)
{
	insn->op = LLM_OP_ACT;
	insn->tensor[0] = LLM_IMAGE_NONE;
	memset(insn->arg, 0, sizeof(insn->arg));
	insn->arg[0] = LLM_ACT_TANH;
	insn->arg[1] = number_bits(1.5f);
	insn->arg[2] = number_bits(-3);
}

static bool check_act(struct fixture *f, u32 row)
{
	const float *x = source(f, f->insn.src[0], row);
	u32 n = f->image->registers[f->insn.dst].width, i;
	double wanted[512];

	for (i = 0; i < n; i++)
		wanted[i] = -3 * tanh(1.5 * x[i]);
	return is_near(result(f, row), wanted, n);
}

static void applies_a_function(void)
{
	for_all_forms(LLM_OP_NORM, act_tanh, check_act);
}

static const float *numbers(const struct fixture *f, u32 operand)
{
	return (const float *)f->image->tensors[f->insn.tensor[operand]].data;
}

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

static bool check_convolve(struct fixture *f, u32 row)
{
	const struct llm_tensor *weights = &f->image->tensors[f->insn.tensor[0]];
	u32 taps = weights->columns, i, back;
	double wanted[512];

	for (i = 0; i < weights->rows; i++) {
		wanted[i] = numbers(f, 1)[i];
		for (back = 0; back < taps && back <= row; back++)
			wanted[i] += numbers(f, 0)[i * taps + taps - 1 - back] *
				source(f, f->insn.src[0], row - back)[i % f->insn.arg[0]];
		wanted[i] *= f->insn.arg[2] == LLM_ACT_SILU ? sigmoid(wanted[i]) : 1;
	}
	return is_near(result(f, row), wanted, weights->rows);
}

static void convolves_positions(void)
{
	for_all_forms(LLM_OP_CONVOLVE, NULL, check_convolve);
}

static bool check_scan(struct fixture *f, u32 row)
{
	u32 channels = f->insn.arg[0], states = f->insn.arg[1], i, j, at;
	double wanted[512], s, t, sum;

	for (i = 0; i < channels; i++) {
		wanted[i] = numbers(f, 1)[i] * source(f, f->insn.src[0], row)[i];
		for (j = 0; j < states; j++) {
			for (s = 0, at = 0; at <= row; at++) {
				t = log1p(exp(source(f, f->insn.src[1], at)[i]));
				sum = source(f, f->insn.src[2], at)[f->insn.arg[2] + j];
				s = s * exp(t * numbers(f, 0)[i * states + j]) +
				    t * source(f, f->insn.src[0], at)[i] * sum;
			}
			wanted[i] += s * source(f, f->insn.src[2], row)[f->insn.arg[3] + j];
		}
	}
	return is_near(result(f, row), wanted, channels);
}

static void scans_positions(void)
{
	for_all_forms(LLM_OP_SCAN, NULL, check_scan);
}

/* The state of one head after the rows so far. */
static double heads[512 / TINY_IMAGE_HEAD][TINY_IMAGE_HEAD][TINY_IMAGE_HEAD];

/* What one row and head make of it; wanted: dst of the head. */
static void mix(struct fixture *f, u32 row, u32 head, double *wanted)
{
	enum { N = TINY_IMAGE_HEAD };
	u32 width = f->image->registers[f->insn.dst].width, first = head * N, i, j;
	const float *r = source(f, f->insn.src[0], row) + first, *w = r + width;
	const float *k = w + width, *a = k + width;
	const float *v = source(f, f->insn.src[1], row) + first;
	const float *g = source(f, f->insn.src[2], row) + first;
	const float *keys = numbers(f, 0) + first, *norm = numbers(f, 1) + first;
	double m[N], length = 0, removed, mean = 0, variance = 0, own = 0;

	for (j = 0; j < N; j++)
		length += (double)k[j] * keys[j] * k[j] * keys[j];
	for (j = 0; j < N; j++) {
		m[j] = k[j] * keys[j] / sqrt(length);
		own += r[j] * keys[2 * width + j] * k[j] *
		       (1 + (sigmoid(a[j]) - 1) * keys[width + j]);
	}
	for (i = 0; i < N; i++) {
		for (removed = 0, j = 0; j < N; j++)
			removed += heads[head][i][j] * m[j];
		for (wanted[i] = 0, j = 0; j < N; j++) {
			heads[head][i][j] = heads[head][i][j] * exp(-0.606531 * sigmoid(w[j])) +
				v[i] * k[j] * (1 + (sigmoid(a[j]) - 1) * keys[width + j]) -
				removed * m[j] * sigmoid(a[j]);
			wanted[i] += heads[head][i][j] * r[j];
		}
		mean += wanted[i] / N;
	}
	for (i = 0; i < N; i++)
		variance += (wanted[i] - mean) * (wanted[i] - mean) / N;
	for (i = 0; i < N; i++)
		wanted[i] = g[i] * ((wanted[i] - mean) /
			sqrt(variance + bits_float(f->insn.arg[2])) * norm[i] + norm[width + i] +
			v[i] * own);
}

static bool check_wkv(struct fixture *f, u32 row)
{
	double wanted[512];
	u32 head;

	if (!row)
		memset(heads, 0, sizeof(heads));
	for (head = 0; head < f->insn.arg[0]; head++)
		mix(f, row, head, wanted + head * TINY_IMAGE_HEAD);
	return is_near(result(f, row), wanted, f->insn.arg[0] * TINY_IMAGE_HEAD);
}

static void mixes_positions(void)
{
	for_all_forms(LLM_OP_WKV, NULL, check_wkv);
}

static bool check_blend(struct fixture *f, u32 row)
{
	const float *x = source(f, f->insn.src[0], row), *y = source(f, f->insn.src[1], row);
	u32 n = f->image->registers[f->insn.dst].width, i;
	double wanted[512];

	for (i = 0; i < n; i++)
		wanted[i] = x[i] + (y[i] - x[i]) * sigmoid(source(f, f->insn.src[2], row)[i]);
	return is_near(result(f, row), wanted, n);
}

static void blends_registers(void)
{
	for_all_forms(LLM_OP_BLEND, NULL, check_blend);
}

static void act_relu2(struct llm_insn *insn)
{
	act_tanh(insn);
	insn->arg[0] = LLM_ACT_RELU2;
}

static bool check_relu2(struct fixture *f, u32 row)
{
	const float *x = source(f, f->insn.src[0], row);
	u32 n = f->image->registers[f->insn.dst].width, i;
	double wanted[512];

	for (i = 0; i < n; i++)
		wanted[i] = x[i] > 0 ? -3 * (1.5 * x[i]) * (1.5 * x[i]) : 0;
	return is_near(result(f, row), wanted, n);
}

static void squares_what_is_positive(void)
{
	for_all_forms(LLM_OP_NORM, act_relu2, check_relu2);
}

static void act_softmax(struct llm_insn *insn)
{
	act_tanh(insn);
	insn->op = LLM_OP_SOFTMAX;
	memset(insn->arg, 0, sizeof(insn->arg));
}

static bool check_softmax(struct fixture *f, u32 row)
{
	const float *x = source(f, f->insn.src[0], row);
	u32 n = f->image->registers[f->insn.dst].width, i;
	double wanted[512], sum = 0;

	for (i = 0; i < n; i++)
		sum += exp(x[i]);
	for (i = 0; i < n; i++)
		wanted[i] = exp(x[i]) / sum;
	return is_near(result(f, row), wanted, n);
}

static void takes_the_softmax(void)
{
	for_all_forms(LLM_OP_NORM, act_softmax, check_softmax);
}

static const struct tap_test tests[] = {
	{ "a layer norm over groups, with a residual", norms_groups_about_their_mean },
	{ "products round what weights in 16 bits take", products_round_their_inputs },
	{ "angles whose positions have a ratio", angles_have_a_ratio },
	{ "rotary positions over halves", rotates_halves },
	{ "positions as embeddings, scaled", embeds_positions_scaled },
	{ "attention within a window, its scores capped", attends_within_a_window_and_a_cap },
	{ "attention to several chunks", attends_to_chunks },
	{ "a gate by GELU", gates_by_gelu },
	{ "a function of a scaled register, scaled", applies_a_function },
	{ "the square of what is positive", squares_what_is_positive },
	{ "a convolution over positions", convolves_positions },
	{ "a scan over positions", scans_positions },
	{ "time mixing of heads", mixes_positions },
	{ "a blend of two registers", blends_registers },
	{ "the softmax of a register", takes_the_softmax },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
