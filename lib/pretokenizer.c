// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The expressions are those of the models' tokenizer.json files in the form in
 * which llama.cpp applies them (src/llama-vocab.cpp, src/unicode.cpp): there letters
 * are one class, so that \p{Lu} is \p{L}, spaces beyond ASCII are in no range, and
 * where a whole expression has code of its own, that code counts.
 */
#include <string.h>

#include "macros.h"
#include "pretokenizer.h"

#define CONTRACTIONS	"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
#define LETTERS		"[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define PUNCTUATION	" ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
#define SPACES		"\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define GPT2		"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+" \
			"|\\s+(?!\\S)|\\s+"
#define LLAMA3		CONTRACTIONS "|" LETTERS "|\\p{N}{1,3}|" PUNCTUATION "|" SPACES
#define QWEN2		CONTRACTIONS "|" LETTERS "|\\p{N}|" PUNCTUATION "|" SPACES
/* Words with capitals first, then small letters; what has no case is both. */
#define CAPITALS	"[\\p{L}&&[^a-z]]"
#define SMALL		"[\\p{L}&&[^A-Z]]"
#define BEFORE_WORD	"[^\\r\\n\\p{L}\\p{N}]?"
#define CASED(after)	BEFORE_WORD CAPITALS "*" SMALL "+" after "|" \
			BEFORE_WORD CAPITALS "+" SMALL "*" after
#define CASED_SPACES	" ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" SPACES
#define BLOOM		" ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+"
#define ASCII_SIGNS	"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]"

static const struct pretokenizer pretokenizers[] = {
	{
		.names = {
			"gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es",
			"jina-v2-de", "a.x-4.0", "mellum", "modern-bert", "exaone4",
		},
		.expressions = { GPT2 },
	}, {
		.names = { "roberta-bpe", "jina-v1-en", "jina-v2-code" },
		.expressions = { GPT2 },
		.adds_separator = true,
	}, {
		.names = { "mpt", "olmo", "jais", "trillion", "granite-docling" },
		.expressions = { GPT2 },
	}, {
		.names = {
			"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral",
			"midm-2.0", "lfm2", "jina-v5-nano",
		},
		.expressions = { LLAMA3 },
		.whole_pieces = true,
		.adds_bos = true,
	}, {
		.names = { "dbrx", "smaug-bpe", "glm4", "chatglm-bpe" },
		.expressions = { LLAMA3 },
	}, {
		.names = {
			"qwen2", "stablelm2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez",
			"hunyuan", "solar-open", "grok-2",
		},
		.expressions = { QWEN2 },
	}, {
		.names = { "qwen35" },
		.expressions = {
			CONTRACTIONS "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}"
			"| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" SPACES,
		},
	}, {
		.names = {
			"starcoder", "refact", "command-r", "smollm", "codeshell", "exaone",
			"minerva-7b", "mellum2",
		},
		.expressions = { "\\p{N}", GPT2 },
	}, {
		.names = { "falcon" },
		.expressions = { "[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]" },
	}, {
		.names = { "default" },
		.expressions = {
			"[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]",
		},
	}, {
		.names = { "tekken" },
		.expressions = { CASED("") "|\\p{N}|" CASED_SPACES },
		.whole_pieces = true,
		.adds_bos = true,
	}, {
		.names = { "gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2" },
		.expressions = { CASED(CONTRACTIONS "?") "|\\p{N}{1,3}|" CASED_SPACES },
	}, {
		.names = { "bloom", "poro-chat", "gpt3-finnish" },
		.expressions = { BLOOM },
	}, {
		.names = { "viking" },
		.expressions = { BLOOM, "\\p{N}" },
	}, {
		.names = { "deepseek-coder" },
		.expressions = {
			"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+",
			"[\u0800-\u9fa5\uac00-\ud7ff&&[^\\s]]+", "\\p{N}",
		},
	}, {
		.names = { "deepseek-v3", "hunyuan-dense", "joyai-llm" },
		.expressions = {
			"\\p{N}{1,3}", "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
			ASCII_SIGNS "[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
			"| ?[\\p{P}\\p{S}]+[\\r\\n]*|" SPACES,
		},
	}, {
		.names = { "bailingmoe", "bailingmoe2", "llada-moe" },
		.expressions = {
			"'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|" LETTERS "|\\p{N}|"
			PUNCTUATION "|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
		},
	}, {
		.names = { "seed-coder" },
		.expressions = {
			CONTRACTIONS "|" LETTERS "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+|" SPACES,
		},
	}, {
		.names = { "exaone-moe" },
		.expressions = {
			CONTRACTIONS "|" BEFORE_WORD "(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+"
			"|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+",
		},
	},
};

static bool has_name(const struct pretokenizer *pretokenizer, const char *name, size_t length)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pretokenizer->names) && pretokenizer->names[i]; i++)
		if (strlen(pretokenizer->names[i]) == length &&
		    !memcmp(pretokenizer->names[i], name, length))
			return true;
	return false;
}

const struct pretokenizer *pretokenizer_find(const char *name, size_t length)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pretokenizers); i++)
		if (has_name(&pretokenizers[i], name, length))
			return &pretokenizers[i];
	return NULL;
}
