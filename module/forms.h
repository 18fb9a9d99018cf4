/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_FORMS_H
#define LLM_FORMS_H

struct llm_form;
struct seq_file;

/** llm_forms_used() - the form that all models run in. */
const struct llm_form *llm_forms_used(void);

/**
 * llm_forms_show() - writes which forms there are, and how fast, for people
 * @file: where to
 */
void llm_forms_show(struct seq_file *file);

/**
 * llm_forms_init() - takes the form that the module's parameter asks for
 *
 * Return: 0, -EINVAL for a bad module parameter, or -ENOMEM.
 */
int llm_forms_init(void);

#endif /* LLM_FORMS_H */
