// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Chat templates. A model file has its template as a Jinja program; what that program
 * does is told by what occurs in it, as llama.cpp does (llm_chat_detect_template()),
 * and what stands around messages is a row of this table.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_template.h"

/**
 * struct template - one way to put messages together
 * @name: what llama.cpp calls it
 * @flags: LLM_CHAT_*
 * @first: see struct llm_image_chat, as all below
 * @system: before the system message
 * @system_end: after it
 * @reply: before a reply
 * @next: after it
 */
struct template {
	const char *name;
	__u32 flags;
	const char *first;
	const char *system;
	const char *system_end;
	const char *reply;
	const char *next;
};

static const struct template templates[] = {
	{ "bailing", 0,
	  "<role>HUMAN</role>",
	  "<role>SYSTEM</role>", "<role>HUMAN</role>",
	  "<role>ASSISTANT</role>", "<role>HUMAN</role>" },
	{ "bailing-think", 0,
	  "<role>HUMAN</role>",
	  "<role>SYSTEM</role>", "<role>HUMAN</role>",
	  "<role>ASSISTANT</role><think>", "<role>HUMAN</role>" },
	{ "bailing2", 0,
	  "<role>SYSTEM</role>detailed thinking off<|role_end|><role>HUMAN</role>",
	  "<role>SYSTEM</role>", "<|role_end|><role>HUMAN</role>",
	  "<|role_end|><role>ASSISTANT</role>", "<|role_end|><role>HUMAN</role>" },
	{ "chatglm3", 0,
	  "[gMASK]sop<|user|>\n ",
	  "[gMASK]sop<|system|>\n ", "<|user|>\n ",
	  "<|assistant|>", "<|user|>\n " },
	{ "chatglm4", 0,
	  "[gMASK]<sop><|user|>\n",
	  "[gMASK]<sop><|system|>\n", "<|user|>\n",
	  "<|assistant|>\n", "<|user|>\n" },
	{ "chatml", 0,
	  "<|im_start|>user\n",
	  "<|im_start|>system\n", "<|im_end|>\n<|im_start|>user\n",
	  "<|im_end|>\n<|im_start|>assistant\n", "<|im_end|>\n<|im_start|>user\n" },
	{ "command-r", LLM_CHAT_TRIM,
	  "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>",
	  "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>",
	  "<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>",
	  "<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
	  "<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>" },
	{ "deepseek", 0,
	  "### Instruction:\n",
	  "", "### Instruction:\n",
	  "\n### Response:\n", "\n<|EOT|>\n### Instruction:\n" },
	{ "deepseek2", 0,
	  "User: ",
	  "", "\n\nUser: ",
	  "\n\nAssistant:", "<｜end▁of▁sentence｜>User: " },
	{ "deepseek3", 0,
	  "<｜User｜>",
	  "", "\n\n<｜User｜>",
	  "<｜Assistant｜>", "<｜end▁of▁sentence｜><｜User｜>" },
	{ "dots1", 0,
	  "<|userprompt|>",
	  "<|system|>", "<|endofsystem|><|userprompt|>",
	  "<|endofuserprompt|><|response|>", "<|endofresponse|><|userprompt|>" },
	{ "exaone-moe", LLM_CHAT_TRIM,
	  "<|user|>\n",
	  "<|system|>\n", "<|endofturn|>\n<|user|>\n",
	  "<|endofturn|>\n<|assistant|>\n", "<|endofturn|>\n<|user|>\n" },
	{ "exaone3", LLM_CHAT_TRIM,
	  "[|user|]",
	  "[|system|]", "[|endofturn|]\n[|user|]",
	  "\n[|assistant|]", "[|endofturn|]\n[|user|]" },
	{ "exaone4", LLM_CHAT_TRIM,
	  "[|user|]",
	  "[|system|]", "[|endofturn|]\n[|user|]",
	  "\n[|assistant|]", "[|endofturn|]\n[|user|]" },
	{ "falcon3", 0,
	  "<|user|>\n",
	  "<|system|>\n", "\n<|user|>\n",
	  "\n<|assistant|>\n", "\n<|user|>\n" },
	{ "gemma", LLM_CHAT_TRIM,
	  "<start_of_turn>user\n",
	  "<start_of_turn>user\n", "\n\n",
	  "<end_of_turn>\n<start_of_turn>model\n", "<end_of_turn>\n<start_of_turn>user\n" },
	{ "gigachat", 0,
	  "<s>user<|role_sep|>",
	  "<s>", "<|message_sep|>user<|role_sep|>",
	  "<|message_sep|>available functions<|role_sep|>[]<|message_sep|>assistant<|role_sep|>",
	  "<|message_sep|>user<|role_sep|>" },
	{ "glmedge", 0,
	  "<|user|>\n",
	  "<|system|>\n", "<|user|>\n",
	  "<|assistant|>", "<|user|>\n" },
	{ "gpt-oss", 0,
	  "<|start|>user<|message|>",
	  "<|start|>system<|message|>", "<|end|><|start|>user<|message|>",
	  "<|end|><|start|>assistant", "<|return|><|start|>user<|message|>" },
	{ "granite", 0,
	  "<|start_of_role|>user<|end_of_role|>",
	  "<|start_of_role|>system<|end_of_role|>",
	  "<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>",
	  "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
	  "<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>" },
	{ "grok-2", LLM_CHAT_TRIM,
	  "Human: ",
	  "System: ", "<|separator|>\n\nHuman: ",
	  "<|separator|>\n\nAssistant:", "<|separator|>\n\nHuman: " },
	{ "hunyuan-dense", 0,
	  "<｜hy_User｜>",
	  "", "<｜hy_place▁holder▁no▁3｜><｜hy_User｜>",
	  "<｜hy_Assistant｜>", "<｜hy_place▁holder▁no▁2｜><｜hy_User｜>" },
	{ "hunyuan-moe", 0,
	  "<|startoftext|>",
	  "<|startoftext|>", "<|extra_4|><|startoftext|>",
	  "<|extra_0|>", "<|eos|><|startoftext|>" },
	{ "hunyuan-vl", 0,
	  "<｜hy_begin▁of▁sentence｜>",
	  "<｜hy_begin▁of▁sentence｜>", "<｜hy_place▁holder▁no▁3｜>",
	  "<｜hy_User｜>", "<｜hy_Assistant｜>" },
	{ "kimi-k2", 0,
	  "<|im_user|>user<|im_middle|>",
	  "<|im_system|>system<|im_middle|>", "<|im_end|><|im_user|>user<|im_middle|>",
	  "<|im_end|><|im_assistant|>assistant<|im_middle|>",
	  "<|im_end|><|im_user|>user<|im_middle|>" },
	{ "llama2", 0,
	  "[INST] ",
	  "[INST] ", "\n",
	  " [/INST]", "</s>[INST] " },
	{ "llama2-sys", 0,
	  "[INST] ",
	  "[INST] <<SYS>>\n", "\n<</SYS>>\n\n",
	  " [/INST]", "</s>[INST] " },
	{ "llama2-sys-bos", 0,
	  "[INST] ",
	  "[INST] <<SYS>>\n", "\n<</SYS>>\n\n",
	  " [/INST]", "</s><s>[INST] " },
	{ "llama2-sys-strip", LLM_CHAT_TRIM,
	  "[INST] ",
	  "[INST] <<SYS>>\n", "\n<</SYS>>\n\n",
	  " [/INST]", "</s>[INST] " },
	{ "llama3", LLM_CHAT_TRIM,
	  "<|start_header_id|>user<|end_header_id|>\n\n",
	  "<|start_header_id|>system<|end_header_id|>\n\n",
	  "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n",
	  "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
	  "<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n" },
	{ "llama4", LLM_CHAT_TRIM,
	  "<|header_start|>user<|header_end|>\n\n",
	  "<|header_start|>system<|header_end|>\n\n",
	  "<|eot|><|header_start|>user<|header_end|>\n\n",
	  "<|eot|><|header_start|>assistant<|header_end|>\n\n",
	  "<|eot|><|header_start|>user<|header_end|>\n\n" },
	{ "megrez", 0,
	  "<|role_start|>user<|role_end|>",
	  "<|role_start|>system<|role_end|>", "<|turn_end|><|role_start|>user<|role_end|>",
	  "<|turn_end|><|role_start|>assistant<|role_end|>",
	  "<|turn_end|><|role_start|>user<|role_end|>" },
	{ "minicpm", LLM_CHAT_TRIM,
	  "<用户>",
	  "", "<用户>",
	  "<AI>", "<用户>" },
	{ "mistral-v1", 0,
	  " [INST] ",
	  " [INST] ", "\n\n",
	  " [/INST]", "</s> [INST] " },
	{ "mistral-v3", 0,
	  "[INST] ",
	  "[INST] ", "\n\n",
	  "[/INST]", "</s>[INST] " },
	{ "mistral-v3-tekken", 0,
	  "[INST]",
	  "[INST]", "\n\n",
	  "[/INST]", "</s>[INST]" },
	{ "mistral-v7", 0,
	  "[INST] ",
	  "[SYSTEM_PROMPT] ", "[/SYSTEM_PROMPT][INST] ",
	  "[/INST]", "</s>[INST] " },
	{ "mistral-v7-tekken", 0,
	  "[INST]",
	  "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT][INST]",
	  "[/INST]", "</s>[INST]" },
	{ "monarch", 0,
	  "user\n",
	  "system\n", "</s>\n<s>user\n",
	  "</s>\n<s>assistant\n", "</s>\n<s>user\n" },
	{ "openchat", 0,
	  "GPT4 Correct User: ",
	  "", "<|end_of_turn|>GPT4 Correct User: ",
	  "<|end_of_turn|>GPT4 Correct Assistant:", "<|end_of_turn|>GPT4 Correct User: " },
	{ "orion", 0,
	  "Human: ",
	  "Human: ", "\n\n",
	  "\n\nAssistant: </s>", "</s>Human: " },
	{ "pangu-embedded", 0,
	  "[unused9]系统：[unused10][unused9]用户：",
	  "[unused9]系统：", "[unused10][unused9]用户：",
	  "[unused10][unused9]助手：", "[unused10][unused9]用户：" },
	{ "phi3", 0,
	  "<|user|>\n",
	  "<|system|>\n", "<|end|>\n<|user|>\n",
	  "<|end|>\n<|assistant|>\n", "<|end|>\n<|user|>\n" },
	{ "phi4", 0,
	  "<|im_start|>user<|im_sep|>",
	  "<|im_start|>system<|im_sep|>", "<|im_end|><|im_start|>user<|im_sep|>",
	  "<|im_end|><|im_start|>assistant<|im_sep|>", "<|im_end|><|im_start|>user<|im_sep|>" },
	{ "rwkv-world", LLM_CHAT_TRIM,
	  "User: ",
	  "System: ", "\n\nUser: ",
	  "\n\nAssistant:", "\n\nUser: " },
	{ "seed_oss", 0,
	  "<seed:bos>user\n",
	  "<seed:bos>system\n", "<seed:eos><seed:bos>user\n",
	  "<seed:eos><seed:bos>assistant\n", "<seed:eos><seed:bos>user\n" },
	{ "smolvlm", 0,
	  "<|im_start|>User: ",
	  "<|im_start|>", "\n\nUser: ",
	  "<end_of_utterance>\nAssistant:", "<end_of_utterance>\nUser: " },
	{ "solar-open", 0,
	  "<|begin|>user<|content|>",
	  "<|begin|>system<|content|>", "<|end|><|begin|>user<|content|>",
	  "<|end|><|begin|>assistant", "<|end|><|begin|>user<|content|>" },
	{ "vicuna", 0,
	  "USER: ",
	  "", "\n\nUSER: ",
	  "\nASSISTANT:", "</s>\nUSER: " },
	{ "vicuna-orca", 0,
	  "USER: ",
	  "SYSTEM: ", "\nUSER: ",
	  "\nASSISTANT:", "</s>\nUSER: " },
	{ "zephyr", 0,
	  "<|user|>\n",
	  "<|system|>\n", "<|endoftext|>\n<|user|>\n",
	  "<|endoftext|>\n<|assistant|>\n", "<|endoftext|>\n<|user|>\n" },
};

