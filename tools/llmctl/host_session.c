// SPDX-License-Identifier: GPL-2.0
#include <sys/random.h>

#include "host_session.h"

static void host_close(struct session *session)
{
	struct host_session *own = (struct host_session *)session;

	host_pool_destroy(own->pool);
	llm_step_destroy(own->step);
	llm_kv_destroy(&own->kv);
	llm_sampler_destroy(own->sampler);
	free(own->biases);
	free(own->chat);
	free(own->system);
	free(own->prompt);
	free(own);
}

static int host_facts(struct session *session, struct llm_model_info *info,
		      struct llmctl_error *error)
{
	(void)error;
	host_model_info(((struct host_session *)session)->model, info);
	return 0;
}

static int set_stops(struct host_session *own, const struct llm_session_setup *setup,
		     struct llmctl_error *error)
{
	const struct llm_text *texts = (const struct llm_text *)(uintptr_t)setup->stops;
	u32 i;

	if (setup->stops_count > LLM_STOP_COUNT)
		return refuse(error, EINVAL, "more than %d stop strings", LLM_STOP_COUNT);
	for (i = 0; i < setup->stops_count; i++)
		if (!texts[i].length || texts[i].length > LLM_STOP_LENGTH)
			return refuse(error, EINVAL, "stop strings have 1 to %d bytes",
				      LLM_STOP_LENGTH);
	own->stop_count = setup->stops_count;
	for (i = 0; i < setup->stops_count; i++) {
		own->stops[i].length = texts[i].length;
		memcpy(own->stops[i].bytes, (const void *)(uintptr_t)texts[i].address,
		       texts[i].length);
	}
	return 0;
}

/* A private copy, or NULL for nothing. */
static int copy(void **to, __u64 address, size_t size, struct llmctl_error *error)
{
	void *made = NULL;

	if (size) {
		made = malloc(size);
		if (!made)
			return refuse(error, ENOMEM, "not enough memory");
		memcpy(made, (const void *)(uintptr_t)address, size);
	}
	free(*to);
	*to = made;
	return 0;
}

/* Templates come from the library, so they need no check. */
static int set_chat(struct host_session *own, const struct llm_session_setup *setup,
		    struct llmctl_error *error)
{
	int ret = 0;

	if (setup->set & LLM_SETUP_RAW)
		own->raw = setup->raw;
	if (setup->set & LLM_SETUP_CHAT)
		ret = copy((void **)&own->chat, setup->chat, setup->chat ? sizeof(*own->chat) : 0,
			   error);
	if (ret || !(setup->set & LLM_SETUP_SYSTEM))
		return ret;
	own->system_length = setup->system_length;
	return copy((void **)&own->system, setup->system, setup->system_length, error);
}

static int host_setup(struct session *session, const struct llm_session_setup *setup,
		      struct llmctl_error *error)
{
	struct host_session *own = (struct host_session *)session;
	int ret = 0;

	if (setup->set & LLM_SETUP_STOPS)
		ret = set_stops(own, setup, error);
	if (!ret)
		ret = set_chat(own, setup, error);
	if (ret)
		return ret;
	if (setup->set & LLM_SETUP_MAX_TOKENS)
		own->max_tokens = setup->max_tokens;
	if (setup->set & LLM_SETUP_SPECIAL)
		own->special = setup->special;
	return 0;
}

static int set_biases(struct host_session *own, const struct llm_sampling *sampling,
		      struct llmctl_error *error)
{
	const struct llm_bias *from = (const struct llm_bias *)(uintptr_t)sampling->biases;
	struct llm_sampling_bias *biases;
	u32 i;

	for (i = 0; i < sampling->biases_count; i++)
		if (from[i].token >= own->model->image->model.vocab_size)
			return refuse(error, EINVAL, "the model has no token %u", from[i].token);
	biases = calloc(sampling->biases_count + 1, sizeof(*biases));
	if (!biases)
		return refuse(error, ENOMEM, "not enough memory");
	for (i = 0; i < sampling->biases_count; i++) {
		biases[i].token = from[i].token;
		biases[i].bias = from[i].bias;
	}
	free(own->biases);
	own->biases = biases;
	own->sampling.biases = biases;
	own->sampling.bias_count = sampling->biases_count;
	return 0;
}

