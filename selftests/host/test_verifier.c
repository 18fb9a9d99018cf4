// SPDX-License-Identifier: GPL-2.0
/* What the image and its program can't be: one refusal after the other. */
#include <stdlib.h>
#include <string.h>

#include "form.h"
#include "plan.h"
#include "tap.h"
#include "tiny_image.h"

/* A valid image, and where its parts are. */
static u8 *image;
static size_t image_size;

static struct llm_image_header *header(void)
{
	return (struct llm_image_header *)image;
}

static struct llm_image_section *section(u32 kind)
{
	struct llm_image_section *sections = (void *)(image + sizeof(struct llm_image_header));

	for (u32 i = 0; i < header()->sections; i++)
		if (sections[i].kind == kind)
			return &sections[i];
	abort();
}

static void *part(u32 kind)
{
	return image + section(kind)->offset;
}

/* The first instruction with operation @op. */
static struct llm_insn *insn(u32 op)
{
	struct llm_insn *program = part(LLM_SECTION_PROGRAM);

	for (u32 i = 0; i < section(LLM_SECTION_PROGRAM)->length / sizeof(*program); i++)
		if (program[i].op == op)
			return &program[i];
	abort();
}

static int open_image(struct llm_error *error)
{
	struct llm_image *opened;
	struct llm_plan *plan;
	int err;

	err = llm_image_open(&opened, image, image_size, error);
	if (err)
		return err;
	err = llm_plan_create(&plan, opened, &llm_form_portable, 32, 8, error);
	if (!err)
		llm_plan_destroy(plan);
	llm_image_close(opened);
	return err;
}

/* One mutation, the errno and a part of the reason it must be refused with. */
struct refusal {
	void (*mutate)(void);
	int code;
	const char *reason;
};

#define MUTATION(name, statement) static void name(void) { statement; }

MUTATION(magic, header()->magic[0] ^= 1)
MUTATION(version, header()->version++)
MUTATION(header_reserved, header()->reserved[4] = 1)
MUTATION(cut_off, image_size--)
MUTATION(too_small, image_size = sizeof(struct llm_image_header) - 1)
MUTATION(no_sections, header()->sections = 0)
MUTATION(table_outside, header()->size = sizeof(struct llm_image_header) + 1)
MUTATION(section_kind, section(LLM_SECTION_SLOTS)->kind = 77)
MUTATION(section_reserved, section(LLM_SECTION_SLOTS)->reserved = 1)
MUTATION(section_twice, section(LLM_SECTION_SLOTS)->kind = LLM_SECTION_MODEL)
MUTATION(section_missing, header()->sections--)
MUTATION(section_unaligned, section(LLM_SECTION_SLOTS)->offset++)
MUTATION(section_outside, section(LLM_SECTION_DATA)->length += LLM_IMAGE_ALIGN)
MUTATION(section_wraps, section(LLM_SECTION_DATA)->length = 0 - section(LLM_SECTION_DATA)->offset)
MUTATION(section_in_table, section(LLM_SECTION_SLOTS)->offset = 0)
MUTATION(section_overlap,
	 section(LLM_SECTION_STRINGS)->offset = section(LLM_SECTION_DATA)->offset)
MUTATION(section_entries, section(LLM_SECTION_PROGRAM)->length--)
MUTATION(section_empty, section(LLM_SECTION_PROGRAM)->length = 0)
MUTATION(registers_many, section(LLM_SECTION_REGISTERS)->length =
	 65 * sizeof(struct llm_image_register))

#define MODEL ((struct llm_image_model *)part(LLM_SECTION_MODEL))
MUTATION(name_unterminated, memset(MODEL->name, 'a', sizeof(MODEL->name)))
MUTATION(name_after_end, (MODEL->name[0] = 0, MODEL->name[1] = 'a'))
MUTATION(model_reserved, MODEL->reserved[0] = 1)
MUTATION(context_zero, MODEL->context_length = 0)
MUTATION(context_large, MODEL->context_length = (1 << 20) + 1)
MUTATION(vocab_size, MODEL->vocab_size--)
MUTATION(logits_register, MODEL->logits = 64)
MUTATION(logits_width, MODEL->logits = 0)
MUTATION(no_results, (MODEL->logits = LLM_IMAGE_NONE, MODEL->embedding = LLM_IMAGE_NONE))
MUTATION(embedding_register, MODEL->embedding = 64)
MUTATION(embedding_rows, MODEL->embedding = 0)
MUTATION(pooling_default, MODEL->pooling = LLM_POOLING_DEFAULT)
MUTATION(pooling_unknown, MODEL->pooling = LLM_POOLING_RANK + 1)
MUTATION(pooling_of_nothing, MODEL->embedding = LLM_IMAGE_NONE)

#define REGISTER ((struct llm_image_register *)part(LLM_SECTION_REGISTERS))
#define SLOT ((struct llm_image_slot *)part(LLM_SECTION_SLOTS))
#define TENSOR ((struct llm_image_tensor *)part(LLM_SECTION_TENSORS))
MUTATION(register_zero, REGISTER->width = 0)
MUTATION(register_wide, REGISTER->width = (1 << 20) + 1)
MUTATION(register_rows, REGISTER->rows = 2)
MUTATION(slot_kind, SLOT->kind = 3)
MUTATION(slot_type, SLOT->type = LLM_TENSOR_BF16)
MUTATION(slot_width, SLOT->key_width = 0)
MUTATION(tensor_type, TENSOR->type = 999)
MUTATION(tensor_layout, TENSOR->layout = 1)
MUTATION(tensor_rows, TENSOR->rows = 0)
MUTATION(tensor_columns, TENSOR->columns = 0xffffffff)
MUTATION(tensor_block, (TENSOR->type = LLM_TENSOR_Q8_0, TENSOR->columns = 33))
MUTATION(tensor_length, TENSOR->length++)
MUTATION(tensor_unaligned, TENSOR->offset++)
MUTATION(tensor_outside, TENSOR->offset = section(LLM_SECTION_DATA)->length & ~63ULL)
MUTATION(tensor_wraps, TENSOR->offset = ~63ULL)
MUTATION(tensor_name, TENSOR->name_offset = 0xffffffff)

