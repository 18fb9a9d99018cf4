/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LLMCTL_CHAT_TEMPLATE_H
#define LLMCTL_CHAT_TEMPLATE_H

#include "compile.h"

/**
 * chat_recognise() - what a chat template of a model file is like
 * @chat: filled; LLM_CHAT_UNKNOWN where it is none of those that are known
 * @text: a Jinja program, or the name of a template
 * @length: bytes
 */
void chat_recognise(struct llm_image_chat *chat, const char *text, size_t length);

#endif /* LLMCTL_CHAT_TEMPLATE_H */
