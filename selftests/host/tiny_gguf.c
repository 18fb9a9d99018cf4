// SPDX-License-Identifier: GPL-2.0
/* A small GGUF file, written as github.com/ggml-org/ggml, docs/gguf.md has it. */
#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/llm_image.h>

#include "tiny_gguf.h"

#define WIDTH		32
#define KV_WIDTH	16
#define HIDDEN		64
#define ALIGNMENT	32
#define BLOCK		32
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* Kinds of metadata values. */
enum kind {
	KIND_U32 = 4,
	KIND_I32 = 5,
	KIND_F32 = 6,
	KIND_STRING = 8,
	KIND_ARRAY = 9,
};

struct tensor {
	const char *name;
	__u32 columns;
	__u32 rows;
	bool vector;
};

static const struct tensor tensors[] = {
	{ "token_embd.weight", WIDTH, TINY_GGUF_VOCAB, false },
	{ "blk.0.attn_norm.weight", WIDTH, 1, true },
	{ "blk.0.attn_q.weight", WIDTH, WIDTH, false },
	{ "blk.0.attn_k.weight", WIDTH, KV_WIDTH, false },
	{ "blk.0.attn_v.weight", WIDTH, KV_WIDTH, false },
	{ "blk.0.attn_output.weight", WIDTH, WIDTH, false },
	{ "blk.0.ffn_norm.weight", WIDTH, 1, true },
	{ "blk.0.ffn_gate.weight", WIDTH, HIDDEN, false },
	{ "blk.0.ffn_up.weight", WIDTH, HIDDEN, false },
	{ "blk.0.ffn_down.weight", HIDDEN, WIDTH, false },
	{ "output_norm.weight", WIDTH, 1, true },
};

struct number_key {
	const char *name;
	__u32 value;
};

static const struct number_key number_keys[] = {
	{ "llama.context_length", 128 },
	{ "llama.embedding_length", WIDTH },
	{ "llama.block_count", 1 },
	{ "llama.feed_forward_length", HIDDEN },
	{ "llama.attention.head_count", 2 },
	{ "llama.attention.head_count_kv", 1 },
	{ "llama.rope.dimension_count", 16 },
	{ "tokenizer.ggml.bos_token_id", 1 },
	{ "tokenizer.ggml.eos_token_id", 2 },
	{ "tokenizer.ggml.unknown_token_id", 0 },
};

struct builder {
	__u8 *bytes;
	size_t size;
	__u64 random;
};

static void put(struct builder *b, const void *bytes, size_t size)
{
	memcpy(b->bytes + b->size, bytes, size);
	b->size += size;
}

static void put_u32(struct builder *b, __u32 value)
{
	put(b, &value, sizeof(value));
}

static void put_u64(struct builder *b, __u64 value)
{
	put(b, &value, sizeof(value));
}

static void put_string(struct builder *b, const char *text)
{
	put_u64(b, strlen(text));
	put(b, text, strlen(text));
}

static void put_string_key(struct builder *b, const char *name, const char *text)
{
	put_string(b, name);
	put_u32(b, KIND_STRING);
	put_string(b, text);
}

static void put_array_key(struct builder *b, const char *name, __u32 kind)
{
	put_string(b, name);
	put_u32(b, KIND_ARRAY);
	put_u32(b, kind);
	put_u64(b, TINY_GGUF_VOCAB);
}

static __u32 token_kind(__u32 token)
{
	if (token == 0)
		return LLM_TOKEN_UNKNOWN;
	if (token < 3)
		return LLM_TOKEN_CONTROL;
	return token < 259 ? LLM_TOKEN_BYTE : LLM_TOKEN_NORMAL;
}

static void put_token(struct builder *b, __u32 token)
{
	static const char *const first[] = { "<unk>", "<s>", "</s>" };
	char text[8];

	if (token < 3)
		snprintf(text, sizeof(text), "%s", first[token]);
	else if (token < 259)
		snprintf(text, sizeof(text), "<0x%02X>", token - 3);
	else if (token == 259)
		snprintf(text, sizeof(text), "\xe2\x96\x81");
	else
		snprintf(text, sizeof(text), "%c", 'a' + token - 260);
	put_string(b, text);
}

