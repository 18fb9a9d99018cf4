/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whose turn it is: users in a circle, and the jobs of each user in a circle.
 */
#ifndef LLM_QUEUE_H
#define LLM_QUEUE_H

#include <linux/list.h>
#include <linux/types.h>
#include <linux/uidgid.h>

struct llm_place;

/**
 * struct llm_party - a user in the queue
 * @link: in the queue, the next one's turn first
 * @places: jobs of the user, the next one's turn first
 * @owner: the user
 * @next: where llm_queue_next() goes on in @places
 */
struct llm_party {
	struct list_head link;
	struct list_head places;
	kuid_t owner;
	struct list_head *next;
};

/**
 * struct llm_place - a job in the queue
 * @link: in the party's places
 * @party: party of the job's user
 * @spare: memory for a party: that of @party lies in a place of its own, so that
 *	nothing is allocated
 */
struct llm_place {
	struct list_head link;
	struct llm_party *party;
	struct llm_party spare;
};

/**
 * struct llm_queue - the queue
 * @parties: users, the next one's turn first
 *
 * Not locked.
 */
struct llm_queue {
	struct list_head parties;
};

/**
 * llm_queue_init() - an empty queue
 * @queue: queue
 */
void llm_queue_init(struct llm_queue *queue);

/**
 * llm_queue_add() - adds a job, as the last of its user
 * @queue: queue
 * @place: the job's
 * @owner: its user, who is the last if there was no job of his
 */
void llm_queue_add(struct llm_queue *queue, struct llm_place *place, kuid_t owner);

/**
 * llm_queue_remove() - removes a job
 * @place: the job's
 *
 * Not while a walk with llm_queue_next() is under way.
 */
void llm_queue_remove(struct llm_place *place);

/**
 * llm_queue_served() - a job and its user had their turn and are the last now
 * @queue: queue
 * @place: the job's
 */
void llm_queue_served(struct llm_queue *queue, struct llm_place *place);

/**
 * llm_queue_rewind() - starts walks over the jobs of all users
 * @queue: queue
 */
void llm_queue_rewind(struct llm_queue *queue);

/**
 * llm_queue_next() - the next job of a user in the walk
 * @party: user
 *
 * Return: the job's place, or NULL after the last.
 */
struct llm_place *llm_queue_next(struct llm_party *party);

#endif /* LLM_QUEUE_H */
