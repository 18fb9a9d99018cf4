// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch.h"
#include "compile.h"
#include "ggml_type.h"
#include "number.h"

/**
 * struct tokenizer - a kind of tokenizer
 * @name: what tokenizer.ggml.model calls it
 * @compile: adds the tokenizer and the vocabulary
 */
struct tokenizer {
	const char *name;
	void (*compile)(struct compile *c);
};

static const struct tokenizer tokenizers[] = {
	{ "llama", compile_vocab_spm },
	{ "gpt2", compile_vocab_bpe },
	{ "bert", compile_vocab_wordpiece },
	{ "rwkv", compile_vocab_rwkv },
	{ "t5", compile_vocab_unigram },
};

void compile_fail(struct compile *c, int code, const char *format, ...)
{
	char text[256];
	va_list args;

	if (c->code)
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	c->code = llmctl_fail(c->error, code, "%s: %s", c->gguf->label, text);
}

const char *compile_key(struct compile *c, const char *suffix)
{
	snprintf(c->key, sizeof(c->key), "%s.%s", c->arch->name, suffix);
	return c->key;
}

void compile_layer_name(char *to, __u32 layer, const char *name, const char *suffix)
{
	snprintf(to, COMPILE_NAME_SIZE, "blk.%u.%s.%s", layer, name, suffix);
}

struct llm_insn compile_insn(__u16 op, __u16 dst)
{
	struct llm_insn insn = { .op = op, .dst = dst, .slot = LLM_IMAGE_NONE16 };

	memset(insn.src, 0xff, sizeof(insn.src));
	memset(insn.tensor, 0xff, sizeof(insn.tensor));
	return insn;
}

__u32 compile_uint(struct compile *c, const char *name, __u64 missing, __u32 least,
		   __u32 most)
{
	__u64 value = missing;
	int found;

	if (c->code)
		return least;
	found = gguf_get_uint(c->gguf, name, &value, c->error);
	if (found < 0)
		c->code = found;
	else if (!found && missing == COMPILE_REQUIRED)
		compile_fail(c, EINVAL, "key '%s' is missing", name);
	else if (value < least || value > most)
		compile_fail(c, EINVAL, "key '%s': %llu is not between %u and %u", name,
			     value, least, most);
	return c->code ? least : value;
}

double compile_float(struct compile *c, const char *name, double missing)
{
	double value = missing;
	int found;

	if (c->code)
		return 1;
	found = gguf_get_float(c->gguf, name, &value, c->error);
	if (found < 0)
		c->code = found;
	else if (!found && isnan(missing))
		compile_fail(c, EINVAL, "key '%s' is missing", name);
	else if (!((float)value > 0 && isfinite((float)value)))
		compile_fail(c, EINVAL, "key '%s': %g is not more than 0", name, value);
	return c->code ? 1 : value;
}

bool compile_bool(struct compile *c, const char *name, bool missing)
{
	bool value = missing;

	if (!c->code && gguf_get_bool(c->gguf, name, &value, c->error) < 0)
		c->code = -EINVAL;
	return c->code ? missing : value;
}

const struct gguf_tensor *compile_find(struct compile *c, const char *name, __u64 columns,
				       __u64 rows)
{
	const struct gguf_tensor *tensor;

	if (c->code)
		return NULL;
	tensor = gguf_tensor_find(c->gguf, name);
	if (!tensor)
		return NULL;
	if (!number_type(tensor->type)) {
		compile_fail(c, EOPNOTSUPP,
			     "tensor '%s' is of type %s, which is not supported",
			     name, ggml_type_find(tensor->type)->name);
		return NULL;
	}
	if (tensor->dims[0] != columns || tensor->dims[1] != rows ||
	    tensor->elements != columns * rows) {
		compile_fail(c, EINVAL,
			     "tensor '%s' is %llu x %llu%s, not %llu x %llu",
			     name, tensor->dims[0], tensor->dims[1],
			     tensor->dim_count > 2 ? " x ..." : "", columns, rows);
		return NULL;
	}
	return tensor;
}

const struct gguf_tensor *compile_need(struct compile *c, const char *name, __u64 columns,
				       __u64 rows)
{
	const struct gguf_tensor *tensor = compile_find(c, name, columns, rows);

	if (!tensor)
		compile_fail(c, EINVAL, "tensor '%s' is missing", name);
	return tensor;
}

