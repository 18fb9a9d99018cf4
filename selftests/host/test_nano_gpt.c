// SPDX-License-Identifier: GPL-2.0
/*
 * A trained GPT-2 of three layers, with what PyTorch computes in each of them
 * (github.com/bbycroft/llm-viz). It learned to sort six letters out of three. Keys and
 * values are kept as they are, as PyTorch keeps them.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "form.h"
#include "gguf_builder.h"
#include "plan.h"
#include "shared.h"
#include "step.h"
#include "tap.h"

#define MODEL		"models/nano-gpt/gpt-nano-sort-model.json"
#define PARTIALS	"models/nano-gpt/gpt-nano-sort-t0-partials.json"
#define TYPE_F32	0
#define LAYERS		3
#define WIDTH		48
#define HIDDEN		192
#define POSITIONS	11
#define TEXTS		3
#define VOCAB		3
#define MOST_TENSORS	64

/* The model, the numbers expected, and a plan to run it. */
struct fixture {
	char *model;
	char *partials;
	float *arrays[MOST_TENSORS];
	size_t array_count;
	struct gguf_builder *b;
	__u8 *gguf;
	__u8 *bytes;
	struct llm_image *image;
	struct llm_plan *plan;
	struct llm_step *step;
};

static int digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)(found - digits) : -1;
}

/* The numbers of the array @name in a file: base64 of float32, as it lies in memory. */
static float *read_array(struct fixture *f, const char *file, const char *name, size_t *count)
{
	char key[80];
	const char *at;
	__u8 *bytes;
	size_t n = 0;
	__u32 bits = 0;
	int have = 0;

	snprintf(key, sizeof(key), "\"%s\"", name);
	at = strstr(file, key);
	at = at ? strstr(at, "\"data\"") : NULL;
	at = at ? strchr(at + 6, '"') : NULL;
	if (!tap_check(at && f->array_count < MOST_TENSORS)) {
		printf("# %s\n", name);
		return NULL;
	}
	bytes = malloc(strlen(at));
	for (at++; digit(*at) >= 0; at++) {
		bits = bits << 6 | digit(*at);
		have += 6;
		if (have >= 8) {
			have -= 8;
			bytes[n++] = bits >> have;
		}
	}
	*count = n / sizeof(float);
	f->arrays[f->array_count++] = (float *)bytes;
	return (float *)bytes;
}

/* Puts an array of the model into the file; its name there is kept until the end. */
static void add_tensor(struct fixture *f, const char *to, const char *from, __u32 columns,
		       __u32 rows)
{
	static char names[MOST_TENSORS][48];
	static size_t used;
	char *name = names[used++ % MOST_TENSORS];
	struct gguf_builder_tensor *tensor;
	size_t count;

	snprintf(name, sizeof(names[0]), "%s", to);
	tensor = gguf_builder_set_tensor(f->b, name, columns, rows, TYPE_F32);
	tensor->fill = read_array(f, f->model, from, &count);
	tensor->fill_count = count;
	tap_check(count == (size_t)columns * rows);
}

static void add_layer(struct fixture *f, int layer)
{
	static const struct {
		const char *to;
		const char *from;
		__u32 columns;
		__u32 rows;
	} tensors[] = {
		{ "attn_norm.weight", "ln_1.weight", WIDTH, 1 },
		{ "attn_norm.bias", "ln_1.bias", WIDTH, 1 },
		{ "attn_qkv.weight", "attn.c_attn.weight", WIDTH, 3 * WIDTH },
		{ "attn_qkv.bias", "attn.c_attn.bias", 3 * WIDTH, 1 },
		{ "attn_output.weight", "attn.c_proj.weight", WIDTH, WIDTH },
		{ "attn_output.bias", "attn.c_proj.bias", WIDTH, 1 },
		{ "ffn_norm.weight", "ln_2.weight", WIDTH, 1 },
		{ "ffn_norm.bias", "ln_2.bias", WIDTH, 1 },
		{ "ffn_up.weight", "mlp.c_fc.weight", WIDTH, HIDDEN },
		{ "ffn_up.bias", "mlp.c_fc.bias", HIDDEN, 1 },
		{ "ffn_down.weight", "mlp.c_proj.weight", HIDDEN, WIDTH },
		{ "ffn_down.bias", "mlp.c_proj.bias", WIDTH, 1 },
	};
	char to[64], from[64];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tensors); i++) {
		snprintf(to, sizeof(to), "blk.%d.%s", layer, tensors[i].to);
		snprintf(from, sizeof(from), "transformer.h.%d.%s", layer, tensors[i].from);
		add_tensor(f, to, from, tensors[i].columns, tensors[i].rows);
	}
}

