/* SPDX-License-Identifier: GPL-2.0 */
#ifndef TINY_IMAGE_H
#define TINY_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/llm_image.h>

/** TINY_IMAGE_HEAD - columns of one attention head. */
#define TINY_IMAGE_HEAD		16
/** TINY_IMAGE_BLOCK - the same where keys and values are in blocks. */
#define TINY_IMAGE_BLOCK	32
/** TINY_IMAGE_VOCAB - tokens of every tiny image. */
#define TINY_IMAGE_VOCAB	300

/** TINY_IMAGE_EXPERTS - experts there are. */
#define TINY_IMAGE_EXPERTS	6
/** TINY_IMAGE_STATES - numbers a channel of LLM_OP_SCAN has as state. */
#define TINY_IMAGE_STATES	9
/** TINY_IMAGE_CHOICES - experts that a token chooses. */
#define TINY_IMAGE_CHOICES	2

/** TINY_IMAGE_LABELS - what a text can be classified as. */
#define TINY_IMAGE_LABELS	3

/**
 * enum tiny_image_token - tokens with a meaning
 * @TINY_TOKEN_UNKNOWN: stands for text without a token
 * @TINY_TOKEN_BOS: begins a text
 * @TINY_TOKEN_EOS: ends a text
 * @TINY_TOKEN_BYTES: byte 0; the other bytes follow
 * @TINY_TOKEN_USER: text that is always one token
 * @TINY_TOKEN_TURN_END: also ends a generation
 * @TINY_TOKEN_WORDS: the first of the letters and short words
 * @TINY_TOKEN_THE: " the", one of them
 */
enum tiny_image_token {
	TINY_TOKEN_UNKNOWN = 0,
	TINY_TOKEN_BOS = 1,
	TINY_TOKEN_EOS = 2,
	TINY_TOKEN_BYTES = 3,
	TINY_TOKEN_USER = 259,
	TINY_TOKEN_TURN_END = 260,
	TINY_TOKEN_WORDS = 261,
	TINY_TOKEN_THE = 295,
};

/**
 * struct tiny_image_options - what to build; all zeroes is a good choice
 * @seed: start of the random weights
 * @type: enum llm_tensor_type of the matrices and embeddings
 * @layers: transformer layers, 1..64; 0: 2
 * @width: columns of the residual stream, a multiple of 32 up to 4096; 0: 64.
 *	There are width / 16 query heads and half as many key/value heads; the
 *	feed-forward is twice as wide
 * @context: context length; 0: 256
 * @pooling: enum llm_pooling_kind; 0: LLM_POOLING_LAST
 * @kv_q8_0: keys and values are in LLM_TENSOR_Q8_0, heads TINY_IMAGE_BLOCK columns wide
 * @whole: attention is bidirectional, and there are no logits
 * @ranks: it ends in the softmax of a classification, and there are no logits; "q:" goes
 *	before a query, "<end>d:" between it and a document, "<end>" after that
 * @experts: the feed-forward part is a mixture of TINY_IMAGE_EXPERTS
 * @tokenizer: enum llm_tokenizer_kind; 0: LLM_TOKENIZER_SPM
 * @recurrent: the first layer of every three has LLM_OP_SCAN, the second LLM_OP_WKV
 *	instead of attention; both have LLM_OP_CONVOLVE
 * @chat: whether it has a chat template: "u:" before a message, "a:" before a reply,
 *	"s:" before the system message, the control token "<end>" after each
 */
struct tiny_image_options {
	__u64 seed;
	__u32 type;
	__u32 layers;
	__u32 width;
	__u32 context;
	__u32 pooling;
	bool kv_q8_0;
	bool whole;
	bool ranks;
	bool experts;
	__u32 tokenizer;
	bool recurrent;
	bool chat;
};

/**
 * tiny_image_build() - makes a valid Llama-shaped image with random weights
 * @options: what to build
 * @size: set to the bytes of the image
 *
 * The same options give the same bytes. Layers with even numbers compute query,
 * key and value, and gate and up, with one LLM_OP_LINEAR each, the others with
 * one for each part. Text is read with a BOS, and SentencePiece's with a space before
 * it. The vocabulary is the same for all tokenizers.
 *
 * Return: the image, aligned to LLM_IMAGE_ALIGN, to be given to free(); NULL
 * where there is no memory or the options are out of range.
 */
void *tiny_image_build(const struct tiny_image_options *options, size_t *size);

/**
 * tiny_image_section() - finds a section of a valid image
 * @image: image
 * @kind: enum llm_section_kind
 *
 * Return: its entry in the section table, or NULL where it has none of that kind.
 */
struct llm_image_section *tiny_image_section(void *image, __u32 kind);

/**
 * tiny_image_bytes() - finds the bytes of a section of a valid image
 * @image: image
 * @kind: enum llm_section_kind
 */
void *tiny_image_bytes(void *image, __u32 kind);

#endif /* TINY_IMAGE_H */