#define TOKENIZER ((struct llm_image_tokenizer *)part(LLM_SECTION_TOKENIZER))
#define TOKEN ((struct llm_image_token *)part(LLM_SECTION_VOCAB))
MUTATION(tokenizer_kind, TOKENIZER->kind = 99)
MUTATION(tokenizer_flags, TOKENIZER->flags |= 1U << 31)
MUTATION(tokenizer_reserved, TOKENIZER->reserved[10] = 1)
MUTATION(tokenizer_bos, TOKENIZER->bos = MODEL->vocab_size)
MUTATION(tokenizer_no_bos, TOKENIZER->bos = LLM_IMAGE_NONE)
MUTATION(token_kind, TOKEN->kind = 0)
MUTATION(token_flags, TOKEN->flags = 0x80)
MUTATION(token_text, TOKEN->offset = 0xffffffff)
MUTATION(token_long, TOKEN->length = 1025)
MUTATION(token_byte, TOKEN[TINY_TOKEN_BYTES].rank = 256)

#define CHAT ((struct llm_image_chat *)part(LLM_SECTION_CHAT))
MUTATION(chat_length, section(LLM_SECTION_CHAT)->length--)
MUTATION(chat_empty, section(LLM_SECTION_CHAT)->length = 0)
MUTATION(chat_flags, CHAT->flags = 4)
MUTATION(chat_reserved, CHAT->reserved[6] = 1)
MUTATION(chat_name, memset(CHAT->name, 'a', sizeof(CHAT->name)))
MUTATION(chat_first, memset(CHAT->first, 'a', sizeof(CHAT->first)))
MUTATION(chat_system, CHAT->system[LLM_CHAT_PIECE - 1] = 'a')
MUTATION(chat_system_end, memset(CHAT->system_end, ' ', sizeof(CHAT->system_end)))
MUTATION(chat_reply, (CHAT->reply[0] = 0))
MUTATION(chat_next, memset(CHAT->next, 0xff, sizeof(CHAT->next)))
MUTATION(chat_unknown, CHAT->flags = LLM_CHAT_UNKNOWN)

MUTATION(op_unknown, insn(LLM_OP_NORM)->op = 9999)
MUTATION(op_zero, insn(LLM_OP_NORM)->op = 0)
MUTATION(op_flags, insn(LLM_OP_NORM)->flags = 1)
MUTATION(op_reserved, insn(LLM_OP_NORM)->reserved = 1)
MUTATION(op_source, insn(LLM_OP_NORM)->src[2] = 0)
MUTATION(op_tensor, insn(LLM_OP_NORM)->tensor[3] = 0)
MUTATION(op_argument, insn(LLM_OP_NORM)->arg[11] = 1)
MUTATION(op_slot, insn(LLM_OP_NORM)->slot = 0)
MUTATION(no_register, insn(LLM_OP_NORM)->dst = 64)
MUTATION(no_tensor, insn(LLM_OP_NORM)->tensor[0] = 65535)
MUTATION(unwritten, insn(LLM_OP_NORM)->src[0] = insn(LLM_OP_GLU)->dst)
MUTATION(norm_group, insn(LLM_OP_NORM)->arg[1] = 0)
MUTATION(norm_groups, insn(LLM_OP_NORM)->arg[4] = 0)
MUTATION(norm_groups_wrap, (insn(LLM_OP_NORM)->arg[1] = 1U << 31, insn(LLM_OP_NORM)->arg[4] = 2))
MUTATION(norm_column, insn(LLM_OP_NORM)->arg[3] = 1)
MUTATION(norm_kind, insn(LLM_OP_NORM)->arg[2] = LLM_NORM_LAYER + 1)
MUTATION(norm_weight, (insn(LLM_OP_NORM)->arg[1] = 16, insn(LLM_OP_NORM)->arg[4] = 4))
MUTATION(norm_bias, insn(LLM_OP_NORM)->tensor[1] = insn(LLM_OP_LINEAR)->tensor[0])
MUTATION(norm_residual, insn(LLM_OP_NORM)->src[1] = insn(LLM_OP_GLU)->dst)
MUTATION(norm_epsilon_zero, insn(LLM_OP_NORM)->arg[0] = 0)
MUTATION(norm_epsilon_negative, insn(LLM_OP_NORM)->arg[0] |= 0x80000000)
MUTATION(norm_epsilon_infinite, insn(LLM_OP_NORM)->arg[0] = 0x7f800000)
MUTATION(norm_rows, insn(LLM_OP_NORM)->dst = MODEL->logits)
MUTATION(embed_tensor, insn(LLM_OP_EMBED)->tensor[0] = insn(LLM_OP_NORM)->tensor[0])
MUTATION(embed_rows, insn(LLM_OP_EMBED)->dst = insn(LLM_OP_GATHER)->dst)
MUTATION(embed_scale, insn(LLM_OP_EMBED)->arg[0] = 0x7f800000)
MUTATION(embed_index, insn(LLM_OP_EMBED)->arg[1] = LLM_EMBED_FIRST + 1)
MUTATION(embed_positions, (insn(LLM_OP_EMBED)->arg[1] = LLM_EMBED_POSITION,
			   MODEL->context_length = MODEL->vocab_size + 1))