const struct gguf_tensor *compile_need_stack(struct compile *c, const char *name, __u64 columns,
					     __u64 rows, __u64 count)
{
	const struct gguf_tensor *tensor;

	if (c->code)
		return NULL;
	tensor = gguf_tensor_find(c->gguf, name);
	if (!tensor)
		compile_fail(c, EINVAL, "tensor '%s' is missing", name);
	else if (!number_type(tensor->type))
		compile_fail(c, EOPNOTSUPP, "tensor '%s' is of type %s, which is not supported",
			     name, ggml_type_find(tensor->type)->name);
	else if (tensor->dims[0] != columns || tensor->dims[1] != rows ||
		 tensor->dims[2] != count || tensor->elements != columns * rows * count)
		compile_fail(c, EINVAL, "tensor '%s' is %llu x %llu x %llu, not %llu x %llu x %llu",
			     name, tensor->dims[0], tensor->dims[1], tensor->dims[2], columns,
			     rows, count);
	return c->code ? NULL : tensor;
}

__u32 compile_weight_type(const struct compile *c, const struct gguf_tensor *tensor)
{
	if (c->type == LLMCTL_KEEP_TYPES)
		return tensor->type;
	if (tensor->dims[0] % number_type(c->type)->block)
		return LLM_TENSOR_F16;
	return c->type;
}

static void add_part(struct compile *c, const struct compile_part *part)
{
	struct compile_part *grown;

	if (!(c->part_count & (c->part_count - 1))) {
		grown = realloc(c->parts, (c->part_count ? 2 * c->part_count : 1) * sizeof(*part));
		if (!grown) {
			compile_fail(c, ENOMEM, "not enough memory");
			free(part->values);
			return;
		}
		c->parts = grown;
	}
	c->parts[c->part_count++] = *part;
}

__u32 compile_weight(struct compile *c, const char *name,
		     const struct gguf_tensor *const *sources, __u32 count)
{
	__u64 offset, rows = 0;
	__u32 type, number, i;

	if (c->code)
		return LLM_IMAGE_NONE;
	type = compile_weight_type(c, sources[0]);
	for (i = 0; i < count; i++) {
		if (sources[i]->type != type && !number_type(sources[i]->type)->loads)
			compile_fail(c, EOPNOTSUPP,
				     "tensor '%s' is of type %s, which can't be converted; leave it as it is",
				     sources[i]->name, number_type(sources[i]->type)->name);
		rows += sources[i]->elements / sources[i]->dims[0];
	}
	if (c->code)
		return LLM_IMAGE_NONE;
	number = image_add_tensor(&c->writer, name, type, sources[0]->dims[0], rows);
	if (c->writer.out_of_memory) {
		compile_fail(c, ENOMEM, "not enough memory");
		return LLM_IMAGE_NONE;
	}
	if (c->type != LLMCTL_KEEP_TYPES && type != c->type)
		c->fallbacks++;
	offset = image_tensor(&c->writer, number)->offset;
	for (i = 0; i < count; i++) {
		add_part(c, &(struct compile_part) {
			.offset = offset, .type = type, .source = sources[i],
		});
		offset += sources[i]->elements / number_type(type)->block *
			  number_type(type)->bytes;
	}
	return number;
}

__u32 compile_values(struct compile *c, const char *name, float *values, __u32 columns,
		     __u32 rows)
{
	__u32 number;

	if (c->code) {
		free(values);
		return LLM_IMAGE_NONE;
	}
	number = image_add_tensor(&c->writer, name, LLM_TENSOR_F32, columns, rows);
	if (c->writer.out_of_memory) {
		compile_fail(c, ENOMEM, "not enough memory");
		free(values);
		return LLM_IMAGE_NONE;
	}
	add_part(c, &(struct compile_part) {
		.offset = image_tensor(&c->writer, number)->offset,
		.type = LLM_TENSOR_F32,
		.values = values,
		.count = columns * rows,
	});
	return number;
}

