/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of tiny_image.h share: tiny_image.c puts together what tiny_vocab.c and
 * tiny_program.c made, with tensors of tiny_tensors.c.
 */
#ifndef TINY_BUILDER_H
#define TINY_BUILDER_H

#include <stdbool.h>
#include <stddef.h>

#include "tiny_image.h"

#define TINY_LAYERS	64
#define TINY_TENSORS	(4 + TINY_LAYERS * 20)
#define TINY_INSNS	(10 + TINY_LAYERS * 20)
#define TINY_SLOTS	(TINY_LAYERS * 2)
#define TINY_STRINGS	32768
#define TINY_BLOCK	32
#define TINY_WORDS	(TINY_IMAGE_VOCAB - TINY_TOKEN_WORDS)
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

enum tiny_register {
	REG_X,
	REG_H,
	REG_ANGLES,
	REG_QKV,
	REG_ATT,
	REG_GU,
	REG_F,
	REG_XO,
	REG_HO,
	REG_LOGITS,
	REG_SCORES,
	REG_ROUTE,
	REG_DOWN,
	REG_RWKA,
	REG_V,
	REG_T,
	REG_SHARED,
	REG_LABELS,
	REG_COUNT,
};

/* Pieces begin with a space or at the first character of the text. */
enum { CLASS_OTHER, CLASS_SPACE, CLASSES };
enum { STATE_END, STATE_START = LLM_SPLIT_START, STATE_PIECE, STATES };

struct tiny_split {
	struct llm_image_split head;
	__u16 page[LLM_SPLIT_PAGES];
	__u8 class[LLM_SPLIT_PAGE];
	__u16 transition[STATES][CLASSES + 1];
};

/* Without what the compiler adds at the end. */
#define TINY_SPLIT_BYTES	(offsetof(struct tiny_split, transition) + \
			 sizeof(((struct tiny_split *)NULL)->transition))

struct tiny_fold {
	struct llm_image_fold head;
	__u16 page[LLM_FOLD_PAGES];
	__u32 entry[LLM_FOLD_PAGE];
};

/**
 * struct tiny_builder - an image while it is put together
 * @random: state of the random numbers
 * @whole: see struct tiny_image_options, as what is not described below
 * @ranks: likewise
 * @experts: likewise
 * @recurrent: likewise
 * @type: likewise
 * @width: likewise
 * @kv_width: columns of all keys of a position
 * @head: columns of a head
 * @kv_q8_0: see struct tiny_image_options
 * @ff_width: columns of the feed-forward part
 * @model: section of the image, as all that follow
 * @registers: enum tiny_register
 * @slots: @slot_count
 * @program: @insn_count
 * @tensors: @tensor_count
 * @tokenizer: its kind and flags
 * @vocab: tokens
 * @merges: @merge_count
 * @merge_count: of @merges
 * @split: for LLM_TOKENIZER_BPE
 * @fold: for LLM_TOKENIZER_WORDPIECE
 * @strings: @strings_size
 * @data: @data_size, of the tensors
 * @data_size: of @data
 * @layers: see struct tiny_image_options
 * @slot_count: of @slots
 * @insn_count: of @program
 * @tensor_count: of @tensors
 * @strings_size: of @strings
 * @failed: there was no memory
 */
struct tiny_builder {
	__u64 random;
	bool whole;
	bool ranks;
	bool experts;
	bool recurrent;
	__u32 type;
	__u32 width;
	__u32 kv_width;
	__u32 head;
	bool kv_q8_0;
	__u32 ff_width;
	struct llm_image_model model;
	struct llm_image_register registers[REG_COUNT];
	struct llm_image_slot slots[TINY_SLOTS];
	struct llm_insn program[TINY_INSNS];
	struct llm_image_tensor tensors[TINY_TENSORS];
	struct llm_image_tokenizer tokenizer;
	struct llm_image_token vocab[TINY_IMAGE_VOCAB];
	struct llm_image_merge merges[TINY_WORDS];
	__u32 merge_count;
	struct tiny_split split;
	struct tiny_fold fold;
	__u8 strings[TINY_STRINGS];
	__u8 *data;
	size_t data_size;
	__u32 layers;
	__u32 slot_count;
	__u32 insn_count;
	__u32 tensor_count;
	__u32 strings_size;
	bool failed;
};

/** tiny_add_string() - adds a text to the strings; returns where it begins. */
__u32 tiny_add_string(struct tiny_builder *b, const void *bytes, size_t length);

/** tiny_add_tensor() - adds a tensor of zeroes; returns its number. */
__u32 tiny_add_tensor(struct tiny_builder *b, const char *name, __u32 type, __u32 rows,
		      __u32 columns);

/** tiny_add_random() - the same of numbers evenly from middle - spread to middle + spread. */
__u32 tiny_add_random(struct tiny_builder *b, const char *name, __u32 type, __u32 rows,
		      __u32 columns, float middle, float spread);

/** tiny_add_matrix() - the same, as large as keeps the variance of what goes through. */
__u32 tiny_add_matrix(struct tiny_builder *b, const char *name, __u32 rows, __u32 columns);

/** tiny_float_bits() - a number in IEEE 754 representation. */
__u32 tiny_float_bits(float value);

/** tiny_inverse_root() - one over the root of a number. */
float tiny_inverse_root(__u32 n);

/** tiny_padded() - a size, rounded up to LLM_IMAGE_ALIGN. */
size_t tiny_padded(size_t size);

/** tiny_add_vocab() - the tokens, and the tables that a kind of tokenizer has. */
void tiny_add_vocab(struct tiny_builder *b, __u32 kind);

/** tiny_add_program() - registers, slots, tensors and instructions. */
void tiny_add_program(struct tiny_builder *b);

#endif /* TINY_BUILDER_H */
