// SPDX-License-Identifier: GPL-2.0
#include "queue.h"

void llm_queue_init(struct llm_queue *queue)
{
	INIT_LIST_HEAD(&queue->parties);
}

static struct llm_party *find_party(struct llm_queue *queue, kuid_t owner)
{
	struct llm_party *party;

	list_for_each_entry(party, &queue->parties, link)
		if (uid_eq(party->owner, owner))
			return party;
	return NULL;
}

void llm_queue_add(struct llm_queue *queue, struct llm_place *place, kuid_t owner)
{
	struct llm_party *party = find_party(queue, owner);

	if (!party) {
		party = &place->spare;
		party->owner = owner;
		INIT_LIST_HEAD(&party->places);
		list_add_tail(&party->link, &queue->parties);
	}
	place->party = party;
	list_add_tail(&place->link, &party->places);
}

/* The party lies in a place that goes: moves it into one that stays. */
static void move_party(struct llm_party *party)
{
	struct llm_place *heir = list_first_entry(&party->places, struct llm_place, link);
	struct llm_party *to = &heir->spare;
	struct llm_place *place;

	to->owner = party->owner;
	list_replace(&party->link, &to->link);
	list_replace(&party->places, &to->places);
	list_for_each_entry(place, &to->places, link)
		place->party = to;
}

void llm_queue_remove(struct llm_place *place)
{
	struct llm_party *party = place->party;

	list_del(&place->link);
	if (list_empty(&party->places))
		list_del(&party->link);
	else if (party == &place->spare)
		move_party(party);
}

void llm_queue_served(struct llm_queue *queue, struct llm_place *place)
{
	list_move_tail(&place->link, &place->party->places);
	list_move_tail(&place->party->link, &queue->parties);
}

void llm_queue_rewind(struct llm_queue *queue)
{
	struct llm_party *party;

	list_for_each_entry(party, &queue->parties, link)
		party->next = party->places.next;
}

struct llm_place *llm_queue_next(struct llm_party *party)
{
	struct llm_place *place;

	if (party->next == &party->places)
		return NULL;
	place = list_entry(party->next, struct llm_place, link);
	party->next = place->link.next;
	return place;
}
