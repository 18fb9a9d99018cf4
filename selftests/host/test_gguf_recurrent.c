// SPDX-License-Identifier: GPL-2.0
/* Files of recurrent architectures: what they must have, and what they can't. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "gguf_builder.h"
#include "tap.h"

#define WIDTH	32
#define INNER	64
#define STATES	5
#define RANK	3
#define HIDDEN	48

struct shape {
	const char *name;
	__u64 columns;
	__u64 rows;
};

static const struct shape mamba_tensors[] = {
	{ "blk.0.attn_norm.weight", WIDTH, 1 }, { "blk.0.ssm_in.weight", WIDTH, 2 * INNER },
	{ "blk.0.ssm_conv1d.weight", 4, INNER }, { "blk.0.ssm_conv1d.bias", INNER, 1 },
	{ "blk.0.ssm_x.weight", INNER, RANK + 2 * STATES },
	{ "blk.0.ssm_dt.weight", RANK, INNER }, { "blk.0.ssm_a", STATES, INNER },
	{ "blk.0.ssm_d", INNER, 1 }, { "blk.0.ssm_out.weight", INNER, WIDTH },
};

static const struct shape rwkv7_tensors[] = {
	{ "token_embd_norm.weight", WIDTH, 1 }, { "blk.0.attn_norm.weight", WIDTH, 1 },
	{ "blk.0.attn_norm_2.weight", WIDTH, 1 }, { "blk.0.time_mix_lerp_fused.weight", WIDTH, 6 },
	{ "blk.0.time_mix_w0.weight", WIDTH, 1 }, { "blk.0.time_mix_w1.weight", WIDTH, RANK },
	{ "blk.0.time_mix_w2.weight", RANK, WIDTH }, { "blk.0.time_mix_a0.weight", WIDTH, 1 },
	{ "blk.0.time_mix_a1.weight", WIDTH, RANK }, { "blk.0.time_mix_a2.weight", RANK, WIDTH },
	{ "blk.0.time_mix_g1.weight", WIDTH, RANK }, { "blk.0.time_mix_g2.weight", RANK, WIDTH },
	{ "blk.0.time_mix_k_k.weight", WIDTH, 1 }, { "blk.0.time_mix_k_a.weight", WIDTH, 1 },
	{ "blk.0.time_mix_r_k.weight", WIDTH, 1 },
	{ "blk.0.time_mix_receptance.weight", WIDTH, WIDTH },
	{ "blk.0.time_mix_key.weight", WIDTH, WIDTH },
	{ "blk.0.time_mix_value.weight", WIDTH, WIDTH },
	{ "blk.0.time_mix_ln.weight", WIDTH, 1 }, { "blk.0.time_mix_ln.bias", WIDTH, 1 },
	{ "blk.0.time_mix_output.weight", WIDTH, WIDTH },
	{ "blk.0.channel_mix_lerp_k.weight", WIDTH, 1 },
	{ "blk.0.channel_mix_key.weight", WIDTH, HIDDEN },
	{ "blk.0.channel_mix_value.weight", HIDDEN, WIDTH },
};

struct key {
	const char *name;
	__u32 value;
};

static const struct key mamba_keys[] = {
	{ "mamba.block_count", 1 }, { "mamba.embedding_length", WIDTH },
	{ "mamba.context_length", 64 }, { "mamba.ssm.conv_kernel", 4 },
	{ "mamba.ssm.inner_size", INNER }, { "mamba.ssm.state_size", STATES },
	{ "mamba.ssm.time_step_rank", RANK },
};

static const struct key rwkv7_keys[] = {
	{ "rwkv7.block_count", 1 }, { "rwkv7.embedding_length", WIDTH },
	{ "rwkv7.context_length", 64 }, { "rwkv7.wkv.head_size", 16 },
	{ "rwkv7.feed_forward_length", HIDDEN }, { "rwkv7.attention.decay_lora_rank", RANK },
	{ "rwkv7.attention.iclr_lora_rank", RANK },
	{ "rwkv7.attention.value_residual_mix_lora_rank", RANK },
	{ "rwkv7.attention.gate_lora_rank", RANK },
};

/* The vocabulary of a Llama, and nothing else of it. */
static struct gguf_builder *begin(const char *arch, const struct key *keys, size_t key_count,
				  const struct shape *shapes, size_t shape_count)
{
	struct gguf_builder *b = gguf_builder_llama();
	size_t i, kept = 0;

	for (i = 0; i < b->keys_used; i++)
		if (strncmp(b->keys[i].name, "llama.", 6))
			b->keys[kept++] = b->keys[i];
	b->keys_used = kept;
	b->tensors_used = 0;
	gguf_builder_set_string(b, "general.architecture", arch);
	gguf_builder_set_tensor(b, "token_embd.weight", WIDTH, GGUF_BUILDER_VOCAB,
				LLM_TENSOR_F32);
	gguf_builder_set_tensor(b, "output_norm.weight", WIDTH, 1, LLM_TENSOR_F32);
	for (i = 0; i < key_count; i++)
		gguf_builder_set_u32(b, keys[i].name, keys[i].value);
	for (i = 0; i < shape_count; i++)
		gguf_builder_set_tensor(b, shapes[i].name, shapes[i].columns, shapes[i].rows,
					LLM_TENSOR_F32);
	return b;
}

