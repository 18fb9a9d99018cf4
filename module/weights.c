// SPDX-License-Identifier: GPL-2.0
#include "weights.h"

#include <linux/kmemleak.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#ifdef CONFIG_UML
/*
 * User-Mode Linux has no huge pages, but its memory is a file that its host may keep in
 * such. The host maps one as a whole where address and place in the file agree in all
 * bits below its size. So blocks of that size are taken, and put where they agree.
 */
#define BLOCK_ORDER	9
#define BLOCK_PAGES	(1U << BLOCK_ORDER)
#define TRIES		8
#define BLOCK_GFP	(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NORETRY | __GFP_NOWARN)

static void free_pages_of(struct page **pages, u32 count)
{
	while (count--)
		__free_page(pages[count]);
	kvfree(pages);
}

/* Pages of whole blocks, but for the last one, of which one page is missing. */
static struct page **take_blocks(u32 count)
{
	struct page **pages = kvmalloc_array(count, sizeof(*pages), GFP_KERNEL_ACCOUNT);
	struct page *block;
	u32 taken, i;

	for (taken = 0; pages && taken < count; taken += BLOCK_PAGES) {
		block = alloc_pages(BLOCK_GFP, BLOCK_ORDER);
		if (!block) {
			free_pages_of(pages, taken);
			return NULL;
		}
		split_page(block, BLOCK_ORDER);
		for (i = 0; i < min(BLOCK_PAGES, count - taken); i++)
			pages[taken + i] = block + i;
		if (i < BLOCK_PAGES)
			__free_page(block + i);
	}
	return pages;
}

/* Puts the first @places pages at the end. Returns false where memory is out. */
static bool rotate(struct page **pages, u32 count, u32 places)
{
	struct page **first = kmemdup(pages, places * sizeof(*pages), GFP_KERNEL);

	if (!first)
		return false;
	memmove(pages, pages + places, (count - places) * sizeof(*pages));
	memcpy(pages + count - places, first, places * sizeof(*pages));
	kfree(first);
	return true;
}

/* By how many pages the memory begins later in a block than its first page does. */
static u32 gap(const void *memory, struct page **pages)
{
	return (((unsigned long)memory >> PAGE_SHIFT) - page_to_pfn(pages[0])) % BLOCK_PAGES;
}

/*
 * Where an area lies shows when it is there. One that follows it, with the page that
 * is left free between areas, begins at the same place within a block; or somewhere
 * else, where others were quicker: what does not agree is slow, and else as good.
 */
static void *map_blocks(u64 size)
{
	u32 count = ALIGN((size >> PAGE_SHIFT) + 1, BLOCK_PAGES) - 1;
	struct page **pages = take_blocks(count);
	u32 tries = TRIES;
	void *memory;

	if (!pages)
		return NULL;
	for (;;) {
		memory = vmap(pages, count, VM_MAP | VM_MAP_PUT_PAGES, PAGE_KERNEL);
		if (!memory)
			break;
		if (!gap(memory, pages) || !tries-- || !rotate(pages, count, gap(memory, pages)))
			return memory;
		vunmap(memory);
	}
	free_pages_of(pages, count);
	return NULL;
}
#else
static void *map_blocks(u64 size)
{
	return NULL;
}
#endif

void *llm_weights_alloc(u64 size)
{
	void *memory;

	if (size > (u64)si_mem_available() << PAGE_SHIFT)
		return NULL;
	size = PAGE_ALIGN(size);
	memory = size >= PMD_SIZE ? map_blocks(size) : NULL;
	if (memory)
		return memory;
	memory = vmalloc_huge(size, GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_RETRY_MAYFAIL);
	if (memory)
		kmemleak_no_scan(memory);
	return memory;
}

void llm_weights_free(const void *memory)
{
	vfree(memory);
}
