// SPDX-License-Identifier: GPL-2.0
/*
 * The rules all ioctls share, for each of them: reserved fields, unknown flags,
 * shorter and longer structs, addresses that can't be used, unknown numbers. What
 * was refused must have had no effect: the right call succeeds afterwards.
 */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "device.h"
#include "kselftest.h"

#define MODEL "ioctl-abi"
#define OTHER "ioctl-abi-other"
#define LARGEST 256

static struct device_image image;
static __u8 entries[64 * 512];
static __u32 tokens[256];

/**
 * struct abi - one ioctl
 * @name: for the report
 * @request: number
 * @size: bytes of its struct
 * @prepare: fills the struct for a call that succeeds; returns the descriptor to
 *	call, or a negative errno
 * @finish: undoes what a successful call did; or NULL
 * @reserved: bytes from here to the end of the struct must be zero
 * @flags: where a __u32 with flags is, or 0
 * @known: flags there are
 * @writes: whether it returns something in the struct
 */
struct abi {
	const char *name;
	unsigned long request;
	size_t size;
	int (*prepare)(void *argument);
	void (*finish)(void *argument);
	size_t reserved;
	size_t flags;
	__u32 known;
	bool writes;
};

static int session(void)
{
	return device_session(MODEL, &image, 4);
}

static int prepare_nothing(void *argument)
{
	(void)argument;
	return session();
}

static int prepare_create(void *argument)
{
	struct llm_model_create *create = argument;

	memcpy(create->name, OTHER, sizeof(OTHER));
	create->size = image.size;
	return session();
}

static void finish_create(void *argument)
{
	close(((struct llm_model_create *)argument)->fd);
}

static int prepare_seal(void *argument)
{
	int buffer = device_create(OTHER, image.size);
	int error;

	(void)argument;
	error = buffer < 0 ? buffer : device_fill(buffer, image.bytes, image.size);
	return error ? error : buffer;
}

static void finish_seal(void *argument)
{
	(void)argument;
	device_unload(OTHER);
}

static int prepare_unload(void *argument)
{
	struct llm_model_unload *unload = argument;
	struct llm_model_info info;
	int error;

	memcpy(unload->name, OTHER, sizeof(OTHER));
	error = device_find_model(OTHER, &info) ? 0 : device_load(OTHER, &image, 0);
	return error ? error : session();
}

static int prepare_models(void *argument)
{
	struct llm_list *list = argument;

	list->entries = (uintptr_t)entries;
	list->entry_size = sizeof(struct llm_model_info);
	list->capacity = sizeof(entries) / sizeof(struct llm_model_info);
	return session();
}

static int prepare_sessions(void *argument)
{
	struct llm_list *list = argument;

	list->entries = (uintptr_t)entries;
	list->entry_size = sizeof(struct llm_session_info);
	list->capacity = sizeof(entries) / sizeof(struct llm_session_info);
	return session();
}

static int prepare_setup(void *argument)
{
	struct llm_session_setup *setup = argument;

	setup->set = LLM_SETUP_MAX_TOKENS;
	setup->max_tokens = 3;
	return session();
}

static int prepare_sampling(void *argument)
{
	struct llm_sampling *sampling = argument;

	sampling->set = LLM_SAMPLING_TOP_K;
	sampling->top_k = 3;
	return session();
}

static int prepare_start(void *argument)
{
	int fd = session();
	int error = fd < 0 ? fd : device_write(fd, "hello");

	(void)argument;
	return error ? error : fd;
}

static int prepare_tokenize(void *argument)
{
	struct llm_tokenize *tokenize = argument;

	tokenize->text = (uintptr_t)"hello";
	tokenize->text_length = 5;
	tokenize->tokens = (uintptr_t)tokens;
	tokenize->tokens_count = ARRAY_SIZE(tokens);
	return session();
}

static int prepare_detokenize(void *argument)
{
	static const __u32 some[] = { 270, 271, 272 };
	struct llm_tokenize *tokenize = argument;

	tokenize->tokens = (uintptr_t)some;
	tokenize->tokens_count = ARRAY_SIZE(some);
	tokenize->text = (uintptr_t)entries;
	tokenize->text_length = sizeof(entries);
	return session();
}

