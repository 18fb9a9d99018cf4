// SPDX-License-Identifier: GPL-2.0
/*
 * The scheduler: one thread that forms steps of the rows that jobs need, has
 * them computed, and gives the jobs what came of them.
 */
#include "sched.h"

#include <linux/atomic.h>
#include <linux/err.h>
#include <linux/freezer.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "compat.h"
#include "counters.h"
#include "events.h"
#include "model.h"
#include "slice.h"
#include "trace.h"
#include "workers.h"

/*
 * arrivals_lock protects arrivals, the jobs that the thread has not seen yet. It
 * is innermost: llm_sched_submit() can be called under any lock. All else here
 * is the thread's own, but for job->cancelled, job->parked and the two flags
 * below, which need none.
 */
static DEFINE_SPINLOCK(arrivals_lock);
static LIST_HEAD(arrivals);

/* Something happened that the thread must look at before it sleeps. */
static atomic_t kicked;
/* Some job has cancelled set. */
static atomic_t cancels;
static DECLARE_WAIT_QUEUE_HEAD(kick_wait);

static struct task_struct *thread;
/* By enum llm_priority. */
static struct llm_queue queues[LLM_PRIORITY_HIGH + 1];
static struct llm_slicer slicer;
static struct llm_scoring scoring;

/**
 * struct llm_batch - the step being formed
 * @model: whose
 * @jobs: jobs that have rows in it
 * @job_count: how many
 * @rows: rows filled
 * @outputs: outputs wanted
 */
struct llm_batch {
	struct llm_model *model;
	struct llm_job *jobs[LLM_MAX_ROWS];
	u32 job_count;
	u32 rows;
	u32 outputs;
};

static struct llm_batch batch;

static void kick(void)
{
	/* A full barrier: what was done before is seen by who clears it. */
	if (!atomic_xchg(&kicked, 1))
		wake_up(&kick_wait);
}

void llm_sched_submit(struct llm_job *job)
{
	job->state = LLM_JOB_QUEUED;
	job->tokens_in = 0;
	job->tokens_out = 0;
	job->queued_ns = 0;
	job->first_token_ns = 0;
	job->cpu_ns = 0;
	job->cancelled = false;
	job->parked = false;
	job->submitted_at = ktime_get_ns();
	atomic64_inc(&llm_counters.requests);
	trace_llm_submit(job);
	llm_event_queued(job);

	spin_lock(&arrivals_lock);
	list_add_tail(&job->place.link, &arrivals);
	spin_unlock(&arrivals_lock);
	kick();
}

void llm_sched_cancel(struct llm_job *job)
{
	WRITE_ONCE(job->cancelled, true);
	atomic_set_release(&cancels, 1);
	kick();
}

void llm_sched_wake(struct llm_job *job)
{
	/* Pairs with that of job_ready(). */
	smp_mb();
	if (READ_ONCE(job->parked)) {
		WRITE_ONCE(job->parked, false);
		kick();
	}
}

static struct llm_job *job_at(struct llm_place *place)
{
	return container_of(place, struct llm_job, place);
}

static struct llm_queue *queue_of(const struct llm_job *job)
{
	return &queues[job->priority];
}

static void admit_arrivals(void)
{
	struct llm_place *place, *next;
	LIST_HEAD(list);

	spin_lock(&arrivals_lock);
	list_splice_init(&arrivals, &list);
	spin_unlock(&arrivals_lock);
	list_for_each_entry_safe(place, next, &list, link) {
		llm_queue_add(queue_of(job_at(place)), place, job_at(place)->owner);
		/* Who cancelled it before may have been looked for in vain. */
		if (READ_ONCE(job_at(place)->cancelled))
			atomic_set(&cancels, 1);
	}
}

/* The job is the submitter's afterwards, and may be gone. */
static void end_job(struct llm_job *job)
{
	llm_queue_remove(&job->place);
	WRITE_ONCE(job->state, LLM_JOB_OVER);
	trace_llm_done(job);
	llm_event_finished(job);
	job->ops->done(job);
}

static struct llm_job *find_cancelled(const struct llm_queue *queue)
{
	struct llm_party *party;
	struct llm_place *place;

	list_for_each_entry(party, &queue->parties, link)
		list_for_each_entry(place, &party->places, link)
			if (READ_ONCE(job_at(place)->cancelled))
				return job_at(place);
	return NULL;
}

static void end_cancelled(void)
{
	struct llm_job *job;
	u32 i;

	if (!atomic_xchg(&cancels, 0))
		return;
	for (i = 0; i < ARRAY_SIZE(queues); i++) {
		while ((job = find_cancelled(&queues[i]))) {
			job->request.end = LLM_END_CANCELLED;
			end_job(job);
		}
	}
}

static bool job_in_prompt(const struct llm_job *job)
{
	return job->request.computed < job->request.prompt_count;
}

