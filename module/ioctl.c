// SPDX-License-Identifier: GPL-2.0
#include "ioctl.h"

#include <linux/capability.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/nospec.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "buffer.h"
#include "chardev.h"
#include "embed.h"
#include "listing.h"
#include "model.h"
#include "score.h"
#include "session.h"
#include "setup.h"
#include "text.h"
#include "turn.h"

static int create_model(struct llm_call *call)
{
	struct llm_model_create *args = &call->argument.model_create;
	struct file *file;
	int fd;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (args->flags || !llm_reserved_zero(args->reserved) || !args->size ||
	    !llm_model_name_valid(args->name))
		return -EINVAL;
	/* Who does not know of @fd would never close it. */
	if (call->size < offsetofend(struct llm_model_create, fd))
		return -EINVAL;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = llm_buffer_create(args->name, args->size);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	call->opened = file;
	call->fd = fd;
	args->fd = fd;
	return 0;
}

static int unload_model(struct llm_call *call)
{
	struct llm_model_unload *args = &call->argument.model_unload;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!llm_reserved_zero(args->reserved) || !llm_model_name_valid(args->name))
		return -EINVAL;
	return llm_model_unload(args->name);
}

static int start_turn(struct llm_call *call)
{
	const struct llm_start *args = &call->argument.start;

	if (args->flags || args->reserved32 || !llm_reserved_zero(args->reserved))
		return -EINVAL;
	/* A letter starts when its file is closed. */
	if (call->handle->letter)
		return -EBADF;
	return llm_turn_start(call->session);
}

static int cancel_turn(struct llm_call *call)
{
	const struct llm_cancel *args = &call->argument.cancel;

	if (args->flags || args->reserved32 || !llm_reserved_zero(args->reserved))
		return -EINVAL;
	return llm_turn_cancel(call->session);
}

static int session_status(struct llm_call *call)
{
	struct llm_session_info *info = &call->argument.session_info;

	if (!llm_reserved_zero(info->reserved))
		return -EINVAL;
	llm_session_info(call->session, info);
	return 0;
}

/* What an ioctl is about: the whole device, or the session of the open file. */
enum ioctl_object { DEVICE, SESSION };

/* Whether it returns something in its struct; else that is not written to. */
enum ioctl_way { TAKES, RETURNS };

/**
 * struct ioctl_row - one row of the table
 * @command: number, direction and size as this version has them
 * @object: what it is about
 * @way: whether it returns something
 * @run: handler; returns 0 or a negative errno
 */
struct ioctl_row {
	unsigned int command;
	enum ioctl_object object;
	enum ioctl_way way;
	int (*run)(struct llm_call *call);
};

#define ROW(name, about, data, handler)						\
	[_IOC_NR(LLM_IOC_##name)] = {						\
		.command = LLM_IOC_##name,					\
		.object = (about),						\
		.way = (data),							\
		.run = (handler),						\
	}

static const struct ioctl_row ioctls[] = {
	ROW(INFO, DEVICE, RETURNS, llm_device_info),
	ROW(MODEL_CREATE, DEVICE, RETURNS, create_model),
	ROW(MODEL_UNLOAD, DEVICE, TAKES, unload_model),
	ROW(MODEL_LIST, DEVICE, RETURNS, llm_list_models),
	ROW(SETUP, SESSION, TAKES, llm_setup),
	ROW(SAMPLING, SESSION, TAKES, llm_setup_sampling),
	ROW(START, SESSION, TAKES, start_turn),
	ROW(CANCEL, SESSION, TAKES, cancel_turn),
	ROW(STATUS, SESSION, RETURNS, session_status),
	ROW(SESSION_LIST, DEVICE, RETURNS, llm_list_sessions),
	ROW(TOKENIZE, SESSION, RETURNS, llm_text_tokenize),
	ROW(DETOKENIZE, SESSION, RETURNS, llm_text_detokenize),
	ROW(SCORE, SESSION, RETURNS, llm_score_text),
	ROW(EMBED, SESSION, RETURNS, llm_embed_text),
};

/* The number counts; size is how much of the struct the caller knows. */
static const struct ioctl_row *find_row(unsigned int command)
{
	const struct ioctl_row *row;
	unsigned int number = _IOC_NR(command);

	if (_IOC_TYPE(command) != LLM_IOC_MAGIC || number >= ARRAY_SIZE(ioctls))
		return NULL;
	row = &ioctls[array_index_nospec(number, ARRAY_SIZE(ioctls))];
	if (!row->run || _IOC_DIR(command) != _IOC_DIR(row->command))
		return NULL;
	return row;
}

/* Copies results back, as much as the caller knows, then hands out the file. */
static int finish_call(struct llm_call *call, void __user *user)
{
	int ret = copy_to_user(user, &call->argument, call->size) ? -EFAULT : 0;

	if (!call->opened)
		return ret;
	if (ret) {
		put_unused_fd(call->fd);
		fput(call->opened);
	} else {
		fd_install(call->fd, call->opened);
	}
	return ret;
}

long llm_ioctl(struct file *file, unsigned int command, unsigned long argument)
{
	const struct ioctl_row *row = find_row(command);
	struct llm_handle *handle = file->private_data;
	void __user *user = (void __user *)argument;
	struct llm_call call = { .handle = handle, .session = handle->session };
	size_t size;
	int ret;

	if (!row)
		return -ENOTTY;
	if (row->object == SESSION && !call.session)
		return -EBADF;
	size = _IOC_SIZE(row->command);
	call.size = min_t(size_t, size, _IOC_SIZE(command));
	ret = copy_struct_from_user(&call.argument, size, user, _IOC_SIZE(command));
	if (ret)
		return ret;
	ret = row->run(&call);
	/* Where room is too small the caller learns how much it takes. */
	if (row->way == TAKES || (ret && ret != -ENOSPC))
		return ret;
	return finish_call(&call, user) ?: ret;
}
