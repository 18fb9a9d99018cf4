// SPDX-License-Identifier: GPL-2.0
#include "../kv_layout.h"
#include "../math.h"
#include "op.h"

#define MAX_HEADS	1024U
#define MAX_HEAD	512U

/*
 * The first part stores keys and values of all rows, and rounds queries as the slot's
 * number format wants them. Then they are shown the positions, a chunk of
 * LLM_CHUNK_POSITIONS at a time, so that a tile's work is bounded however long the
 * context is. Each chunk has a running softmax of its own (Milakov and Gimelshein,
 * arXiv:1805.02867), and the results of chunks are merged in their order: so the order
 * of all sums depends on positions alone, and chunks can be computed in any.
 *
 * Where there are few rows, so that there is room for results, one part computes many
 * chunks and the next one merges them: that is how a single row finds work for many
 * workers. Else each part computes one chunk, and its tiles merge what is theirs.
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

/* Of all heads: sums of values, and behind them the maximum and sum of each softmax. */
static u64 chunk_result_bytes(const struct attention *a)
{
	return (u64)a->heads * (a->value + 2) * sizeof(u32);
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
	if (v->image->model.context_length > LLM_CHUNK_POSITIONS)
		v->scratch_bytes = max(v->scratch_bytes, chunk_result_bytes(&a));
	return 0;
}

/* What part of the work on positions a part does: chunks @first up to @end. */
struct stretch {
	u32 first;
	u32 end;
	bool merges;
	bool merged_at_once;
};

static u32 chunk_count(const struct llm_step *step)
{
	return DIV_ROUND_UP(step->positions, LLM_CHUNK_POSITIONS);
}

/* Chunks whose results there is room for, one for each row. */
static u32 chunks_at_once(const struct llm_step *step)
{
	return min(chunk_count(step), max(1U, step->plan->batch_rows / step->row_count));
}

static u32 parts(const struct llm_step *step, const struct llm_insn *insn)
{
	u32 chunks = chunk_count(step), at_once = chunks_at_once(step);

	return 1 + (at_once > 1 ? 2 * DIV_ROUND_UP(chunks, at_once) : chunks);
}

static struct stretch stretch_of(const struct llm_step *step, u32 part)
{
	u32 at_once = chunks_at_once(step);
	struct stretch stretch = {
		.first = part - 1,
		.merged_at_once = at_once == 1,
	};

