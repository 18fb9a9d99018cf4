// SPDX-License-Identifier: GPL-2.0
/* Every reason why a GGUF file is refused: its errno and its words. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "gguf_builder.h"
#include "tap.h"

/**
 * struct refusal - one file that is refused
 * @text: what the reason must hold
 * @code: errno
 * @spoil: makes a good file bad
 */
struct refusal {
	const char *text;
	int code;
	void (*spoil)(struct gguf_builder *b);
};

/* Opens and compiles; returns the errno, the reason in @error. */
static int try(const void *bytes, size_t size, struct llmctl_error *error)
{
	struct compile c = { .type = LLMCTL_KEEP_TYPES, .error = error };
	int code;

	code = gguf_open_memory(&c.gguf, bytes, size, "file", error);
	if (code)
		return -code;
	code = compile_gguf(&c);
	compile_destroy(&c);
	gguf_close(c.gguf);
	return -code;
}

static void check_refusals(const struct refusal *refusals, size_t count)
{
	struct llmctl_error error;
	struct gguf_builder *b;
	__u8 *bytes;
	size_t size, i;
	int code;

	for (i = 0; i < count; i++) {
		error = (struct llmctl_error) { 0 };
		b = gguf_builder_llama();
		refusals[i].spoil(b);
		bytes = gguf_builder_write(b, &size);
		code = try(bytes, size, &error);
		if (!tap_check(code == refusals[i].code) ||
		    !tap_check(!strncmp(error.text, "file: ", 6)) ||
		    !tap_check(strstr(error.text, refusals[i].text)))
			printf("# wanted %d '%s', got %d '%s'\n", refusals[i].code,
			       refusals[i].text, code, error.text);
		free(bytes);
		free(b);
	}
}

#define SPOIL(name, statement)						\
	static void spoil_##name(struct gguf_builder *b)		\
	{								\
		statement;						\
	}

/* The header */
SPOIL(magic, b->magic[3] = 'X')
SPOIL(old_version, b->version = 1)
SPOIL(new_version, b->version = 4)
SPOIL(big_endian, b->version = 3 << 24)
SPOIL(tensor_count, b->tensor_count = 65537)
SPOIL(tensor_count_wraps, b->tensor_count = UINT64_MAX / 2 + 2)
SPOIL(key_count, b->key_count = 65537)
SPOIL(key_count_wraps, b->key_count = UINT64_MAX / 8 + 1)
SPOIL(more_tensors, b->tensor_count = 60000)

static const struct refusal header_refusals[] = {
	{ "does not begin with 'GGUF'", EINVAL, spoil_magic },
	{ "GGUF version 1 is not supported", EOPNOTSUPP, spoil_old_version },
	{ "GGUF version 4 is not supported", EOPNOTSUPP, spoil_new_version },
	{ "big-endian", EOPNOTSUPP, spoil_big_endian },
	{ "65537 tensors are more than 65536", EINVAL, spoil_tensor_count },
	{ "tensors are more than 65536", EINVAL, spoil_tensor_count_wraps },
	{ "65537 keys are more than 65536", EINVAL, spoil_key_count },
	{ "keys are more than 65536", EINVAL, spoil_key_count_wraps },
	{ "the name of tensor", EINVAL, spoil_more_tensors },
};

static void headers_are_checked(void)
{
	check_refusals(header_refusals, ARRAY_SIZE(header_refusals));
}

/* The keys */
static const __u64 huge = UINT64_MAX - 3;
static const __u8 nested[12] = { BUILD_U32 };

static void set_string_length(struct gguf_builder *b, __u64 length)
{
	memcpy(gguf_builder_key(b, "general.name")->value, &length, sizeof(length));
}

static void set_array_count(struct gguf_builder *b, const char *name, __u64 count)
{
	memcpy(gguf_builder_key(b, name)->value + 4, &count, sizeof(count));
}

SPOIL(empty_name, gguf_builder_key(b, "")->kind = BUILD_U32)
SPOIL(long_name, gguf_builder_key(b, "x")->name_length = 65536)
SPOIL(name_wraps, gguf_builder_key(b, "x")->name_length = UINT64_MAX - 1)
SPOIL(name_is_control, gguf_builder_set_u32(b, "a\033[2J", 1))
SPOIL(name_twice, (gguf_builder_set_u32(b, "x", 1), gguf_builder_set_u32(b, "y", 1),
		   gguf_builder_key(b, "y")->name = "x"))
