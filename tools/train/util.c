// SPDX-License-Identifier: GPL-2.0
/* See util.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "dist.h"
#include "util.h"

void die(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("llm-train: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	dist_abort();
	exit(1);
}

void *xalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		die("not enough memory for %zu times %zu bytes; choose a smaller model or batch",
		    n, size);
	return p;
}

void buf_add(struct buf *b, const void *p, size_t n)
{
	if (b->len + n > b->room) {
		b->room = (b->len + n) * 2;
		b->p = realloc(b->p, b->room);
		if (!b->p)
			die("not enough memory for %zu bytes of text", b->room);
	}
	if (n)
		memcpy(b->p + b->len, p, n);
	b->len += n;
}

struct buf file_read(const char *path)
{
	struct buf b = { 0 };
	char chunk[1 << 16];
	size_t n;
	FILE *f = fopen(path, "rb");

	if (!f)
		die("cannot open %s: %s", path, strerror(errno));
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(&b, chunk, n);
	if (ferror(f))
		die("cannot read %s: %s", path, strerror(errno));
	fclose(f);
	buf_add(&b, "", 1);
	b.len--;
	return b;
}

char *path_in(const char *dir, const char *name)
{
	size_t n = strlen(dir) + strlen(name) + 2;
	char *p = xalloc(n, 1);

	snprintf(p, n, "%s/%s", dir, name);
	return p;
}

struct out out_open(const char *dir, const char *name)
{
	struct out o = { .path = path_in(dir, name) };
	size_t n = strlen(o.path) + 5;

	o.tmp = xalloc(n, 1);
	snprintf(o.tmp, n, "%s.tmp", o.path);
	o.f = fopen(o.tmp, "wb");
	if (!o.f)
		die("cannot write %s: %s", o.tmp, strerror(errno));
	return o;
}

void out_close(struct out *o)
{
	int err = 0;

	/* Asked first: a write that failed before leaves fflush() nothing to fail on. */
	if (ferror(o->f) | fflush(o->f) || fsync(fileno(o->f)))
		err = errno ? errno : EIO;
	if (fclose(o->f) && !err)
		err = errno;
	if (!err && rename(o->tmp, o->path))
		err = errno;
	if (err) {
		unlink(o->tmp);
		die("cannot write %s: %s; what was there before is unharmed", o->path,
		    strerror(err));
	}
	free(o->path);
	free(o->tmp);
}

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}
