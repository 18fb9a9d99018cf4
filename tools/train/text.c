// SPDX-License-Identifier: GPL-2.0
/* See text.h. */
#include <stdlib.h>
#include <string.h>

#include "text.h"

static const char separator[] = "\n\f\n";

int utf8_len(const char *p, size_t left)
{
	const unsigned char *u = (const unsigned char *)p;
	unsigned int c = u[0], min;
	int n;

	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c < 0xe0)
		n = 2, min = 0x80, c &= 0x1f;
	else if (c >= 0xe0 && c < 0xf0)
		n = 3, min = 0x800, c &= 0x0f;
	else if (c >= 0xf0 && c < 0xf5)
		n = 4, min = 0x10000, c &= 0x07;
	else
		return 0;
	if (left < (size_t)n)
		return 0;
	for (int i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (c < min || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return n;
}

static void check_utf8(const char *name, const struct buf *in)
{
	for (size_t i = 0; i < in->len;) {
		int n = utf8_len(in->p + i, in->len - i);

		if (!n)
			die("%s is not UTF-8 at byte %zu; convert it, with iconv for example",
			    name, i);
		if (!in->p[i])
			die("%s has a zero byte at %zu; it does not look like text", name, i);
		i += n;
	}
}

/* Appends a line without the spaces at its end; other control characters go. */
static void add_line(struct buf *out, const char *p, size_t n)
{
	while (n && (p[n - 1] == ' ' || p[n - 1] == '\t'))
		n--;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] >= ' ' || p[i] == '\t')
			buf_add(out, p + i, 1);
}

/* Joins the lines of a paragraph with one space; one line feed ends a paragraph. */
static void add_prose(struct buf *out, const char *p, size_t n)
{
	bool fresh = true, space = false;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '\n' && i + 1 < n && p[i + 1] == '\n') {
			if (!fresh)
				buf_add(out, "\n", 1);
			fresh = true;
			space = false;
		} else if (p[i] == ' ' || p[i] == '\t' || p[i] == '\n') {
			space = !fresh;
		} else {
			if (space)
				buf_add(out, " ", 1);
			buf_add(out, p + i, 1);
			fresh = false;
			space = false;
		}
	}
}

static void add_document(struct buf *out, const char *p, size_t n, bool prose)
{
	if (out->len)
		buf_add(out, separator, strlen(separator));
	if (prose)
		add_prose(out, p, n);
	else
		buf_add(out, p, n);
}

static bool blank(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strchr(" \t\n", p[i]))
			return false;
	return true;
}

/* Where the next document goes. */
static struct buf *part_of(struct corpus *corpus, long heldout)
{
	long number = corpus->documents++;

	if (!heldout || number % heldout != heldout - 1)
		return &corpus->train;
	return number / heldout % 2 ? &corpus->test : &corpus->valid;
}

void text_clean(const char *name, const struct buf *in, const char *how, long heldout,
		struct corpus *corpus)
{
	struct buf doc = { 0 };
	size_t i = 0;

	check_utf8(name, in);
	while (i < in->len) {
		size_t n = strcspn(in->p + i, "\r\n"), next = i + n;
		bool ends = n == 1 && in->p[i] == '\f';

		if (in->p[next] == '\r' && in->p[next + 1] == '\n')
			next++;
		if (!ends) {
			add_line(&doc, in->p + i, n);
			if (next < in->len)
				buf_add(&doc, "\n", 1);
		}
		i = next + 1;
		if (!ends && i < in->len)
			continue;
		if (!blank(doc.p, doc.len)) {
			while (doc.p[doc.len - 1] == '\n')
				doc.len--;
			add_document(part_of(corpus, heldout), doc.p, doc.len,
				     !strcmp(how, "prose"));
		}
		doc.len = 0;
	}
	free(doc.p);
}

const char *text_document(const struct buf *text, size_t *at, size_t *len)
{
	const char *p = text->p + *at, *end;

	if (*at >= text->len)
		return NULL;
	end = strstr(p, separator);
	*len = end ? (size_t)(end - p) : text->len - *at;
	*at += *len + (end ? strlen(separator) : 0);
	return p;
}