MUTATION(embed_addend, insn(LLM_OP_EMBED)->src[0] = insn(LLM_OP_NORM)->dst)
MUTATION(embed_alias, insn(LLM_OP_EMBED)->src[0] = insn(LLM_OP_EMBED)->dst)
MUTATION(angles_long, insn(LLM_OP_ANGLES)->tensor[1] = insn(LLM_OP_LINEAR)->tensor[0])
MUTATION(angles_bound, insn(LLM_OP_ANGLES)->arg[1] = 1)
MUTATION(angles_vector, insn(LLM_OP_ANGLES)->tensor[0] = insn(LLM_OP_LINEAR)->tensor[0])
MUTATION(angles_scale, insn(LLM_OP_ANGLES)->arg[0] = 0x7fc00000)
MUTATION(angles_ratio, insn(LLM_OP_ANGLES)->arg[2] = 0x7fc00000)
MUTATION(angles_width, insn(LLM_OP_ANGLES)->dst = insn(LLM_OP_EMBED)->dst)
MUTATION(linear_alias, insn(LLM_OP_LINEAR)->dst = insn(LLM_OP_LINEAR)->src[0])
MUTATION(linear_column, insn(LLM_OP_LINEAR)->arg[0] = 1)
MUTATION(linear_column_wraps, insn(LLM_OP_LINEAR)->arg[0] = 0xffffffff)
MUTATION(linear_source, insn(LLM_OP_LINEAR)->arg[1] = 1)
MUTATION(linear_bias, insn(LLM_OP_LINEAR)->tensor[1] = insn(LLM_OP_LINEAR)->tensor[0])
MUTATION(linear_residual, insn(LLM_OP_LINEAR)->src[1] = insn(LLM_OP_EMBED)->dst)
MUTATION(rope_heads, insn(LLM_OP_ROPE)->arg[1] = 0xffffffff)
MUTATION(rope_head, insn(LLM_OP_ROPE)->arg[2] = 8)
MUTATION(rope_alias, insn(LLM_OP_ROPE)->src[0] = insn(LLM_OP_ROPE)->dst)
MUTATION(rope_pairing, insn(LLM_OP_ROPE)->arg[3] = LLM_PAIRING_HALVES + 1)
MUTATION(rope_no_heads, insn(LLM_OP_ROPE)->arg[1] = 0)
MUTATION(attend_heads, insn(LLM_OP_ATTEND)->arg[3] = 3)
MUTATION(attend_no_kv_heads, insn(LLM_OP_ATTEND)->arg[4] = 0)
MUTATION(attend_head_wide, insn(LLM_OP_ATTEND)->arg[5] = 513)
MUTATION(attend_column, insn(LLM_OP_ATTEND)->arg[2]++)
MUTATION(attend_scale, insn(LLM_OP_ATTEND)->arg[7] = 0xff800000)
MUTATION(attend_cap, insn(LLM_OP_ATTEND)->arg[9] = 0xbf800000)
MUTATION(attend_slot, insn(LLM_OP_ATTEND)->slot = 1024)
MUTATION(attend_slot_shared, insn(LLM_OP_ATTEND)->slot = 1)
MUTATION(attend_slot_width, SLOT->value_width++)
MUTATION(attend_slot_blocks, SLOT->type = LLM_TENSOR_Q8_0)
MUTATION(attend_alias, insn(LLM_OP_ATTEND)->dst = insn(LLM_OP_ATTEND)->src[0])
MUTATION(glu_up, insn(LLM_OP_GLU)->arg[1]++)
MUTATION(glu_activation, insn(LLM_OP_GLU)->arg[2] = LLM_ACTIVATIONS)
MUTATION(glu_alias, insn(LLM_OP_GLU)->src[0] = insn(LLM_OP_GLU)->dst)
/* Makes an LLM_OP_ACT of the first norm, which is as wide on both sides. */
static struct llm_insn *act(void)
{
	struct llm_insn *made = insn(LLM_OP_NORM);

	made->op = LLM_OP_ACT;
	memset(made->tensor, 0xff, sizeof(made->tensor));
	memset(made->arg, 0, sizeof(made->arg));
	return made;
}

MUTATION(act_activation, act()->arg[0] = LLM_ACTIVATIONS)
MUTATION(act_before, act()->arg[1] = 0x7f800000)
MUTATION(act_after, act()->arg[2] = 0xff800000)
MUTATION(act_width, act()->dst = insn(LLM_OP_GLU)->dst)
MUTATION(act_no_register, act()->dst = 64)
MUTATION(act_unwritten, act()->src[0] = insn(LLM_OP_ATTEND)->dst)
MUTATION(gather_width, insn(LLM_OP_GATHER)->dst = MODEL->logits)
MUTATION(gather_back, insn(LLM_OP_GATHER)->dst = insn(LLM_OP_EMBED)->dst)
MUTATION(attend_flags, insn(LLM_OP_ATTEND)->flags = 2)
MUTATION(attend_whole, insn(LLM_OP_ATTEND)->flags = LLM_ATTEND_WHOLE)
MUTATION(embedding_unwritten, (REGISTER[MODEL->embedding].width *= 2, MODEL->logits =
	 LLM_IMAGE_NONE, section(LLM_SECTION_PROGRAM)->length -= 2 * sizeof(struct llm_insn)))
MUTATION(logits_unwritten, section(LLM_SECTION_PROGRAM)->length -= sizeof(struct llm_insn))

static const struct refusal headers[] = {
	{ magic, -EINVAL, "not an image" },
	{ version, -EOPNOTSUPP, "image version 2" },
	{ header_reserved, -EINVAL, "reserved" },
	{ cut_off, -EINVAL, "cut off" },
	{ too_small, -EINVAL, "too few" },
	{ no_sections, -EINVAL, "0 sections" },
	{ table_outside, -EINVAL, "table" },
	{ section_kind, -EOPNOTSUPP, "section kind 77" },
	{ section_reserved, -EINVAL, "section slots: reserved" },
	{ section_twice, -EINVAL, "section model: there are two" },
	{ section_missing, -EINVAL, "is missing" },
	{ section_unaligned, -EINVAL, "multiple of 64" },
	{ section_outside, -EINVAL, "not within the image" },
	{ section_wraps, -EINVAL, "not within the image" },
	{ section_in_table, -EINVAL, "not within the image" },
	{ section_overlap, -EINVAL, "overlap" },
	{ section_entries, -EINVAL, "whole number" },
	{ section_empty, -EINVAL, "is empty" },
	{ registers_many, -E2BIG, "at most 64" },
};

