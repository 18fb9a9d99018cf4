// SPDX-License-Identifier: GPL-2.0
/*
 * Damaged images: each is refused with the right errno and a reason, or it is
 * accepted and does no harm: a session on it says what it says, and ends.
 */
#include <fcntl.h>

#include "device.h"
#include "host/tiny_image.h"
#include "kselftest.h"
#include "mutate.h"

#define MODEL "hostile-image"
#define ROOM 65536
#define SHOWN 5

static struct device_image image;
static const char *type;
static struct mutations mutations;
static size_t refused;
static size_t accepted;
/* What came of sealing the last one. */
static int last_error;

/* A turn and a scoring. Returns 0 or an error. */
static int try_text(int fd)
{
	static struct llm_score_entry entries[1024];
	static char reply[ROOM];
	struct llm_score score = {
		.text = (uintptr_t)"the sea, \xe2\x82\xac",
		.text_length = 12,
		.entries = (uintptr_t)entries,
		.entries_count = 1024,
		.alternatives = 3,
	};
	ssize_t got;
	int error = device_max_tokens(fd, 8);

	if (error)
		return error;
	got = device_ask(fd, "the sun", reply, ROOM);
	/* A context of one position is the image's own fault. */
	if (got < 0 && got != -ENOSPC)
		return got;
	error = device_ioctl(fd, LLM_IOC_SCORE, &score);
	return error == -ENOSPC ? 0 : error;
}

/* Of a pair of texts where the model ranks. */
static int try_embedding(int fd, bool ranks)
{
	static __s32 vectors[1 << 20];
	struct llm_embed embed = {
		.text = (uintptr_t)"the sea, \xe2\x82\xac",
		.text_length = 12,
		.vectors = (uintptr_t)vectors,
		.vectors_count = 1 << 20,
	};
	int error;

	if (ranks) {
		embed.second = (uintptr_t)"the sun<end>";
		embed.second_length = 12;
		embed.flags = LLM_EMBED_PAIR;
	}
	error = device_ioctl(fd, LLM_IOC_EMBED, &embed);
	return error == -ENOSPC ? 0 : error;
}

/* What an accepted model says it can do. Returns 0 or an error. */
static int try_model(void)
{
	struct llm_model_info info;
	int fd = device_open(O_RDWR);
	int error;

	if (fd < 0)
		return fd;
	error = device_find_model(MODEL, &info) ? device_model(fd, MODEL) : -ENOENT;
	if (!error && info.flags & LLM_MODEL_TEXT)
		error = try_text(fd);
	if (!error && info.embedding_width)
		error = try_embedding(fd, info.pooling == LLM_POOLING_RANK);
	close(fd);
	return error;
}

static bool refusal_is_right(int error, const char *reason)
{
	return (error == -EINVAL || error == -EOPNOTSUPP || error == -E2BIG) && *reason;
}

/* Loads what may be damaged. Returns whether all that follows was right. */
static bool harmless(const char *name, const struct device_image *damaged, size_t size)
{
	char reason[512] = "";
	int buffer = device_create(MODEL, size);
	int error;

	if (buffer < 0) {
		ksft_print_msg("%s: no buffer: %s\n", name, strerror(-buffer));
		return false;
	}
	error = device_fill(buffer, damaged->bytes, size);
	if (!error)
		error = device_seal(buffer, 0, reason, sizeof(reason));
	close(buffer);
	last_error = error;
	if (error) {
		refused++;
		if (!refusal_is_right(error, reason))
			ksft_print_msg("%s: %s, reason '%s'\n", name, strerror(-error), reason);
		return refusal_is_right(error, reason);
	}
	accepted++;
	error = try_model();
	if (error)
		ksft_print_msg("%s: accepted, then %s\n", name, strerror(-error));
	if (device_unload_soon(MODEL)) {
		ksft_print_msg("%s: cannot be unloaded\n", name);
		return false;
	}
	return !error;
}

static void copy_image(struct device_image *copy)
{
	*copy = image;
	copy->bytes = aligned_alloc(LLM_IMAGE_ALIGN, image.size);
	if (!copy->bytes)
		ksft_exit_fail_msg("out of memory\n");
	memcpy(copy->bytes, image.bytes, image.size);
}

/* All mutations of a family are one test: there are some ten thousand. */
static void check_family(size_t first)
{
	const char *family = mutations.list[first].family;
	size_t before_refused = refused;
	size_t before_accepted = accepted;
	struct device_image damaged;
	size_t wrong = 0;
	size_t i;

	copy_image(&damaged);
	for (i = first; i < mutations.count && mutations.list[i].family == family; i++) {
		const struct mutation *mutation = &mutations.list[i];
		size_t before = accepted;
		__u8 old[8];
		char name[128];

		memcpy(old, damaged.bytes + mutation->offset, mutation->size);
		mutation_apply(mutation, &damaged);
		snprintf(name, sizeof(name), "%s = 0x%llx", mutation->name, mutation->value);
		wrong += !harmless(name, &damaged, damaged.size);
		if (mutation->wrong && accepted != before) {
			ksft_print_msg("%s: accepted\n", name);
			wrong++;
		} else if (mutation->error && last_error != mutation->error) {
			ksft_print_msg("%s: %s instead of %s\n", name, strerror(-last_error),
				       strerror(-mutation->error));
			wrong++;
		}
		memcpy(damaged.bytes + mutation->offset, old, mutation->size);
	}
	device_image_free(&damaged);
	ksft_test_result(!wrong, "%s, %s: %zu mutations, %zu refused, %zu accepted\n", type,
			 family, i - first, refused - before_refused, accepted - before_accepted);
}

