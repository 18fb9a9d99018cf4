// SPDX-License-Identifier: GPL-2.0
#include "chat.h"

/* Pieces and messages that a turn has at most. */
#define MAX_PARTS	5

static struct llm_text_part piece(const u8 *text)
{
	return (struct llm_text_part) {
		.text = text,
		.length = strnlen((const char *)text, LLM_CHAT_PIECE),
		.flags = LLM_TEXT_SPECIAL,
	};
}

static bool is_white_space(u8 byte)
{
	return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* Nobody means the newline at the end of a line or a file. */
static struct llm_text_part message(const struct llm_chat_turn *turn, const u8 *text, u32 length)
{
	if (turn->chat->flags & LLM_CHAT_TRIM) {
		while (length && is_white_space(*text)) {
			text++;
			length--;
		}
		while (length && is_white_space(text[length - 1]))
			length--;
	} else if (length && text[length - 1] == '\n') {
		length--;
	}
	return (struct llm_text_part) {
		.text = text,
		.length = length,
		.flags = turn->special ? LLM_TEXT_SPECIAL : 0,
	};
}

static u32 find_parts(const struct llm_chat_turn *turn, struct llm_text_part *parts)
{
	const struct llm_image_chat *chat = turn->chat;
	u32 count = 0;

	if (turn->first && turn->system) {
		parts[count++] = piece(chat->system);
		parts[count++] = message(turn, turn->system, turn->system_length);
		parts[count++] = piece(chat->system_end);
	} else {
		parts[count++] = piece(turn->first ? chat->first : chat->next);
	}
	parts[count++] = message(turn, turn->text, turn->length);
	parts[count++] = piece(chat->reply);
	return count;
}

u32 llm_chat_length(const struct llm_chat_turn *turn)
{
	return MAX_PARTS * LLM_CHAT_PIECE + turn->system_length + turn->length;
}

int llm_chat_tokenize(const struct llm_tokenizer *tokenizer, const struct llm_chat_turn *turn,
		      u32 *tokens, u32 room, u32 *count)
{
	struct llm_text_part parts[MAX_PARTS];
	u32 part_count = find_parts(turn, parts);

	return llm_tokenize_parts(tokenizer, parts, part_count, turn->first ? LLM_TEXT_BEGIN : 0,
				  tokens, room, count);
}