static const struct refusal descriptions[] = {
	{ name_unterminated, -EINVAL, "NUL" },
	{ name_after_end, -EINVAL, "NUL" },
	{ model_reserved, -EINVAL, "reserved" },
	{ context_zero, -EINVAL, "context length 0" },
	{ context_large, -EINVAL, "context length 1048577" },
	{ vocab_size, -EINVAL, "vocabulary size 299" },
	{ logits_register, -EINVAL, "no register 64" },
	{ logits_width, -EINVAL, "can't hold the logits" },
	{ no_results, -EINVAL, "neither logits nor embeddings" },
	{ embedding_register, -EINVAL, "no register 64 for embeddings" },
	{ embedding_rows, -EINVAL, "wrong kind of rows" },
	{ pooling_default, -EOPNOTSUPP, "pooling 0" },
	{ pooling_unknown, -EOPNOTSUPP, "pooling 6" },
	{ pooling_of_nothing, -EINVAL, "no embedding" },
	{ register_zero, -EINVAL, "width 0" },
	{ register_wide, -EINVAL, "width 1048577" },
	{ register_rows, -EINVAL, "rows 2" },
	{ slot_kind, -EOPNOTSUPP, "slot 0: kind 3" },
	{ slot_type, -EOPNOTSUPP, "of type 30" },
	{ slot_width, -EINVAL, "slot 0: widths 0" },
	{ tensor_type, -EOPNOTSUPP, "type 999" },
	{ tensor_layout, -EOPNOTSUPP, "layout 1" },
	{ tensor_rows, -EINVAL, "0 rows" },
	{ tensor_columns, -EINVAL, "4294967295 columns" },
	{ tensor_block, -EINVAL, "whole blocks of Q8_0" },
	{ tensor_length, -EINVAL, "needs" },
	{ tensor_unaligned, -EINVAL, "multiple of 64" },
	{ tensor_outside, -EINVAL, "not within the data" },
	{ tensor_wraps, -EINVAL, "not within the data" },
	{ tensor_name, -EINVAL, "name" },
	{ tokenizer_kind, -EOPNOTSUPP, "kind 99" },
	{ tokenizer_flags, -EOPNOTSUPP, "flags 0x80000000" },
	{ tokenizer_reserved, -EINVAL, "reserved" },
	{ tokenizer_bos, -EINVAL, "bos 300" },
	{ tokenizer_no_bos, -EINVAL, "adds a token" },
	{ token_kind, -EOPNOTSUPP, "token 0: kind 0" },
	{ token_flags, -EOPNOTSUPP, "token 0: flags 0x80" },
	{ token_text, -EINVAL, "not within the strings" },
	{ token_long, -EINVAL, "1025 bytes" },
	{ token_byte, -EINVAL, "256 is not a byte" },
	{ chat_length, -EINVAL, "whole number" },
	{ chat_empty, -EINVAL, "is empty" },
	{ chat_flags, -EOPNOTSUPP, "flags 0x4" },
	{ chat_reserved, -EINVAL, "chat template: reserved" },
	{ chat_name, -EINVAL, "chat template: the name" },
	{ chat_first, -EINVAL, "piece 0 is not" },
	{ chat_system, -EINVAL, "piece 1 is not" },
	{ chat_system_end, -EINVAL, "piece 2 is not" },
	{ chat_reply, -EINVAL, "piece 3 is not" },
	{ chat_next, -EINVAL, "piece 4 is not" },
	{ chat_unknown, -EINVAL, "not known, yet has piece 0" },
};

