// SPDX-License-Identifier: GPL-2.0
/*
 * Every key that llama.cpp reads of an architecture, in a model of each: it is refused, or
 * it changes what is computed, or it is known to change nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compile.h"
#include "tap.h"

#define RANDOM_MODEL	"../../tools/random/build/random-model"
#define NAME_SIZE	128
#define ALIGNMENT	32
/* What stands before the first key. */
#define HEADER		24

/* Without the architecture's name (llama.cpp, src/llama-arch.cpp). */
static const char *const suffixes[] = {
	"..", "activation.situ_beta", "activation.situ_linear_beta", "adapters.count",
	"adapters.lora_rank", "adapters.router_gain", "adapters.token_ids_activate",
	"adapters.token_ids_substitute", "attention.causal", "attention.clamp_kqv",
	"attention.compress_ratios", "attention.compress_rope_freq_base",
	"attention.decay_lora_rank", "attention.gate_lora_rank", "attention.group_norm_epsilon",
	"attention.group_norm_groups", "attention.head_count", "attention.head_count_kv",
	"attention.iclr_lora_rank", "attention.indexer.block_size",
	"attention.indexer.head_count", "attention.indexer.key_length",
	"attention.indexer.kpool", "attention.indexer.kpool_select_tail",
	"attention.indexer.local_blocks", "attention.indexer.top_k", "attention.indexer.types",
	"attention.key_length", "attention.key_length_mla", "attention.key_length_mla_swa",
	"attention.key_length_swa", "attention.kv_lora_rank", "attention.kv_lora_rank_swa",
	"attention.layer_norm_epsilon", "attention.layer_norm_rms_epsilon",
	"attention.max_alibi_bias", "attention.output_group_count", "attention.output_lora_rank",
	"attention.output_scale", "attention.q_lora_rank", "attention.recurrent_layers",
	"attention.relative_buckets_count", "attention.rope_pattern", "attention.scale",
	"attention.shared_kv_layers", "attention.sliding_window",
	"attention.sliding_window_pattern", "attention.temperature_length",
	"attention.temperature_scale", "attention.value_expert_count",
	"attention.value_expert_used_count", "attention.value_length",
	"attention.value_length_mla", "attention.value_length_mla_swa",
	"attention.value_length_swa", "attention.value_residual_mix_lora_rank",
	"attention.value_scale", "attn_logit_softcapping", "attn_res.block_size", "block_count",
	"block_size", "classifier.activation", "classifier.output_labels",
	"classifier.pooling_type", "context_length", "conv_group_size", "conv_kernel_size",
	"convnext.block_count", "convnext.embedding_length", "decision.block_count",
	"decision.head_count", "decision.routing_block_count", "decoder_block_count",
	"decoder_start_token_id", "deepstack_mapping", "dense_2_feat_in", "dense_2_feat_out",
	"dense_3_feat_in", "dense_3_feat_out", "embedding_length", "embedding_length_out",
	"embedding_length_per_layer_input", "embedding_scale",
	"expert_chunk_feed_forward_length", "expert_count", "expert_feed_forward_length",
	"expert_gating_func", "expert_group_count", "expert_group_scale",
	"expert_group_used_count", "expert_latent_length", "expert_shared_count",
	"expert_shared_feed_forward_length", "expert_used_count", "expert_weights_norm",
	"expert_weights_scale", "experts_per_group", "features_length", "feed_forward_length",
	"final_logit_softcapping", "full_attention_interval", "hash_layer_count",
	"hidden_activation", "hrm.h_cycles", "hrm.l_cycles", "hrm.layers_per_stack",
	"hrm.prefix_lm", "hyper_connection.count", "hyper_connection.epsilon",
	"hyper_connection.low_rank", "hyper_connection.magnitude",
	"hyper_connection.sinkhorn_iterations", "interleave_moe_layer_step",
	"kda.gate_lower_bound", "kda.head_dim", "kda.safe_gate", "leading_dense_block_count",
	"logit_scale", "moe_every_n_layers", "moe_latent_size", "n_deepstack_layers",
	"nextn_predict_layers", "norm_before_fc", "norm_before_residual", "num_loops",
	"ple.conv_kernel", "ple.eos_token_id", "ple.head_offsets", "ple.head_vocab_sizes",
	"ple.heads_per_ngram", "ple.image_token_id", "ple.layer_multipliers", "ple.layers",
	"ple.ngram_size", "pooling_type", "posnet.block_count", "posnet.embedding_length",
	"rescale_every_n_layers", "residual_scale", "rope.dimension_count",
	"rope.dimension_count_swa", "rope.dimension_sections", "rope.freq_base",
	"rope.freq_base_swa", "rope.scale_linear", "rope.scaling.alpha",
	"rope.scaling.attn_factor", "rope.scaling.factor", "rope.scaling.finetuned",
	"rope.scaling.original_context_length", "rope.scaling.type",
	"rope.scaling.yarn_attn_factor", "rope.scaling.yarn_beta_fast",
	"rope.scaling.yarn_beta_slow", "rope.scaling.yarn_ext_factor",
	"rope.scaling.yarn_log_multiplier", "rope.section_order", "router_logit_softcapping",
	"selector_rank", "selector_top_k", "shortconv.l_cache", "skip_loop_final_norm",
	"ssm.conv_kernel", "ssm.dt_b_c_rms", "ssm.group_count", "ssm.inner_size",
	"ssm.state_size", "ssm.time_step_rank", "swiglu_clamp_exp", "swiglu_clamp_shexp",
	"swin_norm", "target_hidden_size", "target_layers", "tensor_data_layout",
	"time_decay_extra_dim", "time_mix_extra_dim", "token_shift_count",
	"use_parallel_residual", "vocab_size", "wkv.head_size",
};

