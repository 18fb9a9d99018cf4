// SPDX-License-Identifier: GPL-2.0
#include "kv.h"

#include "plan.h"

static u64 page_bytes(const struct llm_kv *kv)
{
	return sizeof(struct llm_page) + kv->plan->page_bytes;
}

static void drop_page(const struct llm_kv *kv, struct llm_page *page)
{
	if (atomic_dec_and_test(&page->users))
		llm_free_private(page, page_bytes(kv));
}

int llm_kv_init(struct llm_kv *kv, const struct llm_plan *plan, u32 positions)
{
	kv->plan = plan;
	kv->page_count = 0;
	kv->positions = positions;
	kv->page_room = DIV_ROUND_UP(positions, LLM_PAGE_POSITIONS);
	kv->pages = llm_alloc((u64)kv->page_room * sizeof(*kv->pages));
	return kv->pages ? 0 : -ENOMEM;
}

static void trim_pages(struct llm_kv *kv, u32 count)
{
	while (kv->page_count > count)
		drop_page(kv, kv->pages[--kv->page_count]);
}

int llm_kv_reserve(struct llm_kv *kv, u32 positions)
{
	u32 wanted = DIV_ROUND_UP(positions, LLM_PAGE_POSITIONS);
	u32 before = kv->page_count;
	struct llm_page *page;

	while (kv->page_count < wanted) {
		page = llm_alloc(page_bytes(kv));
		if (!page) {
			trim_pages(kv, before);
			return -ENOMEM;
		}
		atomic_set(&page->users, 1);
		kv->pages[kv->page_count++] = page;
	}
	return 0;
}

void llm_kv_trim(struct llm_kv *kv, u32 positions)
{
	trim_pages(kv, DIV_ROUND_UP(positions, LLM_PAGE_POSITIONS));
}

u64 llm_kv_memory(const struct llm_kv *kv)
{
	return kv->page_count ? kv->page_count * page_bytes(kv) : 0;
}

void llm_kv_destroy(struct llm_kv *kv)
{
	trim_pages(kv, 0);
	llm_free(kv->pages);
	kv->pages = NULL;
}