/**
 * struct sign - what tells which template a Jinja program is
 * @texts: all of these occur in it
 * @name: of the template; NULL: of one that is not in the table
 */
struct sign {
	const char *texts[4];
	const char *name;
};

/* The first whose texts all occur counts. */
static const struct sign signs[] = {
	{ { "<|im_start|>", "<|im_sep|>" }, "phi4" },
	{ { "<|im_start|>", "<end_of_utterance>" }, "smolvlm" },
	{ { "<|im_start|>" }, "chatml" },
	{ { "[INST]", "[SYSTEM_PROMPT]" }, "mistral-v7" },
	{ { "' [INST] ' + system_message" }, "mistral-v1" },
	{ { "[AVAILABLE_TOOLS]", " [INST]" }, "mistral-v1" },
	{ { "[AVAILABLE_TOOLS]", "\"[INST]\"" }, "mistral-v3-tekken" },
	{ { "[INST]", "[AVAILABLE_TOOLS]" }, "mistral-v3" },
	{ { "[INST]", "content.strip()" }, "llama2-sys-strip" },
	{ { "bos_token + '[INST]" }, "llama2-sys-bos" },
	{ { "[INST]", "<<SYS>>" }, "llama2-sys" },
	{ { "[INST]" }, "llama2" },
	{ { "<|assistant|>", "<|end|>" }, "phi3" },
	{ { "[gMASK]<sop>" }, "chatglm4" },
	{ { "<|assistant|>", "<|user|>", "<|tool_declare|>" }, "exaone-moe" },
	{ { "<|assistant|>", "<|user|>", "</s>" }, "falcon3" },
	{ { "<|assistant|>", "<|user|>" }, "glmedge" },
	{ { "<|{{ item['role'] }}|>", "<|begin_of_image|>" }, "glmedge" },
	{ { "<|user|>", "<|endoftext|>" }, "zephyr" },
	{ { "bos_token + message['role']" }, "monarch" },
	{ { "<start_of_turn>" }, "gemma" },
	{ { "'\\n\\nAssistant: ' + eos_token" }, "orion" },
	{ { "GPT4 Correct " }, "openchat" },
	{ { "USER: ", "ASSISTANT: ", "SYSTEM: " }, "vicuna-orca" },
	{ { "USER: ", "ASSISTANT: " }, "vicuna" },
	{ { "### Instruction:", "<|EOT|>" }, "deepseek" },
	{ { "<|START_OF_TURN_TOKEN|>", "<|USER_TOKEN|>" }, "command-r" },
	{ { "<|start_header_id|>", "<|end_header_id|>" }, "llama3" },
	{ { "[gMASK]sop" }, "chatglm3" },
	{ { "<用户>" }, "minicpm" },
	{ { "'Assistant: ' + message['content'] + eos_token" }, "deepseek2" },
	{ { "<｜Assistant｜>", "<｜User｜>", "<｜end▁of▁sentence｜>" }, "deepseek3" },
	{ { "[|system|]", "[|assistant|]", "[|endofturn|]", "[|tool|]" }, "exaone4" },
	{ { "[|system|]", "[|assistant|]", "[|endofturn|]" }, "exaone3" },
	{ { "rwkv-world" }, "rwkv-world" },
	{ { "{{- 'User: ' + message['content']|trim + '\\n\\n' -}}" }, "rwkv-world" },
	{ { "<|start_of_role|>" }, "granite" },
	{ { "message['role'] + additional_special_tokens[0] + "
	    "message['content'] + additional_special_tokens[1]" }, "gigachat" },
	{ { "<|role_start|>" }, "megrez" },
	{ { " Ассистент:" }, NULL },
	{ { "<role>ASSISTANT</role>", "'HUMAN'" }, "bailing" },
	{ { "<role>ASSISTANT</role>", "\"HUMAN\"", "<think>" }, "bailing-think" },
	{ { "<role>ASSISTANT</role>", "<role>HUMAN</role>", "<|role_end|>" }, "bailing2" },
	{ { "<|header_start|>", "<|header_end|>" }, "llama4" },
	{ { "<|endofuserprompt|>" }, "dots1" },
	{ { "<|extra_0|>", "<|extra_4|>" }, "hunyuan-moe" },
	{ { "<|start|>", "<|channel|>" }, "gpt-oss" },
	{ { "<｜hy_Assistant｜>", "<｜hy_begin▁of▁sentence｜>" }, "hunyuan-vl" },
	{ { "<｜hy_Assistant｜>", "<｜hy_place▁holder▁no▁3｜>" }, "hunyuan-dense" },
	{ { "<|im_assistant|>assistant<|im_middle|>" }, "kimi-k2" },
	{ { "<seed:bos>" }, "seed_oss" },
	{ { "'Assistant: '  + message['content'] + '<|separator|>" }, "grok-2" },
	{ { "[unused9]系统：[unused10]" }, "pangu-embedded" },
	{ { "<|begin|>", "<|end|>", "<|content|>" }, "solar-open" },
};