SPOIL(kind, gguf_builder_key(b, "x")->kind = 13)
SPOIL(string_wraps, set_string_length(b, huge))
SPOIL(string_too_long, set_string_length(b, 1 << 24))
SPOIL(array_element, gguf_builder_set_array(b, "x", 99, 1, "", 1))
SPOIL(array_nested, gguf_builder_set_array(b, "x", BUILD_ARRAY, 1, nested, sizeof(nested)))
SPOIL(array_wraps, set_array_count(b, "tokenizer.ggml.scores", UINT64_MAX / 4 + 2))
SPOIL(strings_wrap, set_array_count(b, "tokenizer.ggml.tokens", UINT64_MAX))
SPOIL(alignment_zero, gguf_builder_set_u32(b, "general.alignment", 0))
SPOIL(alignment_odd, gguf_builder_set_u32(b, "general.alignment", 48))
SPOIL(alignment_huge, gguf_builder_set_u32(b, "general.alignment", 1U << 31))
SPOIL(alignment_kind, gguf_builder_set_f32(b, "general.alignment", 32))

static const struct refusal key_refusals[] = {
	{ "the name of key 13 has 0 bytes", EINVAL, spoil_empty_name },
	{ "has 65536 bytes, not 1 to 65535", EINVAL, spoil_long_name },
	{ "has 18446744073709551614 bytes", EINVAL, spoil_name_wraps },
	{ "is not printable ASCII", EINVAL, spoil_name_is_control },
	{ "key 'x' is there twice", EINVAL, spoil_name_twice },
	{ "key 'x': value of unknown kind 13", EINVAL, spoil_kind },
	{ "the file ends too early", EINVAL, spoil_string_wraps },
	{ "the file ends too early", EINVAL, spoil_string_too_long },
	{ "key 'x': elements of unknown kind 99", EINVAL, spoil_array_element },
	{ "key 'x': arrays of arrays", EOPNOTSUPP, spoil_array_nested },
	{ "key 'tokenizer.ggml.scores': an array of 4611686018427387905", EINVAL,
	  spoil_array_wraps },
	{ "the file ends too early", EINVAL, spoil_strings_wrap },
	{ "key 'general.alignment': 0 is not a power of two", EINVAL, spoil_alignment_zero },
	{ "48 is not a power of two", EINVAL, spoil_alignment_odd },
	{ "2147483648 is not a power of two up to 1048576", EINVAL, spoil_alignment_huge },
	{ "key 'general.alignment' is not a whole number", EINVAL, spoil_alignment_kind },
};

static void keys_are_checked(void)
{
	check_refusals(key_refusals, ARRAY_SIZE(key_refusals));
}

/* The tensors */
static struct gguf_builder_tensor *q(struct gguf_builder *b)
{
	return gguf_builder_tensor(b, "blk.0.attn_q.weight");
}

static void spoil_tensor_long_name(struct gguf_builder *b)
{
	static char name[257];

	memset(name, 'x', sizeof(name) - 1);
	q(b)->name = name;
}

SPOIL(tensor_no_name, q(b)->name = "")
SPOIL(tensor_no_dims, q(b)->dim_count = 0)
SPOIL(tensor_many_dims, q(b)->dim_count = 5)
SPOIL(tensor_zero_dim, q(b)->dims[1] = 0)
SPOIL(tensor_dims_wrap, (q(b)->dims[0] = 1ULL << 33, q(b)->dims[1] = 1ULL << 33))
SPOIL(tensor_bytes_wrap, (q(b)->dims[0] = 1ULL << 31, q(b)->dims[1] = 1ULL << 31))
SPOIL(tensor_type, q(b)->type = 77)
SPOIL(tensor_block, (q(b)->type = 8, q(b)->dims[0] = 33))
SPOIL(tensor_misaligned, q(b)->offset = 33)
SPOIL(tensor_beyond, q(b)->offset = 1ULL << 40)
SPOIL(tensor_offset_wraps, q(b)->offset = UINT64_MAX - 31)
SPOIL(tensor_over_end, q(b)->dims[1] = 1 << 16)
SPOIL(tensor_end_wraps, q(b)->dims[0] = (1ULL << 57) - 8)
SPOIL(tensors_overlap, q(b)->offset = 32)
SPOIL(tensor_twice, (q(b)->name = "blk.0.attn_v.weight"))

