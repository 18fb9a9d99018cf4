// SPDX-License-Identifier: GPL-2.0
/* Written as github.com/ggml-org/ggml, docs/gguf.md, has it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gguf_builder.h"

#define WIDTH		32
#define KV_WIDTH	16
#define HIDDEN		64
#define LAYERS		2
#define ALIGNMENT	32
/* More than any file of a test. */
#define ROOM		1048576
#define TYPE_F32	0
#define TYPE_F16	1
#define TYPE_Q8_0	8

static void must(bool holds)
{
	if (!holds)
		abort();
}

struct gguf_builder_key *gguf_builder_key(struct gguf_builder *b, const char *name)
{
	struct gguf_builder_key *key;
	size_t i;

	for (i = 0; i < b->keys_used; i++)
		if (!strcmp(b->keys[i].name, name))
			return &b->keys[i];
	must(b->keys_used < GGUF_BUILDER_KEYS);
	key = &b->keys[b->keys_used++];
	key->name = name;
	key->name_length = GGUF_BUILDER_AUTO;
	key->kind = BUILD_U32;
	key->value_length = sizeof(__u32);
	return key;
}

void gguf_builder_drop_key(struct gguf_builder *b, const char *name)
{
	struct gguf_builder_key *key = gguf_builder_key(b, name);

	*key = b->keys[--b->keys_used];
}

static void set_value(struct gguf_builder *b, const char *name, __u32 kind,
		      const void *value, size_t length)
{
	struct gguf_builder_key *key = gguf_builder_key(b, name);

	must(length <= sizeof(key->value));
	key->kind = kind;
	key->value_length = length;
	memcpy(key->value, value, length);
}

void gguf_builder_set_u32(struct gguf_builder *b, const char *name, __u32 value)
{
	set_value(b, name, BUILD_U32, &value, sizeof(value));
}

void gguf_builder_set_f32(struct gguf_builder *b, const char *name, float value)
{
	set_value(b, name, BUILD_F32, &value, sizeof(value));
}

void gguf_builder_set_bool(struct gguf_builder *b, const char *name, __u8 value)
{
	set_value(b, name, BUILD_BOOL, &value, sizeof(value));
}

static size_t put_string(__u8 *to, const char *text)
{
	__u64 length = strlen(text);

	memcpy(to, &length, sizeof(length));
	memcpy(to + sizeof(length), text, length);
	return sizeof(length) + length;
}

void gguf_builder_set_string(struct gguf_builder *b, const char *name, const char *value)
{
	__u8 bytes[4096];

	must(strlen(value) < sizeof(bytes) - 8);
	set_value(b, name, BUILD_STRING, bytes, put_string(bytes, value));
}

void gguf_builder_set_array(struct gguf_builder *b, const char *name, __u32 element,
			    __u64 count, const void *bytes, size_t length)
{
	__u8 value[8192];

	must(12 + length <= sizeof(value));
	memcpy(value, &element, sizeof(element));
	memcpy(value + 4, &count, sizeof(count));
	memcpy(value + 12, bytes, length);
	set_value(b, name, BUILD_ARRAY, value, 12 + length);
}

struct gguf_builder_tensor *gguf_builder_tensor(struct gguf_builder *b, const char *name)
{
	struct gguf_builder_tensor *tensor;
	size_t i;

	for (i = 0; i < b->tensors_used; i++)
		if (!strcmp(b->tensors[i].name, name))
			return &b->tensors[i];
	must(b->tensors_used < GGUF_BUILDER_TENSORS);
	tensor = &b->tensors[b->tensors_used++];
	tensor->name = name;
	tensor->offset = GGUF_BUILDER_AUTO;
	return tensor;
}

struct gguf_builder_tensor *gguf_builder_set_tensor(struct gguf_builder *b, const char *name,
						    __u64 columns, __u64 rows,
						    __u32 type)
{
	struct gguf_builder_tensor *tensor = gguf_builder_tensor(b, name);

	tensor->dims[0] = columns;
	tensor->dims[1] = rows;
	tensor->dim_count = rows > 1 ? 2 : 1;
	tensor->type = type;
	return tensor;
}

