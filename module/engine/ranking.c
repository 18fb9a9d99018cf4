// SPDX-License-Identifier: GPL-2.0
#include "ranking.h"

static struct llm_text_part piece(const u8 *text)
{
	return (struct llm_text_part) {
		.text = text,
		.length = strnlen((const char *)text, LLM_RANKING_PIECE),
		.flags = LLM_TEXT_SPECIAL,
	};
}

int llm_ranking_tokenize(const struct llm_tokenizer *tokenizer,
			 const struct llm_image_ranking *ranking,
			 const struct llm_text_part *texts, u32 *tokens, u32 room, u32 *count)
{
	const struct llm_text_part parts[] = {
		piece(ranking->before), texts[0], piece(ranking->between), texts[1],
		piece(ranking->after),
	};

	return llm_tokenize_parts(tokenizer, parts, ARRAY_SIZE(parts), LLM_TEXT_SPACE, tokens,
				  room, count);
}
