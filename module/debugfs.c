// SPDX-License-Identifier: GPL-2.0
#include "debugfs.h"

#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/seq_file.h>

#include "forms.h"
#include "slice.h"

static struct dentry *folder;

static int forms_show(struct seq_file *file, void *unused)
{
	llm_forms_show(file);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(forms);

static int slices_show(struct seq_file *file, void *unused)
{
	llm_slice_show(file);
	return 0;
}

static int slices_open(struct inode *inode, struct file *file)
{
	return single_open(file, slices_show, NULL);
}

static ssize_t slices_write(struct file *file, const char __user *user, size_t length, loff_t *at)
{
	unsigned int value;
	int error = kstrtouint_from_user(user, length, 0, &value);

	if (error)
		return error;
	if (value)
		return -EINVAL;
	llm_slice_reset();
	return length;
}

static const struct file_operations slices_fops = {
	.owner = THIS_MODULE,
	.open = slices_open,
	.read = seq_read,
	.write = slices_write,
	.llseek = seq_lseek,
	.release = single_release,
};

void llm_debugfs_init(void)
{
	folder = debugfs_create_dir(KBUILD_MODNAME, NULL);
	debugfs_create_file("forms", 0400, folder, NULL, &forms_fops);
	debugfs_create_file("slices", 0600, folder, NULL, &slices_fops);
}

void llm_debugfs_exit(void)
{
	debugfs_remove(folder);
}
