// SPDX-License-Identifier: GPL-2.0
/*
 * Workers: a thread on every CPU that may be used, which claims tiles of the
 * step that runs. They need each other only in that somebody goes on: a worker
 * that lost its CPU to other tasks holds no tile, see slice.c.
 *
 * They are not frozen on suspend: without a step they sleep, and the scheduler's
 * thread, which makes the steps, is frozen between two of them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include "workers.h"

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/isolation.h>
#include <linux/sched/stat.h>
#include <linux/smpboot.h>
#include <linux/wait.h>

#include "compat.h"
#include "slice.h"

/*
 * How long a worker waits for others without giving up its CPU: a tile takes
 * some 20 microseconds, forming the next step not much longer, and to sleep and
 * be woken takes as long.
 */
#define SPIN_NS (100 * NSEC_PER_USEC)

static unsigned int max_workers;
module_param_named(workers, max_workers, uint, 0444);
MODULE_PARM_DESC(workers, "threads that compute at most (0: one on each CPU that is not isolated)");

static int worker_nice;
module_param_named(nice, worker_nice, int, 0444);
MODULE_PARM_DESC(nice, "nice value of the threads that compute, -20..19 (default 0)");

/*
 * A step is published in current_step and taken out by the first worker that
 * finds it complete. A worker is counted in inside from before it looks there
 * until it looks at the step no more, so when there is none in current_step and
 * nobody inside, the step is the scheduler's again.
 */
static struct llm_step *current_step;
static atomic_t inside;
static atomic64_t step_spent;
static DECLARE_WAIT_QUEUE_HEAD(step_wait);

/* The scheduler's thread computes where no worker can. */
static struct llm_slicer spare_slicer;

static struct task_struct * __percpu *worker_tasks;
static struct llm_slicer __percpu *worker_slicers;

/*
 * worker_lock makes active_cpus the first max_workers of present_cpus, whose
 * workers are not parked. Taken by workers only; nothing is taken inside it.
 * Both masks are read without it.
 */
static DEFINE_MUTEX(worker_lock);
static struct cpumask present_cpus;
static struct cpumask active_cpus;

static bool worker_active(unsigned int cpu)
{
	return cpumask_test_cpu(cpu, &active_cpus);
}

static void wake_workers(void)
{
	unsigned int cpu;

	for_each_cpu(cpu, &active_cpus)
		wake_up_process(*per_cpu_ptr(worker_tasks, cpu));
}

static void worker_set_present(unsigned int cpu, bool present)
{
	unsigned int room = max_workers ? max_workers : nr_cpu_ids;

	mutex_lock(&worker_lock);
	if (present)
		cpumask_set_cpu(cpu, &present_cpus);
	else
		cpumask_clear_cpu(cpu, &present_cpus);
	for_each_possible_cpu(cpu) {
		if (room && cpumask_test_cpu(cpu, &present_cpus)) {
			cpumask_set_cpu(cpu, &active_cpus);
			room--;
		} else {
			cpumask_clear_cpu(cpu, &active_cpus);
		}
	}
	mutex_unlock(&worker_lock);

	/* The step under way needs those that are active now, or the spare one. */
	if (READ_ONCE(current_step))
		wake_workers();
	wake_up(&step_wait);
}

/*
 * All tiles of a stage are claimed and others work on them. @seen is the cursor
 * as it was before that was found out; it changes when the next stage opens.
 */
static void wait_for_stage(const struct llm_step *step, s64 seen)
{
	u64 start = ktime_get_ns();

	while (atomic64_read(&step->cursor) == seen) {
		if (need_resched())
			return;
		if (ktime_get_ns() - start > SPIN_NS) {
			usleep_range(50, 100);
			return;
		}
		cpu_relax();
	}
}

/* Slices until the step is complete, or @stop tells to leave it to others. */
static enum llm_tile_result run_slices(struct llm_slicer *slicer, struct llm_step *step,
				       bool (*stop)(void))
{
	enum llm_tile_result result;
	s64 seen;

	do {
		seen = atomic64_read(&step->cursor);
		result = llm_slice_tiles(slicer, step);
		if (result == LLM_TILE_NONE)
			wait_for_stage(step, seen);
		llm_resched();
	} while ((result == LLM_TILE_RAN || result == LLM_TILE_NONE) && !stop());
	return result;
}

