// SPDX-License-Identifier: GPL-2.0
#include "reply.h"

static void find_borders(const struct llm_stop *stop, u8 *border)
{
	u32 length = 0;
	u32 i;

	border[0] = 0;
	for (i = 1; i < stop->length; i++) {
		while (length && stop->bytes[i] != stop->bytes[length])
			length = border[length - 1];
		if (stop->bytes[i] == stop->bytes[length])
			length++;
		border[i] = length;
	}
}

void llm_reply_begin(struct llm_reply *reply, const struct llm_stop *stops, u32 stop_count)
{
	u32 i;

	reply->stops = stops;
	reply->stop_count = stop_count;
	reply->held_length = 0;
	for (i = 0; i < stop_count; i++) {
		reply->matched[i] = 0;
		find_borders(&stops[i], reply->border[i]);
	}
}

/* Returns whether the stop string is complete with this byte. */
static bool match_byte(struct llm_reply *reply, u32 number, u8 byte)
{
	const struct llm_stop *stop = &reply->stops[number];
	u32 matched = reply->matched[number];

	while (matched && stop->bytes[matched] != byte)
		matched = reply->border[number][matched - 1];
	if (stop->bytes[matched] == byte)
		matched++;
	reply->matched[number] = matched;
	return matched == stop->length;
}

/* Returns the length of the longest stop string that is complete with this byte. */
static u32 match_stops(struct llm_reply *reply, u8 byte)
{
	u32 longest = 0;
	u32 i;

	for (i = 0; i < reply->stop_count; i++)
		if (match_byte(reply, i, byte))
			longest = max(longest, reply->stops[i].length);
	return longest;
}

static u32 character_length(u8 first)
{
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	return first >= 0xf0 && first < 0xf5 ? 4 : 1;
}

/* Bytes at the end that begin a character without finishing it, 0..3. */
static u32 unfinished(const u8 *bytes, u32 length)
{
	u32 back;

	for (back = 1; back <= min(length, 3U); back++) {
		u8 byte = bytes[length - back];

		if ((byte & 0xc0) != 0x80)
			return character_length(byte) > back ? back : 0;
	}
	return 0;
}

bool llm_reply_add(struct llm_reply *reply, const u8 *bytes, u32 length, u32 *ready)
{
	u32 begun = 0;
	u32 stop, i;

	for (i = 0; i < length; i++) {
		reply->held[reply->held_length++] = bytes[i];
		stop = match_stops(reply, bytes[i]);
		if (stop) {
			reply->held_length -= stop;
			*ready = reply->held_length;
			return true;
		}
	}
	for (i = 0; i < reply->stop_count; i++)
		begun = max_t(u32, begun, reply->matched[i]);
	*ready = reply->held_length - begun;
	*ready -= unfinished(reply->held, *ready);
	return false;
}

void llm_reply_shown(struct llm_reply *reply, u32 count)
{
	reply->held_length -= count;
	memmove(reply->held, reply->held + count, reply->held_length);
}

u32 llm_reply_end(struct llm_reply *reply)
{
	return reply->held_length;
}
