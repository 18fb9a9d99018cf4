/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_REPACK_H
#define LLM_ENGINE_REPACK_H

#include "plan.h"

/**
 * llm_repack() - lays the weights out for the form that will use them, in place
 * @plan: plan of the image; no step of it has begun
 *
 * The tensors of plan->image change: no other plan may use the image with a form
 * that does not know their new layout. Where there is no memory for the work
 * weights stay as they are, which is slower and as right. May sleep.
 */
void llm_repack(const struct llm_plan *plan);

#endif /* LLM_ENGINE_REPACK_H */