static int prepare_score(void *argument)
{
	struct llm_score *score = argument;

	score->text = (uintptr_t)"hello";
	score->text_length = 5;
	score->entries = (uintptr_t)entries;
	score->entries_count = sizeof(entries) / sizeof(struct llm_score_entry);
	return session();
}

static int prepare_embed(void *argument)
{
	struct llm_embed *embed = argument;

	embed->text = (uintptr_t)"hello";
	embed->text_length = 5;
	embed->vectors = (uintptr_t)entries;
	embed->vectors_count = sizeof(entries) / sizeof(__s32);
	return session();
}

static const struct abi table[] = {
	{
		"INFO", LLM_IOC_INFO, sizeof(struct llm_info), prepare_nothing, NULL,
		offsetof(struct llm_info, reserved), 0, 0, true,
	}, {
		"MODEL_CREATE", LLM_IOC_MODEL_CREATE, sizeof(struct llm_model_create),
		prepare_create, finish_create, offsetof(struct llm_model_create, reserved),
		offsetof(struct llm_model_create, flags), 0, true,
	}, {
		"MODEL_SEAL", LLM_IOC_MODEL_SEAL, sizeof(struct llm_model_seal),
		prepare_seal, finish_seal, offsetof(struct llm_model_seal, reserved),
		offsetof(struct llm_model_seal, flags), LLM_SEAL_DEFAULT, false,
	}, {
		"MODEL_UNLOAD", LLM_IOC_MODEL_UNLOAD, sizeof(struct llm_model_unload),
		prepare_unload, NULL, offsetof(struct llm_model_unload, reserved),
		0, 0, false,
	}, {
		"MODEL_LIST", LLM_IOC_MODEL_LIST, sizeof(struct llm_list),
		prepare_models, NULL, offsetof(struct llm_list, reserved),
		offsetof(struct llm_list, flags), 0, true,
	}, {
		"SETUP", LLM_IOC_SETUP, sizeof(struct llm_session_setup), prepare_setup, NULL,
		offsetof(struct llm_session_setup, reserved32),
		offsetof(struct llm_session_setup, set), 0xff, false,
	}, {
		"SAMPLING", LLM_IOC_SAMPLING, sizeof(struct llm_sampling), prepare_sampling, NULL,
		offsetof(struct llm_sampling, reserved),
		offsetof(struct llm_sampling, set), 0x3ff, false,
	}, {
		"START", LLM_IOC_START, sizeof(struct llm_start), prepare_start, NULL,
		offsetof(struct llm_start, flags), 0, 0, false,
	}, {
		"CANCEL", LLM_IOC_CANCEL, sizeof(struct llm_cancel), prepare_nothing, NULL,
		offsetof(struct llm_cancel, flags), 0, 0, false,
	}, {
		"STATUS", LLM_IOC_STATUS, sizeof(struct llm_session_info), prepare_nothing, NULL,
		offsetof(struct llm_session_info, reserved), 0, 0, true,
	}, {
		"SESSION_LIST", LLM_IOC_SESSION_LIST, sizeof(struct llm_list),
		prepare_sessions, NULL, offsetof(struct llm_list, reserved),
		offsetof(struct llm_list, flags), 0, true,
	}, {
		"TOKENIZE", LLM_IOC_TOKENIZE, sizeof(struct llm_tokenize), prepare_tokenize, NULL,
		offsetof(struct llm_tokenize, reserved32),
		offsetof(struct llm_tokenize, flags),
		LLM_TOKENIZE_SPECIAL | LLM_TOKENIZE_BOS, true,
	}, {
		"DETOKENIZE", LLM_IOC_DETOKENIZE, sizeof(struct llm_tokenize),
		prepare_detokenize, NULL,
		offsetof(struct llm_tokenize, reserved),
		offsetof(struct llm_tokenize, flags), LLM_TOKENIZE_SPECIAL, true,
	}, {
		"SCORE", LLM_IOC_SCORE, sizeof(struct llm_score), prepare_score, NULL,
		offsetof(struct llm_score, reserved),
		offsetof(struct llm_score, flags),
		LLM_TOKENIZE_SPECIAL | LLM_TOKENIZE_BOS, true,
	}, {
		"EMBED", LLM_IOC_EMBED, sizeof(struct llm_embed), prepare_embed, NULL,
		offsetof(struct llm_embed, reserved32), offsetof(struct llm_embed, flags),
		LLM_TOKENIZE_SPECIAL | LLM_EMBED_PAIR, true,
	},
};

