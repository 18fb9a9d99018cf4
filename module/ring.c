// SPDX-License-Identifier: GPL-2.0
#include "ring.h"

#include <linux/minmax.h>
#include <linux/string.h>
#include <linux/uio.h>

#include "engine/platform.h"

int llm_ring_create(struct llm_ring *ring, u32 size)
{
	ring->bytes = llm_alloc(size);
	if (!ring->bytes)
		return -ENOMEM;
	ring->size = size;
	return 0;
}

void llm_ring_destroy(struct llm_ring *ring)
{
	llm_free_private(ring->bytes, ring->size);
	ring->bytes = NULL;
}

/* Bytes from a position up to the end of the memory, at most @length. */
static u32 straight(const struct llm_ring *ring, u32 at, u32 length)
{
	return min(length, ring->size - (at & (ring->size - 1)));
}

void llm_ring_put(struct llm_ring *ring, const u8 *bytes, u32 length)
{
	u32 first = straight(ring, ring->tail, length);

	memcpy(ring->bytes + (ring->tail & (ring->size - 1)), bytes, first);
	memcpy(ring->bytes, bytes + first, length - first);
	ring->tail += length;
}

u32 llm_ring_copy(const struct llm_ring *ring, u32 head, u32 length, struct iov_iter *to)
{
	u32 first = straight(ring, head, length);
	u32 copied;

	copied = copy_to_iter(ring->bytes + (head & (ring->size - 1)), first, to);
	if (copied == first)
		copied += copy_to_iter(ring->bytes, length - first, to);
	return copied;
}
