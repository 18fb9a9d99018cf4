// SPDX-License-Identifier: GPL-2.0
/*
 * The keys and tensors of a model. Weights are such that every matrix keeps the
 * variance of what goes through it.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "random.h"

/*
 * What trained models have in common, and independent numbers have not: they are fairly
 * sure. Their entropy is of 2 or 3 nats for each token of a text, the likeliest token has
 * about half of the probability, and leads the second by 1 to 3 nats in the middle, by less
 * than 0.1 at a few in a hundred places; independent weights leave it at 2 % of 1024 and a
 * lead of 0.2. Two things make that so, here as there: what comes out of the last layer
 * points at the row of a token, here at that after the one read (at the token itself where
 * the output is tied to the embeddings), of which the layers leave a part; and rows are of
 * very different lengths, so some tokens are sure and others not (as frequent and rare
 * ones are).
 */
#define ROW_TAIL	0.5
#define NEXT_TOKEN	1

void add_f32(struct adding *a, const char *name, uint32_t columns, uint32_t rows, double middle,
	     double spread)
{
	gguf_tensor(a->g, name, format_find("F32"), columns, rows,
		    (struct numbers) { .middle = middle, .spread = spread });
}

/* What llama.cpp's Q4_K_M gives more bits: a half of what matters most. */
static bool matters(const struct adding *a, const char *name)
{
	uint32_t layers = a->s->layers;

	if (!strcmp(name, "output.weight"))
		return true;
	if (!strstr(name, "attn_v.") && !strstr(name, "ffn_down."))
		return false;
	return a->layer < layers / 8 || a->layer >= 7 * layers / 8 ||
	       (a->layer - layers / 8) % 3 == 2;
}

static const struct format *mixed_format(const struct adding *a, const char *name,
					 uint32_t columns)
{
	bool whole = columns % 256 == 0;

	if (matters(a, name))
		return format_find(whole ? "Q6_K" : "Q8_0");
	return format_find(whole ? "Q4_K" : "Q5_0");
}

/* Where rows are no whole blocks of the format, smaller blocks, or none. */
static const struct format *format_for(struct adding *a, const char *name, uint32_t columns)
{
	const struct format *format = a->s->mixed ? mixed_format(a, name, columns) :
				      a->s->types[a->matrices++ % a->s->type_count];

	if (columns % format->block)
		format = format_find("Q8_0");
	if (columns % format->block)
		format = format_find("F16");
	return format;
}

static void add_matrix(struct adding *a, const char *name, uint32_t columns, uint32_t rows,
		       double gain)
{
	gguf_tensor(a->g, name, format_for(a, name, columns), columns, rows,
		    (struct numbers) { .spread = gain / sqrt(columns) });
}

static bool has(const struct adding *a, uint32_t trait)
{
	return a->s->kind->traits & trait;
}

void name_in_layer(const struct adding *a, char *to, const char *name, const char *suffix)
{
	snprintf(to, MAX_NAME, "blk.%u.%s.%s", a->layer, name, suffix);
}

void add_linear(struct adding *a, const char *name, uint32_t columns, uint32_t rows, double gain,
		bool bias)
{
	char full[MAX_NAME];

	name_in_layer(a, full, name, "weight");
	add_matrix(a, full, columns, rows, gain);
	name_in_layer(a, full, name, "bias");
	if (bias)
		add_f32(a, full, rows, 0, 0, 0.1 * gain);
}

/* Root of the mean square of an embedding as layers get it. */
static double embedded(const struct adding *a)
{
	if (has(a, UNTIED | SCALED_EMBEDDING))
		return 1;
	return 1 / sqrt(a->s->width);
}

/*
 * What the last matrix or norm of a part of a layer multiplies by: all layers together
 * add about as much as was there before them, as "Language Models are Unsupervised
 * Multitask Learners", A. Radford and others, 2019, begins to train.
 */
double last_gain(const struct adding *a)
{
	double whole = has(a, POST_NORMS | RWKV7) ? 0.7 : 1.4;

	return has(a, ENCODER) ? 1 : whole * embedded(a) / sqrt(a->s->layers);
}

void add_norm(struct adding *a, const char *name, uint32_t columns, uint32_t rows)
{
	double gain = strncmp(name, "post_", 5) ? 1 : last_gain(a);
	char full[MAX_NAME];

	name_in_layer(a, full, name, "weight");
	add_f32(a, full, columns, rows, gain, 0.2 * gain);
	name_in_layer(a, full, name, "bias");
	if (has(a, LAYER_NORM) && !rows && columns == a->s->width)
		add_f32(a, full, columns, 0, 0, 0.1);
}

