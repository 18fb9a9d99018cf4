// SPDX-License-Identifier: GPL-2.0
#include "plan.h"

#include "form.h"
#include "kv_layout.h"
#include "verifier.h"

/* Memory of one step, of one page, and of recurrent state beyond which an image is refused. */
#define MAX_WORKSPACE	(4ULL << 30)
#define MAX_PAGE	(256ULL << 20)
#define MAX_RECURRENT	(256ULL << 20)

static u64 plan_registers(struct llm_plan *plan)
{
	const struct llm_image *image = plan->image;
	u64 floats = 0;
	u32 i, rows;

	for (i = 0; i < image->register_count; i++) {
		rows = image->registers[i].rows == LLM_ROWS_OUTPUT ? plan->output_rows :
								     plan->batch_rows;
		plan->register_offset[i] = floats;
		floats += ALIGN((u64)rows * image->registers[i].width, 16);
	}
	return floats * sizeof(u32);
}

/* Three arrays of all choices, two numbers beside them, and one array of experts. */
static void plan_experts(struct llm_plan *plan, const struct llm_verifier *v)
{
	u64 choices = (u64)plan->batch_rows * v->choices;

	plan->choices = v->choices;
	plan->input_offset = ALIGN(plan->order_offset +
				   (3 * choices + 2 + v->experts) * sizeof(u32), 64);
	plan->input_stride = ALIGN(v->input_bytes, 64);
}

static int plan_workspace(struct llm_plan *plan, const struct llm_verifier *v)
{
	plan->scratch_offset = plan_registers(plan);
	plan->scratch_stride = ALIGN(v->scratch_bytes, 64);
	plan->softmax_heads = v->softmax_heads;
	plan->softmax_offset = plan->scratch_offset + plan->scratch_stride * plan->batch_rows;
	plan->query_offset = ALIGN(plan->softmax_offset + (u64)plan->batch_rows *
				   v->softmax_heads * 2 * sizeof(u32), 64);
	plan->query_stride = ALIGN(v->query_bytes, 64);
	plan->order_offset = plan->query_offset + plan->query_stride * plan->batch_rows;
	plan_experts(plan, v);
	plan->workspace_bytes = plan->input_offset +
				plan->input_stride * plan->batch_rows * plan->choices;
	if (plan->workspace_bytes > MAX_WORKSPACE)
		return llm_refuse(v->error, -E2BIG, "program: needs %llu bytes of registers, at most %llu",
				  (unsigned long long)plan->workspace_bytes, MAX_WORKSPACE);
	return 0;
}

/* Puts a slot's keys and values behind @offset, and returns where they end. */
static u64 plan_kv(struct llm_slot *slot, const struct llm_image_slot *from, u64 offset)
{
	slot->type = from->type;
	slot->key_width = from->key_width;
	slot->value_width = from->value_width;
	slot->page_offset = offset;
	offset += ALIGN(llm_kv_bytes(from->type, from->key_width), 64);
	slot->value_offset = offset;
	return offset + ALIGN(llm_kv_bytes(from->type, from->value_width), 64);
}

static int plan_slots(struct llm_plan *plan, struct llm_error *error)
{
	const struct llm_image *image = plan->image;
	u64 page = 0, recurrent = 0;
	u32 i;

	plan->slots = llm_alloc((u64)max(image->slot_count, 1U) * sizeof(*plan->slots));
	if (!plan->slots)
		return llm_refuse(error, -ENOMEM, "out of memory");
	for (i = 0; i < image->slot_count; i++) {
		const struct llm_image_slot *from = &image->slots[i];

		if (from->kind == LLM_SLOT_KV) {
			page = plan_kv(&plan->slots[i], from, page);
		} else {
			plan->slots[i].recurrent_offset = recurrent;
			recurrent += ALIGN((u64)from->key_width * sizeof(u32), 64);
		}
		if (page > MAX_PAGE)
			return llm_refuse(error, -E2BIG,
					  "slots: %u positions take more than %llu bytes",
					  LLM_PAGE_POSITIONS, MAX_PAGE);
		if (recurrent > MAX_RECURRENT)
			return llm_refuse(error, -E2BIG,
					  "slots: recurrent state takes more than %llu bytes",
					  MAX_RECURRENT);
	}
	plan->page_bytes = page;
	plan->recurrent_bytes = recurrent;
	return 0;
}

static void plan_rows(struct llm_plan *plan, const struct llm_verifier *v)
{
	const struct llm_image_model *model = &plan->image->model;

	plan->embedding_end = v->embedding_end;
	plan->whole_texts = v->whole_texts;
	if (v->whole_texts)
		plan->batch_rows = min_t(u32, model->context_length, LLM_MAX_ROWS);
	if (model->logits == LLM_IMAGE_NONE)
		plan->output_rows = plan->batch_rows;
}

static int plan_program(struct llm_plan *plan, struct llm_error *error)
{
	struct llm_verifier *v;
	int err;

	plan->ops = llm_alloc((u64)plan->image->program_count * sizeof(*plan->ops));
	v = llm_alloc(sizeof(*v));
	if (!plan->ops || !v) {
		llm_free(v);
		return llm_refuse(error, -ENOMEM, "out of memory");
	}
	v->image = plan->image;
	v->error = error;
	err = llm_verify_program(v, plan->ops);
	if (!err) {
		plan_rows(plan, v);
		err = plan_workspace(plan, v);
	}
	llm_free(v);
	return err;
}

int llm_plan_create(struct llm_plan **created, const struct llm_image *image,
		    const struct llm_form *form, u32 batch_rows, u32 output_rows,
		    struct llm_error *error)
{
	struct llm_plan *plan = llm_alloc(sizeof(*plan));
	int err;

	if (!plan)
		return llm_refuse(error, -ENOMEM, "out of memory");
	plan->image = image;
	plan->form = form;
	plan->batch_rows = batch_rows;
	plan->output_rows = output_rows;
	err = plan_program(plan, error);
	if (!err)
		err = plan_slots(plan, error);
	if (err)
		llm_plan_destroy(plan);
	else
		*created = plan;
	return err;
}

void llm_plan_destroy(struct llm_plan *plan)
{
	if (!plan)
		return;
	llm_free(plan->slots);
	llm_free(plan->ops);
	llm_free(plan);
}
