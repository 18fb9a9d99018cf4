/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_COUNTERS_H
#define LLM_COUNTERS_H

#include <linux/atomic.h>

/* What the module did since it was loaded: see struct llm_info. */
struct llm_counters {
	atomic64_t requests;
	atomic64_t tokens_in;
	atomic64_t tokens_out;
	atomic64_t steps;
	atomic64_t slices;
	atomic64_t cpu_ns;
	atomic64_t queued_ns;
	atomic64_t first_token_ns;
};

extern struct llm_counters llm_counters;

#endif /* LLM_COUNTERS_H */