/* Returns whether an image is refused with an errno, and a reason. */
static bool refused_with(int error, const char *name, const struct device_image *damaged,
			 size_t size)
{
	bool right = harmless(name, damaged, size) && last_error == error;

	if (!right)
		ksft_print_msg("%s, %zu bytes: %s\n", name, size, strerror(-last_error));
	return right;
}

/* What the format says must be refused, whatever else could be accepted. */
static void check_certain(void)
{
	struct llm_image_header *header;
	struct device_image damaged;
	bool right = true;

	copy_image(&damaged);
	header = (struct llm_image_header *)damaged.bytes;
	for (size_t size = 1; size < image.size; size = size * 3 / 2 + 1)
		right &= refused_with(-EINVAL, "cut off", &damaged, size);
	right &= refused_with(-EINVAL, "one byte cut off", &damaged, image.size - 1);
	ksft_test_result(right, "%s, a cut off image is refused\n", type);

	header->version = LLM_IMAGE_VERSION + 1;
	right = refused_with(-EOPNOTSUPP, "version", &damaged, damaged.size);
	memset(damaged.bytes, 0xff, damaged.size);
	right &= refused_with(-EINVAL, "all ones", &damaged, damaged.size);
	memset(damaged.bytes, 0, damaged.size);
	right &= refused_with(-EINVAL, "all zeroes", &damaged, damaged.size);
	ksft_test_result(right, "%s, what is no image is refused\n", type);
	device_image_free(&damaged);
}

/* Numbers in tensors are free to be anything, infinities and NaNs included. */
static void check_data(void)
{
	static const __u8 fills[] = { 0x00, 0x7f, 0xff, 0x80 };
	size_t before = accepted;
	struct device_image damaged;
	size_t wrong = 0;
	__u64 length;
	void *data;

	copy_image(&damaged);
	data = device_image_section(&damaged, LLM_SECTION_DATA, &length);
	for (size_t i = 0; i < ARRAY_SIZE(fills); i++) {
		memset(data, fills[i], length);
		wrong += !harmless("tensor data", &damaged, damaged.size);
	}
	ksft_test_result(!wrong && accepted == before + ARRAY_SIZE(fills),
			 "%s, any tensor data is accepted, and harmless\n", type);
	device_image_free(&damaged);
}

/**
 * struct variant - an image with something that others do not have
 * @name: for the report
 * @options: see host/tiny_image.h
 * @families: of mutations that are new with it, or NULL for all
 */
struct variant {
	const char *name;
	struct tiny_image_options options;
	const char *families[4];
};

static const struct variant variants[] = {
	{ "F32", { .seed = 21, .layers = 3, .context = 512 }, { NULL } },
	{ "Q8_0", { .seed = 22, .type = LLM_TENSOR_Q8_0, .width = 96, .context = 512 },
	  { "model", "instruction", "tensor" } },
	{ "experts", { .seed = 23, .experts = true }, { "model", "instruction", "slot" } },
	{ "encoder", { .seed = 24, .whole = true, .pooling = LLM_POOLING_MEAN },
	  { "model", "instruction", "slot" } },
	{ "ranking", { .seed = 30, .ranks = true },
	  { "section", "model", "instruction", "ranking" } },
	{ "recurrent", { .seed = 29, .layers = 3, .recurrent = true },
	  { "model", "instruction", "slot", "tensor" } },
	{ "chat template", { .seed = 25, .chat = true }, { "section", "chat" } },
	{ "BPE", { .seed = 26, .tokenizer = LLM_TOKENIZER_BPE },
	  { "section", "tokenizer", "merge", "split" } },
	{ "WordPiece", { .seed = 27, .tokenizer = LLM_TOKENIZER_WORDPIECE },
	  { "section", "tokenizer", "fold" } },
	{ "greedy", { .seed = 28, .tokenizer = LLM_TOKENIZER_GREEDY }, { "tokenizer" } },
};

static bool is_new(const struct variant *variant, const char *family)
{
	for (size_t i = 0; i < ARRAY_SIZE(variant->families) && variant->families[i]; i++)
		if (!strcmp(variant->families[i], family))
			return true;
	return !variant->families[0];
}

/* The first mutation of the next family. */
static size_t after_family(size_t first)
{
	size_t i = first;

	while (i < mutations.count && mutations.list[i].family == mutations.list[first].family)
		i++;
	return i;
}

static void check_variant(const struct variant *variant)
{
	type = variant->name;
	device_image_build(&image, &variant->options);
	mutations_make(&mutations, &image);
	ksft_test_result(harmless("valid", &image, image.size) && !last_error,
			 "%s, the valid image is accepted\n", type);
	if (is_new(variant, "header")) {
		check_certain();
		check_data();
	}
	for (size_t next = 0; next < mutations.count; next = after_family(next))
		if (is_new(variant, mutations.list[next].family))
			check_family(next);
	free(mutations.list);
	device_image_free(&image);
}

/* An emulated machine is too slow for more than the first. */
int main(void)
{
	ksft_print_header();
	for (size_t i = 0; i < (device_is_slow() ? 1 : ARRAY_SIZE(variants)); i++)
		check_variant(&variants[i]);
	ksft_print_msg("%zu images refused, %zu accepted\n", refused, accepted);
	ksft_test_result(refused + accepted >= 200, "at least 200 images were tried\n");
	ksft_set_plan(ksft_test_num());
	ksft_finished();
}