void gguf_builder_set_types(struct gguf_builder *b, __u32 type)
{
	size_t i;

	for (i = 0; i < b->tensors_used; i++)
		if (b->tensors[i].dims[1] > 1)
			b->tensors[i].type = type;
}

void gguf_builder_drop_tensor(struct gguf_builder *b, const char *name)
{
	struct gguf_builder_tensor *tensor = gguf_builder_tensor(b, name);

	*tensor = b->tensors[--b->tensors_used];
}

static void token_text(char *text, size_t size, __u32 token)
{
	static const char *const first[] = { "<unk>", "<s>", "</s>" };

	if (token < 3)
		snprintf(text, size, "%s", first[token]);
	else if (token < 259)
		snprintf(text, size, "<0x%02X>", token - 3);
	else if (token == 259)
		snprintf(text, size, "\xe2\x96\x81");
	else
		snprintf(text, size, "%c", 'a' + token - 260);
}

static void set_vocab(struct gguf_builder *b)
{
	__s32 types[GGUF_BUILDER_VOCAB];
	float scores[GGUF_BUILDER_VOCAB];
	__u8 texts[GGUF_BUILDER_VOCAB * 16];
	size_t used = 0;
	__u32 i;
	char text[8];

	for (i = 0; i < GGUF_BUILDER_VOCAB; i++) {
		token_text(text, sizeof(text), i);
		used += put_string(texts + used, text);
		scores[i] = -(float)i;
		types[i] = !i ? 2 : i < 3 ? 3 : i < 259 ? 6 : 1;
	}
	gguf_builder_set_string(b, "tokenizer.ggml.model", "llama");
	gguf_builder_set_array(b, "tokenizer.ggml.tokens", BUILD_STRING, GGUF_BUILDER_VOCAB, texts,
			       used);
	gguf_builder_set_array(b, "tokenizer.ggml.scores", BUILD_F32, GGUF_BUILDER_VOCAB, scores,
			       sizeof(scores));
	gguf_builder_set_array(b, "tokenizer.ggml.token_type", BUILD_I32, GGUF_BUILDER_VOCAB, types,
			       sizeof(types));
}

static void set_layer(struct gguf_builder *b, unsigned int layer)
{
	static char names[LAYERS][9][32];
	static const struct {
		const char *name;
		__u32 columns;
		__u32 rows;
	} tensors[9] = {
		{ "attn_norm", WIDTH, 1 }, { "attn_q", WIDTH, WIDTH },
		{ "attn_k", WIDTH, KV_WIDTH }, { "attn_v", WIDTH, KV_WIDTH },
		{ "attn_output", WIDTH, WIDTH }, { "ffn_norm", WIDTH, 1 },
		{ "ffn_gate", WIDTH, HIDDEN }, { "ffn_up", WIDTH, HIDDEN },
		{ "ffn_down", HIDDEN, WIDTH },
	};
	size_t i;

	for (i = 0; i < 9; i++) {
		snprintf(names[layer][i], sizeof(names[layer][i]), "blk.%u.%s.weight", layer,
			 tensors[i].name);
		gguf_builder_set_tensor(b, names[layer][i], tensors[i].columns, tensors[i].rows,
					TYPE_F32);
	}
}

struct gguf_builder *gguf_builder_llama(void)
{
	struct gguf_builder *b = calloc(1, sizeof(*b));

	must(b);
	memcpy(b->magic, "GGUF", 4);
	b->version = 3;
	b->key_count = GGUF_BUILDER_AUTO;
	b->tensor_count = GGUF_BUILDER_AUTO;
	gguf_builder_set_string(b, "general.architecture", "llama");
	gguf_builder_set_string(b, "general.name", "small");
	gguf_builder_set_u32(b, "llama.context_length", 128);
	gguf_builder_set_u32(b, "llama.embedding_length", WIDTH);
	gguf_builder_set_u32(b, "llama.block_count", LAYERS);
	gguf_builder_set_u32(b, "llama.feed_forward_length", HIDDEN);
	gguf_builder_set_u32(b, "llama.attention.head_count", 2);
	gguf_builder_set_u32(b, "llama.attention.head_count_kv", 1);
	gguf_builder_set_f32(b, "llama.attention.layer_norm_rms_epsilon", 0.00001f);
	set_vocab(b);
	gguf_builder_set_tensor(b, "token_embd.weight", WIDTH, GGUF_BUILDER_VOCAB, TYPE_F32);
	set_layer(b, 0);
	set_layer(b, 1);
	gguf_builder_set_tensor(b, "output_norm.weight", WIDTH, 1, TYPE_F32);
	return b;
}