static const struct refusal tensor_refusals[] = {
	{ "the name of tensor 2 has 0 bytes", EINVAL, spoil_tensor_no_name },
	{ "the name of tensor 2 has 256 bytes", EINVAL, spoil_tensor_long_name },
	{ "tensor 'blk.0.attn_q.weight': 0 dimensions", EINVAL, spoil_tensor_no_dims },
	{ "tensor 'blk.0.attn_q.weight': 5 dimensions", EINVAL, spoil_tensor_many_dims },
	{ "tensor 'blk.0.attn_q.weight': dimension 1 is zero", EINVAL, spoil_tensor_zero_dim },
	{ "tensor 'blk.0.attn_q.weight': its dimensions overflow", EINVAL,
	  spoil_tensor_dims_wrap },
	{ "tensor 'blk.0.attn_q.weight': its dimensions overflow", EINVAL,
	  spoil_tensor_bytes_wrap },
	{ "tensor 'blk.0.attn_q.weight': type 77 is not known", EOPNOTSUPP, spoil_tensor_type },
	{ "rows of 33 numbers are not a multiple of the 32 of a Q8_0 block", EINVAL,
	  spoil_tensor_block },
	{ "offset 33 is not a multiple of the alignment, 32", EINVAL, spoil_tensor_misaligned },
	{ "tensor 'blk.0.attn_q.weight': offset 1099511627776 is beyond the end of the file",
	  EINVAL, spoil_tensor_beyond },
	{ "offset 18446744073709551584 is beyond the end of the file", EINVAL,
	  spoil_tensor_offset_wraps },
	{ "tensor 'blk.0.attn_q.weight': 8388608 bytes at offset", EINVAL,
	  spoil_tensor_over_end },
	{ "tensor 'blk.0.attn_q.weight': 18446744073709550592 bytes at offset", EINVAL,
	  spoil_tensor_end_wraps },
	{ "tensors 'token_embd.weight' and 'blk.0.attn_q.weight' overlap", EINVAL,
	  spoil_tensors_overlap },
	{ "tensor 'blk.0.attn_v.weight' is there twice", EINVAL, spoil_tensor_twice },
};

static void tensors_are_checked(void)
{
	check_refusals(tensor_refusals, ARRAY_SIZE(tensor_refusals));
}

/* What the compiler does not know, or can't do */
static const __s32 heads_differ[] = { 2, 1 };

SPOIL(no_arch, gguf_builder_drop_key(b, "general.architecture"))
SPOIL(arch, gguf_builder_set_string(b, "general.architecture", "mamba2"))
SPOIL(adapter, gguf_builder_set_string(b, "general.type", "adapter"))
SPOIL(split, gguf_builder_set_u32(b, "split.count", 3))
SPOIL(unknown_key, gguf_builder_set_f32(b, "llama.attention.clamp_kqv", 8))
SPOIL(unknown_tensor, gguf_builder_set_tensor(b, "blk.0.attn_sinks.weight", 2, 1, 0))
SPOIL(layer_too_many, gguf_builder_set_u32(b, "llama.block_count", 1))
SPOIL(layer_missing, gguf_builder_set_u32(b, "llama.block_count", 3))
SPOIL(no_layers, gguf_builder_set_u32(b, "llama.block_count", 0))
SPOIL(no_epsilon, gguf_builder_drop_key(b, "llama.attention.layer_norm_rms_epsilon"))
SPOIL(bad_epsilon, gguf_builder_set_f32(b, "llama.attention.layer_norm_rms_epsilon", -1))
SPOIL(nan_epsilon, gguf_builder_set_f32(b, "llama.attention.layer_norm_rms_epsilon", NAN))
SPOIL(heads_text, gguf_builder_set_string(b, "llama.attention.head_count", "two"))
SPOIL(heads_uneven, gguf_builder_set_array(b, "llama.attention.head_count", BUILD_I32, 2,
					   heads_differ, sizeof(heads_differ)))
SPOIL(kv_heads, (gguf_builder_set_u32(b, "llama.attention.head_count", 3),
		 gguf_builder_set_u32(b, "llama.attention.head_count_kv", 2)))
