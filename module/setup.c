// SPDX-License-Identifier: GPL-2.0
/*
 * What a caller asks of a session: model, context, limits, sampling. Everything
 * is read and checked before anything is changed.
 */
#include "setup.h"

#include <linux/err.h>
#include <linux/sched/mm.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "ioctl.h"
#include "model.h"
#include "session.h"

#define ALL_SETUP	(LLM_SETUP_MODEL | LLM_SETUP_CONTEXT | LLM_SETUP_MAX_TOKENS | \
			 LLM_SETUP_SPECIAL | LLM_SETUP_STOPS | LLM_SETUP_RAW | \
			 LLM_SETUP_SYSTEM | LLM_SETUP_CHAT)
/* What stays once a session holds a token. */
#define FIRST_SETUP	(LLM_SETUP_MODEL | LLM_SETUP_CONTEXT | LLM_SETUP_SYSTEM | LLM_SETUP_CHAT)
#define ALL_SAMPLING	(LLM_SAMPLING_TEMPERATURE | LLM_SAMPLING_TOP_K | LLM_SAMPLING_TOP_P | \
			 LLM_SAMPLING_MIN_P | LLM_SAMPLING_REPEAT | LLM_SAMPLING_PRESENCE | \
			 LLM_SAMPLING_FREQUENCY | LLM_SAMPLING_LAST_N | LLM_SAMPLING_SEED | \
			 LLM_SAMPLING_BIASES)

/* What a call gives that the session takes over; what it does not take is freed. */
struct given {
	struct llm_stop *stops;
	u8 *system;
	struct llm_image_chat *chat;
};

static void free_stops(struct llm_stop *stops, u32 count)
{
	llm_free_private(stops, (u64)count * sizeof(*stops));
}

static int read_stop(struct llm_stop *stop, const struct llm_text __user *user)
{
	struct llm_text text;

	if (copy_from_user(&text, user, sizeof(text)))
		return -EFAULT;
	if (!text.length || text.length > LLM_MAX_STOP_LENGTH)
		return -EINVAL;
	if (copy_from_user(stop->bytes, u64_to_user_ptr(text.address), text.length))
		return -EFAULT;
	stop->length = text.length;
	return 0;
}

/* The stop strings of a call, or NULL where it has none, or an ERR_PTR(). */
static struct llm_stop *read_stops(const struct llm_session_setup *args)
{
	const struct llm_text __user *user = u64_to_user_ptr(args->stops);
	struct llm_stop *stops;
	int ret;
	u32 i;

	if (!(args->set & LLM_SETUP_STOPS) || !args->stops_count)
		return NULL;
	stops = llm_alloc((u64)args->stops_count * sizeof(*stops));
	if (!stops)
		return ERR_PTR(-ENOMEM);
	for (i = 0; i < args->stops_count; i++) {
		ret = read_stop(&stops[i], &user[i]);
		if (ret) {
			free_stops(stops, args->stops_count);
			return ERR_PTR(ret);
		}
	}
	return stops;
}

/* The system message of a call, or NULL where it has none, or an ERR_PTR(). */
static u8 *read_system(const struct llm_session_setup *args)
{
	u8 *system;

	if (!(args->set & LLM_SETUP_SYSTEM) || !args->system_length)
		return NULL;
	system = llm_alloc(args->system_length);
	if (!system)
		return ERR_PTR(-ENOMEM);
	if (!copy_from_user(system, u64_to_user_ptr(args->system), args->system_length))
		return system;
	llm_free_private(system, args->system_length);
	return ERR_PTR(-EFAULT);
}

/* The chat template of a call, or NULL where it has none, or an ERR_PTR(). */
static struct llm_image_chat *read_chat(const struct llm_session_setup *args)
{
	struct llm_image_chat *chat;
	struct llm_error reason = {};
	int ret = -EFAULT;

	if (!(args->set & LLM_SETUP_CHAT) || !args->chat)
		return NULL;
	chat = llm_alloc(sizeof(*chat));
	if (!chat)
		return ERR_PTR(-ENOMEM);
	if (!copy_from_user(chat, u64_to_user_ptr(args->chat), sizeof(*chat)))
		ret = llm_image_check_chat(chat, &reason);
	if (!ret)
		return chat;
	llm_free(chat);
	return ERR_PTR(ret);
}

static void free_given(const struct given *given, const struct llm_session_setup *args)
{
	if (!IS_ERR(given->stops))
		free_stops(given->stops, args->stops_count);
	if (!IS_ERR(given->system))
		llm_free_private(given->system, args->system_length);
	if (!IS_ERR(given->chat))
		llm_free(given->chat);
}

