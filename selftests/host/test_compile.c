// SPDX-License-Identifier: GPL-2.0
/* What the compiler makes of a GGUF file: its program, its tensors, its tokens. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compile.h"
#include "gguf_builder.h"
#include "number.h"
#include "tap.h"

#define TYPE_F32	0
#define TYPE_F16	1
#define TYPE_Q8_0	8

/* A file that was compiled. */
struct fixture {
	struct gguf_builder *b;
	__u8 *bytes;
	size_t size;
	struct compile c;
	struct llmctl_error error;
};

static void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->b = gguf_builder_llama();
}

/* Compiles what the test made of the builder; returns the code. */
static int compile(struct fixture *f, __u32 type)
{
	int code;

	f->bytes = gguf_builder_write(f->b, &f->size);
	f->c.type = type;
	f->c.error = &f->error;
	code = gguf_open_memory(&f->c.gguf, f->bytes, f->size, "file", &f->error);
	if (!code)
		code = compile_gguf(&f->c);
	if (code)
		printf("# %s\n", f->error.text);
	return code;
}

static void teardown(struct fixture *f)
{
	compile_destroy(&f->c);
	gguf_close(f->c.gguf);
	free(f->bytes);
	free(f->b);
}

/* The instruction of that kind with that number among them, or NULL. */
static const struct llm_insn *insn(const struct fixture *f, __u16 op, unsigned int number)
{
	const struct llm_insn *at = (const struct llm_insn *)f->c.writer.program.bytes;
	const struct llm_insn *end = at + f->c.writer.program.length / sizeof(*at);

	for (; at < end; at++)
		if (at->op == op && !number--)
			return at;
	return NULL;
}

static const struct llm_image_tensor *tensor(const struct fixture *f, __u32 number)
{
	return image_tensor(&f->c.writer, number);
}

/* The image, or NULL after a failed check. */
static __u8 *write_image(struct fixture *f, int fill)
{
	__u64 size = compile_size(&f->c);
	__u8 *image = aligned_alloc(LLM_IMAGE_ALIGN, (size + 63) / 64 * 64);

	memset(image, fill, size);
	if (tap_check(!compile_write(&f->c, image, NULL, NULL, &f->error)))
		return image;
	printf("# %s\n", f->error.text);
	free(image);
	return NULL;
}

/* Where a tensor's numbers are in an image that was written. */
static const void *numbers(const struct fixture *f, const __u8 *image, __u32 number)
{
	return image + compile_size(&f->c) - f->c.writer.data_length + tensor(f, number)->offset;
}

static void joins_what_it_can(void)
{
	struct fixture f;

	setup(&f);
	if (tap_check(!compile(&f, LLMCTL_KEEP_TYPES))) {
		/* Two layers of four, and the logits. */
		tap_check(insn(&f, LLM_OP_LINEAR, 8) && !insn(&f, LLM_OP_LINEAR, 9));
		tap_check(tensor(&f, insn(&f, LLM_OP_LINEAR, 0)->tensor[0])->rows == 64);
		tap_check(tensor(&f, insn(&f, LLM_OP_LINEAR, 2)->tensor[0])->rows == 128);
		tap_check(insn(&f, LLM_OP_LINEAR, 0)->src[1] == LLM_IMAGE_NONE16);
		tap_check(insn(&f, LLM_OP_LINEAR, 1)->src[1] == insn(&f, LLM_OP_LINEAR, 1)->dst);
		/* Two query heads and a key head are rotated at once. */
		tap_check(insn(&f, LLM_OP_ROPE, 0)->arg[1] == 3);
		tap_check(insn(&f, LLM_OP_ATTEND, 1)->slot == 1);
	}
	teardown(&f);
}

/* Side by side all the same: the columns where each begins tell. */
static void check_apart(const struct fixture *f)
{
	tap_check(insn(f, LLM_OP_LINEAR, 10) && !insn(f, LLM_OP_LINEAR, 11));
	tap_check(insn(f, LLM_OP_LINEAR, 0)->arg[0] == 0);
	tap_check(insn(f, LLM_OP_LINEAR, 1)->arg[0] == 32);
	tap_check(insn(f, LLM_OP_LINEAR, 2)->arg[0] == 48);
	tap_check(insn(f, LLM_OP_LINEAR, 2)->dst == insn(f, LLM_OP_LINEAR, 0)->dst);
}