static void add_head_norms(struct adding *a)
{
	const struct sizes *s = a->s;

	if (has(a, HEAD_NORMS)) {
		add_norm(a, "attn_q_norm", s->head, 0);
		add_norm(a, "attn_k_norm", s->head, 0);
	} else if (has(a, OWN_HEAD_NORMS)) {
		add_norm(a, "attn_q_norm", s->head, s->heads);
		add_norm(a, "attn_k_norm", s->head, s->kv_heads);
	} else if (has(a, WIDTH_NORMS)) {
		add_norm(a, "attn_q_norm", s->head * s->heads, 0);
		add_norm(a, "attn_k_norm", s->head * s->kv_heads, 0);
	}
}

static void add_attention(struct adding *a)
{
	const struct sizes *s = a->s;
	uint32_t queries = s->heads * s->head, keys = s->kv_heads * s->head;
	bool bias = has(a, QKV_BIAS);

	if (has(a, JOINED_QKV)) {
		add_linear(a, "attn_qkv", s->width, queries + 2 * keys, 1, bias);
	} else {
		add_linear(a, "attn_q", s->width, queries, 1, bias);
		add_linear(a, "attn_k", s->width, keys, 1, bias);
		add_linear(a, "attn_v", s->width, keys, 1, bias);
	}
	add_head_norms(a);
	add_linear(a, "attn_output", queries, s->width, last_gain(a), has(a, BIASES));
}

static void add_feed_forward(struct adding *a)
{
	const struct sizes *s = a->s;
	bool bias = has(a, BIASES);

	if (has(a, JOINED_GATE)) {
		add_linear(a, "ffn_up", s->width, 2 * s->hidden, 1, bias);
	} else {
		if (!has(a, UNGATED))
			add_linear(a, "ffn_gate", s->width, s->hidden, 1, bias);
		add_linear(a, "ffn_up", s->width, s->hidden, 1, bias);
	}
	add_linear(a, "ffn_down", s->hidden, s->width, last_gain(a), bias);
}

static void add_stack(struct adding *a, const char *name, uint32_t columns, uint32_t rows,
		      double gain)
{
	char full[MAX_NAME];

	name_in_layer(a, full, name, "weight");
	gguf_stack(a->g, full, format_for(a, full, columns), columns, rows, EXPERT_COUNT,
		   (struct numbers) { .spread = gain / sqrt(columns) });
}

/* Experts that are clearly ahead of others: small differences choose the same ones. */
static void add_experts(struct adding *a)
{
	const struct sizes *s = a->s;
	uint32_t hidden = strcmp(s->kind->arch, "llama") ? s->hidden / 2 : s->hidden;
	char full[MAX_NAME];

	name_in_layer(a, full, "ffn_gate_inp", "weight");
	add_f32(a, full, s->width, EXPERT_COUNT, 0, 2 / sqrt(s->width));
	add_stack(a, "ffn_gate_exps", s->width, hidden, 1);
	add_stack(a, "ffn_up_exps", s->width, hidden, 1);
	add_stack(a, "ffn_down_exps", hidden, s->width, last_gain(a));
	if (!has(a, SHARED_EXPERT))
		return;
	name_in_layer(a, full, "ffn_gate_inp_shexp", "weight");
	add_f32(a, full, s->width, 0, 0, 1 / sqrt(s->width));
	add_linear(a, "ffn_gate_shexp", s->width, s->hidden, 1, false);
	add_linear(a, "ffn_up_shexp", s->width, s->hidden, 1, false);
	add_linear(a, "ffn_down_shexp", s->hidden, s->width, last_gain(a), false);
}

static void add_encoder_layer(struct adding *a)
{
	add_attention(a);
	add_norm(a, "attn_output_norm", a->s->width, 0);
	add_feed_forward(a);
	add_norm(a, "layer_output_norm", a->s->width, 0);
}

static void add_layer(struct adding *a)
{
	if (!has(a, NO_PRE_NORMS))
		add_norm(a, "attn_norm", a->s->width, 0);
	add_attention(a);
	if (has(a, POST_NORMS))
		add_norm(a, "post_attention_norm", a->s->width, 0);
	if (!has(a, NO_PRE_NORMS) && !has(a, NO_FFN_NORM))
		add_norm(a, "ffn_norm", a->s->width, 0);
	if (has(a, EXPERTS))
		add_experts(a);
	else
		add_feed_forward(a);
	if (has(a, POST_NORMS))
		add_norm(a, "post_ffw_norm", a->s->width, 0);
}

static uint32_t rotated(const struct sizes *s)
{
	return s->kind->traits & PARTIAL_ROPE ? s->head / 2 : s->head;
}

/* From 1 to so many, evenly. */
static void add_divisors(struct adding *a, const char *name, double last)
{
	uint32_t count = rotated(a->s) / 2;

	gguf_tensor(a->g, name, format_find("F32"), count, 0,
		    (struct numbers) { .middle = 1, .step = (last - 1) / (count - 1) });
}

static void add_embedding_norm(struct adding *a)
{
	add_f32(a, "token_embd_norm.weight", a->s->width, 0, 1, 0.2);
	add_f32(a, "token_embd_norm.bias", a->s->width, 0, 0, 0.1);
}

