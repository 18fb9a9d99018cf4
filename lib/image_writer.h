/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LLMCTL_IMAGE_WRITER_H
#define LLMCTL_IMAGE_WRITER_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/llm_image.h>

/**
 * struct image_array - entries that were added one after the other
 * @bytes: the entries
 * @length: bytes used
 * @room: bytes there are
 */
struct image_array {
	__u8 *bytes;
	size_t length;
	size_t room;
};

/**
 * struct image_writer - an image as it grows, but for its tensors' numbers
 * @model: facts; the caller fills them
 * @tokenizer: the same
 * @chat: the same
 * @has_chat: whether the image has @chat
 * @ranking: facts, as @chat
 * @has_ranking: whether the image has @ranking
 * @registers: struct llm_image_register
 * @slots: struct llm_image_slot
 * @program: struct llm_insn
 * @tensors: struct llm_image_tensor
 * @vocab: struct llm_image_token
 * @strings: texts
 * @merges: struct llm_image_merge
 * @split: LLM_SECTION_SPLIT
 * @fold: LLM_SECTION_FOLD
 * @replacements: struct llm_image_replacement
 * @data_length: bytes of LLM_SECTION_DATA
 * @out_of_memory: an addition failed; the image is not whole
 *
 * Zeroed, it is an empty image.
 */
struct image_writer {
	struct llm_image_model model;
	struct llm_image_tokenizer tokenizer;
	struct llm_image_chat chat;
	bool has_chat;
	struct llm_image_ranking ranking;
	bool has_ranking;
	struct image_array registers;
	struct image_array slots;
	struct image_array program;
	struct image_array tensors;
	struct image_array vocab;
	struct image_array strings;
	struct image_array merges;
	struct image_array split;
	struct image_array fold;
	struct image_array replacements;
	__u64 data_length;
	bool out_of_memory;
};

/**
 * image_add_register() - adds a register
 * @writer: image
 * @width: columns
 * @rows: enum llm_rows
 *
 * Return: its number. As with all additions, any number where memory ran out.
 */
__u16 image_add_register(struct image_writer *writer, __u32 width, __u32 rows);

/**
 * image_add_kv() - adds a slot for keys and values
 * @writer: image
 * @type: their number format, enum llm_tensor_type
 * @key_width: numbers a position has as key
 * @value_width: numbers a position has as value
 *
 * Return: its number.
 */
__u16 image_add_kv(struct image_writer *writer, __u32 type, __u32 key_width, __u32 value_width);

/**
 * image_add_recurrent() - adds a slot for recurrent state in F32
 * @writer: image
 * @width: numbers
 *
 * Return: its number.
 */
__u16 image_add_recurrent(struct image_writer *writer, __u32 width);

/**
 * image_add_insn() - adds an instruction at the end of the program
 * @writer: image
 * @insn: instruction
 */
void image_add_insn(struct image_writer *writer, const struct llm_insn *insn);

/**
 * image_add_tensor() - adds a tensor and makes room for its numbers
 * @writer: image
 * @name: name, at most 255 bytes
 * @type: enum llm_tensor_type
 * @columns: numbers in a row, a multiple of the type's block
 * @rows: rows
 *
 * Return: its number.
 */
__u32 image_add_tensor(struct image_writer *writer, const char *name, __u32 type,
		       __u32 columns, __u32 rows);

/**
 * image_tensor() - a tensor that was added
 * @writer: image
 * @number: what image_add_tensor() returned
 *
 * Return: the tensor, until the next is added.
 */
const struct llm_image_tensor *image_tensor(const struct image_writer *writer, __u32 number);

/**
 * image_add_token() - adds a token to the vocabulary
 * @writer: image
 * @token: token but for its text
 * @text: text
 * @length: bytes, at most 1024
 */
void image_add_token(struct image_writer *writer, const struct llm_image_token *token,
		     const void *text, size_t length);

/**
 * image_token() - a token that was added
 * @writer: image
 * @number: number
 *
 * Return: the token, until the next is added.
 */
struct llm_image_token *image_token(const struct image_writer *writer, __u32 number);

/**
 * image_add_merge() - adds a merge behind the others
 * @writer: image
 * @merge: merge
 */
void image_add_merge(struct image_writer *writer, const struct llm_image_merge *merge);

/**
 * image_set_split() - sets how texts are split
 * @writer: image
 * @bytes: LLM_SECTION_SPLIT
 * @length: bytes
 */
void image_set_split(struct image_writer *writer, const void *bytes, size_t length);

/**
 * image_set_fold() - sets what becomes of characters
 * @writer: image
 * @bytes: LLM_SECTION_FOLD
 * @length: bytes
 */
void image_set_fold(struct image_writer *writer, const void *bytes, size_t length);

/**
 * image_add_replacement() - adds a replacement
 * @writer: image
 * @from: what a text has
 * @from_length: bytes
 * @to: what is read for it
 * @to_length: bytes
 */
void image_add_replacement(struct image_writer *writer, const void *from, __u16 from_length,
			   const void *to, __u16 to_length);

/**
 * image_size() - bytes of the whole image
 * @writer: image
 *
 * Return: the bytes.
 */
__u64 image_size(const struct image_writer *writer);

/**
 * image_write() - writes everything but the numbers of the tensors
 * @writer: image
 * @image: image_size() bytes
 *
 * Return: where LLM_SECTION_DATA begins. Its padding is for the caller to clear.
 */
__u8 *image_write(const struct image_writer *writer, void *image);

/**
 * image_destroy() - frees what was added
 * @writer: image
 */
void image_destroy(struct image_writer *writer);

#endif /* LLMCTL_IMAGE_WRITER_H */