static void keeps_types_apart(void)
{
	struct fixture f;

	setup(&f);
	gguf_builder_tensor(f.b, "blk.0.attn_v.weight")->type = TYPE_F16;
	if (tap_check(!compile(&f, LLMCTL_KEEP_TYPES))) {
		check_apart(&f);
		tap_check(tensor(&f, insn(&f, LLM_OP_LINEAR, 2)->tensor[0])->type == TYPE_F16);
	}
	teardown(&f);
}

static void takes_biases(void)
{
	struct fixture f;
	__u32 bias;

	setup(&f);
	gguf_builder_set_tensor(f.b, "blk.0.attn_q.bias", 32, 1, TYPE_F32);
	if (tap_check(!compile(&f, LLMCTL_KEEP_TYPES))) {
		check_apart(&f);
		bias = insn(&f, LLM_OP_LINEAR, 0)->tensor[1];
		if (tap_check(bias != LLM_IMAGE_NONE))
			tap_check(tensor(&f, bias)->columns == 32);
		tap_check(insn(&f, LLM_OP_LINEAR, 1)->tensor[1] == LLM_IMAGE_NONE);
	}
	teardown(&f);
}

static void ties_the_output_where_there_is_none(void)
{
	struct fixture f;

	setup(&f);
	if (tap_check(!compile(&f, LLMCTL_KEEP_TYPES)))
		tap_check(insn(&f, LLM_OP_LINEAR, 8)->tensor[0] ==
			  insn(&f, LLM_OP_EMBED, 0)->tensor[0]);
	teardown(&f);
	setup(&f);
	gguf_builder_set_tensor(f.b, "output.weight", 32, GGUF_BUILDER_VOCAB, TYPE_F32);
	if (tap_check(!compile(&f, LLMCTL_KEEP_TYPES)))
		tap_check(insn(&f, LLM_OP_LINEAR, 8)->tensor[0] !=
			  insn(&f, LLM_OP_EMBED, 0)->tensor[0]);
	teardown(&f);
}

/* The small Llama's keys as another architecture has them. */
#define SET_ARCHITECTURE(b, name)							\
do {											\
	gguf_builder_set_string(b, "general.architecture", name);			\
	gguf_builder_set_u32(b, name ".context_length", 128);				\
	gguf_builder_set_u32(b, name ".embedding_length", 32);				\
	gguf_builder_set_u32(b, name ".block_count", 2);				\
	gguf_builder_set_u32(b, name ".feed_forward_length", 64);			\
	gguf_builder_set_u32(b, name ".attention.head_count", 2);			\
	gguf_builder_set_u32(b, name ".attention.head_count_kv", 1);			\
	gguf_builder_set_f32(b, name ".attention.layer_norm_rms_epsilon", 0.00001f);	\
} while (0)

/* A Gemma whose first layer ends in rounded inputs. */
static void rounds_gelu_where_inputs_are_rounded(void)
{
	struct fixture f;

	setup(&f);
	SET_ARCHITECTURE(f.b, "gemma");
	gguf_builder_tensor(f.b, "blk.0.ffn_down.weight")->type = TYPE_F16;
	gguf_builder_tensor(f.b, "blk.1.ffn_down.weight")->type = TYPE_F32;
	if (tap_check(!compile(&f, LLMCTL_KEEP_TYPES))) {
		tap_check(insn(&f, LLM_OP_GLU, 0)->arg[2] == LLM_ACT_GELU_F16);
		tap_check(insn(&f, LLM_OP_GLU, 1)->arg[2] == LLM_ACT_GELU);
	}
	teardown(&f);
}

static double bits_number(__u32 bits)
{
	float number;

	memcpy(&number, &bits, sizeof(number));
	return number;
}

