/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The corpus: UTF-8 text, documents separated by a line that holds a form feed
 * (and by the end of a file). Clean text has line feeds only, no other control
 * character but the tab, and no empty document.
 */
#ifndef TRAIN_TEXT_H
#define TRAIN_TEXT_H

#include "util.h"

/**
 * utf8_len - length of the UTF-8 character at a place
 * @p: place
 * @left: bytes from there to the end, at least 1
 *
 * Return: 1 to 4, or 0 where there is no valid one (RFC 3629).
 */
int utf8_len(const char *p, size_t left);

/**
 * struct corpus - clean text, in three parts
 * @train: what is learned
 * @valid: held out, tells when weights are the best
 * @test: held out, used for nothing but the results
 * @documents: number of the next document, counted over all files
 */
struct corpus {
	struct buf train;
	struct buf valid;
	struct buf test;
	long documents;
};

/**
 * text_clean - check and normalise one file and cut it into documents
 * @name: of the file, for messages; dies with the byte where it is not UTF-8
 * @in: its bytes
 * @how: "lines" or "prose", see settings_help()
 * @heldout: every so-manieth document is held out, by turns for @valid and @test; 0: none
 * @corpus: gets the documents
 */
void text_clean(const char *name, const struct buf *in, const char *how, long heldout,
		struct corpus *corpus);

/**
 * text_document - walk over the documents of clean text
 * @text: clean text
 * @at: in: where to begin, 0 at first; out: where the next one begins
 * @len: length of the document
 *
 * Return: the document, or %NULL after the last.
 */
const char *text_document(const struct buf *text, size_t *at, size_t *len);

#endif
