/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_ENGINE_VERIFIER_H
#define LLM_ENGINE_VERIFIER_H

#include "plan.h"

/** LLM_MAX_EXPERTS - experts that a row can choose from. */
#define LLM_MAX_EXPERTS	1024
/** LLM_MAX_CHOICES - experts that a row can choose. */
#define LLM_MAX_CHOICES	32

/**
 * struct llm_verifier - what is known of a program up to one instruction
 * @image: whose program it is; everything but the program is checked already
 * @error: gets the reason for a refusal
 * @index: number of the instruction
 * @name: name of the instruction
 * @insn: the instruction
 * @written: columns of each register that are written for sure, from column 0
 * @slot_used: slots that have an instruction
 * @scratch_bytes: most bytes that an instruction keeps of a row from part to part
 * @softmax_heads: most query heads of an instruction
 * @query_bytes: most bytes that the rounded queries of a row take
 * @experts: most experts of an instruction
 * @choices: most of them that a row chooses
 * @input_bytes: most bytes that an expert's input has
 * @embedding_end: number of the instruction after the last that the embedding or
 *	a slot needs, or 0 before there is an embedding
 * @whole_texts: whether some instruction must see a text whole
 * @recurs: whether some instruction has recurrent state
 * @work: multiply-adds of a row so far
 *
 * Each instruction's verify() states what it reads and writes with the
 * functions below; what it does not state, run() does not touch.
 */
struct llm_verifier {
	const struct llm_image *image;
	struct llm_error *error;
	u32 index;
	const char *name;
	const struct llm_insn *insn;
	u32 written[64];
	bool slot_used[1024];
	u64 scratch_bytes;
	u32 softmax_heads;
	u64 query_bytes;
	u32 experts;
	u32 choices;
	u64 input_bytes;
	u32 embedding_end;
	bool whole_texts;
	bool recurs;
	u64 work;
};

/**
 * llm_verify_program() - proves that a program touches only what is its own
 * @v: verifier with @image and @error set, the rest zero
 * @ops: filled: for each instruction its row in the table of instructions
 *
 * Return: 0, -EINVAL, -EOPNOTSUPP or -E2BIG with a reason.
 */
int llm_verify_program(struct llm_verifier *v, const struct llm_op_type **ops);

/**
 * llm_verify_shape() - which fields an instruction uses; all others must be zero
 *	or none
 * @v: verifier
 * @sources: registers it reads, from src[0]
 * @tensors: tensors it has room for, from tensor[0]
 * @args: numbers it has, from arg[0]
 * @slot: whether it uses a slot
 */
int llm_verify_shape(struct llm_verifier *v, u32 sources, u32 tensors, u32 args, bool slot);

/**
 * llm_verify_read() - the instruction reads columns of a register
 * @v: verifier
 * @reg: register number, unchecked
 * @column: first column, unchecked
 * @width: columns, at least 1, unchecked
 *
 * The range must lie in the register and have been written.
 */
int llm_verify_read(struct llm_verifier *v, u32 reg, u32 column, u64 width);

/**
 * llm_verify_write() - the instruction writes columns of a register
 * @v: verifier
 * @reg: register number, unchecked
 * @column: first column, unchecked; no column before it is unwritten
 * @width: columns, at least 1, unchecked
 */
int llm_verify_write(struct llm_verifier *v, u32 reg, u32 column, u64 width);

/**
 * llm_verify_copy_shape() - the instruction writes its destination from all columns of
 *	its first source, which is as wide
 * @v: verifier
 *
 * Whether their rows go together is for llm_verify_rows() then.
 */
int llm_verify_copy_shape(struct llm_verifier *v);

/**
 * llm_verify_distinct() - two registers must not be the same
 * @v: verifier
 * @a: register number
 * @b: register number
 */
int llm_verify_distinct(struct llm_verifier *v, u32 a, u32 b);

/**
 * llm_verify_rows() - a register must have certain rows
 * @v: verifier
 * @reg: register number that was read or written
 * @rows: enum llm_rows
 */
int llm_verify_rows(struct llm_verifier *v, u32 reg, u32 rows);

/**
 * llm_verify_tensor() - the instruction reads a tensor
 * @v: verifier
 * @index: tensor number, unchecked
 * @tensor: set to the tensor
 */
int llm_verify_tensor(struct llm_verifier *v, u32 index, const struct llm_tensor **tensor);

/**
 * llm_verify_matrix() - the instruction reads an F32 tensor
 * @v: verifier
 * @index: tensor number, unchecked
 * @columns: columns it must have
 * @rows: rows it must have
 */
int llm_verify_matrix(struct llm_verifier *v, u32 index, u32 columns, u32 rows);

/**
 * llm_verify_vector() - the instruction reads an F32 tensor of one row
 * @v: verifier
 * @index: tensor number, unchecked
 * @columns: columns it must have
 */
int llm_verify_vector(struct llm_verifier *v, u32 index, u32 columns);

/**
 * llm_verify_slot() - the instruction alone uses a slot
 * @v: verifier
 * @kind: enum llm_slot_kind it must be of
 * @key_width: key_width it must have
 * @value_width: value_width it must have
 */
int llm_verify_slot(struct llm_verifier *v, u32 kind, u64 key_width, u64 value_width);

/**
 * llm_verify_finite() - a number in IEEE 754 representation must be finite
 * @v: verifier
 * @bits: the number
 * @positive: whether it must be above zero
 */
int llm_verify_finite(struct llm_verifier *v, u32 bits, bool positive);

/**
 * llm_verify_below() - a number that chooses must be one that is known
 * @v: verifier
 * @what: what it chooses
 * @value: the number, unchecked
 * @end: one more than the highest that is known
 *
 * Return: 0 or -EOPNOTSUPP.
 */
int llm_verify_below(struct llm_verifier *v, const char *what, u32 value, u32 end);

/**
 * llm_verify_experts() - how many experts there are, and how many a row chooses
 * @v: verifier
 * @experts: experts, unchecked
 * @choices: choices, unchecked
 */
int llm_verify_experts(struct llm_verifier *v, u32 experts, u32 choices);

/** llm_register_width() - columns of a register that was read or written. */
static inline u32 llm_register_width(const struct llm_verifier *v, u32 reg)
{
	return v->image->registers[reg].width;
}

/** llm_register_exists() - whether there is a register of that number. */
static inline bool llm_register_exists(const struct llm_verifier *v, u32 reg)
{
	return reg < v->image->register_count;
}

/* Refuses the present instruction: verify_refuse(v, "has %u heads", n). */
#define llm_verify_refuse(v, format, ...) \
	llm_refuse((v)->error, -EINVAL, "instruction %u (%s): " format, (v)->index, (v)->name, \
		   ##__VA_ARGS__)

#endif /* LLM_ENGINE_VERIFIER_H */