/* What goes into a matrix is rounded as it is, so scales stand elsewhere. */
static void scales_no_input(void)
{
	const struct llm_insn *act, *logits;
	struct fixture f;

	setup(&f);
	SET_ARCHITECTURE(f.b, "granite");
	gguf_builder_set_f32(f.b, "granite.logit_scale", 8);
	gguf_builder_set_f32(f.b, "granite.residual_scale", 0.25f);
	gguf_builder_set_f32(f.b, "granite.embedding_scale", 12);
	if (tap_check(!compile(&f, LLMCTL_KEEP_TYPES))) {
		tap_check(bits_number(insn(&f, LLM_OP_EMBED, 0)->arg[0]) == 12 / 0.25);
		tap_check(bits_number(insn(&f, LLM_OP_NORM, 0)->arg[0]) == 0.00001f / 0.0625f);
		act = insn(&f, LLM_OP_ACT, 0);
		logits = insn(&f, LLM_OP_LINEAR, 8);
		tap_check(act && !insn(&f, LLM_OP_ACT, 1));
		tap_check(act && act->src[0] == logits->dst && act->dst == logits->dst);
		tap_check(act && bits_number(act->arg[1]) == 0.125);
	}
	teardown(&f);
}

/* Compiles and compares the frequencies with base^(-2i / 16) / divisor[i]. */
static void check_frequencies(struct fixture *f, double base, const float *divisors)
{
	const struct llm_insn *angles;
	const float *found;
	double frequency;
	__u8 *image;
	int i;

	if (!tap_check(!compile(f, LLMCTL_KEEP_TYPES)))
		return;
	image = write_image(f, 0);
	if (!image)
		return;
	angles = insn(f, LLM_OP_ANGLES, 0);
	tap_check(tensor(f, angles->tensor[0])->columns == 8);
	found = numbers(f, image, angles->tensor[0]);
	for (i = 0; i < 8; i++) {
		frequency = found[i] * pow(bits_number(angles->arg[2]), i);
		tap_check(fabs(frequency * divisors[i] / pow(base, -i / 8.0) - 1) < 0.000001);
	}
	free(image);
}

static void computes_frequencies(void)
{
	static const float ones[] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	static const float fours[] = { 4, 4, 4, 4, 4, 4, 4, 4 };
	static const float factors[] = { 1, 1, 2, 2, 3, 5, 8, 8 };
	struct gguf_builder_tensor *own;
	struct fixture f;

	setup(&f);
	check_frequencies(&f, 10000, ones);
	teardown(&f);
	setup(&f);
	gguf_builder_set_f32(f.b, "llama.rope.freq_base", 500000);
	check_frequencies(&f, 500000, ones);
	teardown(&f);
	setup(&f);
	gguf_builder_set_string(f.b, "llama.rope.scaling.type", "linear");
	gguf_builder_set_f32(f.b, "llama.rope.scaling.factor", 4);
	check_frequencies(&f, 10000, fours);
	teardown(&f);
	setup(&f);
	gguf_builder_set_string(f.b, "llama.rope.scaling.type", "none");
	gguf_builder_set_f32(f.b, "llama.rope.scaling.factor", 4);
	check_frequencies(&f, 10000, ones);
	teardown(&f);
	setup(&f);
	own = gguf_builder_set_tensor(f.b, "rope_freqs.weight", 8, 1, TYPE_F32);
	own->fill = factors;
	own->fill_count = 8;
	check_frequencies(&f, 10000, factors);
	teardown(&f);
}

static void takes_one_number_a_layer(void)
{
	static const __s32 same[] = { 2, 2 };
	struct fixture f;

	setup(&f);
	gguf_builder_set_array(f.b, "llama.attention.head_count", BUILD_I32, 2, same, sizeof(same));
	gguf_builder_drop_key(f.b, "llama.attention.head_count_kv");
	gguf_builder_set_tensor(f.b, "blk.0.attn_k.weight", 32, 32, TYPE_F32);
	gguf_builder_set_tensor(f.b, "blk.0.attn_v.weight", 32, 32, TYPE_F32);
	gguf_builder_set_tensor(f.b, "blk.1.attn_k.weight", 32, 32, TYPE_F32);
	gguf_builder_set_tensor(f.b, "blk.1.attn_v.weight", 32, 32, TYPE_F32);
	/* Without a number of their own there are as many key heads as query heads. */
	if (tap_check(!compile(&f, LLMCTL_KEEP_TYPES)))
		tap_check(insn(&f, LLM_OP_ATTEND, 0)->arg[3] == 2 &&
			  insn(&f, LLM_OP_ATTEND, 0)->arg[4] == 2);
	teardown(&f);
}