SPOIL(wide_head, gguf_builder_set_u32(b, "llama.attention.key_length", 513))
SPOIL(odd_rope, gguf_builder_set_u32(b, "llama.rope.dimension_count", 3))
SPOIL(wide_rope, gguf_builder_set_u32(b, "llama.rope.dimension_count", 18))
SPOIL(scaling, gguf_builder_set_string(b, "llama.rope.scaling.type", "dynamic"))
SPOIL(tiny_base, gguf_builder_set_f32(b, "llama.rope.freq_base", 0))
SPOIL(experts, gguf_builder_set_u32(b, "llama.expert_count", 8))
SPOIL(weight_type, gguf_builder_tensor(b, "blk.1.ffn_up.weight")->type = 25)
SPOIL(norm_type, gguf_builder_tensor(b, "blk.1.ffn_norm.weight")->type = 8)
SPOIL(shape, gguf_builder_tensor(b, "blk.0.attn_q.weight")->dims[1] = 16)
SPOIL(three_dims, (q(b)->dim_count = 3, q(b)->dims[2] = 2))
SPOIL(no_tensor, gguf_builder_drop_tensor(b, "output_norm.weight"))

static const struct refusal model_refusals[] = {
	{ "key 'general.architecture' is missing", EINVAL, spoil_no_arch },
	{ "architecture 'mamba2' is not supported; these are: llama", EOPNOTSUPP, spoil_arch },
	{ "it holds no model but a 'adapter'", EOPNOTSUPP, spoil_adapter },
	{ "it is one of 3 parts", EOPNOTSUPP, spoil_split },
	{ "key 'llama.attention.clamp_kqv' is not supported", EOPNOTSUPP,
	  spoil_unknown_key },
	{ "tensor 'blk.0.attn_sinks.weight' is not supported", EOPNOTSUPP,
	  spoil_unknown_tensor },
	{ "tensor 'blk.1.", EOPNOTSUPP, spoil_layer_too_many },
	{ "tensor 'blk.2.attn_norm.weight' is missing", EINVAL, spoil_layer_missing },
	{ "key 'llama.block_count': 0 is not between 1 and 1024", EINVAL, spoil_no_layers },
	{ "key 'llama.attention.layer_norm_rms_epsilon' is missing", EINVAL, spoil_no_epsilon },
	{ "layer_norm_rms_epsilon': -1 is not more than 0", EINVAL, spoil_bad_epsilon },
	{ "layer_norm_rms_epsilon' is not a finite number", EINVAL, spoil_nan_epsilon },
	{ "key 'llama.attention.head_count' is not a whole number", EINVAL, spoil_heads_text },
	{ "key 'llama.attention.head_count' differs from layer to layer", EOPNOTSUPP,
	  spoil_heads_uneven },
	{ "head_count_kv': 2 does not divide the 3 heads", EINVAL, spoil_kv_heads },
	{ "key 'llama.attention.key_length': 513 is not between 1 and 512", EINVAL,
	  spoil_wide_head },
	{ "key 'llama.rope.dimension_count': 3 is not even", EINVAL, spoil_odd_rope },
	{ "key 'llama.rope.dimension_count': 18 is not between 2 and 16", EINVAL,
	  spoil_wide_rope },
	{ "key 'llama.rope.scaling.type': 'dynamic' is not supported", EOPNOTSUPP,
	  spoil_scaling },
	{ "key 'llama.rope.freq_base': 0 is not more than 0", EINVAL, spoil_tiny_base },
	{ "tensor 'blk.0.ffn_gate_inp.weight' is missing", EINVAL, spoil_experts },
	{ "tensor 'blk.1.ffn_up.weight' is of type I16", EOPNOTSUPP, spoil_weight_type },
	{ "tensor 'blk.1.ffn_norm.weight' is a vector of type Q8_0", EOPNOTSUPP,
	  spoil_norm_type },
	{ "tensor 'blk.0.attn_q.weight' is 32 x 16, not 32 x 32", EINVAL, spoil_shape },
	{ "tensor 'blk.0.attn_q.weight' is 32 x 32 x ..., not 32 x 32", EINVAL,
	  spoil_three_dims },
	{ "tensor 'output_norm.weight' is missing", EINVAL, spoil_no_tensor },
};

static void models_are_checked(void)
{
	check_refusals(model_refusals, ARRAY_SIZE(model_refusals));
}

