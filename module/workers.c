// SPDX-License-Identifier: GPL-2.0
/*
 * Workers: a thread on every CPU that may be used, which claims tiles of the
 * step that runs. They need each other only in that somebody goes on: a worker
 * that lost its CPU to other tasks holds no tile, see slice.c.
 *
 * The scheduler's thread, which makes the steps, computes too, in place of the
 * worker of its CPU, so that nobody is woken where one CPU is enough. Others are
 * called one at a time, by whoever sees more tiles than it can claim, and sleep
 * again when there have been none for a moment.
 *
 * They are not frozen on suspend: without a step they sleep, and the scheduler's
 * thread, which makes the steps, is frozen between two of them.
 */
#include "workers.h"

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
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

/*
 * Slices that the scheduler's thread goes on for where others want its CPU. Later
 * it sleeps, so that it is soon there when the step is complete, and has the
 * worker of that CPU share it with them.
 */
#define CROWDED_SLICES 3

/*
 * A step is published in current_step and taken out by the first that finds it
 * complete. Whoever looks there is counted in inside from before until it looks
 * at the step no more, so when there is none in current_step and nobody inside,
 * the step is the scheduler's again.
 */
static struct llm_step *current_step;
static atomic_t inside;
static atomic64_t step_spent;
static DECLARE_WAIT_QUEUE_HEAD(step_wait);

/* Of the scheduler's thread; slices in a row that began while others waited. */
static struct llm_slicer lead_slicer;
static u32 crowded;

static struct task_struct * __percpu *worker_tasks;
static struct llm_slicer __percpu *worker_slicers;

/*
 * worker_lock protects the parameters, lead, and present_cpus, and makes
 * active_cpus the first max_workers of present_cpus that are allowed. Nothing is
 * taken inside it. active_cpus is read without it.
 */
static DEFINE_MUTEX(worker_lock);
static unsigned int max_workers;
static int worker_nice;
static struct cpumask allowed_cpus;
static struct cpumask present_cpus;
static struct cpumask active_cpus;
/* The scheduler's thread, while there is one. */
static struct task_struct *lead;

/* CPUs whose workers sleep and can be called. */
static struct cpumask resting_cpus;

static bool worker_active(unsigned int cpu)
{
	return cpumask_test_cpu(cpu, &active_cpus);
}

static void wake_worker(unsigned int cpu)
{
	struct task_struct *task = READ_ONCE(*per_cpu_ptr(worker_tasks, cpu));

	if (task)
		wake_up_process(task);
}

/* The scheduler's thread may run where workers do, or anywhere if they can't. */
static void place_lead(void)
{
	lockdep_assert_held(&worker_lock);
	if (!lead)
		return;
	set_user_nice(lead, worker_nice);
	if (set_cpus_allowed_ptr(lead, &active_cpus))
		set_cpus_allowed_ptr(lead, housekeeping_cpumask(HK_TYPE_DOMAIN));
}

/* After a change of what the CPUs are made of. */
static void choose_cpus(void)
{
	unsigned int room = max_workers ? max_workers : nr_cpu_ids;
	unsigned int cpu;

	lockdep_assert_held(&worker_lock);
	for_each_possible_cpu(cpu) {
		if (room && cpumask_test_cpu(cpu, &present_cpus) &&
		    cpumask_test_cpu(cpu, &allowed_cpus)) {
			cpumask_set_cpu(cpu, &active_cpus);
			room--;
			/* It enters worker_run(), and sleeps there. */
			wake_worker(cpu);
		} else if (cpumask_test_and_clear_cpu(cpu, &active_cpus)) {
			wake_worker(cpu);
		}
	}
	place_lead();
	/* The step under way needs those that are active now, or the lead. */
	wake_up(&step_wait);
}

static void worker_set_present(unsigned int cpu, bool present)
{
	mutex_lock(&worker_lock);
	if (present)
		cpumask_set_cpu(cpu, &present_cpus);
	else
		cpumask_clear_cpu(cpu, &present_cpus);
	choose_cpus();
	mutex_unlock(&worker_lock);
}

static int set_workers(const char *value, const struct kernel_param *param)
{
	unsigned int count;
	int error = kstrtouint(value, 0, &count);

	if (error)
		return error;
	mutex_lock(&worker_lock);
	max_workers = count;
	if (worker_tasks)
		choose_cpus();
	mutex_unlock(&worker_lock);
	return 0;
}

static const struct kernel_param_ops workers_ops = {
	.set = set_workers,
	.get = param_get_uint,
};

