// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/mempolicy.h>

#include "interleave.h"

/* No kernel can be built for more nodes; get_mempolicy(2) wants room for all of its own. */
#define MOST_NODES	1024
/* The kernel takes the number of bits for one more than there are. */
#define MASK_BITS	(MOST_NODES + 1UL)

/*
 * The calls fail where the kernel knows no nodes, or a sandbox forbids them: then the
 * memory is where it comes from by itself. glibc has no wrappers for them.
 */
bool llmctl_interleave_begin(void)
{
	unsigned long nodes[MOST_NODES / (CHAR_BIT * sizeof(long))] = { 0 };
	int policy;

	if (syscall(SYS_get_mempolicy, &policy, NULL, 0UL, NULL, 0UL) || policy != MPOL_DEFAULT)
		return false;
	if (syscall(SYS_get_mempolicy, NULL, nodes, MASK_BITS, NULL, MPOL_F_MEMS_ALLOWED + 0UL))
		return false;
	return !syscall(SYS_set_mempolicy, MPOL_INTERLEAVE, nodes, MASK_BITS);
}

void llmctl_interleave_end(bool begun)
{
	int code = errno;

	if (begun)
		syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0UL);
	errno = code;
}