/**
 * struct silent - a key that changes nothing
 * @suffix: its name
 * @arch: architecture, or NULL for all
 */
struct silent {
	const char *suffix;
	const char *arch;
};

static const struct silent silent[] = {
	{ "vocab_size", NULL }, { "tensor_data_layout", NULL },
	/* Tells what the factor was chosen for. */
	{ "rope.scaling.finetuned", NULL },
	/* Counts where there is YaRN or a second set of factors alone. */
	{ "rope.scaling.original_context_length", NULL },
	/* Counts where there is no rope.scaling.factor. */
	{ "rope.scale_linear", "gemma3" },
	/* Counts where there are experts. */
	{ "expert_used_count", NULL },
	/* Its layers are parallel where they have one norm. */
	{ "use_parallel_residual", "stablelm" },
};

/**
 * struct file - a file in memory
 * @bytes: the file
 * @size: how many
 */
struct file {
	__u8 *bytes;
	size_t size;
};

static void put(struct file *file, const void *bytes, size_t length)
{
	memcpy(file->bytes + file->size, bytes, length);
	file->size += length;
}

static void put_string(struct file *file, const char *text, size_t length)
{
	__u64 count = length;

	put(file, &count, sizeof(count));
	put(file, text, length);
}

/* A value of a kind of GGUF, and no default: a whole number, one with a fraction, or yes. */
static void put_value(struct file *file, __u32 kind)
{
	const __u32 whole = 4;
	const float fraction = 0.375f;

	put(file, &kind, sizeof(kind));
	if (kind == 4)
		put(file, &whole, sizeof(whole));
	else if (kind == 6)
		put(file, &fraction, sizeof(fraction));
	else
		put(file, "\1", 1);
}

/* The file with one key more, and a text as long as leaves what follows aligned. */
static struct file with_key(const struct file *file, const char *name, __u32 kind)
{
	static const char zeros[2 * ALIGNMENT];
	struct file longer = { malloc(file->size + NAME_SIZE + 4 * ALIGNMENT), 0 };
	const __u32 text = 8;
	size_t rest;
	__u64 keys;

	put(&longer, file->bytes, HEADER);
	memcpy(&keys, longer.bytes + HEADER - sizeof(keys), sizeof(keys));
	keys += 2;
	memcpy(longer.bytes + HEADER - sizeof(keys), &keys, sizeof(keys));
	put_string(&longer, name, strlen(name));
	put_value(&longer, kind);
	put_string(&longer, "x", 1);
	put(&longer, &text, sizeof(text));
	rest = (longer.size - HEADER + sizeof(__u64)) % ALIGNMENT;
	put_string(&longer, zeros, ALIGNMENT - rest);
	put(&longer, file->bytes + HEADER, file->size - HEADER);
	return longer;
}

/* The image that a file becomes, without bytes where it is refused. */
static struct file compile(const struct file *file, struct llmctl_error *error)
{
	struct compile c = { .type = LLMCTL_KEEP_TYPES, .error = error };
	struct file image = { NULL, 0 };

	if (gguf_open_memory(&c.gguf, file->bytes, file->size, "file", error))
		return image;
	if (!compile_gguf(&c)) {
		image.size = compile_size(&c);
		image.bytes = malloc(image.size);
		if (!image.bytes || compile_write(&c, image.bytes, NULL, NULL, error))
			abort();
	}
	compile_destroy(&c);
	gguf_close(c.gguf);
	return image;
}