static const struct refusal programs[] = {
	{ op_unknown, -EOPNOTSUPP, "operation 9999" },
	{ op_zero, -EOPNOTSUPP, "operation 0" },
	{ op_flags, -EOPNOTSUPP, "flags 0x1" },
	{ op_reserved, -EINVAL, "reserved" },
	{ op_source, -EINVAL, "source 2 is not used" },
	{ op_tensor, -EINVAL, "tensor operand 3 is not used" },
	{ op_argument, -EINVAL, "argument 11 is not used" },
	{ op_slot, -EINVAL, "slot is not used" },
	{ no_register, -EINVAL, "no register 64" },
	{ no_tensor, -EINVAL, "no tensor 65535" },
	{ unwritten, -EINVAL, "" },
	{ norm_group, -EINVAL, "not within register" },
	{ norm_groups, -EINVAL, "not within register" },
	{ norm_groups_wrap, -EINVAL, "not within register" },
	{ norm_column, -EINVAL, "not within register" },
	{ norm_kind, -EOPNOTSUPP, "norm 2 is not known" },
	{ norm_weight, -EINVAL, "one row of 16 F32 numbers, nor 4" },
	{ norm_bias, -EINVAL, "F32 numbers" },
	{ norm_residual, -EINVAL, "written only to 0" },
	{ norm_epsilon_zero, -EINVAL, "not positive" },
	{ norm_epsilon_negative, -EINVAL, "not positive" },
	{ norm_epsilon_infinite, -EINVAL, "not finite" },
	{ norm_rows, -EINVAL, "" },
	{ embed_tensor, -EINVAL, "tensor" },
	{ embed_rows, -EINVAL, "wrong kind of rows" },
	{ embed_scale, -EINVAL, "not finite" },
	{ embed_index, -EOPNOTSUPP, "index 3 is not known" },
	{ embed_positions, -EINVAL, "300 rows for 301 positions" },
	{ embed_addend, -EINVAL, "written only to 0" },
	{ embed_alias, -EINVAL, "both source and destination" },
	{ angles_long, -EINVAL, "F32 numbers" },
	{ angles_bound, -EINVAL, "a bound of 1 positions" },
	{ angles_vector, -EINVAL, "F32 numbers" },
	{ angles_scale, -EINVAL, "not finite" },
	{ angles_ratio, -EINVAL, "not finite" },
	{ angles_width, -EINVAL, "twice as wide" },
	{ linear_alias, -EINVAL, "both source and destination" },
	{ linear_column, -EINVAL, "not within register" },
	{ linear_column_wraps, -EINVAL, "not within register" },
	{ linear_source, -EINVAL, "not within register" },
	{ linear_bias, -EINVAL, "F32 numbers" },
	{ linear_residual, -EINVAL, "" },
	{ rope_heads, -EINVAL, "not within register" },
	{ rope_head, -EINVAL, "can't be rotated" },
	{ rope_alias, -EINVAL, "" },
	{ rope_pairing, -EOPNOTSUPP, "pairing 2 is not known" },
	{ rope_no_heads, -EINVAL, "not within register" },
	{ attend_heads, -EINVAL, "3 heads" },
	{ attend_no_kv_heads, -EINVAL, "0 key/value heads" },
	{ attend_head_wide, -EINVAL, "513" },
	{ attend_column, -EINVAL, "not within register" },
	{ attend_scale, -EINVAL, "not finite" },
	{ attend_cap, -EINVAL, "not positive" },
	{ attend_slot, -EINVAL, "no slot 1024" },
	{ attend_slot_shared, -EINVAL, "slot 1 serves" },
	{ attend_slot_width, -EINVAL, "slot 0" },
	{ attend_slot_blocks, -EINVAL, "no whole blocks of slot 0" },
	{ attend_alias, -EINVAL, "both source and destination" },
	{ glu_up, -EINVAL, "not within register" },
	{ glu_activation, -EOPNOTSUPP, "activation 7 is not known" },
	{ glu_alias, -EINVAL, "" },
	{ act_activation, -EOPNOTSUPP, "activation 7 is not known" },
	{ act_before, -EINVAL, "not finite" },
	{ act_after, -EINVAL, "not finite" },
	{ act_width, -EINVAL, "not within register" },
	{ act_no_register, -EINVAL, "no register 64" },
	{ act_unwritten, -EINVAL, "written only to 0" },
	{ gather_width, -EINVAL, "" },
	{ gather_back, -EINVAL, "wrong kind of rows" },
	{ attend_flags, -EOPNOTSUPP, "flags 0x2" },
	{ attend_whole, -EINVAL, "not causal" },
	{ embedding_unwritten, -EINVAL, "the embedding" },
	{ logits_unwritten, -EINVAL, "the logits" },
};

MUTATION(route_many, insn(LLM_OP_ROUTE)->arg[1] = TINY_IMAGE_EXPERTS + 1)
MUTATION(route_none, insn(LLM_OP_ROUTE)->arg[1] = 0)
MUTATION(route_experts, insn(LLM_OP_ROUTE)->arg[0] = 1025)
MUTATION(route_unread, insn(LLM_OP_ROUTE)->arg[0] = TINY_IMAGE_EXPERTS + 1)
MUTATION(route_gating, insn(LLM_OP_ROUTE)->arg[2] = 2)
MUTATION(route_normalise, insn(LLM_OP_ROUTE)->arg[3] = 2)
MUTATION(route_narrow, insn(LLM_OP_ROUTE)->arg[1] = TINY_IMAGE_CHOICES + 1)
MUTATION(route_alias, insn(LLM_OP_ROUTE)->dst = insn(LLM_OP_ROUTE)->src[0])
MUTATION(experts_divide, insn(LLM_OP_EXPERTS)->arg[2] = TINY_IMAGE_EXPERTS - 1)
MUTATION(experts_zero, insn(LLM_OP_EXPERTS)->arg[2] = 0)
MUTATION(experts_many, insn(LLM_OP_EXPERTS)->arg[3] = 33)
MUTATION(experts_column, insn(LLM_OP_EXPERTS)->arg[0] = 0xffffffff)
MUTATION(experts_source, insn(LLM_OP_EXPERTS)->arg[1] = 1)
MUTATION(experts_own, insn(LLM_OP_EXPERTS)->arg[4] = 1)
MUTATION(experts_input, insn(LLM_OP_EXPERTS)->arg[4] = 2)
MUTATION(experts_unrouted, insn(LLM_OP_EXPERTS)->src[1] = insn(LLM_OP_GLU)->dst)
MUTATION(experts_alias, insn(LLM_OP_EXPERTS)->dst = insn(LLM_OP_EXPERTS)->src[0])
MUTATION(experts_tensor, insn(LLM_OP_EXPERTS)->tensor[0] = 65535)
MUTATION(mix_none, insn(LLM_OP_MIX)->arg[0] = 0)
MUTATION(mix_many, insn(LLM_OP_MIX)->arg[0] = TINY_IMAGE_CHOICES + 1)
MUTATION(mix_alias, insn(LLM_OP_MIX)->src[0] = insn(LLM_OP_MIX)->dst)
MUTATION(mix_rows, insn(LLM_OP_MIX)->dst = insn(LLM_OP_GATHER)->dst)