/* Returns what went wrong first; what was read is to be freed then too. */
static int read_given(struct given *given, const struct llm_session_setup *args)
{
	given->stops = read_stops(args);
	given->system = read_system(args);
	given->chat = read_chat(args);
	return PTR_ERR_OR_ZERO(given->stops) ?: PTR_ERR_OR_ZERO(given->system) ?:
	       PTR_ERR_OR_ZERO(given->chat);
}

static int check_setup(const struct llm_session_setup *args)
{
	if (args->set & ~ALL_SETUP || args->reserved32 || !llm_reserved_zero(args->reserved))
		return -EINVAL;
	if (args->set & LLM_SETUP_MODEL && !llm_model_name_valid(args->model))
		return -EINVAL;
	if (args->set & LLM_SETUP_SPECIAL && args->special > 1)
		return -EINVAL;
	if (args->set & LLM_SETUP_STOPS && args->stops_count > LLM_MAX_STOPS)
		return -EINVAL;
	if (args->set & LLM_SETUP_RAW && args->raw > 1)
		return -EINVAL;
	if (args->set & LLM_SETUP_SYSTEM && args->system_length > LLM_MAX_TEXT)
		return -EINVAL;
	return 0;
}

static bool biases_fit(const struct llm_sampling_params *sampling, const struct llm_model *model)
{
	u32 i;

	for (i = 0; i < sampling->bias_count; i++)
		if (sampling->biases[i].token >= model->image->model.vocab_size)
			return false;
	return true;
}

/* The context the session will have with a model, or 0 where it can't. */
static u32 new_context(const struct llm_session *session, const struct llm_model *model,
		       const struct llm_session_setup *args)
{
	u32 context = 0;

	if (args->set & LLM_SETUP_CONTEXT)
		context = args->context;
	else if (session->context_given)
		context = session->context;
	else
		return llm_session_context(model);
	return context <= model->image->model.context_length ? context : 0;
}

/* Sets what can be set only before the first token; first, since it can fail. */
static int set_model(struct llm_session *session, const struct llm_session_setup *args)
{
	struct llm_model *model;
	u32 context;

	if (args->set & FIRST_SETUP && (session->position || session->last != LLM_TOKEN_NONE))
		return -EBUSY;
	if (!(args->set & (LLM_SETUP_MODEL | LLM_SETUP_CONTEXT)))
		return 0;
	if (args->set & LLM_SETUP_MODEL)
		model = llm_model_get(args->model);
	else
		model = llm_model_get(session->model ? session->model->name : NULL);
	if (!model)
		return args->set & LLM_SETUP_MODEL ? -ENOENT : -ENODEV;
	context = new_context(session, model, args);
	if (!context || !biases_fit(&session->sampling, model)) {
		llm_model_put(model);
		return -EINVAL;
	}
	llm_session_rebind(session, model, context);
	if (args->set & LLM_SETUP_CONTEXT)
		session->context_given = true;
	return 0;
}

/* Puts what was given in place of what the session had. */
static void take_given(struct llm_session *session, const struct llm_session_setup *args,
		       struct given *given)
{
	if (args->set & LLM_SETUP_STOPS) {
		free_stops(session->stops, session->stop_count);
		session->stops = given->stops;
		session->stop_count = args->stops_count;
		given->stops = NULL;
	}
	if (args->set & LLM_SETUP_SYSTEM) {
		llm_free_private(session->system, session->system_length);
		session->system = given->system;
		session->system_length = args->system_length;
		given->system = NULL;
	}
	if (args->set & LLM_SETUP_CHAT) {
		llm_free(session->chat);
		session->chat = given->chat;
		given->chat = NULL;
	}
}

static int apply_setup(struct llm_session *session, const struct llm_session_setup *args,
		       struct given *given)
{
	int ret;

	if (llm_session_state(session) == LLM_SESSION_RUNNING)
		return -EBUSY;
	ret = set_model(session, args);
	if (ret)
		return ret;
	if (args->set & LLM_SETUP_MAX_TOKENS)
		session->max_tokens = args->max_tokens;
	if (args->set & LLM_SETUP_SPECIAL)
		session->special = args->special;
	if (args->set & LLM_SETUP_RAW)
		session->raw = args->raw;
	take_given(session, args, given);
	return 0;
}

static int apply_locked(struct llm_session *session, const struct llm_session_setup *args,
			struct given *given)
{
	int ret;

	if (mutex_lock_killable(&session->setup))
		return -EINTR;
	ret = apply_setup(session, args, given);
	mutex_unlock(&session->setup);
	return ret;
}

