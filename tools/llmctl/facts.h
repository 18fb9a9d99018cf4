/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FACTS_H
#define FACTS_H

#include <llmctl.h>

/**
 * model_facts_json() - the members of a JSON object that describe a model
 * @info: model
 */
void model_facts_json(const struct llm_model_info *info);

/**
 * model_template() - what chat template a model has
 * @info: model
 *
 * Return: its name, "unknown" or "none".
 */
const char *model_template(const struct llm_model_info *info);

/** session_state() - a word for an enum llm_state. */
const char *session_state(__u32 state);

/** session_reason() - a word for an enum llm_reason. */
const char *session_reason(__u32 reason);

#endif /* FACTS_H */