static const struct refusal mixtures[] = {
	{ route_many, -EINVAL, "7 of 6 experts" },
	{ route_none, -EINVAL, "0 of 6 experts" },
	{ route_experts, -EINVAL, "2 of 1025 experts" },
	{ route_unread, -EINVAL, "not within register" },
	{ route_gating, -EOPNOTSUPP, "gating 2" },
	{ route_normalise, -EOPNOTSUPP, "normalisation 2" },
	{ route_narrow, -EINVAL, "not within register" },
	{ route_alias, -EINVAL, "both source and destination" },
	{ experts_divide, -EINVAL, "not that of 5 experts" },
	{ experts_zero, -EINVAL, "2 of 0 experts" },
	{ experts_many, -EINVAL, "33 of 6 experts" },
	{ experts_column, -EINVAL, "not within register" },
	{ experts_source, -EINVAL, "not within register" },
	{ experts_own, -EINVAL, "not within register" },
	{ experts_input, -EOPNOTSUPP, "input 2" },
	{ experts_unrouted, -EINVAL, "written only to 0" },
	{ experts_alias, -EINVAL, "" },
	{ experts_tensor, -EINVAL, "no tensor 65535" },
	{ mix_none, -EINVAL, "0 of 1024 experts" },
	{ mix_many, -EINVAL, "not within register" },
	{ mix_alias, -EINVAL, "" },
	{ mix_rows, -EINVAL, "wrong kind of rows" },
};

static void make_slot(struct llm_image_slot *slot, u32 kind, u32 type, u32 value_width)
{
	slot->kind = kind;
	slot->type = type;
	slot->value_width = value_width;
}

MUTATION(recurrent_type, SLOT->type = LLM_TENSOR_F16)
MUTATION(recurrent_none, SLOT->key_width = 0)
MUTATION(recurrent_wide, SLOT->key_width = (1 << 24) + 1)
MUTATION(recurrent_value, SLOT->value_width = 1)
MUTATION(recurrent_as_kv, make_slot(SLOT, LLM_SLOT_KV, LLM_TENSOR_F16, 1))
MUTATION(kv_as_recurrent, make_slot(&SLOT[4], LLM_SLOT_RECURRENT, LLM_TENSOR_F32, 0))
MUTATION(recurrent_whole, insn(LLM_OP_ATTEND)->flags = LLM_ATTEND_WHOLE;
	 MODEL->logits = LLM_IMAGE_NONE)
MUTATION(convolve_slot, insn(LLM_OP_CONVOLVE)->slot = 1024)
MUTATION(convolve_slot_width, SLOT->key_width--)
MUTATION(convolve_channels, insn(LLM_OP_CONVOLVE)->arg[0] = 0)
MUTATION(convolve_multiple, insn(LLM_OP_CONVOLVE)->arg[0]--)
MUTATION(convolve_column, insn(LLM_OP_CONVOLVE)->arg[1] = 0xffffffff)
MUTATION(convolve_function, insn(LLM_OP_CONVOLVE)->arg[2] = LLM_ACTIVATIONS)
MUTATION(convolve_taps, insn(LLM_OP_CONVOLVE)->tensor[0] = insn(LLM_OP_LINEAR)->tensor[0])
MUTATION(convolve_tensor, insn(LLM_OP_CONVOLVE)->tensor[0] = 65535)
MUTATION(convolve_type, TENSOR[insn(LLM_OP_CONVOLVE)->tensor[0]].type = LLM_TENSOR_F16)
MUTATION(convolve_bias, insn(LLM_OP_CONVOLVE)->tensor[1] = insn(LLM_OP_CONVOLVE)->tensor[0])
MUTATION(convolve_alias, insn(LLM_OP_CONVOLVE)->dst = insn(LLM_OP_CONVOLVE)->src[0])
MUTATION(convolve_unwritten, insn(LLM_OP_CONVOLVE)->src[0] = insn(LLM_OP_ATTEND)->src[0])
MUTATION(convolve_no_register, insn(LLM_OP_CONVOLVE)->dst = 64)
MUTATION(scan_slot_shared, insn(LLM_OP_SCAN)->slot = insn(LLM_OP_CONVOLVE)->slot)
MUTATION(scan_slot_width, SLOT[1].key_width++)
MUTATION(scan_states, insn(LLM_OP_SCAN)->arg[1] = 257)
MUTATION(scan_no_states, insn(LLM_OP_SCAN)->arg[1] = 0)
MUTATION(scan_channels, insn(LLM_OP_SCAN)->arg[0]--)
MUTATION(scan_b, insn(LLM_OP_SCAN)->arg[2] = 0xffffffff)
MUTATION(scan_c, insn(LLM_OP_SCAN)->arg[3]++)
MUTATION(scan_skip, insn(LLM_OP_SCAN)->tensor[1] = insn(LLM_OP_SCAN)->tensor[0])
MUTATION(scan_alias, insn(LLM_OP_SCAN)->dst = insn(LLM_OP_SCAN)->src[2])
MUTATION(scan_rows, insn(LLM_OP_SCAN)->dst = insn(LLM_OP_GATHER)->dst)
MUTATION(wkv_heads, insn(LLM_OP_WKV)->arg[0] = 0)
MUTATION(wkv_wraps, insn(LLM_OP_WKV)->arg[0] = 0x10000004)
MUTATION(wkv_head, insn(LLM_OP_WKV)->arg[1] = 65)
MUTATION(wkv_epsilon, insn(LLM_OP_WKV)->arg[2] = 0)
MUTATION(wkv_keys, insn(LLM_OP_WKV)->tensor[0] = insn(LLM_OP_WKV)->tensor[1])
MUTATION(wkv_norm, insn(LLM_OP_WKV)->tensor[1] = LLM_IMAGE_NONE)
MUTATION(wkv_slot_width, SLOT[3].key_width++)
MUTATION(wkv_narrow, insn(LLM_OP_WKV)->src[0] = insn(LLM_OP_WKV)->src[1])
MUTATION(wkv_gate, insn(LLM_OP_WKV)->src[2] = 64)
MUTATION(wkv_alias, insn(LLM_OP_WKV)->src[1] = insn(LLM_OP_WKV)->dst)
MUTATION(blend_none, insn(LLM_OP_BLEND)->src[2] = LLM_IMAGE_NONE16)
MUTATION(blend_width, insn(LLM_OP_BLEND)->src[1] = insn(LLM_OP_WKV)->src[0])
MUTATION(blend_argument, insn(LLM_OP_BLEND)->arg[0] = 1)

