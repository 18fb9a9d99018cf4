// SPDX-License-Identifier: GPL-2.0
#include "fold.h"

#include "utf8.h"

#define RELAX_EVERY	65536

static void find_tables(struct llm_fold *fold, const u8 *bytes)
{
	fold->page = (const u16 *)(bytes + sizeof(struct llm_image_fold));
	fold->entry = (const u32 *)(fold->page + LLM_FOLD_PAGES);
}

static int verify_points(const struct llm_fold *fold, struct llm_error *error)
{
	const u32 known = LLM_FOLD_SPACE | LLM_FOLD_DROP | LLM_FOLD_ALONE;
	u32 flags, point, i;

	for (i = 0; i < LLM_UTF8_END; i++) {
		point = i;
		flags = llm_fold_point(fold, &point);
		if (flags & ~known)
			return llm_refuse(error, -EOPNOTSUPP,
					  "fold: flags %#x of code point %#x are not known",
					  flags & ~known, i);
		if (point >= LLM_UTF8_END)
			return llm_refuse(error, -EINVAL,
					  "fold: code point %#x becomes %#x, which is none", i,
					  point);
		if (i % RELAX_EVERY == 0)
			llm_relax_long();
	}
	return 0;
}

int llm_fold_verify(const u8 *bytes, u64 length, struct llm_error *error)
{
	const struct llm_image_fold *head = (const struct llm_image_fold *)bytes;
	struct llm_fold fold;
	u64 needed;
	u32 i;

	if (length < sizeof(*head))
		return llm_refuse(error, -EINVAL, "fold: %llu bytes are too few",
				  (unsigned long long)length);
	for (i = 0; i < ARRAY_SIZE(head->reserved); i++)
		if (head->reserved[i])
			return llm_refuse(error, -EINVAL, "fold: reserved fields are not zero");
	if (!head->pages || head->pages > LLM_FOLD_PAGES)
		return llm_refuse(error, -EINVAL, "fold: %u pages, there can be 1 to %u",
				  head->pages, LLM_FOLD_PAGES);
	needed = sizeof(*head) + LLM_FOLD_PAGES * sizeof(u16) +
		 (u64)head->pages * LLM_FOLD_PAGE * sizeof(u32);
	if (length != needed)
		return llm_refuse(error, -EINVAL, "fold: has %llu bytes, needs %llu",
				  (unsigned long long)length, (unsigned long long)needed);
	find_tables(&fold, bytes);
	for (i = 0; i < LLM_FOLD_PAGES; i++)
		if (fold.page[i] >= head->pages)
			return llm_refuse(error, -EINVAL, "fold: there is no page %u",
					  fold.page[i]);
	return verify_points(&fold, error);
}

void llm_fold_init(struct llm_fold *fold, const struct llm_image *image)
{
	find_tables(fold, image->fold);
}