module_param_cb(workers, &workers_ops, &max_workers, 0644);
MODULE_PARM_DESC(workers, "CPUs that compute at most (0: all that may, the default)");

static int set_nice(const char *value, const struct kernel_param *param)
{
	unsigned int cpu;
	int nice, error;

	error = kstrtoint(value, 0, &nice);
	if (!error && (nice < MIN_NICE || nice > MAX_NICE))
		error = -EINVAL;
	if (error)
		return error;
	mutex_lock(&worker_lock);
	worker_nice = nice;
	if (worker_tasks) {
		for_each_cpu(cpu, &present_cpus)
			set_user_nice(*per_cpu_ptr(worker_tasks, cpu), nice);
		place_lead();
	}
	mutex_unlock(&worker_lock);
	return 0;
}

static const struct kernel_param_ops nice_ops = {
	.set = set_nice,
	.get = param_get_int,
};

module_param_cb(nice, &nice_ops, &worker_nice, 0644);
MODULE_PARM_DESC(nice, "nice value of the threads that compute, -20..19 (default 0)");

/* Nothing that is written means all CPUs again. */
static int set_cpus(const char *value, const struct kernel_param *param)
{
	cpumask_var_t cpus;
	int error;

	if (!zalloc_cpumask_var(&cpus, GFP_KERNEL))
		return -ENOMEM;
	error = cpulist_parse(value, cpus);
	if (!error && cpumask_empty(cpus))
		cpumask_copy(cpus, cpu_possible_mask);
	if (!error && !cpumask_intersects(cpus, cpu_possible_mask))
		error = -EINVAL;
	if (!error) {
		mutex_lock(&worker_lock);
		cpumask_copy(&allowed_cpus, cpus);
		if (worker_tasks)
			choose_cpus();
		mutex_unlock(&worker_lock);
	}
	free_cpumask_var(cpus);
	return error;
}

static int get_cpus(char *page, const struct kernel_param *param)
{
	int length;

	mutex_lock(&worker_lock);
	length = sysfs_emit(page, "%*pbl\n", cpumask_pr_args(&allowed_cpus));
	mutex_unlock(&worker_lock);
	return length;
}

static const struct kernel_param_ops cpus_ops = {
	.set = set_cpus,
	.get = get_cpus,
};

module_param_cb(cpus, &cpus_ops, NULL, 0644);
MODULE_PARM_DESC(cpus, "list of the CPUs that may compute, as 0-3,8 (default all, but for isolated ones)");

/*
 * Calls one more worker. Looked at for every tile, so it costs nothing where all
 * are at work.
 */
static void call_worker(void)
{
	unsigned int cpu = cpumask_next(raw_smp_processor_id(), &resting_cpus);

	if (cpu >= nr_cpu_ids)
		cpu = cpumask_first(&resting_cpus);
	if (cpu < nr_cpu_ids && cpumask_test_and_clear_cpu(cpu, &resting_cpus))
		wake_worker(cpu);
}

/*
 * All tiles of a stage are claimed and others work on them. @seen is the cursor
 * as it was before that was found out; it changes when the next stage opens.
 * Returns whether to look again: it did soon, or others want the CPU first.
 */
static bool stage_opens(const struct llm_step *step, s64 seen)
{
	u64 start = ktime_get_ns();

	while (atomic64_read(&step->cursor) == seen) {
		if (need_resched())
			break;
		if (ktime_get_ns() - start > SPIN_NS)
			return false;
		cpu_relax();
	}
	return true;
}

static struct llm_step *enter_step(void)
{
	atomic_inc(&inside);
	/* Pairs with that of step_left(). */
	smp_mb__after_atomic();
	/* What was prepared before the step was published is seen. */
	return smp_load_acquire(&current_step);
}