/* Does what can be done for the step that is published, if one is. */
static void work_on_step(struct llm_slicer *slicer, bool (*stop)(void))
{
	enum llm_tile_result result;
	struct llm_step *step;

	atomic_inc(&inside);
	/* Pairs with that of step_left(). */
	smp_mb__after_atomic();
	/* What was prepared before the step was published is seen. */
	step = smp_load_acquire(&current_step);
	if (step) {
		slicer->spent = 0;
		result = run_slices(slicer, step, stop);
		atomic64_add(slicer->spent, &step_spent);
		if (result == LLM_TILE_LAST || result == LLM_TILE_OVER)
			cmpxchg(&current_step, step, NULL);
	}
	if (atomic_dec_and_test(&inside) && !READ_ONCE(current_step))
		wake_up(&step_wait);
}

static bool step_left(void)
{
	if (READ_ONCE(current_step))
		return false;
	/* Who is not counted yet will find no step. */
	smp_mb();
	return !atomic_read(&inside);
}

static bool worker_should_leave(void)
{
	return kthread_should_park() || kthread_should_stop() ||
	       !worker_active(raw_smp_processor_id());
}

static bool spare_should_leave(void)
{
	return !cpumask_empty(&active_cpus);
}

u64 llm_workers_run(struct llm_step *step)
{
	atomic64_set(&step_spent, 0);
	/* The workers see all that was prepared. */
	smp_store_release(&current_step, step);
	wake_workers();
	for (;;) {
		wait_event_idle(step_wait, step_left() || cpumask_empty(&active_cpus));
		if (step_left())
			return atomic64_read(&step_spent);
		work_on_step(&spare_slicer, spare_should_leave);
	}
}

u32 llm_workers_count(void)
{
	return cpumask_weight(&active_cpus);
}

/*
 * The next step often comes within microseconds. Waits for it as long as nobody
 * else wants the CPU; the scheduler's thread does, where it has to share one.
 */
static bool spin_for_step(void)
{
	u64 start = ktime_get_ns();

	while (!READ_ONCE(current_step)) {
		if (need_resched() || !single_task_running() || worker_should_leave() ||
		    ktime_get_ns() - start > SPIN_NS)
			return false;
		cpu_relax();
	}
	return true;
}

static int worker_should_run(unsigned int cpu)
{
	return READ_ONCE(current_step) && worker_active(cpu);
}

static void worker_run(unsigned int cpu)
{
	do
		work_on_step(this_cpu_ptr(worker_slicers), worker_should_leave);
	while (!worker_should_leave() && spin_for_step());
}

static bool cpu_usable(unsigned int cpu)
{
	return housekeeping_test_cpu(cpu, HK_TYPE_DOMAIN) &&
	       housekeeping_test_cpu(cpu, HK_TYPE_KTHREAD);
}

static void worker_setup(unsigned int cpu)
{
	set_user_nice(current, worker_nice);
	if (cpu_usable(cpu))
		worker_set_present(cpu, true);
}

static void worker_park(unsigned int cpu)
{
	worker_set_present(cpu, false);
}

static void worker_unpark(unsigned int cpu)
{
	worker_setup(cpu);
}

static void worker_cleanup(unsigned int cpu, bool online)
{
	worker_set_present(cpu, false);
}

static struct smp_hotplug_thread worker_threads = {
	.thread_should_run = worker_should_run,
	.thread_fn = worker_run,
	.setup = worker_setup,
	.park = worker_park,
	.unpark = worker_unpark,
	.cleanup = worker_cleanup,
	.thread_comm = "llm/%u",
};

static bool workers_present(void)
{
	unsigned int cpu;

	for_each_online_cpu(cpu)
		if (cpu_usable(cpu) && !cpumask_test_cpu(cpu, &present_cpus))
			return false;
	return true;
}

int llm_workers_init(void)
{
	int error = -ENOMEM;

	if (worker_nice < MIN_NICE || worker_nice > MAX_NICE) {
		pr_err("nice=%d is not %d..%d\n", worker_nice, MIN_NICE, MAX_NICE);
		return -EINVAL;
	}
	worker_slicers = alloc_percpu(struct llm_slicer);
	worker_tasks = alloc_percpu(struct task_struct *);
	if (!worker_slicers || !worker_tasks)
		goto fail;
	worker_threads.store = worker_tasks;
	error = smpboot_register_percpu_thread(&worker_threads);
	if (error)
		goto fail;
	/* So that who loads the module finds them; nothing depends on it. */
	wait_event_timeout(step_wait, workers_present(), HZ);
	return 0;

fail:
	free_percpu(worker_tasks);
	free_percpu(worker_slicers);
	return error;
}

void llm_workers_exit(void)
{
	smpboot_unregister_percpu_thread(&worker_threads);
	free_percpu(worker_tasks);
	free_percpu(worker_slicers);
}
