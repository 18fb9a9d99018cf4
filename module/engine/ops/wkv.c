// SPDX-License-Identifier: GPL-2.0
#include "../math.h"
#include "op.h"

#define MAX_HEADS	1024U
#define MAX_HEAD	64U
/* Rows of a run of a tile at most. */
#define TILE_ROWS	32U
/* Multiply-adds that a number of the state takes. */
#define NUMBER_MACS	4
/* Of the logarithm of what decays most. */
#define DECAY		(-0.606531f)
#define SHORTEST	1e-12f

/* The arguments by name: columns of all heads, and of one. */
struct mixing {
	u32 width;
	u32 heads;
	u32 head;
};

static struct mixing mixing_of(const struct llm_insn *insn)
{
	return (struct mixing){
		.width = insn->arg[0] * insn->arg[1],
		.heads = insn->arg[0],
		.head = insn->arg[1],
	};
}

static int verify_heads(struct llm_verifier *v, const struct llm_insn *insn, u32 width)
{
	u32 heads = insn->arg[0], head = insn->arg[1];

	if (!head || head > MAX_HEAD)
		return llm_verify_refuse(v, "heads of %u columns are not in 1..%u", head, MAX_HEAD);
	if (heads > MAX_HEADS || (u64)heads * head != width)
		return llm_verify_refuse(v, "%u heads of %u columns are not %u wide", heads, head,
					 width);
	return 0;
}

static int verify_registers(struct llm_verifier *v, const struct llm_insn *insn, u32 width)
{
	int err = llm_verify_read(v, insn->src[0], 0, 4ULL * width);
	u32 i;

	if (!err)
		err = llm_verify_read(v, insn->src[1], 0, width);
	if (!err && insn->src[2] != LLM_IMAGE_NONE16)
		err = llm_verify_read(v, insn->src[2], 0, width);
	if (!err)
		err = llm_verify_write(v, insn->dst, 0, width);
	if (!err)
		err = llm_verify_rows(v, insn->dst, LLM_ROWS_BATCH);
	for (i = 0; i < 3 && !err; i++) {
		if (insn->src[i] == LLM_IMAGE_NONE16)
			continue;
		err = llm_verify_rows(v, insn->src[i], LLM_ROWS_BATCH);
		if (!err)
			err = llm_verify_distinct(v, insn->src[i], insn->dst);
	}
	return err;
}

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	u32 width;
	int err = llm_verify_shape(v, 3, 2, 3, true);

	if (err)
		return err;
	if (!llm_register_exists(v, insn->dst))
		return llm_verify_refuse(v, "there is no register %u", insn->dst);
	width = llm_register_width(v, insn->dst);
	err = verify_heads(v, insn, width);
	if (!err)
		err = llm_verify_finite(v, insn->arg[2], true);
	if (!err)
		err = llm_verify_matrix(v, insn->tensor[0], width, 3);
	if (!err)
		err = llm_verify_matrix(v, insn->tensor[1], width, 2);
	if (!err)
		err = llm_verify_slot(v, LLM_SLOT_RECURRENT, (u64)width * insn->arg[1], 0);
	if (!err)
		err = verify_registers(v, insn, width);
	return err;
}

static u32 rows_of_part(const struct llm_step *step, const struct llm_insn *insn)
{
	u32 rows = step->plan->form->float_macs_per_us * LLM_TILE_US /
		   (NUMBER_MACS * insn->arg[1] * insn->arg[1]);

	return min(min(max(rows, 1U), step->run_most), TILE_ROWS);
}

static u32 parts(const struct llm_step *step, const struct llm_insn *insn)
{
	return llm_op_run_parts(step, rows_of_part(step, insn));
}

static u32 tiles(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	return step->run_count * insn->arg[0];
}

/* What becomes of w, k and a of one head before the state sees them. */
struct keys {
	float decay[MAX_HEAD];
	float k[MAX_HEAD];
	float read[MAX_HEAD];
	float write[MAX_HEAD];
};