static void replace_vocab(struct gguf_builder *b)
{
	static const char *const texts[] = {
		"<unk>", "<s>", "</s>", "<0x0A>", "\342\226\201a\342\226\201", "b", "c",
		"\342\226\201u", "<|im_end|>", "end",
	};
	static const float scores[] = { 0, 0, 0, 0, -1, -7, -7, -2, 0, 0 };
	static const __s32 types[] = { 2, 3, 3, 6, 1, 1, 0, 4, 1, 1 };
	__u8 bytes[256];
	size_t used = 0, i;
	__u64 length;

	for (i = 0; i < 10; i++) {
		length = strlen(texts[i]);
		memcpy(bytes + used, &length, sizeof(length));
		memcpy(bytes + used + sizeof(length), texts[i], length);
		used += sizeof(length) + length;
	}
	gguf_builder_set_array(b, "tokenizer.ggml.tokens", BUILD_STRING, 10, bytes, used);
	gguf_builder_set_array(b, "tokenizer.ggml.scores", BUILD_F32, 10, scores, sizeof(scores));
	gguf_builder_set_array(b, "tokenizer.ggml.token_type", BUILD_I32, 10, types, sizeof(types));
	gguf_builder_tensor(b, "token_embd.weight")->dims[1] = 10;
}

static bool text_is(const struct fixture *f, __u32 number, const char *text)
{
	const struct llm_image_token *token = image_token(&f->c.writer, number);

	return token->length == strlen(text) &&
	       !memcmp(f->c.writer.strings.bytes + token->offset, text, token->length);
}

static void compiles_tokens(void)
{
	const struct llm_image_token *tokens;
	struct fixture f;

	setup(&f);
	replace_vocab(f.b);
	gguf_builder_set_u32(f.b, "tokenizer.ggml.eot_token_id", 9);
	if (tap_check(!compile(&f, LLMCTL_KEEP_TYPES))) {
		tokens = image_token(&f.c.writer, 0);
		tap_check(tokens[0].kind == LLM_TOKEN_UNKNOWN);
		tap_check(tokens[1].kind == LLM_TOKEN_CONTROL && !tokens[1].flags);
		tap_check(tokens[2].flags == LLM_TOKEN_ENDS);
		tap_check(tokens[3].kind == LLM_TOKEN_BYTE && tokens[3].rank == 10);
		/* Scores -7, -2, -1, 0 by rank; only in text is the mark a space. */
		tap_check(text_is(&f, 4, " a ") && tokens[4].rank == 2);
		tap_check(tokens[5].rank == 0 && tokens[6].rank == 0 && tokens[7].rank == 1);
		tap_check(tokens[6].kind == LLM_TOKEN_NORMAL);
		tap_check(tokens[7].kind == LLM_TOKEN_USER && text_is(&f, 7, "\342\226\201u"));
		tap_check(tokens[8].kind == LLM_TOKEN_CONTROL && tokens[8].flags == LLM_TOKEN_ENDS);
		tap_check(tokens[9].flags == LLM_TOKEN_ENDS);
	}
	teardown(&f);
}

static void compiles_the_tokenizer(void)
{
	struct fixture f;

	setup(&f);
	if (tap_check(!compile(&f, LLMCTL_KEEP_TYPES))) {
		const struct llm_image_tokenizer *t = &f.c.writer.tokenizer;

		tap_check(t->flags == (LLM_TOKENIZER_ADD_BOS | LLM_TOKENIZER_SPACE_PREFIX));
		tap_check(t->bos == 1 && t->eos == 2 && t->unknown == 0);
	}
	teardown(&f);
	setup(&f);
	gguf_builder_set_bool(f.b, "tokenizer.ggml.add_bos_token", 0);
	gguf_builder_set_bool(f.b, "tokenizer.ggml.add_eos_token", 1);
	gguf_builder_set_bool(f.b, "tokenizer.ggml.add_space_prefix", 0);
	gguf_builder_set_u32(f.b, "tokenizer.ggml.bos_token_id", 7);
	if (tap_check(!compile(&f, LLMCTL_KEEP_TYPES))) {
		tap_check(f.c.writer.tokenizer.flags == LLM_TOKENIZER_ADD_EOS);
		tap_check(f.c.writer.tokenizer.bos == 7);
	}
	teardown(&f);
}