/* Where writing is. */
struct output {
	__u8 *bytes;
	size_t size;
};

static void put(struct output *o, const void *bytes, size_t length)
{
	must(o->size + length <= ROOM);
	memcpy(o->bytes + o->size, bytes, length);
	o->size += length;
}

static void put_u32(struct output *o, __u32 value)
{
	put(o, &value, sizeof(value));
}

static void put_u64(struct output *o, __u64 value)
{
	put(o, &value, sizeof(value));
}

static void put_keys(struct output *o, const struct gguf_builder *b)
{
	size_t i;

	for (i = 0; i < b->keys_used; i++) {
		const struct gguf_builder_key *key = &b->keys[i];
		size_t length = strlen(key->name);

		put_u64(o, key->name_length == GGUF_BUILDER_AUTO ? length : key->name_length);
		put(o, key->name, length);
		put_u32(o, key->kind);
		put(o, key->value, key->value_length);
	}
}

/* Bytes, for types and shapes that are right; for others anything small. */
static size_t tensor_bytes(const struct gguf_builder_tensor *tensor)
{
	__u64 numbers = 1;
	__u32 i;

	for (i = 0; i < tensor->dim_count && i < 4; i++)
		numbers *= tensor->dims[i];
	if (numbers > ROOM / 8)
		return 0;
	switch (tensor->type) {
	case TYPE_F16:
		return numbers * 2;
	case TYPE_Q8_0:
		return numbers / 32 * 34;
	default:
		return numbers * 4;
	}
}

static size_t aligned(size_t size)
{
	return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void put_infos(struct output *o, const struct gguf_builder *b)
{
	size_t offset = 0, i;
	__u32 j;

	for (i = 0; i < b->tensors_used; i++) {
		const struct gguf_builder_tensor *tensor = &b->tensors[i];

		put_u64(o, strlen(tensor->name));
		put(o, tensor->name, strlen(tensor->name));
		put_u32(o, tensor->dim_count);
		for (j = 0; j < tensor->dim_count && j < 8; j++)
			put_u64(o, j < 4 ? tensor->dims[j] : 1);
		put_u32(o, tensor->type);
		put_u64(o, tensor->offset == GGUF_BUILDER_AUTO ? offset : tensor->offset);
		offset += aligned(tensor_bytes(tensor));
	}
}

/* Halves of about 0.1, one after the other, are good numbers in each type. */
static void put_numbers(struct output *o, const struct gguf_builder_tensor *tensor)
{
	size_t end = o->size + tensor_bytes(tensor), i;
	static const __u16 half = 0x2e66;
	float number;

	for (i = 0; o->size < end; i++) {
		number = tensor->fill ? tensor->fill[i % tensor->fill_count] : (i % 7) * 0.03f;
		if (tensor->type == TYPE_F32)
			put(o, &number, sizeof(number));
		else
			put(o, &half, sizeof(half));
	}
}

__u8 *gguf_builder_write(const struct gguf_builder *b, size_t *size)
{
	struct output o = { .bytes = calloc(1, ROOM) };
	__u8 *exact;
	size_t i;

	must(o.bytes);
	put(&o, b->magic, 4);
	put_u32(&o, b->version);
	put_u64(&o, b->tensor_count == GGUF_BUILDER_AUTO ? b->tensors_used : b->tensor_count);
	put_u64(&o, b->key_count == GGUF_BUILDER_AUTO ? b->keys_used : b->key_count);
	put_keys(&o, b);
	put_infos(&o, b);
	o.size = aligned(o.size);
	for (i = 0; i < b->tensors_used; i++) {
		put_numbers(&o, &b->tensors[i]);
		o.size = aligned(o.size);
	}
	/* Exactly as long, so that a byte read past the end is found. */
	exact = malloc(o.size);
	must(exact);
	memcpy(exact, o.bytes, o.size);
	free(o.bytes);
	*size = o.size;
	return exact;
}
