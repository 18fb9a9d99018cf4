// SPDX-License-Identifier: GPL-2.0
#include "facts.h"
#include "json.h"
#include "macros.h"

const char *model_template(const struct llm_model_info *info)
{
	if (!(info->flags & LLM_MODEL_CHAT))
		return "none";
	return *info->chat ? (const char *)info->chat : "unknown";
}

void model_facts_json(const struct llm_model_info *info)
{
	json_text("name", (const char *)info->name);
	json_text("title", (const char *)info->title);
	json_text("architecture", (const char *)info->architecture);
	json_whole("size", info->size);
	json_whole("memory", info->memory);
	json_whole("session_memory", info->session_memory);
	json_whole("parameters", info->parameters);
	json_whole("context_length", info->context_length);
	json_whole("vocab_size", info->vocab_size);
	json_whole("sessions", info->sessions);
	json_text("template", model_template(info));
	json_bool("default", info->flags & LLM_MODEL_DEFAULT);
}

const char *session_state(__u32 state)
{
	static const char *const names[] = {
		[LLM_STATE_IDLE] = "idle",
		[LLM_STATE_QUEUED] = "queued",
		[LLM_STATE_PROMPT] = "prompt",
		[LLM_STATE_REPLY] = "reply",
		[LLM_STATE_DONE] = "done",
	};

	return state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

const char *session_reason(__u32 reason)
{
	static const char *const names[] = {
		[LLM_REASON_NONE] = "none",
		[LLM_REASON_END] = "end",
		[LLM_REASON_STOP] = "stop",
		[LLM_REASON_LENGTH] = "length",
		[LLM_REASON_CONTEXT] = "context",
		[LLM_REASON_CANCELLED] = "cancelled",
		[LLM_REASON_DEADLINE] = "deadline",
	};

	return reason < ARRAY_SIZE(names) ? names[reason] : "unknown";
}
