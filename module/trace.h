/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM llm

#if !defined(LLM_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define LLM_TRACE_H

#include <linux/string.h>
#include <linux/tracepoint.h>

#include "model.h"
#include "sched.h"

TRACE_EVENT(llm_submit,
	    TP_PROTO(const struct llm_job *job),
	    TP_ARGS(job),
	    TP_STRUCT__entry(__field(u64, session)
			     __array(char, model, LLM_NAME_SIZE)
			     __field(u32, prompt)
			     __field(u32, position)
			     __field(bool, score)),
	    TP_fast_assign(__entry->session = job->session;
			   memcpy(__entry->model, job->model->name, LLM_NAME_SIZE);
			   __entry->prompt = job->request.prompt_count;
			   __entry->position = job->request.position;
			   __entry->score = job->request.score;),
	    TP_printk("session=%llu model=%s prompt=%u position=%u score=%d", __entry->session,
		      __entry->model, __entry->prompt, __entry->position, __entry->score));

TRACE_EVENT(llm_step,
	    TP_PROTO(const struct llm_model *model, u32 rows, u32 outputs, u64 elapsed_ns,
		     u64 cpu_ns),
	    TP_ARGS(model, rows, outputs, elapsed_ns, cpu_ns),
	    TP_STRUCT__entry(__array(char, model, LLM_NAME_SIZE)
			     __field(u32, rows)
			     __field(u32, outputs)
			     __field(u64, elapsed_ns)
			     __field(u64, cpu_ns)),
	    TP_fast_assign(memcpy(__entry->model, model->name, LLM_NAME_SIZE);
			   __entry->rows = rows;
			   __entry->outputs = outputs;
			   __entry->elapsed_ns = elapsed_ns;
			   __entry->cpu_ns = cpu_ns;),
	    TP_printk("model=%s rows=%u outputs=%u elapsed_ns=%llu cpu_ns=%llu", __entry->model,
		      __entry->rows, __entry->outputs, __entry->elapsed_ns, __entry->cpu_ns));

TRACE_EVENT(llm_token,
	    TP_PROTO(const struct llm_job *job, u32 token),
	    TP_ARGS(job, token),
	    TP_STRUCT__entry(__field(u64, session)
			     __field(u32, number)
			     __field(u32, token)),
	    TP_fast_assign(__entry->session = job->session;
			   __entry->number = job->tokens_out;
			   __entry->token = token;),
	    TP_printk("session=%llu number=%u token=%u", __entry->session, __entry->number,
		      __entry->token));

TRACE_EVENT(llm_slice,
	    TP_PROTO(u64 ns, u32 pieces),
	    TP_ARGS(ns, pieces),
	    TP_STRUCT__entry(__field(u64, ns)
			     __field(u32, pieces)),
	    TP_fast_assign(__entry->ns = ns;
			   __entry->pieces = pieces;),
	    TP_printk("ns=%llu pieces=%u", __entry->ns, __entry->pieces));

TRACE_EVENT(llm_done,
	    TP_PROTO(const struct llm_job *job),
	    TP_ARGS(job),
	    TP_STRUCT__entry(__field(u64, session)
			     __field(u32, end)
			     __field(u32, tokens_in)
			     __field(u32, tokens_out)
			     __field(u64, queued_ns)
			     __field(u64, first_token_ns)
			     __field(u64, cpu_ns)),
	    TP_fast_assign(__entry->session = job->session;
			   __entry->end = job->request.end;
			   __entry->tokens_in = job->tokens_in;
			   __entry->tokens_out = job->tokens_out;
			   __entry->queued_ns = job->queued_ns;
			   __entry->first_token_ns = job->first_token_ns;
			   __entry->cpu_ns = job->cpu_ns;),
	    TP_printk("session=%llu end=%u tokens_in=%u tokens_out=%u queued_ns=%llu first_token_ns=%llu cpu_ns=%llu",
		      __entry->session, __entry->end, __entry->tokens_in, __entry->tokens_out,
		      __entry->queued_ns, __entry->first_token_ns, __entry->cpu_ns));

#endif /* LLM_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