/* The small Llama's keys under another name, and another vocabulary. */
static void build(struct fixture *f)
{
	static const char texts[] = "\1\0\0\0\0\0\0\0A\1\0\0\0\0\0\0\0B\1\0\0\0\0\0\0\0C";
	static const float scores[VOCAB];
	static const __s32 types[VOCAB] = { 1, 1, 1 };
	int layer;

	f->b = calloc(1, sizeof(*f->b));
	memcpy(f->b->magic, "GGUF", 4);
	f->b->version = 3;
	f->b->key_count = GGUF_BUILDER_AUTO;
	f->b->tensor_count = GGUF_BUILDER_AUTO;
	gguf_builder_set_string(f->b, "general.architecture", "gpt2");
	gguf_builder_set_u32(f->b, "gpt2.context_length", POSITIONS);
	gguf_builder_set_u32(f->b, "gpt2.embedding_length", WIDTH);
	gguf_builder_set_u32(f->b, "gpt2.block_count", LAYERS);
	gguf_builder_set_u32(f->b, "gpt2.feed_forward_length", HIDDEN);
	gguf_builder_set_u32(f->b, "gpt2.attention.head_count", 3);
	gguf_builder_set_f32(f->b, "gpt2.attention.layer_norm_epsilon", 0.00001f);
	gguf_builder_set_string(f->b, "tokenizer.ggml.model", "llama");
	gguf_builder_set_array(f->b, "tokenizer.ggml.tokens", BUILD_STRING, VOCAB, texts,
			       sizeof(texts) - 1);
	gguf_builder_set_array(f->b, "tokenizer.ggml.scores", BUILD_F32, VOCAB, scores,
			       sizeof(scores));
	gguf_builder_set_array(f->b, "tokenizer.ggml.token_type", BUILD_I32, VOCAB, types,
			       sizeof(types));
	gguf_builder_set_bool(f->b, "tokenizer.ggml.add_bos_token", 0);
	gguf_builder_set_u32(f->b, "tokenizer.ggml.bos_token_id", 0);
	gguf_builder_set_u32(f->b, "tokenizer.ggml.eos_token_id", 0);
	gguf_builder_set_u32(f->b, "tokenizer.ggml.unknown_token_id", 0);
	add_tensor(f, "token_embd.weight", "transformer.wte.weight", WIDTH, VOCAB);
	add_tensor(f, "position_embd.weight", "transformer.wpe.weight", WIDTH, POSITIONS);
	for (layer = 0; layer < LAYERS; layer++)
		add_layer(f, layer);
	add_tensor(f, "output_norm.weight", "transformer.ln_f.weight", WIDTH, 1);
	add_tensor(f, "output_norm.bias", "transformer.ln_f.bias", WIDTH, 1);
	add_tensor(f, "output.weight", "lm_head.weight", WIDTH, VOCAB);
}

static bool make_image(struct fixture *f, __u64 *size)
{
	struct compile c = { .type = LLMCTL_KEEP_TYPES, .kv = LLMCTL_KV_F32 };
	struct llmctl_error error = { 0 };
	size_t length;
	bool done;

	f->gguf = gguf_builder_write(f->b, &length);
	c.error = &error;
	done = !gguf_open_memory(&c.gguf, f->gguf, length, "file", &error) && !compile_gguf(&c);
	if (done) {
		*size = compile_size(&c);
		f->bytes = aligned_alloc(LLM_IMAGE_ALIGN, ALIGN(*size, LLM_IMAGE_ALIGN));
		done = !compile_write(&c, f->bytes, NULL, NULL, &error);
	}
	compile_destroy(&c);
	gguf_close(c.gguf);
	if (!tap_check(done))
		printf("# %s\n", error.text);
	return done;
}

static void teardown(struct fixture *f)
{
	llm_step_destroy(f->step);
	llm_plan_destroy(f->plan);
	llm_image_close(f->image);
	while (f->array_count)
		free(f->arrays[--f->array_count]);
	free(f->bytes);
	free(f->gguf);
	free(f->b);
	free(f->model);
	free(f->partials);
}

