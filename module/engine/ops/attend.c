// SPDX-License-Identifier: GPL-2.0
#include "../kv_layout.h"
#include "../math.h"
#include "op.h"

#define MAX_HEADS	1024U
#define MAX_HEAD	512U

/*
 * The first part stores keys and values of all rows, and rounds queries as the slot's
 * number format wants them. Each part that follows
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
	u32 window;
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
		.window = insn->arg[8],
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
	u32 block;
	int err = llm_verify_slot(v, LLM_SLOT_KV, a->kv_heads * a->key, a->kv_heads * a->value);

	if (err)
		return err;
	slot = &v->image->slots[insn->slot];
	block = llm_type_find(slot->type)->block;
	if (a->key % block || a->value % block)
		return llm_verify_refuse(v, "heads of %u and %u columns are no whole blocks of slot %u",
					 a->key, a->value, insn->slot);
	v->query_bytes = max(v->query_bytes, a->heads * llm_kv_query_bytes(slot->type, a->key));
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
	int err = llm_verify_shape(v, 3, 0, 10, true);

	if (!err)
		err = llm_verify_finite(v, insn->arg[7], false);
	if (!err && insn->arg[9])
		err = llm_verify_finite(v, insn->arg[9], true);
	if (!err)
		err = verify_heads(v, &a);
	if (!err)
		err = verify_slot(v, insn, &a);
	if (!err)
		err = verify_registers(v, insn, &a);
	if (err)
		return err;
	v->softmax_heads = max(v->softmax_heads, a.heads);
	v->whole_texts |= insn->flags & LLM_ATTEND_WHOLE;
	return 0;
}

static u32 parts(const struct llm_step *step, const struct llm_insn *insn)
{
	return 1 + DIV_ROUND_UP(step->positions, LLM_CHUNK_POSITIONS);
}

static u32 stored_width(const struct attention *a)
{
	return a->kv_heads * (a->key + a->value) + a->heads * a->key;
}

/*
 * How the queries of a step are cut into tiles: blocks of rows, for each the
 * key/value heads, and for each of those blocks of the heads that share it.
 */
struct cut {
	u32 rows;
	u32 row_blocks;
	u32 heads;
	u32 head_blocks;
};

static struct cut cut_queries(const struct llm_step *step, const struct attention *a, u32 part)
{
	u32 group = a->heads / a->kv_heads;
	u32 first = (part - 1) * LLM_CHUNK_POSITIONS;
	u32 positions = min(step->positions - first, LLM_CHUNK_POSITIONS);
	u32 queries = max(1U, step->plan->form->float_macs_per_us * LLM_TILE_US /
				      (positions * (a->key + a->value)));
	struct cut cut;

	/* Whole passes of rows of one session, else passes of heads that share keys. */
	if (step->row_count >= LLM_ATTEND_QUERIES &&
	    step->rows[0].kv == step->rows[LLM_ATTEND_QUERIES - 1].kv) {
		cut.heads = 1;
		cut.rows = max(queries / LLM_ATTEND_QUERIES, 1U) * LLM_ATTEND_QUERIES;
	} else {
		cut.heads = min(group, queries);
		cut.rows = max(1U, queries / cut.heads);
	}
	cut.head_blocks = DIV_ROUND_UP(group, cut.heads);
	cut.rows = min(cut.rows, step->row_count);
	cut.row_blocks = DIV_ROUND_UP(step->row_count, cut.rows);
	return cut;
}

static u32 tiles(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	struct attention a = attention_of(insn);
	struct cut cut;

	if (part == PART_STORE)
		return llm_op_row_tiles(step, insn->dst, stored_width(&a));
	cut = cut_queries(step, &a, part);
	return cut.row_blocks * a.kv_heads * cut.head_blocks;
}

