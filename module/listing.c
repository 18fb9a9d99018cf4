// SPDX-License-Identifier: GPL-2.0
#include "listing.h"

#include <linux/llm_image.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "counters.h"
#include "engine/form.h"
#include "forms.h"
#include "ioctl.h"
#include "model.h"
#include "session.h"
#include "slice.h"
#include "user.h"
#include "workers.h"

int llm_device_info(struct llm_call *call)
{
	struct llm_info *info = &call->argument.info;

	if (!llm_reserved_zero(info->reserved))
		return -EINVAL;
	info->api_version = LLM_API_VERSION;
	info->image_version = LLM_IMAGE_VERSION;
	info->workers = llm_workers_count();
	info->slice_us = llm_slice_us();
	info->models = llm_model_count();
	info->sessions = llm_user_sessions();
	strscpy_pad(info->form, llm_forms_used()->name, sizeof(info->form));
	info->requests = atomic64_read(&llm_counters.requests);
	info->tokens_in = atomic64_read(&llm_counters.tokens_in);
	info->tokens_out = atomic64_read(&llm_counters.tokens_out);
	info->steps = atomic64_read(&llm_counters.steps);
	info->slices = atomic64_read(&llm_counters.slices);
	info->cpu_ns = atomic64_read(&llm_counters.cpu_ns);
	info->queued_ns = atomic64_read(&llm_counters.queued_ns);
	info->first_token_ns = atomic64_read(&llm_counters.first_token_ns);
	return 0;
}

static int check_list(const struct llm_list *list)
{
	if (list->flags || !llm_reserved_zero(list->reserved) || !list->entry_size)
		return -EINVAL;
	return list->entry_size > LLM_MAX_ENTRY ? -E2BIG : 0;
}

/* Writes one entry as long as the caller has it. */
static int put_entry(const struct llm_list *list, u32 index, const void *entry, u32 size)
{
	void __user *user = u64_to_user_ptr(list->entries + (u64)index * list->entry_size);
	u32 known = min(size, list->entry_size);

	if (copy_to_user(user, entry, known))
		return -EFAULT;
	return clear_user(user + known, list->entry_size - known) ? -EFAULT : 0;
}

int llm_list_models(struct llm_call *call)
{
	struct llm_list *list = &call->argument.list;
	struct llm_model_info info;
	u32 count;
	int ret;

	ret = check_list(list);
	for (count = 0; !ret && llm_model_info(count, &info); count++)
		if (count < list->capacity)
			ret = put_entry(list, count, &info, sizeof(info));
	list->count = count;
	return ret;
}

int llm_list_sessions(struct llm_call *call)
{
	struct llm_list *list = &call->argument.list;
	struct llm_session_info *infos;
	u32 room, i;
	int ret;

	ret = check_list(list);
	if (ret)
		return ret;
	room = min(list->capacity, llm_user_sessions());
	infos = llm_alloc((u64)room * sizeof(*infos));
	if (!infos)
		return -ENOMEM;
	list->count = llm_session_list(infos, room);
	for (i = 0; !ret && i < min(room, list->count); i++)
		ret = put_entry(list, i, &infos[i], sizeof(infos[i]));
	llm_free(infos);
	return ret;
}