/* The vocabulary */
static void set_type(struct gguf_builder *b, __u32 token, __s32 type)
{
	memcpy(gguf_builder_key(b, "tokenizer.ggml.token_type")->value + 12 + 4 * token, &type,
	       sizeof(type));
}

static void set_score(struct gguf_builder *b, __u32 token, float score)
{
	memcpy(gguf_builder_key(b, "tokenizer.ggml.scores")->value + 12 + 4 * token, &score,
	       sizeof(score));
}

static void one_long_token(struct gguf_builder *b)
{
	__u8 bytes[8 + 1025] = { 0x01, 0x04 };

	gguf_builder_set_array(b, "tokenizer.ggml.tokens", BUILD_STRING, 1, bytes, sizeof(bytes));
	gguf_builder_set_array(b, "tokenizer.ggml.scores", BUILD_F32, 1, bytes, 4);
	gguf_builder_set_array(b, "tokenizer.ggml.token_type", BUILD_I32, 1, bytes + 2, 4);
}

SPOIL(no_tokenizer, gguf_builder_drop_key(b, "tokenizer.ggml.model"))
SPOIL(tokenizer, gguf_builder_set_string(b, "tokenizer.ggml.model", "none"))
SPOIL(no_tokens, gguf_builder_drop_key(b, "tokenizer.ggml.tokens"))
SPOIL(zero_tokens, gguf_builder_set_array(b, "tokenizer.ggml.tokens", BUILD_STRING, 0, "", 0))
SPOIL(tokens_are_numbers, gguf_builder_set_array(b, "tokenizer.ggml.tokens", BUILD_U32, 1,
						 &huge, 4))
SPOIL(few_scores, gguf_builder_set_array(b, "tokenizer.ggml.scores", BUILD_F32, 1, &huge, 4))
SPOIL(score_nan, set_score(b, 270, NAN))
SPOIL(token_type, set_type(b, 270, 7))
SPOIL(token_type_negative, set_type(b, 270, -1))
SPOIL(token_not_byte, set_type(b, 270, 6))
SPOIL(bos, gguf_builder_set_u32(b, "tokenizer.ggml.bos_token_id", GGUF_BUILDER_VOCAB))
SPOIL(eot, gguf_builder_set_u32(b, "tokenizer.ggml.eot_token_id", UINT32_MAX))
SPOIL(add_bos, gguf_builder_set_bool(b, "tokenizer.ggml.add_bos_token", 2))

SPOIL(nfc, gguf_builder_set_bool(b, "tokenizer.ggml.normalizer.nfc", 1))
SPOIL(suppress, gguf_builder_set_u32(b, "tokenizer.ggml.suppress_tokens", 1))
SPOIL(extra, gguf_builder_set_string(b, "general.tensor_extra.name", "x"))

static void make_bpe(struct gguf_builder *b)
{
	static const __u8 merge[] = { 3, 0, 0, 0, 0, 0, 0, 0, 'a', ' ', 'b' };

	gguf_builder_set_string(b, "tokenizer.ggml.model", "gpt2");
	gguf_builder_set_array(b, "tokenizer.ggml.merges", BUILD_STRING, 1, merge, sizeof(merge));
}

SPOIL(pretokenizer, (make_bpe(b), gguf_builder_set_string(b, "tokenizer.ggml.pre", "gpt-99")))
SPOIL(pretokenizer_number, (make_bpe(b), gguf_builder_set_u32(b, "tokenizer.ggml.pre", 2)))
SPOIL(no_merges, (make_bpe(b), gguf_builder_drop_key(b, "tokenizer.ggml.merges")))
SPOIL(merges_are_numbers, (make_bpe(b), gguf_builder_set_array(b, "tokenizer.ggml.merges",
							       BUILD_U32, 1, &huge, 4)))
SPOIL(no_unknown, (gguf_builder_set_string(b, "tokenizer.ggml.model", "bert"),
		   gguf_builder_set_u32(b, "tokenizer.ggml.unknown_token_id", UINT32_MAX)))
SPOIL(lowercase, (gguf_builder_set_string(b, "tokenizer.ggml.model", "bert"),
		  gguf_builder_set_u32(b, "tokenizer.ggml.normalizer.lowercase", 1)))

