// SPDX-License-Identifier: GPL-2.0
/*
 * A turn: text comes in, becomes tokens, is submitted; what the scheduler makes
 * of it comes back as bytes in the session's ring, and is read.
 */
#include "turn.h"

#include <linux/memcontrol.h>
#include <linux/random.h>
#include <linux/sched/mm.h>
#include <linux/uio.h>

#include "engine/chat.h"
#include "events.h"
#include "model.h"
#include "session.h"
#include "state.h"
#include "text.h"
#include "user.h"

/* Bytes of a reply that wait for their reader; a letter's reader comes late. */
#define TALK_RING	(16 * 1024)
#define LETTER_RING	(64 * 1024)
/* First size of the memory for text. */
#define TEXT_ROOM	4096

static struct llm_session *job_session(struct llm_job *job)
{
	return container_of(job, struct llm_session, job);
}

static u32 job_room(struct llm_job *job)
{
	struct llm_session *session = job_session(job);
	u32 room;

	spin_lock(&session->lock);
	room = llm_ring_room(&session->ring);
	session->starved = room < LLM_JOB_ROOM;
	spin_unlock(&session->lock);
	return room;
}

static void wake_readers(struct llm_session *session)
{
	if (wq_has_sleeper(session->wait))
		wake_up_interruptible_poll(session->wait, EPOLLIN | EPOLLRDNORM);
}

static void job_bytes(struct llm_job *job, const u8 *bytes, u32 length)
{
	struct llm_session *session = job_session(job);

	llm_event_token(job, bytes, length);
	spin_lock(&session->lock);
	llm_ring_put(&session->ring, bytes, length);
	spin_unlock(&session->lock);
	wake_readers(session);
}

static void job_done(struct llm_job *job)
{
	struct llm_session *session = job_session(job);
	const struct llm_request *request = &job->request;
	struct llm_session_counts *counts = &session->counts;

	spin_lock(&session->lock);
	/* All tokens that were made have been computed too, but the last. */
	session->position += request->computed + (request->made ? request->made - 1 : 0);
	if (request->made)
		session->last = request->last;
	else if (request->computed)
		session->last = LLM_TOKEN_NONE;
	counts->tokens_in += job->tokens_in;
	counts->tokens_out += job->tokens_out;
	counts->queued_ns += job->queued_ns;
	counts->first_token_ns = job->first_token_ns;
	counts->cpu_ns += job->cpu_ns;
	session->reason = (enum llm_reason)request->end;
	session->starved = false;
	session->state = LLM_SESSION_DONE;
	spin_unlock(&session->lock);
	wake_readers(session);
	llm_session_put_job(session);
}

static const struct llm_job_ops turn_job_ops = {
	.room = job_room,
	.bytes = job_bytes,
	.done = job_done,
};

static int grow_text(struct llm_session *session, u32 length)
{
	u32 room = max_t(u32, session->text_room, TEXT_ROOM);
	u8 *text;

	while (room < length)
		room *= 2;
	if (room == session->text_room)
		return 0;
	text = llm_alloc(room);
	if (!text)
		return -ENOMEM;
	memcpy(text, session->text, session->text_length);
	llm_free_private(session->text, session->text_room);
	session->text = text;
	session->text_room = room;
	return 0;
}

static void drop_text(struct llm_session *session)
{
	llm_free_private(session->text, session->text_room);
	session->text = NULL;
	session->text_length = 0;
	session->text_room = 0;
	session->tokenized = false;
}

static ssize_t append_text(struct llm_session *session, const u8 *bytes, u32 length)
{
	int ret;

	if (llm_session_state(session) != LLM_SESSION_IDLE)
		return -EBUSY;
	if (session->text_length == LLM_MAX_TEXT)
		return -ENOSPC;
	length = min(length, LLM_MAX_TEXT - session->text_length);
	ret = grow_text(session, session->text_length + length);
	if (ret)
		return ret;
	memcpy(session->text + session->text_length, bytes, length);
	session->text_length += length;
	return length;
}

/* User memory is read before @setup is taken: reading it can wait for anything. */
ssize_t llm_turn_write(struct llm_session *session, struct iov_iter *from)
{
	size_t length = min_t(size_t, iov_iter_count(from), LLM_MAX_TEXT);
	struct mem_cgroup *memcg;
	ssize_t ret = -EFAULT;
	size_t copied;
	u8 *bytes;

	bytes = llm_alloc(length);
	if (!bytes)
		return -ENOMEM;
	copied = copy_from_iter(bytes, length, from);
	if (!copied)
		goto out;
	ret = -EINTR;
	if (mutex_lock_killable(&session->setup))
		goto out;
	memcg = set_active_memcg(session->memcg);
	ret = append_text(session, bytes, copied);
	set_active_memcg(memcg);
	mutex_unlock(&session->setup);
out:
	llm_free_private(bytes, length);
	iov_iter_revert(from, copied - max_t(ssize_t, ret, 0));
	return ret;
}

