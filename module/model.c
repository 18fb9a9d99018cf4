// SPDX-License-Identifier: GPL-2.0
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "model.h"

#include <linux/ctype.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "buffer.h"
#include "engine/kv.h"
#include "engine/plan.h"
#include "engine/repack.h"
#include "engine/sampler.h"
#include "events.h"
#include "forms.h"
#include "sysfs.h"

static unsigned int batch = 128;
module_param(batch, uint, 0444);
MODULE_PARM_DESC(batch, "rows of a step at most, 1..512 (default 128)");

/*
 * models_lock protects the list, the number of sessions of each model in it,
 * last_id, and default_model, which is NULL only while the list is empty. It is held over
 * none of the work of making or freeing a model. Nothing is taken inside it.
 */
static DEFINE_MUTEX(models_lock);
static LIST_HEAD(models);
static struct llm_model *default_model;
static u64 last_id;

bool llm_model_name_valid(const char *name)
{
	size_t length = strnlen(name, LLM_NAME_SIZE);
	size_t i;

	if (!length || length == LLM_NAME_SIZE || name[0] == '.')
		return false;
	for (i = 0; i < length; i++)
		if (!isascii(name[i]) || !(isalnum(name[i]) || strchr("._:-", name[i])))
			return false;
	return !memchr_inv(name + length, 0, LLM_NAME_SIZE - length);
}

static struct llm_model *find(const char *name)
{
	struct llm_model *model;

	lockdep_assert_held(&models_lock);
	list_for_each_entry(model, &models, link)
		if (!strcmp(model->name, name))
			return model;
	return NULL;
}

bool llm_model_exists(const char *name)
{
	bool exists;

	mutex_lock(&models_lock);
	exists = find(name);
	mutex_unlock(&models_lock);
	return exists;
}

static void model_destroy(struct llm_model *model)
{
	llm_step_destroy(model->step);
	llm_tokenizer_destroy(model->tokenizer);
	llm_plan_destroy(model->plan);
	llm_image_close(model->image);
	llm_buffer_put(model->buffer);
	kfree(model);
}

/* Everything of a model but the buffer, which is the caller's on failure. */
static int model_build(struct llm_model *model, struct llm_error *error)
{
	u32 outputs = min_t(u32, batch, LLM_MAX_OUTPUT);
	int result;

	result = llm_image_open(&model->image, llm_buffer_data(model->buffer),
				llm_buffer_size(model->buffer), error);
	if (result)
		return result;
	result = llm_plan_create(&model->plan, model->image, llm_forms_used(), batch, outputs,
				 error);
	if (result)
		goto close_image;
	result = llm_tokenizer_create(&model->tokenizer, model->image, error);
	if (result)
		goto destroy_plan;
	result = llm_step_create(&model->step, model->plan);
	if (result)
		goto destroy_tokenizer;
	return 0;

destroy_tokenizer:
	llm_tokenizer_destroy(model->tokenizer);
destroy_plan:
	llm_plan_destroy(model->plan);
close_image:
	llm_image_close(model->image);
	return result;
}

static u64 model_memory(const struct llm_model *model)
{
	return PAGE_ALIGN(llm_buffer_size(model->buffer)) + model->image->copied +
	       llm_tokenizer_memory(model->tokenizer) + model->plan->workspace_bytes +
	       sizeof(*model->plan) + sizeof(*model->step) + sizeof(*model);
}

/* Models are shown in sysfs before they are listed, and unlisted before they go. */
static int model_list(struct llm_model *model, u32 flags, struct llm_error *error)
{
	int result = llm_sysfs_add_model(model->name);

	if (result == -EEXIST)
		return llm_refuse(error, result, "another model has the name already");
	if (result)
		return llm_refuse(error, result, "out of memory");
	/* Nothing fails from here on: a buffer that is refused keeps its bytes. */
	llm_repack(model->plan);
	mutex_lock(&models_lock);
	model->id = ++last_id;
	list_add_tail(&model->link, &models);
	if (!default_model || flags & LLM_SEAL_DEFAULT)
		default_model = model;
	mutex_unlock(&models_lock);
	llm_event_model(model->name, true);
	return 0;
}

int llm_model_publish(const char *name, struct llm_buffer *buffer, u32 flags,
		      struct llm_error *error)
{
	struct llm_model *model = kzalloc(sizeof(*model), GFP_KERNEL_ACCOUNT);
	int result = -ENOMEM;

	if (!model)
		goto fail;
	strscpy_pad(model->name, name, sizeof(model->name));
	model->buffer = buffer;
	result = model_build(model, error);
	if (result) {
		kfree(model);
		goto fail;
	}
	model->memory = model_memory(model);

