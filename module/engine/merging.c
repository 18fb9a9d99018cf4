// SPDX-License-Identifier: GPL-2.0
#include "merging.h"

#include <linux/llm_image.h>

#define RELAX_EVERY	1024

void llm_merging_init(struct llm_merging *m, void *memory, u32 room)
{
	m->next = memory;
	m->prev = m->next + room;
	m->symbol = m->prev + room;
	m->heap = (struct llm_pair *)(m->symbol + room);
}

u64 llm_merging_touched(const struct llm_merging *m, u32 room)
{
	return 3 * (u64)room * sizeof(u32) + m->heap_most * sizeof(*m->heap);
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

static void try_pair(struct llm_merging *m, u32 left)
{
	u32 right = m->next[left];
	struct llm_pair pair;

	if (right == m->length || !m->find(m, left, right, &pair.order))
		return;
	pair.left = left;
	pair.size = m->next[right] - left;
	heap_add(m, &pair);
}

static void merge(struct llm_merging *m, const struct llm_pair *pair)
{
	u32 left = pair->left;
	u32 right = m->next[left];
	u32 end;

	if (!right || right == m->length || m->next[right] - left != pair->size)
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