static void put_vocab(struct builder *b)
{
	float score;

	put_string_key(b, "tokenizer.ggml.model", "llama");
	put_array_key(b, "tokenizer.ggml.tokens", KIND_STRING);
	for (__u32 i = 0; i < TINY_GGUF_VOCAB; i++)
		put_token(b, i);
	put_array_key(b, "tokenizer.ggml.scores", KIND_F32);
	for (__u32 i = 0; i < TINY_GGUF_VOCAB; i++) {
		score = -(float)i;
		put(b, &score, sizeof(score));
	}
	put_array_key(b, "tokenizer.ggml.token_type", KIND_I32);
	for (__u32 i = 0; i < TINY_GGUF_VOCAB; i++)
		put_u32(b, token_kind(i));
}

static void put_keys(struct builder *b)
{
	const float epsilon = 0.00001f;

	put_string_key(b, "general.architecture", "llama");
	put_string_key(b, "general.name", "tiny");
	for (size_t i = 0; i < ARRAY_SIZE(number_keys); i++) {
		put_string(b, number_keys[i].name);
		put_u32(b, KIND_U32);
		put_u32(b, number_keys[i].value);
	}
	put_string(b, "llama.attention.layer_norm_rms_epsilon");
	put_u32(b, KIND_F32);
	put(b, &epsilon, sizeof(epsilon));
	put_vocab(b);
}

static __u32 type_of(const struct tensor *tensor, __u32 type)
{
	return tensor->vector ? LLM_TENSOR_F32 : type;
}

static size_t tensor_bytes(const struct tensor *tensor, __u32 type)
{
	size_t numbers = (size_t)tensor->columns * tensor->rows;

	switch (type_of(tensor, type)) {
	case LLM_TENSOR_F16:
		return numbers * 2;
	case LLM_TENSOR_Q8_0:
		return numbers / BLOCK * (2 + BLOCK);
	default:
		return numbers * 4;
	}
}

static size_t aligned(size_t size)
{
	return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void put_infos(struct builder *b, __u32 type)
{
	size_t offset = 0;

	for (size_t i = 0; i < ARRAY_SIZE(tensors); i++) {
		put_string(b, tensors[i].name);
		put_u32(b, tensors[i].vector ? 1 : 2);
		put_u64(b, tensors[i].columns);
		if (!tensors[i].vector)
			put_u64(b, tensors[i].rows);
		put_u32(b, type_of(&tensors[i], type));
		put_u64(b, offset);
		offset += aligned(tensor_bytes(&tensors[i], type));
	}
}

static __u32 next_random(struct builder *b)
{
	b->random = b->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return b->random >> 32;
}

/* Numbers of one size, whatever their format: 0.06 to 0.25 either way. */
static void put_numbers(struct builder *b, const struct tensor *tensor, __u32 type)
{
	size_t end = b->size + tensor_bytes(tensor, type);
	__u16 half;

	while (b->size < end) {
		__u32 random = next_random(b);

		switch (type_of(tensor, type)) {
		case LLM_TENSOR_F16:
			half = (random & 0x87ff) | 0x2c00;
			put(b, &half, sizeof(half));
			break;
		case LLM_TENSOR_Q8_0:
			half = 0x1400;
			put(b, &half, sizeof(half));
			for (int i = 0; i < BLOCK; i++) {
				__s8 value = (__s32)next_random(b) >> 25;

				put(b, &value, sizeof(value));
			}
			break;
		default:
			put_u32(b, (random & 0x80ffffff) | 0x3d000000);
		}
	}
}

void *tiny_gguf_build(__u32 type, __u64 seed, size_t *size)
{
	const size_t room = 1 << 18;
	struct builder b = { .bytes = calloc(1, room), .random = seed };

	if (!b.bytes)
		return NULL;
	put(&b, "GGUF", 4);
	put_u32(&b, 3);
	put_u64(&b, ARRAY_SIZE(tensors));
	put_u64(&b, 3 + ARRAY_SIZE(number_keys) + 4);
	put_keys(&b);
	put_infos(&b, type);
	b.size = aligned(b.size);
	for (size_t i = 0; i < ARRAY_SIZE(tensors); i++) {
		put_numbers(&b, &tensors[i], type);
		b.size = aligned(b.size);
	}
	assert(b.size <= room);
	*size = b.size;
	return b.bytes;
}