/* Other names of llama.cpp's, of what differs from these in tools alone. */
static const struct {
	const char *name;
	const char *other;
} others[] = {
	{ "granite-4.0", "granite" },
	{ "granite-4.1", "granite" },
};

static const struct template *find_template(const char *name, size_t length)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		if (gguf_text_is(name, length, others[i].name)) {
			name = others[i].other;
			length = strlen(name);
		}
	}
	for (i = 0; i < ARRAY_SIZE(templates); i++)
		if (gguf_text_is(name, length, templates[i].name))
			return &templates[i];
	return NULL;
}

/* Into a field that is zero. */
static void put(__u8 *to, size_t size, const char *text)
{
	snprintf((char *)to, size, "%s", text);
}

static void fill(struct llm_image_chat *chat, const struct template *template)
{
	*chat = (struct llm_image_chat) { .flags = template->flags };
	put(chat->name, sizeof(chat->name), template->name);
	put(chat->first, sizeof(chat->first), template->first);
	put(chat->system, sizeof(chat->system), template->system);
	put(chat->system_end, sizeof(chat->system_end), template->system_end);
	put(chat->reply, sizeof(chat->reply), template->reply);
	put(chat->next, sizeof(chat->next), template->next);
}

static bool all_occur(const struct sign *sign, const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sign->texts) && sign->texts[i]; i++)
		if (!memmem(text, length, sign->texts[i], strlen(sign->texts[i])))
			return false;
	return true;
}