static void halves_are_exact(void)
{
	__u16 half, back;
	float value;
	__u32 i;

	for (i = 0; i < 65536; i++) {
		half = i;
		number_load(&value, &half, TYPE_F16, 1);
		number_store(&back, &value, TYPE_F16, 1);
		if ((half & 0x7c00) == 0x7c00 && half & 0x3ff)
			tap_check(isnan(value) && (back & 0x7c00) == 0x7c00 && back & 0x3ff);
		else
			tap_check(half == back);
	}
}

static void check_half(float value, __u16 wanted, bool fits)
{
	__u16 half;

	tap_check(number_store(&half, &value, TYPE_F16, 1) == fits);
	if (!tap_check(half == wanted))
		printf("# %a became %04x, not %04x\n", value, half, wanted);
}

static void halves_are_rounded_to_even(void)
{
	check_half(1.00048828125f, 0x3c00, true);
	check_half(1.00146484375f, 0x3c02, true);
	check_half(1.000489f, 0x3c01, true);
	check_half(-ldexpf(1, -25), 0x8000, true);
	check_half(ldexpf(1.5f, -24), 0x0002, true);
	check_half(ldexpf(1023, -24), 0x03ff, true);
	check_half(ldexpf(1023.5f, -24), 0x0400, true);
	check_half(65519, 0x7bff, true);
	check_half(65520, 0x7c00, false);
	check_half(INFINITY, 0x7c00, false);
}

static void blocks_are_as_near_as_they_can(void)
{
	float values[64], back[64], scale;
	__u8 blocks[68];
	int i;

	for (i = 0; i < 64; i++)
		values[i] = i < 32 ? sinf(i) * 3 : 0;
	tap_check(number_store(blocks, values, TYPE_Q8_0, 64));
	number_load(back, blocks, TYPE_Q8_0, 64);
	number_load(&scale, blocks, TYPE_F16, 1);
	tap_check(fabsf(scale * 127 / 3 - 1) < 0.01f);
	/* Half a step, and what the scale lost as a half. */
	for (i = 0; i < 64; i++)
		tap_check(fabsf(back[i] - values[i]) <= scale * (i < 32 ? 0.57f : 0));
	values[5] = NAN;
	tap_check(!number_store(blocks, values, TYPE_Q8_0, 64));
}

static void converts_matrices_and_nothing_else(void)
{
	struct fixture f;
	float found[32], wanted[32];
	__u8 *image;
	__u32 embed, norm, i;

	setup(&f);
	if (!tap_check(!compile(&f, TYPE_Q8_0)))
		goto out;
	embed = insn(&f, LLM_OP_EMBED, 0)->tensor[0];
	norm = insn(&f, LLM_OP_NORM, 0)->tensor[0];
	tap_check(tensor(&f, embed)->type == TYPE_Q8_0 && tensor(&f, norm)->type == TYPE_F32);
	tap_check(!f.c.fallbacks);
	image = write_image(&f, 0);
	if (image) {
		number_load(found, numbers(&f, image, embed), TYPE_Q8_0, 32);
		memcpy(wanted, numbers(&f, image, norm), sizeof(wanted));
		/* Both begin with the builder's numbers. */
		for (i = 0; i < 32; i++)
			tap_check(fabsf(found[i] - wanted[i]) < 0.001f && wanted[6] > 0.1f);
		free(image);
	}
out:
	teardown(&f);
}

