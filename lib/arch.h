/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Architectures: what general.architecture of a GGUF file can be. Each is a struct
 * arch in a file arch_*.c, and one line in arch.c.
 */
#ifndef LLMCTL_ARCH_H
#define LLMCTL_ARCH_H

#include <stddef.h>

#include "compile.h"

struct transformer;

/** TRANSFORMER_HALVES - rotary positions rotate by LLM_PAIRING_HALVES. */
#define TRANSFORMER_HALVES		(1U << 0)
/** TRANSFORMER_POSITIONS - learned positions are added; nothing is rotated. */
#define TRANSFORMER_POSITIONS		(1U << 1)
/** TRANSFORMER_LAYER_NORM - norms are LLM_NORM_LAYER. */
#define TRANSFORMER_LAYER_NORM		(1U << 2)
/** TRANSFORMER_NO_PRE_NORMS - parts of a layer take the representation as it is. */
#define TRANSFORMER_NO_PRE_NORMS	(1U << 3)
/** TRANSFORMER_POST_NORMS - what a part of a layer makes is normed before it is added. */
#define TRANSFORMER_POST_NORMS		(1U << 4)
/** TRANSFORMER_HEAD_NORMS - each query and key head is normed. */
#define TRANSFORMER_HEAD_NORMS		(1U << 5)
/** TRANSFORMER_WIDTH_NORMS - all queries are normed together, and all keys. */
#define TRANSFORMER_WIDTH_NORMS		(1U << 6)
/** TRANSFORMER_UNGATED - the feed-forward part is down (act (up x)). */
#define TRANSFORMER_UNGATED		(1U << 7)
/** TRANSFORMER_JOINED_GATE - the gate is the first half of what ffn_up makes. */
#define TRANSFORMER_JOINED_GATE		(1U << 8)
/** TRANSFORMER_SOFTMAX - it can rank, and its scores are the softmax of what the head makes. */
#define TRANSFORMER_SOFTMAX		(1U << 9)

/**
 * struct arch - one architecture
 * @name: what general.architecture calls it; its keys begin with it and a dot
 * @compile: adds registers, slots, tensors and program; compile_transformer() or
 *	a function of its own
 * @traits: for compile_transformer(): TRANSFORMER_*
 * @activation: for compile_transformer(): enum llm_activation of the feed-forward
 *	part
 * @read: for compile_transformer(): reads the keys that only this architecture
 *	has, after those that all have; or NULL
 */
struct arch {
	const char *name;
	void (*compile)(struct compile *c, const struct arch *arch);
	__u32 traits;
	__u32 activation;
	void (*read)(struct compile *c, struct transformer *t);
};

extern const struct arch arch_llama;
extern const struct arch arch_qwen2;
extern const struct arch arch_qwen3;
extern const struct arch arch_gemma;
extern const struct arch arch_gemma2;
extern const struct arch arch_gemma3;
extern const struct arch arch_phi3;
extern const struct arch arch_gpt2;
extern const struct arch arch_gptneox;
extern const struct arch arch_starcoder2;
extern const struct arch arch_olmo2;
extern const struct arch arch_stablelm;
extern const struct arch arch_granite;
extern const struct arch arch_qwen2moe;
extern const struct arch arch_qwen3moe;
extern const struct arch arch_bert;
extern const struct arch arch_nomic_bert;
extern const struct arch arch_mamba;
extern const struct arch arch_rwkv7;

/**
 * arch_find() - an architecture by its name
 * @name: name, not NUL-terminated
 * @length: bytes
 *
 * Return: the architecture, or NULL where it is not known.
 */
const struct arch *arch_find(const char *name, __u64 length);

/**
 * arch_list() - the names of all architectures, separated by commas
 * @to: where they go
 * @size: bytes there; what does not fit is left out
 */
void arch_list(char *to, size_t size);

#endif /* LLMCTL_ARCH_H */
