// SPDX-License-Identifier: GPL-2.0
#include "spm.h"

#define RELAX_EVERY	1024

/*
 * Two neighbours that are a token together. It is out of date when the piece at
 * @left is gone, or it and the one after it are not @size bytes any more.
 */
struct pair {
	u32 order;
	u32 left;
	u32 size;
};

/*
 * A text being merged. A piece is known by the offset of its first byte: next[]
 * is where the piece after it begins, prev[] where the one before does; next[]
 * is 0 where no piece begins.
 *
 * There are at most as many pairs at first as pieces, and each merge, of which
 * there are fewer than pieces, takes out one and puts in two.
 */
struct merging {
	const struct llm_spm *spm;
	u8 *text;
	u32 *next;
	u32 *prev;
	struct pair *heap;
	u32 length;
	u32 heap_count;
	void *memory;
	u64 memory_size;
};

int llm_spm_init(struct llm_spm *spm, const struct llm_image *image, struct llm_error *error)
{
	const u32 merged = 1U << LLM_TOKEN_NORMAL | 1U << LLM_TOKEN_USER;
	u32 i;
	u8 byte;
	int err;

	err = llm_index_init(&spm->index, image, merged, error);
	if (err)
		return err;
	spm->unknown = image->tokenizer.unknown;
	for (i = 0; i < ARRAY_SIZE(spm->bytes); i++)
		spm->bytes[i] = LLM_IMAGE_NONE;
	for (i = image->model.vocab_size; i-- > 0;)
		if (image->vocab[i].kind == LLM_TOKEN_BYTE)
			spm->bytes[image->vocab[i].rank] = i;
	for (i = 0; i < ARRAY_SIZE(spm->bytes); i++) {
		byte = i;
		if (spm->bytes[i] == LLM_IMAGE_NONE)
			spm->bytes[i] = llm_index_find(&spm->index, &byte, 1);
		if (spm->bytes[i] == LLM_IMAGE_NONE && spm->unknown == LLM_IMAGE_NONE) {
			llm_spm_destroy(spm);
			return llm_refuse(error, -EINVAL,
					  "vocabulary: no token for byte %#04x, and none for the unknown",
					  i);
		}
	}
	return 0;
}

void llm_spm_destroy(struct llm_spm *spm)
{
	llm_index_destroy(&spm->index);
}

/* What the first byte of a character says of its length; nothing else is checked. */
static u32 character_length(u8 first)
{
	if (first < 0xc0)
		return 1;
	if (first < 0xe0)
		return 2;
	return first < 0xf0 ? 3 : 4;
}

static u32 copy_text(u8 *to, const u8 *text, u32 length, bool space_before)
{
	static const u8 block[3] = { 0xe2, 0x96, 0x81 };
	u32 count = 0;
	u32 i = 0;

	if (space_before)
		to[count++] = ' ';
	while (i < length) {
		if (length - i >= sizeof(block) && !memcmp(text + i, block, sizeof(block))) {
			to[count++] = ' ';
			i += sizeof(block);
		} else {
			to[count++] = text[i++];
		}
	}
	return count;
}

static int merging_init(struct merging *m, const struct llm_spm *spm, const u8 *text, u32 length,
			bool space_before)
{
	u64 bytes = (u64)length + space_before;
	u64 room = ALIGN(bytes, 8);

	if (bytes > S32_MAX)
		return -ENOMEM;
	m->spm = spm;
	m->heap_count = 0;
	m->memory_size = room * (2 * sizeof(*m->heap) + 2 * sizeof(*m->next) + 1);
	m->memory = llm_alloc(m->memory_size);
	if (!m->memory)
		return -ENOMEM;
	m->heap = m->memory;
	m->next = (u32 *)(m->heap + 2 * room);
	m->prev = m->next + room;
	m->text = (u8 *)(m->prev + room);
	m->length = copy_text(m->text, text, length, space_before);
	return 0;
}

static bool goes_before(const struct pair *a, const struct pair *b)
{
	return a->order < b->order || (a->order == b->order && a->left < b->left);
}

static void heap_add(struct merging *m, const struct pair *pair)
{
	u32 at = m->heap_count++;

	while (at > 0 && goes_before(pair, &m->heap[(at - 1) / 2])) {
		m->heap[at] = m->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	m->heap[at] = *pair;
}

static struct pair heap_take(struct merging *m)
{
	struct pair first = m->heap[0];
	struct pair last = m->heap[--m->heap_count];
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

static void try_pair(struct merging *m, u32 left)
{
	u32 right = m->next[left];
	struct pair pair;
	u32 token;

	if (right == m->length)
		return;
	pair.left = left;
	pair.size = m->next[right] - left;
	token = llm_index_find(&m->spm->index, m->text + left, pair.size);
	if (token == LLM_IMAGE_NONE)
		return;
	/* Rising where the rank falls. */
	pair.order = (u32)m->spm->index.image->vocab[token].rank ^ 0x7fffffff;
	heap_add(m, &pair);
}

static void cut_characters(struct merging *m)
{
	u32 before = LLM_IMAGE_NONE;
	u32 at = 0;

	while (at < m->length) {
		m->prev[at] = before;
		m->next[at] = at + min(character_length(m->text[at]), m->length - at);
		before = at;
		at = m->next[at];
	}
}

static void merge(struct merging *m, const struct pair *pair)
{
	u32 left = pair->left;
	u32 right = m->next[left];
	u32 end;

	if (!right || right == m->length || m->next[right] - left != pair->size)
		return;
	end = m->next[right];
	m->next[right] = 0;
	m->next[left] = end;
	if (end < m->length)
		m->prev[end] = left;
	if (m->prev[left] != LLM_IMAGE_NONE)
		try_pair(m, m->prev[left]);
	try_pair(m, left);
}

static void add_bytes(const struct llm_spm *spm, const u8 *bytes, u32 length,
		      struct llm_token_list *list)
{
	u32 i;

	for (i = 0; i < length; i++) {
		if (spm->bytes[bytes[i]] == LLM_IMAGE_NONE) {
			llm_token_list_add(list, spm->unknown);
			return;
		}
	}
	for (i = 0; i < length; i++)
		llm_token_list_add(list, spm->bytes[bytes[i]]);
}

static void add_piece(const struct llm_spm *spm, const u8 *bytes, u32 length,
		      struct llm_token_list *list)
{
	u32 token = llm_index_find(&spm->index, bytes, length);

	if (token == LLM_IMAGE_NONE)
		add_bytes(spm, bytes, length, list);
	else
		llm_token_list_add(list, token);
}

int llm_spm_tokenize(const struct llm_spm *spm, const u8 *text, u32 length, bool space_before,
		     struct llm_token_list *list)
{
	struct merging m;
	struct pair pair;
	u32 steps = 0;
	u32 at;
	int err;

	err = merging_init(&m, spm, text, length, space_before);
	if (err)
		return err;
	cut_characters(&m);
	for (at = 0; at < m.length; at = m.next[at]) {
		try_pair(&m, at);
		if (++steps % RELAX_EVERY == 0)
			llm_relax_long();
	}
	while (m.heap_count) {
		pair = heap_take(&m);
		merge(&m, &pair);
		if (++steps % RELAX_EVERY == 0)
			llm_relax_long();
	}
	for (at = 0; at < m.length; at = m.next[at])
		add_piece(spm, m.text + at, m.next[at] - at, list);
	llm_free_private(m.memory, m.memory_size);
	return 0;
}
