// SPDX-License-Identifier: GPL-2.0
#include "merging.h"

#include <linux/llm_image.h>

#define RELAX_EVERY	1024
/* What is asked for more often what follows is better merged with it. */
#define LOOKS		256
/* Memory is for a multiple of so many bytes of text. */
#define ROOM		1024

static u32 heap_room(const struct llm_merging *m)
{
	return m->room + m->room / 4;
}

/* Bytes of memory before the heap. */
static u64 pieces_size(const struct llm_merging *m)
{
	return (m->merged ? 3 : 2) * (u64)m->room * sizeof(u32);
}

int llm_merging_begin(struct llm_merging *m, const u8 *text, u32 length, u32 after)
{
	m->text = text;
	m->length = length;
	m->after = after;
	m->edge = length;
	if (length <= m->room)
		return 0;
	llm_merging_destroy(m);
	m->room = ALIGN(length, ROOM);
	m->next = llm_alloc_unset(pieces_size(m) + heap_room(m) * (u64)sizeof(*m->heap));
	if (!m->next) {
		m->room = 0;
		return -ENOMEM;
	}
	m->prev = m->next + m->room;
	m->symbol = m->merged ? m->prev + m->room : NULL;
	m->heap = (struct llm_pair *)((u8 *)m->next + pieces_size(m));
	return 0;
}

void llm_merging_destroy(struct llm_merging *m)
{
	if (m->room)
		llm_free_private(m->next, pieces_size(m) + m->heap_most * sizeof(*m->heap));
	m->room = 0;
	m->heap_most = 0;
}

void llm_merging_add(struct llm_merging *m, u32 at, u32 end)
{
	m->prev[at] = LLM_IMAGE_NONE;
	m->next[at] = end;
}

static bool goes_before(const struct llm_pair *a, const struct llm_pair *b)
{
	return a->order < b->order || (a->order == b->order && a->left < b->left);
}

static void heap_add(struct llm_merging *m, const struct llm_pair *pair)
{
	u32 at = m->heap_count++;

	m->heap_most = max(m->heap_most, m->heap_count);
	while (at > 0 && goes_before(pair, &m->heap[(at - 1) / 2])) {
		m->heap[at] = m->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	m->heap[at] = *pair;
}

static struct llm_pair heap_take(struct llm_merging *m)
{
	struct llm_pair first = m->heap[0];
	struct llm_pair last = m->heap[--m->heap_count];
	u32 at = 0;
	u32 child;

	for (child = 1; child < m->heap_count; child = 2 * at + 1) {
		if (child + 1 < m->heap_count && goes_before(&m->heap[child + 1], &m->heap[child]))
			child++;
		if (!goes_before(&m->heap[child], &last))
			break;
		m->heap[at] = m->heap[child];
		at = child;
	}
	m->heap[at] = last;
	return first;
}

static bool is_out_of_date(const struct llm_merging *m, const struct llm_pair *pair)
{
	u32 right = m->next[pair->left];

	return !right || right >= m->edge || m->next[right] - pair->left != pair->size;
}

static void clean_heap(struct llm_merging *m)
{
	u32 count = m->heap_count;
	struct llm_pair pair;
	u32 i;

	m->heap_count = 0;
	for (i = 0; i < count; i++) {
		pair = m->heap[i];
		if (!is_out_of_date(m, &pair))
			heap_add(m, &pair);
	}
}

static void try_pair(struct llm_merging *m, u32 left)
{
	u32 right = m->next[left];
	struct llm_pair pair;

	if (right >= m->edge || !m->find(m, left, right, &pair.order))
		return;
	pair.left = left;
	pair.size = m->next[right] - left;
	if (m->heap_count == heap_room(m))
		clean_heap(m);
	heap_add(m, &pair);
}

/* Sets the piece that ends at the edge. */
static void set_last(struct llm_merging *m, u32 last)
{
	m->last = last;
	m->limit = LLM_MERGING_NEVER;
	if (last == LLM_IMAGE_NONE)
		return;
	/* None is the last of what is certain, then: nothing is. */
	if (m->looks++ == LOOKS)
		m->edge = 0;
	else
		m->limit = m->beyond(m, last);
}

/*
 * What is before the edge merges by itself until the piece that ends there might be merged
 * with what follows, which depends on what became of that: when the turn of such a pair has
 * come, the piece is not certain any more. The edge is the end of the one before it from
 * then on, and nothing was merged across it yet, nor will be.
 */
static void take_back_edge(struct llm_merging *m)
{
	m->edge = m->last;
	set_last(m, m->prev[m->edge]);
}

static void merge(struct llm_merging *m, const struct llm_pair *pair)
{
	u32 left = pair->left;
	u32 right = m->next[left];
	u32 end;

	if (is_out_of_date(m, pair))
		return;
	/* Of equals the one further left comes first. */
	while (m->limit < pair->order)
		take_back_edge(m);
	if (right >= m->edge)
		return;
	if (m->merged)
		m->merged(m, left, pair->order);
	end = m->next[right];
	m->next[right] = 0;
	m->next[left] = end;
	if (end < m->length)
		m->prev[end] = left;
	if (m->after && end == m->edge)
		set_last(m, left);
	if (m->prev[left] != LLM_IMAGE_NONE)
		try_pair(m, m->prev[left]);
	try_pair(m, left);
}

void llm_merging_run(struct llm_merging *m)
{
	struct llm_pair pair;
	u32 last = LLM_IMAGE_NONE;
	u32 steps = 0;
	u32 at;

	m->heap_count = 0;
	for (at = 0; at < m->length; at = m->next[at]) {
		last = at;
		if (m->next[at] < m->length)
			m->prev[m->next[at]] = at;
		try_pair(m, at);
		if (++steps % RELAX_EVERY == 0)
			llm_relax_long();
	}
	m->looks = 0;
	set_last(m, m->after ? last : LLM_IMAGE_NONE);
	while (m->heap_count) {
		pair = heap_take(m);
		merge(m, &pair);
		if (++steps % RELAX_EVERY == 0)
			llm_relax_long();
	}
	while (m->limit != LLM_MERGING_NEVER)
		take_back_edge(m);
}