static const struct refusal recurrences[] = {
	{ recurrent_type, -EOPNOTSUPP, "slot 0: kind 2 of type 1" },
	{ recurrent_none, -EINVAL, "slot 0: widths 0" },
	{ recurrent_wide, -EINVAL, "slot 0: widths 16777217" },
	{ recurrent_value, -EINVAL, "and 1 are not those" },
	{ recurrent_as_kv, -EINVAL, "slot 0 is of the wrong kind" },
	{ kv_as_recurrent, -EINVAL, "slot 4 is of the wrong kind" },
	{ recurrent_whole, -EINVAL, "recurrent state, but attention" },
	{ convolve_slot, -EINVAL, "no slot 1024" },
	{ convolve_slot_width, -EINVAL, "slot 0 is 191 and 0 wide" },
	{ convolve_channels, -EINVAL, "no multiple of 0" },
	{ convolve_multiple, -EINVAL, "no multiple of 63" },
	{ convolve_column, -EINVAL, "not within register" },
	{ convolve_function, -EOPNOTSUPP, "activation 7 is not known" },
	{ convolve_taps, -EINVAL, "64 positions are not in 2..16" },
	{ convolve_tensor, -EINVAL, "no tensor 65535" },
	{ convolve_type, -EINVAL, "" },
	{ convolve_bias, -EINVAL, "not 1 row of 64 F32" },
	{ convolve_alias, -EINVAL, "" },
	{ convolve_unwritten, -EINVAL, "written only to 0" },
	{ convolve_no_register, -EINVAL, "no register 64" },
	{ scan_slot_shared, -EINVAL, "slot 0 serves" },
	{ scan_slot_width, -EINVAL, "slot 1 is 577 and 0 wide" },
	{ scan_states, -EINVAL, "257 numbers" },
	{ scan_no_states, -EINVAL, "0 numbers" },
	{ scan_channels, -EINVAL, "not 63 rows of 9 F32" },
	{ scan_b, -EINVAL, "not within register" },
	{ scan_c, -EINVAL, "not within register" },
	{ scan_skip, -EINVAL, "not 1 row of 64 F32" },
	{ scan_alias, -EINVAL, "" },
	{ scan_rows, -EINVAL, "wrong kind of rows" },
	{ wkv_heads, -EINVAL, "0 heads of 16 columns" },
	{ wkv_wraps, -EINVAL, "are not 64 wide" },
	{ wkv_head, -EINVAL, "heads of 65 columns" },
	{ wkv_epsilon, -EINVAL, "not positive" },
	{ wkv_keys, -EINVAL, "not 3 rows of 64 F32" },
	{ wkv_norm, -EINVAL, "no tensor" },
	{ wkv_slot_width, -EINVAL, "slot 3 is 1025 and 0 wide" },
	{ wkv_narrow, -EINVAL, "not within register" },
	{ wkv_gate, -EINVAL, "no register 64" },
	{ wkv_alias, -EINVAL, "both source and destination" },
	{ blend_none, -EINVAL, "no register 65535" },
	{ blend_width, -EINVAL, "differ in width" },
	{ blend_argument, -EINVAL, "argument 0 is not used" },
};

#define RANKING ((struct llm_image_ranking *)part(LLM_SECTION_RANKING))

MUTATION(ranking_before, RANKING->before[LLM_RANKING_PIECE - 1] = 1)
MUTATION(ranking_between, RANKING->between[LLM_RANKING_PIECE - 1] = 1)
MUTATION(ranking_after, memset(RANKING->after, 1, LLM_RANKING_PIECE))
MUTATION(ranking_pooling, MODEL->pooling = LLM_POOLING_LAST)
MUTATION(ranking_length, section(LLM_SECTION_RANKING)->length--)
MUTATION(softmax_wide, REGISTER[MODEL->embedding].width = 1025)
MUTATION(softmax_narrow, REGISTER[MODEL->embedding].width = TINY_IMAGE_LABELS - 1)
MUTATION(softmax_differs, insn(LLM_OP_SOFTMAX)->src[0] = insn(LLM_OP_GATHER)->dst)
MUTATION(softmax_rows, insn(LLM_OP_SOFTMAX)->src[0] = insn(LLM_OP_EMBED)->dst;
	 insn(LLM_OP_SOFTMAX)->dst = insn(LLM_OP_GATHER)->dst)
MUTATION(softmax_no_register, insn(LLM_OP_SOFTMAX)->dst = 64)
MUTATION(softmax_unwritten, insn(LLM_OP_SOFTMAX)->src[0] = 9)
MUTATION(softmax_argument, insn(LLM_OP_SOFTMAX)->arg[0] = 1)
MUTATION(softmax_flags, insn(LLM_OP_SOFTMAX)->flags = 1)

static const struct refusal rankings[] = {
	{ ranking_before, -EINVAL, "ranking: a piece is not NUL-padded" },
	{ ranking_between, -EINVAL, "ranking: a piece is not NUL-padded" },
	{ ranking_after, -EINVAL, "ranking: a piece is not NUL-padded" },
	{ ranking_pooling, -EINVAL, "ranking: pooling 4 does not rank" },
	{ ranking_length, -EINVAL, "not a whole number of entries" },
	{ softmax_wide, -EINVAL, "has 1025 columns, at most 1024" },
	{ softmax_narrow, -EINVAL, "not within register" },
	{ softmax_differs, -EINVAL, "differ in width" },
	{ softmax_rows, -EINVAL, "wrong kind of rows" },
	{ softmax_no_register, -EINVAL, "no register 64" },
	{ softmax_unwritten, -EINVAL, "written only to 0" },
	{ softmax_argument, -EINVAL, "argument 0 is not used" },
	{ softmax_flags, -EOPNOTSUPP, "flags 0x1" },
};

