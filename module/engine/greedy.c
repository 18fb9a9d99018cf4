// SPDX-License-Identifier: GPL-2.0
#include "greedy.h"

#define RELAX_EVERY	1024

int llm_greedy_init(struct llm_greedy *greedy, const struct llm_image *image,
		    struct llm_error *error)
{
	u32 end, i;
	int err;
	u8 byte;

	greedy->unknown = image->tokenizer.unknown;
	err = llm_trie_init(&greedy->trie, image, 1U << LLM_TOKEN_NORMAL, error);
	for (i = 0; i < 256 && !err && greedy->unknown == LLM_IMAGE_NONE; i++) {
		byte = i;
		if (llm_trie_longest(&greedy->trie, &byte, 1, 0, &end) == LLM_IMAGE_NONE)
			err = llm_refuse(error, -EINVAL,
					 "vocabulary: no token for byte %#04x, and none for the unknown",
					 i);
	}
	return err;
}

void llm_greedy_destroy(struct llm_greedy *greedy)
{
	llm_trie_destroy(&greedy->trie);
}

void llm_greedy_tokenize(const struct llm_greedy *greedy, const u8 *text, u32 length,
			 struct llm_token_list *list)
{
	u32 steps = 0;
	u32 at = 0;
	u32 token, end;

	while (at < length) {
		end = at + 1;
		token = llm_trie_longest(&greedy->trie, text, length, at, &end);
		llm_token_list_add(list, token == LLM_IMAGE_NONE ? greedy->unknown : token);
		at = end;
		if (++steps % RELAX_EVERY == 0)
			llm_relax_long();
	}
}
