// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "number.h"

/**
 * struct llama - a model of the family
 * @layers: transformer layers
 * @width: numbers a token is represented by
 * @hidden: width of the feed-forward part
 * @heads: query heads
 * @kv_heads: key/value heads, divides @heads
 * @key_dim: columns of a query or key head
 * @value_dim: columns of a value head
 * @rope_dim: columns of a head that are rotated, even
 * @rope_base: base of the frequencies
 * @rope_factor: what positions are divided by
 * @epsilon: of the norms
 *
 * Registers:
 *
 * @x: the running representation
 * @normed: its norm
 * @angles: of the positions
 * @qkv: queries, keys and values, side by side
 * @attended: what attention found
 * @gate_up: both halves of the gated unit, side by side
 * @gated: their product
 */
struct llama {
	__u32 layers;
	__u32 width;
	__u32 hidden;
	__u32 heads;
	__u32 kv_heads;
	__u32 key_dim;
	__u32 value_dim;
	__u32 rope_dim;
	double rope_base;
	double rope_factor;
	float epsilon;
	__u16 x;
	__u16 normed;
	__u16 angles;
	__u16 qkv;
	__u16 attended;
	__u16 gate_up;
	__u16 gated;
};

/**
 * struct linear - one of the matrices that are applied to the same input
 * @name: its name in the layer
 * @rows: numbers it makes
 * @weight: tensor of the file
 * @bias: tensor of the file, or NULL
 */
struct linear {
	const char *name;
	__u32 rows;
	const struct gguf_tensor *weight;
	const struct gguf_tensor *bias;
};

/* An instruction of which only the op is set. */
static struct llm_insn new_insn(__u16 op, __u16 dst)
{
	struct llm_insn insn = { .op = op, .dst = dst, .slot = LLM_IMAGE_NONE16 };

	memset(insn.src, 0xff, sizeof(insn.src));
	memset(insn.tensor, 0xff, sizeof(insn.tensor));
	return insn;
}