void chat_recognise(struct llm_image_chat *chat, const char *text, size_t length)
{
	const struct template *template = find_template(text, length);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(signs) && !template; i++) {
		if (!all_occur(&signs[i], text, length))
			continue;
		if (signs[i].name)
			template = find_template(signs[i].name, strlen(signs[i].name));
		break;
	}
	*chat = (struct llm_image_chat) { .flags = LLM_CHAT_UNKNOWN };
	if (template)
		fill(chat, template);
}

int llmctl_chat(struct llm_image_chat *chat, const char *name, struct llmctl_error *error)
{
	const struct template *template = find_template(name, strlen(name));

	if (!template)
		return llmctl_fail(error, EINVAL,
				   "no chat template is called '%.32s'; names are llama.cpp's, such as chatml, llama3 and gemma",
				   name);
	fill(chat, template);
	return 0;
}

/**
 * struct marker - a token that may be found whole in a text
 * @number: token
 * @length: bytes of its text
 */
struct marker {
	__u32 number;
	__u32 length;
};

static int by_falling_length(const void *a, const void *b)
{
	const struct marker *x = a, *y = b;

	if (x->length != y->length)
		return x->length < y->length ? 1 : -1;
	return x->number < y->number ? -1 : 1;
}

static bool is_white_space(const char *text, size_t length)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (!strchr(" \t\n\v\f\r", text[i]))
			return false;
	return true;
}