static struct gguf_builder *begin_mamba(void)
{
	struct gguf_builder *b = begin("mamba", mamba_keys, ARRAY_SIZE(mamba_keys), mamba_tensors,
				       ARRAY_SIZE(mamba_tensors));

	gguf_builder_set_f32(b, "mamba.attention.layer_norm_rms_epsilon", 0.00001f);
	return b;
}

static struct gguf_builder *begin_rwkv7(void)
{
	struct gguf_builder *b = begin("rwkv7", rwkv7_keys, ARRAY_SIZE(rwkv7_keys), rwkv7_tensors,
				       ARRAY_SIZE(rwkv7_tensors));

	gguf_builder_set_f32(b, "rwkv7.attention.layer_norm_epsilon", 0.00001f);
	return b;
}

/* Compiles and frees it: the errno must be this, and the reason hold these words. */
static void check(struct gguf_builder *b, int code, const char *words)
{
	struct llmctl_error error = { 0 };
	struct compile c = { .type = LLMCTL_KEEP_TYPES, .error = &error };
	size_t size;
	__u8 *bytes = gguf_builder_write(b, &size);
	int found = gguf_open_memory(&c.gguf, bytes, size, "file", &error);

	if (!found) {
		found = compile_gguf(&c);
		compile_destroy(&c);
		gguf_close(c.gguf);
	}
	if (!tap_check(found == -code) || !tap_check(strstr(error.text, words)))
		printf("# wanted %d '%s', got %d '%s'\n", code, words, -found, error.text);
	free(bytes);
	free(b);
}

static void check_all_needed(struct gguf_builder *(*begin_file)(void), const struct key *keys,
			     size_t key_count, const struct shape *shapes, size_t shape_count)
{
	struct gguf_builder *b;
	char words[96];
	size_t i;

	check(begin_file(), 0, "");
	for (i = 0; i < key_count; i++) {
		b = begin_file();
		gguf_builder_drop_key(b, keys[i].name);
		snprintf(words, sizeof(words), "key '%s' is missing", keys[i].name);
		check(b, EINVAL, words);
	}
	for (i = 0; i < shape_count; i++) {
		b = begin_file();
		gguf_builder_drop_tensor(b, shapes[i].name);
		snprintf(words, sizeof(words), "tensor '%s' is missing", shapes[i].name);
		check(b, EINVAL, words);
		b = begin_file();
		gguf_builder_tensor(b, shapes[i].name)->dims[0]++;
		snprintf(words, sizeof(words), "tensor '%s' ", shapes[i].name);
		check(b, EINVAL, words);
	}
}