static unsigned long sized(unsigned long request, size_t size)
{
	return _IOC(_IOC_DIR(request), _IOC_TYPE(request), _IOC_NR(request), size);
}

static void check(const struct abi *abi, const char *what, int got, int wanted)
{
	if (got != wanted)
		ksft_print_msg("%s, %s: returned %d (%s), not %d\n", abi->name, what, got,
			       strerror(-got), wanted);
	ksft_test_result(got == wanted, "%s: %s\n", abi->name, what);
}

/* The first and the last bit of every word that is reserved. */
static void check_reserved(const struct abi *abi, int fd, const __u8 *valid)
{
	__u8 argument[LARGEST];
	int got = -EINVAL;
	char what[64];

	for (size_t at = abi->reserved; at < abi->size; at += 4) {
		for (int i = 0; i < 2 && got == -EINVAL; i++) {
			memcpy(argument, valid, abi->size);
			argument[at + (i ? 3 : 0)] |= i ? 0x80 : 1;
			got = device_ioctl(fd, abi->request, argument);
		}
		snprintf(what, sizeof(what), "byte %zu, reserved, is not zero", at);
		check(abi, what, got, -EINVAL);
	}
}

static void check_flags(const struct abi *abi, int fd, const __u8 *valid)
{
	__u8 argument[LARGEST];
	int got = -EINVAL;

	for (int bit = 0; bit < 32 && got == -EINVAL; bit++) {
		__u32 flags;

		if (abi->known & 1U << bit)
			continue;
		memcpy(argument, valid, abi->size);
		memcpy(&flags, argument + abi->flags, sizeof(flags));
		flags |= 1U << bit;
		memcpy(argument + abi->flags, &flags, sizeof(flags));
		got = device_ioctl(fd, abi->request, argument);
	}
	check(abi, "a flag that is unknown", got, -EINVAL);
}

static void check_addresses(const struct abi *abi, int fd, const __u8 *valid)
{
	size_t page = sysconf(_SC_PAGESIZE);
	__u8 *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	__u8 *argument = pages + page - abi->size + 1;

	munmap(pages + page, page);
	check(abi, "no address", device_ioctl(fd, abi->request, NULL), -EFAULT);
	check(abi, "an address in the kernel",
	      device_ioctl(fd, abi->request, (void *)(uintptr_t)0xffff888000000000), -EFAULT);
	memcpy(argument, valid, abi->size - 1);
	check(abi, "a struct cut off by the end of memory",
	      device_ioctl(fd, abi->request, argument), -EFAULT);
	if (abi->writes) {
		memcpy(pages, valid, abi->size);
		mprotect(pages, page, PROT_READ);
		check(abi, "a struct that cannot be written",
		      device_ioctl(fd, abi->request, pages), -EFAULT);
	}
	munmap(pages, page);
}

/* A program built with headers of another version. */
static void check_sizes(const struct abi *abi, int fd, const __u8 *valid)
{
	static __u8 argument[1 << 14];
	static const size_t longer[] = { 1, 8, 64 };
	const size_t most = (1 << 14) - 1;
	char what[64];
	int got;

	for (size_t i = 0; i < ARRAY_SIZE(longer); i++) {
		memset(argument, 0, sizeof(argument));
		memcpy(argument, valid, abi->size);
		argument[abi->size + longer[i] - 1] = 1;
		snprintf(what, sizeof(what), "%zu bytes longer, not zero", longer[i]);
		check(abi, what, device_ioctl(fd, sized(abi->request, abi->size + longer[i]),
					      argument), -E2BIG);
	}

	memset(argument, 0, sizeof(argument));
	memcpy(argument, valid, abi->size);
	got = device_ioctl(fd, sized(abi->request, most), argument);
	check(abi, "as long as can be, zero", got, 0);
	if (!got && abi->finish)
		abi->finish(argument);
}