/* What is white space belongs to any text. */
static size_t find_markers(const struct compile *c, struct marker *markers)
{
	size_t count = 0;
	__u32 i;

	for (i = 0; i < c->writer.model.vocab_size; i++) {
		const struct llm_image_token *token = image_token(&c->writer, i);

		if ((token->kind == LLM_TOKEN_USER || token->kind == LLM_TOKEN_CONTROL) &&
		    token->length < LLM_CHAT_PIECE &&
		    !is_white_space((char *)c->writer.strings.bytes + token->offset,
				    token->length))
			markers[count++] = (struct marker) { i, token->length };
	}
	qsort(markers, count, sizeof(*markers), by_falling_length);
	return count;
}

/*
 * Makes control tokens of those that a tokenizer would find in a text of the template;
 * returns the one at its start, or NULL.
 */
static struct llm_image_token *own_text(struct compile *c, const struct marker *markers,
					size_t count, const __u8 *text)
{
	char taken[LLM_CHAT_PIECE] = { 0 };
	size_t length = strlen((const char *)text), at, i;
	struct llm_image_token *start = NULL;

	for (i = 0; i < count; i++) {
		struct llm_image_token *token = image_token(&c->writer, markers[i].number);

		for (at = 0; at + token->length <= length; at++) {
			if (memcmp(text + at, c->writer.strings.bytes + token->offset,
				   token->length) ||
			    memchr(taken + at, 1, token->length))
				continue;
			memset(taken + at, 1, token->length);
			token->kind = LLM_TOKEN_CONTROL;
			if (!at)
				start = token;
		}
	}
	return start;
}