static void mamba_needs(void)
{
	check_all_needed(begin_mamba, mamba_keys, ARRAY_SIZE(mamba_keys), mamba_tensors,
			 ARRAY_SIZE(mamba_tensors));
}

static void rwkv7_needs(void)
{
	check_all_needed(begin_rwkv7, rwkv7_keys, ARRAY_SIZE(rwkv7_keys), rwkv7_tensors,
			 ARRAY_SIZE(rwkv7_tensors));
}

static void check_key(struct gguf_builder *b, const char *name, __u32 value, int code,
		      const char *words)
{
	gguf_builder_set_u32(b, name, value);
	check(b, code, words);
}

static void numbers_that_do_not_fit(void)
{
	check_key(begin_mamba(), "mamba.ssm.conv_kernel", 17, EINVAL, "'mamba.ssm.conv_kernel'");
	check_key(begin_mamba(), "mamba.ssm.state_size", 257, EINVAL, "'mamba.ssm.state_size'");
	check_key(begin_mamba(), "mamba.block_count", 513, EINVAL, "'mamba.block_count'");
	check_key(begin_mamba(), "mamba.embedding_length", 1 << 20, EINVAL,
		  "'mamba.embedding_length'");
	check_key(begin_rwkv7(), "rwkv7.wkv.head_size", 5, EINVAL, "5 does not divide 32");
	check_key(begin_rwkv7(), "rwkv7.wkv.head_size", 65, EINVAL, "'rwkv7.wkv.head_size'");
	check_key(begin_rwkv7(), "rwkv7.token_shift_count", 1, EINVAL,
		  "'rwkv7.token_shift_count'");
	check_key(begin_rwkv7(), "rwkv7.token_shift_count", 2, 0, "");
}

static void what_is_not_known(void)
{
	struct gguf_builder *b = begin_rwkv7();

	check_key(begin_mamba(), "mamba.ssm.group_count", 2, EOPNOTSUPP,
		  "key 'mamba.ssm.group_count' is not supported");
	check_key(begin_rwkv7(), "rwkv7.rescale_every_n_layers", 6, EOPNOTSUPP,
		  "key 'rwkv7.rescale_every_n_layers' is not supported");
	gguf_builder_set_tensor(b, "blk.0.time_mix_lora.weight", WIDTH, 1, LLM_TENSOR_F32);
	check(b, EOPNOTSUPP, "tensor 'blk.0.time_mix_lora.weight' is not supported");
	b = begin_rwkv7();
	/* The first layer's own are there, but nothing uses them. */
	gguf_builder_set_tensor(b, "blk.0.time_mix_v0.weight", WIDTH, 1, LLM_TENSOR_F32);
	check(b, 0, "");
}

static void types_of_numbers(void)
{
	struct gguf_builder *b = begin_rwkv7();

	gguf_builder_tensor(b, "blk.0.time_mix_lerp_fused.weight")->type = LLM_TENSOR_Q8_0;
	check(b, EOPNOTSUPP, "is a vector of type Q8_0");
	b = begin_rwkv7();
	gguf_builder_tensor(b, "blk.0.time_mix_lerp_fused.weight")->type = LLM_TENSOR_F16;
	check(b, 0, "");
	b = begin_rwkv7();
	gguf_builder_tensor(b, "blk.0.time_mix_k_k.weight")->type = LLM_TENSOR_Q8_0;
	check(b, EOPNOTSUPP, "is a vector of type Q8_0");
}

static const struct tap_test tests[] = {
	{ "Mamba: every key and tensor is needed", mamba_needs },
	{ "RWKV-7: every key and tensor is needed", rwkv7_needs },
	{ "numbers that do not fit are refused", numbers_that_do_not_fit },
	{ "keys and tensors that are not known are refused by name", what_is_not_known },
	{ "numbers that are looked at have a type of single numbers", types_of_numbers },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