static bool setup(struct fixture *f, const struct llm_form *form)
{
	struct llm_error error = { "" };
	__u64 size;

	memset(f, 0, sizeof(*f));
	f->model = shared_read(MODEL);
	f->partials = shared_read(PARTIALS);
	if (!f->model || !f->partials) {
		tap_skip(SHARED_MISSING);
		teardown(f);
		return false;
	}
	build(f);
	if (make_image(f, &size) &&
	    tap_check(!llm_image_open(&f->image, f->bytes, size, &error)) &&
	    tap_check(!llm_plan_create(&f->plan, f->image, form, TEXTS * POSITIONS,
				       TEXTS * POSITIONS, &error)) &&
	    tap_check(!llm_step_create(&f->step, f->plan)))
		return true;
	printf("# %s\n", error.text);
	teardown(f);
	return false;
}

/* The largest difference of a register's rows from an array of the file. */
static double difference(struct fixture *f, u32 reg, const char *name)
{
	u32 width = f->image->registers[reg].width;
	const float *found = (const float *)f->step->workspace + f->plan->register_offset[reg];
	size_t count, i;
	const float *wanted = read_array(f, f->partials, name, &count);
	double most = 0;

	if (!wanted || !tap_check(count == (size_t)width * TEXTS * POSITIONS))
		return INFINITY;
	for (i = 0; i < count; i++)
		most = fmax(most, fabs(found[i] - wanted[i]));
	printf("# %s: %g\n", name, most);
	return most;
}

/* Runs the program up to its instruction number @end. */
static void run_until(struct fixture *f, u32 end)
{
	while (f->step->insn < end && llm_step_tile(f->step) == LLM_TILE_RAN)
		;
}

/* The number of the next instruction of a kind, from @from on, or of the end. */
static u32 next_of(const struct fixture *f, u32 from, u32 op)
{
	while (from < f->image->program_count && f->image->program[from].op != op)
		from++;
	return from;
}

static void begin(struct fixture *f, struct llm_kv *kvs)
{
	size_t count, i;
	const float *tokens = read_array(f, f->partials, "idx", &count);

	if (!tokens || !tap_check(count == TEXTS * POSITIONS))
		return;
	for (i = 0; i < TEXTS; i++) {
		tap_check(!llm_kv_init(&kvs[i], f->plan, POSITIONS));
		tap_check(!llm_kv_reserve(&kvs[i], POSITIONS));
	}
	for (i = 0; i < count; i++)
		f->step->rows[i] = (struct llm_row) {
			.kv = &kvs[i / POSITIONS],
			.token = (u32)tokens[i],
			.position = i % POSITIONS,
			.output = true,
		};
	llm_step_begin(f->step, count);
}

static void check_form(const struct llm_form *form)
{
	static const char *const blocks[LAYERS] = { "block0", "block1", "block2" };
	struct llm_kv kvs[TEXTS] = { 0 };
	struct fixture f;
	u32 x, i, at = 0;

	if (!setup(&f, form))
		return;
	begin(&f, kvs);
	/* The second instruction adds the positions. */
	x = f.image->program[1].dst;
	run_until(&f, 2);
	tap_check(difference(&f, x, "x") < 1e-6);
	for (i = 0; i < LAYERS; i++) {
		at = next_of(&f, at, LLM_OP_ATTEND);
		/* Two products follow, with the next layer's or the output's norm behind. */
		at = next_of(&f, next_of(&f, at, LLM_OP_ACT), LLM_OP_LINEAR) + 1;
		run_until(&f, at);
		tap_check(difference(&f, x, blocks[i]) < 1e-5);
	}
	run_until(&f, f.image->program_count);
	tap_check(difference(&f, f.image->model.logits, "lm_head") < 1e-5);
	for (i = 0; i < TEXTS; i++)
		llm_kv_destroy(&kvs[i]);
	teardown(&f);
}

static void computes_what_pytorch_does(void)
{
	u32 i;

	for (i = 0; llm_form_at(i); i++)
		if (llm_form_at(i)->usable())
			check_form(llm_form_at(i));
}

static const struct tap_test tests[] = {
	{ "each block of a GPT-2 gives what PyTorch's does", computes_what_pytorch_does },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