static void falls_back_where_rows_are_odd(void)
{
	struct fixture f;

	setup(&f);
	gguf_builder_set_u32(f.b, "llama.feed_forward_length", 40);
	gguf_builder_tensor(f.b, "blk.0.ffn_gate.weight")->dims[1] = 40;
	gguf_builder_tensor(f.b, "blk.0.ffn_up.weight")->dims[1] = 40;
	gguf_builder_tensor(f.b, "blk.0.ffn_down.weight")->dims[0] = 40;
	gguf_builder_tensor(f.b, "blk.1.ffn_gate.weight")->dims[1] = 40;
	gguf_builder_tensor(f.b, "blk.1.ffn_up.weight")->dims[1] = 40;
	gguf_builder_tensor(f.b, "blk.1.ffn_down.weight")->dims[0] = 40;
	if (tap_check(!compile(&f, TYPE_Q8_0))) {
		tap_check(f.c.fallbacks == 2);
		tap_check(tensor(&f, insn(&f, LLM_OP_LINEAR, 3)->tensor[0])->type == TYPE_F16);
	}
	teardown(&f);
}

static void refuses_numbers_that_do_not_fit(void)
{
	static const float great[] = { 1, 100000, 1 };
	struct gguf_builder_tensor *up;
	struct fixture f;
	__u8 *image;

	setup(&f);
	up = gguf_builder_tensor(f.b, "blk.1.ffn_up.weight");
	up->fill = great;
	up->fill_count = 3;
	if (tap_check(!compile(&f, TYPE_F16))) {
		image = malloc(compile_size(&f.c));
		tap_check(compile_write(&f.c, image, NULL, NULL, &f.error) == -EINVAL);
		tap_check(strstr(f.error.text, "'blk.1.ffn_up.weight' holds numbers that F16"));
		free(image);
	}
	teardown(&f);
}

/* What was in the buffer before makes no difference. */
static void writes_every_byte(void)
{
	__u8 *first, *second;
	struct fixture f;

	setup(&f);
	if (tap_check(!compile(&f, LLMCTL_KEEP_TYPES))) {
		first = write_image(&f, 0x00);
		second = write_image(&f, 0xff);
		tap_check(first && second && !memcmp(first, second, compile_size(&f.c)));
		free(first);
		free(second);
	}
	teardown(&f);
}

struct told {
	__u64 done;
	__u64 total;
	bool forward;
};

static void tell(void *data, __u64 done, __u64 total)
{
	struct told *told = data;

	told->forward &= done >= told->done && done <= total;
	told->done = done;
	told->total = total;
}

static void tells_of_progress(void)
{
	struct told told = { .forward = true };
	struct fixture f;
	__u8 *image;

	setup(&f);
	if (tap_check(!compile(&f, LLMCTL_KEEP_TYPES))) {
		image = malloc(compile_size(&f.c));
		tap_check(!compile_write(&f.c, image, tell, &told, &f.error));
		tap_check(told.forward && told.total && told.done == told.total);
		free(image);
	}
	teardown(&f);
}

static bool write_file(char *path, const void *bytes, size_t size)
{
	int fd = mkstemp(path);
	bool done = fd >= 0 && write(fd, bytes, size) == (ssize_t)size;

	if (fd >= 0)
		close(fd);
	return tap_check(done);
}

/* From memory, from a GGUF file and from an image file: the same image. */
static void files_are_alike(void)
{
	char gguf[] = "/tmp/llm-test-gguf-XXXXXX", image[] = "/tmp/llm-test-image-XXXXXX";
	struct llmctl_model *model = NULL;
	__u8 *wanted, *found;
	struct fixture f;

	setup(&f);
	if (!tap_check(!compile(&f, LLMCTL_KEEP_TYPES)))
		goto out;
	wanted = write_image(&f, 0);
	found = calloc(1, compile_size(&f.c));
	if (wanted && write_file(gguf, f.bytes, f.size) &&
	    tap_check(!llmctl_model_open(&model, gguf, LLMCTL_KEEP_TYPES, LLMCTL_KV_DEFAULT, NULL,
					 &f.error))) {
		tap_check(llmctl_model_facts(model)->format == LLMCTL_FORMAT_GGUF);
		tap_check(llmctl_model_facts(model)->size == compile_size(&f.c));
		tap_check(!llmctl_model_write(model, found, NULL, NULL, &f.error));
		tap_check(!memcmp(wanted, found, compile_size(&f.c)));
		/* The file ends while it is read. */
		tap_check(!truncate(gguf, f.size - 1000));
		tap_check(llmctl_model_write(model, found, NULL, NULL, &f.error) == -EIO);
		tap_check(strstr(f.error.text, "became shorter while it was read"));
		llmctl_model_close(model);
	}
	if (wanted && write_file(image, wanted, compile_size(&f.c)) &&
	    tap_check(!llmctl_model_open(&model, image, LLMCTL_KEEP_TYPES, LLMCTL_KV_DEFAULT, NULL,
					 NULL))) {
		tap_check(llmctl_model_facts(model)->format == LLMCTL_FORMAT_IMAGE);
		tap_check(!llmctl_model_write(model, found, NULL, NULL, NULL));
		tap_check(!memcmp(wanted, found, compile_size(&f.c)));
		llmctl_model_close(model);
		tap_check(!truncate(image, compile_size(&f.c) - 1));
		tap_check(llmctl_model_open(&model, image, LLMCTL_KEEP_TYPES, LLMCTL_KV_DEFAULT,
					    NULL, NULL) == -EINVAL);
	}
	unlink(gguf);
	unlink(image);
	free(wanted);
	free(found);
out:
	teardown(&f);
}

