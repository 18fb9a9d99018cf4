// SPDX-License-Identifier: GPL-2.0
/* The kinds of models, and the keys that only one of them has. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "random.h"

/* Windows and bounds are short, so that a few hundred positions are beyond them. */
#define WINDOW	64
#define BERT	(LAYER_NORM | POSITIONS | QKV_BIAS | BIASES | UNGATED | ENCODER)

static void mistral(struct gguf *g, const struct sizes *s)
{
	(void)s;
	gguf_u32(g, "llama.attention.sliding_window", WINDOW);
}

static void llama3(struct gguf *g, const struct sizes *s)
{
	(void)s;
	gguf_f32(g, "llama.rope.freq_base", 500000);
}

static void llama_linear(struct gguf *g, const struct sizes *s)
{
	(void)s;
	gguf_string(g, "llama.rope.scaling.type", "linear");
	gguf_f32(g, "llama.rope.scaling.factor", 4);
}

static void llama_yarn(struct gguf *g, const struct sizes *s)
{
	gguf_string(g, "llama.rope.scaling.type", "yarn");
	gguf_f32(g, "llama.rope.scaling.factor", 8);
	gguf_u32(g, "llama.rope.scaling.original_context_length", s->context / 8);
}

static void qwen(struct gguf *g, const struct sizes *s)
{
	gguf_f32(g, !strcmp(s->kind->arch, "qwen2") ? "qwen2.rope.freq_base" :
						      "qwen3.rope.freq_base", 1000000);
}

/* The model's own words, but for its advice. */
static void qwen3_rank(struct gguf *g, const struct sizes *s)
{
	char *const labels[] = { "yes", "no" };

	qwen(g, s);
	gguf_u32(g, "qwen3.pooling_type", 4);
	gguf_strings(g, "qwen3.classifier.output_labels", labels, ARRAY_SIZE(labels));
	gguf_string(g, "tokenizer.chat_template.rerank",
		    "<Instruct>: find what answers\n<Query>: {query}\n<Document>: {document}\n\n");
}

static void gemma2(struct gguf *g, const struct sizes *s)
{
	(void)s;
	gguf_u32(g, "gemma2.attention.sliding_window", WINDOW);
	gguf_f32(g, "gemma2.attn_logit_softcapping", 4);
	gguf_f32(g, "gemma2.final_logit_softcapping", 10);
}

static void gemma3(struct gguf *g, const struct sizes *s)
{
	(void)s;
	gguf_u32(g, "gemma3.attention.sliding_window", WINDOW);
	gguf_f32(g, "gemma3.rope.freq_base", 1000000);
	gguf_string(g, "gemma3.rope.scaling.type", "linear");
	gguf_f32(g, "gemma3.rope.scaling.factor", 8);
}

static void phi3_long(struct gguf *g, const struct sizes *s)
{
	gguf_u32(g, "phi3.rope.scaling.original_context_length", s->context / 4);
	gguf_f32(g, "phi3.rope.scaling.attn_factor", 1.19f);
}

static void gptneox(struct gguf *g, const struct sizes *s)
{
	(void)s;
	gguf_bool(g, "gptneox.use_parallel_residual", true);
}

static void gptneox_sequential(struct gguf *g, const struct sizes *s)
{
	(void)s;
	gguf_bool(g, "gptneox.use_parallel_residual", false);
}

static void olmo3(struct gguf *g, const struct sizes *s)
{
	gguf_u32(g, "olmo2.attention.sliding_window", WINDOW);
	gguf_f32(g, "olmo2.rope.freq_base", 500000);
	gguf_string(g, "olmo2.rope.scaling.type", "yarn");
	gguf_f32(g, "olmo2.rope.scaling.factor", 8);
	gguf_u32(g, "olmo2.rope.scaling.original_context_length", s->context / 8);
}

static void granite(struct gguf *g, const struct sizes *s)
{
	gguf_f32(g, "granite.logit_scale", 1.25f);
	gguf_f32(g, "granite.residual_scale", 0.7f);
	gguf_f32(g, "granite.embedding_scale", sqrtf(s->width));
	gguf_f32(g, "granite.attention.scale", 1.5f / s->head);
}

static void encoder(struct gguf *g, const struct sizes *s)
{
	char name[MAX_NAME];

	snprintf(name, sizeof(name), "%s.attention.causal", s->kind->arch);
	gguf_bool(g, name, false);
	gguf_u32(g, "tokenizer.ggml.token_type_count", s->kind->traits & XLM ? 1 : 2);
	snprintf(name, sizeof(name), "%s.pooling_type", s->kind->arch);
	gguf_u32(g, name, s->kind->traits & RANKS ? 4 : s->kind->traits & POSITIONS ? 2 : 1);
}

static void experts(struct gguf *g, const struct sizes *s)
{
	char name[MAX_NAME];

	snprintf(name, sizeof(name), "%s.expert_count", s->kind->arch);
	gguf_u32(g, name, EXPERT_COUNT);
	snprintf(name, sizeof(name), "%s.expert_used_count", s->kind->arch);
	gguf_u32(g, name, EXPERTS_USED);
	if (!strcmp(s->kind->arch, "llama"))
		return;
	snprintf(name, sizeof(name), "%s.expert_feed_forward_length", s->kind->arch);
	gguf_u32(g, name, s->hidden / 2);
	if (s->kind->traits & SHARED_EXPERT)
		gguf_u32(g, "qwen2moe.expert_shared_feed_forward_length", s->hidden);
}

