// SPDX-License-Identifier: GPL-2.0
#include "kv.h"

#include "plan.h"

static u64 page_bytes(const struct llm_plan *plan)
{
	return sizeof(struct llm_page) + plan->page_bytes;
}

u32 llm_kv_pages(const struct llm_plan *plan, u32 positions)
{
	return plan->page_bytes ? DIV_ROUND_UP(positions, LLM_PAGE_POSITIONS) : 0;
}

static void drop_page(const struct llm_kv *kv, struct llm_page *page)
{
	if (atomic_dec_and_test(&page->users))
		llm_free_exact(page, page_bytes(kv->plan));
}

int llm_kv_init(struct llm_kv *kv, const struct llm_plan *plan, u32 positions)
{
	kv->plan = plan;
	kv->recurrent = NULL;
	kv->page_count = 0;
	kv->positions = positions;
	kv->page_room = llm_kv_pages(plan, positions);
	kv->pages = llm_alloc((u64)max(kv->page_room, 1U) * sizeof(*kv->pages));
	return kv->pages ? 0 : -ENOMEM;
}

static void trim_pages(struct llm_kv *kv, u32 count)
{
	while (kv->page_count > count)
		drop_page(kv, kv->pages[--kv->page_count]);
}

static void drop_recurrent(struct llm_kv *kv)
{
	llm_free_private(kv->recurrent, kv->plan->recurrent_bytes);
	kv->recurrent = NULL;
}

int llm_kv_reserve(struct llm_kv *kv, u32 positions)
{
	u32 wanted = llm_kv_pages(kv->plan, positions);
	bool had_recurrent = kv->recurrent;
	u32 before = kv->page_count;
	struct llm_page *page;

	if (kv->plan->recurrent_bytes && !kv->recurrent) {
		kv->recurrent = llm_alloc(kv->plan->recurrent_bytes);
		if (!kv->recurrent)
			return -ENOMEM;
	}
	while (kv->page_count < wanted) {
		page = llm_alloc_exact(page_bytes(kv->plan));
		if (!page) {
			trim_pages(kv, before);
			if (!had_recurrent)
				drop_recurrent(kv);
			return -ENOMEM;
		}
		atomic_set(&page->users, 1);
		kv->pages[kv->page_count++] = page;
	}
	return 0;
}

void llm_kv_trim(struct llm_kv *kv, u32 positions)
{
	trim_pages(kv, llm_kv_pages(kv->plan, positions));
	if (!positions)
		drop_recurrent(kv);
}

u64 llm_kv_memory(const struct llm_kv *kv)
{
	u64 recurrent = kv->recurrent ? kv->plan->recurrent_bytes : 0;

	return kv->page_count ? kv->page_count * page_bytes(kv->plan) + recurrent : recurrent;
}

u64 llm_kv_needs(const struct llm_plan *plan, u32 positions)
{
	return llm_kv_pages(plan, positions) * page_bytes(plan) + plan->recurrent_bytes;
}

void llm_kv_destroy(struct llm_kv *kv)
{
	trim_pages(kv, 0);
	if (kv->recurrent)
		drop_recurrent(kv);
	llm_free(kv->pages);
	kv->pages = NULL;
}