/* Heads are 16 columns wide: no whole blocks of 32. */
static void keeps_keys_and_values_as_asked(void)
{
	static const struct {
		enum llmctl_kv kv;
		int code;
		__u32 type;
	} formats[] = {
		{ LLMCTL_KV_DEFAULT, 0, LLM_TENSOR_F16 },
		{ LLMCTL_KV_F16, 0, LLM_TENSOR_F16 },
		{ LLMCTL_KV_F32, 0, LLM_TENSOR_F32 },
		{ LLMCTL_KV_Q8_0, -EOPNOTSUPP, 0 },
	};
	const struct llm_image_slot *slots;
	struct fixture f;

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		setup(&f);
		f.c.kv = formats[i].kv;
		tap_check(compile(&f, LLMCTL_KEEP_TYPES) == formats[i].code);
		slots = (const struct llm_image_slot *)f.c.writer.slots.bytes;
		if (!formats[i].code)
			tap_check(slots[0].type == formats[i].type &&
				  slots[1].type == formats[i].type);
		else
			tap_check(strstr(f.error.text, "heads of 16 and 16 columns"));
		teardown(&f);
	}
}


static void fixed_point_is_rounded_and_bounded(void)
{
	tap_check(llmctl_fixed(0.8) == 52429);
	tap_check(llmctl_fixed(-1.5) == -98304);
	tap_check(llmctl_fixed(1e9) == INT32_MAX && llmctl_fixed(-1e9) == INT32_MIN);
	tap_check(llmctl_fixed(NAN) == 0);
}

static const struct tap_test tests[] = {
	{ "matrices of one input become one tensor", joins_what_it_can },
	{ "matrices of different types stay apart, side by side", keeps_types_apart },
	{ "biases are taken", takes_biases },
	{ "the output is tied where there is none", ties_the_output_where_there_is_none },
	{ "frequencies, their base, factor and divisors", computes_frequencies },
	{ "GELU is rounded where what follows rounds it", rounds_gelu_where_inputs_are_rounded },
	{ "no scale stands before a matrix", scales_no_input },
	{ "numbers for each layer are taken where they are equal",
	  takes_one_number_a_layer },
	{ "tokens: kinds, ranks, spaces and ends", compiles_tokens },
	{ "the tokenizer's flags and tokens, and their defaults", compiles_the_tokenizer },
	{ "every half-precision number is exact", halves_are_exact },
	{ "halves are rounded to nearest, ties to even", halves_are_rounded_to_even },
	{ "quantised blocks are as near as they can be", blocks_are_as_near_as_they_can },
	{ "conversion is for matrices only", converts_matrices_and_nothing_else },
	{ "rows that are no multiple of a block become F16", falls_back_where_rows_are_odd },
	{ "numbers that do not fit a type are refused", refuses_numbers_that_do_not_fit },
	{ "every byte of the image is written", writes_every_byte },
	{ "progress is told, forward and to the end", tells_of_progress },
	{ "memory, GGUF file and image file give the same image", files_are_alike },
	{ "keys and values are kept as asked", keeps_keys_and_values_as_asked },
	{ "fixed point numbers are rounded and bounded", fixed_point_is_rounded_and_bounded },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
