/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of /dev/llm share: generated models, sessions, and the calls in
 * the form tests want them. Functions that can fail return a negative errno.
 */
#ifndef LLM_TEST_DEVICE_H
#define LLM_TEST_DEVICE_H

#include <linux/llm.h>
#include <linux/llm_image.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DEVICE_PATH "/dev/llm"

/**
 * struct device_image - a generated model with random weights
 * @bytes: the image
 * @size: bytes there
 * @vocab_size: tokens
 * @context_length: positions
 * @ends: tokens that end a reply
 * @ends_count: how many
 */
struct device_image {
	__u8 *bytes;
	size_t size;
	__u32 vocab_size;
	__u32 context_length;
	__u32 ends[16];
	__u32 ends_count;
};

struct tiny_image_options;

/**
 * device_image_build() - generates a model as asked
 * @image: filled
 * @options: see host/tiny_image.h
 *
 * The program ends when there is no memory.
 */
void device_image_build(struct device_image *image, const struct tiny_image_options *options);

/**
 * device_image_make() - generates a small model
 * @image: filled
 * @seed: of the weights; different seeds give different shapes, too
 */
void device_image_make(struct device_image *image, __u32 seed);

/**
 * device_image_make_slow() - generates a model that takes its time with a long
 *	prompt, so that a test can act meanwhile
 * @image: filled
 */
void device_image_make_slow(struct device_image *image);

/**
 * device_image_free() - frees an image
 * @image: made, or zeroed
 */
void device_image_free(struct device_image *image);

/**
 * device_image_section() - finds a section of a valid image
 * @image: image
 * @kind: enum llm_section_kind
 * @length: its bytes, or NULL
 *
 * Return: its first byte; the program ends where there is none.
 */
void *device_image_section(const struct device_image *image, __u32 kind, __u64 *length);

/** device_open() - opens the device. Return: a descriptor or a negative errno. */
int device_open(int flags);

/** device_ioctl() - ioctl(2). Return: 0 or a negative errno. */
int device_ioctl(int fd, unsigned long request, void *argument);

/**
 * device_create() - LLM_IOC_MODEL_CREATE
 * @name: of the model
 * @size: bytes of the image
 *
 * Return: the buffer's descriptor or a negative errno.
 */
int device_create(const char *name, __u64 size);

/**
 * device_fill() - copies bytes into a buffer through a mapping
 * @buffer: descriptor
 * @bytes: what
 * @size: how many
 *
 * Return: 0 or a negative errno.
 */
int device_fill(int buffer, const void *bytes, size_t size);

/**
 * device_seal() - LLM_IOC_MODEL_SEAL
 * @buffer: descriptor
 * @flags: LLM_SEAL_DEFAULT or 0
 * @reason: gets the reason of a refusal, emptied otherwise; or NULL
 * @reason_size: bytes there
 *
 * Return: 0 or a negative errno.
 */
int device_seal(int buffer, __u32 flags, char *reason, __u32 reason_size);

/**
 * device_load() - makes a model of an image: create, fill, seal, close
 * @name: of the model
 * @image: image
 * @flags: LLM_SEAL_DEFAULT or 0
 *
 * Return: 0 or a negative errno; a refusal's reason is printed.
 */
int device_load(const char *name, const struct device_image *image, __u32 flags);

/**
 * device_unload() - LLM_IOC_MODEL_UNLOAD, once
 * @name: of the model
 *
 * Return: 0 or a negative errno.
 */
int device_unload(const char *name);

/**
 * device_unload_soon() - unloads a model whose last session may still be ending
 * @name: of the model
 *
 * Return: 0 or a negative errno.
 */
int device_unload_soon(const char *name);

/**
 * device_model() - LLM_SETUP_MODEL
 * @fd: session
 * @name: of the model
 *
 * Return: 0 or a negative errno.
 */
int device_model(int fd, const char *name);

/**
 * device_max_tokens() - LLM_SETUP_MAX_TOKENS
 * @fd: session
 * @max_tokens: tokens a reply may have
 *
 * Return: 0 or a negative errno.
 */
int device_max_tokens(int fd, __u32 max_tokens);

/**
 * device_endless() - forbids the tokens that end a reply
 * @fd: session
 * @image: its model
 *
 * Return: 0 or a negative errno.
 */
int device_endless(int fd, const struct device_image *image);

/**
 * device_only() - every token of a reply is the same
 * @fd: session
 * @token: which
 *
 * Return: 0 or a negative errno.
 */
int device_only(int fd, __u32 token);

/**
 * device_seed() - repeatable random replies
 * @fd: session
 * @seed: random numbers begin here, temperature 1; 0: temperature 0
 *
 * Return: 0 or a negative errno.
 */
int device_seed(int fd, __u64 seed);