static const struct refusal vocab_refusals[] = {
	{ "key 'tokenizer.ggml.model' is missing", EINVAL, spoil_no_tokenizer },
	{ "tokenizer 'none' is not supported", EOPNOTSUPP, spoil_tokenizer },
	{ "key 'tokenizer.ggml.tokens' is missing", EINVAL, spoil_no_tokens },
	{ "a vocabulary of 0 tokens", EINVAL, spoil_zero_tokens },
	{ "key 'tokenizer.ggml.tokens' is not an array of the right kind", EINVAL,
	  spoil_tokens_are_numbers },
	{ "tokens, their scores and their types are not as many", EINVAL, spoil_few_scores },
	{ "token 270 has a score that is not a number", EINVAL, spoil_score_nan },
	{ "token 270 is of type 7", EOPNOTSUPP, spoil_token_type },
	{ "token 270 is of type -1", EOPNOTSUPP, spoil_token_type_negative },
	{ "token 270 is a byte, but its text is not <0xNN>", EINVAL, spoil_token_not_byte },
	{ "token 0 is longer than 1024 bytes", EINVAL, one_long_token },
	{ "key 'tokenizer.ggml.bos_token_id': there is no token 286", EINVAL, spoil_bos },
	{ "key 'tokenizer.ggml.eot_token_id': there is no token 4294967295", EINVAL, spoil_eot },
	{ "key 'tokenizer.ggml.add_bos_token' is neither true nor false", EINVAL,
	  spoil_add_bos },
	{ "key 'tokenizer.ggml.normalizer.nfc' is not supported", EOPNOTSUPP, spoil_nfc },
	{ "key 'tokenizer.ggml.suppress_tokens' is not supported", EOPNOTSUPP, spoil_suppress },
	{ "key 'general.tensor_extra.name' is not supported", EOPNOTSUPP, spoil_extra },
	{ "pre-tokenizer 'gpt-99' is not supported", EOPNOTSUPP, spoil_pretokenizer },
	{ "key 'tokenizer.ggml.pre'", EINVAL, spoil_pretokenizer_number },
	{ "key 'tokenizer.ggml.merges' is missing", EINVAL, spoil_no_merges },
	{ "key 'tokenizer.ggml.merges' is not an array of the right kind", EINVAL,
	  spoil_merges_are_numbers },
	{ "key 'tokenizer.ggml.unknown_token_id': there is no token", EINVAL, spoil_no_unknown },
	{ "key 'tokenizer.ggml.normalizer.lowercase'", EINVAL, spoil_lowercase },
};

static void vocabularies_are_checked(void)
{
	check_refusals(vocab_refusals, ARRAY_SIZE(vocab_refusals));
}

/* So that none of the files above is refused for another reason. */
static void the_good_file_is_accepted(void)
{
	struct gguf_builder *b = gguf_builder_llama();
	struct llmctl_error error = { 0 };
	__u8 *bytes;
	size_t size;

	bytes = gguf_builder_write(b, &size);
	if (!tap_check(!try(bytes, size, &error)))
		printf("# %s\n", error.text);
	free(bytes);
	b->version = 2;
	bytes = gguf_builder_write(b, &size);
	tap_check(!try(bytes, size, &error));
	free(bytes);
	free(b);
}

/* Names in a reason come from a file. */
static void reasons_are_printable(void)
{
	struct gguf_builder *b = gguf_builder_llama();
	struct llmctl_error error = { 0 };
	__u8 *bytes;
	size_t size;

	gguf_builder_set_string(b, "general.architecture", "a\033[2J\xc2\x9b\x7f\n");
	bytes = gguf_builder_write(b, &size);
	tap_check(try(bytes, size, &error) == EOPNOTSUPP);
	tap_check(strstr(error.text, "'a\?[2J\?\?\?\?'"));
	free(bytes);
	free(b);
}

static const struct tap_test tests[] = {
	{ "a good file is accepted, in both versions", the_good_file_is_accepted },
	{ "bad headers are refused, with the reason", headers_are_checked },
	{ "bad keys are refused, with the reason", keys_are_checked },
	{ "bad tensors are refused, with the reason", tensors_are_checked },
	{ "models that are not supported are refused by name", models_are_checked },
	{ "bad vocabularies are refused, with the reason", vocabularies_are_checked },
	{ "reasons hold no control characters", reasons_are_printable },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
