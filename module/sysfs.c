// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "sysfs.h"

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/kobject.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "counters.h"
#include "model.h"
#include "user.h"

static ssize_t counter_show(struct device *device, struct device_attribute *attribute, char *page)
{
	const atomic64_t *counter = container_of(attribute, struct dev_ext_attribute, attr)->var;

	return sysfs_emit(page, "%lld\n", (long long)atomic64_read(counter));
}

static struct dev_ext_attribute counters[] = {
	{ __ATTR(requests, 0444, counter_show, NULL), &llm_counters.requests },
	{ __ATTR(tokens_in, 0444, counter_show, NULL), &llm_counters.tokens_in },
	{ __ATTR(tokens_out, 0444, counter_show, NULL), &llm_counters.tokens_out },
	{ __ATTR(steps, 0444, counter_show, NULL), &llm_counters.steps },
	{ __ATTR(slices, 0444, counter_show, NULL), &llm_counters.slices },
	{ __ATTR(cpu_ns, 0444, counter_show, NULL), &llm_counters.cpu_ns },
	{ __ATTR(queued_ns, 0444, counter_show, NULL), &llm_counters.queued_ns },
	{ __ATTR(first_token_ns, 0444, counter_show, NULL), &llm_counters.first_token_ns },
};

static ssize_t sessions_show(struct device *device, struct device_attribute *attribute, char *page)
{
	return sysfs_emit(page, "%u\n", llm_user_sessions());
}
static DEVICE_ATTR_RO(sessions);

static struct attribute *device_attrs[] = {
	&counters[0].attr.attr,
	&counters[1].attr.attr,
	&counters[2].attr.attr,
	&counters[3].attr.attr,
	&counters[4].attr.attr,
	&counters[5].attr.attr,
	&counters[6].attr.attr,
	&counters[7].attr.attr,
	&dev_attr_sessions.attr,
	NULL
};

static const struct attribute_group device_group = { .attrs = device_attrs };
const struct attribute_group *llm_sysfs_groups[] = { &device_group, NULL };

/**
 * struct model_folder - a folder for one model
 * @kobject: the folder
 * @released: completed when nothing refers to @kobject any more
 * @link: in the list of folders
 * @name: the model's
 */
struct model_folder {
	struct kobject kobject;
	struct completion released;
	struct list_head link;
	char name[LLM_NAME_SIZE];
};

/*
 * Protects folders and parent. Not taken by what shows an attribute: removing a
 * folder waits for that.
 */
static DEFINE_MUTEX(folders_lock);
static LIST_HEAD(folders);
static struct kobject *parent;

static bool find_model(const char *name, struct llm_model_info *info)
{
	u32 i;

	for (i = 0; llm_model_info(i, info); i++)
		if (!strcmp(info->name, name))
			return true;
	return false;
}

#define MODEL_ATTRIBUTE(attribute, format, value)				\
static ssize_t attribute##_show(struct kobject *kobject, struct kobj_attribute *unused,	\
				char *page)					\
{										\
	struct llm_model_info info;						\
										\
	if (!find_model(kobject_name(kobject), &info))				\
		return -ENODEV;							\
	return sysfs_emit(page, format "\n", value);				\
}										\
static struct kobj_attribute model_##attribute = __ATTR_RO(attribute)

MODEL_ATTRIBUTE(title, "%s", info.title);
MODEL_ATTRIBUTE(architecture, "%s", info.architecture);
MODEL_ATTRIBUTE(size, "%llu", info.size);
MODEL_ATTRIBUTE(memory, "%llu", info.memory);
MODEL_ATTRIBUTE(session_memory, "%llu", info.session_memory);
MODEL_ATTRIBUTE(parameters, "%llu", info.parameters);
MODEL_ATTRIBUTE(context_length, "%u", info.context_length);
MODEL_ATTRIBUTE(vocab_size, "%u", info.vocab_size);
MODEL_ATTRIBUTE(users, "%u", info.sessions);
MODEL_ATTRIBUTE(default, "%u", info.flags & LLM_MODEL_DEFAULT ? 1 : 0);

static struct attribute *model_attrs[] = {
	&model_title.attr,
	&model_architecture.attr,
	&model_size.attr,
	&model_memory.attr,
	&model_session_memory.attr,
	&model_parameters.attr,
	&model_context_length.attr,
	&model_vocab_size.attr,
	&model_users.attr,
	&model_default.attr,
	NULL
};
ATTRIBUTE_GROUPS(model);

static void release_folder(struct kobject *kobject)
{
	complete(&container_of(kobject, struct model_folder, kobject)->released);
}

static const struct kobj_type model_type = {
	.release = release_folder,
	.sysfs_ops = &kobj_sysfs_ops,
	.default_groups = model_groups,
};

static struct model_folder *find_folder(const char *name)
{
	struct model_folder *folder;

	list_for_each_entry(folder, &folders, link)
		if (!strcmp(folder->name, name))
			return folder;
	return NULL;
}

static int show_folder(struct model_folder *folder)
{
	return parent ? kobject_add(&folder->kobject, parent, "%s", folder->name) : 0;
}

static void free_folder(struct model_folder *folder)
{
	kobject_put(&folder->kobject);
	wait_for_completion(&folder->released);
	kfree(folder);
}

static int add_folder(const char *name)
{
	struct model_folder *folder;
	int ret;

	if (find_folder(name))
		return -EEXIST;
	folder = kzalloc(sizeof(*folder), GFP_KERNEL);
	if (!folder)
		return -ENOMEM;
	init_completion(&folder->released);
	kobject_init(&folder->kobject, &model_type);
	strscpy(folder->name, name, sizeof(folder->name));
	ret = show_folder(folder);
	if (ret)
		free_folder(folder);
	else
		list_add_tail(&folder->link, &folders);
	return ret;
}

int llm_sysfs_add_model(const char *name)
{
	int ret;

	mutex_lock(&folders_lock);
	ret = add_folder(name);
	mutex_unlock(&folders_lock);
	return ret;
}

static void remove_folder(struct model_folder *folder)
{
	list_del(&folder->link);
	if (folder->kobject.state_in_sysfs)
		kobject_del(&folder->kobject);
	free_folder(folder);
}

void llm_sysfs_remove_model(const char *name)
{
	struct model_folder *folder;

	mutex_lock(&folders_lock);
	folder = find_folder(name);
	if (folder)
		remove_folder(folder);
	mutex_unlock(&folders_lock);
}

void llm_sysfs_init(struct device *device)
{
	struct model_folder *folder;

	mutex_lock(&folders_lock);
	parent = kobject_create_and_add("models", &device->kobj);
	list_for_each_entry(folder, &folders, link)
		if (show_folder(folder))
			pr_warn("model %s is not shown in sysfs\n", folder->name);
	mutex_unlock(&folders_lock);
}

void llm_sysfs_exit(void)
{
	struct model_folder *folder, *next;

	mutex_lock(&folders_lock);
	list_for_each_entry_safe(folder, next, &folders, link)
		remove_folder(folder);
	kobject_put(parent);
	parent = NULL;
	mutex_unlock(&folders_lock);
}
