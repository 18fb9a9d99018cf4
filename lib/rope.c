// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "rope.h"

/* The factor's key, or that of files from before there were kinds of scaling. */
static double read_factor(struct compile *c)
{
	double factor = compile_float(c, compile_key(c, "rope.scale_linear"), 1);

	return compile_float(c, compile_key(c, "rope.scaling.factor"), factor);
}

static void read_yarn(struct compile *c, struct rope *rope)
{
	rope->yarn = compile_float(c, compile_key(c, "rope.scaling.yarn_ext_factor"), 1);
	rope->beta_fast = compile_float(c, compile_key(c, "rope.scaling.yarn_beta_fast"), 32);
	rope->beta_slow = compile_float(c, compile_key(c, "rope.scaling.yarn_beta_slow"), 1);
	if (rope->factor > 1)
		rope->magnitude *= 1 + 0.1 * log(rope->factor);
}

static void read_scaling(struct compile *c, struct rope *rope)
{
	const char *name = compile_key(c, "rope.scaling.type");
	const char *type = "linear";
	__u64 length = strlen(type);
	int found;

	if (c->code)
		return;
	found = gguf_get_string(c->gguf, name, &type, &length, c->error);
	if (found < 0)
		c->code = found;
	else if (gguf_text_is(type, length, "none"))
		rope->factor = 1;
	else if (gguf_text_is(type, length, "yarn"))
		read_yarn(c, rope);
	else if (!gguf_text_is(type, length, "linear") && !gguf_text_is(type, length, "longrope"))
		compile_fail(c, EOPNOTSUPP,
			     "key '%s': '%.*s' is not supported; 'none', 'linear', 'yarn' and 'longrope' are",
			     name, length < 32 ? (int)length : 32, type);
}

void rope_read(struct compile *c, struct rope *rope, __u32 head)
{
	*rope = (struct rope) { 0 };
	rope->dims = compile_uint(c, compile_key(c, "rope.dimension_count"), head, 2, head);
	if (!c->code && rope->dims % 2)
		compile_fail(c, EINVAL, "key '%s': %u is not even",
			     compile_key(c, "rope.dimension_count"), rope->dims);
	rope->base = compile_float(c, compile_key(c, "rope.freq_base"), 10000);
	rope->factor = read_factor(c);
	rope->original = compile_uint(c, compile_key(c, "rope.scaling.original_context_length"),
				      c->writer.model.context_length, 1, UINT32_MAX);
	rope->magnitude = compile_float(c, compile_key(c, "rope.scaling.attn_factor"), 1);
	/* What the factor was chosen for does not change the computation. */
	if (!c->code)
		gguf_key_find(c->gguf, compile_key(c, "rope.scaling.finetuned"));
	read_scaling(c, rope);
}

/* The frequency, as its number among them, that turns so often in the original positions. */
static double turning(const struct rope *rope, double turns)
{
	return rope->dims * log(rope->original / (turns * 2 * M_PI)) / (2 * log(rope->base));
}

/* What frequency @i is multiplied by: 1 / factor, less so where YaRN leaves it alone. */
static double scale_of(const struct rope *rope, __u32 i)
{
	double first, last, alone;

	if (rope->yarn == 0)
		return 1 / rope->factor;
	first = fmax(0, floor(turning(rope, rope->beta_fast)));
	last = fmin(rope->dims - 1, ceil(turning(rope, rope->beta_slow)));
	alone = 1 - fmin(1, fmax(0, (i - first) / fmax(0.001, last - first)));
	alone *= rope->yarn;
	return (1 - alone) / rope->factor + alone;
}

/* The divisors of a tensor of the file, or NULL. */
static float *read_divisors(struct compile *c, const char *name, __u32 count)
{
	const struct gguf_tensor *tensor = compile_find(c, name, count, 1);

	if (!tensor)
		return NULL;
	if (tensor->type != LLM_TENSOR_F32)
		compile_fail(c, EOPNOTSUPP, "tensor '%s' is not F32", name);
	return compile_numbers(c, tensor);
}

/*
 * Of frequency i what is left beside the i-th power of the ratio from one to the next.
 * That is multiplied by where angles are computed, because ggml does so, in binary32:
 * the rounding of large angles is more than all else that engines differ in.
 */
static __u32 add_frequencies(struct compile *c, const struct rope *rope, const char *name,
			     const char *divisors_name)
{
	__u32 count = rope->dims / 2, i;
	float *divisors = read_divisors(c, divisors_name, count);
	float *values = calloc(count, sizeof(*values));

	if (!values)
		compile_fail(c, ENOMEM, "not enough memory");
	for (i = 0; i < count && !c->code; i++) {
		double divisor = divisors ? divisors[i] : 1;

		values[i] = scale_of(rope, i) / divisor;
		if (!isfinite(values[i]))
			compile_fail(c, EINVAL,
				     "frequency %u of the rotary positions is not finite", i);
	}
	free(divisors);
	return compile_values(c, name, values, count, 1);
}

__u16 rope_add(struct compile *c, const struct rope *rope, const char *name)
{
	__u16 angles = image_add_register(&c->writer, rope->dims, LLM_ROWS_BATCH);
	struct llm_insn insn = compile_insn(LLM_OP_ANGLES, angles);
	char long_name[COMPILE_NAME_SIZE];

	insn.arg[0] = number_bits(rope->magnitude);
	insn.arg[2] = number_bits(powf(rope->base, -2.0f / rope->dims));
	if (compile_find(c, "rope_factors_short.weight", rope->dims / 2, 1)) {
		compile_need(c, "rope_factors_long.weight", rope->dims / 2, 1);
		snprintf(long_name, sizeof(long_name), "%s_long", name);
		insn.tensor[0] = add_frequencies(c, rope, name, "rope_factors_short.weight");
		insn.tensor[1] = add_frequencies(c, rope, long_name, "rope_factors_long.weight");
		insn.arg[1] = rope->original;
	} else {
		insn.tensor[0] = add_frequencies(c, rope, name, "rope_freqs.weight");
	}
	image_add_insn(&c->writer, &insn);
	return angles;
}
