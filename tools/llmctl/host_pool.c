// SPDX-License-Identifier: GPL-2.0
#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include "host_pool.h"

/* Looks for the next step before a thread sleeps, and for a tile before it yields. */
#define SPINS 1000

/**
 * struct host_pool - threads that compute steps beside the one that asks for them
 * @threads: the others
 * @thread_count: how many
 * @lock: guards all below
 * @changed: @round grew, @running ended or @active fell to 0
 * @step: step at work
 * @round: steps there were; read without @lock to look whether there is a new one
 * @running: @step is not complete; a thread that comes too late stays away
 * @active: other threads that are at @step
 * @ending: threads shall end
 */
struct host_pool {
	pthread_t *threads;
	u32 thread_count;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct llm_step *step;
	atomic_uint round;
	bool running;
	u32 active;
	bool ending;
};

static void relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
}

static void run_tiles(struct llm_step *step)
{
	u32 idle = 0;

	for (;;) {
		switch (llm_step_tile(step)) {
		case LLM_TILE_RAN:
			idle = 0;
			break;
		case LLM_TILE_NONE:
			if (++idle < SPINS)
				relax();
			else
				sched_yield();
			break;
		case LLM_TILE_LAST:
		case LLM_TILE_OVER:
			return;
		}
	}
}

static void *work(void *data)
{
	struct host_pool *pool = data;
	u32 seen = 0, i;

	for (;;) {
		for (i = 0; i < SPINS && atomic_load(&pool->round) == seen; i++)
			relax();
		pthread_mutex_lock(&pool->lock);
		while (!pool->ending && (!pool->running || pool->round == seen))
			pthread_cond_wait(&pool->changed, &pool->lock);
		if (pool->ending)
			break;
		seen = pool->round;
		pool->active++;
		pthread_mutex_unlock(&pool->lock);
		run_tiles(pool->step);
		pthread_mutex_lock(&pool->lock);
		if (!--pool->active)
			pthread_cond_broadcast(&pool->changed);
		pthread_mutex_unlock(&pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

void host_pool_run(struct host_pool *pool, struct llm_step *step, u32 row_count)
{
	llm_step_begin(step, row_count);
	pthread_mutex_lock(&pool->lock);
	pool->step = step;
	pool->running = true;
	atomic_fetch_add(&pool->round, 1);
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
	run_tiles(step);
	pthread_mutex_lock(&pool->lock);
	pool->running = false;
	while (pool->active)
		pthread_cond_wait(&pool->changed, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
}

static u32 processors(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : CPU_COUNT(&set);
}

/* Signals are for the thread that commands run in. */
static int start_threads(struct host_pool *pool, u32 count)
{
	sigset_t all, before;
	int ret = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (!ret && pool->thread_count < count) {
		ret = pthread_create(&pool->threads[pool->thread_count], NULL, work, pool);
		if (!ret)
			pool->thread_count++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -ret;
}

int host_pool_create(struct host_pool **created, u32 threads)
{
	struct host_pool *pool = calloc(1, sizeof(*pool));
	u32 others = (threads ? threads : processors()) - 1;
	int ret;

	if (!pool)
		return -ENOMEM;
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->changed, NULL);
	pool->threads = calloc(others + 1, sizeof(*pool->threads));
	ret = pool->threads ? start_threads(pool, others) : -ENOMEM;
	if (ret) {
		host_pool_destroy(pool);
		return ret;
	}
	*created = pool;
	return 0;
}

void host_pool_destroy(struct host_pool *pool)
{
	u32 i;

	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->ending = true;
	pthread_cond_broadcast(&pool->changed);
	pthread_mutex_unlock(&pool->lock);
	for (i = 0; i < pool->thread_count; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->changed);
	pthread_mutex_destroy(&pool->lock);
	free(pool->threads);
	free(pool);
}
