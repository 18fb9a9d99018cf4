// SPDX-License-Identifier: GPL-2.0
#include "group.h"

#include "tensor.h"

/* What stays together: one, two or four bytes, and four whose highest bits turn over. */
enum unit { ONE = 1, TWO = 2, FOUR = 4, SIGNED_FOUR = 5 };

/**
 * struct field - bytes of a block that are alike
 * @bytes: how many, 0 past the last field
 * @unit: enum unit
 */
struct field {
	u8 bytes;
	u8 unit;
};

#define MAX_FIELDS 5

/* The fields of each type in the order of its block, see block.h. */
static const struct layout {
	u32 type;
	struct field fields[MAX_FIELDS];
} layouts[] = {
	{ LLM_TENSOR_F32, { { 4, FOUR } } },
	{ LLM_TENSOR_F16, { { 2, TWO } } },
	{ LLM_TENSOR_BF16, { { 2, TWO } } },
	{ LLM_TENSOR_Q4_0, { { 2, TWO }, { 16, FOUR } } },
	{ LLM_TENSOR_Q4_1, { { 2, TWO }, { 2, TWO }, { 16, FOUR } } },
	{ LLM_TENSOR_Q5_0, { { 2, TWO }, { 4, FOUR }, { 16, FOUR } } },
	{ LLM_TENSOR_Q5_1, { { 2, TWO }, { 2, TWO }, { 4, FOUR }, { 16, FOUR } } },
	{ LLM_TENSOR_Q8_0, { { 2, TWO }, { 32, SIGNED_FOUR } } },
	{ LLM_TENSOR_Q2_K, { { 16, ONE }, { 64, FOUR }, { 2, TWO }, { 2, TWO } } },
	{ LLM_TENSOR_Q3_K, { { 32, FOUR }, { 64, FOUR }, { 12, ONE }, { 2, TWO } } },
	{ LLM_TENSOR_Q4_K, { { 2, TWO }, { 2, TWO }, { 12, ONE }, { 128, FOUR } } },
	{ LLM_TENSOR_Q5_K, { { 2, TWO }, { 2, TWO }, { 12, ONE }, { 32, FOUR }, { 128, FOUR } } },
	{ LLM_TENSOR_Q6_K, { { 128, FOUR }, { 64, FOUR }, { 16, ONE }, { 2, TWO } } },
	{ LLM_TENSOR_IQ4_NL, { { 2, TWO }, { 16, FOUR } } },
	{ LLM_TENSOR_IQ4_XS, { { 2, TWO }, { 2, TWO }, { 4, ONE }, { 128, FOUR } } },
	{ LLM_TENSOR_MXFP4, { { 1, ONE }, { 16, FOUR } } },
};

static const struct field *fields_of(u32 type)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(layouts); i++)
		if (layouts[i].type == type)
			return layouts[i].fields;
	return NULL;
}

bool llm_group_exists(u32 type)
{
	return fields_of(type);
}

/* @count units of @unit bytes, @to_stride and @from_stride bytes from one to the next. */
static __always_inline void copy_units(u8 *to, u32 to_stride, const u8 *from, u32 from_stride,
				       u32 count, const u32 unit)
{
	for (; count; count--, to += to_stride, from += from_stride)
		__builtin_memcpy(to, from, unit);
}

static void copy_signed(u8 *to, u32 to_stride, const u8 *from, u32 from_stride, u32 count)
{
	u32 four;

	for (; count; count--, to += to_stride, from += from_stride) {
		__builtin_memcpy(&four, from, sizeof(four));
		four ^= 0x80808080;
		__builtin_memcpy(to, &four, sizeof(four));
	}
}

/* One row's field, in a block where that side has one row, in a group where LLM_GROUP. */
static void copy_field(u8 *to, u32 to_rows, const u8 *from, u32 from_rows,
		       const struct field *field)
{
	switch (field->unit) {
	case ONE:
		copy_units(to, to_rows, from, from_rows, field->bytes, 1);
		break;
	case TWO:
		copy_units(to, 2 * to_rows, from, 2 * from_rows, field->bytes / 2, 2);
		break;
	case FOUR:
		copy_units(to, 4 * to_rows, from, 4 * from_rows, field->bytes / 4, 4);
		break;
	default:
		copy_signed(to, 4 * to_rows, from, 4 * from_rows, field->bytes / 4);
		break;
	}
}

/* Bytes between the rows of a field in a group. */
static u32 unit_bytes(const struct field *field)
{
	return field->unit == SIGNED_FOUR ? 4 : field->unit;
}

static void put_block(u8 *group, const u8 *block, const struct field *field, u32 row)
{
	for (; field->bytes; block += field->bytes, group += LLM_GROUP * field->bytes, field++)
		copy_field(group + row * unit_bytes(field), LLM_GROUP, block, 1, field);
}

void llm_group_rows(u8 *groups, const u8 *rows, u32 type, u32 columns)
{
	const struct field *fields = fields_of(type);
	const struct llm_type *facts = llm_type_find(type);
	u32 blocks = columns / facts->block;
	u32 r, b;

	for (b = 0; b < blocks; b++, groups += LLM_GROUP * facts->bytes)
		for (r = 0; r < LLM_GROUP; r++)
			put_block(groups, rows + ((u64)r * blocks + b) * facts->bytes, fields, r);
}

void llm_group_take(u8 *block, const u8 *group, u32 type, u32 row)
{
	const struct field *field = fields_of(type);

	for (; field->bytes; block += field->bytes, group += LLM_GROUP * field->bytes, field++)
		copy_field(block, 1, group + row * unit_bytes(field), LLM_GROUP, field);
}