static void add_encoder_ends(struct adding *a)
{
	uint32_t width = a->s->width;

	add_f32(a, "token_types.weight", width, has(a, XLM) ? 1 : 2, 0, 0.3);
	add_embedding_norm(a);
	if (!has(a, RANKS))
		return;
	add_matrix(a, "cls.weight", width, width, 1);
	add_f32(a, "cls.bias", width, 0, 0, 0.1);
	add_matrix(a, "cls.output.weight", width, 1, 1);
	add_f32(a, "cls.output.bias", 1, 0, 0, 0.1);
}

/* A matrix that has a row for each token. */
static void add_token_rows(struct adding *a, const char *name, double spread, uint32_t after)
{
	const struct sizes *s = a->s;

	gguf_tensor(a->g, name, format_for(a, name, s->width), s->width, s->vocab,
		    (struct numbers) {
			.spread = spread, .tail = has(a, ENCODER) ? 0 : ROW_TAIL, .after = after,
		    });
}

static void add_output(struct adding *a)
{
	/* Rows of another format would be others. */
	a->matrices = 0;
	add_token_rows(a, "output.weight", 1 / sqrt(a->s->width), NEXT_TOKEN);
}

static void add_tensors(struct adding *a)
{
	const struct sizes *s = a->s;

	add_token_rows(a, "token_embd.weight",
		       has(a, UNTIED) ? embedded(a) : 1 / sqrt(s->width), 0);
	if (has(a, POSITIONS))
		add_f32(a, "position_embd.weight", s->width, s->context, 0,
			has(a, ENCODER) ? 0.1 : 0.5 * embedded(a));
	if (has(a, ROPE_FREQS))
		add_divisors(a, "rope_freqs.weight", 8);
	if (has(a, ROPE_FACTORS)) {
		add_divisors(a, "rope_factors_short.weight", 1.5);
		add_divisors(a, "rope_factors_long.weight", 16);
	}
	for (a->layer = 0; a->layer < s->layers; a->layer++) {
		if (has(a, ENCODER))
			add_encoder_layer(a);
		else if (has(a, MAMBA))
			add_mamba_layer(a);
		else if (has(a, RWKV7))
			add_rwkv7_layer(a);
		else
			add_layer(a);
	}
	if (has(a, ENCODER)) {
		add_encoder_ends(a);
		return;
	}
	if (has(a, RWKV7))
		add_embedding_norm(a);
	add_f32(a, "output_norm.weight", s->width, 0, 1, 0.2);
	if (has(a, LAYER_NORM))
		add_f32(a, "output_norm.bias", s->width, 0, 0, 0.1);
	if (has(a, UNTIED))
		add_output(a);
	if (has(a, RANKS))
		add_matrix(a, "cls.output.weight", s->width, 2, 1);
}

/* A key of the architecture; the name lives until the next call. */
static const char *key(const struct sizes *s, const char *suffix)
{
	static char name[MAX_NAME];

	snprintf(name, sizeof(name), "%s.%s", s->kind->arch, suffix);
	return name;
}

static void add_attention_keys(struct gguf *g, const struct sizes *s)
{
	gguf_u32(g, key(s, "attention.head_count"), s->heads);
	gguf_u32(g, key(s, "attention.head_count_kv"), s->kv_heads);
	if (s->head * s->heads != s->width) {
		gguf_u32(g, key(s, "attention.key_length"), s->head);
		gguf_u32(g, key(s, "attention.value_length"), s->head);
	}
	if (!(s->kind->traits & POSITIONS))
		gguf_u32(g, key(s, "rope.dimension_count"), rotated(s));
}

static void add_keys(struct gguf *g, const struct sizes *s)
{
	bool layer_norm = s->kind->traits & LAYER_NORM;

	gguf_string(g, "general.architecture", s->kind->arch);
	/* Readers find names of models in it and then expect their tokens. */
	gguf_string(g, "general.name", "random");
	gguf_u32(g, "general.quantization_version", 2);
	gguf_u32(g, key(s, "block_count"), s->layers);
	gguf_u32(g, key(s, "context_length"), s->context);
	gguf_u32(g, key(s, "embedding_length"), s->width);
	gguf_f32(g, key(s, layer_norm ? "attention.layer_norm_epsilon" :
					"attention.layer_norm_rms_epsilon"), 0.00001f);
	gguf_u32(g, key(s, "feed_forward_length"), s->kind->traits & MAMBA ? 0 : s->hidden);
	if (s->kind->traits & RECURRENT)
		gguf_u32(g, key(s, "attention.head_count"), 0);
	else
		add_attention_keys(g, s);
	if (s->kind->keys)
		s->kind->keys(g, s);
}

void model_add(struct gguf *g, const struct sizes *s)
{
	struct adding a = { .g = g, .s = s };

	add_keys(g, s);
	add_tensors(&a);
}
