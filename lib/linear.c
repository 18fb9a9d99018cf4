// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdio.h>

#include "linear.h"

/* The tensors of the matrices; biases are NULL where there is none. */
struct sources {
	const struct gguf_tensor *weights[COMPILE_MAX_PARTS];
	const struct gguf_tensor *biases[COMPILE_MAX_PARTS];
};

static void find_sources(struct compile *c, struct sources *sources,
			 const struct linear_place *place, const struct linear *linears,
			 __u32 count)
{
	char name[COMPILE_NAME_SIZE];
	__u32 i;

	for (i = 0; i < count; i++) {
		compile_layer_name(name, place->layer, linears[i].name, "weight");
		sources->weights[i] = compile_need(c, name, place->columns, linears[i].rows);
		compile_layer_name(name, place->layer, linears[i].name, "bias");
		sources->biases[i] = compile_find(c, name, linears[i].rows, 1);
	}
}

static bool can_join(const struct compile *c, const struct sources *sources, __u32 count)
{
	__u32 i;

	for (i = 1; i < count; i++)
		if (!sources->biases[i] != !sources->biases[0] ||
		    compile_weight_type(c, sources->weights[i]) !=
		    compile_weight_type(c, sources->weights[0]))
			return false;
	return count > 1;
}

/* What the joined tensors are called: blk.N.FIRST..LAST.SUFFIX. */
static void joined_name(char *to, const struct linear_place *place, const struct linear *linears,
			__u32 count, const char *suffix)
{
	snprintf(to, COMPILE_NAME_SIZE, "blk.%u.%s..%s.%s", place->layer, linears[0].name,
		 linears[count - 1].name, suffix);
}

void linear_add(struct compile *c, const struct linear_place *place, const struct linear *linears,
		__u32 count)
{
	struct llm_insn insn = compile_insn(LLM_OP_LINEAR, place->dst);
	char name[COMPILE_NAME_SIZE];
	struct sources sources;
	__u32 i;

	find_sources(c, &sources, place, linears, count);
	if (c->code)
		return;
	insn.src[0] = place->src;
	insn.src[1] = place->residual;
	if (can_join(c, &sources, count)) {
		joined_name(name, place, linears, count, "weight");
		insn.tensor[0] = compile_weight(c, name, sources.weights, count);
		joined_name(name, place, linears, count, "bias");
		if (sources.biases[0])
			insn.tensor[1] = compile_vectors(c, name, sources.biases, count);
		image_add_insn(&c->writer, &insn);
		return;
	}
	for (i = 0; i < count; i++) {
		insn.tensor[0] = compile_weight(c, sources.weights[i]->name,
						&sources.weights[i], 1);
		insn.tensor[1] = compile_vector(c, sources.biases[i]);
		image_add_insn(&c->writer, &insn);
		insn.arg[0] += linears[i].rows;
	}
}