/* Values are in range: the command line was checked. */
static int host_sampling(struct session *session, const struct llm_sampling *sampling,
			 struct llmctl_error *error)
{
	struct host_session *own = (struct host_session *)session;
	struct llm_sampling_params *params = &own->sampling;
	int ret = 0;

	if (sampling->set & LLM_SAMPLING_BIASES)
		ret = set_biases(own, sampling, error);
	if (ret)
		return ret;
	if (sampling->set & LLM_SAMPLING_TEMPERATURE)
		params->temperature = sampling->temperature;
	if (sampling->set & LLM_SAMPLING_TOP_K)
		params->top_k = sampling->top_k;
	if (sampling->set & LLM_SAMPLING_TOP_P)
		params->top_p = sampling->top_p;
	if (sampling->set & LLM_SAMPLING_MIN_P)
		params->min_p = sampling->min_p;
	if (sampling->set & LLM_SAMPLING_REPEAT)
		params->repeat = sampling->repeat;
	if (sampling->set & LLM_SAMPLING_PRESENCE)
		params->presence = sampling->presence;
	if (sampling->set & LLM_SAMPLING_FREQUENCY)
		params->frequency = sampling->frequency;
	if (sampling->set & LLM_SAMPLING_LAST_N)
		params->last_n = sampling->last_n;
	if (sampling->set & LLM_SAMPLING_SEED)
		params->seed = sampling->seed;
	return 0;
}

int host_compute(struct host_session *own, struct llm_request *request, u32 *outputs,
		 struct llmctl_error *error)
{
	u32 rows;

	*outputs = own->model->plan->output_rows;
	rows = llm_request_rows(request, own->step->rows, own->model->plan->batch_rows, outputs);
	if (llm_kv_reserve(request->kv, own->step->rows[rows - 1].position + 1))
		return refuse(error, ENOMEM, "not enough memory for a context of %u tokens",
			      own->step->rows[rows - 1].position + 1);
	host_pool_run(own->pool, own->step, rows);
	llm_request_computed(request, rows);
	return 0;
}

static const struct session_ops host_ops = {
	.close = host_close,
	.model = host_facts,
	.setup = host_setup,
	.sampling = host_sampling,
	.prompt = host_prompt,
	.reply = host_reply,
	.cancel = host_cancel,
	.status = host_status,
	.tokenize = host_tokenize,
	.detokenize = host_detokenize,
	.score = host_score,
	.embed = host_embed,
	.together = host_together,
};

static int prepare(struct host_session *own, const struct backend_choice *choice,
		   struct llmctl_error *error)
{
	const struct llm_image_model *facts = &own->model->image->model;
	int ret;

	own->last = LLM_TOKEN_NONE;
	own->context = facts->context_length;
	if (choice->context != OPTION_UNSET && choice->context > facts->context_length)
		return refuse(error, EINVAL, "--ctx %llu: the model's context has %u positions",
			      choice->context, facts->context_length);
	if (choice->context != OPTION_UNSET)
		own->context = choice->context;
	llm_sampling_defaults(&own->sampling);
	if (getrandom(&own->sampling.seed, sizeof(own->sampling.seed), 0) !=
	    sizeof(own->sampling.seed))
		return refuse(error, EIO, "no random numbers for the seed; use --seed");
	ret = llm_sampler_create(&own->sampler, facts->vocab_size);
	if (!ret)
		ret = llm_kv_init(&own->kv, own->model->plan, own->context);
	if (!ret)
		ret = llm_step_create(&own->step, own->model->plan);
	if (!ret)
		ret = host_pool_create(&own->pool,
				       choice->threads == OPTION_UNSET ? 0 : choice->threads);
	return ret ? refuse(error, -ret, "the engine can't be set up: %s", strerror(-ret)) : 0;
}

int host_session_open(struct session **opened, struct host_model *model,
		      const struct backend_choice *choice, struct llmctl_error *error)
{
	struct host_session *own = calloc(1, sizeof(*own));
	int ret;

	if (!own)
		return refuse(error, ENOMEM, "not enough memory");
	own->session.ops = &host_ops;
	own->model = model;
	ret = prepare(own, choice, error);
	if (ret) {
		host_close(&own->session);
		return ret;
	}
	*opened = &own->session;
	return 0;
}
