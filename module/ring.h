/* SPDX-License-Identifier: GPL-2.0 */
#ifndef LLM_RING_H
#define LLM_RING_H

#include <linux/types.h>

struct iov_iter;

/**
 * struct llm_ring - bytes on their way from one writer to one reader
 * @bytes: where they are, or NULL before llm_ring_create()
 * @size: room in all, a power of two
 * @head: bytes taken since the beginning, modulo 2^32; the reader's
 * @tail: bytes put since the beginning, modulo 2^32; the writer's
 *
 * The owner's lock protects @head and @tail; bytes between them change for the
 * reader only, the others for the writer only.
 */
struct llm_ring {
	u8 *bytes;
	u32 size;
	u32 head;
	u32 tail;
};

/**
 * llm_ring_create() - an empty ring
 * @ring: a zeroed ring
 * @size: room, a power of two
 *
 * Return: 0 or -ENOMEM.
 */
int llm_ring_create(struct llm_ring *ring, u32 size);

/**
 * llm_ring_destroy() - frees its memory, cleared
 * @ring: the ring, or a zeroed one
 */
void llm_ring_destroy(struct llm_ring *ring);

/** llm_ring_used() - bytes there are; under the owner's lock. */
static inline u32 llm_ring_used(const struct llm_ring *ring)
{
	return ring->tail - ring->head;
}

/** llm_ring_room() - bytes that can be put; under the owner's lock. */
static inline u32 llm_ring_room(const struct llm_ring *ring)
{
	return ring->size - llm_ring_used(ring);
}

/**
 * llm_ring_put() - adds bytes; under the owner's lock
 * @ring: ring
 * @bytes: bytes
 * @length: how many, at most llm_ring_room()
 */
void llm_ring_put(struct llm_ring *ring, const u8 *bytes, u32 length);

/**
 * llm_ring_copy() - copies the oldest bytes to a reader; without the lock
 * @ring: ring
 * @head: @ring->head; only the caller changes it
 * @length: how many, at most what llm_ring_used() returned
 * @to: where to; may fault
 *
 * Return: bytes copied. The caller adds them to @ring->head under the lock.
 */
u32 llm_ring_copy(const struct llm_ring *ring, u32 head, u32 length, struct iov_iter *to);

#endif /* LLM_RING_H */