static u8 *rounded_query(const struct llm_step *step, const struct llm_insn *insn,
			 const struct attention *a, u32 row, u32 head)
{
	const struct llm_plan *plan = step->plan;

	return step->workspace + plan->query_offset + row * plan->query_stride +
	       head * llm_kv_query_bytes(plan->slots[insn->slot].type, a->key);
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
		llm_kv_store_key(form, slot->type, data + slot->page_offset, at,
				 llm_op_row(step, insn->src[1], i) + a.key_column,
				 slot->key_width);
		llm_kv_store_value(form, slot->type, data + slot->value_offset, at,
				   llm_op_row(step, insn->src[2], i) + a.value_column,
				   slot->value_width);
		llm_kv_round_query(form, slot->type, rounded_query(step, insn, &a, i, 0),
				   llm_op_row(step, insn->src[0], i) + a.query_column,
				   a.heads * a.key);
	}
}

/*
 * A query, the first position it sees, the one after the last it sees in the
 * present chunk, and whether it sees none beyond.
 */
struct query {
	struct llm_attend_query at_page;
	u32 begin;
	u32 end;
	bool last;
};

/* Where texts are whole all these are stored by rows of this step. */
static u32 positions_seen(const struct llm_row *row, const struct llm_insn *insn)
{
	return insn->flags & LLM_ATTEND_WHOLE ? row->length : row->position + 1;
}

static void begin_query(const struct llm_step *step, const struct llm_insn *insn,
			const struct attention *a, struct query *query, u32 row, u32 head,
			u32 first)
{
	const struct llm_plan *plan = step->plan;
	float *state = (float *)(step->workspace + plan->softmax_offset) +
		       2 * ((u64)row * plan->softmax_heads + head);
	u32 position = step->rows[row].position;
	u32 seen = positions_seen(&step->rows[row], insn);
	u32 i;

	query->at_page = (struct llm_attend_query){
		.query = rounded_query(step, insn, a, row, head),
		.result = llm_op_row(step, insn->dst, row) + head * a->value,
		.maximum = &state[0],
		.sum = &state[1],
	};
	query->begin = a->window && position >= a->window ? position + 1 - a->window : 0;
	query->last = seen <= first + LLM_CHUNK_POSITIONS;
	query->end = query->last ? seen : first + LLM_CHUNK_POSITIONS;
	if (first)
		return;
	*query->at_page.maximum = -3e38f;
	*query->at_page.sum = 0;
	for (i = 0; i < a->value; i++)
		query->at_page.result[i] = 0;
}

static void end_query(const struct query *query, u32 columns)
{
	float scale = 1.0f / *query->at_page.sum;
	u32 i;

	for (i = 0; i < columns; i++)
		query->at_page.result[i] *= scale;
}

/* Shows the queries a page that begins at position @at, if they may see any of it. */
static void attend_page(const struct llm_step *step, const struct llm_insn *insn,
			const struct llm_attend_page *page, const struct query *queries, u32 count,
			u32 at)
{
	struct llm_attend_query seeing[LLM_ATTEND_QUERIES];
	u32 i, n = 0;

	for (i = 0; i < count; i++) {
		if (queries[i].end <= at || queries[i].begin >= at + LLM_PAGE_POSITIONS)
			continue;
		seeing[n] = queries[i].at_page;
		seeing[n].from = max(queries[i].begin, at) - at;
		seeing[n++].to = min(queries[i].end - at, LLM_PAGE_POSITIONS);
	}
	if (n)
		step->plan->form->attend[step->plan->slots[insn->slot].type](page, seeing, n);
}

/* One head's keys of the page that begins at position @at. */
static const u8 *keys_at(const struct llm_slot *slot, const struct attention *a,
			 const struct llm_kv *kv, u32 kv_head, u32 at)
{
	return kv->pages[at / LLM_PAGE_POSITIONS]->data + slot->page_offset +
	       kv_head * llm_kv_bytes(slot->type, a->key);
}