static int append_tokens(struct llm_session *session, const u32 *tokens, u32 count)
{
	ssize_t ret;

	if (count > (LLM_MAX_TEXT - session->text_length) / sizeof(*tokens))
		return -ENOSPC;
	ret = append_text(session, (const u8 *)tokens, count * sizeof(*tokens));
	if (ret < 0)
		return ret;
	session->tokenized = true;
	return 0;
}

int llm_turn_write_tokens(struct llm_session *session, const u32 *tokens, u32 count)
{
	struct mem_cgroup *memcg;
	int ret;

	if (mutex_lock_killable(&session->setup))
		return -EINTR;
	memcg = set_active_memcg(session->memcg);
	ret = append_tokens(session, tokens, count);
	set_active_memcg(memcg);
	mutex_unlock(&session->setup);
	return ret;
}

/* The tokens that were given instead of text. */
static int copy_tokens(const struct llm_session *session, u32 *tokens, u32 room, u32 *count)
{
	u32 vocab_size = session->model->image->model.vocab_size;
	u32 i;

	*count = session->text_length / sizeof(*tokens);
	if (*count > room)
		return -ENOSPC;
	memcpy(tokens, session->text, session->text_length);
	for (i = 0; i < *count; i++)
		if (tokens[i] >= vocab_size)
			return -EINVAL;
	return 0;
}

/**
 * struct prompt - what the text of a turn becomes
 * @tokens: tokens
 * @room: tokens that fit there
 * @count: tokens there are
 * @seen: of these, how many at the start were made by the turn before
 */
struct prompt {
	u32 *tokens;
	u32 room;
	u32 count;
	u32 seen;
};

static void free_prompt(struct prompt *prompt)
{
	llm_free_private(prompt->tokens, (u64)prompt->room * sizeof(*prompt->tokens));
}

/* The template that messages are put into, NULL where text is raw, or an ERR_PTR(). */
static const struct llm_image_chat *find_chat(const struct llm_session *session)
{
	const struct llm_image_chat *chat = session->chat ?: session->model->image->chat;

	if (session->raw)
		chat = NULL;
	if (chat ? chat->flags & LLM_CHAT_UNKNOWN : !!session->system)
		return ERR_PTR(-EOPNOTSUPP);
	return chat;
}

/* A turn of a conversation follows upon the reply, not upon what ended it. */
static bool goes_on(const struct llm_session *session, bool chat)
{
	if (session->last == LLM_TOKEN_NONE)
		return false;
	return !chat || !llm_token_ends(session->model->tokenizer, session->last);
}

/* Makes tokens of the text: the prompt of the next job. */
static int tokenize_text(struct llm_session *session, struct prompt *prompt)
{
	const struct llm_tokenizer *tokenizer = session->model->tokenizer;
	struct llm_chat_turn turn = {
		.chat = session->tokenized ? NULL : find_chat(session),
		.system = session->system,
		.system_length = session->system_length,
		.text = session->text,
		.length = session->text_length,
		.first = session->position == 0 && session->last == LLM_TOKEN_NONE,
		.special = session->special,
	};
	u32 flags = (turn.special ? LLM_TEXT_SPECIAL : 0) | (turn.first ? LLM_TEXT_BEGIN : 0);
	u32 length = turn.length;
	u32 *tokens;
	int ret;

	if (IS_ERR(turn.chat))
		return PTR_ERR(turn.chat);
	if (turn.chat)
		length = llm_chat_length(&turn);
	prompt->seen = goes_on(session, turn.chat);
	prompt->room = min(session->context - session->position,
			   prompt->seen + llm_tokenizer_most(tokenizer, length));
	if (prompt->room <= prompt->seen)
		return -ENOSPC;
	prompt->tokens = llm_alloc((u64)prompt->room * sizeof(*prompt->tokens));
	if (!prompt->tokens)
		return -ENOMEM;
	*prompt->tokens = session->last;
	tokens = prompt->tokens + prompt->seen;
	if (session->tokenized)
		ret = copy_tokens(session, tokens, prompt->room - prompt->seen, &prompt->count);
	else if (turn.chat)
		ret = llm_chat_tokenize(tokenizer, &turn, tokens, prompt->room - prompt->seen,
					&prompt->count);
	else
		ret = llm_tokenize(tokenizer, turn.text, turn.length, flags, tokens,
				   prompt->room - prompt->seen, &prompt->count);
	prompt->count += prompt->seen;
	/* Nothing but a newline, in a template without pieces. */
	if (!ret && !prompt->count)
		ret = -ENODATA;
	if (ret)
		free_prompt(prompt);
	return ret;
}

