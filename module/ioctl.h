/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_IOCTL_H
#define LLM_IOCTL_H

#include <linux/llm.h>
#include <linux/types.h>

struct file;
struct llm_handle;
struct llm_session;

/**
 * struct llm_call - one ioctl on its way to its handler
 * @handle: open file it was called on
 * @session: its session, or NULL where that is for mail
 * @opened: a file the handler made, installed as @fd when the caller has been
 *	told of it
 * @fd: descriptor reserved for @opened
 * @size: bytes of @argument that the caller knows of
 * @argument: the struct, in and out; what a short one left out is zero
 */
struct llm_call {
	struct llm_handle *handle;
	struct llm_session *session;
	struct file *opened;
	int fd;
	size_t size;
	union {
		struct llm_info info;
		struct llm_model_create model_create;
		struct llm_model_unload model_unload;
		struct llm_list list;
		struct llm_session_setup setup;
		struct llm_sampling sampling;
		struct llm_start start;
		struct llm_cancel cancel;
		struct llm_session_info session_info;
		struct llm_tokenize tokenize;
		struct llm_score score;
		struct llm_embed embed;
	} argument;
};

/** llm_reserved_zero() - whether an array of reserved numbers is all zero. */
#define llm_reserved_zero(reserved) (!memchr_inv(reserved, 0, sizeof(reserved)))

/**
 * llm_ioctl() - the ioctls of /dev/llm
 * @file: open file, whose private_data is the struct llm_handle
 * @command: LLM_IOC_* of any size
 * @argument: address of its struct
 *
 * Return: 0 or a negative errno.
 */
long llm_ioctl(struct file *file, unsigned int command, unsigned long argument);

#endif /* LLM_IOCTL_H */
