/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_SYSFS_H
#define LLM_SYSFS_H

struct attribute_group;
struct device;

/*
 * Counters of the module, attributes of the device; the file sysfs-class-misc-llm
 * says what they mean.
 */
extern const struct attribute_group *llm_sysfs_groups[];

/**
 * llm_sysfs_add_model() - shows a model
 * @name: its name
 *
 * Models may be added before llm_sysfs_init().
 *
 * Return: 0, -EEXIST where one of that name is shown, -ENOMEM.
 */
int llm_sysfs_add_model(const char *name);

/**
 * llm_sysfs_remove_model() - shows it no more
 * @name: its name; nothing happens where it is not shown
 *
 * Waits for readers of its attributes, which take the lock of models.
 */
void llm_sysfs_remove_model(const char *name);

/**
 * llm_sysfs_init() - makes the folder of models
 * @device: where in
 *
 * What there is no memory for is not shown.
 */
void llm_sysfs_init(struct device *device);

/** llm_sysfs_exit() - removes it; models are still there. */
void llm_sysfs_exit(void);

#endif /* LLM_SYSFS_H */