static int prepare_tokens(struct llm_session *session, struct prompt *prompt)
{
	int ret = tokenize_text(session, prompt);

	if (ret)
		return ret;
	llm_free_private(session->tokens, (u64)session->tokens_room * sizeof(*session->tokens));
	session->tokens = prompt->tokens;
	session->tokens_room = prompt->room;
	return 0;
}

/* Positions the turn may come to use. */
static u32 wanted_positions(const struct llm_session *session, u32 count)
{
	u64 wanted = (u64)session->position + count + session->max_tokens;

	return session->max_tokens ? min_t(u64, wanted, session->context) : session->context;
}

static int prepare_state(struct llm_session *session, u32 count)
{
	const struct llm_plan *plan = session->model->plan;
	u64 memory;
	int ret;

	if (!session->kv.pages) {
		ret = llm_kv_init(&session->kv, plan, session->context);
		if (ret)
			return ret;
	}
	ret = llm_state_reserve(&session->kv, wanted_positions(session, count));
	if (ret)
		return ret;
	memory = llm_kv_memory(&session->kv);
	spin_lock(&session->lock);
	session->memory = memory;
	spin_unlock(&session->lock);
	return 0;
}

static int prepare_reply(struct llm_session *session)
{
	bool letter = session->kind == LLM_SESSION_LETTER;

	if (!session->sampler) {
		int ret = llm_sampler_create(&session->sampler,
					     session->model->image->model.vocab_size);
		if (ret)
			return ret;
	}
	if (session->ring.bytes)
		return 0;
	return llm_ring_create(&session->ring, letter ? LETTER_RING : TALK_RING);
}

static void fill_job(struct llm_session *session, const struct prompt *prompt)
{
	struct llm_job *job = &session->job;

	memset(job, 0, sizeof(*job));
	job->ops = &turn_job_ops;
	job->model = session->model;
	job->owner = session->user->uid;
	job->session = session->id;
	job->priority = session->priority;
	job->request = (struct llm_request) {
		.kv = &session->kv,
		.tokenizer = session->model->tokenizer,
		.sampler = session->sampler,
		.reply = &session->reply,
		.text_flags = session->special ? LLM_TEXT_SPECIAL : 0,
		.prompt = session->tokens,
		.prompt_count = prompt->count,
		.prompt_seen = prompt->seen,
		.position = session->position,
		.max_tokens = session->max_tokens ?: session->context,
		.context = session->context,
	};
}

static void submit(struct llm_session *session, const struct prompt *prompt)
{
	if (!session->seeded)
		session->sampling.seed = get_random_u64();
	llm_sampler_setup(session->sampler, &session->sampling);
	llm_reply_begin(&session->reply, session->stops, session->stop_count);
	fill_job(session, prompt);
	llm_request_begin(&session->job.request);
	drop_text(session);

	spin_lock(&session->lock);
	session->state = LLM_SESSION_RUNNING;
	session->seed = session->sampling.seed;
	spin_unlock(&session->lock);

	llm_session_hold(session);
	llm_sched_submit(&session->job);
}

/* A turn needs a model, and one that makes text. */
static int bind(struct llm_session *session)
{
	int ret = llm_session_bind(session);

	if (!ret && session->model->image->model.logits == LLM_IMAGE_NONE)
		ret = -EOPNOTSUPP;
	return ret;
}

static int start(struct llm_session *session)
{
	struct prompt prompt;
	int ret;

	if (llm_session_state(session) != LLM_SESSION_IDLE)
		return -EBUSY;
	if (!session->text_length)
		return -ENODATA;
	ret = bind(session);
	if (ret)
		return ret;
	ret = prepare_tokens(session, &prompt);
	if (ret == -ENOSPC)
		drop_text(session);
	if (!ret)
		ret = prepare_state(session, prompt.count);
	if (!ret)
		ret = prepare_reply(session);
	if (!ret)
		submit(session, &prompt);
	return ret;
}

static int check(struct llm_session *session)
{
	struct prompt prompt;
	int ret;

	if (!session->text_length)
		return -ENODATA;
	ret = bind(session);
	if (ret)
		return ret;
	ret = tokenize_text(session, &prompt);
	if (!ret)
		free_prompt(&prompt);
	return ret;
}