/**
 * device_session() - opens a session: likeliest tokens, exactly so many of them
 * @name: model
 * @image: of the model
 * @max_tokens: tokens a reply has; 0: until the context is full
 *
 * Return: a descriptor or a negative errno.
 */
int device_session(const char *name, const struct device_image *image, __u32 max_tokens);

/**
 * device_write() - writes all of a text
 * @fd: session
 * @text: NUL-terminated
 *
 * Return: 0 or a negative errno.
 */
int device_write(int fd, const char *text);

/**
 * device_read() - reads until the end, in pieces
 * @fd: session or mailbox
 * @bytes: where to
 * @room: bytes there; one is kept for a NUL
 * @piece: bytes asked for at a time
 *
 * Return: bytes read, or a negative errno; -EOVERFLOW where @room is too small.
 */
ssize_t device_read(int fd, char *bytes, size_t room, size_t piece);

/**
 * device_ask() - one turn: writes a prompt, reads the reply
 * @fd: session
 * @prompt: NUL-terminated
 * @reply: gets the reply, NUL-terminated
 * @room: bytes there
 *
 * Return: bytes of the reply or a negative errno.
 */
ssize_t device_ask(int fd, const char *prompt, char *reply, size_t room);

/** device_start() - LLM_IOC_START. Return: 0 or a negative errno. */
int device_start(int fd);

/** device_cancel() - LLM_IOC_CANCEL. Return: 0 or a negative errno. */
int device_cancel(int fd);

/** device_status() - LLM_IOC_STATUS; the program ends where that fails. */
struct llm_session_info device_status(int fd);

/** device_info() - LLM_IOC_INFO; the program ends where that fails. */
struct llm_info device_info(void);

/**
 * device_find_model() - facts of a model from LLM_IOC_MODEL_LIST
 * @name: of the model
 * @info: filled
 *
 * Return: whether there is one.
 */
bool device_find_model(const char *name, struct llm_model_info *info);

/**
 * device_find_session() - facts of a process's session from LLM_IOC_SESSION_LIST
 * @pid: process
 * @info: filled
 *
 * Return: whether it has one.
 */
bool device_find_session(pid_t pid, struct llm_session_info *info);

/**
 * device_sessions_end() - waits until there are no sessions: those that tests before had
 *	end in their own time
 *
 * Return: whether there are none.
 */
bool device_sessions_end(void);

/**
 * device_prompt() - a text for prompts, made of words
 * @text: where to; NUL-terminated
 * @length: bytes without the NUL
 * @seed: another text
 */
void device_prompt(char *text, size_t length, unsigned int seed);

/** DEVICE_LONG - bytes of a long prompt at most, with its NUL. */
#define DEVICE_LONG 3500

/**
 * device_prompt_long() - a prompt that takes the slow model at least a tenth of a
 *	second, wherever
 * @text: where to, DEVICE_LONG bytes; NUL-terminated
 */
void device_prompt_long(char *text);

/**
 * device_is_slow() - whether the machine is emulated
 *
 * LLM_SLOW in the environment, 0 or 1, overrules what /proc/cpuinfo says. Tests
 * then do less of the same; none depends on time.
 */
bool device_is_slow(void);

/** device_is_uml() - whether the kernel is User-Mode Linux. */
bool device_is_uml(void);

/** device_pause() - sleeps for some milliseconds. */
void device_pause(unsigned int milliseconds);

/**
 * device_sleeps() - whether a process or thread waits for something other than a CPU
 * @pid: its number
 *
 * Return: whether it does, in a way that a signal could end.
 */
bool device_sleeps(pid_t pid);

/**
 * device_number() - a number from a file of procfs, sysfs or a cgroup
 * @path: file
 * @key: word before the number, or NULL for the first number
 *
 * Return: the number, or -1 where there is none.
 */
long long device_number(const char *path, const char *key);

/**
 * device_put() - writes a text to a file of sysfs or a cgroup
 * @path: file
 * @text: text
 *
 * Return: 0 or a negative errno.
 */
int device_put(const char *path, const char *text);

/** device_parameter() - a parameter of the module. Return: its number, or -1. */
long long device_parameter(const char *name);

/** device_set_parameter() - changes it. Return: 0 or a negative errno. */
int device_set_parameter(const char *name, long long value);

/**
 * device_keep_parameters() - remembers parameters of the module that a test changes
 * @names: their names
 * @count: how many
 * @values: set to their numbers
 *
 * Return: 0, or -1 where one of them is not there.
 */
int device_keep_parameters(const char *const *names, size_t count, long long *values);

/** device_restore_parameters() - sets them again. Return: 0 or a negative errno. */
int device_restore_parameters(const char *const *names, size_t count, const long long *values);

#endif /* LLM_TEST_DEVICE_H */
