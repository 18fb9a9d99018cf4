// SPDX-License-Identifier: GPL-2.0
#include "../math.h"
#include "op.h"

#define MAX_HEADS	1024U
#define MAX_HEAD	512U

/*
 * The first part stores keys and values of all rows. Each part that follows
 * covers LLM_CHUNK_POSITIONS positions: a row's result so far is kept in dst,
 * with the running maximum and sum of its softmax beside it (Milakov and
 * Gimelshein, arXiv:1805.02867), so that a tile's work is bounded however long
 * the context is, and the order of all sums depends on positions alone.
 */
#define PART_STORE 0

/* The arguments by name. */
struct attention {
	u32 query_column;
	u32 key_column;
	u32 value_column;
	u32 heads;
	u32 kv_heads;
	u32 key;
	u32 value;
};

static struct attention attention_of(const struct llm_insn *insn)
{
	return (struct attention){
		.query_column = insn->arg[0],
		.key_column = insn->arg[1],
		.value_column = insn->arg[2],
		.heads = insn->arg[3],
		.kv_heads = insn->arg[4],
		.key = insn->arg[5],
		.value = insn->arg[6],
	};
}

static int verify_heads(struct llm_verifier *v, const struct attention *a)
{
	if (!a->heads || a->heads > MAX_HEADS || !a->kv_heads || a->heads % a->kv_heads)
		return llm_verify_refuse(v, "%u heads can't share %u key/value heads", a->heads,
					 a->kv_heads);
	if (!a->key || a->key > MAX_HEAD || !a->value || a->value > MAX_HEAD)
		return llm_verify_refuse(v, "heads of %u and %u columns are not in 1..%u", a->key,
					 a->value, MAX_HEAD);
	return 0;
}

static int verify_slot(struct llm_verifier *v, const struct llm_insn *insn,
		       const struct attention *a)
{
	const struct llm_image_slot *slot;

	if (insn->slot >= v->image->slot_count)
		return llm_verify_refuse(v, "there is no slot %u", insn->slot);
	if (v->slot_used[insn->slot])
		return llm_verify_refuse(v, "slot %u serves an earlier instruction", insn->slot);
	v->slot_used[insn->slot] = true;
	slot = &v->image->slots[insn->slot];
	if (slot->key_width != a->kv_heads * a->key || slot->value_width != a->kv_heads * a->value)
		return llm_verify_refuse(v, "slot %u is %u and %u wide, not %u and %u", insn->slot,
					 slot->key_width, slot->value_width,
					 a->kv_heads * a->key, a->kv_heads * a->value);
	return 0;
}

static int verify_registers(struct llm_verifier *v, const struct llm_insn *insn,
			    const struct attention *a)
{
	u32 i;
	int err = llm_verify_read(v, insn->src[0], a->query_column, (u64)a->heads * a->key);

	if (!err)
		err = llm_verify_read(v, insn->src[1], a->key_column, (u64)a->kv_heads * a->key);
	if (!err)
		err = llm_verify_read(v, insn->src[2], a->value_column,
				      (u64)a->kv_heads * a->value);
	if (!err)
		err = llm_verify_write(v, insn->dst, 0, (u64)a->heads * a->value);
	if (!err)
		err = llm_verify_rows(v, insn->dst, LLM_ROWS_BATCH);
	for (i = 0; i < 3 && !err; i++) {
		err = llm_verify_rows(v, insn->src[i], LLM_ROWS_BATCH);
		if (!err)
			err = llm_verify_distinct(v, insn->src[i], insn->dst);
	}
	if (!err && llm_register_width(v, insn->dst) != a->heads * a->value)
		err = llm_verify_refuse(v, "register %u is not %u wide", insn->dst,
					a->heads * a->value);
	return err;
}

static int verify(struct llm_verifier *v, const struct llm_insn *insn)
{
	struct attention a = attention_of(insn);
	int err = llm_verify_shape(v, 3, 0, 8, true);

	if (!err)
		err = llm_verify_finite(v, insn->arg[7], false);
	if (!err)
		err = verify_heads(v, &a);
	if (!err)
		err = verify_slot(v, insn, &a);
	if (!err)
		err = verify_registers(v, insn, &a);
	if (!err)
		v->softmax_heads = max(v->softmax_heads, a.heads);
	return err;
}

static u32 parts(const struct llm_step *step, const struct llm_insn *insn)
{
	return 1 + DIV_ROUND_UP(step->positions, LLM_CHUNK_POSITIONS);
}

static u32 stored_width(const struct attention *a)
{
	return a->kv_heads * (a->key + a->value);
}

static u32 tiles(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	struct attention a = attention_of(insn);

	if (part == PART_STORE)
		return llm_op_row_tiles(step, insn->dst, stored_width(&a));
	return step->row_count * a.heads;
}