static void make_keys(const struct llm_form *form, const struct mixing *m, const float *source,
		      const float *factors, struct keys *keys)
{
	const float *w = source + m->width, *k = w + m->width, *a = k + m->width;
	float length;
	u32 j;

	for (j = 0; j < m->head; j++) {
		keys->write[j] = llm_sigmoid(a[j]);
		keys->read[j] = k[j] * factors[j];
		keys->k[j] = k[j] * (1.0f + (keys->write[j] - 1.0f) * factors[m->width + j]);
		keys->decay[j] = llm_expf(DECAY * llm_sigmoid(w[j]));
	}
	length = __builtin_sqrtf(form->sum_squares(keys->read, m->head));
	length = 1.0f / (length > SHORTEST ? length : SHORTEST);
	for (j = 0; j < m->head; j++) {
		keys->read[j] *= length;
		keys->write[j] *= keys->read[j];
	}
}

/* Norms what the state answered, and adds what the key of the position itself does. */
static void finish_head(const struct llm_step *step, const struct llm_insn *insn,
			const struct mixing *m, u32 row, u32 column, const struct keys *keys)
{
	const struct llm_tensor *tensors = step->plan->image->tensors;
	const struct llm_form *form = step->plan->form;
	const float *bonus = (const float *)tensors[insn->tensor[0]].data + 2 * m->width + column;
	const float *weight = (const float *)tensors[insn->tensor[1]].data + column;
	const float *r = llm_op_row(step, insn->src[0], row) + column;
	const float *v = llm_op_row(step, insn->src[1], row) + column;
	float *y = llm_op_row(step, insn->dst, row) + column;
	float mean = form->sum(y, m->head) / (float)m->head;
	float scale = form->sum_squares_from(y, mean, m->head) / (float)m->head;
	float own = 0;
	u32 i;

	scale = 1.0f / __builtin_sqrtf(scale + llm_float(insn->arg[2]));
	for (i = 0; i < m->head; i++)
		own += keys->k[i] * r[i] * bonus[i];
	for (i = 0; i < m->head; i++)
		y[i] = (y[i] - mean) * scale * weight[i] + weight[m->width + i] + v[i] * own;
	if (insn->src[2] == LLM_IMAGE_NONE16)
		return;
	form->activate[LLM_ACT_NONE](y, y, llm_op_row(step, insn->src[2], row) + column, m->head);
}

static void mix_row(const struct llm_step *step, const struct llm_insn *insn,
		    const struct mixing *m, u32 row, u32 column)
{
	const struct llm_tensor *factors = &step->plan->image->tensors[insn->tensor[0]];
	const float *source = llm_op_row(step, insn->src[0], row) + column;
	struct keys keys;
	struct llm_wkv w = {
		.state = (float *)llm_op_recurrent(step, insn, row) + (u64)column * m->head,
		.r = source,
		.decay = keys.decay,
		.k = keys.k,
		.v = llm_op_row(step, insn->src[1], row) + column,
		.read = keys.read,
		.write = keys.write,
		.y = llm_op_row(step, insn->dst, row) + column,
		.n = m->head,
	};
	u32 i;

	make_keys(step->plan->form, m, source, (const float *)factors->data + column, &keys);
	for (i = 0; !step->rows[row].position && i < m->head * m->head; i++)
		w.state[i] = 0;
	step->plan->form->wkv(&w);
	finish_head(step, insn, m, row, column, &keys);
}

static void run(const struct llm_step *step, const struct llm_insn *insn, u32 part, u32 tile)
{
	struct mixing m = mixing_of(insn);
	struct llm_op_span span = llm_op_run_span(step, tile / m.heads, part,
						  rows_of_part(step, insn));
	u32 i;

	for (i = span.first; i < span.end; i++)
		mix_row(step, insn, &m, i, tile % m.heads * m.head);
}

const struct llm_op_type llm_op_wkv = {
	.name = "wkv",
	.verify = verify,
	.parts = parts,
	.tiles = tiles,
	.run = run,
};
