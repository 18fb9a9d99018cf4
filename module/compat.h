/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels the module is built for, 6.1 to 7.3. No
 * other file asks for the kernel's version.
 */
#ifndef LLM_COMPAT_H
#define LLM_COMPAT_H

#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/version.h>

/* From 6.10 on, but never in User-Mode Linux. */
#ifdef CONFIG_ARCH_HAS_KERNEL_FPU_SUPPORT
#include <linux/fpu.h>
#else
#include <asm/fpu/api.h>
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
static inline void llm_vm_flags_mod(struct vm_area_struct *vma, unsigned long set,
				    unsigned long clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}

#define vm_flags_mod llm_vm_flags_mod
#endif

/**
 * llm_resched() - a place where a thread that could go on gives way
 *
 * With lazy preemption (6.13 and later) cond_resched() does nothing and
 * need_resched() does not tell of a task that waits to run, so look for that too.
 */
static inline void llm_resched(void)
{
	cond_resched();
#ifdef HAVE_TIF_NEED_RESCHED_LAZY
	if (test_thread_flag(TIF_NEED_RESCHED_LAZY))
		schedule();
#endif
}

#endif /* LLM_COMPAT_H */