/* Whether the job can have rows now; one without room for its reply waits. */
static bool job_ready(struct llm_job *job)
{
	if (!llm_request_generates(&job->request))
		return true;
	if (READ_ONCE(job->parked))
		return false;
	WRITE_ONCE(job->parked, true);
	/*
	 * Parked before the look at the room: who makes room later sees that it
	 * is, who made some before is seen.
	 */
	smp_mb();
	if (job->ops->room(job) < LLM_JOB_ROOM)
		return false;
	WRITE_ONCE(job->parked, false);
	return true;
}

static struct llm_job *first_of(const struct llm_queue *queue)
{
	struct llm_party *party;
	struct llm_place *place;

	list_for_each_entry(party, &queue->parties, link)
		list_for_each_entry(place, &party->places, link)
			if (job_ready(job_at(place)))
				return job_at(place);
	return NULL;
}

/* The job whose turn it is. */
static struct llm_job *first_ready(void)
{
	struct llm_job *job = NULL;
	u32 i;

	for (i = ARRAY_SIZE(queues); !job && i; i--)
		job = first_of(&queues[i - 1]);
	return job;
}

/* The next job of a user for the batch: in its prompt, or past it. */
static struct llm_job *next_for_batch(struct llm_party *party, bool in_prompt)
{
	struct llm_place *place;

	while ((place = llm_queue_next(party))) {
		struct llm_job *job = job_at(place);

		if (job->model == batch.model && job_in_prompt(job) == in_prompt && job_ready(job))
			return job;
	}
	return NULL;
}

/* A text that must be computed whole waits for a step that it fits into. */
static void add_to_batch(struct llm_job *job, u32 room, u32 outputs)
{
	struct llm_step *step = batch.model->step;

	job->step_rows = llm_request_rows(&job->request, step->rows + batch.rows, room, &outputs);
	if (!job->step_rows)
		return;
	job->step_output = batch.outputs;
	job->step_outputs = outputs;
	batch.jobs[batch.job_count++] = job;
	batch.rows += job->step_rows;
	batch.outputs += outputs;
}

/*
 * A row for each job that makes tokens, user after user until there are no more
 * or the batch is full but for @spare rows and outputs.
 */
static void add_replies(struct llm_queue *queue, u32 spare)
{
	const struct llm_plan *plan = batch.model->plan;
	struct llm_party *party;
	struct llm_job *job;
	u32 before;

	llm_queue_rewind(queue);
	do {
		before = batch.rows;
		list_for_each_entry(party, &queue->parties, link) {
			if (batch.rows + spare >= plan->batch_rows ||
			    batch.outputs + spare >= plan->output_rows)
				return;
			job = next_for_batch(party, false);
			if (job)
				add_to_batch(job, 1, 1);
		}
	} while (batch.rows != before);
}

static u32 count_parties(const struct llm_queue *queue)
{
	struct llm_party *party;
	u32 count = 0;

	list_for_each_entry(party, &queue->parties, link)
		count++;
	return count;
}

/*
 * Parts of prompts in the rows that are left: an equal share for each user in
 * turn, then what some did not need for whoever comes first.
 */
static void add_prompts(struct llm_queue *queue)
{
	const struct llm_plan *plan = batch.model->plan;
	struct llm_party *party;
	u32 before, share, waiting = count_parties(queue);
	struct llm_job *job;

	llm_queue_rewind(queue);
	do {
		before = batch.rows;
		list_for_each_entry(party, &queue->parties, link) {
			if (batch.rows == plan->batch_rows || batch.outputs == plan->output_rows)
				return;
			share = plan->batch_rows - batch.rows;
			if (!plan->whole_texts)
				share = DIV_ROUND_UP(share, max(waiting, 1U));
			waiting -= !!waiting;
			job = next_for_batch(party, true);
			if (job)
				add_to_batch(job, share, plan->output_rows - batch.outputs);
		}
	} while (batch.rows != before);
}

/* Who computes for the first time has waited until now. */
static void note_begin(struct llm_job *job, u64 now)
{
	if (job->state != LLM_JOB_QUEUED)
		return;
	WRITE_ONCE(job->queued_ns, now - job->submitted_at);
	WRITE_ONCE(job->state, LLM_JOB_PROMPT);
	atomic64_add(job->queued_ns, &llm_counters.queued_ns);
	llm_event_started(job);
}

/*
 * Forms the next step: of the model of the job whose turn it is, with that job
 * and as many others as fit, those of a higher priority first. Returns whether there
 * is one.
 */
static bool form_batch(void)
{
	struct llm_job *first = first_ready();
	u32 i;

	if (!first)
		return false;
	batch.model = first->model;
	batch.job_count = 0;
	batch.rows = 0;
	batch.outputs = 0;
	for (i = ARRAY_SIZE(queues); i; i--)
		add_replies(&queues[i - 1], job_in_prompt(first));
	for (i = ARRAY_SIZE(queues); i; i--)
		add_prompts(&queues[i - 1]);
	return true;
}

