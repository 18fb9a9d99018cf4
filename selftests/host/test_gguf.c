// SPDX-License-Identifier: GPL-2.0
/* From a GGUF file to an image that the engine accepts, or to a reason why not. */
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "form.h"
#include "gguf_builder.h"
#include "plan.h"
#include "tap.h"

/* Returns 0 where the file becomes an image whose program is accepted. */
static int compile(const void *bytes, size_t size, u32 type)
{
	struct llmctl_error error = { 0 };
	struct llm_error refusal = { "" };
	struct llm_image *image = NULL;
	struct llm_plan *plan = NULL;
	struct compile c = { .type = type, .error = &error };
	void *to = NULL;
	int code;

	code = gguf_open_memory(&c.gguf, bytes, size, "test", &error);
	if (code)
		return code;
	code = compile_gguf(&c);
	if (!code) {
		to = aligned_alloc(LLM_IMAGE_ALIGN, ALIGN(compile_size(&c), LLM_IMAGE_ALIGN));
		code = compile_write(&c, to, NULL, NULL, &error);
	}
	if (!code) {
		tap_check(!llm_image_open(&image, to, compile_size(&c), &refusal));
		tap_check(image && !llm_plan_create(&plan, image, &llm_form_portable, 8, 1,
						    &refusal));
		if (refusal.text[0])
			printf("# %s\n", refusal.text);
	}
	llm_plan_destroy(plan);
	llm_image_close(image);
	free(to);
	compile_destroy(&c);
	gguf_close(c.gguf);
	return code;
}

static u8 *build(u32 type, size_t *size)
{
	struct gguf_builder *builder = gguf_builder_llama();
	u8 *bytes;

	gguf_builder_set_types(builder, type);
	bytes = gguf_builder_write(builder, size);
	free(builder);
	return bytes;
}

static void files_become_images(void)
{
	static const u32 types[] = { LLM_TENSOR_F32, LLM_TENSOR_F16, LLM_TENSOR_Q8_0 };
	size_t size;

	for (u32 i = 0; i < ARRAY_SIZE(types); i++) {
		void *bytes = build(types[i], &size);

		tap_check(!compile(bytes, size, LLMCTL_KEEP_TYPES));
		for (u32 j = 0; j < ARRAY_SIZE(types); j++)
			tap_check(!compile(bytes, size, types[j]));
		free(bytes);
	}
}

/* Copied, so that a byte read past the end is found. */
static void cut_files_are_refused(void)
{
	size_t size;
	u8 *bytes = build(LLM_TENSOR_Q8_0, &size);

	for (size_t length = 0; length < size; length += length < 16384 ? 1 : 97) {
		u8 *cut = malloc(length ? length : 1);

		memcpy(cut, bytes, length);
		if (!tap_check(compile(cut, length, LLMCTL_KEEP_TYPES) == -EINVAL))
			printf("# cut to %zu of %zu bytes\n", length, size);
		free(cut);
	}
	free(bytes);
}

/* Every byte before the tensors, set to a few values: never a crash or a bad image. */
static void changed_bytes_do_no_harm(void)
{
	static const u8 values[] = { 0x00, 0xff, 0x80 };
	size_t size;
	u8 *bytes = build(LLM_TENSOR_F16, &size);
	u32 refused = 0;

	for (size_t at = 0; at < 1000; at++) {
		u8 before = bytes[at];

		for (u32 i = 0; i < ARRAY_SIZE(values); i++) {
			bytes[at] = values[i];
			refused += compile(bytes, size, LLMCTL_KEEP_TYPES) != 0;
		}
		bytes[at] = before;
	}
	tap_check(refused > 1000);
	free(bytes);
}

static const struct tap_test tests[] = {
	{ "files of all types become images, converted or not", files_become_images },
	{ "a file cut anywhere is refused", cut_files_are_refused },
	{ "changed bytes do no harm", changed_bytes_do_no_harm },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