static void mamba(struct gguf *g, const struct sizes *s)
{
	gguf_u32(g, "mamba.ssm.conv_kernel", MAMBA_TAPS);
	gguf_u32(g, "mamba.ssm.inner_size", mamba_inner(s));
	gguf_u32(g, "mamba.ssm.state_size", MAMBA_STATES);
	gguf_u32(g, "mamba.ssm.time_step_rank", mamba_rank(s));
}

static void falcon_mamba(struct gguf *g, const struct sizes *s)
{
	mamba(g, s);
	gguf_bool(g, "mamba.ssm.dt_b_c_rms", true);
}

static void rwkv7(struct gguf *g, const struct sizes *s)
{
	uint32_t rank = rwkv7_rank(s);

	gguf_u32(g, "rwkv7.wkv.head_size", rwkv7_head(s));
	gguf_u32(g, "rwkv7.attention.decay_lora_rank", rank);
	gguf_u32(g, "rwkv7.attention.iclr_lora_rank", rank);
	gguf_u32(g, "rwkv7.attention.value_residual_mix_lora_rank", rank);
	gguf_u32(g, "rwkv7.attention.gate_lora_rank", rank);
}

static const struct kind kinds[] = {
	{ "llama", "llama", UNTIED, 0, NULL },
	{ "llama-tied", "llama", 0, 0, NULL },
	{ "llama-biased", "llama", QKV_BIAS | BIASES, 0, NULL },
	{ "llama-linear", "llama", UNTIED, 0, llama_linear },
	{ "llama-yarn", "llama", UNTIED, 0, llama_yarn },
	{ "llama3", "llama", ROPE_FREQS, 0, llama3 },
	{ "mistral", "llama", UNTIED, 0, mistral },
	{ "qwen2", "qwen2", QKV_BIAS, 0, qwen },
	{ "qwen3", "qwen3", HEAD_NORMS, 0, qwen },
	{ "qwen3-rank", "qwen3", HEAD_NORMS | RANKS, 0, qwen3_rank },
	{ "gemma", "gemma", SCALED_EMBEDDING, 0, NULL },
	{ "gemma2", "gemma2", POST_NORMS | SCALED_EMBEDDING, 0, gemma2 },
	{ "gemma3", "gemma3", POST_NORMS | HEAD_NORMS | SCALED_EMBEDDING, 7, gemma3 },
	{ "phi3", "phi3", UNTIED | JOINED_QKV | JOINED_GATE, 0, NULL },
	{ "phi3-long", "phi3", UNTIED | JOINED_QKV | JOINED_GATE | ROPE_FACTORS, 0, phi3_long },
	{ "gpt2", "gpt2", LAYER_NORM | POSITIONS | JOINED_QKV | QKV_BIAS | BIASES | UNGATED, 0,
	  NULL },
	{ "gptneox", "gptneox", LAYER_NORM | JOINED_QKV | QKV_BIAS | BIASES | UNGATED | UNTIED |
	  PARTIAL_ROPE, 0, gptneox },
	{ "gptneox-sequential", "gptneox", LAYER_NORM | JOINED_QKV | QKV_BIAS | BIASES | UNGATED |
	  UNTIED | PARTIAL_ROPE, 0, gptneox_sequential },
	{ "starcoder2", "starcoder2", LAYER_NORM | QKV_BIAS | BIASES | UNGATED, 0, NULL },
	{ "olmo2", "olmo2", NO_PRE_NORMS | POST_NORMS | WIDTH_NORMS | UNTIED, 0, NULL },
	{ "olmo3", "olmo2", NO_PRE_NORMS | POST_NORMS | WIDTH_NORMS | UNTIED, 0, olmo3 },
	{ "stablelm", "stablelm", LAYER_NORM | UNTIED | PARTIAL_ROPE, 0, NULL },
	{ "stablelm-parallel", "stablelm", LAYER_NORM | UNTIED | PARTIAL_ROPE | NO_FFN_NORM |
	  OWN_HEAD_NORMS, 0, NULL },
	{ "granite", "granite", SCALED_EMBEDDING, 0, granite },
	{ "mixtral", "llama", UNTIED | EXPERTS, 0, experts },
	{ "qwen2moe", "qwen2moe", QKV_BIAS | EXPERTS | SHARED_EXPERT | UNTIED, 0, experts },
	{ "qwen3moe", "qwen3moe", HEAD_NORMS | EXPERTS | UNTIED, 0, experts },
	{ "bert", "bert", BERT, 0, encoder },
	{ "bert-rank", "bert", BERT | RANKS, 0, encoder },
	{ "xlm-roberta-rank", "bert", BERT | RANKS | XLM, 0, encoder },
	{ "nomic-bert", "nomic-bert", LAYER_NORM | JOINED_QKV | ENCODER, 0, encoder },
	{ "mamba", "mamba", MAMBA, 0, mamba },
	{ "falcon-mamba", "mamba", MAMBA | UNTIED, 0, falcon_mamba },
	{ "rwkv7", "rwkv7", RWKV7 | LAYER_NORM | UNTIED, 0, rwkv7 },
};

const struct kind *kind_at(size_t i)
{
	return i < ARRAY_SIZE(kinds) ? &kinds[i] : NULL;
}

const struct kind *kind_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(name, kinds[i].name))
			return &kinds[i];
	return NULL;
}
