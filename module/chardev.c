// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/llm. Opened for reading and writing it is a session; for writing only, a
 * letter whose reply goes to the user's mailbox; for reading only, that mailbox.
 */
#include "chardev.h"

#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "ioctl.h"
#include "mailbox.h"
#include "session.h"
#include "sysfs.h"
#include "turn.h"
#include "user.h"

static int open_letter(struct llm_handle *handle, struct llm_user *user)
{
	handle->letter = llm_letter_create(user);
	if (IS_ERR(handle->letter))
		return PTR_ERR(handle->letter);
	handle->session = llm_letter_session(handle->letter);
	return 0;
}

static int open_session(struct llm_handle *handle, struct llm_user *user)
{
	handle->session = llm_session_create(user, LLM_SESSION_TALK);
	return PTR_ERR_OR_ZERO(handle->session);
}

static int open_mailbox(struct llm_handle *handle, struct llm_user *user)
{
	handle->reader = llm_mail_reader_create(user);
	return handle->reader ? 0 : -ENOMEM;
}

static int open_as(struct llm_handle *handle, struct llm_user *user, fmode_t mode)
{
	switch (mode & (FMODE_READ | FMODE_WRITE)) {
	case FMODE_READ | FMODE_WRITE:
		return open_session(handle, user);
	case FMODE_WRITE:
		return open_letter(handle, user);
	case FMODE_READ:
		return open_mailbox(handle, user);
	default:
		return 0;
	}
}

static int chardev_open(struct inode *inode, struct file *file)
{
	struct llm_handle *handle;
	struct llm_user *user;
	int ret = -ENOMEM;

	handle = kzalloc(sizeof(*handle), GFP_KERNEL_ACCOUNT);
	if (!handle)
		return -ENOMEM;
	user = llm_user_get(file->f_cred->euid);
	if (user)
		ret = open_as(handle, user, file->f_mode);
	llm_user_put(user);
	if (ret) {
		kfree(handle);
		return ret;
	}
	file->private_data = handle;
	return stream_open(inode, file);
}

/* Every close(2) comes here, so a prompt that can't start has somebody to tell. */
static int chardev_flush(struct file *file, fl_owner_t id)
{
	struct llm_handle *handle = file->private_data;

	return handle->letter ? llm_letter_check(handle->letter) : 0;
}

static int chardev_release(struct inode *inode, struct file *file)
{
	struct llm_handle *handle = file->private_data;

	if (handle->letter) {
		llm_letter_post(handle->letter);
	} else if (handle->reader) {
		llm_mail_reader_destroy(handle->reader);
	} else if (handle->session) {
		llm_turn_cancel(handle->session);
		llm_session_put(handle->session);
	}
	kfree(handle);
	return 0;
}

static bool nonblocking(const struct kiocb *iocb)
{
	return iocb->ki_filp->f_flags & O_NONBLOCK || iocb->ki_flags & IOCB_NOWAIT;
}

static ssize_t chardev_read(struct kiocb *iocb, struct iov_iter *to)
{
	struct llm_handle *handle = iocb->ki_filp->private_data;
	int ret;

	if (!iov_iter_count(to))
		return 0;
	if (handle->reader)
		return llm_mail_read(handle->reader, to, nonblocking(iocb));
	ret = llm_turn_start(handle->session);
	if (ret && ret != -EBUSY && ret != -ENODATA)
		return ret;
	return llm_turn_read(handle->session, to, nonblocking(iocb));
}

static ssize_t chardev_write(struct kiocb *iocb, struct iov_iter *from)
{
	struct llm_handle *handle = iocb->ki_filp->private_data;

	if (!iov_iter_count(from))
		return 0;
	if (handle->letter)
		return llm_letter_write(handle->letter, from);
	return llm_turn_write(handle->session, from);
}

static __poll_t chardev_poll(struct file *file, poll_table *wait)
{
	struct llm_handle *handle = file->private_data;

	if (handle->reader)
		return llm_mail_poll(handle->reader, file, wait);
	if (!handle->session)
		return EPOLLERR;
	poll_wait(file, handle->session->wait, wait);
	return llm_turn_poll(handle->session);
}

static const struct file_operations chardev_fops = {
	.owner = THIS_MODULE,
	.open = chardev_open,
	.flush = chardev_flush,
	.release = chardev_release,
	.read_iter = chardev_read,
	.write_iter = chardev_write,
	.poll = chardev_poll,
	.unlocked_ioctl = llm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

static struct miscdevice chardev = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "llm",
	.fops = &chardev_fops,
	.mode = 0660,
	.groups = llm_sysfs_groups,
};

/* Nothing may fail once users see the device: they can have it open already. */
int llm_chardev_init(void)
{
	int ret;

	ret = llm_session_init();
	if (ret)
		return ret;
	ret = misc_register(&chardev);
	if (ret) {
		llm_session_exit();
		return ret;
	}
	llm_sysfs_init(chardev.this_device);
	return 0;
}

void llm_chardev_exit(void)
{
	llm_sysfs_exit();
	misc_deregister(&chardev);
	llm_mailbox_exit();
	llm_session_exit();
}