float *compile_numbers(struct compile *c, const struct gguf_tensor *tensor)
{
	const struct number_type *type;
	float *values = NULL;
	void *raw;

	if (c->code)
		return NULL;
	type = number_type(tensor->type);
	if (type->block != 1) {
		compile_fail(c, EOPNOTSUPP, "tensor '%s' is a vector of type %s; F32, F16 and BF16 are supported",
			     tensor->name, type->name);
		return NULL;
	}
	raw = malloc(tensor->length);
	if (raw)
		values = calloc(tensor->elements, sizeof(*values));
	if (!values)
		compile_fail(c, ENOMEM, "not enough memory");
	else
		c->code = gguf_read(c->gguf, raw, tensor->offset, tensor->length, c->error);
	if (!c->code)
		number_load(values, raw, tensor->type, tensor->elements);
	free(raw);
	return values;
}

/* Sources one after the other, in so many rows. */
static __u32 add_vectors(struct compile *c, const char *name,
			 const struct gguf_tensor *const *sources, __u32 count, __u32 rows)
{
	__u64 offset, columns = 0;
	__u32 number, i;

	for (i = 0; i < count && !c->code; i++) {
		if (number_type(sources[i]->type)->block != 1)
			compile_fail(c, EOPNOTSUPP,
				     "tensor '%s' is a vector of type %s; F32, F16 and BF16 are supported",
				     sources[i]->name, number_type(sources[i]->type)->name);
		columns += sources[i]->elements;
	}
	if (c->code)
		return LLM_IMAGE_NONE;
	number = image_add_tensor(&c->writer, name, LLM_TENSOR_F32, columns / rows, rows);
	if (c->writer.out_of_memory) {
		compile_fail(c, ENOMEM, "not enough memory");
		return LLM_IMAGE_NONE;
	}
	offset = image_tensor(&c->writer, number)->offset;
	for (i = 0; i < count; i++) {
		add_part(c, &(struct compile_part) {
			.offset = offset, .type = LLM_TENSOR_F32, .source = sources[i],
		});
		offset += sources[i]->elements * sizeof(float);
	}
	return number;
}

__u32 compile_vectors(struct compile *c, const char *name,
		      const struct gguf_tensor *const *sources, __u32 count)
{
	return add_vectors(c, name, sources, count, count == 1 ? sources[0]->dims[1] : 1);
}

__u32 compile_rows(struct compile *c, const char *name,
		   const struct gguf_tensor *const *sources, __u32 count)
{
	return add_vectors(c, name, sources, count, count);
}

__u32 compile_vector(struct compile *c, const struct gguf_tensor *source)
{
	if (c->code || !source)
		return LLM_IMAGE_NONE;
	return compile_vectors(c, source->name, &source, 1);
}

/* A text of the metadata for a fixed field, cut between two characters or at a NUL. */
static void copy_text(struct compile *c, const char *name, __u8 *to, size_t size)
{
	const char *text = "";
	__u64 length = 0;
	int found;

	found = gguf_get_string(c->gguf, name, &text, &length, c->error);
	if (found < 0) {
		c->code = found;
		return;
	}
	length = strnlen(text, length);
	if (length > size - 1) {
		length = size - 1;
		while (length && (text[length] & 0xc0) == 0x80)
			length--;
	}
	memcpy(to, text, length);
}

/* Files that are something else than one whole model. */
static void check_kind_of_file(struct compile *c)
{
	const char *type;
	__u64 length, parts = 1;
	int found;

	found = gguf_get_string(c->gguf, "general.type", &type, &length, c->error);
	if (found < 0)
		c->code = found;
	else if (found && !gguf_text_is(type, length, "model"))
		compile_fail(c, EOPNOTSUPP, "it holds no model but a '%.*s'",
			     length < 32 ? (int)length : 32, type);
	if (c->code)
		return;
	found = gguf_get_uint(c->gguf, "split.count", &parts, c->error);
	if (found < 0)
		c->code = found;
	else if (parts > 1)
		compile_fail(c, EOPNOTSUPP,
			     "it is one of %llu parts; join them with llama-gguf-split --merge",
			     parts);
}

/*
 * Keys of no architecture that change what a text or a token becomes, and that nobody
 * asks for. Other such keys, of which files are full, tell of the model.
 */