int llm_setup_apply(struct llm_session *session, const struct llm_session_setup *args,
		    struct llm_stop **stops)
{
	struct given given = { .stops = *stops };
	int ret = check_setup(args);

	if (!ret)
		ret = apply_locked(session, args, &given);
	*stops = given.stops;
	return ret;
}

int llm_setup(struct llm_call *call)
{
	struct llm_session_setup *args = &call->argument.setup;
	struct llm_session *session = call->session;
	struct mem_cgroup *memcg;
	struct given given;
	int ret;

	ret = check_setup(args);
	if (ret)
		return ret;
	memcg = set_active_memcg(session->memcg);
	ret = read_given(&given, args);
	set_active_memcg(memcg);
	if (!ret)
		ret = apply_locked(session, args, &given);
	free_given(&given, args);
	return ret;
}

static bool between(s32 value, s32 low, s32 high)
{
	return value >= low && value <= high;
}

static int check_sampling(const struct llm_sampling *args)
{
	const s32 one = LLM_FIXED_ONE;
	u32 set = args->set;

	if (set & ~ALL_SAMPLING || !llm_reserved_zero(args->reserved))
		return -EINVAL;
	if ((set & LLM_SAMPLING_TEMPERATURE && !between(args->temperature, 0, 100 * one)) ||
	    (set & LLM_SAMPLING_TOP_P && !between(args->top_p, 0, one)) ||
	    (set & LLM_SAMPLING_MIN_P && !between(args->min_p, 0, one)) ||
	    (set & LLM_SAMPLING_REPEAT && !between(args->repeat, one / 100, 10 * one)) ||
	    (set & LLM_SAMPLING_PRESENCE && !between(args->presence, -10 * one, 10 * one)) ||
	    (set & LLM_SAMPLING_FREQUENCY && !between(args->frequency, -10 * one, 10 * one)) ||
	    (set & LLM_SAMPLING_LAST_N && args->last_n > LLM_MAX_LAST_N) ||
	    (set & LLM_SAMPLING_BIASES && args->biases_count > LLM_MAX_BIASES))
		return -EINVAL;
	return 0;
}

static void free_biases(const struct llm_sampling_bias *biases, u32 count)
{
	llm_free_private((void *)biases, (u64)count * sizeof(*biases));
}

/* The biases of a call, or NULL where it has none, or an ERR_PTR(). */
static struct llm_sampling_bias *read_biases(const struct llm_sampling *args)
{
	const struct llm_bias __user *user = u64_to_user_ptr(args->biases);
	struct llm_sampling_bias *biases;
	struct llm_bias bias;
	int ret = 0;
	u32 i;

	if (!(args->set & LLM_SAMPLING_BIASES) || !args->biases_count)
		return NULL;
	biases = llm_alloc((u64)args->biases_count * sizeof(*biases));
	if (!biases)
		return ERR_PTR(-ENOMEM);
	for (i = 0; !ret && i < args->biases_count; i++) {
		if (copy_from_user(&bias, &user[i], sizeof(bias)))
			ret = -EFAULT;
		else if (!between(bias.bias, -100 * LLM_FIXED_ONE, 100 * LLM_FIXED_ONE))
			ret = -EINVAL;
		biases[i].token = bias.token;
		biases[i].bias = bias.bias;
	}
	if (!ret)
		return biases;
	free_biases(biases, args->biases_count);
	return ERR_PTR(ret);
}

/* Biases name tokens of a model, so the session has one from now on. */
static int set_biases(struct llm_session *session, const struct llm_sampling *args,
		      const struct llm_sampling_bias **biases)
{
	struct llm_sampling_params *sampling = &session->sampling;
	struct llm_sampling_params asked = { .biases = *biases, .bias_count = args->biases_count };
	int ret;

	if (!(args->set & LLM_SAMPLING_BIASES))
		return 0;
	if (asked.bias_count) {
		ret = llm_session_bind(session);
		if (ret)
			return ret;
		if (!biases_fit(&asked, session->model))
			return -EINVAL;
	}
	free_biases(sampling->biases, sampling->bias_count);
	sampling->biases = asked.biases;
	sampling->bias_count = asked.bias_count;
	*biases = NULL;
	return 0;
}

