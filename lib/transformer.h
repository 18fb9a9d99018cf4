/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Transformers: layers of attention and feed-forward over one running
 * representation. Most architectures are this with a few traits (arch.h); those
 * that differ more use the pieces below.
 */
#ifndef LLMCTL_TRANSFORMER_H
#define LLMCTL_TRANSFORMER_H

#include "arch.h"
#include "experts.h"
#include "rope.h"

/**
 * struct transformer - one model
 * @arch: its architecture
 * @layers: how many
 * @width: numbers a token is represented by
 * @hidden: width of the feed-forward part
 * @heads: query heads
 * @kv_heads: key/value heads, divides @heads
 * @key_dim: columns of a query or key head
 * @value_dim: columns of a value head
 * @epsilon: of the norms
 * @embedding_scale: what embeddings are multiplied by
 * @attention_scale: what scores are multiplied by
 * @attention_cap: what scores are capped at, or 0
 * @logit_scale: what logits are multiplied by
 * @logit_cap: what logits are capped at, or 0
 * @rotates: whether there are rotary positions
 * @rope: rotary positions
 * @window: positions that layers with a window attend over, or 0
 * @windowed: which layers have a window
 * @window_rope: rotary positions of those layers
 * @whole: attention is bidirectional
 * @parallel: attention and the feed-forward part take the same representation
 * @experts: mixture of experts
 * @feed_forward: adds the feed-forward part of a layer: from register @src to
 *	@dst, added to @residual unless that is LLM_IMAGE_NONE16; transformer_gated()
 *	or what read() of the architecture puts here
 *
 * Registers:
 *
 * @x: the running representation
 * @normed: its norm
 * @angles: of the positions
 * @window_angles: of the positions, for layers with a window
 * @qkv: queries, keys and values, side by side
 * @attended: what attention found
 * @up: what the feed-forward part first makes: gate and up, side by side
 * @gated: what it makes of that
 */
struct transformer {
	const struct arch *arch;
	__u32 layers;
	__u32 width;
	__u32 hidden;
	__u32 heads;
	__u32 kv_heads;
	__u32 key_dim;
	__u32 value_dim;
	float epsilon;
	float embedding_scale;
	float attention_scale;
	float attention_cap;
	float logit_scale;
	float logit_cap;
	bool rotates;
	struct rope rope;
	__u32 window;
	bool windowed[COMPILE_MAX_LAYERS];
	struct rope window_rope;
	bool whole;
	bool parallel;
	struct experts experts;
	void (*feed_forward)(struct compile *c, struct transformer *t, __u32 layer, __u16 dst,
			     __u16 src, __u16 residual);
	__u16 x;
	__u16 normed;
	__u16 angles;
	__u16 window_angles;
	__u16 qkv;
	__u16 attended;
	__u16 up;
	__u16 gated;
};

/**
 * compile_transformer() - compiles a model as the traits of its architecture say
 * @c: compilation whose vocabulary is compiled
 * @arch: architecture
 */
void compile_transformer(struct compile *c, const struct arch *arch);

/**
 * transformer_read() - reads the keys that all transformers have
 * @c: compilation
 * @t: zeroed but for @arch; filled but for the registers
 */
void transformer_read(struct compile *c, struct transformer *t);

/**
 * transformer_read_context() - reads how many positions the model was made for
 * @c: compilation
 */
void transformer_read_context(struct compile *c);

/**
 * transformer_read_epsilon() - reads what norms add to what the root is taken of
 * @c: compilation
 * @t: model whose @arch is set
 *
 * Return: the number.
 */
float transformer_read_epsilon(struct compile *c, const struct transformer *t);

/**
 * transformer_read_window() - reads the keys that give layers a window
 * @c: compilation
 * @t: model, read by transformer_read()
 * @missing: positions of the window where there is no such key, or 0 for none
 * @period: where no key tells, the last of so many layers has no window; 0: all
 *	layers have one
 *
 * The positions of these layers are rotated as all are; see @t->window_rope.
 */
void transformer_read_window(struct compile *c, struct transformer *t, __u32 missing,
			     __u32 period);

/**
 * transformer_registers() - adds the registers, and what fills those of angles
 * @c: compilation
 * @t: model that was read; its registers are filled
 */
void transformer_registers(struct compile *c, struct transformer *t);

/**
 * transformer_embed() - adds a row of a table
 * @c: compilation
 * @t: model
 * @dst: register
 * @addend: register that is added, not @dst, or LLM_IMAGE_NONE16
 * @index: enum llm_embed_what
 * @source: table, or NULL after a failure
 *
 * Return: the table's number in the image.
 */
__u32 transformer_embed(struct compile *c, const struct transformer *t, __u16 dst, __u16 addend,
			__u32 index, const struct gguf_tensor *source);

/**
 * transformer_act() - adds dst = after * f(before * src)
 * @c: compilation
 * @activation: f, enum llm_activation
 * @dst: register
 * @src: register, may be @dst
 * @before: factor
 * @after: factor
 */
void transformer_act(struct compile *c, __u32 activation, __u16 dst, __u16 src, float before,
		     float after);

/**
 * transformer_norm() - adds a norm of the whole representation
 * @c: compilation
 * @t: model
 * @dst: register
 * @src: register
 * @residual: register that is added, may be @dst, or LLM_IMAGE_NONE16
 * @name: name of the tensors without ".weight"
 */
void transformer_norm(struct compile *c, const struct transformer *t, __u16 dst, __u16 src,
		      __u16 residual, const char *name);

/**
 * transformer_attend() - adds the attention of a layer up to @t->attended
 * @c: compilation
 * @t: model
 * @layer: number of the layer
 * @src: register of its input
 */
void transformer_attend(struct compile *c, const struct transformer *t, __u32 layer, __u16 src);

/**
 * transformer_attended() - adds the matrix that follows it
 * @c: compilation
 * @t: model
 * @layer: number of the layer
 * @dst: register of the result
 * @residual: register that is added, or LLM_IMAGE_NONE16
 */
void transformer_attended(struct compile *c, const struct transformer *t, __u32 layer, __u16 dst,
			  __u16 residual);

/**
 * transformer_gated() - adds a feed-forward part: down (act(gate x) * up x)
 *	(arXiv:2002.05202)
 * @c: compilation
 * @t: model
 * @layer: number of the layer
 * @dst: register of the result
 * @src: register of its input
 * @residual: register that is added, or LLM_IMAGE_NONE16
 */
void transformer_gated(struct compile *c, struct transformer *t, __u32 layer, __u16 dst, __u16 src,
		       __u16 residual);

/**
 * transformer_plain() - adds a feed-forward part: down (act(up x))
 * @c: compilation
 * @t: model
 * @layer: number of the layer
 * @dst: register of the result
 * @src: register of its input
 * @residual: register that is added, or LLM_IMAGE_NONE16
 */
void transformer_plain(struct compile *c, struct transformer *t, __u32 layer, __u16 dst, __u16 src,
		       __u16 residual);

/**
 * transformer_output() - adds the way from the representation to the logits
 * @c: compilation
 * @t: model
 * @embedding: tensor of the image that serves where the file has no output.weight
 *
 * Only of the rows that are wanted: what no one asked for is not worth a
 * vocabulary of logits.
 */
void transformer_output(struct compile *c, const struct transformer *t, __u32 embedding);

#endif /* LLMCTL_TRANSFORMER_H */
