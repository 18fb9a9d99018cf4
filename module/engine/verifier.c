// SPDX-License-Identifier: GPL-2.0
#include "verifier.h"

#include "ops/op.h"

/* Multiply-adds of a row for each byte of tensor data, and some for the rest. */
#define WORK_PER_BYTE	64
#define WORK_FREE	(1U << 20)

static int verify_insn(struct llm_verifier *v, const struct llm_op_type **op)
{
	v->name = "unknown";
	*op = llm_op_find(v->insn->op);
	if (!*op)
		return llm_refuse(v->error, -EOPNOTSUPP,
				  "instruction %u: operation %u is not known to this version",
				  v->index, v->insn->op);
	v->name = (*op)->name;
	if (v->insn->flags & ~(*op)->flags)
		return llm_refuse(v->error, -EOPNOTSUPP,
				  "instruction %u (%s): flags %#x are not known to this version",
				  v->index, v->name, v->insn->flags & ~(*op)->flags);
	if (v->insn->reserved)
		return llm_verify_refuse(v, "reserved field is not zero");
	return (*op)->verify(v, v->insn);
}

static int verify_result(struct llm_verifier *v, u32 reg, const char *what)
{
	if (reg != LLM_IMAGE_NONE && v->written[reg] != v->image->registers[reg].width)
		return llm_refuse(v->error, -EINVAL, "program: register %u, the %s, is not written",
				  reg, what);
	return 0;
}

int llm_verify_program(struct llm_verifier *v, const struct llm_op_type **ops)
{
	const struct llm_image *image = v->image;
	u32 i;
	int err;

	for (i = 0; i < image->program_count; i++) {
		v->index = i;
		v->insn = &image->program[i];
		err = verify_insn(v, &ops[i]);
		if (err)
			return err;
		/* State is kept up to date whatever is wanted of a step. */
		if (v->embedding_end && v->insn->slot != LLM_IMAGE_NONE16)
			v->embedding_end = i + 1;
	}
	if (v->work > image->data_length * WORK_PER_BYTE + WORK_FREE)
		return llm_refuse(v->error, -E2BIG,
				  "program: %llu multiply-adds a token are too many for %llu bytes of weights",
				  (unsigned long long)v->work,
				  (unsigned long long)image->data_length);
	if (v->whole_texts && image->model.logits != LLM_IMAGE_NONE)
		return llm_refuse(v->error, -EINVAL,
				  "program: it has logits, but attention that is not causal");
	if (v->whole_texts && v->recurs)
		return llm_refuse(v->error, -EINVAL,
				  "program: it has recurrent state, but attention that is not causal");
	err = verify_result(v, image->model.logits, "logits");
	return err ? err : verify_result(v, image->model.embedding, "embedding");
}

int llm_verify_shape(struct llm_verifier *v, u32 sources, u32 tensors, u32 args, bool slot)
{
	const struct llm_insn *insn = v->insn;
	u32 i;

	for (i = sources; i < ARRAY_SIZE(insn->src); i++)
		if (insn->src[i] != LLM_IMAGE_NONE16)
			return llm_verify_refuse(v, "source %u is not used and must be none", i);
	for (i = tensors; i < ARRAY_SIZE(insn->tensor); i++)
		if (insn->tensor[i] != LLM_IMAGE_NONE)
			return llm_verify_refuse(v, "tensor operand %u is not used and must be none",
						 i);
	for (i = args; i < ARRAY_SIZE(insn->arg); i++)
		if (insn->arg[i])
			return llm_verify_refuse(v, "argument %u is not used and must be zero", i);
	if (!slot && insn->slot != LLM_IMAGE_NONE16)
		return llm_verify_refuse(v, "the slot is not used and must be none");
	return 0;
}

static int verify_columns(struct llm_verifier *v, u32 reg, u32 column, u64 width)
{
	if (!llm_register_exists(v, reg))
		return llm_verify_refuse(v, "there is no register %u", reg);
	if (!width || column + width > llm_register_width(v, reg))
		return llm_verify_refuse(v, "columns %u to %llu are not within register %u of width %u",
					 column, (unsigned long long)(column + width), reg,
					 llm_register_width(v, reg));
	return 0;
}

int llm_verify_read(struct llm_verifier *v, u32 reg, u32 column, u64 width)
{
	int err = verify_columns(v, reg, column, width);

	if (err)
		return err;
	if (column + width > v->written[reg])
		return llm_verify_refuse(v, "register %u is read at columns %u to %llu, but written only to %u",
					 reg, column, (unsigned long long)(column + width),
					 v->written[reg]);
	return 0;
}

