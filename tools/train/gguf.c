// SPDX-License-Identifier: GPL-2.0
/* See gguf.h. Numbers are written as they lie in memory: little-endian machines only. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "gguf.h"
#include "util.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "GGUF is written on little-endian machines only"
#endif

#define ALIGNMENT 32
#define Q8_0_BLOCK 32
#define Q8_0_SIZE 34

/* Type numbers of the format. */
enum { KEY_U32 = 4, KEY_I32 = 5, KEY_F32 = 6, KEY_BOOL = 7, KEY_STRING = 8, KEY_ARRAY = 9 };
enum { GGML_F32 = 0, GGML_F16 = 1, GGML_Q8_0 = 8 };
enum { TOKEN_NORMAL = 1, TOKEN_UNKNOWN = 2, TOKEN_CONTROL = 3, TOKEN_BYTE = 6 };

/**
 * struct header - keys and tensor infos while they are collected
 * @b: bytes
 * @keys: how many keys
 */
struct header {
	struct buf b;
	uint64_t keys;
};

static void put_u32(struct header *h, uint32_t v)
{
	buf_add(&h->b, &v, sizeof(v));
}

static void put_u64(struct header *h, uint64_t v)
{
	buf_add(&h->b, &v, sizeof(v));
}

static void put_string(struct header *h, const char *s)
{
	put_u64(h, strlen(s));
	buf_add(&h->b, s, strlen(s));
}

static void put_key(struct header *h, const char *name, uint32_t type)
{
	put_string(h, name);
	put_u32(h, type);
	h->keys++;
}

static void key_u32(struct header *h, const char *name, uint32_t v)
{
	put_key(h, name, KEY_U32);
	put_u32(h, v);
}

static void key_f32(struct header *h, const char *name, float v)
{
	put_key(h, name, KEY_F32);
	buf_add(&h->b, &v, sizeof(v));
}

static void key_true(struct header *h, const char *name)
{
	put_key(h, name, KEY_BOOL);
	buf_add(&h->b, "\1", 1);
}

static void key_string(struct header *h, const char *name, const char *v)
{
	put_key(h, name, KEY_STRING);
	put_string(h, v);
}

static void key_array(struct header *h, const char *name, uint32_t type, uint64_t n)
{
	put_key(h, name, KEY_ARRAY);
	put_u32(h, type);
	put_u64(h, n);
}

static uint32_t token_type(int token)
{
	if (token == VOCAB_UNKNOWN)
		return TOKEN_UNKNOWN;
	if (token < VOCAB_BYTES)
		return TOKEN_CONTROL;
	return token < VOCAB_PIECES ? TOKEN_BYTE : TOKEN_NORMAL;
}

static void put_vocab(struct header *h, const struct vocab *v)
{
	key_string(h, "tokenizer.ggml.model", "llama");
	key_string(h, "tokenizer.ggml.pre", "default");
	key_array(h, "tokenizer.ggml.tokens", KEY_STRING, v->count);
	for (int t = 0; t < v->count; t++)
		put_string(h, v->piece[t]);
	key_array(h, "tokenizer.ggml.scores", KEY_F32, v->count);
	buf_add(&h->b, v->score, v->count * sizeof(*v->score));
	key_array(h, "tokenizer.ggml.token_type", KEY_I32, v->count);
	for (int t = 0; t < v->count; t++)
		put_u32(h, token_type(t));
	key_u32(h, "tokenizer.ggml.bos_token_id", VOCAB_BEGIN);
	key_u32(h, "tokenizer.ggml.eos_token_id", VOCAB_END);
	key_u32(h, "tokenizer.ggml.unknown_token_id", VOCAB_UNKNOWN);
	key_true(h, "tokenizer.ggml.add_bos_token");
	key_true(h, "tokenizer.ggml.add_space_prefix");
}

static void put_model(struct header *h, const struct model *m, uint32_t file_type)
{
	const struct settings *s = m->s;

	key_string(h, "general.architecture", "llama");
	key_string(h, "general.name", "llm-train");
	key_u32(h, "general.alignment", ALIGNMENT);
	key_u32(h, "general.quantization_version", 2);
	key_u32(h, "general.file_type", file_type);
	key_u32(h, "llama.context_length", s->context);
	key_u32(h, "llama.embedding_length", s->width);
	key_u32(h, "llama.block_count", s->layers);
	key_u32(h, "llama.feed_forward_length", s->hidden);
	key_u32(h, "llama.attention.head_count", s->heads);
	key_u32(h, "llama.attention.head_count_kv", s->kv_heads ? s->kv_heads : s->heads);
	key_u32(h, "llama.rope.dimension_count", (int)(s->width / s->heads));
	key_f32(h, "llama.rope.freq_base", s->theta);
	key_f32(h, "llama.attention.layer_norm_rms_epsilon", s->eps);
	key_u32(h, "llama.vocab_size", m->vocab);
}