	result = model_list(model, flags, error);
	if (result) {
		/* The buffer stays with the caller. */
		llm_buffer_get(buffer);
		model_destroy(model);
	}
	return result;

fail:
	/* Most reasons are there already; the first one stays. */
	if (result == -ENOMEM)
		llm_refuse(error, result, "out of memory");
	return result;
}

struct llm_model *llm_model_get(const char *name)
{
	struct llm_model *model;

	mutex_lock(&models_lock);
	model = name ? find(name) : default_model;
	if (model)
		model->sessions++;
	mutex_unlock(&models_lock);
	return model;
}

void llm_model_put(struct llm_model *model)
{
	if (!model)
		return;
	mutex_lock(&models_lock);
	model->sessions--;
	mutex_unlock(&models_lock);
}

/* Afterwards the oldest of the others is the default, if @model was. */
static void model_unlist(struct llm_model *model)
{
	lockdep_assert_held(&models_lock);
	list_del(&model->link);
	if (default_model == model)
		default_model = list_first_entry_or_null(&models, struct llm_model, link);
}

int llm_model_unload(const char *name)
{
	struct llm_model *model;
	int result = 0;

	mutex_lock(&models_lock);
	model = find(name);
	if (!model)
		result = -ENOENT;
	else if (model->sessions)
		result = -EBUSY;
	else
		model_unlist(model);
	mutex_unlock(&models_lock);
	if (result)
		return result;
	llm_sysfs_remove_model(model->name);
	llm_event_model(model->name, false);
	/* Without sessions there are no jobs, without jobs no step runs. */
	model_destroy(model);
	return 0;
}

/* What a session takes that uses all positions the model was made for. */
static u64 session_memory(const struct llm_model *model)
{
	u32 positions = model->image->model.context_length;

	return llm_kv_needs(model->plan, positions) +
	       llm_kv_pages(model->plan, positions) * sizeof(struct llm_page *) +
	       llm_sampler_memory(model->image->model.vocab_size);
}

static void fill_info(const struct llm_model *model, struct llm_model_info *info)
{
	const struct llm_image_model *facts = &model->image->model;

	lockdep_assert_held(&models_lock);
	memset(info, 0, sizeof(*info));
	memcpy(info->name, model->name, sizeof(info->name));
	memcpy(info->title, facts->name, sizeof(info->title));
	memcpy(info->architecture, facts->architecture, sizeof(info->architecture));
	info->size = llm_buffer_size(model->buffer);
	info->memory = model->memory;
	info->session_memory = session_memory(model);
	info->parameters = facts->parameters;
	info->context_length = facts->context_length;
	info->vocab_size = facts->vocab_size;
	info->sessions = model->sessions;
	info->flags = model == default_model ? LLM_MODEL_DEFAULT : 0;
	if (facts->logits != LLM_IMAGE_NONE)
		info->flags |= LLM_MODEL_TEXT;
	if (facts->embedding != LLM_IMAGE_NONE)
		info->embedding_width = model->image->registers[facts->embedding].width;
	info->pooling = facts->pooling;
	if (model->image->chat) {
		info->flags |= LLM_MODEL_CHAT;
		memcpy(info->chat, model->image->chat->name, sizeof(info->chat));
	}
}

bool llm_model_info(u32 index, struct llm_model_info *info)
{
	struct llm_model *model;
	bool found = false;

	mutex_lock(&models_lock);
	list_for_each_entry(model, &models, link) {
		if (index--)
			continue;
		fill_info(model, info);
		found = true;
		break;
	}
	mutex_unlock(&models_lock);
	return found;
}

bool llm_model_next(u64 *id, struct llm_model_info *info)
{
	struct llm_model *model;
	bool found = false;

	mutex_lock(&models_lock);
	list_for_each_entry(model, &models, link) {
		if (model->id <= *id)
			continue;
		fill_info(model, info);
		*id = model->id;
		found = true;
		break;
	}
	mutex_unlock(&models_lock);
	return found;
}

u32 llm_model_count(void)
{
	struct llm_model *model;
	u32 count = 0;

	mutex_lock(&models_lock);
	list_for_each_entry(model, &models, link)
		count++;
	mutex_unlock(&models_lock);
	return count;
}

int llm_model_init(void)
{
	if (!batch || batch > LLM_MAX_BATCH) {
		pr_err("batch=%u is not 1..%u\n", batch, LLM_MAX_BATCH);
		return -EINVAL;
	}
	return 0;
}

void llm_model_exit(void)
{
	struct llm_model *model, *next;

	list_for_each_entry_safe(model, next, &models, link) {
		WARN_ON(model->sessions);
		llm_sysfs_remove_model(model->name);
		model_destroy(model);
	}
}