static void give_bytes(struct llm_job *job, u32 ready)
{
	if (!ready)
		return;
	job->ops->bytes(job, job->request.reply->held, ready);
	llm_reply_shown(job->request.reply, ready);
}

static void make_token(struct llm_job *job)
{
	u32 token = llm_sampler_token(job->request.sampler);
	u32 ready = 0;

	WRITE_ONCE(job->tokens_out, job->tokens_out + 1);
	atomic64_inc(&llm_counters.tokens_out);
	if (job->tokens_out == 1) {
		WRITE_ONCE(job->first_token_ns, ktime_get_ns() - job->submitted_at);
		WRITE_ONCE(job->state, LLM_JOB_REPLY);
		atomic64_add(job->first_token_ns, &llm_counters.first_token_ns);
	}
	trace_llm_token(job, token);
	llm_request_token(&job->request, token, &ready);
	give_bytes(job, ready);
}

/*
 * @first is the job's first row in the step, @computed what was computed of its
 * prompt before the step. The logits of a prompt token tell of the next one.
 */
static void score_prompt(struct llm_job *job, u32 first, u32 computed)
{
	const struct llm_request *request = &job->request;
	const struct llm_row *rows = batch.model->step->rows + first;
	u32 vocab_size = batch.model->image->model.vocab_size;
	u32 best = min(job->alternatives, vocab_size);
	u32 output = job->step_output;
	u32 row;

	for (row = 0; row < job->step_rows; row++) {
		u32 index = computed + row + 1;

		if (!rows[row].output)
			continue;
		if (index < request->prompt_count) {
			llm_scoring_begin(&scoring, llm_step_logits(batch.model->step, output),
					  vocab_size, request->prompt[index], best);
			llm_slice_score(&slicer, &scoring);
			job->ops->scored(job, index, &scoring);
		}
		output++;
	}
}

/* The likes of score_prompt(); the last output is the text's last. */
static void embed_prompt(struct llm_job *job)
{
	bool complete = job->request.computed == job->request.prompt_count;
	u32 i;

	for (i = 0; i < job->step_outputs; i++) {
		llm_pooling_begin(&job->pooling,
				  llm_step_embedding(batch.model->step, job->step_output + i),
				  complete && i == job->step_outputs - 1);
		llm_slice_pool(&slicer, &job->pooling);
	}
}

/* Gives a job what came of its rows, which begin at @first. */
static void finish_rows(struct llm_job *job, u32 first, u64 cpu_ns)
{
	u32 computed = job->request.computed;
	u32 in;

	slicer.spent = 0;
	llm_request_computed(&job->request, job->step_rows);
	in = job->request.computed - computed;
	WRITE_ONCE(job->tokens_in, job->tokens_in + in);
	atomic64_add(in, &llm_counters.tokens_in);
	if (job->request.score)
		score_prompt(job, first, computed);
	else if (job->request.pooling)
		embed_prompt(job);
	else if (job->step_outputs)
		make_token(job);
	WRITE_ONCE(job->cpu_ns, job->cpu_ns + cpu_ns + slicer.spent);
}

/*
 * The model may go with its last job, so nothing of it is used once that is over.
 */
static void finish_batch(u64 cpu_ns)
{
	u64 row_ns = div_u64(cpu_ns, batch.rows);
	u32 first = 0;
	u32 i;

	for (i = 0; i < batch.job_count; i++) {
		struct llm_job *job = batch.jobs[i];
		u32 rows = job->step_rows;

		finish_rows(job, first, row_ns * rows);
		first += rows;
		if (job->request.end)
			end_job(job);
		else
			llm_queue_served(queue_of(job), &job->place);
		llm_resched();
	}
}

/* Returns whether there was anything to do. */
static bool run_step(void)
{
	u64 start, cpu_ns;
	u32 i;

	admit_arrivals();
	end_cancelled();
	if (!form_batch())
		return false;

	start = ktime_get_ns();
	for (i = 0; i < batch.job_count; i++)
		note_begin(batch.jobs[i], start);
	llm_step_begin(batch.model->step, batch.rows);
	cpu_ns = llm_workers_run(batch.model->step);
	atomic64_inc(&llm_counters.steps);
	trace_llm_step(batch.model, batch.rows, batch.outputs, ktime_get_ns() - start, cpu_ns);
	finish_batch(cpu_ns);
	return true;
}

static int sched_thread(void *unused)
{
	set_freezable();
	while (!kthread_should_stop()) {
		wait_event_freezable(kick_wait, atomic_read(&kicked) || kthread_should_stop());
		atomic_xchg(&kicked, 0);
		while (run_step()) {
			try_to_freeze();
			llm_resched();
		}
	}
	return 0;
}

int llm_sched_init(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(queues); i++)
		llm_queue_init(&queues[i]);
	thread = kthread_run(sched_thread, NULL, "llm_sched");
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	llm_workers_lead(thread);
	return 0;
}

void llm_sched_exit(void)
{
	llm_workers_lead(NULL);
	kthread_stop(thread);
}
