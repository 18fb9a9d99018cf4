// SPDX-License-Identifier: GPL-2.0
#include "merging.h"

#include <linux/llm_image.h>

#define RELAX_EVERY	1024
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

int llm_merging_begin(struct llm_merging *m, const u8 *text, u32 length)
{
	m->text = text;
	m->length = length;
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

	return !right || right == m->length || m->next[right] - pair->left != pair->size;
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

	if (right == m->length || !m->find(m, left, right, &pair.order))
		return;
	pair.left = left;
	pair.size = m->next[right] - left;
	if (m->heap_count == heap_room(m))
		clean_heap(m);
	heap_add(m, &pair);
}

static void merge(struct llm_merging *m, const struct llm_pair *pair)
{
	u32 left = pair->left;
	u32 right = m->next[left];
	u32 end;

	if (is_out_of_date(m, pair))
		return;
	if (m->merged)
		m->merged(m, left, pair->order);
	end = m->next[right];
	m->next[right] = 0;
	m->next[left] = end;
	if (end < m->length)
		m->prev[end] = left;
	if (m->prev[left] != LLM_IMAGE_NONE)
		try_pair(m, m->prev[left]);
	try_pair(m, left);
}

void llm_merging_run(struct llm_merging *m)
{
	struct llm_pair pair;
	u32 steps = 0;
	u32 at;

	m->heap_count = 0;
	for (at = 0; at < m->length; at = m->next[at]) {
		if (m->next[at] < m->length)
			m->prev[m->next[at]] = at;
		try_pair(m, at);
		if (++steps % RELAX_EVERY == 0)
			llm_relax_long();
	}
	while (m->heap_count) {
		pair = heap_take(m);
		merge(m, &pair);
		if (++steps % RELAX_EVERY == 0)
			llm_relax_long();
	}
}
