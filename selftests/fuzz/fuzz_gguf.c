// SPDX-License-Identifier: GPL-2.0
/* Any GGUF file: what the compiler makes of it the engine must accept. */
#include <stdio.h>

#include "compile.h"
#include "form.h"
#include "fuzz.h"
#include "plan.h"

#define MAX_SIZE	(16U << 20)

static void check_image(void *bytes, u64 size)
{
	struct llm_error error = { "" };
	struct llm_image *image;
	struct llm_plan *plan;

	if (!llm_image_open(&image, bytes, size, &error)) {
		if (!llm_plan_create(&plan, image, &llm_form_portable, 1, 1, &error))
			llm_plan_destroy(plan);
		llm_image_close(image);
	}
	if (error.text[0]) {
		fprintf(stderr, "refused what was compiled: %s\n", error.text);
		abort();
	}
}

static void write_image(const struct compile *c, struct llmctl_error *error)
{
	u64 size = compile_size(c);
	void *image = NULL;

	if (size > MAX_SIZE)
		return;
	must(!posix_memalign(&image, LLM_IMAGE_ALIGN, size));
	if (!compile_write(c, image, NULL, NULL, error))
		check_image(image, size);
	else
		must(error->text[0]);
	free(image);
}

int fuzz_one(const u8 *data, size_t size)
{
	static const u32 types[] = {
		LLMCTL_KEEP_TYPES, LLM_TENSOR_F32, LLM_TENSOR_F16, LLM_TENSOR_Q8_0,
	};
	struct llmctl_error error = { 0 };
	struct compile c = { .type = types[size % ARRAY_SIZE(types)], .error = &error };

	if (gguf_open_memory(&c.gguf, data, size, "fuzz", &error)) {
		must(error.text[0]);
		return 0;
	}
	if (!compile_gguf(&c))
		write_image(&c, &error);
	else
		must(error.text[0]);
	compile_destroy(&c);
	gguf_close(c.gguf);
	return 0;
}
