// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <math.h>

#include "transformer.h"

/* A number for all layers; files may hold it once a layer. */
static __u32 uniform_uint(struct compile *c, const char *suffix, __u64 missing, __u32 most,
			  __u32 layers)
{
	const char *name = compile_key(c, suffix);
	const struct gguf_key *key;
	double first;
	__u64 i;

	if (c->code)
		return 1;
	key = gguf_key_find(c->gguf, name);
	if (!key || key->kind != GGUF_ARRAY)
		return compile_uint(c, name, missing, 1, most);
	if ((key->element != GGUF_I32 && key->element != GGUF_U32) || key->count != layers) {
		compile_fail(c, EINVAL, "key '%s' is not a whole number for each layer", name);
		return 1;
	}
	first = gguf_array_number(c->gguf, key, 0);
	for (i = 1; i < key->count; i++)
		if (gguf_array_number(c->gguf, key, i) != first)
			compile_fail(c, EOPNOTSUPP,
				     "key '%s' differs from layer to layer, which is not supported",
				     name);
	if (first < 1 || first > most)
		compile_fail(c, EINVAL, "key '%s': %g is not between 1 and %u", name, first, most);
	return c->code ? 1 : first;
}

static void read_heads(struct compile *c, struct transformer *t)
{
	t->heads = uniform_uint(c, "attention.head_count", COMPILE_REQUIRED, COMPILE_MAX_WIDTH,
				t->layers);
	t->kv_heads = uniform_uint(c, "attention.head_count_kv", t->heads, t->heads, t->layers);
	t->key_dim = compile_uint(c, compile_key(c, "attention.key_length"), t->width / t->heads,
				  1, 512);
	t->value_dim = compile_uint(c, compile_key(c, "attention.value_length"),
				    t->width / t->heads, 1, 512);
	t->attention_scale = 1 / sqrt(t->key_dim);
	if (!c->code && t->heads % t->kv_heads)
		compile_fail(c, EINVAL, "key '%s': %u does not divide the %u heads",
			     compile_key(c, "attention.head_count_kv"), t->kv_heads, t->heads);
	if (!c->code && (__u64)t->heads * (t->key_dim + t->value_dim) * 2 > COMPILE_MAX_WIDTH)
		compile_fail(c, EOPNOTSUPP, "%u heads of %u and %u columns are too wide", t->heads,
			     t->key_dim, t->value_dim);
}

void transformer_read_context(struct compile *c)
{
	__u32 length = compile_uint(c, compile_key(c, "context_length"), COMPILE_REQUIRED, 1,
				    UINT32_MAX);

	c->writer.model.context_length = length < COMPILE_MAX_CONTEXT ? length :
									COMPILE_MAX_CONTEXT;
}

float transformer_read_epsilon(struct compile *c, const struct transformer *t)
{
	return compile_float(c, compile_key(c, t->arch->traits & TRANSFORMER_LAYER_NORM ?
					    "attention.layer_norm_epsilon" :
					    "attention.layer_norm_rms_epsilon"), NAN);
}

/* The last of so many layers has no window; 0: all have one. */
static void set_period(struct transformer *t, __u32 period)
{
	__u32 i;

	for (i = 0; i < t->layers; i++)
		t->windowed[i] = !period || i % period != period - 1;
}

/* One number is a period; an array tells of each layer. */
static void read_pattern(struct compile *c, struct transformer *t, __u32 period)
{
	const char *name = compile_key(c, "attention.sliding_window_pattern");
	const struct gguf_key *key = gguf_key_find(c->gguf, name);
	__u32 i;

	if (!key || key->kind != GGUF_ARRAY) {
		set_period(t, compile_uint(c, name, period, 0, COMPILE_MAX_LAYERS));
	} else if (key->count != t->layers || key->element == GGUF_STRING) {
		compile_fail(c, EINVAL, "key '%s' is not a number for each layer", name);
	} else {
		for (i = 0; i < t->layers; i++)
			t->windowed[i] = gguf_array_number(c->gguf, key, i) != 0;
	}
}

void transformer_read_window(struct compile *c, struct transformer *t, __u32 missing,
			     __u32 period)
{
	t->window = compile_uint(c, compile_key(c, "attention.sliding_window"), missing, 0,
				 UINT32_MAX);
	t->window_rope = t->rope;
	if (c->code || !t->window)
		return;
	read_pattern(c, t, period);
	t->window_rope.base = compile_float(c, compile_key(c, "rope.freq_base_swa"), t->rope.base);
}

void transformer_read(struct compile *c, struct transformer *t)
{
	t->layers = compile_uint(c, compile_key(c, "block_count"), COMPILE_REQUIRED, 1,
				 COMPILE_MAX_LAYERS);
	t->width = compile_uint(c, compile_key(c, "embedding_length"), COMPILE_REQUIRED, 1,
				COMPILE_MAX_WIDTH);
	t->hidden = uniform_uint(c, "feed_forward_length", COMPILE_REQUIRED, COMPILE_MAX_WIDTH / 2,
				 t->layers);
	t->epsilon = transformer_read_epsilon(c, t);
	transformer_read_context(c);
	read_heads(c, t);
	t->rotates = !(t->arch->traits & TRANSFORMER_POSITIONS);
	if (t->rotates)
		rope_read(c, &t->rope, t->key_dim);
	t->feed_forward = t->arch->traits & TRANSFORMER_UNGATED ? transformer_plain :
								  transformer_gated;
	t->embedding_scale = 1;
	t->logit_scale = 1;
	if (c->code)
		return;
	/* The vocabulary itself says how many tokens there are, and the tensors. */
	gguf_key_find(c->gguf, compile_key(c, "vocab_size"));
	/* Which tool wrote the file; the order of numbers is the same. */
	gguf_key_find(c->gguf, compile_key(c, "tensor_data_layout"));
}