static int apply_sampling(struct llm_session *session, const struct llm_sampling *args,
			  const struct llm_sampling_bias **biases)
{
	struct llm_sampling_params *sampling = &session->sampling;
	u32 set = args->set;
	int ret;

	if (llm_session_state(session) == LLM_SESSION_RUNNING)
		return -EBUSY;
	ret = set_biases(session, args, biases);
	if (ret)
		return ret;
	if (set & LLM_SAMPLING_TEMPERATURE)
		sampling->temperature = args->temperature;
	if (set & LLM_SAMPLING_TOP_K)
		sampling->top_k = args->top_k;
	if (set & LLM_SAMPLING_TOP_P)
		sampling->top_p = args->top_p;
	if (set & LLM_SAMPLING_MIN_P)
		sampling->min_p = args->min_p;
	if (set & LLM_SAMPLING_REPEAT)
		sampling->repeat = args->repeat;
	if (set & LLM_SAMPLING_PRESENCE)
		sampling->presence = args->presence;
	if (set & LLM_SAMPLING_FREQUENCY)
		sampling->frequency = args->frequency;
	if (set & LLM_SAMPLING_LAST_N)
		sampling->last_n = args->last_n;
	if (set & LLM_SAMPLING_SEED) {
		sampling->seed = args->seed;
		session->seeded = true;
	}
	return 0;
}

int llm_setup_apply_sampling(struct llm_session *session, const struct llm_sampling *args,
			     const struct llm_sampling_bias **biases)
{
	int ret = check_sampling(args);

	if (ret)
		return ret;
	if (mutex_lock_killable(&session->setup))
		return -EINTR;
	ret = apply_sampling(session, args, biases);
	mutex_unlock(&session->setup);
	return ret;
}

int llm_setup_sampling(struct llm_call *call)
{
	const struct llm_sampling *args = &call->argument.sampling;
	struct llm_session *session = call->session;
	const struct llm_sampling_bias *biases;
	struct mem_cgroup *memcg;
	int ret;

	ret = check_sampling(args);
	if (ret)
		return ret;
	memcg = set_active_memcg(session->memcg);
	biases = read_biases(args);
	set_active_memcg(memcg);
	if (IS_ERR(biases))
		return PTR_ERR(biases);
	ret = llm_setup_apply_sampling(session, args, &biases);
	free_biases(biases, args->biases_count);
	return ret;
}

/* A private copy of some bytes, or NULL for none. */
static int copy_private(const void *bytes, u64 size, void *copy)
{
	void *copied;

	if (!size)
		return 0;
	copied = llm_alloc(size);
	if (!copied)
		return -ENOMEM;
	memcpy(copied, bytes, size);
	*(void **)copy = copied;
	return 0;
}

int llm_setup_save(struct llm_session *session, struct llm_settings *saved)
{
	const struct llm_sampling_params *sampling = &session->sampling;
	struct mem_cgroup *memcg;
	int ret;

	*saved = (struct llm_settings){
		.model = session->model ? llm_model_get(session->model->name) : NULL,
		.context = session->context,
		.context_given = session->context_given,
		.max_tokens = session->max_tokens,
		.priority = session->priority,
		.special = session->special,
		.raw = session->raw,
		.seeded = session->seeded,
		.stop_count = session->stop_count,
		.sampling = *sampling,
	};
	saved->sampling.biases = NULL;
	memcg = set_active_memcg(session->memcg);
	ret = copy_private(session->stops, (u64)saved->stop_count * sizeof(*saved->stops),
			   &saved->stops);
	if (!ret)
		ret = copy_private(sampling->biases,
				   (u64)sampling->bias_count * sizeof(*sampling->biases),
				   &saved->sampling.biases);
	set_active_memcg(memcg);
	if (ret)
		llm_setup_forget(saved);
	return ret;
}

void llm_setup_restore(struct llm_session *session, struct llm_settings *saved)
{
	mutex_lock(&session->setup);
	if (session->model != saved->model) {
		llm_session_rebind(session, saved->model, saved->context);
		saved->model = NULL;
	} else {
		spin_lock(&session->lock);
		session->context = saved->context;
		spin_unlock(&session->lock);
	}
	session->context_given = saved->context_given;
	session->max_tokens = saved->max_tokens;
	session->priority = saved->priority;
	session->special = saved->special;
	session->raw = saved->raw;
	session->seeded = saved->seeded;
	swap(session->stops, saved->stops);
	swap(session->stop_count, saved->stop_count);
	swap(session->sampling, saved->sampling);
	mutex_unlock(&session->setup);
	llm_setup_forget(saved);
}

void llm_setup_forget(struct llm_settings *saved)
{
	free_stops(saved->stops, saved->stop_count);
	free_biases(saved->sampling.biases, saved->sampling.bias_count);
	llm_model_put(saved->model);
}
