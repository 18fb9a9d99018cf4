// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "forms.h"

#include <linux/module.h>
#include <linux/printk.h>
#include <linux/seq_file.h>
#include <linux/string.h>

#include "slice.h"

static char *form = "auto";
module_param(form, charp, 0444);
MODULE_PARM_DESC(form, "inner loops: auto, " LLM_FORM_NAMES " (default auto: by a short measurement)");

static const struct llm_form *used;
/* Multiply-adds a microsecond; 0 where a form was not timed. */
static u32 rates[LLM_FORMS];

const struct llm_form *llm_forms_used(void)
{
	return used;
}

void llm_forms_show(struct seq_file *file)
{
	const struct llm_form *each;
	u32 i;

	for (i = 0; (each = llm_form_at(i)); i++) {
		seq_printf(file, "%-12s", each->name);
		if (rates[i])
			seq_printf(file, "%8u multiply-adds/us", rates[i]);
		else
			seq_printf(file, "%24s", each->usable() ? "not timed" : "not usable");
		seq_puts(file, each == used ? ", used\n" : "\n");
	}
}

static void log_rates(void)
{
	char text[160] = "";
	int length = 0;
	u32 i;

	for (i = 0; i < LLM_FORMS; i++)
		if (rates[i])
			length += scnprintf(text + length, sizeof(text) - length, "%s%s %u",
					    length ? ", " : "", llm_form_at(i)->name, rates[i]);
	if (length)
		pr_info("using form %s; multiply-adds a microsecond: %s\n", used->name, text);
}

int llm_forms_init(void)
{
	struct llm_trial *trial = llm_alloc(sizeof(*trial));

	if (!trial)
		return -ENOMEM;
	used = llm_trial_form(trial, form, llm_slice_trial);
	memcpy(rates, trial->rates, sizeof(rates));
	llm_free(trial);
	if (!used) {
		pr_err("form=%s is not known or not usable on this CPU; form=auto chooses one\n",
		       form);
		return -EINVAL;
	}
	log_rates();
	return 0;
}