static size_t tensor_size(const struct tensor *t, uint32_t type)
{
	size_t n = (size_t)t->rows * t->cols;

	if (type == GGML_F32)
		return n * sizeof(float);
	if (type == GGML_F16)
		return n * sizeof(_Float16);
	return n / Q8_0_BLOCK * Q8_0_SIZE;
}

static uint32_t tensor_type(const struct tensor *t, uint32_t type)
{
	return t->rows == 1 ? GGML_F32 : type;
}

static size_t padded(size_t n)
{
	return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static void put_infos(struct header *h, const struct model *m, uint32_t type)
{
	uint64_t at = 0;

	for (int i = 0; i < m->tensor_count; i++) {
		const struct tensor *t = &m->tensors[i];

		put_string(h, t->name);
		put_u32(h, t->rows == 1 ? 1 : 2);
		put_u64(h, t->cols);
		if (t->rows > 1)
			put_u64(h, t->rows);
		put_u32(h, tensor_type(t, type));
		put_u64(h, at);
		at += padded(tensor_size(t, tensor_type(t, type)));
	}
}

/* Blocks of ggml: a half-precision scale, then 32 signed bytes. */
static void write_q8_0(const float *p, size_t n, FILE *f)
{
	for (size_t i = 0; i < n; i += Q8_0_BLOCK) {
		int8_t q[Q8_0_BLOCK];
		float max = 0, d;
		_Float16 half;

		for (int j = 0; j < Q8_0_BLOCK; j++)
			max = fmaxf(max, fabsf(p[i + j]));
		d = max / 127;
		half = d;
		for (int j = 0; j < Q8_0_BLOCK; j++)
			q[j] = d > 0 ? roundf(p[i + j] / d) : 0;
		fwrite(&half, sizeof(half), 1, f);
		fwrite(q, sizeof(q), 1, f);
	}
}

static void write_tensor(const float *p, size_t n, uint32_t type, FILE *f)
{
	if (type == GGML_F32) {
		fwrite(p, sizeof(*p), n, f);
	} else if (type == GGML_F16) {
		for (size_t i = 0; i < n; i++) {
			_Float16 half = p[i];

			fwrite(&half, sizeof(half), 1, f);
		}
	} else {
		write_q8_0(p, n, f);
	}
}

static void pad(size_t n, FILE *f)
{
	for (size_t i = n; i < padded(n); i++)
		fputc(0, f);
}

static void check(const struct model *m)
{
	for (int i = 0; i < m->tensor_count; i++)
		if (m->tensors[i].rows > 1 && m->tensors[i].cols % Q8_0_BLOCK)
			die("--type q8_0 needs --width and --hidden that are multiples of %d",
			    Q8_0_BLOCK);
}

void gguf_save(const struct model *m, const struct vocab *v, const char *dir, const char *name)
{
	bool f32 = !strcmp(m->s->type, "f32"), f16 = !strcmp(m->s->type, "f16");
	uint32_t type = f32 ? GGML_F32 : f16 ? GGML_F16 : GGML_Q8_0;
	uint32_t version = 3, file_type = f32 ? 0 : f16 ? 1 : 7;
	uint64_t tensors = m->tensor_count;
	struct header h = { 0 };
	struct out o;

	if (type == GGML_Q8_0)
		check(m);
	put_model(&h, m, file_type);
	put_vocab(&h, v);
	put_infos(&h, m, type);
	o = out_open(dir, name);
	fwrite("GGUF", 4, 1, o.f);
	fwrite(&version, sizeof(version), 1, o.f);
	fwrite(&tensors, sizeof(tensors), 1, o.f);
	fwrite(&h.keys, sizeof(h.keys), 1, o.f);
	fwrite(h.b.p, h.b.len, 1, o.f);
	pad(24 + h.b.len, o.f);
	for (int i = 0; i < m->tensor_count; i++) {
		const struct tensor *t = &m->tensors[i];
		uint32_t tt = tensor_type(t, type);

		write_tensor(m->params + t->at, (size_t)t->rows * t->cols, tt, o.f);
		pad(tensor_size(t, tt), o.f);
	}
	out_close(&o);
	free(h.b.p);
}