static void store(const struct llm_step *step, const struct llm_insn *insn, u32 tile)
{
	const struct llm_slot *slot = &step->plan->slots[insn->slot];
	const struct llm_form *form = step->plan->form;
	struct attention a = attention_of(insn);
	struct llm_op_span span = llm_op_row_span(step, insn->dst, stored_width(&a), tile);
	u32 i, at;
	u8 *data;

	for (i = span.first; i < span.end; i++) {
		data = step->rows[i].kv->pages[step->rows[i].position / LLM_PAGE_POSITIONS]->data;
		at = step->rows[i].position % LLM_PAGE_POSITIONS;
		form->f32_to_f16((u16 *)(data + slot->page_offset) + at * slot->key_width,
				 llm_op_row(step, insn->src[1], i) + a.key_column,
				 slot->key_width);
		form->f32_to_f16((u16 *)(data + slot->value_offset) + at * slot->value_width,
				 llm_op_row(step, insn->src[2], i) + a.value_column,
				 slot->value_width);
	}
}

/* What a row and head has so far: unscaled result, maximum and sum. */
struct softmax {
	float *result;
	float *maximum;
	float *sum;
};

static void attend_page(const struct llm_form *form, const struct softmax *state,
			const float *query, const u16 *keys, const u16 *values,
			const struct llm_slot *slot, const struct attention *a, float scale,
			u32 positions)
{
	float scores[LLM_PAGE_POSITIONS];
	float maximum = *state->maximum;
	float shrink;
	u32 i;

	form->scores_f16(scores, query, keys, slot->key_width, positions, a->key);
	for (i = 0; i < positions; i++) {
		scores[i] *= scale;
		maximum = scores[i] > maximum ? scores[i] : maximum;
	}
	shrink = llm_expf(*state->maximum - maximum);
	*state->maximum = maximum;
	*state->sum = *state->sum * shrink + form->exp_sum(scores, maximum, positions);
	for (i = 0; i < a->value; i++)
		state->result[i] *= shrink;
	form->values_f16(state->result, scores, values, slot->value_width, positions, a->value);
}

static struct softmax softmax_of(const struct llm_step *step, const struct llm_insn *insn, u32 row,
				 u32 head, u32 value)
{
	const struct llm_plan *plan = step->plan;
	float *state = (float *)(step->workspace + plan->softmax_offset) +
		       2 * ((u64)row * plan->softmax_heads + head);

	return (struct softmax){
		.result = llm_op_row(step, insn->dst, row) + head * value,
		.maximum = &state[0],
		.sum = &state[1],
	};
}

static void softmax_begin(const struct softmax *state, u32 value)
{
	u32 i;

	for (i = 0; i < value; i++)
		state->result[i] = 0;
	*state->maximum = -3e38f;
	*state->sum = 0;
}

static void softmax_end(const struct softmax *state, u32 value)
{
	float scale = 1.0f / *state->sum;
	u32 i;

	for (i = 0; i < value; i++)
		state->result[i] *= scale;
}

static void attend(const struct llm_step *step, const struct llm_insn *insn, u32 part, u32 tile)
{
	const struct llm_slot *slot = &step->plan->slots[insn->slot];
	struct attention a = attention_of(insn);
	u32 row = tile / a.heads, head = tile % a.heads;
	u32 kv_head = head / (a.heads / a.kv_heads);
	struct softmax state = softmax_of(step, insn, row, head, a.value);
	const float *query = llm_op_row(step, insn->src[0], row) + a.query_column + head * a.key;
	u32 first = (part - 1) * LLM_CHUNK_POSITIONS;
	u32 all = step->rows[row].position + 1;
	u32 end = min(all, first + LLM_CHUNK_POSITIONS);
	const u8 *data;
	u32 at;

	if (first == 0)
		softmax_begin(&state, a.value);
	for (at = first; at < end; at += LLM_PAGE_POSITIONS) {
		data = step->rows[row].kv->pages[at / LLM_PAGE_POSITIONS]->data;
		attend_page(step->plan->form, &state, query,
			    (const u16 *)(data + slot->page_offset) + kv_head * a.key,
			    (const u16 *)(data + slot->value_offset) + kv_head * a.value, slot, &a,
			    llm_float(insn->arg[7]), min(end - at, LLM_PAGE_POSITIONS));
	}
	if (first < all && end == all)
		softmax_end(&state, a.value);
}

static void run(const struct llm_step *step, const struct llm_insn *insn, u32 part, u32 tile)
{
	if (part == PART_STORE)
		store(step, insn, tile);
	else
		attend(step, insn, part, tile);
}

const struct llm_op_type llm_op_attend = {
	.name = "attend",
	.verify = verify,
	.parts = parts,
	.tiles = tiles,
	.run = run,
};