/*
 * Many files have a template's tokens as tokens of the user, which are found in any
 * text: somebody could write the beginning of a system message. And where a reply is
 * followed by a token, that one ends it.
 */
static void own_tokens(struct compile *c)
{
	const struct llm_image_chat *chat = &c->writer.chat;
	struct marker *markers = calloc(c->writer.model.vocab_size, sizeof(*markers));
	struct llm_image_token *end;
	size_t count;

	if (!markers) {
		compile_fail(c, ENOMEM, "not enough memory");
		return;
	}
	count = find_markers(c, markers);
	own_text(c, markers, count, chat->first);
	own_text(c, markers, count, chat->system);
	own_text(c, markers, count, chat->system_end);
	own_text(c, markers, count, chat->reply);
	end = own_text(c, markers, count, chat->next);
	if (end)
		end->flags |= LLM_TOKEN_ENDS;
	free(markers);
}

/* Whether there is a template, and if so what it is like. */
static bool find_chat(struct compile *c)
{
	const char *text;
	__u64 length;
	int found;

	if (c->template) {
		if (!strcmp(c->template, "none"))
			return false;
		c->code = llmctl_chat(&c->writer.chat, c->template, c->error);
		return !c->code;
	}
	found = gguf_get_string(c->gguf, "tokenizer.chat_template", &text, &length, c->error);
	if (found < 0)
		c->code = found;
	else if (found)
		chat_recognise(&c->writer.chat, text, length);
	return found > 0;
}

void compile_chat(struct compile *c)
{
	c->writer.has_chat = find_chat(c);
	if (c->writer.has_chat)
		own_tokens(c);
}