static void leave_step(void)
{
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

/*
 * Slices of the step that is published, if one is, until it is complete, no stage
 * with tiles opens for a moment, or @stop tells to leave it to others. Returns
 * whether there may be more to do.
 */
static bool work_on_step(struct llm_slicer *slicer, bool (*stop)(void))
{
	enum llm_tile_result result = LLM_TILE_OVER;
	struct llm_step *step = enter_step();
	bool more = step;
	s64 seen;

	slicer->spent = 0;
	while (more) {
		seen = atomic64_read(&step->cursor);
		result = llm_slice_tiles(slicer, step, call_worker);
		if (result == LLM_TILE_LAST || result == LLM_TILE_OVER) {
			cmpxchg(&current_step, step, NULL);
			break;
		}
		if (result == LLM_TILE_NONE)
			more = stage_opens(step, seen);
		llm_resched();
		if (stop()) {
			/* Somebody else has to open what comes. */
			call_worker();
			llm_slice_count(slicer);
			break;
		}
	}
	atomic64_add(slicer->spent, &step_spent);
	leave_step();
	return more;
}

static bool worker_should_leave(void)
{
	return kthread_should_park() || kthread_should_stop() ||
	       !worker_active(raw_smp_processor_id());
}

static bool lead_should_leave(void)
{
	if (single_task_running() || cpumask_empty(&active_cpus))
		crowded = 0;
	else
		crowded++;
	return crowded > CROWDED_SLICES;
}

/* Computes on this CPU in place of its worker. */
static void lead_step(void)
{
	unsigned int cpu = raw_smp_processor_id();
	bool resting = cpumask_test_and_clear_cpu(cpu, &resting_cpus);

	/* While others are long at the last tiles of a stage. */
	while (!work_on_step(&lead_slicer, lead_should_leave) && READ_ONCE(current_step))
		usleep_range(50, 100);
	if (!resting)
		return;
	if (READ_ONCE(current_step))
		wake_worker(cpu);
	else
		cpumask_set_cpu(cpu, &resting_cpus);
}

/* Others look at a step that is complete for no longer than they have a CPU. */
static void wait_until_left(void)
{
	u64 start = ktime_get_ns();

	while (!step_left() && !need_resched() && !READ_ONCE(current_step) &&
	       ktime_get_ns() - start < SPIN_NS)
		cpu_relax();
	wait_event_idle(step_wait, step_left() || cpumask_empty(&active_cpus));
}

u64 llm_workers_run(struct llm_step *step)
{
	atomic64_set(&step_spent, 0);
	/* The workers see all that was prepared. */
	smp_store_release(&current_step, step);
	do {
		lead_step();
		wait_until_left();
	} while (!step_left());
	return atomic64_read(&step_spent);
}

u32 llm_workers_count(void)
{
	return cpumask_weight(&active_cpus);
}

void llm_workers_lead(struct task_struct *task)
{
	mutex_lock(&worker_lock);
	lead = task;
	place_lead();
	mutex_unlock(&worker_lock);
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

static bool tiles_are_open(void)
{
	struct llm_step *step = enter_step();
	bool open = step && llm_step_open(step);

	leave_step();
	return open;
}

/* Sleeps until there are tiles to claim, or the worker is to leave. */
static void rest(unsigned int cpu)
{
	for (;;) {
		cpumask_set_cpu(cpu, &resting_cpus);
		/* A full barrier: who opens a stage later sees that this one rests. */
		set_current_state(TASK_INTERRUPTIBLE);
		if (worker_should_leave() || tiles_are_open())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	cpumask_clear_cpu(cpu, &resting_cpus);
}

static int worker_should_run(unsigned int cpu)
{
	return worker_active(cpu);
}

static void worker_run(unsigned int cpu)
{
	while (!worker_should_leave()) {
		if (!work_on_step(this_cpu_ptr(worker_slicers), worker_should_leave) ||
		    !spin_for_step())
			rest(cpu);
	}
}

static bool cpu_usable(unsigned int cpu)
{
	return housekeeping_test_cpu(cpu, HK_TYPE_DOMAIN) &&
	       housekeeping_test_cpu(cpu, HK_TYPE_KTHREAD);
}

static void worker_setup(unsigned int cpu)
{
	if (!cpu_usable(cpu))
		return;
	worker_set_present(cpu, true);
	/* Those that are not present yet were left out by set_nice(). */
	mutex_lock(&worker_lock);
	set_user_nice(current, worker_nice);
	mutex_unlock(&worker_lock);
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

/* Parameters can be written until the module is gone. */
static void free_workers(void)
{
	mutex_lock(&worker_lock);
	free_percpu(worker_tasks);
	free_percpu(worker_slicers);
	worker_tasks = NULL;
	mutex_unlock(&worker_lock);
}

int llm_workers_init(void)
{
	int error = -ENOMEM;

	if (cpumask_empty(&allowed_cpus))
		cpumask_copy(&allowed_cpus, cpu_possible_mask);
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
	free_workers();
	return error;
}

void llm_workers_exit(void)
{
	smpboot_unregister_percpu_thread(&worker_threads);
	free_workers();
}