static void check_refusals(const struct refusal *refusals, size_t count)
{
	struct tiny_image_options options = {
		.seed = 1, .chat = true, .experts = refusals == mixtures,
		.recurrent = refusals == recurrences, .ranks = refusals == rankings,
		.layers = 3,
	};

	for (size_t i = 0; i < count; i++) {
		struct llm_error error = {};
		void *whole = image = tiny_image_build(&options, &image_size);
		int err;

		refusals[i].mutate();
		err = open_image(&error);
		if (!tap_check(err == refusals[i].code) || !tap_check(error.text[0]) ||
		    !tap_check(strstr(error.text, refusals[i].reason)))
			printf("# refusal %zu: %d, \"%s\", not %d, \"%s\"\n", i, err, error.text,
			       refusals[i].code, refusals[i].reason);
		free(whole);
	}
}

static void refused_headers(void)
{
	check_refusals(headers, ARRAY_SIZE(headers));
}

static void refused_descriptions(void)
{
	check_refusals(descriptions, ARRAY_SIZE(descriptions));
}

static void refused_programs(void)
{
	check_refusals(programs, ARRAY_SIZE(programs));
}

static void refused_mixtures(void)
{
	check_refusals(mixtures, ARRAY_SIZE(mixtures));
}

static void refused_recurrences(void)
{
	check_refusals(recurrences, ARRAY_SIZE(recurrences));
}

static void refused_rankings(void)
{
	check_refusals(rankings, ARRAY_SIZE(rankings));
}

/* Slots that are each allowed, and together take more than a session may. */
static void large_state(void)
{
	struct tiny_image_options options = { .seed = 1, .recurrent = true };
	struct llm_image_slot *slots;
	struct llm_error error = {};
	u32 count = 9;
	void *small;
	u64 at;

	small = tiny_image_build(&options, &image_size);
	image = small;
	at = ALIGN(image_size, LLM_IMAGE_ALIGN);
	image = aligned_alloc(64, ALIGN(at + count * sizeof(*slots), 64));
	memcpy(image, small, image_size);
	slots = (void *)(image + at);
	memcpy(slots, SLOT, 4 * sizeof(*slots));
	for (u32 i = 4; i < count; i++)
		slots[i] = (struct llm_image_slot) {
			.kind = LLM_SLOT_RECURRENT, .type = LLM_TENSOR_F32, .key_width = 1 << 24,
		};
	image_size = at + count * sizeof(*slots);
	header()->size = image_size;
	section(LLM_SECTION_SLOTS)->offset = at;
	section(LLM_SECTION_SLOTS)->length = (count - 2) * sizeof(*slots);
	tap_check(open_image(&error) == 0);
	section(LLM_SECTION_SLOTS)->length = count * sizeof(*slots);
	tap_check(open_image(&error) == -E2BIG);
	tap_check(strstr(error.text, "recurrent state takes more"));
	free(image);
	free(small);
}

static void valid_image(void)
{
	struct tiny_image_options options = { .seed = 1 };
	struct llm_error error = {};

	image = tiny_image_build(&options, &image_size);
	tap_check(open_image(&error) == 0);
	tap_check(!error.text[0]);
	free(image);

	options.chat = true;
	image = tiny_image_build(&options, &image_size);
	tap_check(open_image(&error) == 0);
	memset(CHAT, 0, sizeof(*CHAT));
	CHAT->flags = LLM_CHAT_UNKNOWN;
	tap_check(open_image(&error) == 0);
	tap_check(!error.text[0]);
	free(image);
}

/* A program that reads its weights again and again is refused, not run. */
static void endless_work(void)
{
	struct tiny_image_options options = { .seed = 1 };
	u32 count = 16000, linear = 0;
	struct llm_error error = {};
	struct llm_insn *program;
	void *small;
	u64 at;

	small = tiny_image_build(&options, &image_size);
	image = small;
	program = part(LLM_SECTION_PROGRAM);
	while (program[linear].op != LLM_OP_LINEAR)
		linear++;
	at = ALIGN(image_size, LLM_IMAGE_ALIGN);
	image = aligned_alloc(64, ALIGN(at + count * sizeof(*program), 64));
	memcpy(image, small, image_size);
	memcpy(image + at, program, (linear + 1) * sizeof(*program));
	for (u32 i = linear + 1; i < count; i++)
		memcpy(image + at + i * sizeof(*program), &program[linear], sizeof(*program));
	program = (void *)(image + at);
	image_size = at + count * sizeof(*program);
	header()->size = image_size;
	section(LLM_SECTION_PROGRAM)->offset = at;
	section(LLM_SECTION_PROGRAM)->length = count * sizeof(*program);
	tap_check(open_image(&error) == -E2BIG);
	tap_check(strstr(error.text, "multiply-adds"));
	free(image);
	free(small);
}

static const struct tap_test tests[] = {
	{ "a valid image is taken", valid_image },
	{ "headers and sections are refused for the right reason", refused_headers },
	{ "descriptions are refused for the right reason", refused_descriptions },
	{ "programs are refused for the right reason", refused_programs },
	{ "mixtures of experts are refused for the right reason", refused_mixtures },
	{ "recurrences are refused for the right reason", refused_recurrences },
	{ "rankings are refused for the right reason", refused_rankings },
	{ "too much recurrent state is refused", large_state },
	{ "too much work for the weights is refused", endless_work },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