/* Its values: those of all heads lie side by side, but for blocks. */
static const u8 *values_at(const struct llm_slot *slot, const struct attention *a,
			   const struct llm_kv *kv, u32 kv_head, u32 at)
{
	return kv->pages[at / LLM_PAGE_POSITIONS]->data + slot->value_offset +
	       kv_head * llm_kv_bytes(slot->type, a->value) /
	       (llm_type_find(slot->type)->block > 1 ? 1 : LLM_PAGE_POSITIONS);
}

/* Shows queries of rows of one session the chunk that begins at position @first. */
static void attend_chunk(const struct llm_step *step, const struct llm_insn *insn,
			 const struct attention *a, const struct llm_kv *kv,
			 const struct query *queries, u32 count, u32 kv_head, u32 first)
{
	const struct llm_slot *slot = &step->plan->slots[insn->slot];
	struct llm_attend_page page = {
		.value_stride = slot->value_width,
		.key = a->key,
		.value = a->value,
		.scale = llm_float(insn->arg[7]),
		.cap = llm_float(insn->arg[9]),
	};
	u32 begin = queries[0].begin, end = 0, at, next, i;

	for (i = 0; i < count; i++) {
		begin = min(begin, queries[i].begin);
		end = max(end, queries[i].end);
	}
	for (at = max(first, begin - begin % LLM_PAGE_POSITIONS); at < end; at = next) {
		next = at + LLM_PAGE_POSITIONS;
		page.keys = keys_at(slot, a, kv, kv_head, at);
		page.values = values_at(slot, a, kv, kv_head, at);
		page.next_keys = next < end ? keys_at(slot, a, kv, kv_head, next) : page.keys;
		page.next_values = next < end ? values_at(slot, a, kv, kv_head, next) : page.values;
		attend_page(step, insn, &page, queries, count, at);
	}
}

/* Takes queries of rows of one session until there are enough for one pass. */
struct pass {
	struct query queries[LLM_ATTEND_QUERIES];
	const struct llm_kv *kv;
	u32 count;
};

static void end_pass(const struct llm_step *step, const struct llm_insn *insn,
		     const struct attention *a, struct pass *pass, u32 kv_head, u32 first)
{
	u32 i;

	if (!pass->count)
		return;
	attend_chunk(step, insn, a, pass->kv, pass->queries, pass->count, kv_head, first);
	for (i = 0; i < pass->count; i++)
		if (pass->queries[i].last)
			end_query(&pass->queries[i], a->value);
	pass->count = 0;
}

static void attend(const struct llm_step *step, const struct llm_insn *insn, u32 part, u32 tile)
{
	struct attention a = attention_of(insn);
	struct cut cut = cut_queries(step, &a, part);
	u32 group = a.heads / a.kv_heads;
	u32 row = tile % cut.row_blocks * cut.rows;
	u32 last_row = min(row + cut.rows, step->row_count);
	u32 kv_head = tile / cut.row_blocks / cut.head_blocks;
	u32 head_from = tile / cut.row_blocks % cut.head_blocks * cut.heads;
	u32 head_to = min(head_from + cut.heads, group);
	u32 first = (part - 1) * LLM_CHUNK_POSITIONS;
	struct pass pass = { .count = 0 };
	u32 head;

	for (; row < last_row; row++) {
		if (positions_seen(&step->rows[row], insn) <= first)
			continue;
		for (head = head_from; head < head_to; head++) {
			if (pass.count == LLM_ATTEND_QUERIES ||
			    (pass.count && pass.kv != step->rows[row].kv))
				end_pass(step, insn, &a, &pass, kv_head, first);
			pass.kv = step->rows[row].kv;
			begin_query(step, insn, &a, &pass.queries[pass.count++], row,
				    kv_head * group + head, first);
		}
	}
	end_pass(step, insn, &a, &pass, kv_head, first);
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
	.flags = LLM_ATTEND_WHOLE,
	.verify = verify,
	.parts = parts,
	.tiles = tiles,
	.run = run,
};
