/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What llama.cpp's llama_chat_apply_template() makes of two conversations: of "U1", and
 * of the system message "S", then "U1", the reply "A1" and "U2". What a reply begins with
 * there, but not where it is made, is the lead: a model makes it.
 *
 * For bailing-think and hunyuan-dense the second ends with "U1": the former shows no reply
 * as it is made, the latter begins each reply twice.
 */
#ifndef CHAT_RENDERINGS_H
#define CHAT_RENDERINGS_H

/**
 * struct chat_rendering - one template
 * @name: template
 * @lead: what a reply begins with
 * @plain: the first conversation
 * @conversation: the second
 */
struct chat_rendering {
	const char *name;
	const char *lead;
	const char *plain;
	const char *conversation;
};

static const struct chat_rendering chat_renderings[] = {
	{ "bailing", "",
	  "<role>HUMAN</role>U1<role>ASSISTANT</role>",
	  "<role>SYSTEM</role>S<role>HUMAN</role>U1<role>ASSISTANT</role>A1<role>HUMAN"
	  "</role>U2<role>ASSISTANT</role>" },
	{ "bailing-think", "",
	  "<role>HUMAN</role>U1<role>ASSISTANT</role><think>",
	  "<role>SYSTEM</role>S<role>HUMAN</role>U1<role>ASSISTANT</role><think>" },
	{ "bailing2", "",
	  "<role>SYSTEM</role>detailed thinking off<|role_end|><role>HUMAN</role>U1"
	  "<|role_end|><role>ASSISTANT</role>",
	  "<role>SYSTEM</role>S<|role_end|><role>HUMAN</role>U1<|role_end|><role>"
	  "ASSISTANT</role>A1<|role_end|><role>HUMAN</role>U2<|role_end|><role>"
	  "ASSISTANT</role>" },
	{ "chatglm3", "\n ",
	  "[gMASK]sop<|user|>\n U1<|assistant|>",
	  "[gMASK]sop<|system|>\n S<|user|>\n U1<|assistant|>\n A1<|user|>\n U2"
	  "<|assistant|>" },
	{ "chatglm4", "",
	  "[gMASK]<sop><|user|>\nU1<|assistant|>\n",
	  "[gMASK]<sop><|system|>\nS<|user|>\nU1<|assistant|>\nA1<|user|>\nU2"
	  "<|assistant|>\n" },
	{ "chatml", "",
	  "<|im_start|>user\nU1<|im_end|>\n<|im_start|>assistant\n",
	  "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU1<|im_end|>\n"
	  "<|im_start|>assistant\nA1<|im_end|>\n<|im_start|>user\nU2<|im_end|>\n"
	  "<|im_start|>assistant\n" },
	{ "command-r", "",
	  "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>U1<|END_OF_TURN_TOKEN|>"
	  "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
	  "<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>S<|END_OF_TURN_TOKEN|>"
	  "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>U1<|END_OF_TURN_TOKEN|>"
	  "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>A1<|END_OF_TURN_TOKEN|>"
	  "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>U2<|END_OF_TURN_TOKEN|>"
	  "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>" },
	{ "deepseek", "",
	  "### Instruction:\nU1\n### Response:\n",
	  "S### Instruction:\nU1\n### Response:\nA1\n<|EOT|>\n### Instruction:\nU2\n"
	  "### Response:\n" },
	{ "deepseek2", " ",
	  "User: U1\n\nAssistant:",
	  "S\n\nUser: U1\n\nAssistant: A1<｜end▁of▁sentence｜>User: U2\n\nAssistant:" },
	{ "deepseek3", "",
	  "<｜User｜>U1<｜Assistant｜>",
	  "S\n\n<｜User｜>U1<｜Assistant｜>A1<｜end▁of▁sentence｜>"
	  "<｜User｜>U2<｜Assistant｜>" },
	{ "exaone-moe", "",
	  "<|user|>\nU1<|endofturn|>\n<|assistant|>\n",
	  "<|system|>\nS<|endofturn|>\n<|user|>\nU1<|endofturn|>\n<|assistant|>\nA1"
	  "<|endofturn|>\n<|user|>\nU2<|endofturn|>\n<|assistant|>\n" },
	{ "exaone3", "",
	  "[|user|]U1\n[|assistant|]",
	  "[|system|]S[|endofturn|]\n[|user|]U1\n[|assistant|]A1[|endofturn|]\n[|user|]"
	  "U2\n[|assistant|]" },
	{ "exaone4", "",
	  "[|user|]U1\n[|assistant|]",
	  "[|system|]S[|endofturn|]\n[|user|]U1\n[|assistant|]A1[|endofturn|]\n[|user|]"
	  "U2\n[|assistant|]" },
	{ "falcon3", "",
	  "<|user|>\nU1\n<|assistant|>\n",
	  "<|system|>\nS\n<|user|>\nU1\n<|assistant|>\nA1\n<|user|>\nU2\n<|assistant|>"
	  "\n" },
	{ "gemma", "",
	  "<start_of_turn>user\nU1<end_of_turn>\n<start_of_turn>model\n",
	  "<start_of_turn>user\nS\n\nU1<end_of_turn>\n<start_of_turn>model\nA1"
	  "<end_of_turn>\n<start_of_turn>user\nU2<end_of_turn>\n<start_of_turn>model\n" },
	{ "gigachat", "",
	  "<s>user<|role_sep|>U1<|message_sep|>available functions<|role_sep|>[]"
	  "<|message_sep|>assistant<|role_sep|>",
	  "<s>S<|message_sep|>user<|role_sep|>U1<|message_sep|>available functions"
	  "<|role_sep|>[]<|message_sep|>assistant<|role_sep|>A1<|message_sep|>user"
	  "<|role_sep|>U2<|message_sep|>available functions<|role_sep|>[]"
	  "<|message_sep|>assistant<|role_sep|>" },
	{ "glmedge", "\n",
	  "<|user|>\nU1<|assistant|>",
	  "<|system|>\nS<|user|>\nU1<|assistant|>\nA1<|user|>\nU2<|assistant|>" },
	{ "gpt-oss", "<|message|>",
	  "<|start|>user<|message|>U1<|end|><|start|>assistant",
	  "<|start|>system<|message|>S<|end|><|start|>user<|message|>U1<|end|><|start|>"
	  "assistant<|message|>A1<|return|><|start|>user<|message|>U2<|end|><|start|>"
	  "assistant" },
	{ "granite", "",
	  "<|start_of_role|>user<|end_of_role|>U1<|end_of_text|>\n<|start_of_role|>"
	  "assistant<|end_of_role|>",
	  "<|start_of_role|>system<|end_of_role|>S<|end_of_text|>\n<|start_of_role|>"
	  "user<|end_of_role|>U1<|end_of_text|>\n<|start_of_role|>assistant"
	  "<|end_of_role|>A1<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>U2"
	  "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>" },
	{ "granite-4.0", "",
	  "<|start_of_role|>user<|end_of_role|>U1<|end_of_text|>\n<|start_of_role|>"
	  "assistant<|end_of_role|>",
	  "<|start_of_role|>system<|end_of_role|>S<|end_of_text|>\n<|start_of_role|>"
	  "user<|end_of_role|>U1<|end_of_text|>\n<|start_of_role|>assistant"
	  "<|end_of_role|>A1<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>U2"
	  "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>" },
	{ "granite-4.1", "",
	  "<|start_of_role|>user<|end_of_role|>U1<|end_of_text|>\n<|start_of_role|>"
	  "assistant<|end_of_role|>",
	  "<|start_of_role|>system<|end_of_role|>S<|end_of_text|>\n<|start_of_role|>"
	  "user<|end_of_role|>U1<|end_of_text|>\n<|start_of_role|>assistant"
	  "<|end_of_role|>A1<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>U2"
	  "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>" },
	{ "grok-2", " ",
	  "Human: U1<|separator|>\n\nAssistant:",
	  "System: S<|separator|>\n\nHuman: U1<|separator|>\n\nAssistant: A1"
	  "<|separator|>\n\nHuman: U2<|separator|>\n\nAssistant:" },
	{ "hunyuan-dense", "",
	  "<｜hy_User｜>U1<｜hy_Assistant｜>",
	  "S<｜hy_place▁holder▁no▁3｜><｜hy_User｜>U1<｜hy_Assistant｜>" },
	{ "hunyuan-moe", "",
	  "<|startoftext|>U1<|extra_0|>",
	  "<|startoftext|>S<|extra_4|><|startoftext|>U1<|extra_0|>A1<|eos|>"
	  "<|startoftext|>U2<|extra_0|>" },
	{ "hunyuan-vl", "",
	  "<｜hy_begin▁of▁sentence｜>U1<｜hy_User｜>",
	  "<｜hy_begin▁of▁sentence｜>S<｜hy_place▁holder▁no▁3｜>U1<｜hy_User｜>A1"
	  "<｜hy_Assistant｜>U2<｜hy_User｜>" },
	{ "kimi-k2", "",
	  "<|im_user|>user<|im_middle|>U1<|im_end|><|im_assistant|>assistant"
	  "<|im_middle|>",
	  "<|im_system|>system<|im_middle|>S<|im_end|><|im_user|>user<|im_middle|>U1"
	  "<|im_end|><|im_assistant|>assistant<|im_middle|>A1<|im_end|><|im_user|>user"
	  "<|im_middle|>U2<|im_end|><|im_assistant|>assistant<|im_middle|>" },
	{ "llama2", "",
	  "[INST] U1 [/INST]",
	  "[INST] S\nU1 [/INST]A1</s>[INST] U2 [/INST]" },
	{ "llama2-sys", "",
	  "[INST] U1 [/INST]",
	  "[INST] <<SYS>>\nS\n<</SYS>>\n\nU1 [/INST]A1</s>[INST] U2 [/INST]" },
	{ "llama2-sys-bos", "",
	  "[INST] U1 [/INST]",
	  "[INST] <<SYS>>\nS\n<</SYS>>\n\nU1 [/INST]A1</s><s>[INST] U2 [/INST]" },
	{ "llama2-sys-strip", "",
	  "[INST] U1 [/INST]",
	  "[INST] <<SYS>>\nS\n<</SYS>>\n\nU1 [/INST]A1</s>[INST] U2 [/INST]" },
	{ "llama3", "",
	  "<|start_header_id|>user<|end_header_id|>\n\nU1<|eot_id|><|start_header_id|>"
	  "assistant<|end_header_id|>\n\n",
	  "<|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>"
	  "user<|end_header_id|>\n\nU1<|eot_id|><|start_header_id|>assistant"
	  "<|end_header_id|>\n\nA1<|eot_id|><|start_header_id|>user<|end_header_id|>\n"
	  "\nU2<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n" },
	{ "llama4", "",
	  "<|header_start|>user<|header_end|>\n\nU1<|eot|><|header_start|>assistant"
	  "<|header_end|>\n\n",
	  "<|header_start|>system<|header_end|>\n\nS<|eot|><|header_start|>user"
	  "<|header_end|>\n\nU1<|eot|><|header_start|>assistant<|header_end|>\n\nA1"
	  "<|eot|><|header_start|>user<|header_end|>\n\nU2<|eot|><|header_start|>"
	  "assistant<|header_end|>\n\n" },
	{ "megrez", "",
	  "<|role_start|>user<|role_end|>U1<|turn_end|><|role_start|>assistant"
	  "<|role_end|>",
	  "<|role_start|>system<|role_end|>S<|turn_end|><|role_start|>user<|role_end|>"
	  "U1<|turn_end|><|role_start|>assistant<|role_end|>A1<|turn_end|>"
	  "<|role_start|>user<|role_end|>U2<|turn_end|><|role_start|>assistant"
	  "<|role_end|>" },
	{ "minicpm", "",
	  "<用户>U1<AI>",
	  "S<用户>U1<AI>A1<用户>U2<AI>" },
	{ "mistral-v1", " ",
	  " [INST] U1 [/INST]",
	  " [INST] S\n\nU1 [/INST] A1</s> [INST] U2 [/INST]" },
	{ "mistral-v3", " ",
	  "[INST] U1[/INST]",
	  "[INST] S\n\nU1[/INST] A1</s>[INST] U2[/INST]" },
	{ "mistral-v3-tekken", "",
	  "[INST]U1[/INST]",
	  "[INST]S\n\nU1[/INST]A1</s>[INST]U2[/INST]" },
	{ "mistral-v7", " ",
	  "[INST] U1[/INST]",
	  "[SYSTEM_PROMPT] S[/SYSTEM_PROMPT][INST] U1[/INST] A1</s>[INST] U2[/INST]" },
	{ "mistral-v7-tekken", "",
	  "[INST]U1[/INST]",
	  "[SYSTEM_PROMPT]S[/SYSTEM_PROMPT][INST]U1[/INST]A1</s>[INST]U2[/INST]" },
	{ "monarch", "",
	  "user\nU1</s>\n<s>assistant\n",
	  "system\nS</s>\n<s>user\nU1</s>\n<s>assistant\nA1</s>\n<s>user\nU2</s>\n<s>"
	  "assistant\n" },
	{ "openchat", " ",
	  "GPT4 Correct User: U1<|end_of_turn|>GPT4 Correct Assistant:",
	  "S<|end_of_turn|>GPT4 Correct User: U1<|end_of_turn|>"
	  "GPT4 Correct Assistant: A1<|end_of_turn|>GPT4 Correct User: U2"
	  "<|end_of_turn|>GPT4 Correct Assistant:" },
	{ "orion", "",
	  "Human: U1\n\nAssistant: </s>",
	  "Human: S\n\nU1\n\nAssistant: </s>A1</s>Human: U2\n\nAssistant: </s>" },
	{ "pangu-embedded", "",
	  "[unused9]系统：[unused10][unused9]用户：U1[unused10][unused9]助手：",
	  "[unused9]系统：S[unused10][unused9]用户：U1[unused10][unused9]助手：A1[unused10]"
	  "[unused9]用户：U2[unused10][unused9]助手：" },
	{ "phi3", "",
	  "<|user|>\nU1<|end|>\n<|assistant|>\n",
	  "<|system|>\nS<|end|>\n<|user|>\nU1<|end|>\n<|assistant|>\nA1<|end|>\n"
	  "<|user|>\nU2<|end|>\n<|assistant|>\n" },
	{ "phi4", "",
	  "<|im_start|>user<|im_sep|>U1<|im_end|><|im_start|>assistant<|im_sep|>",
	  "<|im_start|>system<|im_sep|>S<|im_end|><|im_start|>user<|im_sep|>U1"
	  "<|im_end|><|im_start|>assistant<|im_sep|>A1<|im_end|><|im_start|>user"
	  "<|im_sep|>U2<|im_end|><|im_start|>assistant<|im_sep|>" },
	{ "rwkv-world", " ",
	  "User: U1\n\nAssistant:",
	  "System: S\n\nUser: U1\n\nAssistant: A1\n\nUser: U2\n\nAssistant:" },
	{ "seed_oss", "",
	  "<seed:bos>user\nU1<seed:eos><seed:bos>assistant\n",
	  "<seed:bos>system\nS<seed:eos><seed:bos>user\nU1<seed:eos><seed:bos>assistant"
	  "\nA1<seed:eos><seed:bos>user\nU2<seed:eos><seed:bos>assistant\n" },
	{ "smolvlm", " ",
	  "<|im_start|>User: U1<end_of_utterance>\nAssistant:",
	  "<|im_start|>S\n\nUser: U1<end_of_utterance>\nAssistant: A1<end_of_utterance>"
	  "\nUser: U2<end_of_utterance>\nAssistant:" },
	{ "solar-open", "<|content|>",
	  "<|begin|>user<|content|>U1<|end|><|begin|>assistant",
	  "<|begin|>system<|content|>S<|end|><|begin|>user<|content|>U1<|end|><|begin|>"
	  "assistant<|content|>A1<|end|><|begin|>user<|content|>U2<|end|><|begin|>"
	  "assistant" },
	{ "vicuna", " ",
	  "USER: U1\nASSISTANT:",
	  "S\n\nUSER: U1\nASSISTANT: A1</s>\nUSER: U2\nASSISTANT:" },
	{ "vicuna-orca", " ",
	  "USER: U1\nASSISTANT:",
	  "SYSTEM: S\nUSER: U1\nASSISTANT: A1</s>\nUSER: U2\nASSISTANT:" },
	{ "zephyr", "",
	  "<|user|>\nU1<|endoftext|>\n<|assistant|>\n",
	  "<|system|>\nS<|endoftext|>\n<|user|>\nU1<|endoftext|>\n<|assistant|>\nA1"
	  "<|endoftext|>\n<|user|>\nU2<|endoftext|>\n<|assistant|>\n" },
	{ "dots1", "",
	  "<|userprompt|>U1<|endofuserprompt|><|response|>",
	  "<|system|>S<|endofsystem|><|userprompt|>U1<|endofuserprompt|><|response|>A1"
	  "<|endofresponse|><|userprompt|>U2<|endofuserprompt|><|response|>" },
};

#endif /* CHAT_RENDERINGS_H */