int llm_verify_write(struct llm_verifier *v, u32 reg, u32 column, u64 width)
{
	int err = verify_columns(v, reg, column, width);

	if (err)
		return err;
	if (column > v->written[reg])
		return llm_verify_refuse(v, "register %u is written from column %u, but columns before it from %u are not",
					 reg, column, v->written[reg]);
	v->written[reg] = max_t(u32, v->written[reg], column + width);
	if (reg == v->image->model.embedding)
		v->embedding_end = v->index + 1;
	return 0;
}

int llm_verify_copy_shape(struct llm_verifier *v)
{
	const struct llm_insn *insn = v->insn;
	u32 width;
	int err;

	if (!llm_register_exists(v, insn->dst))
		return llm_verify_refuse(v, "there is no register %u", insn->dst);
	width = llm_register_width(v, insn->dst);
	err = llm_verify_read(v, insn->src[0], 0, width);
	if (!err)
		err = llm_verify_write(v, insn->dst, 0, width);
	if (!err && llm_register_width(v, insn->src[0]) != width)
		err = llm_verify_refuse(v, "registers %u and %u differ in width", insn->src[0],
					insn->dst);
	return err;
}

int llm_verify_distinct(struct llm_verifier *v, u32 a, u32 b)
{
	if (a == b)
		return llm_verify_refuse(v, "register %u is both source and destination", a);
	return 0;
}

int llm_verify_rows(struct llm_verifier *v, u32 reg, u32 rows)
{
	if (v->image->registers[reg].rows != rows)
		return llm_verify_refuse(v, "register %u has the wrong kind of rows", reg);
	return 0;
}

int llm_verify_tensor(struct llm_verifier *v, u32 index, const struct llm_tensor **tensor)
{
	if (index >= v->image->tensor_count)
		return llm_verify_refuse(v, "there is no tensor %u", index);
	*tensor = &v->image->tensors[index];
	return 0;
}

int llm_verify_matrix(struct llm_verifier *v, u32 index, u32 columns, u32 rows)
{
	const struct llm_tensor *tensor = NULL;
	int err = llm_verify_tensor(v, index, &tensor);

	if (err)
		return err;
	if (tensor->type != LLM_TENSOR_F32 || tensor->rows != rows || tensor->columns != columns)
		return llm_verify_refuse(v, "tensor %u is not %u row%s of %u F32 numbers", index,
					 rows, rows == 1 ? "" : "s", columns);
	return 0;
}

int llm_verify_vector(struct llm_verifier *v, u32 index, u32 columns)
{
	return llm_verify_matrix(v, index, columns, 1);
}

int llm_verify_slot(struct llm_verifier *v, u32 kind, u64 key_width, u64 value_width)
{
	u32 number = v->insn->slot;
	const struct llm_image_slot *slot;

	if (number >= v->image->slot_count)
		return llm_verify_refuse(v, "there is no slot %u", number);
	if (v->slot_used[number])
		return llm_verify_refuse(v, "slot %u serves an earlier instruction", number);
	v->slot_used[number] = true;
	v->recurs |= kind == LLM_SLOT_RECURRENT;
	slot = &v->image->slots[number];
	if (slot->kind != kind)
		return llm_verify_refuse(v, "slot %u is of the wrong kind", number);
	if (slot->key_width != key_width || slot->value_width != value_width)
		return llm_verify_refuse(v, "slot %u is %u and %u wide, not %llu and %llu", number,
					 slot->key_width, slot->value_width,
					 (unsigned long long)key_width,
					 (unsigned long long)value_width);
	return 0;
}

int llm_verify_finite(struct llm_verifier *v, u32 bits, bool positive)
{
	if ((bits & 0x7f800000) == 0x7f800000)
		return llm_verify_refuse(v, "a number is not finite");
	if (positive && (bits & 0x80000000 || !bits))
		return llm_verify_refuse(v, "a number is not positive");
	return 0;
}

int llm_verify_experts(struct llm_verifier *v, u32 experts, u32 choices)
{
	if (!choices || choices > LLM_MAX_CHOICES || choices > experts ||
	    experts > LLM_MAX_EXPERTS)
		return llm_verify_refuse(v, "%u of %u experts can't be chosen", choices, experts);
	return 0;
}

int llm_verify_below(struct llm_verifier *v, const char *what, u32 value, u32 end)
{
	if (value >= end)
		return llm_refuse(v->error, -EOPNOTSUPP,
				  "instruction %u (%s): %s %u is not known to this version",
				  v->index, v->name, what, value);
	return 0;
}
