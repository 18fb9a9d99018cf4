// SPDX-License-Identifier: GPL-2.0
#include <linux/init.h>
#include <linux/module.h>

#include "chardev.h"
#include "debugfs.h"
#include "forms.h"
#include "model.h"
#include "netlink.h"
#include "sched.h"
#include "slice.h"
#include "workers.h"

static char *model;
module_param(model, charp, 0444);
MODULE_PARM_DESC(model, "model to load from the firmware path, llm/NAME.img (default none)");

/* From what computes up to what users see; the model is there before they are. */
static int __init llm_init(void)
{
	int error;

	error = llm_model_init();
	if (error)
		return error;
	error = llm_slice_init();
	if (error)
		return error;
	error = llm_forms_init();
	if (error)
		goto exit_slice;
	error = llm_workers_init();
	if (error)
		goto exit_slice;
	error = llm_sched_init();
	if (error)
		goto exit_workers;
	if (model) {
		error = llm_model_load_firmware(model);
		if (error)
			goto exit_model;
	}
	error = llm_netlink_init();
	if (error)
		goto exit_model;
	error = llm_chardev_init();
	if (error)
		goto exit_netlink;
	llm_netlink_start();
	llm_debugfs_init();
	return 0;

exit_netlink:
	llm_netlink_exit();
exit_model:
	llm_sched_exit();
	llm_model_exit();
exit_workers:
	llm_workers_exit();
exit_slice:
	llm_slice_exit();
	return error;
}

/* Open files and mappings hold the module, so nobody uses it any more. */
static void __exit llm_exit(void)
{
	llm_debugfs_exit();
	llm_netlink_exit();
	llm_chardev_exit();
	llm_sched_exit();
	llm_model_exit();
	llm_workers_exit();
	llm_slice_exit();
}

module_init(llm_init);
module_exit(llm_exit);
MODULE_DESCRIPTION("Language models as a device");
MODULE_LICENSE("GPL");
