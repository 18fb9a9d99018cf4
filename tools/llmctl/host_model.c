// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/form.h"
#include "engine/repack.h"
#include "engine/sampler.h"
#include "engine/trial.h"
#include "host_model.h"
#include "progress.h"

static int refuse_form(const char *name, struct llmctl_error *error)
{
	const struct llm_form *form;
	char names[128] = "";
	size_t used = 0;
	u32 i;

	for (i = 0; (form = llm_form_at(i)); i++)
		if (form->usable() && used < sizeof(names))
			used += snprintf(names + used, sizeof(names) - used, "%s%s",
					 used ? ", " : "", form->name);
	return refuse(error, EINVAL, "--form %s can't be used here; there are: %s", name, names);
}

static void run_trial(struct llm_trial *trial)
{
	while (!llm_trial_advance(trial))
		;
}

static int find_form(const struct llm_form **form, const char *name, struct llmctl_error *error)
{
	struct llm_trial trial;

	*form = llm_trial_form(&trial, name, run_trial);
	return *form ? 0 : refuse_form(name, error);
}

static int take_memory(struct host_model *model, const char *path, struct llmctl_error *error)
{
	model->bytes = mmap(NULL, model->size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (model->bytes != MAP_FAILED) {
		/* A product reads all weights in order: fewer pages, fewer waits for each. */
		madvise(model->bytes, model->size, MADV_HUGEPAGE);
		return 0;
	}
	model->bytes = NULL;
	return refuse(error, ENOMEM, "%s: not enough memory for %llu MiB", path,
		      (model->size >> 20));
}

static int read_image(struct host_model *model, const char *path, enum llmctl_kv kv,
		      struct llmctl_error *error)
{
	struct llmctl_model *file;
	int ret;

	ret = llmctl_model_open(&file, path, LLMCTL_KEEP_TYPES, kv, NULL, error);
	if (ret)
		return ret;
	model->size = llmctl_model_facts(file)->size;
	ret = take_memory(model, path, error);
	if (!ret)
		ret = progress_write(file, model->bytes, error);
	llmctl_model_close(file);
	return ret;
}

/* An image is where it is, but for what of it is looked at. */
static int map_image(struct host_model *model, const char *path, struct llmctl_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return refuse(error, errno, "%s: %s", path, strerror(errno));
	model->bytes = mmap(NULL, model->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (model->bytes != MAP_FAILED)
		return 0;
	model->bytes = NULL;
	return refuse(error, errno, "%s: %s", path, strerror(errno));
}

static int outline_image(struct host_model *model, const char *path, enum llmctl_kv kv,
			 struct llmctl_error *error)
{
	struct llmctl_model *file;
	int ret;

	ret = llmctl_model_open(&file, path, LLMCTL_KEEP_TYPES, kv, NULL, error);
	if (ret)
		return ret;
	model->size = llmctl_model_facts(file)->size;
	if (llmctl_model_facts(file)->format == LLMCTL_FORMAT_IMAGE)
		ret = map_image(model, path, error);
	else
		ret = take_memory(model, path, error);
	if (!ret && llmctl_model_facts(file)->format != LLMCTL_FORMAT_IMAGE)
		llmctl_model_outline(file, model->bytes);
	llmctl_model_close(file);
	return ret;
}

static int verify(struct host_model *model, const struct llm_form *form, const char *path,
		  struct llmctl_error *error)
{
	struct llm_error reason = { "" };
	int ret;

	ret = llm_image_open(&model->image, model->bytes, model->size, &reason);
	if (!ret)
		ret = llm_plan_create(&model->plan, model->image, form, LLM_MAX_BATCH,
				      LLM_MAX_OUTPUT, &reason);
	if (!ret)
		ret = llm_tokenizer_create(&model->tokenizer, model->image, &reason);
	if (!ret)
		return 0;
	return refuse(error, -ret, "%s: %s", path, *reason.text ? reason.text : strerror(-ret));
}

static int open_with(struct host_model **opened,
		     int (*take)(struct host_model *model, const char *path, enum llmctl_kv kv,
				 struct llmctl_error *error),
		     const char *path, enum llmctl_kv kv, const struct llm_form *form,
		     struct llmctl_error *error)
{
	struct host_model *model = calloc(1, sizeof(*model));
	int ret;

	if (!model)
		return refuse(error, ENOMEM, "not enough memory");
	ret = take(model, path, kv, error);
	if (!ret)
		ret = verify(model, form, path, error);
	if (ret)
		host_model_close(model);
	else
		*opened = model;
	return ret;
}

int host_model_open(struct host_model **opened, const char *path, enum llmctl_kv kv,
		    const char *form_name, struct llmctl_error *error)
{
	const struct llm_form *form;
	int ret;

	ret = find_form(&form, form_name, error);
	if (!ret)
		ret = open_with(opened, read_image, path, kv, form, error);
	if (!ret)
		llm_repack((*opened)->plan);
	return ret;
}

int host_model_outline(struct host_model **opened, const char *path, enum llmctl_kv kv,
		       struct llmctl_error *error)
{
	return open_with(opened, outline_image, path, kv, &llm_form_portable, error);
}

static void image_info(const struct llm_image *image, u64 size, struct llm_model_info *info)
{
	*info = (struct llm_model_info) {
		.size = size,
		.parameters = image->model.parameters,
		.context_length = image->model.context_length,
		.vocab_size = image->model.vocab_size,
	};
	if (image->model.logits != LLM_IMAGE_NONE)
		info->flags |= LLM_MODEL_TEXT;
	if (image->model.embedding != LLM_IMAGE_NONE)
		info->embedding_width = image->registers[image->model.embedding].width;
	info->pooling = image->model.pooling;
	if (image->chat) {
		info->flags |= LLM_MODEL_CHAT;
		memcpy(info->chat, image->chat->name, sizeof(info->chat));
	}
	memcpy(info->title, image->model.name, sizeof(info->title));
	memcpy(info->architecture, image->model.architecture, sizeof(info->architecture));
}

void host_model_info(const struct host_model *model, struct llm_model_info *info)
{
	const struct llm_image_model *facts = &model->image->model;

	image_info(model->image, model->size, info);
	info->memory = model->size + model->image->copied +
		       llm_tokenizer_memory(model->tokenizer) + model->plan->workspace_bytes;
	info->session_memory = llm_kv_needs(model->plan, facts->context_length) +
			       llm_sampler_memory(facts->vocab_size);
}

void host_model_tokenizer(const struct host_model *model, char *text, size_t size)
{
	static const char *const kinds[] = {
		[LLM_TOKENIZER_SPM] = "SentencePiece",
		[LLM_TOKENIZER_BPE] = "byte pairs",
		[LLM_TOKENIZER_WORDPIECE] = "WordPiece",
		[LLM_TOKENIZER_GREEDY] = "longest tokens",
		[LLM_TOKENIZER_UNIGRAM] = "SentencePiece unigram",
	};
	const struct llm_image *image = model->image;
	const struct llm_image_split *split = (const struct llm_image_split *)image->split;

	/* cppcheck-suppress ctunullpointer */
	snprintf(text, size, "%s%s%s", kinds[image->tokenizer.kind],
		 image->split_length ? ", split as " : "",
		 image->split_length ? (const char *)split->name : "");
}

void host_model_close(struct host_model *model)
{
	if (!model)
		return;
	llm_tokenizer_destroy(model->tokenizer);
	llm_plan_destroy(model->plan);
	llm_image_close(model->image);
	if (model->bytes)
		munmap(model->bytes, model->size);
	free(model);
}