static bool are_alike(const struct file *a, const struct file *b)
{
	return a->size == b->size && !memcmp(a->bytes, b->bytes, a->size);
}

static bool is_silent(const char *suffix, const char *arch)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(silent); i++)
		if (!strcmp(silent[i].suffix, suffix) &&
		    (!silent[i].arch || !strcmp(silent[i].arch, arch)))
			return true;
	return false;
}

static bool has_key(const struct file *file, const char *name)
{
	struct llmctl_error error;
	struct gguf *gguf;
	bool found;

	if (gguf_open_memory(&gguf, file->bytes, file->size, "file", &error))
		abort();
	found = gguf_key_find(gguf, name);
	gguf_close(gguf);
	return found;
}

static void check_key(const struct file *file, const struct file *image, const char *arch,
		      const char *suffix)
{
	static const __u32 kinds[] = { 4, 6, 7 };
	char name[NAME_SIZE];
	struct llmctl_error error = { 0 };
	struct file longer, other;
	size_t i;

	snprintf(name, sizeof(name), "%.32s.%.64s", arch, suffix);
	if (has_key(file, name) || is_silent(suffix, arch))
		return;
	/* What is not asked for is so whatever its value is. */
	for (i = 0; i < ARRAY_SIZE(kinds) && !strstr(error.text, "' is not supported"); i++) {
		error = (struct llmctl_error) { 0 };
		longer = with_key(file, name, kinds[i]);
		other = compile(&longer, &error);
		if (!tap_check(other.bytes ? !are_alike(&other, image) : *error.text))
			printf("# '%s' of kind %u changes nothing\n", name, kinds[i]);
		free(other.bytes);
		free(longer.bytes);
	}
}

static void read_file(struct file *file, const char *path)
{
	FILE *stream = fopen(path, "rb");

	if (!stream || fseek(stream, 0, SEEK_END))
		abort();
	file->size = ftell(stream);
	rewind(stream);
	file->bytes = malloc(file->size);
	if (!file->bytes || fread(file->bytes, 1, file->size, stream) != file->size)
		abort();
	fclose(stream);
}

static const char *find_arch(const struct file *file, char *arch)
{
	struct llmctl_error error;
	const char *text;
	struct gguf *gguf;
	__u64 length;

	if (gguf_open_memory(&gguf, file->bytes, file->size, "file", &error) ||
	    gguf_get_string(gguf, "general.architecture", &text, &length, &error) != 1 ||
	    length >= NAME_SIZE)
		abort();
	memcpy(arch, text, length);
	arch[length] = '\0';
	gguf_close(gguf);
	return arch;
}

/* One kind of an architecture is enough: the last one was of another. */
static void check_kind(const char *kind, char *last)
{
	char path[] = "/tmp/llm-keys-XXXXXX", command[4 * NAME_SIZE], arch[NAME_SIZE];
	struct llmctl_error error = { 0 };
	struct file file, image;
	size_t i;

	close(mkstemp(path));
	snprintf(command, sizeof(command), RANDOM_MODEL " -a %.64s -V spm -w 32 -n 2 -l 4 -v 512 -c 64 %s",
		 kind, path);
	if (!tap_check(!system(command)))
		return;
	read_file(&file, path);
	unlink(path);
	if (!strcmp(find_arch(&file, arch), last)) {
		free(file.bytes);
		return;
	}
	strcpy(last, arch);
	image = compile(&file, &error);
	if (!tap_check(image.bytes))
		printf("# %s: %s\n", kind, error.text);
	for (i = 0; image.bytes && i < ARRAY_SIZE(suffixes); i++)
		check_key(&file, &image, arch, suffixes[i]);
	free(image.bytes);
	free(file.bytes);
}

static void keys_are_refused_or_count(void)
{
	char kind[NAME_SIZE], last[NAME_SIZE] = "";
	FILE *kinds;

	if (access(RANDOM_MODEL, X_OK)) {
		tap_skip("needs tools/random");
		return;
	}
	kinds = popen(RANDOM_MODEL " -L", "r");
	while (kinds && fgets(kind, sizeof(kind), kinds)) {
		kind[strcspn(kind, "\n")] = '\0';
		check_kind(kind, last);
	}
	tap_check(kinds && !pclose(kinds));
}

static const struct tap_test tests[] = {
	{ "no key of llama.cpp's is ignored", keys_are_refused_or_count },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