	if (at_once > 1) {
		stretch.first = (part - 1) / 2 * at_once;
		stretch.merges = (part - 1) % 2;
	}
	stretch.end = min(stretch.first + at_once, chunk_count(step));
	return stretch;
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

/* Multiply-adds that take as long as what there is to do for a query beside its own. */
#define QUERY_MACS 4096U
/* Microseconds a tile should take whose rows share nothing: what a claim is little of. */
#define APART_US 2U

static struct cut cut_queries(const struct llm_step *step, const struct attention *a,
			      const struct stretch *stretch)
{
	u32 group = a->heads / a->kv_heads;
	u32 first = stretch->first * LLM_CHUNK_POSITIONS;
	u32 positions = min(step->positions - first, LLM_CHUNK_POSITIONS);
	u32 rate = step->plan->form->float_macs_per_us;
	u32 macs = positions * (a->key + a->value) + QUERY_MACS;
	u32 queries = max(1U, rate * LLM_TILE_US / macs);
	u32 last = min(step->row_count - 1, LLM_ATTEND_QUERIES - 1U);
	bool together = step->rows[0].kv == step->rows[last].kv;
	struct cut cut;

	/* Whole passes of rows of one session, else passes of heads that share keys. */
	if (together && last == LLM_ATTEND_QUERIES - 1) {
		cut.heads = 1;
		cut.rows = max(queries / LLM_ATTEND_QUERIES, 1U) * LLM_ATTEND_QUERIES;
	} else {
		cut.heads = min(group, queries);
		cut.rows = max(1U, rate * (together ? LLM_TILE_US : APART_US) / macs / cut.heads);
	}
	cut.head_blocks = DIV_ROUND_UP(group, cut.heads);
	cut.heads = DIV_ROUND_UP(group, cut.head_blocks);
	/* Rows times chunks are not more than rows that a step can have. */
	cut.rows = max(cut.rows, DIV_ROUND_UP(step->plan->batch_rows * a->heads, LLM_MAX_TILES));
	cut.rows = min(cut.rows, step->row_count);
	cut.row_blocks = DIV_ROUND_UP(step->row_count, cut.rows);
	return cut;
}

/* Numbers that a tile merges: a few microseconds. */
#define MERGED_IN_TILE 8192U

/* Heads of a row whose results a tile merges. */
static u32 heads_merged(const struct attention *a, const struct stretch *stretch)
{
	u32 numbers = a->value * (stretch->end - stretch->first);

	return min(max(1U, MERGED_IN_TILE / numbers), a->heads);
}

static u32 row_numbers(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	struct attention a = attention_of(insn);

	return part == PART_STORE ? stored_width(&a) : 0;
}

static u32 tiles(const struct llm_step *step, const struct llm_insn *insn, u32 part)
{
	struct attention a = attention_of(insn);
	struct stretch stretch;
	struct cut cut;

	if (part == PART_STORE)
		return 0;
	stretch = stretch_of(step, part);
	if (stretch.merges)
		return step->row_count * DIV_ROUND_UP(a.heads, heads_merged(&a, &stretch));
	cut = cut_queries(step, &a, &stretch);
	return cut.row_blocks * a.kv_heads * cut.head_blocks * (stretch.end - stretch.first);
}

static u8 *rounded_query(const struct llm_step *step, const struct llm_insn *insn,
			 const struct attention *a, u32 row, u32 head)
{
	const struct llm_plan *plan = step->plan;

	return step->workspace + plan->query_offset + row * plan->query_stride +
	       head * llm_kv_query_bytes(plan->slots[insn->slot].type, a->key);
}

static void run_rows(const struct llm_step *step, const struct llm_insn *insn, u32 part,
		     struct llm_op_span span)
{
	const struct llm_slot *slot = &step->plan->slots[insn->slot];
	const struct llm_form *form = step->plan->form;
	struct attention a = attention_of(insn);
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

/* Positions a row sees; where texts are whole all these are stored by rows of this step. */
static struct llm_op_span positions_seen(const struct llm_row *row, const struct llm_insn *insn,
					 const struct attention *a)
{
	return (struct llm_op_span){
		.first = a->window && row->position >= a->window ? row->position + 1 - a->window :
								    0,
		.end = insn->flags & LLM_ATTEND_WHOLE ? row->length : row->position + 1,
	};
}

/* Chunks that these positions lie in. */
static struct llm_op_span chunks_seen(struct llm_op_span seen)
{
	return (struct llm_op_span){
		.first = seen.first / LLM_CHUNK_POSITIONS,
		.end = DIV_ROUND_UP(seen.end, LLM_CHUNK_POSITIONS),
	};
}

/* Where the result of a row is in the end: that of its first chunk is made there. */
static struct llm_attend_query whole_result(const struct llm_step *step,
					    const struct llm_insn *insn, const struct attention *a,
					    u32 row, u32 head)
{
	const struct llm_plan *plan = step->plan;
	float *state = (float *)(step->workspace + plan->softmax_offset) +
		       2 * ((u64)row * plan->softmax_heads + head);

	return (struct llm_attend_query){
		.result = llm_op_row(step, insn->dst, row) + head * a->value,
		.maximum = &state[0],
		.sum = &state[1],
	};
}

/* Where that of another of its chunks is until it is merged. */
static struct llm_attend_query chunk_result(const struct llm_step *step, const struct attention *a,
					    u32 row, u32 head, u32 chunk)
{
	u64 place = (u64)chunk * step->row_count + row;
	float *results = (float *)(step->workspace + step->plan->scratch_offset +
				   place * step->plan->scratch_stride);
	float *state = results + a->heads * a->value + 2 * head;

	return (struct llm_attend_query){
		.result = results + head * a->value,
		.maximum = &state[0],
		.sum = &state[1],
	};
}

/*
 * Queries of rows of one session that are shown a chunk together, and the positions that
 * each sees, within that chunk or beyond.
 */
struct pass {
	struct llm_attend_query at_page[LLM_ATTEND_QUERIES];
	struct llm_op_span seen[LLM_ATTEND_QUERIES];
	u32 row[LLM_ATTEND_QUERIES];
	u32 head[LLM_ATTEND_QUERIES];
	const struct llm_kv *kv;
	u32 count;
};

/* Adds a query of chunk @chunk, in a stretch that begins with @first. */
static void add_query(const struct llm_step *step, const struct llm_insn *insn,
		      const struct attention *a, struct pass *pass, struct llm_op_span seen,
		      u32 row, u32 head, u32 chunk, u32 first)
{
	u32 at = pass->count++, i;
	struct llm_attend_query query = chunk == chunks_seen(seen).first ?
						whole_result(step, insn, a, row, head) :
						chunk_result(step, a, row, head, chunk - first);

	query.query = rounded_query(step, insn, a, row, head);
	*query.maximum = -3e38f;
	*query.sum = 0;
	for (i = 0; i < a->value; i++)
		query.result[i] = 0;
	pass->at_page[at] = query;
	pass->seen[at] = seen;
	pass->row[at] = row;
	pass->head[at] = head;
}

/* x = x a, in steps that are vectors where the compiler has them. */
static void scale(float *x, float a, u32 n)
{
	u32 i, j;

	for (i = 0; i + 8 <= n; i += 8)
		for (j = i; j < i + 8; j++)
			x[j] *= a;
	for (; i < n; i++)
		x[i] *= a;
}

/* x = x a + y b, likewise. */
static void blend(float *__restrict x, float a, const float *__restrict y, float b, u32 n)
{
	u32 i, j;

	for (i = 0; i + 8 <= n; i += 8)
		for (j = i; j < i + 8; j++)
			x[j] = x[j] * a + y[j] * b;
	for (; i < n; i++)
		x[i] = x[i] * a + y[i] * b;
}

/* Adds the result of a chunk to that of those before it. */
static void merge(const struct llm_attend_query *whole, const struct llm_attend_query *chunk,
		  u32 columns)
{
	float maximum = *whole->maximum > *chunk->maximum ? *whole->maximum : *chunk->maximum;
	float old = llm_expf(*whole->maximum - maximum), new = llm_expf(*chunk->maximum - maximum);

	*whole->maximum = maximum;
	*whole->sum = *whole->sum * old + *chunk->sum * new;
	blend(whole->result, old, chunk->result, new, columns);
}

/* The chunks of a stretch that a row sees are merged; with the last its result is complete. */
static void merge_chunks(const struct llm_step *step, const struct llm_insn *insn,
			 const struct attention *a, const struct stretch *stretch, u32 row,
			 u32 head)
{
	struct llm_op_span seen = chunks_seen(positions_seen(&step->rows[row], insn, a));
	struct llm_attend_query whole = whole_result(step, insn, a, row, head), result;
	u32 chunk = max(stretch->first, seen.first + 1);

	for (; chunk < min(stretch->end, seen.end); chunk++) {
		result = chunk_result(step, a, row, head, chunk - stretch->first);
		merge(&whole, &result, a->value);
	}
	if (seen.end > stretch->first && seen.end <= stretch->end)
		scale(whole.result, 1.0f / *whole.sum, a->value);
}

static void merge_tile(const struct llm_step *step, const struct llm_insn *insn,
		       const struct attention *a, const struct stretch *stretch, u32 tile)
{
	u32 heads = heads_merged(a, stretch), blocks = DIV_ROUND_UP(a->heads, heads);
	u32 head = tile % blocks * heads, end = min(head + heads, a->heads);

	for (; head < end; head++)
		merge_chunks(step, insn, a, stretch, tile / blocks, head);
}

/* Shows a pass the page that begins at position @at: those of its queries that see any of it. */
static void attend_page(const struct llm_step *step, const struct llm_insn *insn,
			const struct llm_attend_page *page, struct pass *pass, u32 at)
{
	void (*attend)(const struct llm_attend_page *, const struct llm_attend_query *, u32) =
		step->plan->form->attend[step->plan->slots[insn->slot].type];
	struct llm_attend_query *query = pass->at_page;
	u32 i, from = 0;

	for (i = 0; i < pass->count; i++, query++) {
		if (pass->seen[i].end <= at || pass->seen[i].first >= at + LLM_PAGE_POSITIONS) {
			if (i > from)
				attend(page, pass->at_page + from, i - from);
			from = i + 1;
			continue;
		}
		query->from = max(pass->seen[i].first, at) - at;
		query->to = min(pass->seen[i].end - at, LLM_PAGE_POSITIONS);
	}
	if (i > from)
		attend(page, pass->at_page + from, i - from);
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

/* Shows a pass the chunk that begins at position @first. */
static void attend_chunk(const struct llm_step *step, const struct llm_insn *insn,
			 const struct attention *a, struct pass *pass, u32 kv_head, u32 first)
{
	const struct llm_slot *slot = &step->plan->slots[insn->slot];
	struct llm_attend_page page = {
		.value_stride = slot->value_width,
		.key = a->key,
		.value = a->value,
		.scale = llm_float(insn->arg[7]),
		.cap = llm_float(insn->arg[9]),
	};
	u32 begin = pass->seen[0].first, end = 0, at, next, i;
	const struct llm_kv *kv = pass->kv;

	for (i = 0; i < pass->count; i++) {
		begin = min(begin, pass->seen[i].first);
		end = max(end, pass->seen[i].end);
	}
	end = min(end, first + LLM_CHUNK_POSITIONS);
	for (at = max(first, begin - begin % LLM_PAGE_POSITIONS); at < end; at = next) {
		next = at + LLM_PAGE_POSITIONS;
		page.keys = keys_at(slot, a, kv, kv_head, at);
		page.values = values_at(slot, a, kv, kv_head, at);
		page.next_keys = next < end ? keys_at(slot, a, kv, kv_head, next) : page.keys;
		page.next_values = next < end ? values_at(slot, a, kv, kv_head, next) : page.values;
		attend_page(step, insn, &page, pass, at);
	}
}

static void end_pass(const struct llm_step *step, const struct llm_insn *insn,
		     const struct attention *a, const struct stretch *stretch, struct pass *pass,
		     u32 kv_head, u32 chunk)
{
	u32 i;

	if (!pass->count)
		return;
	attend_chunk(step, insn, a, pass, kv_head, chunk * LLM_CHUNK_POSITIONS);
	for (i = 0; i < pass->count && stretch->merged_at_once; i++)
		merge_chunks(step, insn, a, stretch, pass->row[i], pass->head[i]);
	pass->count = 0;
}

static void attend(const struct llm_step *step, const struct llm_insn *insn,
		   const struct attention *a, const struct stretch *stretch, u32 tile)
{
	struct cut cut = cut_queries(step, a, stretch);
	u32 group = a->heads / a->kv_heads;
	u32 row = tile % cut.row_blocks * cut.rows;
	u32 last_row = min(row + cut.rows, step->row_count);
	u32 block = tile / cut.row_blocks % (a->kv_heads * cut.head_blocks);
	u32 chunk = stretch->first + tile / cut.row_blocks / (a->kv_heads * cut.head_blocks);
	u32 kv_head = block / cut.head_blocks;
	u32 head_from = block % cut.head_blocks * cut.heads;
	u32 head_to = min(head_from + cut.heads, group);
	struct pass pass = { .count = 0 };
	struct llm_op_span seen, chunks;
	u32 head;

	for (; row < last_row; row++) {
		seen = positions_seen(&step->rows[row], insn, a);
		chunks = chunks_seen(seen);
		if (chunk < chunks.first || chunk >= chunks.end)
			continue;
		for (head = head_from; head < head_to; head++) {
			if (pass.count == LLM_ATTEND_QUERIES ||
			    (pass.count && pass.kv != step->rows[row].kv))
				end_pass(step, insn, a, stretch, &pass, kv_head, chunk);
			pass.kv = step->rows[row].kv;
			add_query(step, insn, a, &pass, seen, row, kv_head * group + head, chunk,
				  stretch->first);
		}
	}
	end_pass(step, insn, a, stretch, &pass, kv_head, chunk);
}

static void run(const struct llm_step *step, const struct llm_insn *insn, u32 part, u32 tile)
{
	struct stretch stretch = stretch_of(step, part);
	struct attention a = attention_of(insn);

	if (stretch.merges)
		merge_tile(step, insn, &a, &stretch, tile);
	else
		attend(step, insn, &a, &stretch, tile);
}

const struct llm_op_type llm_op_attend = {
	.name = "attend",
	.flags = LLM_ATTEND_WHOLE,
	.verify = verify,
	.parts = parts,
	.row_numbers = row_numbers,
	.run_rows = run_rows,
	.tiles = tiles,
	.run = run,
};