/* Calls a function with @setup held, and memory charged to whom it belongs. */
static int with_setup(struct llm_session *session, int (*function)(struct llm_session *session))
{
	struct mem_cgroup *memcg;
	int ret;

	if (mutex_lock_killable(&session->setup))
		return -EINTR;
	memcg = set_active_memcg(session->memcg);
	ret = function(session);
	set_active_memcg(memcg);
	mutex_unlock(&session->setup);
	return ret;
}

int llm_turn_start(struct llm_session *session)
{
	int ret = with_setup(session, start);

	/* Readers try to start what may be under way, or was never written. */
	if (ret && ret != -EBUSY && ret != -ENODATA && ret != -EINTR)
		llm_event_refused(session, ret);
	return ret;
}

int llm_turn_bind(struct llm_session *session)
{
	return with_setup(session, bind);
}

int llm_turn_check(struct llm_session *session)
{
	return with_setup(session, check);
}

static ssize_t take_bytes(struct llm_session *session, u32 length, struct iov_iter *to)
{
	bool starved;

	length = llm_ring_copy(&session->ring, session->ring.head,
			       min_t(size_t, length, iov_iter_count(to)), to);
	spin_lock(&session->lock);
	session->ring.head += length;
	starved = session->starved && llm_ring_room(&session->ring) >= LLM_JOB_ROOM;
	if (starved)
		session->starved = false;
	spin_unlock(&session->lock);
	if (starved)
		llm_sched_wake(&session->job);
	return length ? (ssize_t)length : -EFAULT;
}

/* One attempt; the caller has @reading. */
static ssize_t take(struct llm_session *session, struct iov_iter *to)
{
	enum llm_session_state state;
	u32 used;

	spin_lock(&session->lock);
	used = llm_ring_used(&session->ring);
	state = session->state;
	if (!used && state == LLM_SESSION_DONE)
		session->state = LLM_SESSION_IDLE;
	spin_unlock(&session->lock);

	if (used)
		return take_bytes(session, used, to);
	if (state == LLM_SESSION_RUNNING)
		return -EAGAIN;
	if (state == LLM_SESSION_DONE)
		wake_up_interruptible_poll(session->wait, EPOLLOUT | EPOLLWRNORM);
	return 0;
}

static bool readable(struct llm_session *session)
{
	bool readable;

	spin_lock(&session->lock);
	readable = llm_ring_used(&session->ring) || session->state != LLM_SESSION_RUNNING;
	spin_unlock(&session->lock);
	return readable;
}

ssize_t llm_turn_read(struct llm_session *session, struct iov_iter *to, bool nonblock)
{
	ssize_t ret;

	for (;;) {
		if (!nonblock)
			ret = mutex_lock_interruptible(&session->reading) ? -ERESTARTSYS : 0;
		else
			ret = mutex_trylock(&session->reading) ? 0 : -EAGAIN;
		if (ret)
			return ret;
		ret = take(session, to);
		mutex_unlock(&session->reading);
		if (ret != -EAGAIN || nonblock)
			return ret;
		if (wait_event_interruptible(*session->wait, readable(session)))
			return -ERESTARTSYS;
	}
}

bool llm_turn_ready(struct llm_session *session, u32 bytes)
{
	bool ready;

	spin_lock(&session->lock);
	ready = llm_ring_used(&session->ring) >= bytes || session->starved ||
		session->state != LLM_SESSION_RUNNING;
	spin_unlock(&session->lock);
	return ready;
}

void llm_turn_discard(struct llm_session *session)
{
	mutex_lock(&session->setup);
	drop_text(session);
	mutex_unlock(&session->setup);
}

bool llm_turn_ends_line(const struct llm_session *session)
{
	const struct llm_ring *ring = &session->ring;

	return ring->tail && ring->bytes[(ring->tail - 1) & (ring->size - 1)] == '\n';
}

__poll_t llm_turn_poll(struct llm_session *session)
{
	__poll_t mask = 0;

	spin_lock(&session->lock);
	if (llm_ring_used(&session->ring) || session->state == LLM_SESSION_DONE)
		mask |= EPOLLIN | EPOLLRDNORM;
	if (session->state == LLM_SESSION_IDLE)
		mask |= EPOLLOUT | EPOLLWRNORM;
	spin_unlock(&session->lock);
	return mask;
}

static int cancel(struct llm_session *session)
{
	if (llm_session_state(session) == LLM_SESSION_RUNNING)
		llm_sched_cancel(&session->job);
	return 0;
}

/* With @setup held a job that runs is one that has been submitted whole. */
int llm_turn_cancel(struct llm_session *session)
{
	return with_setup(session, cancel);
}