static void check_general(struct compile *c)
{
	static const char *const unknown[] = {
		"tokenizer.ggml.suppress_tokens", "general.tensor_extra.name",
		"general.tensor_extra.prec_a4",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(unknown) && !c->code; i++)
		if (gguf_key_find(c->gguf, unknown[i]))
			compile_fail(c, EOPNOTSUPP, "key '%s' is not supported", unknown[i]);
	if (compile_bool(c, "tokenizer.ggml.normalizer.nfc", false))
		compile_fail(c, EOPNOTSUPP, "key 'tokenizer.ggml.normalizer.nfc' is not supported");
}

void compile_vocab(struct compile *c)
{
	const char *name;
	__u64 length;
	size_t i;
	int found;

	check_general(c);
	if (c->code)
		return;
	found = gguf_get_string(c->gguf, "tokenizer.ggml.model", &name, &length, c->error);
	if (found < 0)
		c->code = found;
	else if (!found)
		compile_fail(c, EINVAL, "key 'tokenizer.ggml.model' is missing");
	for (i = 0; i < ARRAY_SIZE(tokenizers) && !c->code; i++) {
		if (gguf_text_is(name, length, tokenizers[i].name)) {
			tokenizers[i].compile(c);
			return;
		}
	}
	compile_fail(c, EOPNOTSUPP,
		     "tokenizer '%.*s' is not supported; 'llama', 'gpt2', 'bert' and 'rwkv' are",
		     length < 32 ? (int)length : 32, name);
}

/*
 * What the compiler did not ask for could change what the model computes: a
 * wrong answer is worse than none.
 */
static void check_all_used(struct compile *c, const char *arch)
{
	size_t length = strlen(arch);
	__u32 i;

	for (i = 0; i < c->gguf->key_count && !c->code; i++) {
		const struct gguf_key *key = &c->gguf->keys[i];

		if (!key->used && !strncmp(key->name, arch, length) && key->name[length] == '.')
			compile_fail(c, EOPNOTSUPP, "key '%s' is not supported", key->name);
	}
	for (i = 0; i < c->gguf->tensor_count && !c->code; i++)
		if (!c->gguf->tensors[i].used)
			compile_fail(c, EOPNOTSUPP, "tensor '%s' is not supported",
				     c->gguf->tensors[i].name);
}

void compile_pooling(struct compile *c, __u32 missing)
{
	/* GGUF numbers these from 0. */
	__u32 kind = compile_uint(c, compile_key(c, "pooling_type"), missing - 1, 0,
				  LLM_POOLING_RANK - 1);

	c->writer.model.pooling = kind + 1;
}

static void find_arch(struct compile *c)
{
	char known[192];
	const char *name;
	__u64 length;
	int found;

	if (c->code)
		return;
	found = gguf_get_string(c->gguf, "general.architecture", &name, &length, c->error);
	if (found < 0)
		c->code = found;
	else if (!found)
		compile_fail(c, EINVAL, "key 'general.architecture' is missing");
	if (c->code)
		return;
	c->arch = arch_find(name, length);
	arch_list(known, sizeof(known));
	if (!c->arch)
		compile_fail(c, EOPNOTSUPP, "architecture '%.*s' is not supported; these are: %s",
			     length < 32 ? (int)length : 32, name, known);
}

int compile_gguf(struct compile *c)
{
	__u32 i;

	check_kind_of_file(c);
	find_arch(c);
	if (c->code)
		return c->code;
	copy_text(c, "general.name", c->writer.model.name, sizeof(c->writer.model.name));
	memcpy(c->writer.model.architecture, c->arch->name, strlen(c->arch->name));
	for (i = 0; i < c->gguf->tensor_count; i++)
		c->writer.model.parameters += c->gguf->tensors[i].elements;
	compile_vocab(c);
	if (!c->code)
		compile_chat(c);
	if (!c->code)
		c->arch->compile(c, c->arch);
	check_all_used(c, c->arch->name);
	if (c->writer.out_of_memory)
		compile_fail(c, ENOMEM, "not enough memory");
	return c->code;
}

__u64 compile_size(const struct compile *c)
{
	return image_size(&c->writer);
}

void compile_destroy(struct compile *c)
{
	__u32 i;

	for (i = 0; i < c->part_count; i++)
		free(c->parts[i].values);
	free(c->parts);
	image_destroy(&c->writer);
}
