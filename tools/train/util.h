/* SPDX-License-Identifier: GPL-2.0 */
/* What every part of llm-train needs: ends with a sentence, memory, files, time. */
#ifndef TRAIN_UTIL_H
#define TRAIN_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/**
 * die - print "llm-train: " and one sentence, and end the process with status 1
 * @fmt: printf format of the sentence
 *
 * In a run of several processes all of them end.
 */
void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/**
 * xalloc - memory, zeroed; dies when there is none
 * @n: elements
 * @size: bytes of an element
 *
 * Return: the memory, for free().
 */
void *xalloc(size_t n, size_t size);

/**
 * struct buf - bytes that grow
 * @p: the bytes, for free()
 * @len: how many
 * @room: how many fit
 */
struct buf {
	char *p;
	size_t len;
	size_t room;
};

/**
 * buf_add - append
 * @b: buffer
 * @p: bytes
 * @n: how many
 */
void buf_add(struct buf *b, const void *p, size_t n);

/**
 * file_read - a whole file
 * @path: which; dies when it cannot be read
 *
 * Return: its bytes and one zero byte after them; @len does not count it.
 */
struct buf file_read(const char *path);

/**
 * struct out - a file under construction
 * @f: stream to write to
 * @path: its name when it is finished
 * @tmp: its name until then
 */
struct out {
	FILE *f;
	char *path;
	char *tmp;
};

/**
 * out_open - begin a file that appears under its name only when it is complete
 * @dir: folder
 * @name: file name
 *
 * Return: the open file; dies when it cannot be made.
 */
struct out out_open(const char *dir, const char *name);

/**
 * out_close - finish: flush to the disk and give the file its name, atomically
 * @o: file
 *
 * Dies, with the file of that name as it was before, when anything failed.
 */
void out_close(struct out *o);

/**
 * path_in - a path
 * @dir: folder
 * @name: file name
 *
 * Return: dir/name, for free().
 */
char *path_in(const char *dir, const char *name);

/**
 * now - a clock
 *
 * Return: seconds, since some moment.
 */
double now(void);

#endif