/* A number for all layers; files may hold it once a layer. */
static __u32 uniform_uint(struct compile *c, const char *name, __u64 missing,
			  __u32 most, __u32 layers)
{
	const struct gguf_key *key = NULL;
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

static void read_rope(struct compile *c, struct llama *m)
{
	const char *type = "linear";
	__u64 length = strlen(type);
	int found;

	m->rope_dim = compile_uint(c, "llama.rope.dimension_count", m->key_dim, 2, m->key_dim);
	m->rope_base = compile_float(c, "llama.rope.freq_base", 10000);
	m->rope_factor = compile_float(c, "llama.rope.scale_linear", 1);
	m->rope_factor = compile_float(c, "llama.rope.scaling.factor", m->rope_factor);
	/* What the factor was chosen for and when does not change the computation. */
	gguf_key_find(c->gguf, "llama.rope.scaling.original_context_length");
	gguf_key_find(c->gguf, "llama.rope.scaling.finetuned");
	if (c->code)
		return;
	if (m->rope_dim % 2)
		compile_fail(c, EINVAL, "key 'llama.rope.dimension_count': %u is not even",
			     m->rope_dim);
	found = gguf_get_string(c->gguf, "llama.rope.scaling.type", &type, &length, c->error);
	if (found < 0)
		c->code = found;
	else if (length == 4 && !memcmp(type, "none", 4))
		m->rope_factor = 1;
	else if (length != 6 || memcmp(type, "linear", 6))
		compile_fail(c, EOPNOTSUPP,
			     "key 'llama.rope.scaling.type': '%.*s' is not supported; 'none' and 'linear' are",
			     length < 32 ? (int)length : 32, type);
}

static void read_shape(struct compile *c, struct llama *m)
{
	m->layers = compile_uint(c, "llama.block_count", COMPILE_REQUIRED, 1,
				 COMPILE_MAX_LAYERS);
	m->width = compile_uint(c, "llama.embedding_length", COMPILE_REQUIRED, 1,
				COMPILE_MAX_WIDTH);
	m->hidden = uniform_uint(c, "llama.feed_forward_length", COMPILE_REQUIRED,
				 COMPILE_MAX_WIDTH / 2, m->layers);
	m->heads = uniform_uint(c, "llama.attention.head_count", COMPILE_REQUIRED,
				COMPILE_MAX_WIDTH, m->layers);
	m->kv_heads = uniform_uint(c, "llama.attention.head_count_kv", m->heads, m->heads,
				   m->layers);
	m->key_dim = compile_uint(c, "llama.attention.key_length", m->width / m->heads, 1, 512);
	m->value_dim = compile_uint(c, "llama.attention.value_length", m->width / m->heads, 1, 512);
	m->epsilon = compile_float(c, "llama.attention.layer_norm_rms_epsilon", NAN);
	c->writer.model.context_length = compile_uint(c, "llama.context_length",
						      COMPILE_REQUIRED, 1, UINT32_MAX);
	if (c->writer.model.context_length > COMPILE_MAX_CONTEXT)
		c->writer.model.context_length = COMPILE_MAX_CONTEXT;
	/* The vocabulary itself says how many tokens there are, and the tensors. */
	gguf_key_find(c->gguf, "llama.vocab_size");
	/* Which tool wrote the file; the order of numbers is the same. */
	gguf_key_find(c->gguf, "llama.tensor_data_layout");
	compile_uint(c, "llama.expert_used_count", 0, 0, UINT32_MAX);
	if (compile_uint(c, "llama.expert_count", 0, 0, UINT32_MAX))
		compile_fail(c, EOPNOTSUPP,
			     "key 'llama.expert_count': mixtures of experts are not supported");
	if (!c->code && m->heads % m->kv_heads)
		compile_fail(c, EINVAL,
			     "key 'llama.attention.head_count_kv': %u does not divide the %u heads",
			     m->kv_heads, m->heads);
	if (!c->code && (__u64)m->heads * (m->key_dim + m->value_dim) * 2 > COMPILE_MAX_WIDTH)
		compile_fail(c, EOPNOTSUPP, "%u heads of %u and %u columns are too wide", m->heads,
			     m->key_dim, m->value_dim);
}

static void add_registers(struct compile *c, struct llama *m)
{
	__u32 qkv = m->heads * m->key_dim + m->kv_heads * (m->key_dim + m->value_dim);

	m->x = image_add_register(&c->writer, m->width, LLM_ROWS_BATCH);
	m->normed = image_add_register(&c->writer, m->width, LLM_ROWS_BATCH);
	m->angles = image_add_register(&c->writer, m->rope_dim, LLM_ROWS_BATCH);
	m->qkv = image_add_register(&c->writer, qkv, LLM_ROWS_BATCH);
	m->attended = image_add_register(&c->writer, m->heads * m->value_dim, LLM_ROWS_BATCH);
	m->gate_up = image_add_register(&c->writer, 2 * m->hidden, LLM_ROWS_BATCH);
	m->gated = image_add_register(&c->writer, m->hidden, LLM_ROWS_BATCH);
}

static __u32 add_embedding(struct compile *c, const struct llama *m)
{
	struct llm_insn insn = new_insn(LLM_OP_EMBED, m->x);
	const struct gguf_tensor *source;

	source = compile_need(c, "token_embd.weight", m->width, c->writer.model.vocab_size);
	insn.tensor[0] = compile_weight(c, "token_embd.weight", &source, 1);
	image_add_insn(&c->writer, &insn);
	return insn.tensor[0];
}

/*
 * Frequencies base^(-2i / dim) (arXiv:2104.09864), divided by the factor of
 * linear scaling and by those of a rope_freqs tensor, as Llama 3.1 has it.
 */
static void add_angles(struct compile *c, const struct llama *m)
{
	struct llm_insn insn = new_insn(LLM_OP_ANGLES, m->angles);
	__u32 count = m->rope_dim / 2, i;
	const struct gguf_tensor *factors;
	float *values;

	factors = compile_find(c, "rope_freqs.weight", count, 1);
	if (factors && factors->type != LLM_TENSOR_F32)
		compile_fail(c, EOPNOTSUPP, "tensor 'rope_freqs.weight' is not F32");
	values = calloc(count, sizeof(*values));
	if (!values)
		compile_fail(c, ENOMEM, "not enough memory");
	if (factors && !c->code)
		c->code = gguf_read(c->gguf, values, factors->offset, factors->length, c->error);
	for (i = 0; i < count && !c->code; i++) {
		double factor = m->rope_factor * (factors ? values[i] : 1);

		values[i] = pow(m->rope_base, -2.0 * i / m->rope_dim) / factor;
		if (!isfinite(values[i]))
			compile_fail(c, EINVAL,
				     "frequency %u of the rotary positions is not finite", i);
	}
	insn.tensor[0] = compile_values(c, "rope_frequencies", values, count);
	insn.arg[0] = number_bits(1);
	image_add_insn(&c->writer, &insn);
}

static void add_norm(struct compile *c, const struct llama *m, const char *name, __u16 dst,
		     __u16 src)
{
	struct llm_insn insn = new_insn(LLM_OP_NORM, dst);

	insn.src[0] = src;
	insn.tensor[0] = compile_vector(c, compile_need(c, name, m->width, 1));
	insn.arg[0] = number_bits(m->epsilon);
	insn.arg[1] = m->width;
	image_add_insn(&c->writer, &insn);
}

/* Names longer than this are in no model of the family. */
#define NAME_SIZE 64

static void layer_name(char *to, __u32 layer, const char *name, const char *suffix)
{
	snprintf(to, NAME_SIZE, "blk.%u.%s.%s", layer, name, suffix);
}

static void find_linear(struct compile *c, struct linear *linear, __u32 layer,
			__u32 columns)
{
	char name[NAME_SIZE];

	layer_name(name, layer, linear->name, "weight");
	linear->weight = compile_need(c, name, columns, linear->rows);
	layer_name(name, layer, linear->name, "bias");
	linear->bias = compile_find(c, name, linear->rows, 1);
}

static bool can_join(const struct compile *c, const struct linear *linears, __u32 count)
{
	__u32 i;

	for (i = 0; i < count; i++)
		if (linears[i].bias || compile_weight_type(c, linears[i].weight) !=
				       compile_weight_type(c, linears[0].weight))
			return false;
	return true;
}

/*
 * Matrices that are applied to the same input and whose results go side by side
 * into @dst; with a @residual they are added to that. In one tensor where that
 * can be, since one long instruction keeps the workers busier than three.
 */
static void add_linears(struct compile *c, __u32 layer, __u16 dst, __u16 src,
			__u32 columns, __u16 residual, struct linear *linears,
			__u32 count)
{
	struct llm_insn insn = new_insn(LLM_OP_LINEAR, dst);
	const struct gguf_tensor *sources[COMPILE_MAX_PARTS];
	char name[NAME_SIZE];
	__u32 i;

	for (i = 0; i < count; i++) {
		find_linear(c, &linears[i], layer, columns);
		sources[i] = linears[i].weight;
	}
	if (c->code)
		return;
	insn.src[0] = src;
	insn.src[1] = residual;
	if (count > 1 && can_join(c, linears, count)) {
		snprintf(name, sizeof(name), "blk.%u.%s..%s.weight", layer, linears[0].name,
			 linears[count - 1].name);
		insn.tensor[0] = compile_weight(c, name, sources, count);
		image_add_insn(&c->writer, &insn);
		return;
	}
	for (i = 0; i < count; i++) {
		insn.tensor[0] = compile_weight(c, sources[i]->name, &sources[i], 1);
		insn.tensor[1] = compile_vector(c, linears[i].bias);
		image_add_insn(&c->writer, &insn);
		insn.arg[0] += linears[i].rows;
	}
}

static void add_attention(struct compile *c, const struct llama *m, __u32 layer)
{
	__u32 queries = m->heads * m->key_dim, keys = m->kv_heads * m->key_dim;
	__u32 values = m->kv_heads * m->value_dim;
	struct linear qkv[] = {
		{ "attn_q", queries, NULL, NULL },
		{ "attn_k", keys, NULL, NULL },
		{ "attn_v", values, NULL, NULL },
	};
	struct linear output[] = { { "attn_output", m->width, NULL, NULL } };
	struct llm_insn rope = new_insn(LLM_OP_ROPE, m->qkv);
	struct llm_insn attend = new_insn(LLM_OP_ATTEND, m->attended);
	char name[NAME_SIZE];

	layer_name(name, layer, "attn_norm", "weight");
	add_norm(c, m, name, m->normed, m->x);
	add_linears(c, layer, m->qkv, m->normed, m->width, LLM_IMAGE_NONE16, qkv, 3);
	/* Keys follow the queries, so one instruction rotates both. */
	rope.src[0] = m->angles;
	rope.arg[1] = m->heads + m->kv_heads;
	rope.arg[2] = m->key_dim;
	image_add_insn(&c->writer, &rope);
	attend.src[0] = m->qkv;
	attend.src[1] = m->qkv;
	attend.src[2] = m->qkv;
	attend.slot = image_add_kv(&c->writer, keys, values);
	attend.arg[1] = queries;
	attend.arg[2] = queries + keys;
	attend.arg[3] = m->heads;
	attend.arg[4] = m->kv_heads;
	attend.arg[5] = m->key_dim;
	attend.arg[6] = m->value_dim;
	attend.arg[7] = number_bits(1 / sqrtf(m->key_dim));
	image_add_insn(&c->writer, &attend);
	add_linears(c, layer, m->x, m->attended, m->heads * m->value_dim, m->x, output, 1);
}

static void add_feed_forward(struct compile *c, const struct llama *m, __u32 layer)
{
	struct linear gate_up[] = {
		{ "ffn_gate", m->hidden, NULL, NULL },
		{ "ffn_up", m->hidden, NULL, NULL },
	};
	struct linear down[] = { { "ffn_down", m->width, NULL, NULL } };
	struct llm_insn glu = new_insn(LLM_OP_GLU, m->gated);
	char name[NAME_SIZE];

	layer_name(name, layer, "ffn_norm", "weight");
	add_norm(c, m, name, m->normed, m->x);
	add_linears(c, layer, m->gate_up, m->normed, m->width, LLM_IMAGE_NONE16, gate_up, 2);
	glu.src[0] = m->gate_up;
	glu.arg[1] = m->hidden;
	image_add_insn(&c->writer, &glu);
	add_linears(c, layer, m->x, m->gated, m->hidden, m->x, down, 1);
}

/* The last rows only: what no one asked for is not worth a vocabulary of logits. */
static void add_output(struct compile *c, const struct llama *m, __u32 embedding)
{
	__u32 vocab = c->writer.model.vocab_size;
	__u16 wanted = image_add_register(&c->writer, m->width, LLM_ROWS_OUTPUT);
	__u16 normed = image_add_register(&c->writer, m->width, LLM_ROWS_OUTPUT);
	struct llm_insn gather = new_insn(LLM_OP_GATHER, wanted);
	const struct gguf_tensor *output;
	struct llm_insn linear;

	gather.src[0] = m->x;
	image_add_insn(&c->writer, &gather);
	add_norm(c, m, "output_norm.weight", normed, wanted);
	c->writer.model.logits = image_add_register(&c->writer, vocab, LLM_ROWS_OUTPUT);
	linear = new_insn(LLM_OP_LINEAR, c->writer.model.logits);
	linear.src[0] = normed;
	output = compile_find(c, "output.weight", m->width, vocab);
	linear.tensor[0] = output ? compile_weight(c, "output.weight", &output, 1) : embedding;
	image_add_insn(&c->writer, &linear);
}

void compile_arch_llama(struct compile *c)
{
	struct llama m = { 0 };
	__u32 layer, embedding;

	read_shape(c, &m);
	read_rope(c, &m);
	if (c->code)
		return;
	add_registers(c, &m);
	embedding = add_embedding(c, &m);
	add_angles(c, &m);
	for (layer = 0; layer < m.layers && !c->code; layer++) {
		add_attention(c, &m, layer);
		add_feed_forward(c, &m, layer);
	}
	add_output(c, &m, embedding);
}