static void check_shorter(const struct abi *abi)
{
	__u8 argument[LARGEST] = { 0 };
	int fd = abi->prepare(argument);
	int got = fd;

	if (fd >= 0) {
		argument[abi->size - 1] = 0xa5;
		got = device_ioctl(fd, sized(abi->request, abi->size - 1), argument);
		if (!got && argument[abi->size - 1] != 0xa5) {
			ksft_print_msg("a byte past the struct was written\n");
			got = -EOVERFLOW;
		}
		if (!got && abi->finish)
			abi->finish(argument);
		close(fd);
	}
	check(abi, "one byte shorter", got, 0);
}

/* What only takes a struct does not write to it. */
static void check_read_only(const struct abi *abi)
{
	__u8 *argument = mmap(NULL, LARGEST, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			      -1, 0);
	int fd = abi->prepare(argument);
	int got = fd;

	if (fd >= 0) {
		mprotect(argument, LARGEST, PROT_READ);
		got = device_ioctl(fd, abi->request, argument);
		if (!got && abi->finish)
			abi->finish(argument);
		close(fd);
	}
	munmap(argument, LARGEST);
	check(abi, "a constant struct", got, 0);
}

static int count_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void check_abi(const struct abi *abi)
{
	__u8 argument[LARGEST] = { 0 };
	__u8 valid[LARGEST] = { 0 };
	int before = count_descriptors();
	int fd = abi->prepare(valid);
	int got;

	if (fd < 0) {
		check(abi, "setting up", fd, 0);
		return;
	}
	check_reserved(abi, fd, valid);
	if (abi->flags)
		check_flags(abi, fd, valid);
	check_addresses(abi, fd, valid);
	memcpy(argument, valid, abi->size);
	got = device_ioctl(fd, abi->request, argument);
	check(abi, "the right call, after all the wrong ones", got, 0);
	if (!got && abi->finish)
		abi->finish(argument);
	close(fd);

	memset(valid, 0, sizeof(valid));
	fd = abi->prepare(valid);
	check_sizes(abi, fd, valid);
	close(fd);
	check_shorter(abi);
	if (!abi->writes)
		check_read_only(abi);
	if (count_descriptors() != before)
		ksft_print_msg("%d descriptors are left, not %d\n", count_descriptors(), before);
	ksft_test_result(count_descriptors() == before, "%s: no descriptor is left over\n",
			 abi->name);
}

static bool is_known(int number)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (_IOC_NR(table[i].request) == (unsigned int)number)
			return true;
	}
	return false;
}

static void check_numbers(void)
{
	__u8 argument[LARGEST] = { 0 };
	int buffer = device_create(OTHER, 4096);
	int fd = session();
	int wrong = 0;

	for (int number = 0; number < 256; number++) {
		unsigned long request = _IOC(_IOC_READ | _IOC_WRITE, LLM_IOC_MAGIC, number, 64);
		int got = is_known(number) ? -ENOTTY : device_ioctl(fd, request, argument);

		if (got != -ENOTTY) {
			ksft_print_msg("0x%02x: %s\n", number, strerror(-got));
			wrong++;
		}
	}
	ksft_test_result(!wrong, "unknown numbers are ENOTTY\n");

	wrong = 0;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		unsigned long request = table[i].request;

		request = _IOC(_IOC_DIR(request), 0xBD, _IOC_NR(request), _IOC_SIZE(request));
		wrong += device_ioctl(fd, request, argument) != -ENOTTY;
	}
	ksft_test_result(!wrong, "numbers of another type are ENOTTY\n");

	wrong = 0;
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		bool seal = table[i].request == LLM_IOC_MODEL_SEAL;

		memset(argument, 0, sizeof(argument));
		if (device_ioctl(seal ? fd : buffer, table[i].request, argument) != -ENOTTY) {
			ksft_print_msg("%s\n", table[i].name);
			wrong++;
		}
	}
	ksft_test_result(!wrong, "buffers and sessions have their own ioctls\n");
	close(fd);
	close(buffer);
}

int main(void)
{
	struct llm_model_info info;

	ksft_print_header();
	device_image_make(&image, 2);
	if (device_load(MODEL, &image, LLM_SEAL_DEFAULT))
		ksft_exit_fail_msg("there is no model to test with\n");
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		check_abi(&table[i]);
	check_numbers();
	if (device_find_model(OTHER, &info))
		device_unload(OTHER);
	ksft_test_result(!device_unload_soon(MODEL), "nothing uses the model afterwards\n");
	ksft_set_plan(ksft_test_num());
	ksft_finished();
}
