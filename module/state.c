// SPDX-License-Identifier: GPL-2.0
/*
 * Keys, values and recurrent numbers are the one thing of a session that can be large. They are
 * charged to a memory cgroup, but where there is none nothing else would bound
 * them: the kernel kills processes to find memory, and these pages belong to
 * none of them.
 */
#include "state.h"

#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/sched/signal.h>

#include "engine/plan.h"
#include "events.h"

static unsigned int max_state;
module_param(max_state, uint, 0644);
MODULE_PARM_DESC(max_state,
		 "MiB of state all sessions may have together (default 0: half of the memory)");

static atomic64_t used;

static u64 limit(void)
{
	u64 mebibytes = READ_ONCE(max_state);

	return mebibytes ? mebibytes << 20 : (u64)totalram_pages() / 2 * PAGE_SIZE;
}

/* Bytes that are not there yet. */
static u64 missing(const struct llm_kv *kv, u32 positions)
{
	u64 needed = llm_kv_needs(kv->plan, positions), there = llm_kv_memory(kv);

	return needed > there ? needed - there : 0;
}

/* Page by page, so that who is killed meanwhile stops. */
static int reserve_pages(struct llm_kv *kv, u32 positions)
{
	u32 before = kv->page_count;
	int ret = llm_kv_reserve(kv, 0);
	u32 at;

	for (at = before; !ret && at < llm_kv_pages(kv->plan, positions); at++)
		ret = fatal_signal_pending(current) ?
			-EINTR : llm_kv_reserve(kv, (at + 1) * LLM_PAGE_POSITIONS);
	if (ret)
		llm_kv_trim(kv, before * LLM_PAGE_POSITIONS);
	return ret;
}

int llm_state_reserve(struct llm_kv *kv, u32 positions)
{
	u64 bytes = missing(kv, positions);
	int ret = -ENOMEM;

	if ((u64)atomic64_add_return(bytes, &used) <= limit())
		ret = reserve_pages(kv, positions);
	if (ret)
		atomic64_sub(bytes, &used);
	if (ret == -ENOMEM)
		llm_event_memory(atomic64_read(&used), limit());
	return ret;
}

void llm_state_destroy(struct llm_kv *kv)
{
	atomic64_sub(llm_kv_memory(kv), &used);
	llm_kv_destroy(kv);
	memset(kv, 0, sizeof(*kv));
}
